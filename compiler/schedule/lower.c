/* Pulls the expressions of a group's outputs out of its nodes. */
#include "compiler/schedule/lower.h"

#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ir/op.h"

/* An element already lowered: asked for again, it is the same expression. */
typedef struct {
    NodeId node;
    Index at;
    ExprId expr;
} Known;

struct Lowering {
    Arena *arena;
    const Plan *plan;
    const Group *group;
    Computation *computation;
    bool *member;           /* by NodeId: belongs to the group */
    Guard around[RANK_MAX]; /* of the class being lowered: where its points lie inside the tensor */
    int around_count;
    VEC(Known) known;
    int depth; /* nodes between the store and what is being lowered */
};

const Graph *lowering_graph(const Lowering *lowering)
{
    return lowering->plan->graph;
}

/* ---- Expressions ---- */

static ExprId add_expr(Lowering *lowering, Expr expr)
{
    Computation *computation = lowering->computation;
    for (size_t i = 0; i < computation->exprs.count; i++)
        if (memcmp(&computation->exprs.items[i], &expr, sizeof expr) == 0)
            return (ExprId)i;
    *vec_push(lowering->arena, &computation->exprs) = expr;
    return (ExprId)computation->exprs.count - 1;
}

/* A zeroed Expr, padding included, so that equal ones compare equal as bytes. */
static Expr blank_expr(ExprKind kind)
{
    Expr expr;
    memset(&expr, 0, sizeof expr);
    expr.kind = kind;
    return expr;
}

/* Places guards one after the other, without those that always hold; returns where the first is. */
static int add_guards(Lowering *lowering, const Guard *guards, int count, int *kept)
{
    Computation *computation = lowering->computation;
    int first = (int)computation->guards.count;
    *kept = 0;
    for (int i = 0; i < count; i++) {
        const Guard *guard = &guards[i];
        if (affine_is_const(&guard->at) && guard->at.base >= 0 && guard->at.base < guard->extent)
            continue;
        *vec_push(lowering->arena, &computation->guards) = *guard;
        ++*kept;
    }
    /* The same sequence may stand there already. */
    for (int at = 0; *kept && at + *kept <= first; at++) {
        if (memcmp(&computation->guards.items[at], &computation->guards.items[first],
                   (size_t)*kept * sizeof(Guard)) == 0) {
            computation->guards.count = (size_t)first;
            return at;
        }
    }
    return *kept ? first : 0;
}

static bool always_fails(const Guard *guards, int count)
{
    for (int i = 0; i < count; i++)
        if (affine_is_const(&guards[i].at) &&
            (guards[i].at.base < 0 || guards[i].at.base >= guards[i].extent))
            return true;
    return false;
}

ExprId lower_const(Lowering *lowering, double value)
{
    Expr expr = blank_expr(EXPR_CONST);
    expr.imm = value;
    return add_expr(lowering, expr);
}

ExprId lower_axis(Lowering *lowering, const Affine *at)
{
    if (affine_is_const(at))
        return lower_const(lowering, (double)at->base);
    Expr expr = blank_expr(EXPR_AXIS);
    expr.at = *at;
    return add_expr(lowering, expr);
}

ExprId lower_scalar(Lowering *lowering, ScalarId scalar, ExprId a, ExprId b, ExprId c)
{
    const ExprId in[3] = {a, b, c};
    const Computation *computation = lowering->computation;
    Expr expr = blank_expr(EXPR_SCALAR);
    expr.scalar = scalar;
    double value[3] = {0};
    bool constant = true;
    for (int i = 0; i < scalar_table[scalar].arity; i++) {
        expr.in[i] = in[i];
        constant = constant && computation->exprs.items[in[i]].kind == EXPR_CONST;
        value[i] = computation->exprs.items[in[i]].imm;
    }
    if (constant)
        return lower_const(lowering, scalar_evaluate(scalar, value[0], value[1], value[2]));
    return add_expr(lowering, expr);
}

ExprId lower_random(Lowering *lowering, uint32_t purpose, const Affine *element, const Affine *sample,
                    const ExprId scalars[4])
{
    Expr expr = blank_expr(EXPR_RANDOM);
    expr.index = (int)purpose;
    expr.at = *element;
    expr.at2 = *sample;
    memcpy(expr.in, scalars, sizeof expr.in);
    return add_expr(lowering, expr);
}

