/* Sums of blocked reductions. Between two blocks a tile's sums wait in memory of the kernel's own, laid out
 * as the output axes that run inside the loops over the blocks, vectors innermost; after the last block the
 * stores are made. The order in which a sum's terms are added is that of its axes, as without blocks. */
#include <string.h>

#include "compiler/cpu/emit.h"

/* Output axes that run inside the outermost loop over blocks. */
static void find_inside(const Emit *emit, bool *inside)
{
    const CpuSchedule *schedule = emit->schedule;
    bool blocked = false;
    for (int i = 0; i < schedule->order_count; i++) {
        int axis = schedule->order[i];
        blocked = blocked || emit->computation->axes[axis].reduced;
        inside[axis] = blocked && !emit->computation->axes[axis].reduced;
    }
    if (schedule->spread_axis >= 0)
        inside[schedule->spread_axis] = true;
}

void kept_prepare(Emit *emit)
{
    emit->kept_stream = -1;
    if (!emit->schedule->kept)
        return;
    const Computation *computation = emit->computation;
    int vector = emit->schedule->vector_axis;
    bool inside[AXIS_MAX] = {false};
    find_inside(emit, inside);
    int64_t elements = 1, lanes = emit->lanes;
    Stream stream = {.tensor = TENSOR_KEPT};
    if (vector >= 0) {
        /* The vectors of a tile, when their axis runs outside the blocks. */
        int64_t points =
            inside[vector] ? computation_points(computation, vector) : emit->schedule->vectors * lanes;
        elements = (points + lanes - 1) / lanes * lanes;
        stream.coef[vector] = inside[vector];
    }
    for (int a = computation->axis_count - 1; a >= 0; a--) {
        if (!inside[a] || a == vector)
            continue;
        stream.coef[a] = elements;
        elements *= computation_points(computation, a);
    }
    emit->kept_sums = elements;
    emit->kept_stream = (int)emit->streams.count;
    *vec_push(emit->arena, &emit->streams) = stream;
}

LLVMValueRef kept_memory(Emit *emit)
{
    const Stream *stream = &emit->streams.items[emit->kept_stream];
    int64_t elements = emit->kept_sums * (int64_t)emit->computation->accs.count;
    LLVMTypeRef type = LLVMArrayType2(emit->f32, (uint64_t)elements);
    LLVMValueRef memory = LLVMBuildAlloca(emit->builder, type, "");
    LLVMSetAlignment(memory, 64);
    /* Axes that do not begin at 0 have their first point at the start. */
    for (int a = 0; a < emit->computation->axis_count; a++) {
        Bound low, high;
        axis_range(emit, a, &low, &high);
        if (!low.value || !stream->coef[a])
            continue;
        LLVMValueRef before = LLVMConstInt(emit->i64, (uint64_t)(-4 * stream->coef[a]), true);
        before = LLVMBuildMul(emit->builder, low.value, before, "");
        memory = LLVMBuildGEP2(emit->builder, emit->i8, memory, &before, 1, "");
    }
    return memory;
}

LLVMValueRef kept_pointer(Emit *emit, int acc)
{
    const Stream *stream = &emit->streams.items[emit->kept_stream];
    Affine at = {.base = acc * emit->kept_sums};
    memcpy(at.coef, stream->coef, sizeof at.coef);
    int vector = emit->schedule->vector_axis;
    if (vector >= 0 && !at.coef[vector])
        at.base += (int64_t)emit->vector * emit->lanes;
    return place_pointer(emit, emit->kept_stream, &at);
}

LLVMValueRef kept_first(Emit *emit, bool *never)
{
    LLVMValueRef first = NULL;
    for (int i = 0; i < emit->schedule->order_count; i++) {
        int axis = emit->schedule->order[i];
        if (!emit->computation->axes[axis].reduced)
            continue;
        Bound low, high;
        axis_range(emit, axis, &low, &high);
        first = lanes_and(emit, first, place_is_at(emit, axis, low, never));
    }
    return first;
}

LLVMValueRef kept_last(Emit *emit, bool *never)
{
    LLVMValueRef last = NULL;
    for (int i = 0; i < emit->schedule->order_count; i++) {
        int axis = emit->schedule->order[i];
        if (!emit->computation->axes[axis].reduced)
            continue;
        Bound low, high;
        axis_range(emit, axis, &low, &high);
        int64_t points = emit->inner[axis];
        if (!high.value) {
            last = lanes_and(emit, last, place_is_at(emit, axis, bound_add(high, -points), never));
            continue;
        }
        Bound next = {.value = emit->place.index[axis], .constant = emit->place.offset[axis] + points};
        LLVMValueRef past =
            LLVMBuildICmp(emit->builder, LLVMIntSGE, bound_value(emit, next), bound_value(emit, high), "");
        last = lanes_and(emit, last, past);
    }
    return last;
}
