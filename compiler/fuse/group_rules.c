/* The rules of fusion: which group a node joins. Each asks for the FusionId that it belongs to. */
#include <string.h>

#include "compiler/fuse/grouping.h"
#include "compiler/ops/window.h"

/* Accumulators of one output point in a convolution with a pool. */
enum { POOL_WINDOW_MOST = 4 };

static bool is_sliced(const Grouping *grouping, int index)
{
    return grouping->space.items[index].lead == LEAD_SLICE;
}

static OpClass anchor_class(const Grouping *grouping, int index)
{
    NodeId anchor = grouping_group(grouping, index)->anchor;
    return anchor == NODE_NONE ? OP_POINTWISE : grouping_class(grouping, anchor);
}

/* Sums over slices end in the update of the weights. */
static bool sums_slices(const Grouping *grouping, int index)
{
    NodeId anchor = grouping_group(grouping, index)->anchor;
    return anchor != NODE_NONE && grouping_class(grouping, anchor) == OP_REDUCE &&
           graph_type(grouping->graph, plan_root(grouping->graph, grouping_node(grouping, anchor)->in[0]))
                   ->lead == LEAD_SLICE;
}

/* What a pointwise node after this group is. */
static FusionId epilogue_fusion(const Grouping *grouping, int index)
{
    if (sums_slices(grouping, index))
        return FUSION_UPDATE;
    switch (anchor_class(grouping, index)) {
    case OP_CONTRACT:
    case OP_TRANSFORM:
        return FUSION_EPILOGUE;
    case OP_REDUCE:
        return FUSION_REDUCE;
    case OP_WINDOW:
        return FUSION_POOL;
    default:
        return FUSION_ELEMENTWISE;
    }
}

/* Can `id` be read inside group `index`: is nothing but extents of 1 between it and what the group makes? */
static bool is_visible(const Grouping *grouping, int index, NodeId id)
{
    if (grouping->group_of[plan_root(grouping->graph, id)] != index)
        return true;
    for (; grouping_class(grouping, id) == OP_ALIAS; id = grouping_node(grouping, id)->in[0])
        if (!reshape_is_trivial(graph_type(grouping->graph, grouping_node(grouping, id)->in[0]),
                                graph_type(grouping->graph, id)))
            return false;
    return true;
}

static bool operands_visible(const Grouping *grouping, int index, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    for (int k = 0; k < node->in_count; k++)
        if (!is_visible(grouping, index, node->in[k]))
            return false;
    return true;
}

/* Joins, or notes why it cannot; `operand` is made there. */
static bool join_pointwise_group(Grouping *grouping, int index, NodeId id, NodeId operand)
{
    const Type *type = &grouping_node(grouping, id)->type, *space = &grouping->space.items[index];
    FusionId fusion = epilogue_fusion(grouping, index);
    if (is_sliced(grouping, index))
        return grouping_refuse(grouping, id, operand, REFUSED_PARTIAL_SUM, NULL);
    if (grouping->group_always.items[index] != grouping->always[id])
        return grouping_refuse(grouping, id, operand, REFUSED_OTHER_TIME, NULL);
    if (!grouping_allows(grouping, fusion))
        return grouping_refuse_off(grouping, id, operand, fusion);
    if (type->lead == LEAD_BATCH && space->lead == LEAD_NONE)
        return grouping_refuse(grouping, id, operand, REFUSED_STATISTICS, NULL);
    if (!reshape_is_trivial(type, space)) {
        bool reshaped = type_elements(type) == type_elements(space) && type->lead == space->lead;
        return grouping_refuse(grouping, id, operand, reshaped ? REFUSED_RESHAPED : REFUSED_OTHER_SHAPE,
                               NULL);
    }
    if (!operands_visible(grouping, index, id))
        return grouping_refuse(grouping, id, operand, REFUSED_RESHAPED, NULL);
    if (!grouping_is_acyclic(grouping, index, id) || grouping_overwrites_too_early(grouping, index, id))
        return grouping_refuse(grouping, id, operand, REFUSED_WAITS, NULL);
    grouping_join(grouping, index, id);
    return true;
}

/* Pointwise after anything of the same shape: the newest group among its operands' that it may join. */
static bool join_pointwise(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    size_t refused = grouping->plan->refusals.count;
    for (int limit = (int)grouping->plan->groups.count;;) {
        int best = -1;
        NodeId operand = NODE_NONE;
        for (int k = 0; k < node->in_count; k++) {
            int made = grouping->group_of[plan_root(grouping->graph, node->in[k])];
            if (made > best && made < limit) {
                best = made;
                operand = node->in[k];
            }
        }
        if (best < 0)
            return false;
        if (join_pointwise_group(grouping, best, id, operand)) {
            grouping->plan->refusals.count = refused;
            return true;
        }
        limit = best;
    }
}

