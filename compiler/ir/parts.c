#include "compiler/ir/parts.h"

#include "compiler/ir/op.h"

/* Of the end of the step: what is updated, and whether. */
static bool is_late(const Result *result)
{
    return result->role == RESULT_UPDATE || result->role == RESULT_FINITE;
}

/* Marks what the results are made of, the late ones or the others. */
static void mark_made_of(const Graph *graph, bool late, bool *marked)
{
    for (size_t i = 0; i < graph->results.count; i++)
        if (is_late(&graph->results.items[i]) == late)
            marked[graph->results.items[i].node] = true;
    for (NodeId id = (NodeId)graph->nodes.count; id-- > 0;)
        for (int k = 0; marked[id] && k < graph_node(graph, id)->in_count; k++)
            marked[graph_node(graph, id)->in[k]] = true;
}

static bool reads_batch(const Graph *graph, const Node *node)
{
    for (int k = 0; k < node->in_count; k++)
        if (graph_type(graph, node->in[k])->lead == LEAD_BATCH)
            return true;
    return false;
}

StepPart *graph_parts(Arena *arena, const Graph *graph)
{
    size_t count = graph->nodes.count;
    StepPart *part = NEW_ARRAY(arena, StepPart, count);
    bool *forward = NEW_ARRAY(arena, bool, count), *live = NEW_ARRAY(arena, bool, count),
         *early = NEW_ARRAY(arena, bool, count); /* read by something that is no update */
    mark_made_of(graph, false, forward);
    mark_made_of(graph, true, live);
    for (NodeId id = (NodeId)count; id-- > 0;) {
        const Node *node = graph_node(graph, id);
        bool update = !forward[id] && !early[id] && node->type.lead == LEAD_NONE &&
                      node_op(node)->class != OP_CONTRACT && !reads_batch(graph, node);
        part[id] = forward[id] ? STEP_FORWARD : update ? STEP_UPDATE : STEP_BACKWARD;
        for (int k = 0; live[id] && !update && k < node->in_count; k++)
            early[node->in[k]] = true;
    }
    return part;
}
