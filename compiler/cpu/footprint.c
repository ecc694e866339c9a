#include "compiler/cpu/footprint.h"

static int64_t span_bytes(const Computation *computation, const Affine *at, int tensor, const bool *moving)
{
    int64_t elements = 1;
    for (int a = 0; a < computation->axis_count; a++) {
        int64_t coef = at->coef[a];
        if (moving[a])
            elements += (coef < 0 ? -coef : coef) * (computation->axes[a].extent - 1);
    }
    return elements * (int64_t)dtype_bytes(computation->tensors.items[tensor].dtype);
}

static int64_t load_bytes(const Computation *computation, const Expr *expr, const bool *moving)
{
    return span_bytes(computation, &expr->at, expr->index, moving);
}

int64_t footprint_stores(const Computation *computation)
{
    bool moving[AXIS_MAX];
    for (int a = 0; a < computation->axis_count; a++)
        moving[a] = true;
    int64_t bytes = 0;
    for (size_t i = 0; i < computation->stores.count; i++)
        bytes += span_bytes(computation, &computation->stores.items[i].at,
                            computation->stores.items[i].tensor, moving);
    return bytes;
}

int64_t footprint_bytes(const Computation *computation, const bool *summed, int axis)
{
    bool moving[AXIS_MAX];
    for (int a = 0; a < computation->axis_count; a++)
        moving[a] = !computation->axes[a].reduced || a > axis;
    int64_t bytes = 0;
    for (size_t i = 0; i < computation->exprs.count; i++)
        if (summed[i] && computation->exprs.items[i].kind == EXPR_LOAD)
            bytes += load_bytes(computation, &computation->exprs.items[i], moving);
    return bytes;
}

/* The samples of a chunk: so few that the chunk's tensors fit the cache. */
static bool is_chunk(const Computation *computation, int axis)
{
    return computation->chunked && computation->axes[axis].kind == EXTENT_BATCH;
}

int64_t footprint_without(const Computation *computation, const bool *summed, int from, int vector)
{
    bool moving[AXIS_MAX];
    for (int a = 0; a < computation->axis_count; a++)
        moving[a] = computation->axes[a].reduced || (a >= from && !is_chunk(computation, a));
    int64_t bytes = 0;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = &computation->exprs.items[i];
        if (summed[i] && expr->kind == EXPR_LOAD && !expr->at.coef[vector])
            bytes += load_bytes(computation, expr, moving);
    }
    return bytes;
}

int64_t footprint_points(const Computation *computation, const bool *summed, const int64_t *points, int axis,
                         bool moving)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = &computation->exprs.items[i];
        if (!summed[i] || expr->kind != EXPR_LOAD || (axis >= 0 && (expr->at.coef[axis] != 0) != moving))
            continue;
        /* No more elements than there are points, and no more than lie between the first and the last. */
        int64_t span = 1, visited = 1;
        for (int a = 0; a < computation->axis_count; a++) {
            int64_t coef = expr->at.coef[a] < 0 ? -expr->at.coef[a] : expr->at.coef[a];
            span += coef * (points[a] - 1);
            visited *= coef ? points[a] : 1;
        }
        bytes += (visited < span ? visited : span) *
                 (int64_t)dtype_bytes(computation->tensors.items[expr->index].dtype);
    }
    return bytes;
}
