/* Which nodes become one kernel. Nodes are visited in topological order; each starts a group or joins one
 * that exists, so that a group reads only groups that come before it. */
#include "compiler/fuse/grouping.h"

#include <inttypes.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ops/pointwise.h"
#include "compiler/ops/window.h"

const Fusion fusion_table[FUSION_COUNT] = {
#define FUSION(id, name, doc) [FUSION_##id] = {name, doc},
#include "compiler/fuse/fusions.def"
#undef FUSION
};

/* A matmul with more weights than this is worth running over the whole batch: a chunk of a few samples would
 * read all of them each time. Bytes. */
enum { WIDE_BYTES = 256 * 1024 };

bool reshape_is_trivial(const Type *from, const Type *to)
{
    int k = 0;
    for (int i = 0; i < from->rank; i++) {
        if (from->dim[i] == 1)
            continue;
        while (k < to->rank && to->dim[k] == 1)
            k++;
        if (k == to->rank || to->dim[k] != from->dim[i])
            return false;
        k++;
    }
    while (k < to->rank && to->dim[k] == 1)
        k++;
    return k == to->rank && from->lead == to->lead;
}

NodeId plan_root(const Graph *graph, NodeId id)
{
    while (node_op(graph_node(graph, id))->class == OP_ALIAS)
        id = graph_node(graph, id)->in[0];
    return id;
}

/* ---- What is known before grouping ---- */

static void find_users(Grouping *grouping)
{
    const Graph *graph = grouping->graph;
    for (size_t i = 0; i < graph->results.count; i++) {
        const Result *result = &graph->results.items[i];
        grouping->live[result->node] = grouping->is_result[result->node] = true;
        grouping->always[result->node] = grouping->always[result->node] || !result->on_update;
        if (result->role == RESULT_UPDATE)
            grouping->live[result->target] = true;
    }
    for (size_t i = graph->nodes.count; i-- > 0;) {
        const Node *node = graph_node(graph, (NodeId)i);
        for (int k = 0; grouping->live[i] && k < node->in_count; k++) {
            grouping->live[node->in[k]] = true;
            grouping->always[node->in[k]] = grouping->always[node->in[k]] || grouping->always[i];
        }
    }
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        for (int k = 0; grouping->live[id] && k < node->in_count; k++)
            *vec_push(grouping->plan->arena, &grouping->users[node->in[k]]) = id;
    }
}

/* Views are indices of their readers, unless a contraction or window reads them (over and over), or a result
 * is wanted. */
static bool can_inline(const Grouping *grouping, NodeId id)
{
    if (grouping_class(grouping, id) != OP_VIEW || grouping->is_result[id] ||
        !grouping_allows(grouping, FUSION_VIEWS))
        return false;
    const NodeList *users = &grouping->users[id];
    for (size_t i = 0; i < users->count; i++) {
        OpClass user = grouping_class(grouping, users->items[i]);
        bool view = user == OP_VIEW && grouping->inlined[users->items[i]];
        if (user != OP_POINTWISE && user != OP_REDUCE && !view)
            return false;
    }
    return true;
}

/* Stored whatever else is decided: leaves, results, operands of contractions. */
static bool is_surely_stored(const Grouping *grouping, NodeId id)
{
    if (grouping_class(grouping, id) == OP_LEAF || grouping->is_result[id])
        return true;
    for (size_t i = 0; i < grouping->users[id].count; i++) {
        NodeId user = grouping->users[id].items[i];
        OpClass class = grouping_class(grouping, user);
        if (class == OP_CONTRACT || class == OP_TRANSFORM ||
            (class == OP_ALIAS && is_surely_stored(grouping, user)))
            return true;
    }
    return false;
}

/* Nobody reads it more than once for each element, or wants it as a result: those who do can make it again.
 */
static bool only_pointwise_readers(const Grouping *grouping, NodeId id)
{
    for (size_t i = 0; i < grouping->users[id].count; i++) {
        OpClass user = grouping_class(grouping, grouping->users[id].items[i]);
        if (user != OP_POINTWISE && user != OP_REDUCE)
            return false;
    }
    return !grouping->is_result[id];
}

