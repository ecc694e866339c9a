/* Checkpoints: all that a training needs to go on as if it had never stopped, in the run folder; beside them
 * the best weights. The training waits for a copy in memory; a thread writes. */
#ifndef CNN_CHECKPOINT_H
#define CNN_CHECKPOINT_H

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
    const RunFolder *folder;
    const CheckpointArgs *args; /* NULL: as often as costs next to nothing */
    int64_t steps_per_epoch;
    CnnWriter *writer;
    char *copy;    /* of every tensor, while the writer writes it */
    int64_t *kept; /* the steps of a ring of `keep` files; -1: none yet */
    int64_t keep, written;
    int64_t last_step; /* of the newest one; -1: none */
    double last;       /* cnn_clock when it was begun */
} Checkpoints;

/**
 * Files that the folder has already count among those that are kept. All memory is taken here: once more what
 * the state of the training takes. All pointers must outlive the checkpoints.
 */
CnnStatus cnn_checkpoints_open(const CnnImage *image, CnnDevice *device, CnnData *data, const Best *best,
                               const RunFolder *folder, int64_t steps_per_epoch, Checkpoints *out,
                               CnnError *error);
/** Waits for what is being written. Does nothing for checkpoints that are not open. */
void cnn_checkpoints_close(Checkpoints *checkpoints);

/** Whether one is due after `step` updates; at the end of an epoch (its number from 1), else 0, when its
 * validation is done. */
bool cnn_checkpoint_due(const Checkpoints *checkpoints, int64_t step, int64_t ended_epoch);

/** What is to be written. */
typedef enum {
    CHECKPOINT_ALL = 1,  /* checkpoint-STEP */
    CHECKPOINT_BEST = 2, /* the weights, as best */
    CHECKPOINT_LAST = 4  /* the weights, as last */
} CheckpointParts;

/**
 * Copies, and lets the thread write. Waits while the files before these are being written.
 *
 * Errors  CNN_DIVERGED: a weight is not finite, and nothing is written; CNN_NO_RESOURCE: the files *before
 * these* could not be written, these will be tried.
 */
CnnStatus cnn_checkpoint_write(Checkpoints *checkpoints, const TrainingState *state, int parts,
                               CnnError *error);

/** Waits until all is written. Errors: the last files could not be. */
CnnStatus cnn_checkpoints_wait(Checkpoints *checkpoints, CnnError *error);

/* The metadata of a checkpoint, beside those of every weight file (runtime/state_file.h). */
#define CHECKPOINT_STATE  "training" /* cnn_training_state_text */
#define CHECKPOINT_RECIPE "recipe"   /* CnnImage.recipe_text */
#define CHECKPOINT_DATA   "data"     /* cnn_data_identity */

#endif
