/* `cnnc run --overfit`, `--find-rate`, `--find-batch`: what is tried before a network is trained. Nothing of
 * them is kept but what other flags name. */
#ifndef TRIES_H
#define TRIES_H

#include "compiler/commands/model.h"
#include "runtime/training_parts.h"

/** Whether one of them is asked for. */
bool tries_wanted(const Options *options);

/** Does what is asked for. Prints the reason of an error. */
CnnStatus tries_run(const Options *options);

/* ---- Each in its file ---- */

CnnStatus try_overfit(const Options *options, Model *model, CnnError *error);
CnnStatus try_find_rate(const Options *options, Model *model, CnnError *error);
CnnStatus try_find_batch(const Options *options, Model *model, CnnError *error);

/* ---- What they share (tries.c) ---- */

/** Links the model and calls `run` on a training of it, as cnn_trial does. */
CnnStatus try_training(const Options *options, Model *model, TrainingDo *run, void *context, CnnError *error);

/** Where the lines for the user go; NULL: there are none, by --quiet or --json. */
FILE *try_out(const Options *options);

#endif
