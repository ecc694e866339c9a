/* Which schedules compute the same as the computation says: every point once, every sum in the order of its
 * axes. */
#include "compiler/cpu/matrix.h"
#include "compiler/cpu/matrix_weights.h"

static bool in_list(const int *list, int count, int axis)
{
    for (int i = 0; i < count; i++)
        if (list[i] == axis)
            return true;
    return false;
}

static int times_in_list(const int *list, int count, int axis)
{
    int times = 0;
    for (int i = 0; i < count; i++)
        times += list[i] == axis;
    return times;
}

static const char *name_of(const Computation *computation, int axis)
{
    return computation->axes[axis].name;
}

static bool has_kind(const Computation *computation, StoreKind kind)
{
    for (size_t i = 0; i < computation->stores.count; i++)
        if (computation->stores.items[i].kind == kind)
            return true;
    return false;
}

static const char *check_lists(const Computation *computation, const CpuSchedule *schedule, Arena *arena)
{
    if (schedule->order_count < 0 || schedule->order_count > AXIS_MAX || schedule->reduce_count < 0 ||
        schedule->reduce_count > AXIS_MAX)
        return "more loops than axes";
    for (int a = 0; a < computation->axis_count; a++) {
        const Axis *axis = &computation->axes[a];
        int outside = times_in_list(schedule->order, schedule->order_count, a);
        int inside = times_in_list(schedule->reduce, schedule->reduce_count, a);
        bool whole = a == schedule->spread_axis || (!axis->reduced && outside == 1 && inside == 0);
        if (a == schedule->spread_axis &&
            (outside || inside || axis->reduced || axis->kind != EXTENT_FIXED || a == computation->parallel))
            return arena_printf(arena, "axis %s cannot be spread over the tile", axis->name);
        if (axis->reduced && outside == 1 && schedule->block[a] > 0)
            whole = inside == (schedule->block[a] > 1);
        else if (axis->reduced)
            whole = outside == 0 && inside == 1;
        if (!whole)
            return arena_printf(arena, "axis %s is not visited once", axis->name);
        if (axis->reduced && outside && schedule->unrolled[a] && schedule->block[a] != 1)
            return arena_printf(arena, "blocks of axis %s cannot be written out", axis->name);
    }
    return NULL;
}

/* The reduced axes outside the tile must be the first ones, whole but for the last; those inside in order. */
static const char *check_sums(const Computation *computation, const CpuSchedule *schedule, Arena *arena)
{
    int last = -1;
    bool blocked = false;
    for (int i = 0; i < schedule->order_count; i++) {
        int a = schedule->order[i];
        if (!computation->axes[a].reduced)
            continue;
        if (blocked || a < last)
            return arena_printf(arena, "axis %s would be summed out of order", name_of(computation, a));
        for (int b = 0; b < a; b++)
            if (computation->axes[b].reduced && !in_list(schedule->order, i, b))
                return arena_printf(arena, "axis %s would be summed out of order", name_of(computation, a));
        last = a;
        blocked = schedule->block[a] > 1;
    }
    if (last >= 0) {
        bool elsewhere = has_kind(computation, STORE_WRITE) || has_kind(computation, STORE_ADD);
        if (elsewhere != schedule->kept)
            return "sums in blocks that are not kept in memory";
        if (schedule->kept && has_kind(computation, STORE_ACC))
            return "sums kept in two places";
        for (size_t i = 0; i < computation->accs.count; i++)
            if (computation->accs.items[i].kind != ACC_SUM)
                return "a maximum in blocks";
    }
    if (last < 0 && schedule->kept)
        return "sums are kept between no blocks";
    for (int i = 1; i < schedule->reduce_count; i++)
        if (schedule->reduce[i] < schedule->reduce[i - 1])
            return arena_printf(arena, "axis %s would be summed out of order",
                                name_of(computation, schedule->reduce[i]));
    return NULL;
}

/* A STORE_ADD sums over output axes as they are visited: these must be visited in their order, rows being the
 * innermost. */
