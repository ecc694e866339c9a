/* Storage of the batch's tensors in 16 bits. Only Node.type.dtype changes: what is stored is rounded, what
 * stays in registers is not. */
#include "compiler/derive/copy.h"
#include "compiler/derive/derive.h"
#include "compiler/ir/op.h"

static bool is_alias(const Node *node)
{
    return node_op(node)->class == OP_ALIAS;
}

static bool is_sum(const Node *node)
{
    return node_op(node)->class == OP_REDUCE;
}

/* Nodes that something else than sums reads. */
static bool *find_read(const Graph *graph)
{
    bool *read = NEW_ARRAY(graph->arena, bool, graph->nodes.count);
    for (size_t i = 0; i < graph->results.count; i++)
        read[graph->results.items[i].node] = true;
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        for (int k = 0; k < node->in_count && !is_sum(node); k++)
            read[node->in[k]] = true;
    }
    return read;
}

/* Which nodes become `small`. An alias is the memory of its input, so both or neither do. Sums may be beyond
 * what f16 can hold where their mean is not, and so may what only sums read: squares. */
static bool *choose(const Graph *graph, Dtype small, const bool *keep_f32)
{
    bool *chosen = NEW_ARRAY(graph->arena, bool, graph->nodes.count);
    const bool *read = find_read(graph);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        OpClass class = node_op(node)->class;
        bool fits = small != DTYPE_F16 || is_alias(node) || (!is_sum(node) && read[id]);
        chosen[id] = node->type.lead == LEAD_BATCH && node->type.dtype == DTYPE_F32 && class != OP_LEAF &&
                     class != OP_VALUE && !keep_f32[id] && fits;
    }
    for (size_t i = graph->nodes.count; i-- > 0;) {
        const Node *node = graph_node(graph, (NodeId)i);
        if (is_alias(node) && !chosen[i])
            chosen[node->in[0]] = false;
    }
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        if (is_alias(node))
            chosen[id] = chosen[node->in[0]];
    }
    return chosen;
}

Graph *store_small(const Graph *graph, Dtype small, const bool *keep_f32)
{
    Graph *to = copy_start(graph);
    const bool *live = copy_live(graph), *chosen = choose(graph, small, keep_f32);
    NodeId *map = NEW_ARRAY(graph->arena, NodeId, graph->nodes.count);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        map[id] = live[id] ? copy_node(to, graph, id, map) : NODE_NONE;
        if (live[id] && chosen[id])
            to->nodes.items[map[id]].type.dtype = small;
    }
    copy_results(to, graph, map, -1);
    return to;
}
