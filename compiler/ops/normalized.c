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

/* True for a tensor that is the same for all elements of x that differ in `dims` only. */
static bool is_same_over(const Graph *graph, NodeId id, const Type *x, unsigned dims)
{
    const Type *type = graph_type(graph, id);
    if (type->lead != LEAD_NONE || type->rank > x->rank)
        return false;
    for (int i = 0; i < type->rank; i++)
        if (type->dim[i] != 1 && dims >> (i + x->rank - type->rank) & 1)
            return false;
    return true;
}

/* dy = slope * factor with a factor that is the same wherever sums are taken (gamma): it leaves the sums,
 * which then are those of the gradients of beta and gamma, too. factor: NODE_NONE where there is none. */
static NodeId split_factor(const Graph *graph, NodeId dy, unsigned dims, NodeId *factor)
{
    const Node *node = graph_node(graph, dy);
    *factor = NODE_NONE;
    if (node->op != OP_mul)
        return dy;
    for (int k = 0; k < 2; k++) {
        if (!is_same_over(graph, node->in[k], &node->type, dims) ||
            !type_equal(graph_type(graph, node->in[1 - k]), &node->type))
            continue;
        *factor = node->in[k];
        return node->in[1 - k];
    }
    return dy;
}

static void normalized_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    NodeId rstd = graph_node(graph, y)->in[2];
    unsigned dims = (unsigned)((const NormalizedAttrs *)graph_node(graph, y)->attrs)->dims;
    Make make = make_at(graph, y);
    NodeId factor, slope = split_factor(graph, dy, dims, &factor);
    NodeId mean = make_mean(make, slope, dims), product = make_mean(make, make_mul(make, slope, y), dims);
    if (factor != NODE_NONE) {
        mean = make_mul(make, mean, factor);
        product = make_mul(make, product, factor);
    }
    NodeId share = make_mul(make, y, product);
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
