/* Sum and maximum over some dims, which stay with extent 1. Over the batch a sum is a chain in the order of
 * the samples. */
#include "compiler/ops/index.h"
#include "compiler/ops/make.h"
#include "compiler/ops/reduce.h"
#include "compiler/ir/op.h"

static unsigned reduced_dims(const Node *node)
{
    return (unsigned)((const ReduceAttrs *)node->attrs)->dims;
}

static bool reduce_infer(const Graph *graph, Node *node)
{
    Type type = *graph_type(graph, node->in[0]);
    unsigned dims = reduced_dims(node);
    if (dims >> type.rank)
        return false;
    type.dtype = DTYPE_F32;
    if (dims & 1)
        type.lead = LEAD_NONE;
    for (int i = 0; i < type.rank; i++)
        if (dims >> i & 1)
            type.dim[i] = 1;
    node->type = type;
    return true;
}

/* The operand's element at a point of the result and of the reduced axes. */
static ExprId reduce_term(Lowering *lowering, const Node *node, const Index *at)
{
    static const char *const names[RANK_MAX] = {"n", "r1", "r2", "r3", "r4", "r5"};
    const Graph *graph = lowering_graph(lowering);
    const Type *in = graph_type(graph, node->in[0]);
    Index index = index_without_slice(graph, node, at);
    for (int i = 0; i < in->rank; i++)
        if (reduced_dims(node) >> i & 1)
            index.dim[i] = lower_reduce_dim(lowering, names[i], in, i);
    return lower_read(lowering, node->in[0], &index);
}

static ExprId reduce_sum_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return lower_sum(lowering, reduce_term(lowering, node, at), NULL, 0, false);
}

static ExprId reduce_max_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return lower_max(lowering, reduce_term(lowering, node, at), NULL, 0, NULL, NULL);
}

static void reduce_sum_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    const Type in = *graph_type(graph, graph_node(graph, y)->in[0]);
    din[0] = make_broadcast(make_at(graph, y), dy, &in);
}

/* Elements that are equal to the maximum share its gradient. */
static void reduce_max_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    NodeId x = graph_node(graph, y)->in[0];
    unsigned dims = reduced_dims(graph_node(graph, y));
    Make make = make_at(graph, y);
    NodeId largest = make_equal(make, x, y);
    din[0] = make_mul(make, largest, make_div(make, dy, make_sum(make, largest, dims)));
}

static OnnxValue reduce_onnx(Onnx *onnx, const char *op, NodeId id)
{
    const Node *node = graph_node(onnx_source(onnx), id);
    OnnxValue in = onnx_value(onnx, node->in[0]);
    int64_t axes[RANK_MAX];
    int count = 0;
    for (int i = 0; i < in.rank; i++)
        if (reduced_dims(node) >> in.order[i] & 1)
            axes[count++] = i;
    const OnnxValue inputs[] = {in, onnx_integers(onnx, axes, count)};
    return onnx_add(onnx, op, onnx_like(onnx, id, in.order), inputs, 2);
}

OnnxValue reduce_mean_onnx(Onnx *onnx, NodeId sum)
{
    return reduce_onnx(onnx, "ReduceMean", sum);
}

bool reduce_is_mean(const Graph *graph, NodeId sum, double factor)
{
    const Node *node = graph_node(graph, sum);
    double terms = 1;
    if (node->op != OP_reduce_sum || node->type.lead != LEAD_BATCH)
        return false;
    for (int i = 0; i < node->type.rank; i++)
        if (reduced_dims(node) >> i & 1)
            terms *= (double)graph_type(graph, node->in[0])->dim[i];
    return factor == 1 / terms;
}

static OnnxValue reduce_sum_onnx(Onnx *onnx, NodeId id)
{
    return reduce_onnx(onnx, "ReduceSum", id);
}

static OnnxValue reduce_max_onnx(Onnx *onnx, NodeId id)
{
    return reduce_onnx(onnx, "ReduceMax", id);
}

static const Field reduce_attrs[] = {ATTR(ReduceAttrs, dims, FIELD_INTEGER), FIELDS_END};
const Op op_reduce_sum = {
    .name = "reduce_sum",
    .doc = "y = sum of x over the dims whose bits are set, which become 1",
    .class = OP_REDUCE,
    .arity = 1,
    .attrs = reduce_attrs,
    .attrs_bytes = sizeof(ReduceAttrs),
    .infer = reduce_infer,
    .grad = reduce_sum_grad,
    .lower = reduce_sum_lower,
    .onnx = reduce_sum_onnx,
};
const Op op_reduce_max = {
    .name = "reduce_max",
    .doc = "y = largest x over the dims whose bits are set, which become 1",
    .class = OP_REDUCE,
    .arity = 1,
    .attrs = reduce_attrs,
    .attrs_bytes = sizeof(ReduceAttrs),
    .infer = reduce_infer,
    .grad = reduce_max_grad,
    .lower = reduce_max_lower,
    .onnx = reduce_max_onnx,
};
