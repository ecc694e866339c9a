/* NVIDIA's compiler of CUDA C (NVRTC), a library that is opened when code for a GPU is wanted. */
#ifndef NVRTC_H
#define NVRTC_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/status.h"

/* One program. */
typedef struct {
    const char *name;   /* for messages */
    const char *source; /* whole */
    void *code;         /* the cubin, malloc'ed */
    size_t bytes;
    bool cached; /* it was not compiled now */
} NvrtcProgram;

/** The version of the NVRTC that is found (runtime/cuda/library.h). Errors: CNN_NO_RESOURCE with the reason.
 */
CnnStatus nvrtc_version(int *major, int *minor, CnnError *error);

/**
 * Compiles programs for GPUs of an architecture, "sm_90", on so many threads. `cache`: folder of the object
 * cache, where the code is looked for first and kept; NULL: none.
 *
 * Errors  CNN_NO_RESOURCE: there is no NVRTC, or it refuses a program: with its name and what NVRTC says.
 *         No program has code then.
 */
CnnStatus nvrtc_compile(NvrtcProgram *programs, int count, const char *architecture, const char *cache,
                        int threads, CnnError *error);

#endif
