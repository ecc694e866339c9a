/* From a group to its kernels: the expressions of the outputs are pulled out of its nodes, for each class of
 * points. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ir/op.h"
#include "compiler/ops/attrs.h"
#include "compiler/schedule/lowering.h"

static bool in_list(const NodeId *items, size_t count, NodeId id)
{
    for (size_t i = 0; i < count; i++)
        if (items[i] == id)
            return true;
    return false;
}

static bool is_sum(const Group *group, NodeId id)
{
    return in_list(group->sums.items, group->sums.count, id);
}

/* The node whose dims the group's points run over. */
static NodeId space_of(const Plan *plan, const Group *group)
{
    for (size_t i = 0; i < group->outputs.count; i++)
        if (!is_sum(group, group->outputs.items[i]))
            return group->outputs.items[i];
    return graph_node(plan->graph, group->outputs.items[0])->in[0];
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    return b ? greatest_divisor(b, a % b) : a;
}

static bool same_dims(const Type *a, const Type *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

/* The dim of `space` that dim `d` of a type with the same extents, but for those of 1, is; -1: it has one
 * point only. */
static int matching_dim(const Type *type, int d, const Type *space)
{
    if (type->dim[d] == 1)
        return -1;
    int k = 0;
    for (int i = 0; i <= d; i++) {
        if (type->dim[i] == 1)
            continue;
        while (space->dim[k] == 1)
            k++;
        k++;
    }
    return k - 1;
}

/* The pool in a group that reads what a node of this type makes; NULL: there is none. */
static const Node *pool_of(const Plan *plan, const Group *group, const Type *type)
{
    for (size_t i = 0; i < group->members.count; i++) {
        const Node *node = graph_node(plan->graph, group->members.items[i]);
        if (node->op == OP_maxpool && same_dims(graph_type(plan->graph, node->in[0]), type))
            return node;
    }
    return NULL;
}

/* Windows of a pool lie side by side: so many of them that their pixels begin at the same class again. */
static void find_pooled_periods(const Plan *plan, const Group *group, const Node *node, int64_t *period)
{
    const Node *pool = pool_of(plan, group, &node->type);
    if (!pool)
        return;
    const WindowAttrs *window = pool->attrs;
    const int64_t stride[2] = {window->stride_y, window->stride_x};
    for (int d = 1; d <= 2; d++) {
        int64_t own = node_op(node)->period(node, d);
        own /= greatest_divisor(own, stride[d - 1]);
        period[d] *= own / greatest_divisor(period[d], own);
    }
}

static void find_periods(const Plan *plan, const Group *group, const Type *space, int64_t *period)
{
    for (int d = 0; d < RANK_MAX; d++)
        period[d] = 1;
    for (size_t i = 0; i < group->members.count; i++) {
        const Node *node = graph_node(plan->graph, group->members.items[i]);
        if (!node_op(node)->period)
            continue;
        if (!reshape_is_trivial(&node->type, space)) {
            find_pooled_periods(plan, group, node, period);
            continue;
        }
        for (int d = 0; d < node->type.rank; d++) {
            int at = matching_dim(&node->type, d, space);
            int64_t own = node_op(node)->period(node, d);
            if (at >= 0)
                period[at] *= own / greatest_divisor(period[at], own);
        }
    }
}

static const char *axis_name(const Type *type, int dim)
{
    static const char *const picture[] = {"n", "y", "x", "c"};
    static const char *const other[] = {"a", "b", "d", "e", "f", "g"};
    if (type->rank == 4)
        return picture[dim];
    if (dim == 0 && type->lead == LEAD_BATCH)
        return "n";
    return dim == type->rank - 1 ? "c" : other[dim];
}

/* The name of the axis of classes along a dim. */
static const char *class_name(int dim)
{
    static const char *const names[RANK_MAX] = {"n'", "y'", "x'", "c'"};
    return names[dim];
}

/* Adds the axes of the points and of the classes of `space`: index[d] = period[d] * axis + class axis, or its
 * opposite. */
static void join_classes(Lowering *lowering, const Node *anchor, const Type *space, const int64_t *period,
                         Index *index)
{
    const Graph *graph = lowering->plan->graph;
    index->rank = space->rank;
    lowering->around_count = 0;
    for (int d = 0; d < space->rank; d++) {
        index->dim[d] = affine_const(0);
        ExtentKind kind = dim_extent(space, d);
        if (space->dim[d] == 1 && kind == EXTENT_FIXED)
            continue;
        Axis points = {.name = axis_name(space, d), .kind = kind, .extent = space->dim[d] / period[d]};
        index->dim[d] =
            affine_scale(lowering_axis_affine(lowering_axis(lowering->computation, points)), period[d]);
        if (period[d] > 1) {
            Axis classes = {.name = class_name(d), .kind = EXTENT_FIXED, .extent = period[d]};
            Affine class = lowering_axis_affine(lowering_axis(lowering->computation, classes));
            if (node_op(anchor)->joint_direction(graph, anchor, d) < 0)
                class = affine_add(affine_const(period[d] - 1), affine_scale(class, -1));
            index->dim[d] = affine_add(index->dim[d], class);
        }
    }
}

/* The node whose classes are all made by one kernel; NULL: each class has a kernel. */
static const Node *find_joint(const Plan *plan, const Group *group, const Type *space)
{
    const Node *anchor = group->anchor == NODE_NONE ? NULL : graph_node(plan->graph, group->anchor);
    bool joint = anchor && node_op(anchor)->joint_direction && reshape_is_trivial(&anchor->type, space) &&
                 node_op(anchor)->joint_direction(plan->graph, anchor, 1);
    return joint ? anchor : NULL;
}

/* The index of the points of one class: index[d] = period[d] * axis + class[d]. exact: the axis stops at the
 * tensor's end, else guards tell where it is passed. */
static void make_axes(Lowering *lowering, const Type *space, const int64_t *period, const int64_t *class,
                      bool exact, Index *index)
{
    Computation *computation = lowering->computation;
    index->rank = space->rank;
    lowering->around_count = 0;
    for (int d = 0; d < space->rank; d++) {
        bool slice = d == 0 && space->lead == LEAD_SLICE && computation->chunked;
        ExtentKind kind = dim_extent(space, d);
        index->dim[d] = affine_const(0);
        if (slice || (space->dim[d] == 1 && kind == EXTENT_FIXED))
            continue;
        int64_t points = space->dim[d] - (exact ? class[d] : 0);
        int64_t extent = (points + period[d] - 1) / period[d];
        int axis = -1;
        for (int i = 0; i < computation->axis_count && axis < 0; i++)
            if (!computation->axes[i].reduced && strcmp(computation->axes[i].name, axis_name(space, d)) == 0)
                axis = i;
        if (axis < 0)
            axis = lowering_axis(computation,
                                 (Axis){.name = axis_name(space, d), .kind = kind, .extent = extent});
        index->dim[d] =
            affine_add(affine_scale(lowering_axis_affine(axis), period[d]), affine_const(class[d]));
        if (!exact && (extent - 1) * period[d] + class[d] >= space->dim[d])
            lowering->around[lowering->around_count++] =
                (Guard){.at = index->dim[d], .extent = space->dim[d]};
    }
}

/* One term of a sum; the axes it does not depend on are summed over as they are visited. Where a kernel makes
 * points of several classes, their terms are added first. */
static void add_sum(Lowering *lowering, NodeId output, const Type *space, const Index *index)
{
    const Graph *graph = lowering->plan->graph;
    const Node *node = graph_node(graph, output);
    const Type *type = &node->type, *value = graph_type(graph, node->in[0]);
    Index at = same_dims(value, space) ? *index : lowering_look_through(value, space, index),
          place = {.rank = type->rank};
    for (int d = 1; d < type->rank; d++)
        place.dim[d] = type->dim[d] == 1 ? affine_const(0) : at.dim[d - 1];
    Store store;
    memset(&store, 0, sizeof store);
    store.kind = STORE_ADD;
    store.continued = lowering->group->kernels.count > 0;
    store.expr = lower_read(lowering, node->in[0], &at);
    if (lowering->around_count)
        store.expr = lowering_where(lowering, lowering->around, lowering->around_count, store.expr);
    store.at = lowering_address(lowering, type, &place);
    store.tensor = lowering_tensor(lowering, output, true);
    for (size_t i = 0; i < lowering->sums.count; i++) {
        Store *sum = &lowering->sums.items[i];
        if (sum->tensor == store.tensor && affine_equal(&sum->at, &store.at)) {
            sum->expr = lower_scalar(lowering, SCALAR_add, sum->expr, store.expr, 0);
            return;
        }
    }
    *vec_push(lowering->arena, &lowering->sums) = store;
}

static void add_store(Lowering *lowering, NodeId output, const Type *space, const Index *index)
{
    const Type *type = graph_type(lowering->plan->graph, output);
    Index at = same_dims(type, space) ? *index : lowering_look_through(type, space, index);
    Store store;
    memset(&store, 0, sizeof store);
    store.kind = lowering->computation->chunked && type->lead == LEAD_SLICE ? STORE_ACC : STORE_WRITE;
    store.expr = lower_read(lowering, output, &at);
    store.at = lowering_address(lowering, type, &at);
    store.tensor = lowering_tensor(lowering, output, true);
    store.guard_first =
        lowering_guards(lowering, lowering->around, lowering->around_count, &store.guard_count);
    *vec_push(lowering->arena, &lowering->computation->stores) = store;
}

static void add_stores(Lowering *lowering, const Type *space, const Index *index)
{
    const Group *group = lowering->group;
    lowering->known.count = 0;
    for (size_t i = 0; i < group->outputs.count; i++)
        (is_sum(group, group->outputs.items[i]) ? add_sum : add_store)(lowering, group->outputs.items[i],
                                                                       space, index);
}

static double plain_share(const Graph *graph, const Group *group)
{
    const Node *anchor = group->anchor == NODE_NONE ? NULL : graph_node(graph, group->anchor);
    return anchor && node_op(anchor)->plain ? node_op(anchor)->plain(graph, anchor) : 1;
}

static Kernel *new_kernel(Lowering *lowering, const char *name)
{
    Kernel *kernel = NEW(lowering->arena, Kernel);
    kernel->computation = NEW(lowering->arena, Computation);
    kernel->computation->name = kernel->name = name;
    kernel->computation->chunked = lowering->group->chunked;
    kernel->computation->chunk = lowering->chunk;
    kernel->computation->plain_less_1 = plain_share(lowering->plan->graph, lowering->group) - 1;
    kernel->span = graph_node(lowering->plan->graph, lowering->group->outputs.items[0])->span;
    lowering->computation = kernel->computation;
    lowering->bucket_count = 0;
    return kernel;
}

static void finish_kernel(Lowering *lowering, Group *group, Kernel *kernel)
{
    for (size_t i = 0; i < lowering->sums.count; i++)
        *vec_push(lowering->arena, &kernel->computation->stores) = lowering->sums.items[i];
    lowering->sums.count = 0;
    simplify(kernel->computation);
    computation_verify(kernel->computation, "lower");
    *vec_push(lowering->arena, &group->kernels) = kernel;
}

static const char *group_name(const Plan *plan, const Group *group)
{
    Text text = {.arena = plan->arena};
    const char *layer =
        graph_node(plan->graph, group->anchor != NODE_NONE ? group->anchor : group->members.items[0])->name;
    text_printf(&text, "%s:", layer ? layer : "step");
    int shown = 0;
    for (size_t i = 0; i < group->members.count && shown < 6; i++) {
        const Op *op = node_op(graph_node(plan->graph, group->members.items[i]));
        if (op->class != OP_VALUE && op->class != OP_ALIAS)
            text_printf(&text, "%s%s", shown++ ? "+" : "", op->name);
    }
    return text_string(&text);
}

static bool next_class(int64_t *class, const int64_t *period, int rank)
{
    for (int d = rank - 1; d >= 0; d--) {
        if (++class[d] < period[d])
            return true;
        class[d] = 0;
    }
    return false;
}

static void lower_group(Lowering *lowering, Group *group)
{
    const Plan *plan = lowering->plan;
    const Type *space = graph_type(plan->graph, space_of(plan, group));
    int64_t period[RANK_MAX], class[RANK_MAX] = {0};
    find_periods(plan, group, space, period);
    /* Points of different classes have sums over different terms: a kernel for each. Without sums one kernel
     * makes all stores. */
    bool reduces = false;
    for (size_t i = 0; i < group->members.count; i++) {
        OpClass kind = node_op(graph_node(plan->graph, group->members.items[i]))->class;
        reduces =
            reduces || kind == OP_CONTRACT || (kind == OP_REDUCE && !is_sum(group, group->members.items[i]));
    }
    const char *name = group_name(plan, group);
    Kernel *kernel = NULL;
    Index index;
    const Node *joint = reduces ? find_joint(plan, group, space) : NULL;
    if (joint) {
        kernel = new_kernel(lowering, name);
        join_classes(lowering, joint, space, period, &index);
        add_stores(lowering, space, &index);
        finish_kernel(lowering, group, kernel);
        return;
    }
    do {
        bool empty = false;
        for (int d = 0; d < space->rank; d++)
            empty = empty || class[d] >= space->dim[d];
        if (empty)
            continue;
        if (!kernel || reduces)
            kernel = new_kernel(lowering, name);
        make_axes(lowering, space, period, class, reduces, &index);
        add_stores(lowering, space, &index);
        if (reduces)
            finish_kernel(lowering, group, kernel);
    } while (next_class(class, period, space->rank));
    if (!reduces)
        finish_kernel(lowering, group, kernel);
}

void lower_plan(Plan *plan)
{
    bool *member = NEW_ARRAY(plan->arena, bool, plan->graph->nodes.count);
    size_t p = 0;
    for (size_t g = 0; g < plan->groups.count; g++) {
        Group *group = &plan->groups.items[g];
        while ((int)g >= plan->phases.items[p].first_group + plan->phases.items[p].group_count)
            p++;
        Lowering lowering = {.arena = plan->arena, .plan = plan, .group = group, .member = member};
        if (group->chunked)
            lowering.chunk = plan->phases.items[p].chunk;
        for (size_t i = 0; i < group->members.count; i++)
            member[group->members.items[i]] = true;
        lower_group(&lowering, group);
        for (size_t i = 0; i < group->members.count; i++)
            member[group->members.items[i]] = false;
    }
}
