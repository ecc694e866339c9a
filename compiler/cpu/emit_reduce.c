/* The reduced loops of a register tile: clipped to where guards hold, in blocks, written out. */
#include "compiler/base/divide.h"
#include "compiler/cpu/emit_tile.h"

static LLVMValueRef emit_divide_up(Emit *emit, LLVMValueRef value, int64_t divisor)
{
    if (divisor == 1)
        return value;
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef by = LLVMConstInt(emit->i64, (uint64_t)divisor, true),
                 one = LLVMConstInt(emit->i64, 1, true);
    LLVMValueRef quotient = LLVMBuildSDiv(builder, value, by, "");
    LLVMValueRef rest = LLVMBuildSub(builder, value, LLVMBuildMul(builder, quotient, by, ""), "");
    LLVMValueRef up = LLVMBuildICmp(builder, LLVMIntSGT, rest, LLVMConstInt(emit->i64, 0, true), "");
    return LLVMBuildSelect(builder, up, LLVMBuildAdd(builder, quotient, one, ""), quotient, "");
}

/* True when only the reduced axis and axes that are bound and the same for the whole tile occur in the guard.
 */
static bool is_clippable(const Emit *emit, const Guard *guard, int axis)
{
    const CpuSchedule *schedule = emit->schedule;
    if (!guard->at.coef[axis] || moves_along(&guard->at, schedule->row_axis) ||
        moves_along(&guard->at, schedule->spread_axis) || moves_along(&guard->at, schedule->vector_axis))
        return false;
    for (int i = 0; i < emit->computation->axis_count; i++)
        if (i != axis && guard->at.coef[i] && !emit->place.bound[i])
            return false;
    return true;
}

/* A reduced axis of which a tile does several points at a time. */
static bool in_blocks(const Emit *emit, int axis)
{
    return emit->computation->axes[axis].reduced && emit->schedule->block[axis] > 1;
}

static bool all_have_guard(const Emit *emit, const Guard *guard)
{
    for (size_t i = 0; i < emit->computation->accs.count; i++) {
        const Accumulator *acc = &emit->computation->accs.items[i];
        bool has = false;
        for (int k = 0; k < acc->guard_count; k++) {
            const Guard *own = &emit->computation->guards.items[acc->guard_first + k];
            has = has || (own->extent == guard->extent && affine_equal(&own->at, &guard->at));
        }
        if (!has)
            return false;
    }
    return true;
}

/* Narrows the loop's range to where the guard holds: 0 <= c i + rest < extent. */
static void clip(Emit *emit, const Guard *guard, int axis, Bound *low, Bound *high)
{
    LLVMBuilderRef builder = emit->builder;
    Affine without = guard->at;
    int64_t coef = without.coef[axis];
    without.coef[axis] = 0;
    LLVMValueRef rest = place_affine(emit, &without), zero = LLVMConstInt(emit->i64, 0, true);
    LLVMValueRef first = LLVMBuildSub(builder, zero, rest, "");
    LLVMValueRef end =
        LLVMBuildAdd(builder, first, LLVMConstInt(emit->i64, (uint64_t)guard->extent, true), "");
    if (coef < 0) { /* as 0 <= extent - 1 - (c i + rest) < extent, which rises with i */
        LLVMValueRef one = LLVMConstInt(emit->i64, 1, true);
        LLVMValueRef turned = LLVMBuildSub(builder, one, end, "");
        end = LLVMBuildSub(builder, one, first, "");
        first = turned;
        coef = -coef;
    }
    LLVMValueRef from[2] = {bound_value(emit, *low), emit_divide_up(emit, first, coef)};
    LLVMValueRef to[2] = {bound_value(emit, *high), emit_divide_up(emit, end, coef)};
    *low = (Bound){.value = lanes_intrinsic(emit, "llvm.smax", emit->i64, from, 2)};
    *high = (Bound){.value = lanes_intrinsic(emit, "llvm.smin", emit->i64, to, 2)};
    *vec_push(emit->arena, &emit->proven) = *guard;
}

static void clip_all(Emit *emit, int axis, Bound *low, Bound *high)
{
    if (emit->computation->accs.count == 0)
        return;
    const Accumulator *acc = &emit->computation->accs.items[0];
    for (int i = 0; i < acc->guard_count; i++) {
        const Guard *guard = &emit->computation->guards.items[acc->guard_first + i];
        int64_t least, most;
        place_interval(emit, &guard->at, &least, &most);
        if ((least < 0 || most >= guard->extent) && is_clippable(emit, guard, axis) &&
            all_have_guard(emit, guard))
            clip(emit, guard, axis, low, high);
    }
}

static void reduce(Emit *emit, int level);

/* i1: what is known, before the loops, of guards that are the same for the whole tile; they count as proven
 * where it holds. NULL: there is no such guard. */
