/* The arguments of the statements of `train { }` that are not losses or optimizers, and their schemas. Some
 * are read by the compiler (batch, clip, precision, metrics), the rest by the runtime. */
#ifndef CNN_TRAIN_ARGS_H
#define CNN_TRAIN_ARGS_H

#include "runtime/schema.h"

typedef enum { LAST_KEEP, LAST_DROP } LastBatch;
typedef struct {
    int64_t size;       /* samples of a micro-batch */
    int64_t accumulate; /* micro-batches whose gradients are summed for one update */
    int last;           /* LastBatch: what happens to an epoch's last, smaller batch */
} BatchArgs;

typedef struct {
    int64_t count;
} CountArgs; /* epochs, steps; steps count updates */

typedef struct {
    int64_t value;
} SeedArgs;

/* Stages of a schedule. `over` is absent (value 0) for: the rest of the training. */
typedef struct {
    Duration over;
} ConstantArgs;
typedef struct {
    Duration over;
    double start; /* share of the rate that the stage starts from */
} WarmupArgs;
typedef struct {
    Duration every, over;
    double factor;
} StepArgs; /* step, exponential */
typedef struct {
    double to;
    Duration over;
    double power; /* polynomial only */
} DecayArgs;      /* cosine, linear, polynomial */

typedef struct {
    int64_t patience; /* epochs */
    int on;           /* StopQuantity */
    double least;     /* smallest change that counts as better */
} StopArgs;
typedef enum { STOP_VAL_LOSS, STOP_VAL_ACCURACY, STOP_LOSS, STOP_ACCURACY } StopQuantity;

typedef struct {
    Duration every;
    int64_t keep; /* newest files that are kept */
} CheckpointArgs;

typedef struct {
    int type; /* 0: f32, 1: bf16 */
} PrecisionArgs;

typedef struct {
    double norm, value; /* 0: not asked for */
} ClipArgs;

typedef struct {
    Names names; /* of accuracy, top5 */
} MetricsArgs;

extern const Schema batch_schema, epochs_schema, steps_schema, seed_schema, schedule_schema, stop_schema,
    checkpoint_schema, precision_schema, clip_schema, metrics_schema;
extern const Schema constant_schema, warmup_schema, step_schema, exponential_schema, cosine_schema,
    linear_schema, polynomial_schema;

#endif