/* ---- Loads ---- */

static int tensor_index(Lowering *lowering, NodeId node, bool written)
{
    Computation *computation = lowering->computation;
    for (size_t i = 0; i < computation->tensors.count; i++)
        if (computation->tensors.items[i].node == node && computation->tensors.items[i].written == written)
            return (int)i;
    *vec_push(lowering->arena, &computation->tensors) = (KernelTensor){
        .node = node, .dtype = graph_type(lowering->plan->graph, node)->dtype, .written = written};
    return (int)computation->tensors.count - 1;
}

/* Elements from a tensor's start to the element at `at`. In a chunked kernel the pointer of a tensor of
 * slices already is that of the slice. */
static Affine address(const Lowering *lowering, const Type *type, const Index *at)
{
    if (at->rank != type->rank)
        BUG("an index of rank %d into a tensor of rank %d", at->rank, type->rank);
    Affine sum = affine_const(0);
    int64_t stride = 1;
    for (int i = type->rank - 1; i >= 0; i--) {
        bool slice = i == 0 && type->lead == LEAD_SLICE && lowering->computation->chunked;
        if (type->dim[i] > 1 && !slice)
            sum = affine_add(sum, affine_scale(at->dim[i], stride));
        stride *= type->dim[i];
    }
    return sum;
}

static ExprId load(Lowering *lowering, NodeId id, const Index *at, const Guard *guards, int count)
{
    Guard all[2 * RANK_MAX];
    if (count > RANK_MAX)
        BUG("%d guards on a load", count);
    if (count)
        memcpy(all, guards, (size_t)count * sizeof *guards);
    memcpy(all + count, lowering->around, (size_t)lowering->around_count * sizeof *all);
    Expr expr = blank_expr(EXPR_LOAD);
    expr.at = address(lowering, graph_type(lowering->plan->graph, id), at);
    expr.index = tensor_index(lowering, plan_root(lowering->plan->graph, id), false);
    expr.guard_first = add_guards(lowering, all, count + lowering->around_count, &expr.guard_count);
    return add_expr(lowering, expr);
}

/* The index before a reshape that only adds or removes extents of 1. */
static Index look_through(const Type *from, const Type *to, const Index *at)
{
    Index index = {.rank = from->rank};
    int k = 0;
    for (int i = 0; i < from->rank; i++) {
        index.dim[i] = affine_const(0);
        if (from->dim[i] == 1)
            continue;
        while (to->dim[k] == 1)
            k++;
        index.dim[i] = at->dim[k++];
    }
    return index;
}

static ExprId compute(Lowering *lowering, const Node *node, const Index *at)
{
    const Graph *graph = lowering->plan->graph;
    if (node_op(node)->class == OP_ALIAS) {
        Index index = look_through(graph_type(graph, node->in[0]), &node->type, at);
        return lower_read(lowering, node->in[0], &index);
    }
    return node_op(node)->lower(lowering, node, at);
}

static bool is_inside(const Lowering *lowering, NodeId id)
{
    return lowering->member[id] || node_op(graph_node(lowering->plan->graph, id))->class == OP_VALUE;
}

ExprId lower_read(Lowering *lowering, NodeId id, const Index *at)
{
    for (size_t i = 0; i < lowering->known.count; i++) {
        const Known *known = &lowering->known.items[i];
        if (known->node == id && known->at.rank == at->rank &&
            memcmp(known->at.dim, at->dim, (size_t)at->rank * sizeof at->dim[0]) == 0)
            return known->expr;
    }
    ExprId expr;
    if (is_inside(lowering, id)) {
        if (++lowering->depth > 10000)
            BUG("the group of %%%u has no end", id);
        expr = compute(lowering, graph_node(lowering->plan->graph, id), at);
        lowering->depth--;
    } else {
        expr = load(lowering, id, at, NULL, 0);
    }
    *vec_push(lowering->arena, &lowering->known) = (Known){.node = id, .at = *at, .expr = expr};
    return expr;
}

