/* The same value, made a second time, late: what reads it would otherwise have it wait in memory. */
#include "compiler/ir/op.h"

static bool again_infer(const Graph *graph, Node *node)
{
    node->type = *graph_type(graph, node->in[0]);
    return true;
}

static ExprId again_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return lower_read(lowering, node->in[0], at);
}

const Op op_again = {
    .name = "again",
    .doc = "y = x, where x is made a second time for the backward pass (compiler/derive/again.c)",
    .class = OP_POINTWISE,
    .arity = 1,
    .infer = again_infer,
    .lower = again_lower,
};
