/* Where the emitter stands: values of the axes, addresses, what is known of guards, and loops that move along
 * an axis. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/emit.h"

static LLVMValueRef constant_i64(const Emit *emit, int64_t value)
{
    return LLVMConstInt(emit->i64, (uint64_t)value, true);
}

Bound bound_constant(int64_t constant)
{
    return (Bound){.constant = constant};
}

Bound bound_add(Bound a, int64_t constant)
{
    a.constant += constant;
    return a;
}

LLVMValueRef bound_value(const Emit *emit, Bound bound)
{
    LLVMValueRef constant = constant_i64(emit, bound.constant);
    if (!bound.value)
        return constant;
    return bound.constant ? LLVMBuildAdd(emit->builder, bound.value, constant, "") : bound.value;
}

void axis_range(const Emit *emit, int axis, Bound *low, Bound *high)
{
    const Computation *computation = emit->computation;
    const Axis *a = &computation->axes[axis];
    *low = bound_constant(0);
    *high = bound_constant(a->extent);
    if (a->kind == EXTENT_SLICES)
        high->value = emit->slices;
    else if (a->kind == EXTENT_BATCH)
        high->value = emit->samples;
    if (axis == computation->parallel || (a->kind == EXTENT_BATCH && computation->chunked)) {
        low->value = emit->begin;
        high->value = emit->end;
    }
    if (high->value)
        high->constant = 0;
}

void place_fix(Emit *emit, int axis, int64_t at)
{
    Standpoint *place = &emit->place;
    place->bound[axis] = true;
    place->index[axis] = NULL;
    place->low[axis] = place->high[axis] = 0;
    place->offset[axis] = at;
}

static int64_t affine_offset(const Emit *emit, const Affine *at)
{
    int64_t offset = at->base;
    for (int i = 0; i < emit->computation->axis_count; i++)
        offset += at->coef[i] * emit->place.offset[i];
    return offset;
}

LLVMValueRef place_affine(Emit *emit, const Affine *at)
{
    LLVMValueRef sum = constant_i64(emit, affine_offset(emit, at));
    for (int i = 0; i < emit->computation->axis_count; i++) {
        if (!at->coef[i] || !emit->place.index[i])
            continue;
        LLVMValueRef term = emit->place.index[i];
        if (at->coef[i] != 1)
            term = LLVMBuildMul(emit->builder, term, constant_i64(emit, at->coef[i]), "");
        sum = LLVMBuildAdd(emit->builder, term, sum, "");
    }
    return sum;
}

LLVMValueRef place_affine_lanes(Emit *emit, const Affine *at)
{
    LLVMValueRef value = LLVMBuildTrunc(emit->builder, place_affine(emit, at), emit->i32, "");
    int axis = emit->schedule->vector_axis;
    if (emit->lanes == 1 || !at->coef[axis])
        return value;
    return LLVMBuildAdd(emit->builder, lanes_splat(emit, value), lanes_ramp(emit, at->coef[axis]), "");
}

LLVMValueRef place_is_at(Emit *emit, int axis, Bound point, bool *never)
{
    const Standpoint *place = &emit->place;
    if (!point.value && !place->index[axis]) {
        *never = *never || place->offset[axis] != point.constant;
        return NULL;
    }
    Bound here = {.value = place->index[axis], .constant = place->offset[axis]};
    return LLVMBuildICmp(emit->builder, LLVMIntEQ, bound_value(emit, here), bound_value(emit, point), "");
}

void place_interval(const Emit *emit, const Affine *at, int64_t *low, int64_t *high)
{
    const Standpoint *place = &emit->place;
    *low = *high = at->base;
    for (int i = 0; i < emit->computation->axis_count; i++) {
        if (!at->coef[i])
            continue;
        int64_t first = 0, last = emit->computation->axes[i].extent - 1;
        if (place->bound[i]) {
            first = place->low[i] + place->offset[i];
            int64_t end = place->high[i] + place->offset[i];
            if (i == emit->schedule->vector_axis)
                end += emit->lanes - 1;
            last = end < last ? end : last;
        }
        *low += at->coef[i] * (at->coef[i] > 0 ? first : last);
        *high += at->coef[i] * (at->coef[i] > 0 ? last : first);
    }
}

static LLVMValueRef pointer_add(const Emit *emit, LLVMValueRef pointer, LLVMValueRef bytes)
{
    return LLVMBuildGEP2(emit->builder, emit->i8, pointer, &bytes, 1, "");
}

static int64_t stream_bytes(const Emit *emit, int stream)
{
    int tensor = emit->streams.items[stream].tensor;
    Dtype dtype = tensor < 0 ? DTYPE_F32 : emit->computation->tensors.items[tensor].dtype;
    return (int64_t)dtype_bytes(dtype);
}

LLVMValueRef place_pointer(Emit *emit, int stream, const Affine *at)
{
    int64_t offset = affine_offset(emit, at) * stream_bytes(emit, stream);
    LLVMValueRef pointer = emit->place.stream[stream];
    return offset ? pointer_add(emit, pointer, constant_i64(emit, offset)) : pointer;
}

/* ---- Guards ---- */

