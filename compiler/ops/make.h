/* Short forms for building graphs of ops: what layers, losses, gradients and optimizers are written with. All
 * take the span and layer name of `at`: the node the new one derives from. Operands are broadcast as numpy
 * does. */
#ifndef MAKE_H
#define MAKE_H

#include "compiler/ir/graph.h"
#include "compiler/ops/attrs.h"

typedef struct {
    Graph *graph;
    Span span;
    const char *layer; /* may be NULL */
} Make;

/** Any op. */
NodeId make_op(Make make, OpId op, const void *attrs, const NodeId *in, int in_count);
/** Any pointwise op; of constants the constant result. */
NodeId make_pointwise(Make make, OpId op, const NodeId *in, int in_count);
NodeId make_constant(Make make, double value);
NodeId make_scalar(Make make,
                   const char *member); /* leaf of CnnScalars: "rate", "step", "inverse_count", … */
NodeId make_add(Make make, NodeId a, NodeId b);
NodeId make_sub(Make make, NodeId a, NodeId b);
NodeId make_mul(Make make, NodeId a, NodeId b);
NodeId make_div(Make make, NodeId a, NodeId b);
NodeId make_max(Make make, NodeId a, NodeId b);
NodeId make_min(Make make, NodeId a, NodeId b);
NodeId make_scale(Make make, NodeId a, double factor);
NodeId make_offset(Make make, NodeId a, double addend);
NodeId make_greater(Make make, NodeId a, NodeId b);
NodeId make_equal(Make make, NodeId a, NodeId b);
NodeId make_select(Make make, NodeId condition, NodeId yes, NodeId no);
NodeId make_unary(Make make, OpId op, NodeId a); /* OP_neg, OP_exp, … */
NodeId make_stop(Make make, NodeId a);           /* the same value; no gradient flows */
/** Sum or maximum over the dims whose bits are set in `dims`; these become 1. */
NodeId make_sum(Make make, NodeId a, unsigned dims);
NodeId make_maximum_over(Make make, NodeId a, unsigned dims);
/** Sum over dims / their number of elements. A batch dim counts the samples of the step, not the most. */
NodeId make_mean(Make make, NodeId a, unsigned dims);
/** Dims of the same elements; a batch stays dim 0. */
NodeId make_reshape(Make make, NodeId a, int rank, const int64_t *dim);
NodeId make_permute(Make make, NodeId a, const int *order); /* result dim i is a's dim order[i] */
/** Zeros before and after, in each dim. */
NodeId make_pad(Make make, NodeId a, const int64_t *before, const int64_t *after);
NodeId make_crop(Make make, NodeId a, const int64_t *before, const int64_t *after);
/** a @ b: [m,k] x [k,n]; a or b transposed first where said. */
NodeId make_matmul(Make make, NodeId a, NodeId b, bool transpose_a, bool transpose_b);
/** Repeats `a` to the shape and lead of `type`. */
NodeId make_broadcast(Make make, NodeId a, const Type *type);
/** Sums `a` down to the shape of `like`, of which it is a broadcast; where `like` is larger, repeats it. */
NodeId make_sum_to(Make make, NodeId a, NodeId like);
/** Uniform [0,1) of the shape and lead of `like`, the same for the same layer, sample, epoch and seed. */
NodeId make_random(Make make, NodeId like, uint32_t purpose);
/** Inverted dropout: 0 for a share `rate` of the elements, 1 / (1 - rate) for the others; of shape [batch,
 * dim[0], …, dim[rank - 2]]. */
NodeId make_mask(Make make, uint32_t purpose, double rate, int rank, const int64_t *dim);
/** Index along dim `dim` of a tensor of the rank of `like`: extents 1 elsewhere. */
NodeId make_iota(Make make, NodeId like, int dim);
/** The same, of a rank and an extent. */
NodeId make_index(Make make, int rank, int dim, int64_t extent);

static inline Make make_at(Graph *graph, NodeId at)
{
    const Node *node = graph_node(graph, at);
    return (Make){graph, node->span, node->name};
}

#endif
