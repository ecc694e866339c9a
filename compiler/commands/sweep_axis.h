/* What a sweep varies, as the command line says it: -D NAME=VALUES, --set PATH=VALUES. VALUES are separated
 * by commas, which count for nothing within quotes and brackets, nor in train.metrics; each is a text as it
 * would stand in the model, or a range of numbers: A..B:linear:N or A..B:log:N, N values from A to B, evenly
 * apart or each the same multiple of the one before. A sweep of points drawn at random takes ranges without
 * :N, too. */
#ifndef SWEEP_AXIS_H
#define SWEEP_AXIS_H

#include <stdbool.h>

#include "compiler/base/vec.h"
#include "runtime/flags.h"

/* A range of numbers. Both ends may have the same unit: 10%..50%, 1s..4s. */
typedef struct {
    double low, high;
    const char *first, *last; /* the ends as they are written */
    const char *unit;         /* "%", "" */
    bool logarithmic;
    bool whole; /* both ends are written as whole numbers, so all values are */
} SweepRange;

typedef struct {
    const char *flag; /* "-D", "--set" */
    const char *name; /* "width", "train.optimizer.rate" */
    VEC(const char *) values;
    bool logarithmic; /* some of them are those of a logarithmic range */
    bool open;        /* there are no values, but a range without :N */
    SweepRange range; /* of an open axis */
} SweepAxis;

typedef VEC(SweepAxis) SweepAxes;

/**
 * Reads one flag. `random`: open ranges may stand. Texts are the arena's.
 *
 * Errors  CNN_BAD_USAGE: it is not of this form, a range is empty, a value stands twice.
 */
CnnStatus sweep_axis_read(Arena *arena, const char *flag, const char *text, bool random, SweepAxis *axis,
                          CnnError *error);

/** Reads all flags of both kinds, in their order, -D first. Errors: as above; a name that stands twice. */
CnnStatus sweep_axes_read(Arena *arena, const FlagList *defines, const FlagList *sets, bool random,
                          SweepAxes *axes, CnnError *error);

/** Whether the axis has more than one value. */
bool sweep_axis_varies(const SweepAxis *axis);

/** The value at `place` of the axis, which is from 0 to below 1. */
const char *sweep_axis_draw(Arena *arena, const SweepAxis *axis, double place);

#endif
