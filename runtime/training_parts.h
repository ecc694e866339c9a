/* A running training, shared by training_open.c, which opens and closes it, training.c, which runs it,
 * training_keep.c, which keeps what it has become, and training_finish.c, which ends it. */
#ifndef CNN_TRAINING_PARTS_H
#define CNN_TRAINING_PARTS_H

#include "runtime/advice.h"
#include "runtime/answers.h"
#include "runtime/average.h"
#include "runtime/best.h"
#include "runtime/divergence.h"
#include "runtime/rate.h"
#include "runtime/report.h"
#include "runtime/run/checkpoint.h"
#include "runtime/run/events.h"
#include "runtime/run/resume.h"
#include "runtime/run/unreadable_file.h"
#include "runtime/time_plan.h"
#include "runtime/training.h"
#include "runtime/weights.h"

typedef struct {
    const CnnImage *image;
    CnnData *data;
    const TrainingOptions *options;
    Report report;
    BatchArgs batch;
    uint64_t seed;
    int64_t epochs, total; /* total: updates; INT64_MAX, and 0 epochs, until `time` is planned */
    int64_t steps_per_epoch;
    int64_t most; /* updates that epochs and steps allow */
    TimePlan time;
    bool planned; /* `time` has set the total */
    RateSchedule rates;
    RunFolder folder; /* path NULL: none */
    Resume resume;
    WeightFile *start;
    CnnDevice *device;
    Average average;
    CnnLoader *loader, *validation, *test;
    void *batches; /* what the loaders read, one at a time */
    uint64_t batches_bytes;
    Best best;
    Answers answers;         /* to the part that is evaluated */
    AnswerList best_answers; /* to the validation part after the best epoch; with a run folder */
    Divergence divergence;
    Advice advice;
    Checkpoints checkpoints;   /* with a run folder */
    UnreadableFile unreadable; /* with a run folder */
    RunListeners listeners;
    FILE *log;
    int64_t step;           /* updates done */
    TrainingState position; /* where the running epoch is, for the next checkpoint */
    CacheState cached;
    double begun, step_begun;
    CnnError unkept;       /* what the end was to write and could not */
    double seconds_before; /* that it had run when it was gone on with */
    int64_t steps_before;
} Training;

/* The gradient accumulation under way: its micro-batches, together one update. Zero at first. */
typedef struct {
    int64_t micro;   /* micro-batches done */
    int64_t samples; /* of all its micro-batches */
    bool left_out;   /* its numbers are not finite: there will be no update */
    Totals totals;   /* of those done */
} Accumulation;

typedef CnnStatus TrainingDo(Training *t, void *context, CnnError *error);

/** Does something with a training that is not open yet, while Ctrl-C is noted, and closes it. */
CnnStatus training_do(const CnnImage *image, CnnData *data, const TrainingOptions *options, TrainingDo *what,
                      void *context, CnnError *error);

/** Opens everything, in the order in which it can fail cheaply: paths, the weight file or the checkpoint, the
 * data, then the device with its memory; the run folder of a new training last. */
CnnStatus training_open(Training *t, CnnError *error);
void training_close(Training *t);

/**
 * Trains on one batch of the epoch (from 0). *updated: it was the last of an update, which was made or left
 * out. `totals` grow by the batch, unless its numbers are not finite. Errors: CNN_DIVERGED.
 */
CnnStatus training_batch(Training *t, const Batch *batch, int64_t epoch, Accumulation *now, Totals *totals,
                         bool *updated, CnnError *error);

/** Whether all of the log (`--log`) could be written so far. Errors: CNN_NO_RESOURCE. */
CnnStatus training_log_check(const Training *t, CnnError *error);

/** Sets the updates of the whole training, of the schedule too. */
void training_set_total(Training *t, int64_t total);

/** Seconds that the training has run. */
double training_seconds(const Training *t);

/** A line for the user, which is an event too. */
void training_note(Training *t, const char *format, ...) PRINTF_LIKE(2, 3);

/** The same of what goes wrong, behind "warning: ": said with --quiet too. */
void training_warn(Training *t, const char *format, ...) PRINTF_LIKE(2, 3);

/** Tells what the writer has done since the last call; with `wait`, after the end of what it does. A file
 * that could not be written does not end the training: those before it are whole, and the next may succeed.
 */
void training_heed_writer(Training *t, bool wait);

/** Names the samples that could not be read so far in a file of the run folder; the training is as good where
 * it cannot be written, and says so. */
void training_name_unreadable(Training *t);

/** The same at the end, and tells the user where they stand. */
void training_close_unreadable(Training *t);

/** Lets the writer write CheckpointParts while the training goes on. Errors: CNN_DIVERGED. */
CnnStatus training_keep(Training *t, int parts, CnnError *error);

/** Writes what the training ends with, and waits until it is on the disk. What cannot be written is in
 * t->unkept, to be told when all the rest is done. Errors: CNN_DIVERGED. */
CnnStatus training_keep_last(Training *t, int parts, CnnError *error);

/** CHECKPOINT_ALL, unless the newest checkpoint is of this step, or could not be written. */
int training_part_left(const Training *t);

/** Keeps all that is needed to go on, and the weights, of a training that was interrupted. Errors:
 * CNN_INTERRUPTED, with what the user is to do; CNN_NO_RESOURCE: not all could be kept. */
CnnStatus training_interrupted(Training *t, CnnError *error);

/** Takes the best weights where `stop` says so, keeps them, and evaluates them. Errors: as above. */
CnnStatus training_finish(Training *t, CnnError *error);

/** The error of a training that ended, `what` says how, and could not write all. */
CnnStatus training_unkept(const Training *t, const char *what, CnnError *error);

#endif
