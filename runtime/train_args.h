/* The arguments of the statements of `train { }` that are not losses or optimizers, and their schemas. Some
 * are read by the compiler (batch, clip, precision, metrics), the rest by the runtime. */
#ifndef CNN_TRAIN_ARGS_H
#define CNN_TRAIN_ARGS_H

#include "runtime/schema.h"

typedef enum { LAST_KEEP, LAST_DROP } LastBatch;
enum { BATCH_MOST = 1 << 20 };
typedef struct {
    int64_t size;       /* samples of a micro-batch */
    int64_t accumulate; /* micro-batches whose gradients are summed for one update */
    int last;           /* LastBatch: what happens to an epoch's last, smaller batch */
    bool exact;         /* the checker has made one batch of them: accumulate is 1 */
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
    double power;       /* polynomial only */
    Duration restarts;  /* cosine only: the first period; absent: one for the whole stage */
    int64_t multiplier; /* cosine only: what each period is longer by than the one before */
} DecayArgs;            /* cosine, linear, polynomial */
typedef struct {
    double peak; /* 0: the rate that the stage begins with */
    double rise; /* share of the stage */
    double divisor, final_divisor;
    Duration over;
} OnecycleArgs;

/* A value of each epoch that is watched: of plateau and stop. */
#define WATCHED_FIELDS(T, patience_preset, patience_doc)                                                     \
    FIELD(T, patience, FIELD_INTEGER, .preset = (patience_preset), .least = 1, .most = 1e9,                  \
          .doc = (patience_doc)),                                                                            \
        FIELD(T, on, FIELD_TEXT, .preset = "val_loss",                                                       \
              .words = "val_loss val_accuracy val_topN val_precision val_recall val_f1 val_auc loss "        \
                       "accuracy topN",                                                                      \
              .doc = "the value that is watched: the loss or one of the metrics, of the validation part "    \
                     "with val_ before it"),                                                                 \
        FIELD(T, least, FIELD_REAL, .preset = "0", .least = 0, .most = 1e9, .named_only = true,              \
              .doc = "a change that is not larger than this is no improvement")

typedef struct {
    int64_t patience; /* epochs */
    const char *on;   /* cnn_watched_find */
    double least;     /* smallest change that counts as better */
    double factor, to;
    Duration over;
} PlateauArgs;

typedef struct {
    int64_t patience; /* epochs */
    const char *on;   /* cnn_watched_find */
    double least;     /* smallest change that counts as better */
} StopArgs;

typedef struct {
    Duration every;
    int64_t keep; /* newest files that are kept */
} CheckpointArgs;

typedef struct {
    int type; /* as Precision: f32, bf16, f16 */
} PrecisionArgs;

typedef struct {
    double norm, value; /* 0: not asked for */
} ClipArgs;

typedef struct {
    Names names; /* of accuracy, topN, those that scores_know, METRIC_CONFUSION */
} MetricsArgs;
#define METRIC_CONFUSION "confusion"

typedef struct {
    double ema; /* share of the average that a step keeps */
} AverageArgs;

typedef struct {
    Duration limit;
} TimeArgs;

typedef struct {
    const char *file;
    const char *freeze, *new; /* patterns (pattern.h), or NULL */
} StartArgs;

typedef struct {
    const char *pattern;
    double factor;
} LayersArgs;

typedef enum { NAN_STOP, NAN_SKIP, NAN_BACK } NanAction;
typedef struct {
    int action;    /* NanAction */
    int64_t most;  /* updates in a row that are left out, times that the training goes back */
    double factor; /* what the rate is multiplied by each time */
} NanArgs;

extern const Schema batch_schema, epochs_schema, steps_schema, seed_schema, schedule_schema, stop_schema,
    checkpoint_schema, precision_schema, clip_schema, average_schema, metrics_schema, nan_schema,
    start_schema, rates_schema, layers_schema, time_schema;
extern const Schema constant_schema, warmup_schema, step_schema, exponential_schema, cosine_schema,
    linear_schema, polynomial_schema, onecycle_schema, plateau_schema;

#endif