/* A dropout mask and its like read nothing but random numbers and constants: their readers make them again.
 * So they do with the mask of an activation whose result is stored for other reasons. */
static bool is_made_again(const Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    if (grouping_class(grouping, id) != OP_POINTWISE || !grouping_allows(grouping, FUSION_ELEMENTWISE))
        return false;
    bool compares = node->op == OP_greater || node->op == OP_equal;
    for (int k = 0; k < node->in_count; k++)
        if (grouping_class(grouping, node->in[k]) != OP_VALUE && !grouping->inlined[node->in[k]] &&
            !(compares && is_surely_stored(grouping, node->in[k])))
            return false;
    return only_pointwise_readers(grouping, id);
}

/* A normalized value is two operations on what it is made of, which is stored, since its moments were taken
 * of it: its readers make it again. */
static bool is_normalized_again(const Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    if (node->op != OP_normalized || !grouping_allows(grouping, FUSION_ELEMENTWISE) ||
        grouping->users[node->in[0]].count < 2)
        return false;
    return only_pointwise_readers(grouping, id);
}

/* An operand that costs its reader no more than a load, whoever the reader is. */
static bool is_at_hand(const Grouping *grouping, NodeId id, const Type *reader)
{
    OpClass class = grouping_class(grouping, id);
    return class == OP_VALUE || class == OP_LEAF || grouping->inlined[id] ||
           type_elements(graph_type(grouping->graph, id)) < type_elements(reader);
}

/* So do they with a normalized value that is scaled and shifted: the mask of an activation, in the backward
 * pass, is that of what the gradient of the normalization reads anyway. */
static bool is_shifted_again(const Grouping *grouping, NodeId id)
{
    NodeId normalized = pointwise_normalized(grouping->graph, id);
    if (normalized == NODE_NONE || !is_normalized_again(grouping, normalized))
        return false;
    for (NodeId at = id; at != normalized; at = grouping_node(grouping, at)->in[0])
        if (!is_at_hand(grouping, grouping_node(grouping, at)->in[1], graph_type(grouping->graph, at)))
            return false;
    return only_pointwise_readers(grouping, id);
}

/* What only leaves, statistics and the like enter into (the part of an optimizer's step that needs no
 * gradient: momentum times the old mean) and one pointwise node reads is computed there: a group of its own
 * would come before the reader's, and take the reader with it. */
static bool is_made_for_reader(const Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    if (grouping_class(grouping, id) != OP_POINTWISE || grouping->is_result[id] ||
        !grouping_allows(grouping, FUSION_ELEMENTWISE) || grouping->users[id].count != 1)
        return false;
    const Node *reader = grouping_node(grouping, grouping->users[id].items[0]);
    if (node_op(reader)->class != OP_POINTWISE || !type_equal(&reader->type, &node->type))
        return false;
    for (int k = 0; k < node->in_count; k++)
        if (!is_at_hand(grouping, node->in[k], &node->type))
            return false;
    return true;
}

/* Does the node take a max-pool's gradient from the pooled one and the choices, a pixel at a time? */
static bool unpools(const Node *node, NodeId spread)
{
    if (node->op == OP_conv2d_dw)
        return node->in[1] == spread && ((const WindowAttrs *)node->attrs)->groups == 1;
    return node->op == OP_winograd_slope || node->op == OP_winograd_input;
}

/* The gradient of a max-pool that only weight gradients and transforms read is not spread out over the
 * picture in memory. */
static bool is_unpooled_by_reader(const Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    if (node->op != OP_maxpool_dx || grouping->is_result[id] || !grouping_allows(grouping, FUSION_POOL) ||
        !window_is_tiling(node->attrs))
        return false;
    for (size_t i = 0; i < grouping->users[id].count; i++)
        if (!unpools(grouping_node(grouping, grouping->users[id].items[i]), id))
            return false;
    return true;
}

static void refuse_normalized(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    bool of_sample = graph_type(grouping->graph, node->in[1])->lead == LEAD_BATCH;
    grouping_refuse(grouping, id, node->in[0], of_sample ? REFUSED_OWN_STATISTICS : REFUSED_STATISTICS, NULL);
}

