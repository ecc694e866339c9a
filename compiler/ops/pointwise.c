/* Pointwise ops: each applies one scalar function to the elements of its operands, broadcast as numpy does.
 * Gradients are given in the shape of the result; autodiff sums them down to the operand's. */
#include "compiler/ops/pointwise.h"

#include <math.h>

#include "compiler/base/bug.h"
#include "compiler/ops/index.h"
#include "compiler/ops/make.h"
#include "compiler/ops/reduce.h"
#include "runtime/half.h"

bool pointwise_infer(const Graph *graph, Node *node)
{
    /* What is 1 or 0 is kept, where it is kept, in a byte. */
    bool truth = node->op == OP_greater || node->op == OP_equal;
    Type type = {.dtype = truth ? DTYPE_U8 : DTYPE_F32};
    for (int i = 0; i < RANK_MAX; i++)
        type.dim[i] = 1;
    for (int k = 0; k < node->in_count; k++)
        if (graph_type(graph, node->in[k])->rank > type.rank)
            type.rank = graph_type(graph, node->in[k])->rank;
    for (int k = 0; k < node->in_count; k++) {
        const Type *in = graph_type(graph, node->in[k]);
        int skipped = type.rank - in->rank;
        for (int i = 0; i < in->rank; i++) {
            int64_t *dim = &type.dim[i + skipped];
            if (*dim != 1 && in->dim[i] != 1 && *dim != in->dim[i])
                return false;
            if (in->dim[i] != 1)
                *dim = in->dim[i];
        }
        if (in->lead == LEAD_NONE)
            continue;
        if (skipped || (type.lead != LEAD_NONE && type.lead != in->lead))
            return false;
        type.lead = in->lead;
    }
    node->type = type;
    return type.lead != LEAD_BATCH || type.dim[0] == graph->batch;
}

static ExprId pointwise_lower(Lowering *lowering, const Node *node, const Index *at)
{
    ExprId in[3] = {0};
    for (int k = 0; k < node->in_count; k++) {
        Index index = index_broadcast(graph_type(lowering_graph(lowering), node->in[k]), at);
        in[k] = lower_read(lowering, node->in[k], &index);
    }
    return lower_scalar(lowering, pointwise_scalar(node->op), in[0], in[1], in[2]);
}

/* ---- Gradients: y the node, d its gradient, a, b, c its operands. ---- */

typedef struct {
    Make make;
    NodeId a, b, c;
} Operands;

static Operands operands(Graph *graph, NodeId y)
{
    const Node *node = graph_node(graph, y);
    return (Operands){make_at(graph, y), node->in[0], node->in[1], node->in[2]};
}

#define GRADIENT(op) static void op##_grad(Graph *graph, NodeId y, NodeId d, NodeId *din)

GRADIENT(add)
{
    (void)graph, (void)y;
    din[0] = din[1] = d;
}

GRADIENT(sub)
{
    din[0] = d;
    din[1] = make_unary(make_at(graph, y), OP_neg, d);
}

GRADIENT(mul)
{
    Operands o = operands(graph, y);
    din[0] = make_mul(o.make, d, o.b);
    din[1] = make_mul(o.make, d, o.a);
}

GRADIENT(div)
{
    Operands o = operands(graph, y);
    din[0] = make_div(o.make, d, o.b);
    din[1] = make_unary(o.make, OP_neg, make_div(o.make, make_mul(o.make, d, y), o.b));
}

static bool is_constant(const Graph *graph, NodeId id, double *value)
{
    const Node *node = graph_node(graph, id);
    if (node->op == OP_constant)
        *value = ((const ConstantAttrs *)node->attrs)->value;
    return node->op == OP_constant;
}

NodeId pointwise_normalized(const Graph *graph, NodeId id)
{
    if (graph_node(graph, id)->op == OP_add)
        id = graph_node(graph, id)->in[0];
    if (graph_node(graph, id)->op == OP_mul)
        id = graph_node(graph, id)->in[0];
    return graph_node(graph, id)->op == OP_normalized ? id : NODE_NONE;
}

