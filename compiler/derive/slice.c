/* Sums over the batch become partial sums for each slice and a sum over the slices, in their order. */
#include "compiler/base/bug.h"
#include "compiler/derive/copy.h"
#include "compiler/derive/derive.h"
#include "compiler/ir/op.h"
#include "compiler/ops/make.h"

/* The node reads tensors of the batch and its result has none in it. */
static bool reduces_batch(const Graph *graph, const Node *node)
{
    if (node->type.lead != LEAD_NONE)
        return false;
    for (int i = 0; i < node->in_count; i++)
        if (graph_type(graph, node->in[i])->lead == LEAD_BATCH)
            return true;
    return false;
}

static NodeId sum_by_slices(Graph *to, const Node *node, const NodeId *map)
{
    NodeId in[NODE_IN_MAX] = {0};
    for (int i = 0; i < node->in_count; i++)
        in[i] = map[node->in[i]];
    NodeId partial = graph_add_sliced(to, node->op, node->span, node->attrs, in, node->in_count);
    if (node->name)
        graph_name(to, partial, node->name);
    Make make = {to, node->span, node->name};
    return make_reshape(make, make_sum(make, partial, 1u), node->type.rank, node->type.dim);
}

Graph *slice_sums(const Graph *graph)
{
    Graph *to = copy_start(graph);
    const bool *live = copy_live(graph);
    NodeId *map = NEW_ARRAY(graph->arena, NodeId, graph->nodes.count);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        map[id] = NODE_NONE;
        if (!live[id])
            continue;
        const Node *node = graph_node(graph, id);
        bool reduces = reduces_batch(graph, node);
        if (reduces && node->op != OP_reduce_sum && node->op != OP_conv2d_dw && node->op != OP_matmul &&
            node->op != OP_winograd_product_dw)
            BUG("%%%u %s reduces the batch, and not by a sum", id, node_op(node)->name);
        /* One sample is all of the batch. */
        bool sliced = reduces && graph->batch > 1 && type_elements(&node->type) <= SLICED_ELEMENTS_MOST;
        map[id] = sliced ? sum_by_slices(to, node, map) : copy_node(to, graph, id, map);
    }
    copy_results(to, graph, map, -1);
    return to;
}
