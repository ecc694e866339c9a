/* The parts of the device that is a GPU: its memory (slabs.c), the host's copies of it (mirror.c), the
 * kernels with their arguments (kernels.c), a step (run.c).
 *
 * There is one worker, whose chunk is the batch. Functions that return a status leave what they have taken to
 * cuda_close. */
#ifndef CNN_DEVICE_CUDA_H
#define CNN_DEVICE_CUDA_H

#include "runtime/cuda/driver.h"
#include "runtime/cuda/gpu.h"
#include "runtime/device_kind.h"

enum { CUDA_LINE = 256 }; /* what lies in the GPU's memory begins at a multiple of it */

/* What the loader lends and what a step is told: in the host's memory, page-locked, and on the GPU. In both,
 * the scalars lie at the start. */
typedef struct {
    char *host;
    CudaPointer memory;
} CudaFeed;

/* A program, made ready to run. */
typedef struct {
    const CnnProgram *program;
    bool writes_state;
    int *first;            /* by step: where its arguments begin */
    CudaPointer *pointers; /* of all steps: their buffers, and the guard or NULL */
    void **arguments;      /* where each argument of each step lies: pointers, `samples`, `slices` */
    int samples, slices;   /* of the step that is being launched */
} CudaReady;

typedef struct {
    CnnDevice base;
    const CnnImage *image;
    CudaDriver driver;
    CudaGpu gpu;
    int ordinal;
    CudaContext context;
    CudaStream stream;
    CudaModule *modules;     /* by kernel; NULL where an earlier one has it */
    CudaFunction *functions; /* by kernel */
    CudaReady ready[2];      /* train, eval */

    CudaPointer state, work, table; /* work: SEGMENT_BATCH, and at worker_at SEGMENT_WORKER */
    uint64_t work_bytes, worker_at;
    CudaFeed feed;
    uint64_t sample_bytes, sample_label_bytes, label_at, input_at, feed_bytes;

    char *state_mirror,
        *work_mirror; /* the host's: of state and work; the second is taken when it is needed */
    bool *held;       /* by tensor: what state_mirror has is what the GPU has */
    bool *changed;    /* by tensor: the GPU must get it before the next step */
    bool any_changed;

    const CnnProgram *prepared; /* what WHEN_CHANGED makes for it lies in memory; NULL: for none */
    CnnError fault;             /* the first; behind it nothing is done */
} CudaDevice;

/** What a GPU is. Errors: as cuda_result. */
CnnStatus cuda_gpu_ask(const CudaDriver *driver, int ordinal, CudaGpu *out, CnnError *error);

/* ---- slabs.c ---- */

/** Takes all memory, fills it as the image says. Errors: CNN_NO_RESOURCE with the bytes where it is short. */
CnnStatus cuda_slabs_open(CudaDevice *device, uint64_t seed, CnnError *error);
void cuda_slabs_close(CudaDevice *device);
/** Where a buffer lies on the GPU. */
CudaPointer cuda_place(const CudaDevice *device, const CnnBuffer *buffer);
/** Puts a batch into the feed, and starts its copy to the GPU. */
CnnStatus cuda_feed(CudaDevice *device, const DeviceStep *step, CnnError *error);

/* ---- kernels.c ---- */

CnnStatus cuda_kernels_open(CudaDevice *device, CnnError *error);
CnnStatus cuda_ready_open(CudaDevice *device, CudaReady *ready, const CnnProgram *program, CnnError *error);
void cuda_kernels_close(CudaDevice *device);
/** Launches step number s for ready->samples samples. */
CnnStatus cuda_launch(CudaDevice *device, CudaReady *ready, int s, CnnError *error);

/* ---- mirror.c ---- */

/** Where a buffer lies in the host's copies; of what was lent with the step, in the feed. */
void *cuda_mirror_place(const CudaDevice *device, const CnnBuffer *buffer);
/** Waits, and copies a buffer of SEGMENT_STATE, SEGMENT_BATCH or SEGMENT_WORKER to its place. */
CnnStatus cuda_mirror_buffer(CudaDevice *device, const CnnBuffer *buffer, CnnError *error);
/** Waits, and copies a tensor of the state to its place, if it has changed since. */
CnnStatus cuda_mirror_tensor(CudaDevice *device, const CnnTensor *tensor, CnnError *error);
/** Sends the tensors that were replaced in the copy to the GPU. */
CnnStatus cuda_mirror_send(CudaDevice *device, CnnError *error);

/* ---- run.c ---- */

CnnStatus cuda_run(CudaDevice *device, const DeviceStep *step, CnnError *error);

#endif
