/* The points of a sweep: one value of each axis. */
#ifndef SWEEP_POINTS_H
#define SWEEP_POINTS_H

#include <stdint.h>

#include "compiler/commands/sweep_axis.h"

typedef struct {
    const char **values; /* one for each axis */
} SweepPoint;

typedef VEC(SweepPoint) SweepPoints;

enum { SWEEP_POINTS_MOST = 10000 };

/**
 * All points of the grid, the last axis changing first; or, where `random` is above 0, so many different ones
 * drawn by `seed`. The same seed gives the same points, and a larger number the same first.
 *
 * Errors  CNN_BAD_USAGE: nothing varies; there are more than SWEEP_POINTS_MOST, or fewer than are to be
 * drawn.
 */
CnnStatus sweep_points_make(Arena *arena, const SweepAxes *axes, int64_t random, uint64_t seed,
                            SweepPoints *points, CnnError *error);

/** "width=0.5, train.optimizer.rate=0.001": the values of the axes that vary; "" of none. */
const char *sweep_point_text(Arena *arena, const SweepAxes *axes, const SweepPoint *point);

#endif