static LLVMValueRef tile_condition(Emit *emit)
{
    LLVMValueRef all = NULL;
    if (emit->computation->accs.count == 0)
        return NULL;
    const Accumulator *acc = &emit->computation->accs.items[0];
    for (int i = 0; i < acc->guard_count; i++) {
        const Guard *guard = &emit->computation->guards.items[acc->guard_first + i];
        bool bound = !moves_along(&guard->at, emit->schedule->row_axis) &&
                     !moves_along(&guard->at, emit->schedule->spread_axis) &&
                     !moves_along(&guard->at, emit->schedule->vector_axis);
        for (int a = 0; a < emit->computation->axis_count; a++)
            bound = bound && (!guard->at.coef[a] || (emit->place.bound[a] && !in_blocks(emit, a)));
        LLVMValueRef condition;
        if (!bound || !all_have_guard(emit, guard) ||
            place_guards(emit, acc->guard_first + i, 1, &condition) != GUARDS_UNKNOWN)
            continue;
        all = lanes_and(emit, all, condition);
        *vec_push(emit->arena, &emit->proven) = *guard;
    }
    return all;
}

/* ---- Guards that hold for some rows of a tile and not for others ---- */

/* How far the guard's position lies from that of the tile's first row, at least and at most. */
static void row_span(const Emit *emit, const Guard *guard, int64_t *least, int64_t *most)
{
    const CpuSchedule *schedule = emit->schedule;
    const int axes[2] = {schedule->row_axis, schedule->spread_axis};
    const int64_t points[2] = {
        emit->rows, schedule->spread_axis < 0 ? 1 : emit->computation->axes[schedule->spread_axis].extent};
    *least = *most = 0;
    for (int i = 0; i < 2; i++) {
        int64_t far = axes[i] < 0 ? 0 : guard->at.coef[axes[i]] * (points[i] - 1);
        *least += far < 0 ? far : 0;
        *most += far > 0 ? far : 0;
    }
}

/* True when the axis decides for which rows the guard holds: all else in it stands. Of an axis of a few
 * points, as of a window, there is no inner part that is worth code of its own. */
static bool splits_rows(const Emit *emit, const Guard *guard, int axis)
{
    enum { POINTS_LEAST = 12 };
    const CpuSchedule *schedule = emit->schedule;
    if (emit->computation->axes[axis].extent < POINTS_LEAST)
        return false;
    if (!guard->at.coef[axis] || moves_along(&guard->at, schedule->vector_axis) ||
        !all_have_guard(emit, guard) ||
        (!moves_along(&guard->at, schedule->row_axis) && !moves_along(&guard->at, schedule->spread_axis)))
        return false;
    for (int i = 0; i < emit->computation->axis_count; i++)
        if (i != axis && guard->at.coef[i] && !emit->place.bound[i])
            return false;
    return true;
}

/* Where the tile's first row stands. */
static Standpoint at_first_row(const Emit *emit)
{
    Standpoint place = emit->place;
    if (emit->schedule->row_axis >= 0)
        place.offset[emit->schedule->row_axis] = emit->row_start;
    if (emit->schedule->spread_axis >= 0)
        place.offset[emit->schedule->spread_axis] = 0;
    return place;
}

/* The points of [*first, *end) at which these guards hold for all rows. Where almost all do, the others are
 * written out, and the code for each knows which rows count. */
static void find_interior(Emit *emit, int axis, int64_t *first, int64_t *end)
{
    enum { OUTSIDE_MOST = 3 };
    const Accumulator *acc = &emit->computation->accs.items[0];
    Standpoint saved = emit->place;
    int64_t low = *first, high = *end;
    emit->place = at_first_row(emit);
    for (int i = 0; i < acc->guard_count; i++) {
        const Guard *guard = &emit->computation->guards.items[acc->guard_first + i];
        if (!splits_rows(emit, guard, axis))
            continue;
        Affine without = guard->at;
        int64_t step = without.coef[axis], least, most, from, to;
        without.coef[axis] = 0;
        place_interval(emit, &without, &from, &to);
        row_span(emit, guard, &least, &most);
        from += least;
        to += most;
        /* 0 <= from + step i, to + step i < extent */
        int64_t begin = step > 0 ? divide_up(-from, step) : divide_down(to - guard->extent, -step) + 1;
        int64_t stop = step > 0 ? divide_up(guard->extent - to, step) : divide_down(from, -step) + 1;
        low = begin > low ? begin : low;
        high = stop < high ? stop : high;
    }
    emit->place = saved;
    if (low < high && low - *first <= OUTSIDE_MOST && *end - high <= OUTSIDE_MOST) {
        *first = low;
        *end = high;
    }
}

/* i1: whether the guards that this axis decides, at the point where it stands, hold for all rows; they count
 * as proven where it is true. NULL: there is no such guard. */
