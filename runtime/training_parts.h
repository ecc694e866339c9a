/* A running training, shared by training_open.c, which opens and closes it, and training.c, which runs it. */
#ifndef CNN_TRAINING_PARTS_H
#define CNN_TRAINING_PARTS_H

#include "runtime/best.h"
#include "runtime/rate.h"
#include "runtime/report.h"
#include "runtime/run/checkpoint.h"
#include "runtime/run/events.h"
#include "runtime/run/resume.h"
#include "runtime/training.h"
#include "runtime/weights.h"

typedef struct {
    const CnnImage *image;
    CnnData *data;
    const TrainingOptions *options;
    Report report;
    BatchArgs batch;
    uint64_t seed;
    int64_t epochs, total, steps_per_epoch; /* total: updates */
    RateSchedule rates;
    RunFolder folder; /* path NULL: none */
    Resume resume;
    WeightFile *start;
    CnnDevice *device;
    CnnLoader *loader, *validation, *test;
    void *batches; /* what the loaders read, one at a time */
    uint64_t batches_bytes;
    Best best;
    Checkpoints checkpoints; /* with a run folder */
    RunListeners listeners;
    FILE *log;
    int64_t step;           /* updates done */
    TrainingState position; /* where the running epoch is, for the next checkpoint */
    CacheState cached;
    double begun, step_begun;
    double seconds_before; /* that it had run when it was gone on with */
    int64_t steps_before;
} Training;

/** Opens everything, in the order in which it can fail cheaply: paths, the weight file or the checkpoint, the
 * data, then the device with its memory; the run folder of a new training last. */
CnnStatus training_open(Training *t, CnnError *error);
void training_close(Training *t);

/** Seconds that the training has run. */
double training_seconds(const Training *t);

/** A line for the user, which is an event too. */
void training_note(Training *t, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
