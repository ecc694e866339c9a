/* Which nodes become one kernel. Nodes are visited in topological order; each starts a group or joins one
 * that exists, so that a group reads only groups that come before it. */
#include "compiler/fuse/group.h"

#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ir/op.h"
#include "compiler/ops/attrs.h"

const Fusion fusion_table[FUSION_COUNT] = {
#define FUSION(id, name, doc) [FUSION_##id] = {name, doc},
#include "compiler/fuse/fusions.def"
#undef FUSION
};

/* A matmul with more weights than this is worth running over the whole batch: a chunk of a few samples would
 * read all of them each time. Bytes. */
enum { WIDE_BYTES = 256 * 1024 };
/* Accumulators of one output point in a convolution with a pool. */
enum { POOL_WINDOW_MOST = 4 };

typedef VEC(NodeId) NodeList;

typedef struct {
    Plan *plan;
    const Graph *graph;
    const FusionOptions *fusions;
    bool *live;
    NodeList *users; /* by node; users through trivial and other reshapes are users of the reshape */
    bool *inlined;   /* views computed wherever they are read */
    bool *is_result;
    bool *always;           /* needed in every step, not only when weights are updated */
    int *group_of;          /* by node; -1: none */
    VEC(bool) group_always; /* by group: of its members */
    VEC(Type) space;        /* by group: the dims its points run over */
    VEC(NodeList) reads;    /* by group: stored nodes it loads */
} Grouping;

static const Node *node_at(const Grouping *grouping, NodeId id)
{
    return graph_node(grouping->graph, id);
}

static OpClass class_of(const Grouping *grouping, NodeId id)
{
    return node_op(node_at(grouping, id))->class;
}

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

static bool allowed(const Grouping *grouping, FusionId fusion)
{
    return !grouping->fusions->off[fusion];
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
    if (class_of(grouping, id) != OP_VIEW || grouping->is_result[id] || !allowed(grouping, FUSION_VIEWS))
        return false;
    const NodeList *users = &grouping->users[id];
    for (size_t i = 0; i < users->count; i++) {
        OpClass user = class_of(grouping, users->items[i]);
        bool view = user == OP_VIEW && grouping->inlined[users->items[i]];
        if (user != OP_POINTWISE && user != OP_REDUCE && !view)
            return false;
    }
    return true;
}

/* Stored whatever else is decided: leaves, results, operands of contractions. */
static bool is_surely_stored(const Grouping *grouping, NodeId id)
{
    if (class_of(grouping, id) == OP_LEAF || grouping->is_result[id])
        return true;
    for (size_t i = 0; i < grouping->users[id].count; i++) {
        NodeId user = grouping->users[id].items[i];
        OpClass class = class_of(grouping, user);
        if (class == OP_CONTRACT || (class == OP_ALIAS && is_surely_stored(grouping, user)))
            return true;
    }
    return false;
}

/* A dropout mask and its like read nothing but random numbers and constants: their readers make them again.
 * So they do with the mask of an activation whose result is stored for other reasons. */
static bool is_made_again(const Grouping *grouping, NodeId id)
{
    const Node *node = node_at(grouping, id);
    if (class_of(grouping, id) != OP_POINTWISE || grouping->is_result[id] ||
        !allowed(grouping, FUSION_ELEMENTWISE))
        return false;
    bool compares = node->op == OP_greater || node->op == OP_equal;
    for (int k = 0; k < node->in_count; k++)
        if (class_of(grouping, node->in[k]) != OP_VALUE && !grouping->inlined[node->in[k]] &&
            !(compares && is_surely_stored(grouping, node->in[k])))
            return false;
    for (size_t i = 0; i < grouping->users[id].count; i++) {
        OpClass user = class_of(grouping, grouping->users[id].items[i]);
        if (user != OP_POINTWISE && user != OP_REDUCE)
            return false;
    }
    return true;
}

