/* The CUDA target: schedules computations for a GPU, and writes them as CUDA C.
 *
 * The text keeps to what is C11 as well, and says what differs by names of the prelude (prelude.h), so that
 * tests run the very kernels on the CPU. */
#ifndef CUDA_H
#define CUDA_H

#include "compiler/fuse/plan.h"
#include "runtime/key.h"

/* What the emitter and the scheduler must know of a GPU. */
typedef struct {
    const char *architecture; /* "sm_90" */
    int capability;           /* 90 */
    int multiprocessors;      /* of the machine's GPU, else of a usual one */
} CudaTarget;

/* Partial sums of so many slices keep a GPU busy, and are few enough to be added. */
enum { CUDA_SLICES_MOST = 64 };

/** GPUs of an architecture, "sm_90". NULL with a sentence in *complaint when it is none that can be used. */
const CudaTarget *cuda_target(Arena *arena, const char *architecture, const char **complaint);

/** Chooses who computes what. `slice`: samples of one slice of the batch. */
void cuda_schedule(const CudaTarget *target, const Computation *computation, int64_t slice,
                   CudaSchedule *schedule);

/** What `cnnc emit --stage kernel` says of a schedule: a line. */
void cuda_schedule_print(const CudaSchedule *schedule, Text *out);

/**
 * The kernel as text, without the prelude: one function `symbol`, whose arguments are the computation's
 * tensors, then `guard`, `samples`, `slices` (runtime/image.h tells what they are).
 */
const char *cuda_text(const Computation *computation, const CudaSchedule *schedule, const char *symbol,
                      Arena *arena);
/** Of all that determines the text. */
Key cuda_key(const Computation *computation, const CudaSchedule *schedule, Arena *arena);

/* Objects that were made, and read from the cache. */
typedef struct {
    int compiled, cached;
} CudaBuildCounts;

/**
 * The code of kernels as NVRTC makes it, on so many threads, and how each is launched. `cache`: the folder of
 * the object cache, or NULL. NULL with a sentence in *complaint where there is no NVRTC, or it refuses.
 */
const CnnGpu *cuda_build(const CudaTarget *target, Kernel *const *kernels, const char *const *symbols,
                         int count, const char *cache, int threads, Arena *arena, CudaBuildCounts *counts,
                         const char **complaint);

/** The blocks of its grid along x, y and z. */
void cuda_grid(const Computation *computation, const CudaSchedule *schedule, CnnGpuExtent grid[3]);

#endif
