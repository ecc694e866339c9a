/* One register tile: accumulators start, the reduced loops run, the stores are made. Each accumulator is one
 * chain of operations in the order of the reduced axes, whatever the tile, so that the bits do not depend on
 * the schedule. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/emit.h"

enum { CARRIED_MOST = 1024 };

static int tile_rows(const Emit *emit)
{
    int spread = emit->schedule->spread_axis;
    return emit->rows * (spread < 0 ? 1 : (int)emit->computation->axes[spread].extent);
}

void tile_stand(Emit *emit, int row, int vector)
{
    const CpuSchedule *schedule = emit->schedule;
    emit->row = row;
    emit->vector = vector;
    if (schedule->row_axis >= 0)
        emit->place.offset[schedule->row_axis] = emit->row_start + row % emit->rows;
    if (schedule->spread_axis >= 0)
        emit->place.offset[schedule->spread_axis] = row / emit->rows;
    if (schedule->vector_axis >= 0)
        emit->place.offset[schedule->vector_axis] = emit->vector_start + (int64_t)vector * emit->lanes;
}

/* ---- Accumulators ---- */

static bool moves_along(const Affine *at, int axis)
{
    return axis >= 0 && at->coef[axis] != 0;
}

static bool acc_depends(const Emit *emit, int index, int axis)
{
    const Computation *computation = emit->computation;
    const Accumulator *acc = &computation->accs.items[index];
    bool depends = axis >= 0 && (emit->depends[acc->expr] >> axis & 1 || acc->at.coef[axis]);
    for (int i = 0; i < acc->guard_count; i++)
        depends = depends || moves_along(&computation->guards.items[acc->guard_first + i].at, axis);
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        if (store->kind == STORE_ACC && emit_expr(emit, store->expr)->index == index)
            depends = depends || moves_along(&store->at, axis);
    }
    return depends;
}

static bool position_wanted(const Emit *emit, int index)
{
    for (size_t i = 0; i < emit->computation->exprs.count; i++)
        if (emit_expr(emit, (ExprId)i)->kind == EXPR_ACC_AT && emit_expr(emit, (ExprId)i)->index == index)
            return true;
    return false;
}

static void lay_out(Emit *emit)
{
    const CpuSchedule *schedule = emit->schedule;
    int accs = (int)emit->computation->accs.count, used = 0;
    emit->slots = NEW_ARRAY(emit->arena, Slots, accs);
    for (int i = 0; i < accs; i++) {
        Slots *slots = &emit->slots[i];
        slots->by_row =
            acc_depends(emit, i, schedule->row_axis) || acc_depends(emit, i, schedule->spread_axis);
        slots->by_vector = acc_depends(emit, i, schedule->vector_axis);
        int count = (slots->by_row ? tile_rows(emit) : 1) * (slots->by_vector ? emit->vectors : 1);
        slots->first = used;
        used += count;
        slots->position = position_wanted(emit, i) ? used : -1;
        used += slots->position >= 0 ? count : 0;
    }
    if (used > CARRIED_MOST)
        BUG("%s: a tile of %d accumulators", emit->computation->name, used);
    emit->carried_count = used;
    emit->carried = NEW_ARRAY(emit->arena, LLVMValueRef, used);
}

static int slot_here(const Emit *emit, const Slots *slots)
{
    int row = slots->by_row ? emit->row : 0;
    return slots->by_vector ? row * emit->vectors + emit->vector : row;
}

static LLVMTypeRef slot_type(const Emit *emit, const Slots *slots)
{
    return lanes_type(emit, emit->f32, slots->by_vector && emit->lanes > 1);
}

/* Where slot number `slot` (+ row, when given, times `step`) lies in the scratch memory. */
static LLVMValueRef scratch_pointer(const Emit *emit, int slot, LLVMValueRef row, int step)
{
    LLVMTypeRef type = LLVMVectorType(emit->f32, (unsigned)emit->lanes);
    LLVMValueRef at = LLVMConstInt(emit->i64, (uint64_t)slot, false);
    if (row) {
        LLVMValueRef past =
            LLVMBuildMul(emit->builder, row, LLVMConstInt(emit->i64, (uint64_t)step, false), "");
        at = LLVMBuildAdd(emit->builder, at, past, "");
    }
    return LLVMBuildGEP2(emit->builder, type, emit->scratch, &at, 1, "");
}

