/* Between the files that emit matrix instructions. */
#ifndef EMIT_MATRIX_H
#define EMIT_MATRIX_H

#include "compiler/cpu/emit.h"
#include "compiler/cpu/matrix.h"

struct EmitMatrix {
    MatrixForm form;
    LLVMValueRef a, b;          /* where operand A (or its copy) and operand B begin */
    LLVMValueRef from;          /* where the tensor begins that is copied */
    int copy_level;             /* loops outside the copy */
    int64_t main, blocks, tail; /* pairs of one step, steps of a run, pairs of what is left then */
    LLVMValueRef shapes;        /* of the tiles, as the machine wants to have them */
    int slots;                  /* of the scratch memory, for each accumulator */
};

/** Copies operand A for where the emitter stands. */
void matrix_copy(Emit *emit);

/* A loop over [0, count). */
typedef struct {
    LLVMBasicBlockRef header;
    LLVMValueRef index; /* i64 */
    int64_t count;
} Count;
void count_begin(Emit *emit, Count *loop, int64_t count);
void count_end(Emit *emit, Count *loop);

/** pointer + bytes. */
static inline LLVMValueRef matrix_at(const Emit *emit, LLVMValueRef pointer, LLVMValueRef bytes)
{
    return LLVMBuildGEP2(emit->builder, emit->i8, pointer, &bytes, 1, "");
}

static inline LLVMValueRef matrix_number(const Emit *emit, int64_t value)
{
    return LLVMConstInt(emit->i64, (uint64_t)value, true);
}

#endif
