/* The learning-rate range test: the loss while the rate grows (Smith, "Cyclical learning rates for training
 * neural networks", WACV 2017, section 3.3), smoothed and read as fastai's lr_find does. */
#ifndef RATE_CURVE_H
#define RATE_CURVE_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler/base/arena.h"
#include "compiler/base/vec.h"

typedef struct {
    double rate;
    double loss;   /* of this update's batch, before it */
    double smooth; /* moving average of the losses so far */
} RatePoint;

typedef struct {
    VEC(RatePoint) points; /* by rising rates */
    double average;        /* of the losses, not yet corrected for its start from zero */
    double lowest;         /* of the smooth losses */
    bool exploded;         /* the last point's loss is beyond all that is of interest */
} RateCurve;

/** The rate of update number `step`, from 0, of so many: the same factor from each to the next. */
double rate_curve_rate(int64_t step, int64_t steps);
enum { RATE_STEPS_LEAST = 10 };

/** Adds an update's loss, which may be infinite or not a number: then the curve has exploded. */
void rate_curve_add(Arena *arena, RateCurve *curve, double rate, double loss);

typedef struct {
    bool found;      /* the loss falls somewhere */
    double rate;     /* one digit */
    size_t steepest; /* index of the point where the loss falls fastest */
    size_t lowest;   /* and of that where it is lowest */
    bool by_lowest;  /* a tenth of the lowest's rate is less than the steepest's, and was taken */
} RateSuggestion;

/** What the curve says. */
RateSuggestion rate_curve_read(const RateCurve *curve);

#endif
