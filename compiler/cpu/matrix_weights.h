/* What the matrix instructions of a CPU need to know of a weight gradient: a sum over pixels of products of a
 * picture (operand A) and of slopes (operand B, any expression of the batch).
 *
 * Both are copied first, for a band of rows of pixels at a time: the picture turned, so that the pixels of a
 * channel lie side by side, with zeros where a guard fails; the slopes in pairs of pixels, with zeros behind
 * each row, so that the rows of both are equally long. Pixel (y, x) of the band is then number y * pitch + x
 * in both, and the picture under another tap of the window lies at another offset. For strides the picture is
 * cut into its phases. */
#ifndef MATRIX_WEIGHTS_H
#define MATRIX_WEIGHTS_H

#include "compiler/cpu/cpu.h"

enum { WEIGHTS_TAPS = 64, WEIGHTS_SUMS = 4 };

/* One direction. Where the picture is read: `at`, 0 … extent - 1 inside, of which one step is `source`
 * elements. */
typedef struct {
    Affine at;
    int64_t source, extent;
    int64_t low, high; /* of at */
    int64_t step;      /* of `at` from one pixel of the slopes to the next */
    Affine pixel;      /* of the slopes, from 0 */
    int64_t pixels;
    int outer;     /* reduced axis of the largest steps; -1: one pixel */
    int64_t inner; /* pixels of one point of it */
} WeightsSide;

typedef struct {
    ExprId a, slope;
    int samples;      /* reduced axis of the batch; -1: none */
    int row, column;  /* output axes: channels (or more than one pixel's), filters */
    int64_t channels; /* rows of the turned picture; rows past them are those of the next pixel */
    int64_t rows;     /* rows of the sums */
    int tap_count;
    int tap[AXIS_MAX];    /* the other output axes */
    int64_t taps;         /* their points */
    WeightsSide side[2];  /* y, x */
    Affine origin;        /* where both sides are 0 */
    int64_t pitch, band;  /* pixels of a row; rows of a band */
    int64_t bands, steps; /* of the picture; of 32 pixels in a band */
    int64_t lines;        /* rows of the turned picture in a band, for one phase */
    int64_t channel;      /* elements of one row of the turned picture */
    int64_t slope_row;    /* elements of a pair of slopes of all columns */
    int64_t block;        /* rows of the sums at a time */
} WeightsForm;

/** NULL, or why matrix instructions cannot compute it. */
const char *weights_form(const Computation *computation, WeightsForm *form);

/** NULL, or why this schedule of PRIMITIVE_TILE does not fit. */
const char *weights_legal(const Computation *computation, const CpuSchedule *schedule);

/** Chooses such a schedule, where the target has the instructions. */
bool weights_schedule(const CpuTarget *target, const Computation *computation, CpuSchedule *schedule);

#endif