static const WindowAttrs *window_of(const Node *node)
{
    return node->attrs;
}

/* Every reader of the convolution's result is a max-pool, or the choice of one, over the same windows. */
static bool only_pools_read(const Grouping *grouping, NodeId id, const WindowAttrs *window)
{
    const NodeList *users = &grouping->users[id];
    for (size_t i = 0; i < users->count; i++) {
        const Node *user = grouping_node(grouping, users->items[i]);
        if (user->op != OP_maxpool && user->op != OP_maxpool_choice)
            return false;
        if (memcmp(window_of(user), window, sizeof *window) != 0)
            return false;
    }
    return !grouping->is_result[id];
}

/* Only pixels inside pooled windows are computed once a pool has joined, so nothing at full size may be
 * stored. */
static bool stores_full_size(const Grouping *grouping, int index, NodeId pooled)
{
    const Group *group = grouping_group(grouping, index);
    for (size_t i = 0; i < group->members.count; i++) {
        NodeId member = group->members.items[i];
        if (grouping->group_of[member] == index &&
            (grouping->is_result[member] || (member != pooled && grouping->users[member].count > 1)))
            return true;
    }
    return false;
}

/* A convolution, or the transform that ends it. */
static bool makes_pixels(const Grouping *grouping, int index)
{
    NodeId anchor = grouping_group(grouping, index)->anchor;
    return anchor_class(grouping, index) == OP_CONTRACT ||
           (anchor != NODE_NONE && grouping_node(grouping, anchor)->op == OP_winograd_output);
}

/* Do all pixels of a pool's window belong to one tile of the convolution? */
static bool fits_tiles(const Grouping *grouping, int index, const WindowAttrs *window)
{
    const Node *anchor = grouping_node(grouping, grouping_group(grouping, index)->anchor);
    if (anchor->op != OP_winograd_output)
        return true;
    int64_t tile = ((const WinogradAttrs *)anchor->attrs)->tile;
    return tile % window->window_height == 0 && tile % window->window_width == 0;
}

static bool join_pool(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    int made = grouping->group_of[node->in[0]];
    if (node->op == OP_avgpool && made >= 0)
        return grouping_refuse_window(grouping, id, REFUSED_POOL_AVERAGE);
    if ((node->op == OP_maxpool_dx || node->op == OP_avgpool_dx) && made >= 0)
        return grouping_refuse(grouping, id, node->in[0], REFUSED_POOL_GRADIENT, NULL);
    if (node->op != OP_maxpool && node->op != OP_maxpool_choice)
        return false;
    /* The choice is made where the maximum is. */
    const NodeList *users = &grouping->users[node->in[0]];
    for (size_t i = 0; i < users->count && grouping_allows(grouping, FUSION_POOL); i++) {
        NodeId other = users->items[i];
        if (other < id && grouping_node(grouping, other)->op == OP_maxpool &&
            grouping->group_of[other] >= 0 &&
            memcmp(window_of(grouping_node(grouping, other)), window_of(node), sizeof(WindowAttrs)) == 0) {
            grouping_join(grouping, grouping->group_of[other], id);
            return true;
        }
    }
    if (made < 0)
        return false;
    if (!grouping_allows(grouping, FUSION_POOL))
        return grouping_refuse_off(grouping, id, node->in[0], FUSION_POOL);
    if (!makes_pixels(grouping, made) || is_sliced(grouping, made) ||
        !type_equal(&grouping_node(grouping, node->in[0])->type, &grouping->space.items[made]))
        return grouping_refuse(grouping, id, node->in[0], REFUSED_POOL_ALONE, NULL);
    if (!window_is_tiling(window_of(node)))
        return grouping_refuse_window(grouping, id, REFUSED_POOL_OVERLAP);
    if (window_of(node)->window_height * window_of(node)->window_width > POOL_WINDOW_MOST ||
        !fits_tiles(grouping, made, window_of(node)))
        return grouping_refuse_window(grouping, id, REFUSED_POOL_LARGE);
    if (!only_pools_read(grouping, node->in[0], window_of(node)))
        return grouping_refuse(grouping, id, node->in[0], REFUSED_POOL_SHARED, NULL);
    if (stores_full_size(grouping, made, node->in[0]))
        return grouping_refuse(grouping, id, node->in[0], REFUSED_POOL_FULL_SIZE, NULL);
    grouping_join(grouping, made, id);
    grouping->space.items[made] = node->type;
    return true;
}

