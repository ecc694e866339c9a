/* Rewrites of a graph: each reads one and builds another. Those here keep the function that is learnt. */
#ifndef REWRITE_H
#define REWRITE_H

#include "compiler/ir/graph.h"

/**
 * Moves what grows with its argument (a bias, relu, tanh, …) behind the max-pool that follows it: max f(x) =
 * f(max x). Done on the forward graph, so that the backward pass, too, needs pooled values only. Equal also
 * in floating point: rounding is monotone.
 * map: by node of `graph`, room for all: the node of the result with its value, or NODE_NONE where there is
 * none any more.
 */
Graph *rewrite_pool_first(const Graph *graph, NodeId *map);

#endif
