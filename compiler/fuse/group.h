/* Between the files of fuse/: grouping. */
#ifndef GROUP_H
#define GROUP_H

#include "compiler/fuse/plan.h"

/** Puts every live node that computes something into a group of plan->groups, in an order in which they can
 * run; lists the outputs. */
void group_nodes(Plan *plan, const FusionOptions *fusions);

/** Orders the groups into phases. */
void make_phases(Plan *plan, uint64_t cache_bytes);

/** Gives each stored tensor its place. */
void place_buffers(Plan *plan);

/** For each group, the groups that must run before it: `before[g * groups + h]`. In the plan's arena. */
bool *group_order(const Plan *plan);

#endif
