/* The plan: phases of groups. A group is a set of nodes that become one kernel (or a few, one for each class
 * of a strided gradient); values inside it are never stored, values that others read are, each at its offset
 * in a segment. */
#ifndef PLAN_H
#define PLAN_H

#include "compiler/ir/graph.h"
#include "compiler/ir/kernel.h"
#include "runtime/image.h"

typedef enum {
#define FUSION(id, name, doc) FUSION_##id,
#include "compiler/fuse/fusions.def"
#undef FUSION
    FUSION_COUNT
} FusionId;

typedef struct {
    bool off[FUSION_COUNT]; /* by FusionId: switched off; all of them: each node alone */
} FusionOptions;

/* One kind of fusion: its name is the flag that turns it off (`--no-NAME`) and what the report says. */
typedef struct {
    const char *name;
    const char *doc;
} Fusion;
extern const Fusion fusion_table[FUSION_COUNT];

typedef struct {
    VEC(NodeId)
    members; /* in topological order; the first contraction, window or reduction among them is its anchor */
    VEC(NodeId) outputs; /* members that are stored */
    VEC(NodeId) sums; /* outputs that are sums over the batch of values made here, joined as added stores */
    NodeId anchor;    /* NODE_NONE: only pointwise and views */
    bool chunked;     /* runs sample by sample within a phase; else over the whole batch */
    PhaseWhen when;   /* WHEN_UPDATE: only the update of the weights needs it; WHEN_CHANGED: it is made of
                         weights   alone, which this graph does not change */
    VEC(Kernel *) kernels;
} Group;

typedef struct {
    PhaseKind kind;
    PhaseWhen when;
    int first_group, group_count;
    int64_t chunk;
} Phase;

typedef struct {
    NodeId node;
    Segment segment;
    uint64_t offset, bytes, lead_bytes;
    int first_use, last_use; /* groups */
} Buffer;

typedef enum {
#define REFUSAL(id, why, change) REFUSED_##id,
#include "compiler/fuse/refusals.def"
#undef REFUSAL
    REFUSAL_COUNT
} RefusalId;

/* For the user, as parts of a sentence (refusals.def). */
typedef struct {
    const char *why;
    const char *change; /* or NULL */
} RefusalInfo;
extern const RefusalInfo refusal_table[REFUSAL_COUNT];

/* A rule of fusion that refused: `node` is not computed in the kernel that makes `operand`. */
typedef struct {
    NodeId node, operand; /* operand: NODE_NONE where the node stands alone whatever it reads */
    RefusalId why;
    const char *detail; /* the numbers that the rule looked at: "a window of 3x3, stride 2x2"; or NULL */
} Refusal;

typedef struct Plan {
    Arena *arena;
    const Graph *graph;
    VEC(Group) groups; /* in order of execution */
    VEC(Phase) phases;
    VEC(Buffer) buffers;
    VEC(Refusal) refusals; /* in the order of the nodes that got a group of their own */
    int *buffer_of;        /* by NodeId: index into buffers, -1: not stored */
    uint64_t batch_bytes, worker_bytes;
} Plan;

typedef struct {
    FusionOptions fusions;
    uint64_t cache_bytes; /* of one core: what a chunk's tensors should fit into */
    bool at_once;         /* a chunk is the whole batch: for a device that has room and work for all of it */
} PlanOptions;

/** True when a reshape only adds or removes extents of 1, so that it can be looked through inside a group. */
bool reshape_is_trivial(const Type *from, const Type *to);
/** The node whose memory `id` is: `id` itself, or what a chain of reshapes starts from. */
NodeId plan_root(const Graph *graph, NodeId id);

/** By node: the group that stores it, or -1. In the plan's arena. */
int *plan_makers(const Plan *plan);

/** Groups, phases and buffers; no kernels yet (schedule/lower.h). */
Plan *plan_make(Arena *arena, const Graph *graph, const PlanOptions *options);
void plan_print(const Plan *plan, Text *out);
void plan_verify(const Plan *plan);
/** Bytes of all segments that `threads` workers take for a training that is evaluated by `eval`; the data's
 * batches are not among them. What cnn_device_bytes will be. */
uint64_t plan_bytes(const Plan *train, const Plan *eval, int threads);

#endif
