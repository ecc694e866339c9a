/* The same value, through which no gradient flows. */
#include "compiler/ir/op.h"
#include "compiler/ops/onnx.h"

static bool stop_infer(const Graph *graph, Node *node)
{
    node->type = *graph_type(graph, node->in[0]);
    return true;
}

static ExprId stop_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return lower_read(lowering, node->in[0], at);
}

static OnnxValue stop_onnx(Onnx *onnx, NodeId id)
{
    return onnx_value(onnx, graph_node(onnx_source(onnx), id)->in[0]);
}

const Op op_stop = {
    .name = "stop",
    .doc = "y = x, taken as a constant by the gradient",
    .class = OP_POINTWISE,
    .arity = 1,
    .infer = stop_infer,
    .lower = stop_lower,
    .onnx = stop_onnx,
};
