/* Stores of tiles whose vectors lie across the memory they go to. One vector would be as many stores as it
 * has lanes, each to another line; a square of them is turned in registers, and its rows stored whole. */
#include <string.h>

#include "compiler/cpu/emit.h"

enum { LANES_MOST = 64 };

bool transpose_possible(const Emit *emit)
{
    const Computation *computation = emit->computation;
    const CpuSchedule *schedule = emit->schedule;
    if (emit->lanes == 1 || schedule->row_axis < 0 || schedule->spread_axis >= 0 || emit->rows != emit->lanes)
        return false;
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        if (store->kind != STORE_WRITE || store->guard_count || store->at.coef[schedule->row_axis] != 1 ||
            store->at.coef[schedule->vector_axis] <= 1 ||
            computation->tensors.items[store->tensor].dtype != DTYPE_F32)
            return false;
    }
    return true;
}

/* Lanes of a and b whose numbers have this bit clear, or set, each beside its partner's from the other: one
 * step of turning a square over its diagonal. */
static LLVMValueRef exchange(Emit *emit, LLVMValueRef a, LLVMValueRef b, int bit, bool upper)
{
    LLVMValueRef lanes[LANES_MOST];
    for (int l = 0; l < emit->lanes; l++) {
        bool from_b = l & bit;
        int lane = upper ? l | bit : l & ~bit;
        lanes[l] = LLVMConstInt(emit->i32, (uint64_t)(from_b ? emit->lanes + lane : lane), false);
    }
    return LLVMBuildShuffleVector(emit->builder, a, b, LLVMConstVector(lanes, (unsigned)emit->lanes), "");
}

/* The value, of which LLVM no longer knows how it was made: it would look through all shuffles of a square
 * for each of them, and take longer than for a convolution. */
static LLVMValueRef opaque(Emit *emit, LLVMValueRef value)
{
    bool x86 = strncmp(emit->target->triple, "x86", 3) == 0;
    const char *same = !x86 ? "=w,0" : emit->target->registers > 16 ? "=v,0" : "=x,0";
    LLVMTypeRef vector = LLVMTypeOf(value), type = LLVMFunctionType(vector, &vector, 1, false);
    LLVMValueRef nothing =
        LLVMGetInlineAsm(type, "", 0, same, strlen(same), false, false, LLVMInlineAsmDialectATT, false);
    return LLVMBuildCall2(emit->builder, type, nothing, &value, 1, "");
}

void transpose_turn(Emit *emit, LLVMValueRef *values)
{
    for (int bit = 1; bit < emit->lanes; bit *= 2) {
        for (int r = 0; r < emit->lanes && bit > 1; r++)
            values[r] = opaque(emit, values[r]);
        for (int r = 0; r < emit->lanes; r++) {
            if (r & bit)
                continue;
            LLVMValueRef a = values[r], b = values[r | bit];
            values[r] = exchange(emit, a, b, bit, false);
            values[r | bit] = exchange(emit, a, b, bit, true);
        }
    }
}

void transpose_store(Emit *emit, int stream, const Affine *at, LLVMValueRef *values)
{
    int axis = emit->schedule->vector_axis;
    LLVMValueRef mask = emit->mask[emit->vector];
    for (int r = 0; r < emit->lanes; r++)
        values[r] = lanes_splat(emit, values[r]);
    transpose_turn(emit, values);
    for (int l = 0; l < emit->lanes; l++) {
        emit->place.offset[axis] += l;
        LLVMValueRef pointer = place_pointer(emit, stream, at);
        emit->place.offset[axis] -= l;
        Branch branch;
        if (mask)
            branch_begin(emit, &branch,
                         LLVMBuildExtractElement(emit->builder, mask,
                                                 LLVMConstInt(emit->i32, (uint64_t)l, false), ""));
        LLVMSetAlignment(LLVMBuildStore(emit->builder, values[l], pointer), 4);
        if (mask)
            branch_end(emit, &branch);
    }
}