/* Where `low` < y holds as well for min(y, high), if that is what follows (relu6): it is what others read and
 * so is stored, and y need not be. */
static NodeId clipped_above(const Graph *graph, NodeId y, NodeId low)
{
    enum { NEAR = 4 };
    double least = 0, most = 0;
    for (NodeId id = y + 1; id < graph->nodes.count && id <= y + NEAR; id++) {
        const Node *node = graph_node(graph, id);
        if (node->op == OP_minimum && node->in[0] == y && is_constant(graph, low, &least) &&
            is_constant(graph, node->in[1], &most) && least < most)
            return id;
    }
    return y;
}

/* The gradient of y = max(a, 0) where only y m is read, m a mask: y m, which is stored, is positive just
 * where the gradient passes both, so that neither the random numbers are drawn again nor y itself is kept.
 * NODE_NONE where it is otherwise. */
static NodeId gradient_through_mask(Operands o, NodeId y, NodeId d)
{
    const Node slope = *graph_node(o.make.graph, d);
    double low = 1;
    if (slope.op != OP_mul || !is_constant(o.make.graph, o.b, &low) || low != 0 ||
        graph_node(o.make.graph, slope.in[1])->op != OP_mask ||
        !type_equal(graph_type(o.make.graph, slope.in[1]), graph_type(o.make.graph, y)))
        return NODE_NONE;
    double kept = mask_scale(graph_node(o.make.graph, slope.in[1])->attrs);
    NodeId masked = make_mul(o.make, y, slope.in[1]), zero = make_constant(o.make, 0);
    return make_select(o.make, make_greater(o.make, masked, zero), make_scale(o.make, slope.in[0], kept),
                       zero);
}

/* Whether y, the larger or smaller of a and `b`, can be compared with `b` when it was stored in 16 bits:
 * where it is rounded and `b` is not, it could be above though a is not. */
static bool survives_rounding(const Graph *graph, NodeId b)
{
    double value;
    return is_constant(graph, b, &value) && (double)cnn_f16_value(cnn_f16_of((float)value)) == value &&
           (double)cnn_bf16_value(cnn_bf16_of((float)value)) == value;
}

/* a wins where y > b, which is where a > b: so only y must be kept for the backward pass. Where they are
 * equal b wins, as in the function itself. */
GRADIENT(maximum)
{
    Operands o = operands(graph, y);
    din[0] = gradient_through_mask(o, y, d);
    if (din[0] != NODE_NONE) {
        din[1] = NODE_NONE; /* a constant */
        return;
    }
    NodeId zero = make_constant(o.make, 0);
    bool of_operand = pointwise_normalized(graph, o.a) != NODE_NONE || !survives_rounding(graph, o.b);
    NodeId tested = of_operand ? o.a : clipped_above(graph, y, o.b);
    NodeId first = make_greater(o.make, tested, o.b);
    din[0] = make_select(o.make, first, d, zero);
    din[1] = make_select(o.make, first, zero, d);
}

/* What is as large as y where that is below `high`: v, where y is min(max(v, low), high) of a normalized v.
 */
static NodeId clipped_below(const Graph *graph, NodeId y, Operands o)
{
    const Node *inner = graph_node(graph, o.a);
    double least = 0, most = 0;
    return inner->op == OP_maximum && pointwise_normalized(graph, inner->in[0]) != NODE_NONE &&
                   is_constant(graph, inner->in[1], &least) && is_constant(graph, o.b, &most) && least < most
               ? inner->in[0]
               : y;
}

GRADIENT(minimum)
{
    Operands o = operands(graph, y);
    NodeId zero = make_constant(o.make, 0);
    NodeId tested = survives_rounding(graph, o.b) ? clipped_below(graph, y, o) : o.a;
    NodeId first = make_greater(o.make, o.b, tested);
    din[0] = make_select(o.make, first, d, zero);
    din[1] = make_select(o.make, first, zero, d);
}