/* A sum over the batch that keeps the channels, of a value made in a group. */
static bool join_sum(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    NodeId value = node->in[0];
    int made = grouping->group_of[plan_root(grouping->graph, value)];
    const Type *type = &grouping_node(grouping, value)->type;
    if (node->op != OP_reduce_sum || node->type.lead != LEAD_SLICE || type->lead != LEAD_BATCH || made < 0)
        return false;
    if (!grouping_allows(grouping, FUSION_SUMS))
        return grouping_refuse_off(grouping, id, value, FUSION_SUMS);
    if (!is_visible(grouping, made, value) || !reshape_is_trivial(type, &grouping->space.items[made]))
        return grouping_refuse(grouping, id, value, REFUSED_RESHAPED, NULL);
    int last = type->rank - 1;
    if (type->rank != 4 || node->type.dim[last + 1] != type->dim[last] ||
        type_elements(&node->type) != node->type.dim[0] * type->dim[last])
        return grouping_refuse(grouping, id, value, REFUSED_SUM_VECTOR, NULL);
    if (anchor_class(grouping, made) == OP_REDUCE)
        return grouping_refuse(grouping, id, value, REFUSED_SUM_OF_SUM, NULL);
    grouping_join(grouping, made, id);
    *vec_push(grouping->plan->arena, &grouping_group(grouping, made)->sums) = id;
    return true;
}

/* Does anything but `reader` read what a group computes? */
static bool is_read_elsewhere(const Grouping *grouping, int index, NodeId reader)
{
    const Group *group = grouping_group(grouping, index);
    for (size_t i = 0; i < group->members.count; i++) {
        NodeId member = group->members.items[i];
        if (grouping->group_of[member] != index)
            continue; /* a view or value that any group may use */
        if (grouping->is_result[member])
            return true;
        const NodeList *users = &grouping->users[member];
        for (size_t k = 0; k < users->count; k++)
            if (users->items[k] != reader && grouping->group_of[users->items[k]] != index)
                return true;
    }
    return false;
}

/* A reduction takes in the pointwise group that makes its operand, when nothing else reads from that. */
static bool absorb_operand(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    int made = grouping->group_of[node->in[0]];
    if (made < 0)
        return false;
    if (!grouping_allows(grouping, FUSION_REDUCE))
        return grouping_refuse_off(grouping, id, node->in[0], FUSION_REDUCE);
    if (grouping->group_always.items[made] != grouping->always[id])
        return grouping_refuse(grouping, id, node->in[0], REFUSED_OTHER_TIME, NULL);
    if (is_sliced(grouping, made) || graph_type(grouping->graph, node->in[0])->lead == LEAD_SLICE)
        return grouping_refuse(grouping, id, node->in[0], REFUSED_PARTIAL_SUM, NULL);
    if (grouping_group(grouping, made)->anchor != NODE_NONE || grouping_group(grouping, made)->sums.count)
        return grouping_refuse(grouping, id, node->in[0], REFUSED_SUM_OF_SUM, NULL);
    if (is_read_elsewhere(grouping, made, id))
        return grouping_refuse(grouping, id, node->in[0], REFUSED_SUM_SHARED, NULL);
    grouping_join(grouping, made, id);
    grouping_group(grouping, made)->anchor = id;
    grouping->space.items[made] = node->type;
    return true;
}

static bool join_reduce(Grouping *grouping, NodeId id)
{
    size_t refused = grouping->plan->refusals.count;
    bool joined = join_sum(grouping, id) || absorb_operand(grouping, id);
    if (joined)
        grouping->plan->refusals.count = refused;
    return joined;
}

void grouping_place(Grouping *grouping, NodeId id)
{
    switch (grouping_class(grouping, id)) {
    case OP_LEAF:
    case OP_VALUE:
    case OP_ALIAS:
        return;
    case OP_VIEW:
        if (!grouping->inlined[id]) {
            if (grouping->group_of[plan_root(grouping->graph, grouping_node(grouping, id)->in[0])] >= 0)
                grouping_refuse(grouping, id, grouping_node(grouping, id)->in[0], REFUSED_VIEW_STORED, NULL);
            grouping_start(grouping, id, false);
        }
        return;
    case OP_POINTWISE:
        if (!grouping->inlined[id] && !join_pointwise(grouping, id))
            grouping_start(grouping, id, false);
        return;
    case OP_WINDOW:
        if (!grouping->inlined[id] && !join_pool(grouping, id))
            grouping_start(grouping, id, true);
        return;
    case OP_REDUCE:
        if (!join_reduce(grouping, id))
            grouping_start(grouping, id, true);
        return;
    case OP_CONTRACT:
    case OP_TRANSFORM:
        grouping_start(grouping, id, true);
        return;
    }
}
