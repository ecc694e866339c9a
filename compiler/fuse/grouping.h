/* Between the files of fuse/: the state of grouping. */
#ifndef GROUPING_H
#define GROUPING_H

#include "compiler/fuse/group.h"
#include "compiler/ir/op.h"

typedef VEC(NodeId) NodeList;

typedef struct {
    Plan *plan;
    const Graph *graph;
    const FusionOptions *fusions;
    uint64_t cache_bytes; /* of one core */
    bool *live;           /* by node, as all that follow: a result needs it */
    NodeList *users;      /* a reshape is a user, and has users of its own */
    bool *inlined;        /* computed wherever it is read */
    bool *is_result;
    bool *always;           /* needed in every step, not only when weights are updated */
    int *group_of;          /* -1: none */
    VEC(bool) group_always; /* by group: of its members */
    VEC(Type) space;        /* by group: the dims its points run over */
    VEC(NodeList) reads;    /* by group: stored nodes it loads */
} Grouping;

static inline const Node *grouping_node(const Grouping *grouping, NodeId id)
{
    return graph_node(grouping->graph, id);
}

static inline OpClass grouping_class(const Grouping *grouping, NodeId id)
{
    return node_op(grouping_node(grouping, id))->class;
}

static inline bool grouping_allows(const Grouping *grouping, FusionId fusion)
{
    return !grouping->fusions->off[fusion];
}

static inline Group *grouping_group(const Grouping *grouping, int index)
{
    return &grouping->plan->groups.items[index];
}

/** Makes a node the first of a new group; `anchor`: the one that sums. */
void grouping_start(Grouping *grouping, NodeId id, bool anchor);
/** Adds a node to a group. */
void grouping_join(Grouping *grouping, int index, NodeId id);
/** May `id` join group `index` without the group having to wait for itself? */
bool grouping_is_acyclic(const Grouping *grouping, int index, NodeId id);
/** Would `id`, as the new value of a tensor, be written there by group `index` before others have read the
 * old one, since they wait for the group? */
bool grouping_overwrites_too_early(const Grouping *grouping, int index, NodeId id);

/** Notes why `node` is not in the group of `operand`; false, for rules to return. */
bool grouping_refuse(Grouping *grouping, NodeId node, NodeId operand, RefusalId why, const char *detail);
/** The same: because a fusion is switched off. */
bool grouping_refuse_off(Grouping *grouping, NodeId node, NodeId operand, FusionId fusion);
/** The same for the window of a pool, and what it reads. */
bool grouping_refuse_window(Grouping *grouping, NodeId node, RefusalId why);

/** Puts a node where the rules of fusion say (group_rules.c). */
void grouping_place(Grouping *grouping, NodeId id);

#endif
