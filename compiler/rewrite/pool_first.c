#include "compiler/rewrite/rewrite.h"

#include "compiler/base/bug.h"
#include "compiler/derive/copy.h"
#include "compiler/ir/op.h"

typedef struct {
    const Graph *from;
    Graph *to;
    int *readers; /* by node: how many nodes and results read it */
    NodeId *map;
} PoolFirst;

/* The same for all pixels: constants, and tensors whose extents are 1 but for the channels. */
static bool ignores_pixels(const Graph *graph, NodeId id)
{
    const Type *type = graph_type(graph, id);
    if (type->lead != LEAD_NONE)
        return false;
    for (int i = 0; i + 1 < type->rank; i++)
        if (type->dim[i] != 1)
            return false;
    return true;
}

/* The operand along which the node grows, the other (if any) being the same for all pixels; -1: there is
 * none. */
static int growing_operand(const Graph *graph, const Node *node)
{
    switch (node->op) {
    case OP_exp:
    case OP_expm1:
    case OP_tanh:
    case OP_sigmoid:
    case OP_erf:
        return 0;
    case OP_add:
    case OP_maximum:
    case OP_minimum:
        if (ignores_pixels(graph, node->in[1]))
            return 0;
        return ignores_pixels(graph, node->in[0]) ? 1 : -1;
    case OP_sub:
        return ignores_pixels(graph, node->in[1]) ? 0 : -1;
    default:
        return -1;
    }
}

static NodeId operand_copy(PoolFirst *rewrite, NodeId id)
{
    if (rewrite->map[id] == NODE_NONE)
        BUG("%%%u is used before it is copied", id);
    return rewrite->map[id];
}

/* The pool of `id`, taken as far before the functions that lead to it as they allow. */
static NodeId pool_of(PoolFirst *rewrite, const Node *pool, NodeId id)
{
    const Graph *from = rewrite->from;
    const Node *node = graph_node(from, id);
    int growing = rewrite->readers[id] == 1 ? growing_operand(from, node) : -1;
    if (growing < 0 || !type_equal(graph_type(from, node->in[growing]), &node->type)) {
        NodeId in = operand_copy(rewrite, id);
        NodeId pooled = graph_add(rewrite->to, pool->op, pool->span, pool->attrs, &in, 1);
        graph_name(rewrite->to, pooled, pool->name);
        return pooled;
    }
    NodeId in[NODE_IN_MAX];
    for (int i = 0; i < node->in_count; i++)
        in[i] = i == growing ? pool_of(rewrite, pool, node->in[i]) : operand_copy(rewrite, node->in[i]);
    NodeId moved = graph_add(rewrite->to, node->op, node->span, node->attrs, in, node->in_count);
    graph_name(rewrite->to, moved, node->name);
    return moved;
}

static void count_readers(PoolFirst *rewrite, const bool *live)
{
    const Graph *from = rewrite->from;
    for (NodeId id = 0; id < from->nodes.count; id++)
        for (int k = 0; live[id] && k < graph_node(from, id)->in_count; k++)
            rewrite->readers[graph_node(from, id)->in[k]]++;
    for (size_t i = 0; i < from->results.count; i++)
        rewrite->readers[from->results.items[i].node]++;
}

Graph *rewrite_pool_first(const Graph *graph, NodeId *map)
{
    PoolFirst rewrite = {.from = graph, .to = copy_start(graph), .map = map};
    rewrite.readers = NEW_ARRAY(graph->arena, int, graph->nodes.count);
    const bool *live = copy_live(graph);
    count_readers(&rewrite, live);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        rewrite.map[id] = NODE_NONE;
        const Node *node = graph_node(graph, id);
        /* Unused leaves are kept: parameters of the model have their names even where nothing is learnt. */
        if (!live[id] && node->op != OP_leaf)
            continue;
        rewrite.map[id] = node->op == OP_maxpool ? pool_of(&rewrite, node, node->in[0])
                                                 : copy_node(rewrite.to, graph, id, rewrite.map);
    }
    copy_results(rewrite.to, graph, rewrite.map, -1);
    return rewrite.to;
}