static void find_inlined(Grouping *grouping)
{
    for (NodeId id = 0; id < grouping->graph->nodes.count; id++)
        grouping->inlined[id] = grouping->live[id] && is_made_again(grouping, id);
    for (size_t i = grouping->graph->nodes.count; i-- > 0;)
        grouping->inlined[i] = grouping->inlined[i] || (grouping->live[i] && can_inline(grouping, (NodeId)i));
}

/* ---- Groups and what they read ---- */

static Group *group_at(const Grouping *grouping, int index)
{
    return &grouping->plan->groups.items[index];
}

/* Takes a node and everything that is computed with it (inlined views, values) as a member; what is loaded
 * goes to `reads`. */
static void add_member(Grouping *grouping, int index, NodeId id);

static void add_operand(Grouping *grouping, int index, NodeId id)
{
    Group *group = group_at(grouping, index);
    OpClass class = class_of(grouping, id);
    for (size_t i = 0; i < group->members.count; i++)
        if (group->members.items[i] == id)
            return;
    NodeId root = plan_root(grouping->graph, id);
    if (class == OP_VALUE || grouping->inlined[id] ||
        (class == OP_ALIAS && (grouping->group_of[root] == index || grouping->inlined[root]))) {
        add_member(grouping, index, id);
        return;
    }
    if (class == OP_ALIAS && class_of(grouping, root) == OP_VALUE) {
        add_member(grouping, index, id);
        return;
    }
    *vec_push(grouping->plan->arena, &grouping->reads.items[index]) = root;
}

