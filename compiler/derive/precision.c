/* Storage of the batch's tensors as bf16. Only Node.type.dtype changes: what is stored is rounded, what stays
 * in registers is not. */
#include "compiler/derive/copy.h"
#include "compiler/derive/derive.h"
#include "compiler/ir/op.h"

static bool is_alias(const Node *node)
{
    return node_op(node)->class == OP_ALIAS;
}

/* Which nodes become bf16. An alias is the memory of its input, so both or neither do. */
static bool *choose(const Graph *graph, const bool *keep_f32)
{
    bool *chosen = NEW_ARRAY(graph->arena, bool, graph->nodes.count);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        OpClass class = node_op(node)->class;
        chosen[id] = node->type.lead == LEAD_BATCH && node->type.dtype == DTYPE_F32 && class != OP_LEAF &&
                     class != OP_VALUE && !keep_f32[id];
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

Graph *precision_bf16(const Graph *graph, const bool *keep_f32)
{
    Graph *to = copy_start(graph);
    const bool *live = copy_live(graph), *chosen = choose(graph, keep_f32);
    NodeId *map = NEW_ARRAY(graph->arena, NodeId, graph->nodes.count);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        map[id] = live[id] ? copy_node(to, graph, id, map) : NODE_NONE;
        if (live[id] && chosen[id])
            to->nodes.items[map[id]].type.dtype = DTYPE_BF16;
    }
    copy_results(to, graph, map, -1);
    return to;
}
