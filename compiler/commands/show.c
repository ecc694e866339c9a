/* `cnnc show`: the layer table, or the layers as a graph for Graphviz. */
#include "compiler/commands/layers.h"
#include "compiler/commands/model.h"
#include "compiler/ir/op.h"

/* The layer of a node, or -1 for the network's input, or -2 for what is no layer's value: parameters,
 * constants. */
enum { INPUT = -1, NOTHING = -2 };
static int node_layer(const Program *program, NodeId id)
{
    const Node *node = graph_node(program->train, id);
    if (node->op == OP_leaf)
        return ((const LeafAttrs *)node->attrs)->kind == LEAF_INPUT ? INPUT : NOTHING;
    if (node_op(node)->class == OP_VALUE)
        return NOTHING;
    int layer = layers_find(program, node->name);
    return layer >= 0 ? layer : NOTHING;
}

typedef VEC(int) Layers;

/* Adds a layer to a list; false if it was there. */
static bool layers_add(Arena *arena, Layers *layers, int layer)
{
    for (size_t i = 0; i < layers->count; i++)
        if (layers->items[i] == layer)
            return false;
    *vec_push(arena, layers) = layer;
    return true;
}

static void print_dot(Session *session, const Program *program)
{
    const Graph *graph = program->train;
    const LayerRow *rows = program->layers.items;
    Layers *read = NEW_ARRAY(session->arena, Layers, program->layers.count);
    printf("digraph \"%s\" {\n    node [shape=box, fontname=\"sans-serif\"];\n    \"input\";\n",
           program->name);
    for (size_t i = 0; i < program->layers.count; i++)
        printf("    \"%s\" [label=\"%s\\n%s\"];\n", rows[i].name, rows[i].name,
               type_shape(session->arena, graph_type(graph, rows[i].node)));
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        int to = node_layer(program, id);
        const Node *node = graph_node(graph, id);
        for (int i = 0; to >= 0 && i < node->in_count; i++) {
            int from = node_layer(program, node->in[i]);
            if (from != NOTHING && from != to && layers_add(session->arena, &read[to], from))
                printf("    \"%s\" -> \"%s\";\n", from == INPUT ? "input" : rows[from].name, rows[to].name);
        }
    }
    printf("}\n");
}

CnnStatus command_show(const Options *options)
{
    Model model;
    TRY(model_open(options, &model));
    if (options->dot) {
        print_dot(model.session, model.program);
    } else {
        const Graph *graph = driver_graph(model.session, model.program, true);
        fputs(model_rewrites_text(&model), stdout);
        if (graph)
            fputs(layers_table(model.session, model.program, driver_plan(model.session, graph)), stdout);
    }
    CnnStatus status = model_report(&model);
    model_close(&model);
    return status;
}
