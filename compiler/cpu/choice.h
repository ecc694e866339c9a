/* The parts of choosing a schedule: what they share. */
#ifndef CHOICE_H
#define CHOICE_H

#include "compiler/cpu/cpu.h"

/* Another order of the variants needs another version: what tuning has found is kept as a variant. */
enum { SCHEDULER_VERSION = 13 };

/* Extent of a reduced axis that may be written out for its guards. */
enum { WINDOW_MOST = 11 };

typedef struct {
    const CpuTarget *target;
    const Computation *computation;
    CpuSchedule *schedule; /* so far */
    const bool *summed;    /* by expression: occurs inside an accumulator */
    const CpuVariant *variant;
    int axis_rank;    /* the vectors' axis: the how-many-th best */
    double tile_cost; /* of the tile chosen, for all points: to compare axes by; 0 without sums */
} Choice;

static inline const Expr *choice_expr(const Choice *choice, size_t id)
{
    return &choice->computation->exprs.items[id];
}

/** Marks, by expression, what occurs inside an accumulator. */
void choice_mark_summed(const Computation *computation, bool *summed);
/** Chooses vector_axis, as axis_rank says. false: there is none that is worth it. */
bool choice_vector_axis(Choice *choice);
/** Chooses vectors, row_axis, rows, spread_axis. false: likewise. */
bool choice_tile(Choice *choice);
/** Chooses blocks of reduced axes and, where sums wait between them, the whole order. */
void choice_blocks(Choice *choice);
/** Rows of the tile times the points of the spread axis. */
int choice_tile_rows(const Choice *choice);
/** True where an accumulator's load lies scattered along the vectors, and is not packed. */
bool choice_gathers(const Choice *choice);

#endif
