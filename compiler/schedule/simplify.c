/* Fewer axes for the same computation, and the choice of the one that workers divide among them. */
#include <inttypes.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/schedule/lower.h"

typedef void VisitAffine(Affine *affine, void *context);

/* Calls visit for every affine of the computation. */
static void each_affine(Computation *computation, VisitAffine *visit, void *context)
{
    for (size_t i = 0; i < computation->guards.count; i++)
        visit(&computation->guards.items[i].at, context);
    for (size_t i = 0; i < computation->exprs.count; i++) {
        visit(&computation->exprs.items[i].at, context);
        visit(&computation->exprs.items[i].at2, context);
    }
    for (size_t i = 0; i < computation->accs.count; i++)
        visit(&computation->accs.items[i].at, context);
    for (size_t i = 0; i < computation->stores.count; i++)
        visit(&computation->stores.items[i].at, context);
}

static void remove_coef(Affine *affine, void *context)
{
    int axis = *(const int *)context;
    memmove(affine->coef + axis, affine->coef + axis + 1,
            (size_t)(AXIS_MAX - 1 - axis) * sizeof affine->coef[0]);
    affine->coef[AXIS_MAX - 1] = 0;
}

static void remove_axis(Computation *computation, int axis)
{
    each_affine(computation, remove_coef, &axis);
    memmove(computation->axes + axis, computation->axes + axis + 1,
            (size_t)(computation->axis_count - 1 - axis) * sizeof computation->axes[0]);
    computation->axis_count--;
}

typedef struct {
    int outer;
    int64_t inner_extent;
    bool joined; /* so far: every affine steps through both as through one */
} Join;

static void check_join(Affine *affine, void *context)
{
    Join *join = context;
    join->joined =
        join->joined && affine->coef[join->outer] == affine->coef[join->outer + 1] * join->inner_extent;
}

/* Joins axis `outer` and the next one, if they are alike and nothing tells them apart. */
static bool join_axes(Computation *computation, int outer)
{
    Axis *a = &computation->axes[outer], *b = &computation->axes[outer + 1];
    if (a->reduced != b->reduced || a->kind != EXTENT_FIXED || b->kind != EXTENT_FIXED)
        return false;
    Join join = {.outer = outer, .inner_extent = b->extent, .joined = true};
    each_affine(computation, check_join, &join);
    if (!join.joined)
        return false;
    b->extent *= a->extent;
    remove_axis(computation, outer);
    return true;
}

typedef struct {
    int axis;
    int64_t inner_extent;
} Split;

static void split_coef(Affine *affine, void *context)
{
    const Split *split = context;
    memmove(affine->coef + split->axis + 1, affine->coef + split->axis,
            (size_t)(AXIS_MAX - 1 - split->axis) * sizeof affine->coef[0]);
    affine->coef[split->axis] = affine->coef[split->axis + 1] * split->inner_extent;
}

/* Puts an axis before `axis`, so that the two step through what it did alone. */
static void split_axis(Computation *computation, int axis, int64_t inner_extent, const char *name)
{
    if (computation->axis_count == AXIS_MAX)
        BUG("%s has more than %d axes", computation->name, AXIS_MAX);
    Split split = {.axis = axis, .inner_extent = inner_extent};
    each_affine(computation, split_coef, &split);
    memmove(computation->axes + axis + 1, computation->axes + axis,
            (size_t)(computation->axis_count - axis) * sizeof computation->axes[0]);
    computation->axis_count++;
    computation->axes[axis] = computation->axes[axis + 1];
    computation->axes[axis].name = name;
    computation->axes[axis].extent /= inner_extent;
    computation->axes[axis + 1].extent = inner_extent;
}

static int output_axes(const Computation *computation)
{
    int count = 0;
    while (count < computation->axis_count && !computation->axes[count].reduced)
        count++;
    return count;
}

/* The largest divisor of extent that is no more than 2048 elements, whole vectors where that is possible. */
static int64_t inner_part(int64_t extent)
{
    enum { MOST = 2048, LANES = 16 };
    int64_t best = 1, best_whole = 1;
    for (int64_t d = 1; d <= MOST && d <= extent; d++) {
        if (extent % d)
            continue;
        best = d;
        if (d % LANES == 0)
            best_whole = d;
    }
    return best_whole > 1 ? best_whole : best;
}

/* Bytes that each worker reads of the operands of sums when `axis` is divided among them: of those that do
 * not move along it, all. */