static LLVMValueRef rows_condition(Emit *emit, int axis)
{
    const Accumulator *acc = &emit->computation->accs.items[0];
    LLVMValueRef all = NULL;
    Standpoint saved = emit->place;
    emit->place = at_first_row(emit);
    for (int i = 0; i < acc->guard_count; i++) {
        const Guard *guard = &emit->computation->guards.items[acc->guard_first + i];
        int64_t least, most, low, high;
        if (!splits_rows(emit, guard, axis))
            continue;
        row_span(emit, guard, &least, &most);
        place_interval(emit, &guard->at, &low, &high);
        if (low + least >= 0 && high + most < guard->extent)
            continue;
        Affine start = guard->at;
        start.base += least;
        LLVMValueRef inside =
            LLVMBuildICmp(emit->builder, LLVMIntULT, place_affine(emit, &start),
                          LLVMConstInt(emit->i64, (uint64_t)(guard->extent - (most - least)), true), "");
        if (guard->extent <= most - least) /* never for all rows */
            continue;
        all = lanes_and(emit, all, inside);
        *vec_push(emit->arena, &emit->proven) = *guard;
    }
    emit->place = saved;
    return all;
}

/* The levels below: where guards hold for some rows only, code that need not ask, for all points but a few,
 * and code that asks for each row. */
static void descend(Emit *emit, int level, int axis)
{
    size_t proven = emit->proven.count;
    bool innermost = level + 1 == emit->schedule->reduce_count;
    LLVMValueRef condition = innermost || emit->computation->accs.count == 0 || !emit->place.index[axis]
                                 ? NULL
                                 : rows_condition(emit, axis);
    if (!condition) {
        reduce(emit, level + 1);
        return;
    }
    Branch branch;
    branch_begin(emit, &branch, condition);
    reduce(emit, level + 1);
    branch_end(emit, &branch);
    emit->proven.count = proven;
    branch_begin(emit, &branch, LLVMBuildNot(emit->builder, condition, ""));
    reduce(emit, level + 1);
    branch_end(emit, &branch);
}

/* The points low … low+count-1 of the axis, written out. */
static void written_out(Emit *emit, int level, int axis, Bound low, int64_t count)
{
    Standpoint outer = emit->place;
    for (int64_t i = 0; i < count; i++) {
        if (!low.value)
            place_fix(emit, axis, low.constant + i);
        else
            emit->place.offset[axis] = low.constant + i; /* a blocked axis: its index is that of the block */
        descend(emit, level, axis);
    }
    emit->place = outer;
}

static void looped(Emit *emit, int level, int axis, Bound low, Bound high, int64_t unroll)
{
    Loop loop;
    loop_begin(emit, &loop, axis, low, high, unroll, unroll);
    written_out(emit, level, axis, (Bound){.value = loop.index}, unroll);
    loop_end(emit, &loop);
}

static void reduce(Emit *emit, int level)
{
    const CpuSchedule *schedule = emit->schedule;
    if (level == schedule->reduce_count) {
        sums_accumulate(emit);
        return;
    }
    int axis = schedule->reduce[level];
    Bound low, high;
    axis_range(emit, axis, &low, &high);
    if (emit->place.bound[axis]) {
        low = (Bound){.value = emit->place.index[axis], .constant = emit->place.offset[axis]};
        Bound end = high;
        high = bound_add(low, emit->inner[axis]);
        if (end.value) { /* the last block may be smaller */
            LLVMValueRef ends[2] = {bound_value(emit, high), bound_value(emit, end)};
            high = (Bound){.value = lanes_intrinsic(emit, "llvm.smin", emit->i64, ends, 2)};
        }
    }
    int64_t count = high.constant - low.constant;
    if (schedule->unrolled[axis]) {
        written_out(emit, level, axis, low, count);
        return;
    }
    size_t proven = emit->proven.count;
    clip_all(emit, axis, &low, &high);
    int64_t unroll = level + 1 == schedule->reduce_count && low.value == high.value ? schedule->unroll : 1;
    if (low.value != high.value) {
        looped(emit, level, axis, low, high, 1);
    } else {
        int64_t first = low.constant, end = high.constant;
        if (!low.value && emit->computation->accs.count)
            find_interior(emit, axis, &first, &end);
        written_out(emit, level, axis, low, first - low.constant);
        low.constant = first;
        count = end - first;
        int64_t whole = count / unroll * unroll;
        if (whole > unroll)
            looped(emit, level, axis, low, bound_add(low, whole), unroll);
        else
            whole = 0;
        written_out(emit, level, axis, bound_add(low, whole), high.constant - first - whole);
    }
    emit->proven.count = proven;
}

void reduce_tile(Emit *emit)
{
    size_t proven = emit->proven.count;
    LLVMValueRef condition = tile_condition(emit);
    Branch branch;
    if (condition)
        branch_begin(emit, &branch, condition);
    reduce(emit, 0);
    if (condition)
        branch_end(emit, &branch);
    emit->proven.count = proven;
}
