/* The weights' update: clipping, sums over micro-batches, the optimizer. */
#ifndef UPDATE_H
#define UPDATE_H

#include "compiler/check/program.h"

/**
 * Adds to `graph` what changes each of the `count` parameters by its gradient (NODE_NONE: unchanged), as
 * RESULT_UPDATE results, with the states that this takes as leaves ("adam.m.conv1.kernel",
 * "grad.conv1.kernel", "average.conv1.kernel"). The graph has its RESULT_LOSS. Where the program is guarded,
 * all updates that are results of the graph, but for sums of gradients, are made only where loss and
 * gradients are finite: RESULT_FINITE. Under `precision f16` so are those that are added here, and where it
 * is guarded, the others where the loss is.
 */
void update_parameters(const Program *program, Graph *graph, const NodeId *parameters,
                       const NodeId *gradients, int count);

#endif