LLVMValueRef tile_accumulator(Emit *emit, int acc, bool position)
{
    const Slots *slots = &emit->slots[acc];
    int slot = (position ? slots->position : slots->first) + slot_here(emit, slots);
    if (emit->weights)
        return weights_sum(emit);
    if (!emit->scratch_row && !emit->matrix)
        return emit->carried[slot];
    LLVMValueRef row = slots->by_row ? emit->scratch_row : NULL; /* NULL: the slot is that of the row */
    LLVMValueRef pointer = scratch_pointer(emit, slot, row, slots->by_vector ? emit->vectors : 1);
    return LLVMBuildLoad2(emit->builder, slot_type(emit, slots), pointer, "");
}

typedef void AtSlot(Emit *emit, int acc);

/* Visits each value of an accumulator, standing at its row and vector. */
static void each_slot(Emit *emit, int acc, AtSlot *visit)
{
    const Slots *slots = &emit->slots[acc];
    int rows = slots->by_row ? tile_rows(emit) : 1, vectors = slots->by_vector ? emit->vectors : 1;
    for (int row = 0; row < rows; row++) {
        for (int vector = 0; vector < vectors; vector++) {
            tile_stand(emit, row, vector);
            visit(emit, acc);
        }
    }
}

/* i1: this sum starts from zero: the call's first, at the start of all axes that `summed` says. */
static LLVMValueRef is_fresh(Emit *emit, const bool *summed)
{
    LLVMValueRef fresh = emit->first;
    bool never = false;
    for (int i = 0; i < emit->computation->axis_count; i++) {
        Bound low, high;
        axis_range(emit, i, &low, &high);
        if (summed[i])
            fresh = lanes_and(emit, fresh, place_is_at(emit, i, low, &never));
    }
    return never ? LLVMConstInt(emit->i1, 0, false) : fresh;
}

static const Store *store_of(const Emit *emit, int acc, int *stream)
{
    for (size_t i = 0; i < emit->computation->stores.count; i++) {
        const Store *store = &emit->computation->stores.items[i];
        if (store->kind != STORE_ACC || emit_expr(emit, store->expr)->index != acc)
            continue;
        *stream = emit->stream_of_store[i];
        return store;
    }
    return NULL;
}

static void start_slot(Emit *emit, int acc)
{
    const Slots *slots = &emit->slots[acc];
    int slot = slot_here(emit, slots), stream;
    LLVMValueRef zero = LLVMConstNull(slot_type(emit, slots)), value = zero;
    if (emit->computation->accs.items[acc].kind == ACC_MAX)
        value = lanes_real(emit, zero, -__builtin_inf());
    if (slots->position >= 0)
        emit->carried[slots->position + slot] = zero;
    const Store *store = store_of(emit, acc, &stream);
    LLVMValueRef condition;
    if (store && place_guards(emit, store->guard_first, store->guard_count, &condition) != GUARDS_FAIL) {
        bool outside[AXIS_MAX] = {false};
        for (int i = 0; i < emit->schedule->order_count; i++)
            outside[emit->schedule->order[i]] = emit->computation->axes[emit->schedule->order[i]].reduced;
        LLVMValueRef before = expr_load(emit, stream, &store->at, condition);
        value = lanes_select(emit, is_fresh(emit, outside), zero, before);
    }
    emit->carried[slots->first + slot] = value;
}

/* The sum as the block before left it. */
static void resume_slot(Emit *emit, int acc)
{
    const Slots *slots = &emit->slots[acc];
    LLVMValueRef value = LLVMBuildLoad2(emit->builder, slot_type(emit, slots), local_kept(emit, acc), "");
    LLVMSetAlignment(value, 4);
    emit->carried[slots->first + slot_here(emit, slots)] = value;
}

static void keep_slot(Emit *emit, int acc)
{
    const Slots *slots = &emit->slots[acc];
    LLVMValueRef value = emit->carried[slots->first + slot_here(emit, slots)];
    LLVMSetAlignment(LLVMBuildStore(emit->builder, value, local_kept(emit, acc)), 4);
}