GRADIENT(neg)
{
    din[0] = make_unary(make_at(graph, y), OP_neg, d);
}

GRADIENT(abs)
{
    Operands o = operands(graph, y);
    din[0] = make_mul(o.make, d, make_unary(o.make, OP_sign, o.a));
}

GRADIENT(sqrt)
{
    Make make = make_at(graph, y);
    din[0] = make_div(make, make_scale(make, d, 0.5), y);
}

GRADIENT(rsqrt)
{
    Make make = make_at(graph, y);
    NodeId cube = make_mul(make, y, make_mul(make, y, y));
    din[0] = make_mul(make, make_scale(make, d, -0.5), cube);
}

GRADIENT(exp)
{
    din[0] = make_mul(make_at(graph, y), d, y);
}

GRADIENT(expm1)
{
    Make make = make_at(graph, y);
    din[0] = make_mul(make, d, make_offset(make, y, 1));
}

GRADIENT(log)
{
    Operands o = operands(graph, y);
    din[0] = make_div(o.make, d, o.a);
}

GRADIENT(log1p)
{
    Operands o = operands(graph, y);
    din[0] = make_div(o.make, d, make_offset(o.make, o.a, 1));
}

GRADIENT(tanh)
{
    Make make = make_at(graph, y);
    din[0] = make_mul(make, d, make_sub(make, make_constant(make, 1), make_mul(make, y, y)));
}

GRADIENT(sigmoid)
{
    Make make = make_at(graph, y);
    din[0] = make_mul(make, d, make_mul(make, y, make_sub(make, make_constant(make, 1), y)));
}

GRADIENT(erf)
{
    Operands o = operands(graph, y);
    NodeId slope = make_unary(o.make, OP_exp, make_unary(o.make, OP_neg, make_mul(o.make, o.a, o.a)));
    din[0] = make_mul(o.make, d, make_scale(o.make, slope, 2 / sqrt(acos(-1))));
}

GRADIENT(select)
{
    Operands o = operands(graph, y);
    NodeId zero = make_constant(o.make, 0);
    din[1] = make_select(o.make, o.a, d, zero);
    din[2] = make_select(o.make, o.a, zero, d);
}

GRADIENT(power)
{
    Operands o = operands(graph, y);
    const NodeId less[2] = {o.a, make_offset(o.make, o.b, -1)};
    NodeId slope = make_mul(o.make, o.b, make_pointwise(o.make, OP_power, less, 2));
    din[0] = make_mul(o.make, d, slope);
    din[1] = make_mul(o.make, d, make_mul(o.make, y, make_unary(o.make, OP_log, o.a)));
}

/* ---- In ONNX ---- */

static const char *const onnx_names[OP_COUNT] = {
    [OP_add] = "Add",         [OP_sub] = "Sub",     [OP_mul] = "Mul",   [OP_div] = "Div",
    [OP_maximum] = "Max",     [OP_minimum] = "Min", [OP_neg] = "Neg",   [OP_abs] = "Abs",
    [OP_sqrt] = "Sqrt",       [OP_exp] = "Exp",     [OP_log] = "Log",   [OP_tanh] = "Tanh",
    [OP_sigmoid] = "Sigmoid", [OP_erf] = "Erf",     [OP_sign] = "Sign", [OP_power] = "Pow",
};

/* A number for each channel, added to what an operator with a bias has made and nothing else reads. */
static bool is_bias(Onnx *onnx, const Node *node, const OnnxValue *in)
{
    const Graph *graph = onnx_source(onnx);
    const Node *bias = graph_node(graph, node->in[1]);
    return node->op == OP_add && bias->op == OP_leaf && bias->type.rank == 1 &&
           bias->type.dim[0] == node->type.dim[node->type.rank - 1] && onnx_takes_bias(onnx, &in[0]);
}

