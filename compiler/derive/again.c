/* Activations behind a normalization, which the weight gradient of the next convolution needs, are made again
 * in the backward pass: of what was normalized, which the gradient of the normalization reads there anyway.
 * So they need not wait in memory from one pass to the other, and in both live for a few samples, in a core's
 * cache (Chen et al., Training deep nets with sublinear memory cost, 2016, of whose idea this is the case
 * that costs no time). */
#include "compiler/derive/copy.h"
#include "compiler/derive/derive.h"
#include "compiler/ir/op.h"
#include "compiler/ops/pointwise.h"

/* relu or relu6 of a normalized value. */
static bool is_activation(const Graph *graph, NodeId id)
{
    const Node *node = graph_node(graph, id);
    if (node->op == OP_minimum)
        node = graph_node(graph, node->in[0]);
    return node->op == OP_maximum && pointwise_normalized(graph, node->in[0]) != NODE_NONE;
}

/* The node `id` of `from` once more in `to`, with another first operand. */
static NodeId repeat(Graph *to, const Graph *from, NodeId id, NodeId first, const NodeId *map)
{
    const Node *node = graph_node(from, id);
    NodeId in[NODE_IN_MAX] = {first};
    for (int k = 1; k < node->in_count; k++)
        in[k] = map[node->in[k]];
    NodeId copy = graph_add(to, node->op, node->span, node->attrs, in, node->in_count);
    if (node->name)
        graph_name(to, copy, node->name);
    return copy;
}

/* The activation once more, of the same normalized value. */
static NodeId activate_again(Graph *to, const Graph *from, NodeId id, const NodeId *map)
{
    const Node *node = graph_node(from, id);
    NodeId inner = node->op == OP_minimum ? node->in[0] : id, value = map[graph_node(from, inner)->in[0]];
    NodeId made = graph_add(to, OP_again, node->span, NULL, &value, 1);
    made = repeat(to, from, inner, made, map);
    return inner == id ? made : repeat(to, from, id, made, map);
}

/* What a weight gradient is to read in place of its picture; NODE_NONE: that itself. */
static NodeId read_again(Graph *to, const Graph *from, NodeId picture, const NodeId *map)
{
    const Node *node = graph_node(from, picture);
    NodeId activation = node->op == OP_reshape ? node->in[0] : picture;
    if (!is_activation(from, activation))
        return NODE_NONE;
    NodeId made = activate_again(to, from, activation, map);
    return node->op == OP_reshape ? repeat(to, from, picture, made, map) : made;
}

Graph *make_again(const Graph *graph)
{
    Graph *copy = copy_start(graph);
    NodeId *map = NEW_ARRAY(graph->arena, NodeId, graph->nodes.count);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        NodeId picture = node->op == OP_conv2d_dw ? node->in[0] : NODE_NONE, first = NODE_NONE;
        NodeId again = picture == NODE_NONE ? NODE_NONE : read_again(copy, graph, picture, map);
        if (again != NODE_NONE) {
            first = map[picture];
            map[picture] = again;
        }
        map[id] = copy_node(copy, graph, id, map);
        if (again != NODE_NONE)
            map[picture] = first;
    }
    copy_results(copy, graph, map, -1);
    return copy;
}
