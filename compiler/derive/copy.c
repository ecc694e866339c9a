/* Rebuilding a graph. A copy has the type of its original, also where that differs from what the op would
 * infer: storage as bf16, partial sums by slices. */
#include "compiler/derive/copy.h"

#include "compiler/base/bug.h"
#include "compiler/ir/op.h"

Graph *copy_start(const Graph *from)
{
    Graph *to = graph_new(from->arena, from->diag, from->batch);
    to->slice = from->slice;
    return to;
}

bool *copy_live(const Graph *graph)
{
    bool *live = NEW_ARRAY(graph->arena, bool, graph->nodes.count);
    for (size_t i = 0; i < graph->results.count; i++) {
        const Result *result = &graph->results.items[i];
        live[result->node] = true;
        if (result->role == RESULT_UPDATE)
            live[result->target] = true;
    }
    for (size_t i = graph->nodes.count; i-- > 0;) {
        const Node *node = graph_node(graph, (NodeId)i);
        for (int k = 0; live[i] && k < node->in_count; k++)
            live[node->in[k]] = true;
    }
    return live;
}

/* A node is a partial sum when its op has made the slices itself, rather than got them from an input. */
static bool makes_slices(const Graph *graph, const Node *node)
{
    if (node->type.lead != LEAD_SLICE)
        return false;
    for (int i = 0; i < node->in_count; i++)
        if (graph_type(graph, node->in[i])->lead == LEAD_SLICE)
            return false;
    return true;
}

NodeId copy_node(Graph *to, const Graph *from, NodeId id, const NodeId *map)
{
    const Node *node = graph_node(from, id);
    if (node->op == OP_leaf)
        return graph_leaf(to, node->span, node->name, node->type, *(const LeafAttrs *)node->attrs);
    NodeId in[NODE_IN_MAX] = {0};
    for (int i = 0; i < node->in_count; i++)
        in[i] = map[node->in[i]];
    NodeId copy = makes_slices(from, node)
                      ? graph_add_sliced(to, node->op, node->span, node->attrs, in, node->in_count)
                      : graph_add(to, node->op, node->span, node->attrs, in, node->in_count);
    to->nodes.items[copy].type.dtype = node->type.dtype;
    if (!type_equal(graph_type(to, copy), &node->type))
        BUG("the copy of %%%u %s has another type", id, node_op(node)->name);
    if (node->name)
        graph_name(to, copy, node->name);
    return copy;
}

void copy_results(Graph *to, const Graph *from, const NodeId *map, int without)
{
    for (size_t i = 0; i < from->results.count; i++) {
        Result result = from->results.items[i];
        if ((int)result.role == without)
            continue;
        result.node = map[result.node];
        if (result.role == RESULT_UPDATE)
            result.target = map[result.target];
        graph_result(to, result);
    }
}
