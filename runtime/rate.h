/* The learning rate of each step. */
#ifndef CNN_RATE_H
#define CNN_RATE_H

#include "runtime/recipe.h"
#include "runtime/status.h"

typedef struct {
    CnnStatements stages;    /* body of `schedule { }`; none: the rate stays as it is */
    double base;             /* the optimizer's rate */
    int64_t steps_per_epoch; /* updates in an epoch, at least 1 */
    int64_t total;           /* updates of the whole training */
} RateSchedule;

/** The schedule that a recipe asks for. Errors: a stage behind one without an end would never be reached. */
CnnStatus cnn_rate_open(const CnnRecipe *recipe, int64_t steps_per_epoch, int64_t total, RateSchedule *out,
                        CnnError *error);

/** The rate of update number `step`, from 0. */
double cnn_rate(const RateSchedule *schedule, int64_t step);

/** A duration in updates, at least 1. UNIT_SECONDS has none: 0. */
int64_t cnn_duration_steps(Duration duration, int64_t steps_per_epoch);

#endif