static bool is_proven(const Emit *emit, const Guard *guard)
{
    for (size_t i = 0; i < emit->proven.count; i++)
        if (affine_equal(&emit->proven.items[i].at, &guard->at) &&
            emit->proven.items[i].extent == guard->extent)
            return true;
    return false;
}

GuardState place_guards(Emit *emit, int first, int count, LLVMValueRef *condition)
{
    *condition = NULL;
    for (int i = 0; i < count; i++) {
        const Guard *guard = &emit->computation->guards.items[first + i];
        int64_t low, high;
        place_interval(emit, &guard->at, &low, &high);
        if (high < 0 || low >= guard->extent)
            return GUARDS_FAIL;
        if ((low >= 0 && high < guard->extent) || is_proven(emit, guard))
            continue;
        LLVMValueRef value = place_affine_lanes(emit, &guard->at);
        /* As unsigned numbers negative ones are large: one comparison does both. */
        LLVMValueRef inside = LLVMBuildICmp(emit->builder, LLVMIntULT, value,
                                            lanes_word(emit, value, (uint32_t)guard->extent), "");
        *condition = lanes_and(emit, *condition, inside);
    }
    return *condition ? GUARDS_UNKNOWN : GUARDS_HOLD;
}

/* ---- Loops ---- */

static LLVMBasicBlockRef new_block(const Emit *emit)
{
    return LLVMAppendBasicBlockInContext(emit->context, emit->function, "");
}

static LLVMValueRef phi_of(const Emit *emit, LLVMValueRef initial, LLVMBasicBlockRef before)
{
    LLVMValueRef phi = LLVMBuildPhi(emit->builder, LLVMTypeOf(initial), "");
    LLVMAddIncoming(phi, &initial, &before, 1);
    return phi;
}

/* Pointers of the streams that move along the axis, at its start. */
static void move_streams(Emit *emit, Loop *loop)
{
    LLVMValueRef index = loop->outer.index[loop->axis];
    Bound delta = loop->start;
    if (delta.value == index)
        delta.value = NULL;
    else if (index)
        delta.value =
            LLVMBuildSub(emit->builder, delta.value ? delta.value : constant_i64(emit, 0), index, "");
    LLVMValueRef points = bound_value(emit, delta);
    loop->from = NEW_ARRAY(emit->arena, LLVMValueRef, emit->streams.count);
    for (size_t i = 0; i < emit->streams.count; i++) {
        int64_t step = emit->streams.items[i].coef[loop->axis] * stream_bytes(emit, (int)i);
        loop->from[i] = loop->outer.stream[i];
        if (step && (delta.value || delta.constant))
            loop->from[i] = pointer_add(emit, loop->from[i],
                                        LLVMBuildMul(emit->builder, points, constant_i64(emit, step), ""));
    }
}

static void open_phis(Emit *emit, Loop *loop, LLVMValueRef start)
{
    loop->index = phi_of(emit, start, loop->before);
    loop->stream = NEW_ARRAY(emit->arena, LLVMValueRef, emit->streams.count);
    LLVMValueRef *pointers = NEW_ARRAY(emit->arena, LLVMValueRef, emit->streams.count);
    for (size_t i = 0; i < emit->streams.count; i++) {
        pointers[i] = loop->from[i];
        if (emit->streams.items[i].coef[loop->axis])
            pointers[i] = loop->stream[i] = phi_of(emit, loop->from[i], loop->before);
    }
    emit->place.stream = pointers;
    loop->carried = NEW_ARRAY(emit->arena, LLVMValueRef, emit->carried_count);
    loop->initial = NEW_ARRAY(emit->arena, LLVMValueRef, emit->carried_count);
    for (int i = 0; i < emit->carried_count; i++) {
        loop->initial[i] = emit->carried[i];
        emit->carried[i] = loop->carried[i] = phi_of(emit, emit->carried[i], loop->before);
    }
}

