/* Mean and covariance of vectors that come one by one, in memory that does not grow with their number. A
 * state is a zeroed piece of memory, as Fit has it. */
#ifndef CNN_COVARIANCE_H
#define CNN_COVARIANCE_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/dtype.h"
#include "runtime/status.h"

enum { COVARIANCE_MOST = 4096 }; /* values of a vector: the matrix takes 128 MiB */

size_t covariance_bytes(int64_t n);
/** Adds a vector of n values, DTYPE_U8 or DTYPE_F32. */
void covariance_add(void *state, int64_t n, const void *values, Dtype dtype);
/** Adds what `later` has seen. */
void covariance_merge(void *state, int64_t n, const void *later);
/** The upper half of the covariance [n, n] (divided by the number of vectors), which lies in the state, whose
 * sums are lost; their mean [n] and *count. At least one has been added. */
double *covariance_result(void *state, int64_t n, double *mean, int64_t *count);

#endif
