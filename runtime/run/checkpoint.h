/* Checkpoints: all that a training needs to go on as if it had never stopped, in the run folder; beside them
 * the best weights. The training waits for a copy in memory; a thread writes. */
#ifndef CNN_CHECKPOINT_H
#define CNN_CHECKPOINT_H

#include "runtime/average.h"
#include "runtime/best.h"
#include "runtime/data/data.h"
#include "runtime/run/run_folder.h"
#include "runtime/run/training_state.h"
#include "runtime/run/writer.h"
#include "runtime/train_args.h"

typedef struct {
    const CnnImage *image;
    CnnDevice *device;
    CnnData *data;
    const Best *best;
    const Average *average;
    const RunFolder *folder;
    const CheckpointArgs *args; /* NULL: as often as costs next to nothing */
    int64_t steps_per_epoch;
    CnnWriter *writer;
    char *copy;   /* of every tensor, and of the best weights behind them, while the writer writes it */
    int64_t keep; /* the newest files that stay */
    int parts;    /* of the job that the writer has, CheckpointParts in their order; 0: none */
    int64_t step, epoch; /* of that job */
    int64_t last_step;   /* of the newest checkpoint that was handed to the writer; -1: none */
    int64_t safe_step;   /* of the newest checkpoint on the disk; -1: none */
    bool best_owed; /* the file of the best weights is not of the best epoch, as it could not be written */
    double last;    /* cnn_clock when the newest one was begun */
} Checkpoints;

/**
 * All memory is taken here: once more what the state of the training takes. All pointers, and the checkpoints
 * themselves, must stay where they are until the close.
 */
CnnStatus cnn_checkpoints_open(const CnnImage *image, CnnDevice *device, CnnData *data, const Best *best,
                               const Average *average, const RunFolder *folder, int64_t steps_per_epoch,
                               Checkpoints *out, CnnError *error);
/** Waits for what is being written. Does nothing for checkpoints that are not open. */
void cnn_checkpoints_close(Checkpoints *checkpoints);

/** Whether one is due after `step` updates, or asked for; at the end of an epoch (its number from 1), else 0,
 * when its validation is done. */
bool cnn_checkpoint_due(const Checkpoints *checkpoints, int64_t step, int64_t ended_epoch);

/** What is to be written, and in which order: a checkpoint that says which epoch was the best must not be
 * there before the best weights are. Files of weights alone have what evaluations read: the average, where
 * there is one. With CHECKPOINT_ALL the averages must not be in the place of the weights. */
typedef enum {
    CHECKPOINT_BEST = 1, /* the weights of the best epoch, as best */
    CHECKPOINT_ALL = 2, /* checkpoint-STEP; once it is safe, those that are older than the newest `keep` go */
    CHECKPOINT_LAST = 4, /* the weights, as last */
} CheckpointParts;

/**
 * Copies, and lets the thread write. Called after cnn_checkpoints_ended has waited.
 *
 * Errors  CNN_DIVERGED: a weight is not finite; CNN_NO_RESOURCE: no memory. Nothing is written then.
 */
CnnStatus cnn_checkpoint_write(Checkpoints *checkpoints, const TrainingState *state, int parts,
                               CnnError *error);

/* What has become of the files that were handed over. */
typedef struct {
    int64_t step, epoch; /* updates and whole epochs done */
    int written, failed; /* CheckpointParts */
    CnnError error;      /* of the first that failed */
} CheckpointsEnd;

/** Whether files have been written, or not, since the last call; with `wait`, after the end of those that are
 * under way. */
bool cnn_checkpoints_ended(Checkpoints *checkpoints, bool wait, CheckpointsEnd *end);

/* The metadata of a checkpoint, beside those of every weight file (runtime/state_file.h). */
#define CHECKPOINT_STATE  "training" /* cnn_training_state_text */
#define CHECKPOINT_RECIPE "recipe"   /* CnnImage.recipe_text */
#define CHECKPOINT_DATA   "data"     /* cnn_data_identity */

#endif
