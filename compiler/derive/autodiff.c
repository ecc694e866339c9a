/* Reverse-mode differentiation. The nodes are walked from the output to its first ancestors, so that when a
 * node is reached all that reads it has given its share of the gradient; shares are added in this order,
 * which the graph alone decides. */
#include "compiler/base/bug.h"
#include "compiler/derive/derive.h"
#include "compiler/ir/op.h"
#include "compiler/ops/make.h"

/* depends[id]: node id is one of with_respect_to or is computed from one. */
static bool *find_dependents(const Graph *graph, NodeId output, const NodeId *with_respect_to, int count)
{
    bool *depends = NEW_ARRAY(graph->arena, bool, output + 1);
    for (int i = 0; i < count; i++)
        if (with_respect_to[i] <= output)
            depends[with_respect_to[i]] = true;
    for (NodeId id = 0; id <= output; id++) {
        const Node *node = graph_node(graph, id);
        for (int k = 0; k < node->in_count && node_op(node)->grad; k++)
            depends[id] |= depends[node->in[k]];
    }
    return depends;
}

/* Adds a share to the gradient of `input`, summed down where the input was broadcast. */
static void add_share(Graph *graph, NodeId *gradient, NodeId input, NodeId share)
{
    Make make = make_at(graph, input);
    share = make_sum_to(make, share, input);
    const Type *have = graph_type(graph, share), *want = graph_type(graph, input);
    if (have->rank != want->rank || type_elements(have) != type_elements(want))
        BUG("the gradient of %%%u %s has another shape than it", input,
            node_op(graph_node(graph, input))->name);
    *gradient = *gradient == NODE_NONE ? share : make_add(make, *gradient, share);
}

void autodiff_from(Graph *graph, NodeId output, NodeId seed, const NodeId *with_respect_to, int count,
                   NodeId *gradients)
{
    const bool *depends = find_dependents(graph, output, with_respect_to, count);
    NodeId *gradient = NEW_ARRAY(graph->arena, NodeId, output + 1);
    for (NodeId id = 0; id <= output; id++)
        gradient[id] = NODE_NONE;
    gradient[output] = seed;
    for (NodeId id = output + 1; id-- > 0;) {
        /* A copy: the ops append nodes, which may move. */
        const Node node = *graph_node(graph, id);
        if (!depends[id] || gradient[id] == NODE_NONE || !node_op(&node)->grad)
            continue;
        NodeId share[NODE_IN_MAX];
        for (int k = 0; k < NODE_IN_MAX; k++)
            share[k] = NODE_NONE;
        node_op(&node)->grad(graph, id, gradient[id], share);
        for (int k = 0; k < node.in_count; k++)
            if (share[k] != NODE_NONE && depends[node.in[k]])
                add_share(graph, &gradient[node.in[k]], node.in[k], share[k]);
    }
    for (int i = 0; i < count; i++)
        gradients[i] = with_respect_to[i] <= output ? gradient[with_respect_to[i]] : NODE_NONE;
}

void autodiff(Graph *graph, NodeId loss, const NodeId *with_respect_to, int count, NodeId *gradients)
{
    if (type_elements(graph_type(graph, loss)) != 1)
        BUG("autodiff: %%%u is no scalar", loss);
    NodeId one = make_constant(make_at(graph, loss), 1.0);
    autodiff_from(graph, loss, one, with_respect_to, count, gradients);
}