static void add_member(Grouping *grouping, int index, NodeId id)
{
    const Node *node = node_at(grouping, id);
    for (int k = 0; k < node->in_count; k++)
        add_operand(grouping, index, node->in[k]);
    *vec_push(grouping->plan->arena, &group_at(grouping, index)->members) = id;
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

static void start_group(Grouping *grouping, NodeId id, bool anchor)
{
    int index = new_group(grouping, id, anchor ? id : NODE_NONE, &node_at(grouping, id)->type);
    grouping->group_of[id] = index;
    add_member(grouping, index, id);
}

static void join(Grouping *grouping, int index, NodeId id)
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
static bool is_acyclic(const Grouping *grouping, int index, NodeId id)
{
    bool *visited = NEW_ARRAY(grouping->plan->arena, bool, grouping->plan->groups.count);
    VEC(NodeId) open = {0};
    *vec_push(grouping->plan->arena, &open) = id;
    while (open.count) {
        NodeId at = open.items[--open.count];
        const Node *node = node_at(grouping, at);
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

static bool is_sliced(const Grouping *grouping, int index)
{
    return grouping->space.items[index].lead == LEAD_SLICE;
}

static OpClass anchor_class(const Grouping *grouping, int index)
{
    NodeId anchor = group_at(grouping, index)->anchor;
    return anchor == NODE_NONE ? OP_POINTWISE : class_of(grouping, anchor);
}

/* Sums over slices end in the update of the weights. */
static bool sums_slices(const Grouping *grouping, int index)
{
    NodeId anchor = group_at(grouping, index)->anchor;
    return anchor != NODE_NONE && class_of(grouping, anchor) == OP_REDUCE &&
           graph_type(grouping->graph, plan_root(grouping->graph, node_at(grouping, anchor)->in[0]))->lead ==
               LEAD_SLICE;
}

static bool epilogue_allowed(const Grouping *grouping, int index)
{
    if (sums_slices(grouping, index))
        return allowed(grouping, FUSION_UPDATE);
    switch (anchor_class(grouping, index)) {
    case OP_CONTRACT:
        return allowed(grouping, FUSION_EPILOGUE);
    case OP_REDUCE:
        return allowed(grouping, FUSION_REDUCE);
    case OP_WINDOW:
        return allowed(grouping, FUSION_POOL);
    default:
        return allowed(grouping, FUSION_ELEMENTWISE);
    }
}

/* ---- The rules ---- */

/* Can `id` be read inside group `index`: is nothing but extents of 1 between it and what the group makes? */
static bool is_visible(const Grouping *grouping, int index, NodeId id)
{
    if (grouping->group_of[plan_root(grouping->graph, id)] != index)
        return true;
    for (; class_of(grouping, id) == OP_ALIAS; id = node_at(grouping, id)->in[0])
        if (!reshape_is_trivial(graph_type(grouping->graph, node_at(grouping, id)->in[0]),
                                graph_type(grouping->graph, id)))
            return false;
    return true;
}

static bool operands_visible(const Grouping *grouping, int index, NodeId id)
{
    const Node *node = node_at(grouping, id);
    for (int k = 0; k < node->in_count; k++)
        if (!is_visible(grouping, index, node->in[k]))
            return false;
    return true;
}

/* Pointwise after anything of the same shape: the newest group among its operands' that it may join. */
static bool join_pointwise(Grouping *grouping, NodeId id)
{
    const Node *node = node_at(grouping, id);
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
            operands_visible(grouping, best, id) && is_acyclic(grouping, best, id)) {
            join(grouping, best, id);
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
        const Node *user = node_at(grouping, users->items[i]);
        if (user->op != OP_maxpool && user->op != OP_maxpool_choice)
            return false;
        if (memcmp(window_of(user), window, sizeof *window) != 0)
            return false;
    }
    return !grouping->is_result[id];
}

static bool is_tiling(const WindowAttrs *window)
{
    return window->window_height == window->stride_y && window->window_width == window->stride_x &&
           window->dilation_y == 1 && window->dilation_x == 1 && !window->pad_top && !window->pad_bottom &&
           !window->pad_left && !window->pad_right &&
           window->window_height * window->window_width <= POOL_WINDOW_MOST;
}

static bool join_pool(Grouping *grouping, NodeId id)
{
    const Node *node = node_at(grouping, id);
    if (node->op != OP_maxpool && node->op != OP_maxpool_choice)
        return false;
    /* The choice is made where the maximum is. */
    const NodeList *users = &grouping->users[node->in[0]];
    for (size_t i = 0; i < users->count && allowed(grouping, FUSION_POOL); i++) {
        NodeId other = users->items[i];
        if (other < id && node_at(grouping, other)->op == OP_maxpool && grouping->group_of[other] >= 0 &&
            memcmp(window_of(node_at(grouping, other)), window_of(node), sizeof(WindowAttrs)) == 0) {
            join(grouping, grouping->group_of[other], id);
            return true;
        }
    }
    int made = grouping->group_of[node->in[0]];
    if (!allowed(grouping, FUSION_POOL) || made < 0 || anchor_class(grouping, made) != OP_CONTRACT ||
        is_sliced(grouping, made))
        return false;
    if (!is_tiling(window_of(node)) || !only_pools_read(grouping, node->in[0], window_of(node)) ||
        !type_equal(&node_at(grouping, node->in[0])->type, &grouping->space.items[made]))
        return false;
    /* Only pixels inside pooled windows are computed from here on, so nothing at full size may be stored. */
    const Group *group = group_at(grouping, made);
    for (size_t i = 0; i < group->members.count; i++)
        if (grouping->group_of[group->members.items[i]] == made &&
            (grouping->is_result[group->members.items[i]] ||
             (group->members.items[i] != node->in[0] && grouping->users[group->members.items[i]].count > 1)))
            return false;
    join(grouping, made, id);
    grouping->space.items[made] = node->type;
    return true;
}

/* A sum over the batch that keeps the channels, of a value made in a group without classes of points. */
static bool join_sum(Grouping *grouping, NodeId id)
{
    const Node *node = node_at(grouping, id);
    NodeId value = node->in[0];
    int made = grouping->group_of[value];
    if (node->op != OP_reduce_sum || node->type.lead != LEAD_SLICE || !allowed(grouping, FUSION_SUMS) ||
        made < 0)
        return false;
    const Type *type = &node_at(grouping, value)->type;
    if (type->lead != LEAD_BATCH || !type_equal(type, &grouping->space.items[made]) || type->rank != 4)
        return false;
    int last = type->rank - 1;
    if (node->type.dim[last + 1] != type->dim[last] ||
        type_elements(&node->type) != node->type.dim[0] * type->dim[last])
        return false;
    const Group *group = group_at(grouping, made);
    for (size_t i = 0; i < group->members.count; i++) {
        const Node *member = node_at(grouping, group->members.items[i]);
        for (int d = 0; node_op(member)->period && d < member->type.rank; d++)
            if (node_op(member)->period(member, d) > 1)
                return false;
    }
    if (anchor_class(grouping, made) == OP_REDUCE)
        return false;
    join(grouping, made, id);
    *vec_push(grouping->plan->arena, &group_at(grouping, made)->sums) = id;
    return true;
}

/* A reduction takes in the pointwise group that makes its operand, when nothing else reads from that. */
static bool absorb_operand(Grouping *grouping, NodeId id)
{
    const Node *node = node_at(grouping, id);
    int made = grouping->group_of[node->in[0]];
    if (!allowed(grouping, FUSION_REDUCE) || made < 0 ||
        grouping->group_always.items[made] != grouping->always[id] ||
        group_at(grouping, made)->anchor != NODE_NONE || group_at(grouping, made)->sums.count)
        return false;
    Group *group = group_at(grouping, made);
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
    join(grouping, made, id);
    group_at(grouping, made)->anchor = id;
    grouping->space.items[made] = node->type;
    return true;
}

static void group_node(Grouping *grouping, NodeId id)
{
    switch (class_of(grouping, id)) {
    case OP_LEAF:
    case OP_VALUE:
    case OP_ALIAS:
        return;
    case OP_VIEW:
        if (!grouping->inlined[id])
            start_group(grouping, id, false);
        return;
    case OP_POINTWISE:
        if (!grouping->inlined[id] && !join_pointwise(grouping, id))
            start_group(grouping, id, false);
        return;
    case OP_WINDOW:
        if (!join_pool(grouping, id))
            start_group(grouping, id, true);
        return;
    case OP_REDUCE:
        if (!join_sum(grouping, id) && !absorb_operand(grouping, id))
            start_group(grouping, id, true);
        return;
    case OP_CONTRACT:
        start_group(grouping, id, true);
        return;
    }
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
        OpClass class = class_of(grouping, user);
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

/* Sample by sample, unless no sample is in it, or its weights are too many to be read for every few samples.
 */
static bool runs_in_chunks(const Grouping *grouping, const Group *group, int index)
{
    const Type *space = &grouping->space.items[index];
    if (space->lead == LEAD_SLICE)
        return true;
    if (space->lead != LEAD_BATCH)
        return false;
    if (group->anchor == NODE_NONE || node_at(grouping, group->anchor)->op != OP_matmul)
        return true;
    const Node *anchor = node_at(grouping, group->anchor);
    for (int k = 0; k < anchor->in_count; k++)
        if (graph_type(grouping->graph, anchor->in[k])->lead == LEAD_NONE &&
            node_bytes(grouping, anchor->in[k]) > WIDE_BYTES)
            return false;
    return true;
}

static void choose_when_and_how(Grouping *grouping)
{
    for (size_t g = 0; g < grouping->plan->groups.count; g++) {
        Group *group = &grouping->plan->groups.items[g];
        group->chunked = runs_in_chunks(grouping, group, (int)g);
        group->when = grouping->group_always.items[g] ? WHEN_ALWAYS : WHEN_UPDATE;
    }
}

void group_nodes(Plan *plan, const FusionOptions *fusions)
{
    const Graph *graph = plan->graph;
    Arena *arena = plan->arena;
    size_t count = graph->nodes.count;
    Grouping grouping = {.plan = plan, .graph = graph, .fusions = fusions};
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
            group_node(&grouping, id);
    list_outputs(&grouping);
    choose_when_and_how(&grouping);
}
