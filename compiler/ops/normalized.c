/* (x - mean) * rstd as one op: its gradient is the whole derivative, through mean and rstd too, which saves
 * the two sums that the chain rule would take for each of them. */
#include "compiler/ops/make.h"
#include "compiler/ops/index.h"
#include "compiler/ops/pointwise.h"

static bool normalized_infer(const Graph *graph, Node *node)
{
    const Type *x = graph_type(graph, node->in[0]);
    unsigned dims = (unsigned)((const NormalizedAttrs *)node->attrs)->dims;
    for (int k = 1; k < 3; k++) {
        const Type *statistic = graph_type(graph, node->in[k]);
        if (statistic->rank != x->rank)
            return false;
        for (int i = 0; i < x->rank; i++)
            if (statistic->dim[i] != (dims >> i & 1 ? 1 : x->dim[i]))
                return false;
    }
    return pointwise_infer(graph, node) && type_elements(&node->type) == type_elements(x);
}

static void normalized_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    NodeId rstd = graph_node(graph, y)->in[2];
    unsigned dims = (unsigned)((const NormalizedAttrs *)graph_node(graph, y)->attrs)->dims;
    Make make = make_at(graph, y);
    NodeId mean = make_mean(make, dy, dims);
    NodeId share = make_mul(make, y, make_mean(make, make_mul(make, dy, y), dims));
    din[0] = make_mul(make, rstd, make_sub(make, make_sub(make, dy, mean), share));
}

static ExprId normalized_lower(Lowering *lowering, const Node *node, const Index *at)
{
    ExprId in[3];
    for (int k = 0; k < 3; k++) {
        Index index = index_broadcast(graph_type(lowering_graph(lowering), node->in[k]), at);
        in[k] = lower_read(lowering, node->in[k], &index);
    }
    ExprId difference = lower_scalar(lowering, SCALAR_sub, in[0], in[1], 0);
    return lower_scalar(lowering, SCALAR_mul, difference, in[2], 0);
}

static const Field normalized_attrs[] = {ATTR(NormalizedAttrs, dims, FIELD_INTEGER), FIELDS_END};
const Op op_normalized = {
    .name = "normalized",
    .doc = "y = (x - mean) rstd, where mean and rstd = 1 / sqrt(variance + eps) were taken of x over the "
           "dims whose bits are set; its "
           "gradient includes the way through them",
    .source = "Ioffe, Szegedy, Batch normalization, ICML 2015, section 3",
    .class = OP_POINTWISE,
    .arity = 3,
    .attrs = normalized_attrs,
    .attrs_bytes = sizeof(NormalizedAttrs),
    .infer = normalized_infer,
    .grad = normalized_grad,
    .lower = normalized_lower,
};