static void find_inlined(Grouping *grouping)
{
    for (NodeId id = 0; id < grouping->graph->nodes.count; id++)
        if (grouping->live[id] && is_normalized_again(grouping, id))
            refuse_normalized(grouping, id);
    for (NodeId id = 0; id < grouping->graph->nodes.count; id++)
        grouping->inlined[id] =
            grouping->live[id] && (is_made_again(grouping, id) || is_normalized_again(grouping, id) ||
                                   is_shifted_again(grouping, id) || is_made_for_reader(grouping, id) ||
                                   is_unpooled_by_reader(grouping, id));
    for (size_t i = grouping->graph->nodes.count; i-- > 0;)
        grouping->inlined[i] = grouping->inlined[i] || (grouping->live[i] && can_inline(grouping, (NodeId)i));
}

/* ---- Groups and what they read ---- */

/* Takes a node and everything that is computed with it (inlined views, values) as a member; what is loaded
 * goes to `reads`. */
static void add_member(Grouping *grouping, int index, NodeId id);

static void add_operand(Grouping *grouping, int index, NodeId id)
{
    Group *group = grouping_group(grouping, index);
    OpClass class = grouping_class(grouping, id);
    for (size_t i = 0; i < group->members.count; i++)
        if (group->members.items[i] == id)
            return;
    NodeId root = plan_root(grouping->graph, id);
    if (class == OP_VALUE || grouping->inlined[id] ||
        (class == OP_ALIAS && (grouping->group_of[root] == index || grouping->inlined[root]))) {
        add_member(grouping, index, id);
        return;
    }
    if (class == OP_ALIAS && grouping_class(grouping, root) == OP_VALUE) {
        add_member(grouping, index, id);
        return;
    }
    *vec_push(grouping->plan->arena, &grouping->reads.items[index]) = root;
}

static void add_member(Grouping *grouping, int index, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    for (int k = 0; k < node->in_count; k++)
        add_operand(grouping, index, node->in[k]);
    *vec_push(grouping->plan->arena, &grouping_group(grouping, index)->members) = id;
}

static int new_group(Grouping *grouping, NodeId first, NodeId anchor, const Type *space)
{
    Arena *arena = grouping->plan->arena;
    *vec_push(arena, &grouping->plan->groups) = (Group){.anchor = anchor};
    *vec_push(arena, &grouping->group_always) = grouping->always[first];
    *vec_push(arena, &grouping->space) = *space;
    *vec_push(arena, &grouping->reads) = (NodeList){0};
    return (int)grouping->plan->groups.count - 1;
}

void grouping_start(Grouping *grouping, NodeId id, bool anchor)
{
    int index = new_group(grouping, id, anchor ? id : NODE_NONE, &grouping_node(grouping, id)->type);
    grouping->group_of[id] = index;
    add_member(grouping, index, id);
}

void grouping_join(Grouping *grouping, int index, NodeId id)
{
    grouping->group_of[id] = index;
    add_member(grouping, index, id);
}

/* Does group `later` need, directly or not, what group `earlier` makes? */
static bool depends(const Grouping *grouping, int later, int earlier, bool *visited)
{
    if (later == earlier)
        return true;
    if (visited[later])
        return false;
    visited[later] = true;
    const NodeList *reads = &grouping->reads.items[later];
    for (size_t i = 0; i < reads->count; i++) {
        int made = grouping->group_of[reads->items[i]];
        if (made >= 0 && depends(grouping, made, earlier, visited))
            return true;
    }
    return false;
}

/* May `id` join group `index` without the group having to wait for itself? */
bool grouping_is_acyclic(const Grouping *grouping, int index, NodeId id)
{
    bool *visited = NEW_ARRAY(grouping->plan->arena, bool, grouping->plan->groups.count);
    VEC(NodeId) open = {0};
    *vec_push(grouping->plan->arena, &open) = id;
    while (open.count) {
        NodeId at = open.items[--open.count];
        const Node *node = grouping_node(grouping, at);
        for (int k = 0; k < node->in_count; k++) {
            NodeId root = plan_root(grouping->graph, node->in[k]);
            int made = grouping->group_of[root];
            if (grouping->inlined[root])
                *vec_push(grouping->plan->arena, &open) = root;
            else if (made >= 0 && made != index && depends(grouping, made, index, visited))
                return false;
        }
    }
    return true;
}

