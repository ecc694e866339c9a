#include "compiler/exchange/fold.h"

#include <math.h>

#include "compiler/ops/layer_args.h"

typedef struct {
    const Graph *graph;
    int *readers; /* by node: that the output depends on */
    TensorSet *set;
} Folding;

/* How many nodes read each, of those that the output depends on; the output itself is read, too. */
static int *count_readers(const Program *program)
{
    const Graph *graph = program->eval;
    int *readers = NEW_ARRAY(program->arena, int, graph->nodes.count);
    readers[graph_find_result(graph, RESULT_OUTPUT)] = 1;
    for (NodeId id = (NodeId)graph->nodes.count; id-- > 0;) {
        const Node *node = graph_node(graph, id);
        for (int i = 0; i < node->in_count && readers[id] > 0; i++)
            readers[node->in[i]]++;
    }
    return readers;
}

static bool is_linear(OpId op)
{
    return op == OP_conv2d || op == OP_conv2d_dx || op == OP_matmul;
}

/* `id`, or the node that it is a reshape of; each of them read once. NODE_NONE: one is read by others. */
static NodeId behind_reshapes(const Folding *f, NodeId id)
{
    while (f->readers[id] == 1 && graph_node(f->graph, id)->op == OP_reshape)
        id = graph_node(f->graph, id)->in[0];
    return f->readers[id] == 1 ? id : NODE_NONE;
}

/* The linear operation behind a value, which nothing else reads; NULL: there is none. */
static const Node *linear_node(const Folding *f, NodeId id)
{
    id = behind_reshapes(f, id);
    return id != NODE_NONE && is_linear(graph_node(f->graph, id)->op) ? graph_node(f->graph, id) : NULL;
}

/* The layer whose kernel and bias make the value `id`, which nothing but the batchnorm reads; NULL: it is
 * something else that does. */
static const char *linear_layer(const Folding *f, NodeId id)
{
    const Node *linear = linear_node(f, id), *sum = graph_node(f->graph, id);
    if (linear || sum->op != OP_add || f->readers[id] != 1)
        return linear ? linear->name : NULL;
    linear = linear_node(f, sum->in[0]);
    const Node *bias = graph_node(f->graph, sum->in[1]);
    if (!linear || bias->op != OP_leaf ||
        strcmp(bias->name, arena_printf(f->set->arena, "%s.bias", linear->name)) != 0)
        return NULL;
    return linear->name;
}

static NamedTensor *part_of(const Folding *f, const char *layer, const char *part)
{
    return tensors_find(f->set, arena_printf(f->set->arena, "%s.%s", layer, part));
}

/* The last dims of every kernel count its results. */
static void scale_kernel(NamedTensor *kernel, const double *factor, int64_t channels)
{
    float *value = kernel->data;
    for (int64_t i = 0, elements = tensor_elements(kernel); i < elements; i++)
        value[i] = (float)(value[i] * factor[i % channels]);
}

static void remove_parts(Folding *f, const char *layer)
{
    static const char *const parts[] = {"gamma", "beta", "mean", "variance", NULL};
    for (const char *const *part = parts; *part; part++)
        tensors_remove(f->set, arena_printf(f->set->arena, "%s.%s", layer, *part));
}

/* Returns the name of the bias. */
static const char *fold_into(Folding *f, const char *layer, const LayerUse *norm)
{
    NamedTensor *kernel = part_of(f, layer, "kernel");
    int64_t channels = part_of(f, norm->name, "gamma")->dim[0];
    const float *gamma = part_of(f, norm->name, "gamma")->data, *beta = part_of(f, norm->name, "beta")->data,
                *mean = part_of(f, norm->name, "mean")->data,
                *variance = part_of(f, norm->name, "variance")->data;
    double *factor = NEW_ARRAY(f->set->arena, double, channels);
    for (int64_t c = 0; c < channels; c++)
        factor[c] = gamma[c] / sqrt(variance[c] + ((const BatchnormArgs *)norm->args)->eps);
    scale_kernel(kernel, factor, channels);
    const char *name = arena_printf(f->set->arena, "%s.bias", layer);
    NamedTensor *known = tensors_find(f->set, name);
    float *bias =
        known ? known->data : tensors_insert(f->set, (size_t)(kernel - f->set->list.items), name, channels);
    for (int64_t c = 0; c < channels; c++)
        bias[c] = (float)((bias[c] - mean[c]) * factor[c] + beta[c]);
    remove_parts(f, norm->name);
    return name;
}

Fold fold_batchnorms(const Program *program, TensorSet *set)
{
    Fold fold = {0};
    Folding f = {program->eval, count_readers(program), set};
    for (size_t i = 0; i < program->eval_layers.count; i++) {
        const LayerUse *use = &program->eval_layers.items[i];
        if (use->layer != &layer_batchnorm)
            continue;
        fold.batchnorms++;
        const char *layer = linear_layer(&f, use->in);
        if (!layer || !part_of(&f, layer, "kernel"))
            continue;
        fold.folded++;
        name_map_add(program->arena, &fold.biases, use->name, (char *)fold_into(&f, layer, use));
    }
    return fold;
}
