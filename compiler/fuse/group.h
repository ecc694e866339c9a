/* Between the files of fuse/: grouping. */
#ifndef GROUP_H
#define GROUP_H

#include "compiler/fuse/plan.h"

/** Puts every live node that computes something into a group of plan->groups, in an order in which they can
 * run; lists the outputs. */
void group_nodes(Plan *plan, const PlanOptions *options);

/**
 * Samples that a contraction wants at a time so that reading its kernel anew for each chunk of samples is
 * nothing beside the work. 1: the kernel stays in a cache of so many bytes, or `anchor` is none.
 */
int64_t samples_for_kernel(const Plan *plan, NodeId anchor, uint64_t cache_bytes);

/** Orders the groups into phases. */
void make_phases(Plan *plan, const PlanOptions *options);

/** Gives each stored tensor its place. */
void place_buffers(Plan *plan);

/** For each group, the groups that must run before it: `before[g * groups + h]`. In the plan's arena. */
bool *group_order(const Plan *plan);

#endif
