/* From a group of nodes to computations: each output's elements are pulled from the ops' `lower`, inner
 * values staying in registers. */
#ifndef LOWER_H
#define LOWER_H

#include "compiler/fuse/plan.h"

/** Makes the kernels of every group (schedules are left empty). */
void lower_plan(Plan *plan);

/** Joins axes that all accesses step through as if they were one, and drops axes of one point. In place. */
void simplify(Computation *computation);

#endif
