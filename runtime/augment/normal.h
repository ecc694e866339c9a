/* Normally distributed numbers, many at once. */
#ifndef CNN_NORMAL_H
#define CNN_NORMAL_H

#include "runtime/augment/augment.h"

/** The least count not below `count` that normal_fill takes. */
int64_t normal_room(int64_t count);

/**
 * Fills `out` with numbers of mean 0 and deviation 1, a pure function of the draw as it begins and of their
 * place. The same bits on every machine: only sums, products and roots of floats are taken.
 */
void normal_fill(const Draw *draw, float *out, int64_t count);

#endif
