/* What ops' `lower` functions call: expressions, loads, reductions of the kernel being built. */
#include "compiler/schedule/lowering.h"

#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ir/op.h"

const Graph *lowering_graph(const Lowering *lowering)
{
    return lowering->plan->graph;
}

/* ---- Expressions ---- */

/* The place of an equal expression among the kernel's, or the empty one where its number would go. */
static size_t find_bucket(const Lowering *lowering, const Expr *expr)
{
    uint64_t hash = 0, word;
    for (size_t i = 0; i < sizeof *expr / sizeof word; i++) {
        memcpy(&word, (const char *)expr + i * sizeof word, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    size_t at = hash & (lowering->bucket_count - 1);
    const Expr *exprs = lowering->computation->exprs.items;
    while (lowering->buckets[at] >= 0 && memcmp(&exprs[lowering->buckets[at]], expr, sizeof *expr) != 0)
        at = (at + 1) & (lowering->bucket_count - 1);
    return at;
}

static void grow_buckets(Lowering *lowering)
{
    const Computation *computation = lowering->computation;
    lowering->bucket_count = lowering->bucket_count ? 2 * lowering->bucket_count : 64;
    lowering->buckets = NEW_ARRAY(lowering->arena, ExprId, lowering->bucket_count);
    memset(lowering->buckets, 0xff, lowering->bucket_count * sizeof *lowering->buckets);
    for (size_t i = 0; i < computation->exprs.count; i++)
        lowering->buckets[find_bucket(lowering, &computation->exprs.items[i])] = (ExprId)i;
}

/* Kernels of Winograd's transforms have thousands of expressions, hence a table. */
static ExprId add_expr(Lowering *lowering, Expr expr)
{
    _Static_assert(sizeof expr % sizeof(uint64_t) == 0, "hashed in words");
    Computation *computation = lowering->computation;
    if (2 * computation->exprs.count >= lowering->bucket_count)
        grow_buckets(lowering);
    size_t bucket = find_bucket(lowering, &expr);
    if (lowering->buckets[bucket] < 0) {
        lowering->buckets[bucket] = (ExprId)computation->exprs.count;
        *vec_push(lowering->arena, &computation->exprs) = expr;
    }
    return lowering->buckets[bucket];
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
int lowering_guards(Lowering *lowering, const Guard *guards, int count, int *kept)
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

int lowering_tensor(Lowering *lowering, NodeId node, bool written)
{
    Computation *computation = lowering->computation;
    for (size_t i = 0; i < computation->tensors.count; i++)
        if (computation->tensors.items[i].node == node && computation->tensors.items[i].written == written)
            return (int)i;
    const Type *type = graph_type(lowering->plan->graph, node);
    *vec_push(lowering->arena, &computation->tensors) =
        (KernelTensor){.node = node,
                       .dtype = type->dtype,
                       .written = written,
                       .slice = type->lead == LEAD_SLICE ? type_elements(type) / type->dim[0] : 0};
    return (int)computation->tensors.count - 1;
}

/* Elements from a tensor's start to the element at `at`. In a chunked kernel the pointer of a tensor of
 * slices already is that of the slice. */
Affine lowering_address(const Lowering *lowering, const Type *type, const Index *at)
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
    expr.at = lowering_address(lowering, graph_type(lowering->plan->graph, id), at);
    expr.index = lowering_tensor(lowering, plan_root(lowering->plan->graph, id), false);
    expr.guard_first = lowering_guards(lowering, all, count + lowering->around_count, &expr.guard_count);
    return add_expr(lowering, expr);
}

/* The index before a reshape that only adds or removes extents of 1. */
Index lowering_look_through(const Type *from, const Type *to, const Index *at)
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
        Index index = lowering_look_through(graph_type(graph, node->in[0]), &node->type, at);
        return lower_read(lowering, node->in[0], &index);
    }
    return node_op(node)->lower(lowering, node, at);
}

bool lower_computes(const Lowering *lowering, NodeId id)
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
    if (lower_computes(lowering, id)) {
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

ExprId lowering_where(Lowering *lowering, const Guard *guards, int count, ExprId value)
{
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

/* True for a node that does not read memory: its value outside its tensor is harmless to compute. */
ExprId lower_read_guarded(Lowering *lowering, NodeId id, const Index *at, const Guard *guards, int count)
{
    if (always_fails(guards, count))
        return lower_const(lowering, 0);
    if (!lower_computes(lowering, id))
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
    return lowering_where(lowering, guards, count, value);
}

/* ---- Reductions ---- */

Affine lowering_axis_affine(int axis)
{
    Affine affine = affine_const(0);
    affine.coef[axis] = 1;
    return affine;
}

int lowering_axis(Computation *computation, Axis axis)
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
            return lowering_axis_affine(i);
    }
    return lowering_axis_affine(
        lowering_axis(computation, (Axis){.name = name, .reduced = true, .kind = kind, .extent = extent}));
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
    acc.guard_first = lowering_guards(lowering, guards, count, &acc.guard_count);
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