static const char *check_added(const Computation *computation, const CpuSchedule *schedule,
                               const Store *store, Arena *arena)
{
    int last = -1, innermost = -1;
    for (int a = 0; a < computation->axis_count; a++)
        if (!computation->axes[a].reduced && !store->at.coef[a])
            innermost = a;
    for (int i = 0; i < schedule->order_count; i++) {
        int a = schedule->order[i];
        if (store->at.coef[a] || computation->axes[a].reduced)
            continue;
        if (a < last)
            return arena_printf(arena, "axis %s would be added out of order", name_of(computation, a));
        last = a;
    }
    if (schedule->row_axis >= 0 && !store->at.coef[schedule->row_axis] && schedule->row_axis != innermost)
        return arena_printf(arena, "rows along %s would be added out of order",
                            name_of(computation, schedule->row_axis));
    if (schedule->spread_axis >= 0)
        return "a spread axis with an added store";
    return NULL;
}

static const char *check_packed(const Computation *computation, const CpuSchedule *schedule)
{
    const Expr *expr = &computation->exprs.items[schedule->packed - 1];
    if (expr->kind != EXPR_LOAD || expr->guard_count || schedule->vector_axis < 0 ||
        !expr->at.coef[schedule->vector_axis])
        return "what is packed is no load along the vectors that is always allowed";
    return NULL;
}

static const char *check_tile(const Computation *computation, const CpuSchedule *schedule, Arena *arena)
{
    const int special[3] = {schedule->vector_axis, schedule->row_axis, schedule->spread_axis};
    for (int i = 0; i < 3; i++) {
        if (special[i] >= computation->axis_count ||
            (special[i] >= 0 && computation->axes[special[i]].reduced))
            return "a tile along something else than an output axis";
        for (int k = 0; k < i; k++)
            if (special[i] >= 0 && special[i] == special[k])
                return "a tile with the same axis twice";
    }
    if (schedule->spread_axis >= 0 && schedule->row_axis < 0)
        return "a spread axis without rows";
    if (schedule->rows_looped && (schedule->row_axis < 0 || schedule->spread_axis >= 0))
        return "no rows that a loop could visit";
    if (schedule->rows < 1 || schedule->vectors < 1 || schedule->unroll < 1)
        return "an empty tile";
    for (size_t i = 0; i < computation->stores.count && schedule->vector_axis >= 0; i++)
        if (!computation->stores.items[i].at.coef[schedule->vector_axis])
            return arena_printf(arena, "vectors along %s, along which a store does not move",
                                name_of(computation, schedule->vector_axis));
    for (int a = 0; a < computation->axis_count; a++)
        if (schedule->unrolled[a] &&
            (!computation->axes[a].reduced || computation->axes[a].kind != EXTENT_FIXED))
            return arena_printf(arena, "the loop over %s cannot be written out", name_of(computation, a));
    return NULL;
}

/* Matrix instructions compute products with weights, or weight gradients. */
static const char *tile_legal(const Computation *computation, const CpuSchedule *schedule)
{
    MatrixForm form;
    return matrix_form(computation, &form) ? weights_legal(computation, schedule)
                                           : matrix_legal(computation, schedule);
}

const char *cpu_schedule_legal(const Computation *computation, const CpuSchedule *schedule, Arena *arena)
{
    const char *complaint = check_lists(computation, schedule, arena);
    if (!complaint)
        complaint = check_sums(computation, schedule, arena);
    if (!complaint && schedule->packed)
        complaint = check_packed(computation, schedule);
    if (!complaint && schedule->primitive != PRIMITIVE_FMA)
        complaint = tile_legal(computation, schedule);
    if (!complaint)
        complaint = check_tile(computation, schedule, arena);
    for (size_t i = 0; i < computation->stores.count && !complaint; i++)
        if (computation->stores.items[i].kind == STORE_ADD)
            complaint = check_added(computation, schedule, &computation->stores.items[i], arena);
    return complaint;
}
