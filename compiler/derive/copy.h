/* Rebuilding a graph node by node: what passes that change some nodes and leave the rest alone are written
 * with. */
#ifndef COPY_H
#define COPY_H

#include "compiler/ir/graph.h"

/** An empty graph for the same batch and slices, in the same arena. */
Graph *copy_start(const Graph *from);
/** For each node: does a result need it? The leaves that updates write are needed. In the graph's arena. */
bool *copy_live(const Graph *graph);
/**
 * The copy in `to` of node `id` of `from`, with its op, attrs, type and layer; its inputs are map[old input],
 * which must be copied already.
 */
NodeId copy_node(Graph *to, const Graph *from, NodeId id, const NodeId *map);
/** Copies all results whose role is not `without` (-1: all of them); their nodes must be in the map. */
void copy_results(Graph *to, const Graph *from, const NodeId *map, int without);

#endif
