/* What the matrix instructions of a CPU need to know of a computation: sums of products of the batch's
 * elements (operand A) and of weights in pairs of rows (operand B, ops/pairs.h).
 *
 * A tile of A is up to 16 points of an output axis, each with a run of terms that lie side by side. Where A
 * lies otherwise (guards, odd numbers of channels, another type), it is copied first: for each point of the
 * axes outside, one picture as bf16 with zeros where a guard fails. */
#ifndef MATRIX_H
#define MATRIX_H

#include "compiler/cpu/cpu.h"

enum { MATRIX_ACCS = 16, MATRIX_COORDS = 4 };

/* One dim of the copy. */
typedef struct {
    Affine at[MATRIX_ACCS]; /* by accumulator: where it reads */
    int64_t low, high;      /* the copy holds these points, both included */
    int64_t extent;         /* the tensor has 0 … extent - 1; the others are zeros */
    int64_t source, stride; /* elements from one to the next, in the tensor and in the copy */
} MatrixCoord;

typedef struct {
    int acc_count;
    ExprId a[MATRIX_ACCS], b; /* loads */
    int pair;                 /* axis: which of a pair */
    int vector;               /* output axis: columns */
    Affine at[MATRIX_ACCS];   /* by accumulator: where it reads A: in the tensor, or in the copy */
    int64_t b_row;            /* elements of B from one pair to the next */
    int64_t run;              /* pairs that lie side by side in A and one b_row apart in B */
    int tap_count;
    int tap[AXIS_MAX]; /* the other reduced axes, outermost first */
    uint32_t outside;  /* axes that must stand before A can be copied; those of the batch */
    bool copied;
    int coord_count; /* the innermost last */
    MatrixCoord coord[MATRIX_COORDS];
    Affine origin;    /* where the copy's element 0 … 0 (its coordinates all 0) lies in the tensor */
    int64_t elements; /* of the copy */
} MatrixForm;

/** NULL, or why matrix instructions cannot compute it. */
const char *matrix_form(const Computation *computation, MatrixForm *form);

/** NULL, or why this schedule (of PRIMITIVE_TILE or PRIMITIVE_DOT) does not fit. */
const char *matrix_legal(const Computation *computation, const CpuSchedule *schedule);

/** Chooses such a schedule, where the target has an instruction and it is worth it. */
bool matrix_schedule(const CpuTarget *target, const Computation *computation, CpuSchedule *schedule);

#endif