/* True for a node that does not read memory: its value outside its tensor is harmless to compute. */
ExprId lower_read_guarded(Lowering *lowering, NodeId id, const Index *at, const Guard *guards, int count)
{
    if (always_fails(guards, count))
        return lower_const(lowering, 0);
    if (!is_inside(lowering, id))
        return load(lowering, id, at, guards, count);
    /* Everything below is computed as if in range, with loads that give zero outside; its value there must
     * still be zero. */
    Guard saved[RANK_MAX];
    int saved_count = lowering->around_count;
    memcpy(saved, lowering->around, sizeof saved);
    if (saved_count + count > RANK_MAX)
        BUG("%d guards around a value", saved_count + count);
    memcpy(lowering->around + saved_count, guards, (size_t)count * sizeof *guards);
    lowering->around_count += count;
    size_t known = lowering->known.count;
    ExprId value = compute(lowering, graph_node(lowering->plan->graph, id), at);
    lowering->known.count = known; /* lowered under other guards */
    memcpy(lowering->around, saved, sizeof saved);
    lowering->around_count = saved_count;
    ExprId inside = lower_const(lowering, 1);
    for (int i = 0; i < count; i++) {
        ExprId low = lower_scalar(lowering, SCALAR_greater, lower_axis(lowering, &guards[i].at),
                                  lower_const(lowering, -0.5), 0);
        ExprId high =
            lower_scalar(lowering, SCALAR_greater, lower_const(lowering, (double)guards[i].extent - 0.5),
                         lower_axis(lowering, &guards[i].at), 0);
        inside =
            lower_scalar(lowering, SCALAR_mul, inside, lower_scalar(lowering, SCALAR_mul, low, high, 0), 0);
    }
    return lower_scalar(lowering, SCALAR_select, inside, value, lower_const(lowering, 0));
}

/* ---- Reductions ---- */

static Affine axis_affine(int axis)
{
    Affine affine = affine_const(0);
    affine.coef[axis] = 1;
    return affine;
}

static int add_axis(Computation *computation, Axis axis)
{
    if (computation->axis_count == AXIS_MAX)
        BUG("%s has more than %d axes", computation->name, AXIS_MAX);
    computation->axes[computation->axis_count] = axis;
    return computation->axis_count++;
}

Affine lower_reduce_axis(Lowering *lowering, const char *name, ExtentKind kind, int64_t extent)
{
    Computation *computation = lowering->computation;
    if (kind == EXTENT_FIXED && extent == 1)
        return affine_const(0);
    for (int i = 0; i < computation->axis_count; i++) {
        const Axis *axis = &computation->axes[i];
        if (axis->reduced && axis->kind == kind && axis->extent == extent && strcmp(axis->name, name) == 0)
            return axis_affine(i);
    }
    return axis_affine(
        add_axis(computation, (Axis){.name = name, .reduced = true, .kind = kind, .extent = extent}));
}

static ExprId add_accumulator(Lowering *lowering, AccKind kind, ExprId expr, const Guard *guards, int count,
                              const Affine *position, bool contraction)
{
    Computation *computation = lowering->computation;
    Accumulator acc;
    memset(&acc, 0, sizeof acc);
    acc.kind = kind;
    acc.expr = expr;
    acc.contraction = contraction;
    if (position)
        acc.at = *position;
    acc.guard_first = add_guards(lowering, guards, count, &acc.guard_count);
    size_t index = 0;
    while (index < computation->accs.count && memcmp(&computation->accs.items[index], &acc, sizeof acc) != 0)
        index++;
    if (index == computation->accs.count)
        *vec_push(lowering->arena, &computation->accs) = acc;
    Expr result = blank_expr(EXPR_ACC);
    result.index = (int)index;
    return add_expr(lowering, result);
}

ExprId lower_sum(Lowering *lowering, ExprId expr, const Guard *guards, int count, bool contraction)
{
    if (always_fails(guards, count))
        return lower_const(lowering, 0);
    return add_accumulator(lowering, ACC_SUM, expr, guards, count, NULL, contraction);
}

