/* Going on with a training from its newest checkpoint. */
#ifndef CNN_RESUME_H
#define CNN_RESUME_H

#include "runtime/best.h"
#include "runtime/data/data.h"
#include "runtime/run/run_folder.h"
#include "runtime/run/training_state.h"
#include "runtime/weights.h"

typedef struct {
    WeightFile *file; /* NULL: nothing is gone on with */
    char *path;
    TrainingState state;
    bool changed;    /* the model or the data are others than they were, and --anyway says to go on */
    char note[1024]; /* for the user, "" for nothing: checkpoints that could not be read, what was carried
                        over */
} Resume;

/**
 * Opens the newest checkpoint of the folder that can be read whole, and compares the model and the data with
 * those it was made of. Changes nothing but *resume, which is closed by cnn_resume_close in any case.
 *
 * Errors  CNN_NO_RESOURCE: no memory; CNN_BAD_INPUT: there is none that can be read (each is named with its
 * reason); the model or the data have changed (the difference is shown), unless `anyway`; a tensor has
 * another shape.
 */
CnnStatus cnn_resume_open(const CnnImage *image, CnnData *data, const RunFolder *folder, bool anyway,
                          Resume *resume, CnnError *error);
void cnn_resume_close(Resume *resume);

/** Whether the folder has the best weights of which the checkpoint says the epoch. */
bool cnn_resume_best_kept(const Resume *resume, const RunFolder *folder);

/** Puts every tensor of the checkpoint into the device, and the best weights into `best`. */
void cnn_resume_load(const Resume *resume, const CnnImage *image, CnnDevice *device, Best *best);

#endif