static OnnxValue pointwise_onnx(Onnx *onnx, NodeId id)
{
    OnnxValue in[3];
    double number = 1;
    const Node *node = graph_node(onnx_source(onnx), id);
    if (!onnx_names[node->op])
        BUG("no layer needs %s in ONNX", node_op(node)->name);
    in[0] = onnx_value(onnx, node->in[0]);
    if (is_bias(onnx, node, in))
        return onnx_add_bias(onnx, in[0], onnx_value(onnx, node->in[1]));
    if (node->op == OP_maximum && is_constant(onnx_source(onnx), node->in[1], &number) && number == 0)
        return onnx_map(onnx, "Relu", in[0]);
    if (node->op == OP_mul && is_constant(onnx_source(onnx), node->in[1], &number) &&
        reduce_is_mean(onnx_source(onnx), node->in[0], number))
        return reduce_mean_onnx(onnx, node->in[0]);
    OnnxValue like = onnx_broadcast(onnx, id, in);
    return onnx_add(onnx, onnx_names[node->op], like, in, node->in_count);
}

/* ---- The table: row(op, arity, scalar function, gradient, formula). ---- */

#define POINTWISE_OPS(row)                                                                                   \
    row(add, 2, add, add_grad, "y = a + b") row(sub, 2, sub, sub_grad, "y = a - b") row(                     \
        mul, 2, mul, mul_grad, "y = a b") row(div, 2, div, div_grad, "y = a / b")                            \
        row(maximum, 2, max, maximum_grad, "y = a where a > b, else b") row(                                 \
            minimum, 2, min, minimum_grad, "y = a where a < b, else b") row(neg, 1, neg, neg_grad, "y = -a") \
            row(abs, 1, abs, abs_grad, "y = |a|") row(sqrt, 1, sqrt, sqrt_grad, "y = square root of a")      \
                row(rsqrt, 1, rsqrt, rsqrt_grad, "y = 1 / square root of a")                                 \
                    row(exp, 1, exp, exp_grad, "y = e^a") row(expm1, 1, expm1, expm1_grad, "y = e^a - 1")    \
                        row(log, 1, log, log_grad, "y = natural logarithm of a")                             \
                            row(log1p, 1, log1p, log1p_grad, "y = natural logarithm of 1 + a")               \
                                row(tanh, 1, tanh, tanh_grad, "y = hyperbolic tangent of a")                 \
                                    row(sigmoid, 1, sigmoid, sigmoid_grad, "y = 1 / (1 + e^-a)")             \
                                        row(erf, 1, erf, erf_grad, "y = error function of a")                \
                                            row(sign, 1, sign, NULL, "y = -1, 0 or 1") row(                  \
                                                greater, 2, greater, NULL, "y = 1 where a > b, else 0")      \
                                                row(equal, 2, equal, NULL, "y = 1 where a = b, else 0")      \
                                                    row(select, 3, select, select_grad,                      \
                                                        "y = b where a is not 0, else c")                    \
                                                        row(power, 2, power, power_grad, "y = a^b, a >= 0")

#define DEFINE(op, inputs, scalar, gradient, formula)                                                        \
    const Op op_##op = {.name = #op,                                                                         \
                        .doc = formula,                                                                      \
                        .class = OP_POINTWISE,                                                               \
                        .arity = inputs,                                                                     \
                        .infer = pointwise_infer,                                                            \
                        .grad = gradient,                                                                    \
                        .lower = pointwise_lower,                                                            \
                        .onnx = pointwise_onnx};
POINTWISE_OPS(DEFINE)

#define SCALAR_OF(op, inputs, scalar, gradient, formula) [OP_##op] = SCALAR_##scalar,

ScalarId pointwise_scalar(OpId op)
{
    static const ScalarId scalars[OP_COUNT] = {POINTWISE_OPS(SCALAR_OF)};
    return scalars[op];
}
