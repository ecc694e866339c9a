/* Between the files of ops/: indices of inputs from the index of a result. */
#ifndef INDEX_H
#define INDEX_H

#include "compiler/ir/kernel.h"

/** Where the input of type `from` has the element that a result broadcast from it has at `at`: dims are
 * aligned at the right. */
Index index_broadcast(const Type *from, const Index *at);

/** True for a sum over the batch that is kept as one partial sum for each slice (graph_add_sliced): its dim 0
 * counts slices. */
bool node_is_sliced(const Graph *graph, const Node *node);

/** The index without the dim of the slices, when the node has one. */
Index index_without_slice(const Graph *graph, const Node *node, const Index *at);

/** A reduced axis over dim `dim` of a tensor of this type. */
Affine lower_reduce_dim(Lowering *lowering, const char *name, const Type *type, int dim);

#endif
