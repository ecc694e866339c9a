/* The reduced loops of a register tile: clipped to where guards hold, in blocks, written out. */
#include "compiler/cpu/emit_tile.h"

static LLVMValueRef divide_up(Emit *emit, LLVMValueRef value, int64_t divisor)
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
    LLVMValueRef from[2] = {bound_value(emit, *low), divide_up(emit, first, coef)};
    LLVMValueRef to[2] = {bound_value(emit, *high), divide_up(emit, end, coef)};
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

/* The points low … low+count-1 of the axis, written out. */
static void written_out(Emit *emit, int level, int axis, Bound low, int64_t count)
{
    Standpoint outer = emit->place;
    for (int64_t i = 0; i < count; i++) {
        if (!low.value)
            place_fix(emit, axis, low.constant + i);
        else
            emit->place.offset[axis] = low.constant + i; /* a blocked axis: its index is that of the block */
        reduce(emit, level + 1);
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
        int64_t whole = count / unroll * unroll;
        if (whole > unroll)
            looped(emit, level, axis, low, bound_add(low, whole), unroll);
        else
            whole = 0;
        written_out(emit, level, axis, bound_add(low, whole), count - whole);
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
