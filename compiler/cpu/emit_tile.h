/* Between the files of a register tile: emit_tile.c, emit_sums.c, emit_reduce.c, emit_stores.c. */
#ifndef EMIT_TILE_H
#define EMIT_TILE_H

#include "compiler/cpu/emit.h"

/** Rows of the tile, with the points of the spread axis. */
int tile_rows(const Emit *emit);

static inline bool moves_along(const Affine *at, int axis)
{
    return axis >= 0 && at->coef[axis] != 0;
}

/* ---- emit_sums.c ---- */
/** Gives every sum of the tile its places among the carried values. */
void sums_lay_out(Emit *emit);
/** The values they start from: zero, what is stored, or what the block before has left. */
void sums_start(Emit *emit);
/** One more term of each. */
void sums_accumulate(Emit *emit);
/** Puts them where they wait for the next block. */
void sums_keep(Emit *emit);
/** i1: this sum starts from zero: the call's first, at the start of all axes that `summed` says. */
LLVMValueRef sums_fresh(Emit *emit, const bool *summed);
/** Where slot number `slot` (+ row, when given, times `step`) lies in the scratch memory. */
LLVMValueRef sums_scratch(const Emit *emit, int slot, LLVMValueRef row, int step);

/* ---- emit_reduce.c ---- */
/** All terms. */
void reduce_tile(Emit *emit);

/* ---- emit_stores.c ---- */
/** Makes the stores of the tile's points. */
void stores_make(Emit *emit);

#endif
