/* What other files know of the pointwise ops. */
#ifndef POINTWISE_H
#define POINTWISE_H

#include "compiler/ir/op.h"

/** The scalar function that a pointwise op applies to each element. */
ScalarId pointwise_scalar(OpId op);

/** The normalized value that this one is, scaled and shifted or not; NODE_NONE: it is none. Whoever reads it
 * element by element makes it again of what it was made of (compiler/fuse/group.c). */
NodeId pointwise_normalized(const Graph *graph, NodeId id);

/** The type of a result whose operands are broadcast as numpy does; false when they do not fit. */
bool pointwise_infer(const Graph *graph, Node *node);

#endif
