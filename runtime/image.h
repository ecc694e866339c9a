/* The image: everything that a training needs to know of a compiled network. `cnnc run` builds one in memory,
 * `cnnc build` writes one into the executable (image_io.h); the runtime cannot tell which.
 *
 * A program (one for training steps, one for evaluation) is a list of phases, a phase a list of steps, a step
 * one call of compiled code for a range of its parallel axis. Tensors live in segments; a buffer is a place
 * in a segment. */
#ifndef CNN_IMAGE_H
#define CNN_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/dtype.h"
#include "runtime/recipe.h"
#include "runtime/status.h"

typedef enum {
    SEGMENT_STATE,  /* parameters, running statistics, optimizer's state: lives as long as the training */
    SEGMENT_BATCH,  /* tensors of the whole batch, partial sums: contents live for one step */
    SEGMENT_WORKER, /* one for each worker: tensors of the samples of one chunk */
    SEGMENT_INPUT,  /* the batch that the loader filled: images, [batch, height, width, channels] */
    SEGMENT_LABEL,  /* the labels of the batch: i32 [batch] */
    SEGMENT_SCALAR, /* CnnScalars of the step */
    SEGMENT_TABLE,  /* constant arrays of the image */
    SEGMENT_COUNT
} Segment;

typedef enum {
    LEAD_NONE,  /* no batch in it */
    LEAD_BATCH, /* dim 0 counts the samples of the batch */
    LEAD_SLICE  /* dim 0 counts the slices of the batch: partial sums, one for each slice */
} Lead;

/* What changes from step to step and is read by compiled code. All 4 bytes each, so that a scalar is an
 * element. */
typedef struct {
    float rate;                  /* learning rate of this step */
    float step;                  /* 1 for the first update */
    float inverse_count;         /* 1 / samples in this batch */
    float count;                 /* samples in this batch */
    int32_t seed_low, seed_high; /* key of the random numbers */
    int32_t epoch;               /* from 0 */
    int32_t first_sample;        /* position in the epoch of the batch's first sample */
    float first_micro;           /* 1 when this micro-batch starts an accumulation, else 0 */
    float last_micro;            /* 1 when this micro-batch ends it and the weights are updated, else 0 */
    float loss_scale;            /* what gradients are multiplied by while they are f16, a power of two … */
    float inverse_loss_scale;    /* … and 1 / that */
} CnnScalars;

typedef enum { STEP_FORWARD, STEP_BACKWARD, STEP_UPDATE, STEP_PARTS } StepPart;
extern const char *const step_part_names[STEP_PARTS]; /* "forward", … */

typedef struct {
    const char *name; /* of the graph's node, for reports: its layer, or the tensor of the state */
    Segment segment;
    Dtype dtype;
    Lead lead;
    uint64_t offset;     /* bytes from the segment's start, a multiple of 64 */
    uint64_t bytes;      /* all of it; SEGMENT_WORKER: for `chunk` samples */
    uint64_t lead_bytes; /* bytes of one sample or one slice; 0 when lead is LEAD_NONE */
    StepPart part;       /* that makes it */
    const char *where;   /* the layer's line, "model.cnn:5:20" */
} CnnBuffer;

/* One call of compiled code. Its axis 0, the parallel axis, runs over [begin, end). A batched buffer's
 * pointer is such that sample n of the batch lies at pointer + n * lead_bytes, also when only a chunk is kept
 * (SEGMENT_WORKER). A LEAD_SLICE buffer that a chunked step writes is passed as the place of its slice;
 * elsewhere as the whole array. */
typedef struct {
    int64_t begin, end;
    int64_t samples; /* in this batch: extent of a batch axis that is summed over in a whole-batch step */
    int64_t slices;  /* in use in this batch: ceil(samples / slice size) */
    int64_t first;   /* 1: the slice's partial sums start from zero here, else they are added to */
} CnnCall;

typedef void CnnCode(void *const *buffers, const CnnCall *call);

typedef struct {
    const char *name;  /* unique symbol: "fashion_train_3_conv1" */
    const char *label; /* for people: "conv1 + bias + relu" */
    const char *where; /* "model.cnn:5" */
    double flops;      /* of one sample (chunked) or of the whole batch; naive count */
    double bytes;      /* read and written, likewise */
    int code;          /* index into CnnImage.code */
    int buffer_count;
    const int *buffers; /* indices into CnnProgram.buffers, in the order that the code expects */
    int write_count;
    const int *writes; /* of these indices, those that the code writes */
    int64_t extent;    /* of the parallel axis; 0: the batch's samples */
    int64_t grain;     /* a range given to a worker is a multiple of this, but for the last */
} CnnStep;

typedef enum {
    PHASE_CHUNKED, /* each worker takes slices of the batch, chunk by chunk, and runs all steps for a chunk */
    PHASE_WHOLE    /* step after step; each step's parallel axis is divided among the workers */
} PhaseKind;

/* When a phase runs. */
typedef enum {
    WHEN_ALWAYS,
    WHEN_UPDATE, /* at the last micro-batch of an accumulation */
    WHEN_CHANGED /* in the first step since the weights, or anything else in memory, may have changed: what it
                    makes is kept from step to step */
} PhaseWhen;

typedef struct {
    PhaseKind kind;
    PhaseWhen when;
    int first_step, step_count;
    int64_t chunk; /* samples at a time, PHASE_CHUNKED */
} CnnPhase;

enum { METRICS_MAX = 16 };

