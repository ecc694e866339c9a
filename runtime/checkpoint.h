/* Checkpoints: weights and the optimizer's state, written while a training runs; only the newest are kept. */
#ifndef CNN_CHECKPOINT_H
#define CNN_CHECKPOINT_H

#include "runtime/data/data.h"
#include "runtime/device.h"
#include "runtime/train_args.h"

typedef struct {
    const CheckpointArgs *args; /* NULL: none are written */
    const CnnImage *image;
    int64_t steps_per_epoch;
    char *folder; /* with its '/', or "" */
    char **kept;  /* a ring of args->keep paths */
    int64_t written;
    int64_t last_step; /* of the newest one */
    double last;       /* cnn_clock when the last one was written */
} Checkpoints;

/** `save`: the path of --save, beside which they are put; NULL: into the folder `checkpoints`, which is made.
 */
CnnStatus cnn_checkpoints_open(const CnnImage *image, const char *save, int64_t steps_per_epoch,
                               Checkpoints *out, CnnError *error);
void cnn_checkpoints_close(Checkpoints *checkpoints);

/** Whether one is due after `step` updates. */
bool cnn_checkpoint_due(const Checkpoints *checkpoints, int64_t step);

/** Writes NAME-epoch-N.safetensors, or NAME-step-N between epochs, then removes the one that is no longer
 * kept. */
CnnStatus cnn_checkpoint_write(Checkpoints *checkpoints, CnnDevice *device, CnnData *data, int64_t step,
                               CnnError *error);

/** The path of the newest one; NULL: none. */
const char *cnn_checkpoint_newest(const Checkpoints *checkpoints);

#endif
