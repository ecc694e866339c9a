/* The reference interpreter: runs computations in double, point by point, in the order of the axes. Slow, and
 * the oracle of everything. */
#ifndef INTERP_H
#define INTERP_H

#include "compiler/fuse/plan.h"

/** Runs one computation: tensors[i] is where tensor i begins, in elements of double. */
void interp_computation(const Computation *computation, double *const *tensors, const CnnCall *call);

/* A plan with memory in double. */
typedef struct Interp Interp;
Interp *interp_new(Arena *arena, const Plan *plan);
/** The values of a leaf, or of a result after a run, type_elements of them. */
double *interp_values(Interp *interp, NodeId node);
/** Sets the members of CnnScalars. */
void interp_scalars(Interp *interp, const CnnScalars *scalars);
/** Runs all phases for a batch of `samples`, with the plan's slices and chunks. */
void interp_run(Interp *interp, int64_t samples);

#endif