typedef struct {
    int64_t batch; /* the most samples of a step */
    int64_t slice; /* samples of one slice: fixed, so that sums do not depend on the number of threads */
    int buffer_count;
    const CnnBuffer *buffers;
    int step_count;
    const CnnStep *steps;
    int phase_count;
    const CnnPhase *phases;
    uint64_t batch_bytes, worker_bytes; /* of SEGMENT_BATCH and of one SEGMENT_WORKER */
    int loss;   /* buffer (f32): the sum over the batch of the samples' losses, weighted as the loss says */
    int logits; /* buffer of the network's output, LEAD_BATCH in SEGMENT_BATCH; -1 if it is not kept */
    int metric_count;
    const struct CnnMetric *metrics;
    int finite;  /* buffer (f32): 1 where loss and gradients are finite, else 0, and no state has changed; -1:
                    the gradients are not looked at */
    bool scaled; /* gradients are f16, multiplied by loss_scale; `finite` is kept */
} CnnProgram;

typedef struct CnnMetric {
    const char *name; /* "accuracy" */
    int buffer; /* f32 scalar: sum over the samples of the batch; -1, in an evaluation: it is made of all
                   answers (scores.h) */
} CnnMetric;

typedef enum {
    INIT_ZEROS,
    INIT_ONES,
    INIT_CONSTANT,
    INIT_UNIFORM,
    INIT_NORMAL,
    INIT_TRUNCATED_NORMAL
} InitKind;

/* A tensor of SEGMENT_STATE. */
typedef struct {
    const char *name; /* "conv1.kernel"; optimizer's state: "adam.m.conv1.kernel" */
    Dtype dtype;
    int rank;
    int64_t dim[DIMS_MAX];
    uint64_t offset;
    bool trainable;  /* a parameter that the optimizer changes */
    bool in_weights; /* written to weight files: parameters and running statistics */
    InitKind init;
    double init_a;     /* constant; half width of the uniform range; standard deviation */
    uint32_t init_key; /* purpose of its random numbers: a hash of the name */
} CnnTensor;

/* How many blocks a kernel has along one axis of the grid: ceil(points * (samples or slices or 1) / tile), at
 * least 1. */
typedef struct {
    int64_t points;
    bool of_samples, of_slices;
    int64_t tile;
} CnnGpuExtent;

/* The code of a step on a GPU: a function of the step's buffers as device pointers (CnnStep.buffers), then
 * `const float *guard`, `int samples`, `int slices`. Guard is NULL, or the address of the loss: where that is
 * not finite, the kernel does nothing. One launch is the whole batch, in a chunked phase too: the chunk is
 * the batch, there is one worker whose segment holds all samples, and LEAD_SLICE buffers are passed whole. */
typedef struct {
    const char *symbol;   /* of its function in the module */
    int threads;          /* of a block, along x */
    CnnGpuExtent grid[3]; /* x, y, z */
    const void *module;   /* a cubin, or PTX text that ends in 0; kernels may share one (the same pointer) */
    uint64_t module_bytes;
} CnnGpuKernel;

typedef struct {
    const char *architecture;    /* that the modules are for: "sm_90" */
    const CnnGpuKernel *kernels; /* one for each index of code: CnnStep.code */
} CnnGpu;

/* A file of the model as it was compiled. */
typedef struct {
    const char *name; /* "resolved.cnn", which is the model, or one that it imports; no folder in it */
    const char *text;
} CnnSource;

/* What the network's outputs are, where they decide between classes. */
typedef enum {
    OUTPUT_VALUES, /* numbers of any kind */
    OUTPUT_SHARES, /* probabilities: it ends in softmax or sigmoid */
    OUTPUT_LOGITS, /* numbers whose softmax is that: the loss takes them so */
    OUTPUT_KINDS_END
} CnnOutput;

typedef struct CnnImage {
    CnnRecipe recipe;
    const char *summary;     /* the layer table, as `cnnc show` prints it */
    const char *recipe_text; /* all that decides what is learnt, written out: trainings are compared by it */
    int source_count;
    const CnnSource *sources; /* the model as text, with all that the command line said */
    Dims input_shape;         /* height, width, channels */
    int64_t classes;          /* outputs of the network */
    CnnOutput output;
    Dtype input_dtype, label_dtype;
    int64_t label_width; /* numbers of a sample's label: cnn_data_label_width */
    CnnProgram train, eval;
    int tensor_count;
    const CnnTensor *tensors;
    uint64_t state_bytes;
    const void *table; /* contents of SEGMENT_TABLE */
    uint64_t table_bytes;
    const CnnGpu
        *gpu; /* NULL: the image runs on the CPU. Else `code` is NULL, and code_count is of its kernels */
    int code_count;
    CnnCode *const *code; /* may change while steps run, from one function to another of the same bits: read
                             as atomics */
    /* Waits until the code of both programs is there and as it will stay; that of `train` is there before.
       NULL: all is. Errors: CNN_NO_RESOURCE where it could not be made. */
    CnnStatus (*await)(void *maker, CnnError *error);
    void *maker;
    const char *target; /* "x86_64 znver5, avx512": for `info` */
    const char
        *needs; /* CPU features that the code uses, as the target machine names them, comma separated */
} CnnImage;

/** Before the first evaluation, and before anything is measured: what `await` says. */
static inline CnnStatus cnn_image_await(const CnnImage *image, CnnError *error)
{
    return image->await ? image->await(image->maker, error) : CNN_OK;
}

#endif