/* Is there a group that reads the node, directly or through what is computed in place, and needs what group
 * `index` makes? */
static bool is_read_behind(const Grouping *grouping, NodeId id, int index)
{
    const NodeList *users = &grouping->users[id];
    for (size_t i = 0; i < users->count; i++) {
        NodeId user = users->items[i];
        int reader = grouping->group_of[user];
        if (grouping_class(grouping, user) == OP_ALIAS || grouping->inlined[user]) {
            if (is_read_behind(grouping, user, index))
                return true;
            continue;
        }
        bool *visited = NEW_ARRAY(grouping->plan->arena, bool, grouping->plan->groups.count);
        if (reader >= 0 && reader != index && depends(grouping, reader, index, visited))
            return true;
    }
    return false;
}

bool grouping_overwrites_too_early(const Grouping *grouping, int index, NodeId id)
{
    const Graph *graph = grouping->graph;
    for (size_t i = 0; i < graph->results.count; i++) {
        const Result *result = &graph->results.items[i];
        if (result->role == RESULT_UPDATE && plan_root(graph, result->node) == id &&
            is_read_behind(grouping, result->target, index))
            return true;
    }
    return false;
}

/* ---- After grouping ---- */

/* A node must be stored when a result or another group reads it, directly or through reshapes. */
static bool read_outside(const Grouping *grouping, NodeId id, int index)
{
    if (grouping->is_result[id])
        return true;
    const NodeList *users = &grouping->users[id];
    for (size_t i = 0; i < users->count; i++) {
        NodeId user = users->items[i];
        OpClass class = grouping_class(grouping, user);
        if (class == OP_ALIAS || grouping->inlined[user]) {
            if (read_outside(grouping, user, index))
                return true;
        } else if (grouping->group_of[user] != index) {
            return true;
        }
    }
    return false;
}

static void list_outputs(Grouping *grouping)
{
    for (size_t g = 0; g < grouping->plan->groups.count; g++) {
        Group *group = &grouping->plan->groups.items[g];
        for (size_t i = 0; i < group->members.count; i++) {
            NodeId member = group->members.items[i];
            if (grouping->group_of[member] == (int)g && read_outside(grouping, member, (int)g))
                *vec_push(grouping->plan->arena, &group->outputs) = member;
        }
        if (group->outputs.count == 0)
            BUG("nothing reads the group of %%%u", group->members.items[0]);
    }
}

static int64_t node_bytes(const Grouping *grouping, NodeId id)
{
    const Type *type = graph_type(grouping->graph, id);
    return type_elements(type) * (int64_t)dtype_bytes(type->dtype);
}

static bool refuse_wide(Grouping *grouping, NodeId id, int64_t bytes, int64_t limit)
{
    const char *detail = arena_printf(grouping->plan->arena, "%" PRId64 " KiB; the limit is %" PRId64 " KiB",
                                      bytes / 1024, limit / 1024);
    return grouping_refuse(grouping, id, NODE_NONE, REFUSED_WIDE_WEIGHTS, detail);
}

/* Reading them for every few samples costs more than the batch's values, which then wait in memory. */
static bool has_wide_weights(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    if (node->op == OP_winograd_product)
        return samples_for_kernel(grouping->plan, id, grouping->cache_bytes) > grouping->graph->slice &&
               !refuse_wide(grouping, id, node_bytes(grouping, node->in[1]),
                            (int64_t)grouping->cache_bytes / 2);
    for (int k = 0; k < node->in_count && node->op == OP_matmul; k++) {
        int64_t bytes = node_bytes(grouping, node->in[k]);
        if (graph_type(grouping->graph, node->in[k])->lead == LEAD_NONE && bytes > WIDE_BYTES)
            return !refuse_wide(grouping, id, bytes, WIDE_BYTES);
    }
    return false;
}

/* Sample by sample, unless no sample is in it, or only one (the workers divide its rows then), or its weights
 * are too many to be read for every few samples. */