static double read_by_all(const Computation *computation, int axis)
{
    double bytes = 0;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = &computation->exprs.items[i];
        double elements = 1;
        if (expr->kind != EXPR_LOAD || expr->at.coef[axis])
            continue;
        for (int a = 0; a < computation->axis_count; a++)
            elements *= expr->at.coef[a] ? (double)computation->axes[a].extent : 1;
        bytes += elements;
    }
    return bytes;
}

/* The points of Winograd's transform are enough to be divided among workers, who then read nothing twice. */
static bool divide_apart(Computation *computation)
{
    enum { POINTS_LEAST = 16 };
    for (int i = 0; i + 1 < output_axes(computation); i++) {
        const Axis *axis = &computation->axes[i];
        if (axis->kind == EXTENT_FIXED && axis->extent >= POINTS_LEAST && axis_is_apart(computation, i)) {
            computation->parallel = i;
            return true;
        }
    }
    return false;
}

/* Over a whole batch, a product of few samples and many weights is divided along the weights: each worker
 * then reads its part of them only. */
static void divide_weights(Computation *computation)
{
    enum { POINTS_LEAST = 64, TIMES_LESS = 2 };
    if (computation->accs.count == 0)
        return;
    for (int i = 0; i < output_axes(computation); i++)
        if (computation->axes[i].kind == EXTENT_FIXED && computation->axes[i].extent >= POINTS_LEAST &&
            TIMES_LESS * read_by_all(computation, i) < read_by_all(computation, computation->parallel))
            computation->parallel = i;
}

/* Workers divide the batch where there is one; else the longest output axis but the innermost, which vectors
 * run along. */
static void choose_parallel(Computation *computation)
{
    for (int i = 0; i < computation->axis_count; i++) {
        const Axis *axis = &computation->axes[i];
        if (axis->kind == EXTENT_BATCH && (!axis->reduced || computation->chunked)) {
            computation->parallel = i;
            if (!computation->chunked && !divide_apart(computation))
                divide_weights(computation);
            return;
        }
    }
    if (computation->chunked)
        BUG("%s runs in chunks but has no batch", computation->name);
    int outputs = output_axes(computation);
    if (outputs == 0) { /* a single value */
        if (computation->axis_count == AXIS_MAX)
            BUG("%s has more than %d axes", computation->name, AXIS_MAX);
        Split none = {.axis = 0, .inner_extent = 0};
        each_affine(computation, split_coef, &none);
        memmove(computation->axes + 1, computation->axes,
                (size_t)computation->axis_count * sizeof computation->axes[0]);
        computation->axes[0] = (Axis){.name = "one", .extent = 1};
        computation->axis_count++;
        computation->parallel = 0;
        return;
    }
    if (outputs == 1)
        split_axis(computation, 0, inner_part(computation->axes[0].extent), "block");
    if (divide_apart(computation))
        return;
    computation->parallel = 0;
    for (int i = 1; i + 1 < output_axes(computation); i++)
        if (computation->axes[i].extent > computation->axes[computation->parallel].extent)
            computation->parallel = i;
}

static void exchange_coefs(Affine *affine, void *context)
{
    int axis = *(const int *)context;
    int64_t first = affine->coef[axis];
    affine->coef[axis] = affine->coef[axis + 1];
    affine->coef[axis + 1] = first;
}

/* Products of matrices that have nothing in common but the samples (the points of Winograd's transform): all
 * samples pass for one before the next, so that its weights are read once. */
static void put_apart(Computation *computation)
{
    int outputs = output_axes(computation), batch = 0, apart = 1;
    if (outputs < 3 || computation->axes[batch].kind != EXTENT_BATCH)
        return;
    bool weights = false;
    for (size_t i = 0; i < computation->exprs.count; i++)
        weights = weights || (computation->exprs.items[i].kind == EXPR_LOAD &&
                              !computation->exprs.items[i].at.coef[batch]);
    if (!weights || !axis_is_apart(computation, apart))
        return;
    each_affine(computation, exchange_coefs, &batch);
    Axis first = computation->axes[batch];
    computation->axes[batch] = computation->axes[apart];
    computation->axes[apart] = first;
}

void simplify(Computation *computation)
{
    for (int i = computation->axis_count - 1; i >= 0; i--)
        if (computation->axes[i].kind == EXTENT_FIXED && computation->axes[i].extent == 1)
            remove_axis(computation, i);
    for (int i = computation->axis_count - 2; i >= 0; i--)
        join_axes(computation, i);
    put_apart(computation);
    choose_parallel(computation);
}
