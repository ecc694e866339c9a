/* Between the files that write tiles: the operands of the products. */
#ifndef CUDA_EMIT_TILES_H
#define CUDA_EMIT_TILES_H

#include "compiler/cuda/emit.h"

/* What one side of some accumulators' products is, in shared memory `sN`: elements of a load, zero where it,
 * or a guard that belongs to this side, says so. */
typedef struct {
    ExprId load;
    CudaRole side;
    int guard_first, guard_count; /* those of the accumulator */
} Operand;

typedef struct {
    Emit *emit;
    VEC(Operand) operands;
    int *of_rows, *of_columns; /* by accumulator */
} Tiles;

/** Stores of the point whose numbers among rows and columns are the texts `row` and `column`; none where they
 * lie outside. */
void tiles_store(Emit *emit, const char *row, const char *column);
/** Rows or columns of a tile. */
int tiles_side(const CudaSchedule *schedule, const Operand *operand);
/** Writes a float, a term, to where the operand's element of `step` and `side1` lies in shared memory. */
typedef void TilesCopy(Emit *emit, int operand, const char *value);
/** Copies all operands' elements of the steps from k0 on. */
void tiles_stage(Tiles *tiles, TilesCopy *copy);

/* ---- emit_cores.c: by tensor cores ---- */
void cores_memory(Tiles *tiles);
void cores_start(Tiles *tiles);
TilesCopy cores_copy;
void cores_multiply(Tiles *tiles);
void cores_store(Tiles *tiles);

#endif
