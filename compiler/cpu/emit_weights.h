/* Between the files that emit weight gradients by matrix instructions. */
#ifndef EMIT_WEIGHTS_H
#define EMIT_WEIGHTS_H

#include "compiler/cpu/emit_matrix.h"
#include "compiler/cpu/matrix_weights.h"

struct EmitWeights {
    WeightsForm form;
    LLVMValueRef from;                 /* the picture, as it is stored */
    LLVMValueRef turned, slopes, sums; /* memory of the kernel's own */
    int64_t channels;                  /* rows of one phase of the turned picture */
    int64_t columns;                   /* of the sums */
    LLVMValueRef band, row;            /* i64: the band at hand; the first row of the sums */
};

/** Copies the band at hand of the picture, turned, for the rows at hand. */
void weights_turn(Emit *emit);
/** Copies the slopes of the band at hand. */
void weights_slopes(Emit *emit);

#endif
