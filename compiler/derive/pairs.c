/* Weights as the machine's bf16 instructions want them: a copy in bf16 whose rows lie in pairs, made once a
 * step. The weights themselves stay f32. */
#include <string.h>

#include "compiler/derive/copy.h"
#include "compiler/derive/derive.h"
#include "compiler/ops/make.h"
#include "compiler/ir/op.h"

typedef struct {
    const Graph *from;
    Graph *to;
    NodeId *map;
    const PairOptions *options;
} Pairing;

static bool is_plain_kernel(const Graph *graph, const Node *node)
{
    const Type *weights = graph_type(graph, node->in[1]);
    int rank = node->op == OP_matmul ? 2 : 4;
    return weights->lead == LEAD_NONE && weights->dtype == DTYPE_F32 && weights->rank == rank;
}

/* A contraction of the batch with weights whose primitive is worth it. */
static bool is_paired(const Pairing *pairing, const Node *node)
{
    const Graph *graph = pairing->from;
    if ((node->op != OP_conv2d && node->op != OP_conv2d_dx && node->op != OP_matmul) ||
        !is_plain_kernel(graph, node))
        return false;
    const Type *batch = graph_type(graph, node->in[0]);
    bool leaf = graph_node(graph, node->in[0])->op == OP_leaf;
    if (node->type.dim[node->type.rank - 1] < 2)
        return false;
    if (batch->lead != LEAD_BATCH ||
        (node->op == OP_matmul && ((const MatmulAttrs *)node->attrs)->transpose_a))
        return false;
    if (batch->dtype == DTYPE_BF16 && batch->dim[batch->rank - 1] % 2 == 0)
        return true;
    return pairing->options->odd && node->op != OP_matmul && (leaf || batch->dtype == DTYPE_BF16);
}

/* The node that the kernel is a copy of with its last two dims exchanged; NODE_NONE: it is none. */
static NodeId swapped_operand(const Graph *graph, NodeId kernel)
{
    const Node *node = graph_node(graph, kernel);
    if (node->op != OP_permute)
        return NODE_NONE;
    const PermuteAttrs *attrs = node->attrs;
    int rank = attrs->order.count;
    for (int i = 0; i < rank; i++) {
        int from = i == rank - 1 ? rank - 2 : i == rank - 2 ? rank - 1 : i;
        if (attrs->order.value[i] != from)
            return NODE_NONE;
    }
    return node->in[0];
}

static NodeId pair_kernel(const Pairing *pairing, const Node *node)
{
    PairsAttrs attrs = {.turned = node->op == OP_conv2d_dx};
    NodeId kernel = node->in[1], swapped = swapped_operand(pairing->from, kernel);
    if (node->op == OP_matmul)
        attrs.swap = ((const MatmulAttrs *)node->attrs)->transpose_b;
    if (swapped != NODE_NONE) {
        kernel = swapped;
        attrs.swap = !attrs.swap;
    }
    Make make = make_at(pairing->to, pairing->map[kernel]);
    return make_op(make, OP_pairs, &attrs, &pairing->map[kernel], 1);
}

static NodeId copy_paired(const Pairing *pairing, NodeId id)
{
    const Node *node = graph_node(pairing->from, id);
    static const MatmulAttrs plain = {0};
    NodeId in[2] = {pairing->map[node->in[0]], pair_kernel(pairing, node)};
    NodeId copy =
        graph_add(pairing->to, node->op, node->span, node->op == OP_matmul ? &plain : node->attrs, in, 2);
    pairing->to->nodes.items[copy].type.dtype = node->type.dtype;
    if (node->name)
        graph_name(pairing->to, copy, node->name);
    return copy;
}

Graph *pair_weights(const Graph *graph, const PairOptions *options)
{
    Pairing pairing = {graph, copy_start(graph), NEW_ARRAY(graph->arena, NodeId, graph->nodes.count),
                       options};
    const bool *live = copy_live(graph);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        if (!live[id])
            pairing.map[id] = NODE_NONE;
        else if (is_paired(&pairing, graph_node(graph, id)))
            pairing.map[id] = copy_paired(&pairing, id);
        else
            pairing.map[id] = copy_node(pairing.to, graph, id, pairing.map);
    }
    copy_results(pairing.to, graph, pairing.map, -1);
    return pairing.to;
}
