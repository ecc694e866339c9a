/* From the forward graph to a whole training step: loss, backward, update, metrics; and to a whole evaluation step. */
#ifndef DERIVE_H
#define DERIVE_H

#include "compiler/check/program.h"

/** The training step of a program, as a new graph. Errors (the loss does not fit) go to the program's diag: NULL. */
Graph *derive_training(const Program *program);
/** The evaluation step: loss and metrics of a batch, no updates. */
Graph *derive_evaluation(const Program *program);

/**
 * Reverse-mode differentiation (Griewank and Walther, "Evaluating Derivatives", 2008, chapter 3): adds to `graph` the nodes
 * of the gradient of the scalar `loss` with respect to each of `with_respect_to`. gradients[i]: NODE_NONE where the loss
 * does not depend on it.
 */
void autodiff(Graph *graph, NodeId loss, const NodeId *with_respect_to, int count, NodeId *gradients);

#endif