void loop_begin(Emit *emit, Loop *loop, int axis, Bound start, Bound end, int64_t step, int64_t need)
{
    *loop = (Loop){
        .axis = axis, .step = step, .start = start, .limit = bound_add(end, 1 - need), .outer = emit->place};
    loop->skippable =
        start.value || end.value ? start.value != end.value : start.constant >= loop->limit.constant;
    move_streams(emit, loop);
    LLVMValueRef from = bound_value(emit, start), limit = bound_value(emit, loop->limit);
    loop->limit = (Bound){.value = limit};
    loop->header = new_block(emit);
    loop->exit = new_block(emit);
    loop->before = LLVMGetInsertBlock(emit->builder);
    if (loop->skippable)
        LLVMBuildCondBr(emit->builder, LLVMBuildICmp(emit->builder, LLVMIntSLT, from, limit, ""),
                        loop->header, loop->exit);
    else
        LLVMBuildBr(emit->builder, loop->header);
    LLVMPositionBuilderAtEnd(emit->builder, loop->header);
    open_phis(emit, loop, from);
    Standpoint *place = &emit->place;
    place->bound[axis] = true;
    place->index[axis] = loop->index;
    place->offset[axis] = 0;
    place->low[axis] = start.value ? 0 : start.constant;
    place->high[axis] = (end.value ? emit->computation->axes[axis].extent : end.constant) - need;
    loop->memo_mark = emit->memo.count;
}

Bound loop_end(Emit *emit, Loop *loop)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef next = LLVMBuildAdd(builder, loop->index, constant_i64(emit, loop->step), "");
    LLVMValueRef *moved = NEW_ARRAY(emit->arena, LLVMValueRef, emit->streams.count);
    for (size_t i = 0; i < emit->streams.count; i++)
        if (loop->stream[i])
            moved[i] = pointer_add(emit, loop->stream[i],
                                   constant_i64(emit, emit->streams.items[i].coef[loop->axis] *
                                                          stream_bytes(emit, (int)i) * loop->step));
    LLVMValueRef more = LLVMBuildICmp(builder, LLVMIntSLT, next, loop->limit.value, "");
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(builder);
    LLVMBuildCondBr(builder, more, loop->header, loop->exit);
    LLVMAddIncoming(loop->index, &next, &latch, 1);
    for (size_t i = 0; i < emit->streams.count; i++)
        if (loop->stream[i])
            LLVMAddIncoming(loop->stream[i], &moved[i], &latch, 1);
    LLVMPositionBuilderAtEnd(builder, loop->exit);
    LLVMValueRef stop = next;
    if (loop->skippable) {
        LLVMValueRef start = LLVMGetIncomingValue(loop->index, 0);
        stop = phi_of(emit, next, latch);
        LLVMAddIncoming(stop, &start, &loop->before, 1);
    }
    for (int i = 0; i < emit->carried_count; i++) {
        LLVMAddIncoming(loop->carried[i], &emit->carried[i], &latch, 1);
        if (loop->skippable) {
            emit->carried[i] = phi_of(emit, emit->carried[i], latch);
            LLVMAddIncoming(emit->carried[i], &loop->initial[i], &loop->before, 1);
        }
    }
    emit->place = loop->outer;
    expr_forget(emit, loop->memo_mark);
    return (Bound){.value = stop};
}

/* ---- Branches ---- */

void branch_begin(Emit *emit, Branch *branch, LLVMValueRef condition)
{
    *branch = (Branch){.from = LLVMGetInsertBlock(emit->builder), .memo_mark = emit->memo.count};
    branch->carried = NEW_ARRAY(emit->arena, LLVMValueRef, emit->carried_count);
    for (int i = 0; i < emit->carried_count; i++)
        branch->carried[i] = emit->carried[i];
    LLVMBasicBlockRef then = new_block(emit);
    branch->after = new_block(emit);
    LLVMBuildCondBr(emit->builder, condition, then, branch->after);
    LLVMPositionBuilderAtEnd(emit->builder, then);
}

void branch_end(Emit *emit, Branch *branch)
{
    LLVMBasicBlockRef end = LLVMGetInsertBlock(emit->builder);
    LLVMBuildBr(emit->builder, branch->after);
    LLVMPositionBuilderAtEnd(emit->builder, branch->after);
    for (int i = 0; i < emit->carried_count; i++) {
        if (emit->carried[i] == branch->carried[i])
            continue;
        LLVMValueRef made = emit->carried[i];
        emit->carried[i] = phi_of(emit, made, end);
        LLVMAddIncoming(emit->carried[i], &branch->carried[i], &branch->from, 1);
    }
    expr_forget(emit, branch->memo_mark);
}