/* One more term. */
static void update_slot(Emit *emit, int index)
{
    const Accumulator *acc = &emit->computation->accs.items[index];
    const Slots *slots = &emit->slots[index];
    LLVMValueRef condition;
    if (place_guards(emit, acc->guard_first, acc->guard_count, &condition) == GUARDS_FAIL)
        return;
    /* What is loaded under a condition must not be taken for the value where it fails. */
    size_t mark = emit->memo.count;
    emit->condition = condition;
    LLVMValueRef *value = &emit->carried[slots->first + slot_here(emit, slots)], before = *value;
    const Expr *expr = emit_expr(emit, acc->expr);
    if (acc->kind == ACC_MAX) {
        LLVMValueRef term = expr_value(emit, acc->expr);
        lanes_match(emit, &term, &before);
        LLVMValueRef greater =
            lanes_and(emit, LLVMBuildFCmp(emit->builder, LLVMRealOGT, term, before, ""), condition);
        *value = lanes_select(emit, greater, term, before);
        if (slots->position >= 0) {
            LLVMValueRef *position = &emit->carried[slots->position + slot_here(emit, slots)];
            *position = lanes_select(emit, greater, expr_affine(emit, &acc->at), *position);
        }
    } else {
        LLVMValueRef sum;
        if (expr->kind == EXPR_SCALAR && expr->scalar == SCALAR_mul) {
            sum = lanes_fma(emit, expr_value(emit, expr->in[0]), expr_value(emit, expr->in[1]), before);
        } else {
            LLVMValueRef term = expr_value(emit, acc->expr);
            lanes_match(emit, &term, &before);
            sum = LLVMBuildFAdd(emit->builder, before, term, "");
        }
        *value = condition ? lanes_select(emit, condition, sum, before) : sum;
    }
    emit->condition = NULL;
    if (condition)
        expr_forget(emit, mark);
}

/* An empty instruction that might have changed any memory: loads before it are not reused behind it. */
static void fence(Emit *emit)
{
    static const char clobbers[] = "~{memory}";
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(emit->context), NULL, 0, false);
    LLVMValueRef nothing = LLVMGetInlineAsm(type, "", 0, clobbers, sizeof clobbers - 1, true, false,
                                            LLVMInlineAsmDialectATT, false);
    LLVMBuildCall2(emit->builder, type, nothing, NULL, 0, "");
}

static void accumulate(Emit *emit)
{
    if (emit->schedule->fenced)
        fence(emit);
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        each_slot(emit, (int)i, update_slot);
}

/* ---- Reduced loops ---- */

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
        accumulate(emit);
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

/* ---- Stores ---- */

/* What a STORE_ADD adds to, before this point. */
static LLVMValueRef sum_before(Emit *emit, const Store *store, int stream, LLVMValueRef condition)
{
    bool summed[AXIS_MAX] = {false};
    for (int i = 0; i < emit->computation->axis_count; i++)
        summed[i] = !emit->computation->axes[i].reduced && !store->at.coef[i];
    LLVMValueRef before = expr_load(emit, stream, &store->at, condition);
    if (store->continued)
        return before;
    return lanes_select(emit, is_fresh(emit, summed), LLVMConstNull(LLVMTypeOf(before)), before);
}

