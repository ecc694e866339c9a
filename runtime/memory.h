/* Large blocks of memory, taken when a training opens. */
#ifndef CNN_MEMORY_H
#define CNN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes that can still be taken without swapping (the kernel's estimate, and the limit of the control
 * group); UINT64_MAX where the system does not say. */
uint64_t cnn_memory_available(void);

/** The most bytes of memory that this process has had at a time; 0 where the system does not say. */
uint64_t cnn_memory_most(void);

/** `bytes` zeroed bytes, at a multiple of 64, in large pages where the system has them. NULL: not to be had.
 * Freed with free. */
void *cnn_memory_take(uint64_t bytes);
/** The same, not zeroed: for what several threads zero. */
void *cnn_memory_reserve(uint64_t bytes);

/** a * b into *out; false when it does not fit. */
bool cnn_multiply(uint64_t a, uint64_t b, uint64_t *out);
/** a + b into *out; false when it does not fit. */
bool cnn_add(uint64_t a, uint64_t b, uint64_t *out);

#endif
