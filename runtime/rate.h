/* The learning rate of each step. */
#ifndef CNN_RATE_H
#define CNN_RATE_H

#include "runtime/train_args.h"
#include "runtime/watched.h"

/* What a schedule remembers of the epochs so far, zeros at first: numbers only, so that a checkpoint can keep
 * them and put them back. All else in a schedule follows from the recipe. */
typedef struct {
    double best;     /* of the value that `plateau` watches */
    int64_t epochs;  /* that it has watched */
    int64_t since;   /* of them, since the best one, or since the rate was lowered */
    int64_t lowered; /* times */
} RateState;

typedef struct {
    CnnStatements stages;       /* body of `schedule { }`; none: the rate stays as it is */
    double base;                /* the optimizer's rate */
    int64_t steps_per_epoch;    /* updates in an epoch, at least 1 */
    int64_t total;              /* updates of the whole training; may be changed while it runs */
    const PlateauArgs *plateau; /* NULL: no stage watches anything */
    Watched watched;            /* what it watches */
    RateState state;
} RateSchedule;

/**
 * The schedule that the recipe of an image asks for. `validation`: the data have a validation part.
 *
 * Errors  CNN_BAD_INPUT: a stage behind one without an end would never be reached; two stages watch; a value
 * is watched that there is none of.
 */
CnnStatus cnn_rate_open(const CnnImage *image, bool validation, int64_t steps_per_epoch, int64_t total,
                        RateSchedule *out, CnnError *error);

/** The rate of update number `step`, from 0. */
double cnn_rate(const RateSchedule *schedule, int64_t step);

/**
 * To be told at the end of each epoch: `step` updates are done, and this is the watched value. Whether the
 * rate was lowered. Does nothing where nothing is watched, or another stage had the epoch's last update.
 */
bool cnn_rate_epoch(RateSchedule *schedule, int64_t step, double value);

/** A duration in updates, at least 1. UNIT_SECONDS has none: 0. */
int64_t cnn_duration_steps(Duration duration, int64_t steps_per_epoch);

#endif
