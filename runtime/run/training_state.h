/* Where a training is, apart from what the device holds: the numbers that a checkpoint keeps, so that a
 * training that goes on from it does as if it had never stopped. */
#ifndef CNN_TRAINING_STATE_H
#define CNN_TRAINING_STATE_H

#include "runtime/advice.h"
#include "runtime/loss_scale.h"
#include "runtime/rate.h"
#include "runtime/status.h"
#include "runtime/totals.h"

/* Between two updates of the weights. */
typedef struct {
    int64_t epoch;    /* that is trained, from 0 */
    int64_t batches;  /* of it that are done; all of them: its validation is next */
    int64_t replaced; /* of its samples that could not be read (cnn_loader_replaced) */
    int64_t step;     /* updates done */
    Totals totals;    /* of the epoch so far */
    double seconds;   /* that the training has run */
    int64_t best_epoch, best_since;
    double best_value;
    RateState rate;
    double rate_factor; /* what `nan back` has multiplied the rate by, … */
    int64_t returned;   /* … going back so many times */
    LossScale scale;    /* of f16 */
    Advice advice;      /* stops, augments are the recipe's */
    /* What may not differ in a training that goes on: */
    int64_t batch, accumulate;
    int64_t steps_per_epoch;
    int64_t total; /* updates of the whole training */
    uint64_t seed;
} TrainingState;

/** Lines "name value", every number to its last bit; freed by the caller. NULL: no memory. */
char *cnn_training_state_text(const TrainingState *state);

/** Reads such a text. Errors: CNN_BAD_INPUT, a name that is missing, a value that is not a number. */
CnnStatus cnn_training_state_read(const char *text, TrainingState *state, CnnError *error);

#endif