static bool runs_in_chunks(Grouping *grouping, const Group *group, int index)
{
    const Type *space = &grouping->space.items[index];
    if (space->lead == LEAD_SLICE)
        return true;
    if (space->lead != LEAD_BATCH || grouping->graph->batch == 1)
        return false;
    return group->anchor == NODE_NONE || !has_wide_weights(grouping, group->anchor);
}

/* By node: is it made of weights and running statistics alone, in a graph that changes none of them? */
static bool *find_kept(const Grouping *grouping)
{
    const Graph *graph = grouping->graph;
    bool *kept = NEW_ARRAY(grouping->plan->arena, bool, graph->nodes.count);
    if (graph_find_result(graph, RESULT_UPDATE) != NODE_NONE)
        return kept;
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        if (node->op == OP_leaf) {
            LeafKind kind = ((const LeafAttrs *)node->attrs)->kind;
            kept[id] = kind == LEAF_PARAMETER || kind == LEAF_STATE || kind == LEAF_TABLE;
            continue;
        }
        kept[id] = node->op != OP_random && node->op != OP_mask && node->type.lead == LEAD_NONE;
        for (int k = 0; k < node->in_count; k++)
            kept[id] = kept[id] && kept[node->in[k]];
    }
    return kept;
}

static bool is_kept(const Group *group, const bool *kept)
{
    for (size_t i = 0; i < group->outputs.count; i++)
        if (!kept[group->outputs.items[i]])
            return false;
    return true;
}

/* Does it read what another group makes anew in every step? (One that makes several things, of which some are
 * kept, does.) */
static bool reads_changing(const Grouping *grouping, int index)
{
    const NodeList *reads = &grouping->reads.items[index];
    for (size_t i = 0; i < reads->count; i++) {
        int made = grouping->group_of[reads->items[i]];
        if (made >= 0 && made != index && grouping_group(grouping, made)->when != WHEN_CHANGED)
            return true;
    }
    return false;
}

/* What is kept from step to step comes before all else, so it waits for nothing that does not. */
static void keep_only_what_can_go_first(Grouping *grouping)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t g = 0; g < grouping->plan->groups.count; g++) {
            Group *group = grouping_group(grouping, (int)g);
            if (group->when == WHEN_CHANGED && reads_changing(grouping, (int)g)) {
                group->when = grouping->group_always.items[g] ? WHEN_ALWAYS : WHEN_UPDATE;
                changed = true;
            }
        }
    }
}

static void choose_when_and_how(Grouping *grouping)
{
    const bool *kept = find_kept(grouping);
    for (size_t g = 0; g < grouping->plan->groups.count; g++) {
        Group *group = &grouping->plan->groups.items[g];
        group->chunked = runs_in_chunks(grouping, group, (int)g);
        group->when = is_kept(group, kept)              ? WHEN_CHANGED
                      : grouping->group_always.items[g] ? WHEN_ALWAYS
                                                        : WHEN_UPDATE;
    }
    keep_only_what_can_go_first(grouping);
}

void group_nodes(Plan *plan, const PlanOptions *options)
{
    const Graph *graph = plan->graph;
    Arena *arena = plan->arena;
    size_t count = graph->nodes.count;
    Grouping grouping = {
        .plan = plan, .graph = graph, .fusions = &options->fusions, .cache_bytes = options->cache_bytes};
    grouping.live = NEW_ARRAY(arena, bool, count);
    grouping.users = NEW_ARRAY(arena, NodeList, count);
    grouping.inlined = NEW_ARRAY(arena, bool, count);
    grouping.always = NEW_ARRAY(arena, bool, count);
    grouping.is_result = NEW_ARRAY(arena, bool, count);
    grouping.group_of = NEW_ARRAY(arena, int, count);
    memset(grouping.group_of, 0xff, count * sizeof(int));
    find_users(&grouping);
    find_inlined(&grouping);
    for (NodeId id = 0; id < count; id++)
        if (grouping.live[id])
            grouping_place(&grouping, id);
    list_outputs(&grouping);
    choose_when_and_how(&grouping);
}