/* The value to store at this point; NULL: nothing (yet). `sums` keeps the sums along the rows of the tile. */
static LLVMValueRef store_value(Emit *emit, size_t index, int row, LLVMValueRef *sums,
                                LLVMValueRef *condition)
{
    const Store *store = &emit->computation->stores.items[index];
    GuardState state = place_guards(emit, store->guard_first, store->guard_count, condition);
    if (store->kind != STORE_ADD) {
        emit->condition = *condition;
        LLVMValueRef value = state == GUARDS_FAIL ? NULL : expr_value(emit, store->expr);
        emit->condition = NULL;
        return value;
    }
    const CpuSchedule *schedule = emit->schedule;
    bool along = schedule->row_axis >= 0 && !store->at.coef[schedule->row_axis] && !emit->scratch_row;
    if (row == 0 || !along)
        sums[index] = sum_before(emit, store, emit->stream_of_store[index], along ? NULL : *condition);
    if (state != GUARDS_FAIL) {
        emit->condition = *condition;
        LLVMValueRef term = expr_value(emit, store->expr);
        emit->condition = NULL;
        lanes_match(emit, &term, &sums[index]);
        LLVMValueRef sum = LLVMBuildFAdd(emit->builder, sums[index], term, "");
        sums[index] = *condition ? lanes_select(emit, *condition, sum, sums[index]) : sum;
    }
    if (along && row + 1 < emit->rows)
        return NULL;
    *condition = along ? NULL : *condition;
    return along || state != GUARDS_FAIL ? sums[index] : NULL;
}

/* Standing at one point: all values first, since a store may overwrite what another expression loads there.
 */
static void store_point(Emit *emit, int row, LLVMValueRef *sums)
{
    size_t count = emit->computation->stores.count;
    LLVMValueRef *values = NEW_ARRAY(emit->arena, LLVMValueRef, count);
    LLVMValueRef *conditions = NEW_ARRAY(emit->arena, LLVMValueRef, count);
    for (size_t i = 0; i < count; i++) {
        size_t mark = emit->memo.count;
        values[i] = store_value(emit, i, row, sums, &conditions[i]);
        if (conditions[i])
            expr_forget(emit, mark);
    }
    for (size_t i = 0; i < count; i++)
        if (values[i])
            expr_store(emit, emit->stream_of_store[i], &emit->computation->stores.items[i].at, values[i],
                       conditions[i]);
}

static void stores_transposed(Emit *emit)
{
    const Computation *computation = emit->computation;
    size_t count = computation->stores.count;
    LLVMValueRef *values = NEW_ARRAY(emit->arena, LLVMValueRef, count * (size_t)emit->rows);
    for (int vector = 0; vector < emit->vectors; vector++) {
        for (int row = 0; row < emit->rows; row++) {
            tile_stand(emit, row, vector);
            for (size_t i = 0; i < count; i++)
                values[i * (size_t)emit->rows + (size_t)row] =
                    expr_value(emit, computation->stores.items[i].expr);
        }
        tile_stand(emit, 0, vector);
        int carried = emit->carried_count;
        emit->carried_count = 0; /* no branch of the stores changes a sum */
        for (size_t i = 0; i < count; i++)
            transpose_store(emit, emit->stream_of_store[i], &computation->stores.items[i].at,
                            values + i * (size_t)emit->rows);
        emit->carried_count = carried;
    }
}

static void stores_written_out(Emit *emit)
{
    LLVMValueRef *sums = NEW_ARRAY(emit->arena, LLVMValueRef, emit->computation->stores.count);
    for (int vector = 0; vector < emit->vectors; vector++) {
        for (int row = 0; row < tile_rows(emit); row++) {
            tile_stand(emit, row, vector);
            store_point(emit, row, sums);
        }
    }
}

/* Memory for the values of the largest tile, in the function's first block, where it is taken once. */
static void make_scratch(Emit *emit)
{
    const CpuSchedule *schedule = emit->schedule;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(emit->builder);
    LLVMPositionBuilderBefore(emit->builder, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(emit->function)));
    unsigned count =
        2 * (unsigned)emit->computation->accs.count * (unsigned)(schedule->rows * schedule->vectors);
    LLVMTypeRef type = LLVMArrayType2(LLVMVectorType(emit->f32, (unsigned)emit->lanes), count);
    emit->scratch = LLVMBuildAlloca(emit->builder, type, "");
    LLVMPositionBuilderAtEnd(emit->builder, here);
}

/* The same in a loop over the rows: for epilogues so long that writing them out for each row would take
 * seconds to compile. */
