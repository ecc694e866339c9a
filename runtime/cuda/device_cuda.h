/* The parts of the device that is a GPU: its memory (slabs.c), what a step is given and leaves (feed.c), the
 * host's copies of the rest (mirror.c), the kernels with their arguments (kernels.c), a step (run.c), and
 * graphs of steps that are kept (replay.c).
 *
 * There is one worker, whose chunk is the batch. Functions that return a status leave what they have taken to
 * cuda_close. */
#ifndef CNN_DEVICE_CUDA_H
#define CNN_DEVICE_CUDA_H

#include "runtime/cuda/driver.h"
#include "runtime/cuda/gpu.h"
#include "runtime/device_kind.h"

enum {
    CUDA_LINE = 256,   /* what lies in the GPU's memory begins at a multiple of it */
    CUDA_FEEDS = 2,    /* steps whose memory is in use: one that runs, one that is copied to the GPU */
    CUDA_REPLAYS = 32, /* graphs that are kept */
};

/* What the loader lends and what a step is told, page-locked in the host's memory, and on the GPU; in both,
 * the scalars lie at the start. And what the step leaves, in the host's memory. */
typedef struct {
    char *host;
    CudaPointer memory;
    char *results;
    CudaEvent copied, done; /* behind the copy to the GPU; behind the step, and the copy of its results */
} CudaFeed;

/* Bytes that are copied to the host behind each step. */
typedef struct {
    CudaPointer from;
    uint64_t at, bytes; /* in the feed's results */
} CudaResults;

/* A program, made ready to run. */
typedef struct {
    const CnnProgram *program;
    bool writes_state, has_update, has_changed; /* it has phases of WHEN_UPDATE, WHEN_CHANGED */
    int *first;                                 /* by step: where its arguments begin */
    CudaPointer *pointers[CUDA_FEEDS];          /* of all steps: their buffers, and the guard or NULL */
    void **arguments[CUDA_FEEDS]; /* where each argument of each step lies: pointers, `samples`, `slices` */
    int samples, slices;          /* of the step that is being launched */
    uint64_t *result_at;          /* by buffer: where it lies in the results; UINT64_MAX: nowhere */
    CudaResults *results;
    int result_count;
    uint64_t result_bytes;
} CudaReady;

/* What is done of a program in one step. */
typedef struct {
    CudaReady *ready;
    int feed, samples;
    bool update, changed; /* the phases of WHEN_UPDATE, WHEN_CHANGED run */
} CudaStep;

/* A step as a graph: its kernels and the copies of its results. */
typedef struct {
    CudaStep step;
    CudaReplay replay; /* NULL: the place is free */
    uint64_t used;     /* the number of the last step that was this */
} CudaKept;

typedef struct {
    CnnDevice base;
    const CnnImage *image;
    CudaDriver driver;
    CudaGpu gpu;
    int ordinal;
    CudaContext context;
    CudaStream stream, copies;
    CudaModule *modules;     /* by kernel; NULL where an earlier one has it */
    CudaFunction *functions; /* by kernel */
    CudaReady ready[2];      /* train, eval */
    CudaKept kept[CUDA_REPLAYS];

    CudaPointer state, work, table; /* work: SEGMENT_BATCH, and at worker_at SEGMENT_WORKER */
    uint64_t work_bytes, worker_at;
    CudaFeed feeds[CUDA_FEEDS];
    uint64_t sample_bytes, sample_label_bytes, label_at, input_at, feed_bytes;
    bool fed; /* the next step's feed has been given a batch */
    /* Which one; NULL: none that a step will ask for. */
    const void *expected, *expected_label;
    int64_t expected_samples;
    uint64_t steps; /* begun so far: the last has feed (steps - 1) % CUDA_FEEDS */

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

/** Takes all memory of the GPU, fills it as the image says. Errors: CNN_NO_RESOURCE with the bytes where it
 * is short. */
CnnStatus cuda_slabs_open(CudaDevice *device, uint64_t seed, CnnError *error);
void cuda_slabs_close(CudaDevice *device);
/** Where a buffer lies on the GPU in a step with this feed. */
CudaPointer cuda_place(const CudaDevice *device, int feed, const CnnBuffer *buffer);

/* ---- kernels.c ---- */

CnnStatus cuda_kernels_open(CudaDevice *device, CnnError *error);
CnnStatus cuda_ready_open(CudaDevice *device, CudaReady *ready, const CnnProgram *program, CnnError *error);
void cuda_kernels_close(CudaDevice *device);
/** Launches the kernel of step number s of the program. */
CnnStatus cuda_launch(CudaDevice *device, const CudaStep *step, int s, CnnError *error);

/* ---- feed.c ---- */

/** What of the program's buffers is a result. */
CnnStatus cuda_results_open(CudaDevice *device, CudaReady *ready, CnnError *error);
void cuda_results_close(CudaReady *ready);
/** Events and the host's memory, when all programs are ready. */
CnnStatus cuda_feeds_open(CudaDevice *device, CnnError *error);
void cuda_feeds_close(CudaDevice *device);
/** Puts a batch into the next step's feed, when the step that had it is done, and starts its copy to the GPU.
 */
CnnStatus cuda_feed_batch(CudaDevice *device, const void *input, const void *label, int64_t samples,
                          CnnError *error);
/** The same of a step, unless its batch was expected; and of its scalars. */
CnnStatus cuda_feed(CudaDevice *device, const DeviceStep *step, CnnError *error);
/** Copies the results behind what the stream has. */
CnnStatus cuda_results_copy(CudaDevice *device, const CudaStep *step, CnnError *error);
/** Where the result of the last step is; NULL: the buffer is none. */
void *cuda_result_place(const CudaDevice *device, const CudaReady *ready, int buffer);

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
/** Launches all kernels of the step, one after another, and the copies of its results. */
CnnStatus cuda_launch_all(CudaDevice *device, const CudaStep *step, CnnError *error);

/* ---- replay.c ---- */

/** Launches the step as one graph, which is made at the first such step. */
CnnStatus cuda_replay(CudaDevice *device, const CudaStep *step, CnnError *error);
void cuda_replays_close(CudaDevice *device);

#endif