ExprId lower_max(Lowering *lowering, ExprId expr, const Guard *guards, int count, const Affine *position,
                 ExprId *where)
{
    ExprId value = add_accumulator(lowering, ACC_MAX, expr, guards, count, position, false);
    if (where) {
        Expr result = blank_expr(EXPR_ACC_AT);
        result.index = lowering->computation->exprs.items[value].index;
        *where = add_expr(lowering, result);
    }
    return value;
}

/* ---- Groups ---- */

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

static void find_periods(const Plan *plan, const Group *group, const Type *space, int64_t *period)
{
    for (int d = 0; d < RANK_MAX; d++)
        period[d] = 1;
    for (size_t i = 0; i < group->members.count; i++) {
        const Node *node = graph_node(plan->graph, group->members.items[i]);
        if (!node_op(node)->period || !reshape_is_trivial(&node->type, space))
            continue;
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

static ExtentKind dim_kind(const Type *type, int dim)
{
    if (dim > 0 || type->lead == LEAD_NONE)
        return EXTENT_FIXED;
    return type->lead == LEAD_BATCH ? EXTENT_BATCH : EXTENT_SLICES;
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
        ExtentKind kind = dim_kind(space, d);
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
            axis = add_axis(computation, (Axis){.name = axis_name(space, d), .kind = kind, .extent = extent});
        index->dim[d] = affine_add(affine_scale(axis_affine(axis), period[d]), affine_const(class[d]));
        if (!exact && (extent - 1) * period[d] + class[d] >= space->dim[d])
            lowering->around[lowering->around_count++] =
                (Guard){.at = index->dim[d], .extent = space->dim[d]};
    }
}

static void add_store(Lowering *lowering, NodeId output, const Type *space, const Index *index)
{
    const Graph *graph = lowering->plan->graph;
    const Type *type = graph_type(graph, output);
    Index at = *index;
    Store store;
    memset(&store, 0, sizeof store);
    if (is_sum(lowering->group, output)) {
        /* One term of the sum; the axes it does not depend on are summed over as they are visited. */
        const Node *node = graph_node(graph, output);
        Index place = {.rank = type->rank};
        for (int d = 1; d < type->rank; d++)
            place.dim[d] = type->dim[d] == 1 ? affine_const(0) : index->dim[d - 1];
        store.kind = STORE_ADD;
        store.expr = lower_read(lowering, node->in[0], index);
        store.at = address(lowering, type, &place);
    } else {
        if (!same_dims(type, space))
            at = look_through(type, space, index);
        store.kind = lowering->computation->chunked && type->lead == LEAD_SLICE ? STORE_ACC : STORE_WRITE;
        store.expr = lower_read(lowering, output, &at);
        store.at = address(lowering, type, &at);
    }
    store.tensor = tensor_index(lowering, output, true);
    store.guard_first = add_guards(lowering, lowering->around, lowering->around_count, &store.guard_count);
    *vec_push(lowering->arena, &lowering->computation->stores) = store;
}

static void add_stores(Lowering *lowering, const Type *space, const Index *index)
{
    const Group *group = lowering->group;
    lowering->known.count = 0;
    for (size_t i = 0; i < group->outputs.count; i++)
        add_store(lowering, group->outputs.items[i], space, index);
}

static Kernel *new_kernel(Lowering *lowering, const char *name)
{
    Kernel *kernel = NEW(lowering->arena, Kernel);
    kernel->computation = NEW(lowering->arena, Computation);
    kernel->computation->name = kernel->name = name;
    kernel->computation->chunked = lowering->group->chunked;
    kernel->span = graph_node(lowering->plan->graph, lowering->group->outputs.items[0])->span;
    lowering->computation = kernel->computation;
    return kernel;
}

static void finish_kernel(Lowering *lowering, Group *group, Kernel *kernel)
{
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
    for (size_t g = 0; g < plan->groups.count; g++) {
        Group *group = &plan->groups.items[g];
        Lowering lowering = {.arena = plan->arena, .plan = plan, .group = group, .member = member};
        for (size_t i = 0; i < group->members.count; i++)
            member[group->members.items[i]] = true;
        lower_group(&lowering, group);
        for (size_t i = 0; i < group->members.count; i++)
            member[group->members.items[i]] = false;
    }
}
