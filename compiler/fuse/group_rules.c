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

static bool epilogue_allowed(const Grouping *grouping, int index)
{
    if (sums_slices(grouping, index))
        return grouping_allows(grouping, FUSION_UPDATE);
    switch (anchor_class(grouping, index)) {
    case OP_CONTRACT:
        return grouping_allows(grouping, FUSION_EPILOGUE);
    case OP_REDUCE:
        return grouping_allows(grouping, FUSION_REDUCE);
    case OP_WINDOW:
        return grouping_allows(grouping, FUSION_POOL);
    default:
        return grouping_allows(grouping, FUSION_ELEMENTWISE);
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

/* Pointwise after anything of the same shape: the newest group among its operands' that it may join. */
static bool join_pointwise(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    for (int limit = (int)grouping->plan->groups.count;;) {
        int best = -1;
        for (int k = 0; k < node->in_count; k++) {
            int made = grouping->group_of[plan_root(grouping->graph, node->in[k])];
            if (made > best && made < limit)
                best = made;
        }
        if (best < 0)
            return false;
        if (!is_sliced(grouping, best) && grouping->group_always.items[best] == grouping->always[id] &&
            epilogue_allowed(grouping, best) &&
            reshape_is_trivial(&node->type, &grouping->space.items[best]) &&
            operands_visible(grouping, best, id) && grouping_is_acyclic(grouping, best, id)) {
            grouping_join(grouping, best, id);
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

static bool is_tiling(const WindowAttrs *window)
{
    return window_is_tiling(window) && window->window_height * window->window_width <= POOL_WINDOW_MOST;
}

static bool join_pool(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
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
    int made = grouping->group_of[node->in[0]];
    if (!grouping_allows(grouping, FUSION_POOL) || made < 0 || anchor_class(grouping, made) != OP_CONTRACT ||
        is_sliced(grouping, made))
        return false;
    if (!is_tiling(window_of(node)) || !only_pools_read(grouping, node->in[0], window_of(node)) ||
        !type_equal(&grouping_node(grouping, node->in[0])->type, &grouping->space.items[made]))
        return false;
    /* Only pixels inside pooled windows are computed from here on, so nothing at full size may be stored. */
    const Group *group = grouping_group(grouping, made);
    for (size_t i = 0; i < group->members.count; i++)
        if (grouping->group_of[group->members.items[i]] == made &&
            (grouping->is_result[group->members.items[i]] ||
             (group->members.items[i] != node->in[0] && grouping->users[group->members.items[i]].count > 1)))
            return false;
    grouping_join(grouping, made, id);
    grouping->space.items[made] = node->type;
    return true;
}

/* Points of several classes, all stored by one kernel: a sum could not tell which of its stores is the first.
 * With a contraction each class has a kernel of its own. */
static bool has_classes_in_one_kernel(const Grouping *grouping, int index)
{
    const Group *group = grouping_group(grouping, index);
    for (size_t i = 0; i < group->members.count && anchor_class(grouping, index) != OP_CONTRACT; i++) {
        const Node *member = grouping_node(grouping, group->members.items[i]);
        for (int d = 0; node_op(member)->period && d < member->type.rank; d++)
            if (node_op(member)->period(member, d) > 1)
                return true;
    }
    return false;
}

/* A sum over the batch that keeps the channels, of a value made in a group. */
static bool join_sum(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    NodeId value = node->in[0];
    int made = grouping->group_of[plan_root(grouping->graph, value)];
    if (node->op != OP_reduce_sum || node->type.lead != LEAD_SLICE ||
        !grouping_allows(grouping, FUSION_SUMS) || made < 0 || !is_visible(grouping, made, value))
        return false;
    const Type *type = &grouping_node(grouping, value)->type;
    if (type->lead != LEAD_BATCH || !reshape_is_trivial(type, &grouping->space.items[made]) ||
        type->rank != 4)
        return false;
    int last = type->rank - 1;
    if (node->type.dim[last + 1] != type->dim[last] ||
        type_elements(&node->type) != node->type.dim[0] * type->dim[last])
        return false;
    if (anchor_class(grouping, made) == OP_REDUCE || has_classes_in_one_kernel(grouping, made))
        return false;
    grouping_join(grouping, made, id);
    *vec_push(grouping->plan->arena, &grouping_group(grouping, made)->sums) = id;
    return true;
}

/* A reduction takes in the pointwise group that makes its operand, when nothing else reads from that. */
static bool absorb_operand(Grouping *grouping, NodeId id)
{
    const Node *node = grouping_node(grouping, id);
    int made = grouping->group_of[node->in[0]];
    if (!grouping_allows(grouping, FUSION_REDUCE) || made < 0 ||
        grouping->group_always.items[made] != grouping->always[id] ||
        grouping_group(grouping, made)->anchor != NODE_NONE || grouping_group(grouping, made)->sums.count)
        return false;
    Group *group = grouping_group(grouping, made);
    for (size_t i = 0; i < group->members.count; i++) {
        NodeId member = group->members.items[i];
        if (grouping->group_of[member] != made)
            continue; /* a view or value that any group may use */
        if (grouping->is_result[member])
            return false;
        const NodeList *users = &grouping->users[member];
        for (size_t k = 0; k < users->count; k++)
            if (users->items[k] != id && grouping->group_of[users->items[k]] != made)
                return false;
    }
    grouping_join(grouping, made, id);
    grouping_group(grouping, made)->anchor = id;
    grouping->space.items[made] = node->type;
    return true;
}

void grouping_place(Grouping *grouping, NodeId id)
{
    switch (grouping_class(grouping, id)) {
    case OP_LEAF:
    case OP_VALUE:
    case OP_ALIAS:
        return;
    case OP_VIEW:
        if (!grouping->inlined[id])
            grouping_start(grouping, id, false);
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
        if (!join_sum(grouping, id) && !absorb_operand(grouping, id))
            grouping_start(grouping, id, true);
        return;
    case OP_CONTRACT:
        grouping_start(grouping, id, true);
        return;
    }
}
