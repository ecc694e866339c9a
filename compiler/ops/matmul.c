/* Products of matrices. The batch may be the rows of the result, or what is summed over. */
#include "compiler/ops/make.h"
#include "compiler/ops/index.h"
#include "compiler/ops/onnx.h"
#include "compiler/ops/pairs.h"
#include "compiler/ir/op.h"

static const MatmulAttrs *attrs_of(const Node *node)
{
    return node->attrs;
}

static bool matmul_infer(const Graph *graph, Node *node)
{
    const Type *a = graph_type(graph, node->in[0]), *b = graph_type(graph, node->in[1]);
    bool ta = attrs_of(node)->transpose_a, tb = attrs_of(node)->transpose_b;
    bool paired = pairs_are(b, 2);
    int64_t terms = a->rank == 2 ? a->dim[ta ? 0 : 1] : -1;
    if ((b->rank != 2 && !paired) || (paired ? pairs_of(terms) : terms) != b->dim[tb ? 1 : 0] ||
        (paired && (ta || tb)))
        return false;
    Type type = {.dtype = DTYPE_F32, .rank = 2, .dim = {a->dim[ta ? 1 : 0], b->dim[tb ? 0 : 1]}};
    Lead rows = ta ? LEAD_NONE : a->lead, columns = tb ? b->lead : LEAD_NONE;
    Lead summed_a = ta ? a->lead : LEAD_NONE, summed_b = tb ? LEAD_NONE : b->lead;
    type.lead = rows;
    node->type = type;
    return columns == LEAD_NONE && summed_a == summed_b;
}

/* A copy of more weights than this costs more than reading them as they lie. */
enum { COPIED_ELEMENTS_MOST = 65536 };

/* The transposed kernel is made first where its columns would be read across rows: vectors run along the
 * result's last dim. */
static NodeId multiply_transposed(Make make, NodeId a, NodeId b, bool transpose_a, bool transpose_b)
{
    static const int swap[] = {1, 0};
    const Type *type = graph_type(make.graph, b);
    if (transpose_b && type->lead == LEAD_NONE && type_elements(type) <= COPIED_ELEMENTS_MOST)
        return make_matmul(make, a, make_permute(make, b, swap), transpose_a, false);
    return make_matmul(make, a, b, transpose_a, transpose_b);
}

static void matmul_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    const Node node = *graph_node(graph, y);
    NodeId a = node.in[0], b = node.in[1];
    bool ta = attrs_of(&node)->transpose_a, tb = attrs_of(&node)->transpose_b;
    Make make = make_at(graph, y);
    din[0] = ta ? multiply_transposed(make, b, dy, tb, true) : multiply_transposed(make, dy, b, false, !tb);
    din[1] = tb ? multiply_transposed(make, dy, a, true, ta) : multiply_transposed(make, a, dy, !ta, false);
}

static ExprId multiply_pairs(Lowering *lowering, const Node *node, const Index *at)
{
    Guard guard;
    int count = 0;
    int64_t terms = graph_type(lowering_graph(lowering), node->in[0])->dim[1];
    PairSum k = pairs_reduce(lowering, "k", terms, true, &guard, &count);
    Index left = {2, {at->dim[0], k.at}}, right = {2, {k.at, at->dim[1]}};
    right = pairs_index(&k, &right);
    ExprId product = lower_scalar(lowering, SCALAR_mul, lower_read(lowering, node->in[0], &left),
                                  lower_read(lowering, node->in[1], &right), 0);
    return lower_sum(lowering, product, &guard, count, true);
}

static ExprId matmul_lower(Lowering *lowering, const Node *node, const Index *result)
{
    const Graph *graph = lowering_graph(lowering);
    bool ta = attrs_of(node)->transpose_a, tb = attrs_of(node)->transpose_b;
    const Type *a = graph_type(graph, node->in[0]);
    Index at = index_without_slice(graph, node, result);
    if (pairs_are(graph_type(graph, node->in[1]), 2))
        return multiply_pairs(lowering, node, &at);
    Affine k = lower_reduce_dim(lowering, ta && a->lead != LEAD_NONE ? "n" : "k", a, ta ? 0 : 1);
    Index left = {2, {at.dim[0], k}}, right = {2, {k, at.dim[1]}};
    if (ta)
        left = (Index){2, {k, at.dim[0]}};
    if (tb)
        right = (Index){2, {at.dim[1], k}};
    ExprId product = lower_scalar(lowering, SCALAR_mul, lower_read(lowering, node->in[0], &left),
                                  lower_read(lowering, node->in[1], &right), 0);
    return lower_sum(lowering, product, NULL, 0, true);
}

/* Of a picture made a vector, whose elements ONNX has in another order: the kernel's rows are put into that
 * order, where they are known. */
static bool take_flattened(Onnx *onnx, const Node *node, OnnxValue in[2])
{
    static const int channels_first[] = {2, 0, 1, 3};
    const Graph *graph = onnx_source(onnx);
    const Node *flat = graph_node(graph, node->in[0]);
    OnnxValue kernel = onnx_value(onnx, node->in[1]);
    NodeId whole = flat->op == OP_reshape ? onnx_reshaped(onnx, flat->in[0]) : NODE_NONE;
    if (whole == NODE_NONE || whole == node->in[0] || graph_type(graph, whole)->rank != 4 || !kernel.data ||
        attrs_of(node)->transpose_a || attrs_of(node)->transpose_b)
        return false;
    const Type *picture = graph_type(graph, whole);
    const int64_t rows[] = {picture->dim[1], picture->dim[2], picture->dim[3], kernel.dim[1]};
    OnnxValue turned = onnx_in_order(onnx, onnx_reshape(onnx, kernel, 4, rows), channels_first);
    in[0] = onnx_reshape(onnx, onnx_picture(onnx, whole), 2, flat->type.dim);
    in[1] = onnx_reshape(onnx, turned, 2, kernel.dim);
    return true;
}

static OnnxValue matmul_onnx(Onnx *onnx, NodeId id)
{
    static const int order[] = {0, 1};
    const Node *node = graph_node(onnx_source(onnx), id);
    OnnxValue in[2];
    bool taken = take_flattened(onnx, node, in);
    for (int k = 0; k < 2 && !taken; k++)
        in[k] = onnx_in_order(onnx, onnx_value(onnx, node->in[k]), order);
    OnnxValue y = onnx_add(onnx, "Gemm", onnx_like(onnx, id, order), in, 2);
    onnx_set_integer(onnx, "transA", attrs_of(node)->transpose_a);
    onnx_set_integer(onnx, "transB", attrs_of(node)->transpose_b);
    return y;
}

static const Field matmul_attrs[] = {ATTR(MatmulAttrs, transpose_a, FIELD_BOOLEAN),
                                     ATTR(MatmulAttrs, transpose_b, FIELD_BOOLEAN), FIELDS_END};
const Op op_matmul = {
    .name = "matmul",
    .doc = "y[i,j] = sum over k of a[i,k] b[k,j]; a or b transposed first where said",
    .class = OP_CONTRACT,
    .arity = 2,
    .attrs = matmul_attrs,
    .attrs_bytes = sizeof(MatmulAttrs),
    .infer = matmul_infer,
    .grad = matmul_grad,
    .lower = matmul_lower,
    .onnx = matmul_onnx,
};
