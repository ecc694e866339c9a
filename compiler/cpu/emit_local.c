/* Memory of the kernel's own. Sums of blocked reductions: between two blocks a tile's sums wait there, laid
 * out as the output axes that run inside the loops over the blocks; after the last block the stores are made.
 * The order in which a sum's terms are added is that of its axes, as without blocks. A packed operand: copied
 * once, laid out as the axes it moves along. In both, vectors are innermost. */
#include <string.h>

#include "compiler/cpu/emit.h"

static int slot_of(int tensor)
{
    return -1 - tensor;
}

/* ---- Layout ---- */

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

/* Adds a stream that moves along these axes. Where the vectors' is not among them, there is room for those of
 * one tile. */
static void add_stream(Emit *emit, int tensor, const bool *along)
{
    const Computation *computation = emit->computation;
    int vector = emit->schedule->vector_axis;
    int64_t elements = 1, lanes = emit->lanes;
    Stream stream = {.tensor = tensor};
    if (vector >= 0) {
        int64_t points =
            along[vector] ? computation_points(computation, vector) : emit->schedule->vectors * lanes;
        elements = (points + lanes - 1) / lanes * lanes;
        stream.coef[vector] = along[vector];
    }
    for (int a = computation->axis_count - 1; a >= 0; a--) {
        if (!along[a] || a == vector)
            continue;
        stream.coef[a] = elements;
        elements *= computation_points(computation, a);
    }
    emit->local_elements[slot_of(tensor)] = elements;
    emit->local_stream[slot_of(tensor)] = (int)emit->streams.count;
    *vec_push(emit->arena, &emit->streams) = stream;
}

void local_prepare(Emit *emit)
{
    bool along[AXIS_MAX] = {false};
    emit->local_stream[0] = emit->local_stream[1] = -1;
    if (emit->schedule->kept) {
        find_inside(emit, along);
        add_stream(emit, TENSOR_KEPT, along);
    }
    if (emit->schedule->packed) {
        for (int a = 0; a < AXIS_MAX; a++)
            along[a] = emit_expr(emit, emit->schedule->packed - 1)->at.coef[a] != 0;
        add_stream(emit, TENSOR_PACKED, along);
    }
}

LLVMValueRef local_memory(Emit *emit, int tensor)
{
    const Stream *stream = &emit->streams.items[emit->local_stream[slot_of(tensor)]];
    int64_t elements = emit->local_elements[slot_of(tensor)];
    if (tensor == TENSOR_KEPT)
        elements *= (int64_t)emit->computation->accs.count;
    LLVMValueRef memory = LLVMBuildAlloca(emit->builder, LLVMArrayType2(emit->f32, (uint64_t)elements), "");
    LLVMSetAlignment(memory, 64);
    if (tensor == TENSOR_PACKED) /* lanes past the end are computed with, and must be numbers */
        LLVMBuildMemSet(emit->builder, memory, LLVMConstInt(emit->i8, 0, false),
                        LLVMConstInt(emit->i64, 4 * (uint64_t)elements, false), 64);
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

static LLVMValueRef pointer_here(Emit *emit, int tensor, int64_t base)
{
    int stream = emit->local_stream[slot_of(tensor)];
    Affine at = {.base = base};
    memcpy(at.coef, emit->streams.items[stream].coef, sizeof at.coef);
    return place_pointer(emit, stream, &at);
}

/* ---- Sums between blocks ---- */

LLVMValueRef local_kept(Emit *emit, int acc)
{
    const Stream *stream = &emit->streams.items[emit->local_stream[slot_of(TENSOR_KEPT)]];
    int vector = emit->schedule->vector_axis;
    int64_t base = acc * emit->local_elements[slot_of(TENSOR_KEPT)];
    if (vector >= 0 && !stream->coef[vector])
        base += (int64_t)emit->vector * emit->lanes;
    return pointer_here(emit, TENSOR_KEPT, base);
}

LLVMValueRef local_first(Emit *emit, bool *never)
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

LLVMValueRef local_last(Emit *emit, bool *never)
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

/* ---- A packed operand ---- */

static void copy_along(Emit *emit, int axis)
{
    ExprId packed = emit->schedule->packed - 1;
    const Expr *expr = emit_expr(emit, packed);
    while (axis < emit->computation->axis_count && !expr->at.coef[axis])
        axis++;
    if (axis == emit->computation->axis_count) {
        LLVMValueRef value = expr_load(emit, emit->stream_of_expr[packed], &expr->at, NULL);
        LLVMSetAlignment(LLVMBuildStore(emit->builder, value, pointer_here(emit, TENSOR_PACKED, 0)), 4);
        return;
    }
    Loop loop;
    Bound low, high;
    axis_range(emit, axis, &low, &high);
    loop_begin(emit, &loop, axis, low, high, 1, 1);
    copy_along(emit, axis + 1);
    loop_end(emit, &loop);
}

void local_pack(Emit *emit)
{
    if (!emit->schedule->packed)
        return;
    int lanes = emit->lanes;
    emit->lanes = 1; /* one element after the other */
    copy_along(emit, 0);
    emit->lanes = lanes;
}

LLVMValueRef local_packed(Emit *emit)
{
    LLVMTypeRef type = LLVMVectorType(emit->f32, (unsigned)emit->lanes);
    LLVMValueRef value = LLVMBuildLoad2(emit->builder, type, pointer_here(emit, TENSOR_PACKED, 0), "");
    LLVMSetAlignment(value, 4);
    return value;
}
