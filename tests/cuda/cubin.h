/* What a kernel uses, as its cubin says. */
#ifndef CUBIN_H
#define CUBIN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int registers; /* of a thread */
    int frame;     /* bytes of a thread's local memory, for arrays and for registers that are spilled */
    int shared;    /* bytes of static shared memory of a block */
} CubinUse;

/** Fills *use with the largest of each among the functions. False: the bytes are no cubin. */
bool cubin_read(const void *bytes, size_t count, CubinUse *use);

#endif
