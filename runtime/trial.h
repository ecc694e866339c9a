/* Trainings that only find something out, by a loop of their own over the session of a training
 * (runtime/training_parts.h). Nothing is kept of them but what --log asks for: no run folder, no weights. */
#ifndef CNN_TRIAL_H
#define CNN_TRIAL_H

#include "runtime/training_parts.h"

/** Whether the options fit a trial. `flag` is what asks for it, as messages name it. Errors: CNN_BAD_USAGE:
 * something is to be kept, or a number of epochs is given. */
CnnStatus cnn_trial_check(const TrainingOptions *options, const char *flag, CnnError *error);

/**
 * Opens a training whose rate stays as it is, and which ends at the first number that is not finite, whatever
 * the recipe says of `schedule` and `nan`; calls `run` on it, and closes it. options->report gets only what
 * opening it has to say.
 *
 * Errors  CNN_INTERRUPTED: Ctrl-C came; those of `run`, and of a training.
 */
CnnStatus cnn_trial(const CnnImage *image, CnnData *data, const TrainingOptions *options, TrainingDo *run,
                    void *context, CnnError *error);

#endif
