/* Which GPUs this machine has. */
#ifndef CNN_CUDA_GPU_H
#define CNN_CUDA_GPU_H

#include <stdint.h>

#include "runtime/status.h"

typedef struct {
    char name[128];        /* "NVIDIA H200" */
    char architecture[16]; /* "sm_90" */
    int major, minor;      /* of the compute capability: 9, 0 */
    int multiprocessors;
    uint64_t memory;  /* bytes */
    int driver_major; /* the newest CUDA that the driver knows: 13, … */
    int driver_minor; /* … 0 */
} CudaGpu;

/**
 * Fills `gpus` with the machine's GPUs, at most `most`; the first is the one that devices are opened on.
 * *count is how many there are, perhaps more.
 *
 * Errors  CNN_NO_RESOURCE with one sentence, of which `there is no NVIDIA driver here` is the usual one.
 */
CnnStatus cnn_gpu_find(CudaGpu *gpus, int most, int *count, CnnError *error);

#endif
