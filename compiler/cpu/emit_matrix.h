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

/* ---- emit_amx.c: the machine's instructions; tiles are numbered from 0 to 7 ---- */
/** The shapes of the tiles: sums (0 to 3) of so many rows, operands A (4) and B (6) of so many pairs; 5 and 7
 * likewise, of `tail` pairs (0: there are none). Returns where they are kept. */
LLVMValueRef amx_shapes(Emit *emit, int rows, int64_t pairs, int64_t tail);
void amx_load_shapes(Emit *emit, LLVMValueRef shapes);
void amx_load(Emit *emit, int tile, LLVMValueRef pointer, int64_t row_bytes);
void amx_store(Emit *emit, int tile, LLVMValueRef pointer, int64_t row_bytes);
void amx_zero(Emit *emit, int tile);
/** sums += a * b */
void amx_multiply(Emit *emit, int sums, int a, int b);
void amx_release(Emit *emit);
/** Where the tensor of a load begins. */
LLVMValueRef amx_tensor(Emit *emit, ExprId load);
/** Memory of the kernel's own. */
LLVMValueRef amx_memory(Emit *emit, LLVMTypeRef element, int64_t count);

/* ---- emit_matrix_copy.c ---- */
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
