/* Values of the graph as tensors of ONNX, and the order in which their dims lie. */
#include "compiler/base/bug.h"
#include "compiler/exchange/onnx_graph.h"
#include "compiler/ir/op.h"
#include "compiler/ops/attrs.h"
#include "compiler/ops/layer.h"

/* ---- Translation ---- */

static OnnxValue leaf_value(Onnx *onnx, const Node *node)
{
    const LeafAttrs *leaf = node->attrs;
    if (leaf->kind == LEAF_INPUT)
        return onnx->input;
    const NamedTensor *tensor = tensors_find(onnx->weights, node->name);
    if (!tensor)
        BUG("%s has no place in ONNX", node->name);
    OnnxValue value = {.name = tensor->name, .rank = tensor->rank, .data = tensor->data};
    for (int i = 0; i < tensor->rank; i++) {
        value.dim[i] = tensor->dim[i];
        value.order[i] = i;
    }
    return value;
}

static OnnxValue translate(Onnx *onnx, NodeId id)
{
    const Node *node = graph_node(onnx->source, id);
    const LayerUse *use = onnx->uses[id];
    if (node->op == OP_leaf)
        return leaf_value(onnx, node);
    if (node->op == OP_constant)
        return onnx_number(onnx, ((const ConstantAttrs *)node->attrs)->value);
    if (!use && !node_op(node)->onnx)
        BUG("%s has no translation to ONNX", node_op(node)->name);
    const char *outer = onnx->place;
    if (use || node->name)
        onnx->place = use ? use->name : node->name;
    OnnxValue value = use ? use->layer->onnx(onnx, use) : node_op(node)->onnx(onnx, id);
    onnx->place = outer;
    return value;
}

OnnxValue onnx_value(Onnx *onnx, NodeId node)
{
    if (!onnx->values[node].name)
        onnx->values[node] = translate(onnx, node);
    return onnx->values[node];
}

NodeId onnx_reshaped(const Onnx *onnx, NodeId node)
{
    return onnx->reshaped[node];
}

OnnxValue onnx_like(const Onnx *onnx, NodeId node, const int *order)
{
    const Type *type = graph_type(onnx->source, node);
    OnnxValue like = {.rank = type->rank, .batch = type->lead == LEAD_BATCH};
    for (int i = 0; i < type->rank; i++) {
        like.order[i] = order[i];
        like.dim[i] = type->dim[order[i]];
    }
    return like;
}

/* ---- The order of dims ---- */

void onnx_channels_first(const Type *type, int order[RANK_MAX])
{
    bool picture = type->lead == LEAD_BATCH && type->rank > 2;
    for (int i = 0; i < type->rank; i++)
        order[i] = picture && i > 0 ? i == 1 ? type->rank - 1 : i - 1 : i;
}

OnnxValue onnx_picture(Onnx *onnx, NodeId node)
{
    int order[RANK_MAX];
    onnx_channels_first(graph_type(onnx->source, node), order);
    return onnx_in_order(onnx, onnx_value(onnx, node), order);
}

/* The elements of a tensor whose dim i becomes that of number permutation[i]. */
static const float *permuted(Onnx *onnx, const OnnxValue *from, const OnnxValue *to, const int *permutation)
{
    int64_t elements = 1, strides[RANK_MAX], at[RANK_MAX] = {0};
    for (int i = from->rank; i-- > 0; elements *= from->dim[i])
        strides[i] = elements;
    float *data = NEW_ARRAY(onnx->arena, float, elements);
    for (int64_t e = 0; e < elements; e++) {
        int64_t place = 0;
        for (int i = 0; i < to->rank; i++)
            place += at[i] * strides[permutation[i]];
        data[e] = from->data[place];
        for (int i = to->rank; i-- > 0 && ++at[i] == to->dim[i];)
            at[i] = 0;
    }
    return data;
}

static void put_permutation(Onnx *onnx, int rank, const int *permutation)
{
    int64_t values[RANK_MAX];
    for (int i = 0; i < rank; i++)
        values[i] = permutation[i];
    onnx_set_integers(onnx, "perm", values, rank);
}

OnnxValue onnx_in_order(Onnx *onnx, OnnxValue value, const int *order)
{
    const OnnxNode *maker = onnx_maker(onnx, &value);
    if (maker && strcmp(maker->op, "Transpose") == 0)
        value = maker->in[0]; /* both at once */
    OnnxValue result = value;
    int permutation[RANK_MAX];
    bool moved = false;
    for (int i = 0; i < value.rank; i++) {
        int from = 0;
        while (value.order[from] != order[i])
            from++;
        permutation[i] = from;
        moved = moved || from != i;
        result.order[i] = order[i];
        result.dim[i] = value.dim[from];
    }
    if (!moved)
        return value;
    if (value.data) {
        result.data = permuted(onnx, &value, &result, permutation);
        return result;
    }
    result = onnx_add(onnx, "Transpose", result, &value, 1);
    put_permutation(onnx, value.rank, permutation);
    return result;
}

/* ---- Shapes ---- */

static bool has_dims(const OnnxValue *value, int rank, const int64_t *dim)
{
    return value->rank == rank && memcmp(value->dim, dim, (size_t)rank * sizeof *dim) == 0;
}

OnnxValue onnx_reshape(Onnx *onnx, OnnxValue in, int rank, const int64_t *dim)
{
    const OnnxNode *maker = onnx_maker(onnx, &in);
    if (maker && strcmp(maker->op, "Reshape") == 0)
        in = maker->in[0];
    OnnxValue result = {.name = in.name, .rank = rank, .batch = in.batch, .data = in.data};
    int64_t shape[RANK_MAX];
    for (int i = 0; i < rank; i++) {
        result.order[i] = i;
        result.dim[i] = dim[i];
        shape[i] = i == 0 && in.batch ? 0 : dim[i]; /* 0: as it is */
    }
    if (in.data || has_dims(&in, rank, dim))
        return result;
    return onnx_add(onnx, "Reshape", result, (const OnnxValue[]){in, onnx_integers(onnx, shape, rank)}, 2);
}

/* As numpy does it: dims of 1 before those that it has. */
static OnnxValue widened(Onnx *onnx, OnnxValue value, int rank)
{
    int order[RANK_MAX], missing = rank - value.rank;
    int64_t dim[RANK_MAX];
    for (int i = 0; i < value.rank; i++)
        order[i] = i;
    value = onnx_in_order(onnx, value, order);
    for (int i = 0; i < rank; i++)
        dim[i] = i < missing ? 1 : value.dim[i - missing];
    return onnx_reshape(onnx, value, rank, dim);
}

OnnxValue onnx_broadcast(Onnx *onnx, NodeId id, OnnxValue *in)
{
    const Node *node = graph_node(onnx->source, id);
    const int *order = NULL;
    int usual[RANK_MAX], rank = node->type.rank;
    onnx_channels_first(&node->type, usual);
    for (int k = 0; k < node->in_count; k++) {
        in[k] = onnx_value(onnx, node->in[k]);
        bool is_usual = memcmp(in[k].order, usual, (size_t)rank * sizeof *usual) == 0;
        if (in[k].batch && (!order || is_usual))
            order = in[k].order;
    }
    OnnxValue like = onnx_like(onnx, id, order ? order : usual);
    for (int k = 0; k < node->in_count; k++) {
        OnnxValue whole = in[k].rank == 0 || in[k].rank == rank ? in[k] : widened(onnx, in[k], rank);
        in[k] = whole.rank == 0 ? whole : onnx_in_order(onnx, whole, like.order);
    }
    return like;
}
