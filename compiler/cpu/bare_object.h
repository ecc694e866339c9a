/* An evaluation of one sample as a function that needs nothing: the calls of its kernels one after the other,
 * on memory that lies in the object. */
#ifndef BARE_OBJECT_H
#define BARE_OBJECT_H

#include "compiler/cpu/cpu.h"
#include "runtime/image.h"

typedef struct {
    const CnnImage *image;      /* whose evaluation takes one sample */
    const char *const *symbols; /* of its code */
    const void *state;          /* image->state_bytes: the weights */
    const char *function;       /* the name that it gets */
    /* Set by cpu_bare_object: */
    uint64_t constant_bytes, memory_bytes; /* of weights and tables; that are written */
} BareRequest;

/**
 * Defines `void function(const float *input, float *outputs)`. It is not to be called twice at once. false
 * with a sentence in *complaint.
 */
bool cpu_bare_object(const CpuTarget *target, BareRequest *request, Arena *arena, CpuObject *object,
                     const char **complaint);

#endif