static void stores_looped(Emit *emit)
{
    int axis = emit->schedule->row_axis;
    if (!emit->scratch && !emit->weights)
        make_scratch(emit);
    for (int i = 0; i < emit->carried_count; i++)
        LLVMBuildStore(emit->builder, emit->carried[i], scratch_pointer(emit, i, NULL, 0));
    emit->carried_count = 0;
    Bound start = {.value = emit->place.index[axis], .constant = emit->row_start};
    emit->place.offset[axis] = 0;
    Loop loop;
    Bound end = bound_add(start, emit->rows);
    if (emit->rows_left)
        end = (Bound){.value = LLVMBuildAdd(emit->builder, bound_value(emit, start), emit->rows_left, "")};
    loop_begin(emit, &loop, axis, start, end, 1, 1);
    emit->row_start = 0;
    emit->scratch_row = LLVMBuildSub(emit->builder, loop.index, bound_value(emit, start), "");
    LLVMValueRef *sums = NEW_ARRAY(emit->arena, LLVMValueRef, emit->computation->stores.count);
    for (int vector = 0; vector < emit->vectors; vector++) {
        tile_stand(emit, 0, vector);
        store_point(emit, 0, sums);
    }
    emit->scratch_row = NULL;
    loop_end(emit, &loop);
}

static void reduce_tile(Emit *emit)
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

static void each_sum(Emit *emit, AtSlot *visit)
{
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        each_slot(emit, (int)i, visit);
}

static void start_sums(Emit *emit)
{
    bool never = false;
    LLVMValueRef first = emit->schedule->kept ? local_first(emit, &never) : NULL;
    if (!first && !never) {
        each_sum(emit, start_slot);
        return;
    }
    if (never) {
        each_sum(emit, resume_slot);
        return;
    }
    each_sum(emit, start_slot);
    Branch branch;
    branch_begin(emit, &branch, LLVMBuildNot(emit->builder, first, ""));
    each_sum(emit, resume_slot);
    branch_end(emit, &branch);
}

static void make_stores(Emit *emit)
{
    if (emit->schedule->primitive == PRIMITIVE_TILE)
        stores_looped(emit);
    else if (transpose_possible(emit))
        stores_transposed(emit);
    else if (emit->schedule->rows_looped && emit->rows > 1)
        stores_looped(emit);
    else
        stores_written_out(emit);
}

/* The stores; or, before the last block, the sums to where they wait. */
static void finish_sums(Emit *emit)
{
    bool never = false;
    LLVMValueRef last = emit->schedule->kept ? local_last(emit, &never) : NULL;
    if (!last && !never) {
        make_stores(emit);
        return;
    }
    if (never) {
        each_sum(emit, keep_slot);
        return;
    }
    int count = emit->carried_count;
    LLVMValueRef *sums = NEW_ARRAY(emit->arena, LLVMValueRef, count);
    memcpy(sums, emit->carried, (size_t)count * sizeof *sums);
    Branch branch;
    emit->carried_count = 0; /* nobody needs them after either branch */
    branch_begin(emit, &branch, LLVMBuildNot(emit->builder, last, ""));
    memcpy(emit->carried, sums, (size_t)count * sizeof *sums);
    each_sum(emit, keep_slot);
    branch_end(emit, &branch);
    branch_begin(emit, &branch, last);
    memcpy(emit->carried, sums, (size_t)count * sizeof *sums);
    emit->carried_count = count;
    make_stores(emit);
    emit->carried_count = 0;
    branch_end(emit, &branch);
}

void tile_emit(Emit *emit)
{
    const CpuSchedule *schedule = emit->schedule;
    size_t mark = emit->memo.count;
    Standpoint outer = emit->place;
    if (schedule->spread_axis >= 0)
        place_fix(emit, schedule->spread_axis, 0);
    emit->row_start = schedule->row_axis >= 0 ? emit->place.offset[schedule->row_axis] : 0;
    emit->vector_start = schedule->vector_axis >= 0 ? emit->place.offset[schedule->vector_axis] : 0;
    lay_out(emit);
    if (schedule->primitive == PRIMITIVE_TILE) {
        emit->carried_count = 0;
        if (emit->matrix)
            matrix_sums(emit);
        make_stores(emit);
    } else {
        start_sums(emit);
        if (emit->computation->accs.count)
            reduce_tile(emit);
        finish_sums(emit);
    }
    expr_forget(emit, mark);
    emit->carried_count = 0;
    emit->place = outer;
}
