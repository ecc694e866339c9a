/* The parts of a step: what each node of a graph is for. */
#ifndef PARTS_H
#define PARTS_H

#include "compiler/ir/graph.h"

/**
 * By node, in the arena. Forward is what the loss, the metrics and the output are made of; update what is
 * neither, holds no samples, and is read by nothing but updates: sums over slices and the optimizer; backward
 * the rest.
 */
StepPart *graph_parts(Arena *arena, const Graph *graph);

#endif
