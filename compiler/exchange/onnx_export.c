#include "compiler/exchange/onnx_export.h"

#include <inttypes.h>
#include <stdlib.h>

#include "compiler/exchange/export_stages.h"
#include "compiler/ops/layer.h"
#include "runtime/data/look.h"
#include "runtime/data/loose.h"
#include "runtime/transform/transform.h"

enum { VERSION_LEAST = 18 }; /* in which the axes of reductions are inputs */

/* ---- The data section ---- */

/* The factors of one stage: a number for each channel, or for each value of a sample, which has channels
 * last. */
static OnnxValue stage_factors(Onnx *onnx, const char *name, const Pointwise *pointwise, const float *values)
{
    static const int channels_first[] = {0, 3, 1, 2};
    OnnxValue factors = {.name = name, .rank = 4, .dim = {1, 1, 1, pointwise->channels}, .data = values};
    if (pointwise->channels > onnx->input.dim[1])
        memcpy(factors.dim + 1, (const int64_t[]){onnx->input.dim[2], onnx->input.dim[3], onnx->input.dim[1]},
               3 * sizeof *factors.dim);
    for (int i = 0; i < factors.rank; i++)
        factors.order[i] = i;
    return onnx_in_order(onnx, factors, channels_first);
}

/* As pointwise_apply does it: a product, and then a sum. */
static OnnxValue add_stages(Onnx *onnx, const Program *program, ExportStages stages)
{
    OnnxValue value = onnx->input;
    for (int i = stages.first; i < stages.count; i++) {
        const Pointwise *pointwise;
        onnx->place = cnn_data_stage(program->data, i, &pointwise);
        const char *name = arena_printf(onnx->arena, "%s.", onnx->place);
        const OnnxValue scaled[] = {value, stage_factors(onnx, arena_printf(onnx->arena, "%sfactor", name),
                                                         pointwise, pointwise->multiply)};
        value = onnx_add(onnx, "Mul", value, scaled, 2);
        const OnnxValue shifted[] = {value, stage_factors(onnx, arena_printf(onnx->arena, "%soffset", name),
                                                          pointwise, pointwise->add)};
        value = onnx_add(onnx, "Add", value, shifted, 2);
    }
    return value;
}

/* ---- What is known of the network beside its graph ---- */

static void add_metadata(Onnx *onnx, const char *key, const char *value)
{
    *vec_push(onnx->arena, &onnx->metadata) = (OnnxPair){key, value};
}

static void describe(Onnx *onnx, const Program *program, const char *before)
{
    const int64_t *dim = onnx->input.dim;
    add_metadata(onnx, "input",
                 arena_printf(onnx->arena, "%" PRId64 "x%" PRId64 "x%" PRId64, dim[2], dim[3], dim[1]));
    if (*before)
        add_metadata(onnx, "before", before);
    char *names = program->data ? cnn_data_names_text(program->data) : NULL;
    if (names && *names)
        add_metadata(onnx, CLASSES_KEY, arena_printf(onnx->arena, "%s", names));
    free(names);
}

/* ---- The network ---- */

static NodeId find_input(const Graph *graph)
{
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        if (node->op == OP_leaf && ((const LeafAttrs *)node->attrs)->kind == LEAF_INPUT)
            return id;
    }
    return NODE_NONE;
}

static Onnx *start(const Program *program, const OnnxOptions *options)
{
    const Graph *graph = program->eval;
    Onnx *onnx = NEW(program->arena, Onnx);
    *onnx = (Onnx){.arena = program->arena,
                   .name = program->name,
                   .source = graph,
                   .weights = options->weights,
                   .folded = options->fold ? &options->fold->biases : NULL,
                   .version = VERSION_LEAST};
    onnx->values = NEW_ARRAY(onnx->arena, OnnxValue, graph->nodes.count);
    onnx->uses = NEW_ARRAY(onnx->arena, const LayerUse *, graph->nodes.count);
    onnx->reshaped = NEW_ARRAY(onnx->arena, NodeId, graph->nodes.count);
    for (NodeId id = 0; id < graph->nodes.count; id++)
        onnx->reshaped[id] = id;
    for (size_t i = 0; i < program->eval_layers.count; i++) {
        const LayerUse *use = &program->eval_layers.items[i];
        if (!use->layer->onnx)
            continue;
        onnx->uses[use->out] = use;
        if (graph_node(graph, use->out)->op == OP_reshape)
            onnx->reshaped[graph_node(graph, use->out)->in[0]] = use->out;
    }
    return onnx;
}

bool onnx_folded(Onnx *onnx, const LayerUse *use, OnnxValue *out)
{
    const char *name = onnx->folded ? name_map_find(onnx->folded, use->name) : NULL;
    if (!name)
        return false;
    *out = onnx_value(onnx, use->in);
    if (!onnx_takes_bias(onnx, out))
        return true; /* it has one, which is changed */
    const NamedTensor *bias = tensors_find(onnx->weights, name);
    *out = onnx_add_bias(
        onnx, *out, (OnnxValue){.name = bias->name, .rank = 1, .dim = {bias->dim[0]}, .data = bias->data});
    return true;
}

/* Layer by layer, so that no translation asks for more than what its own layer is made of. */
static OnnxValue translate_layers(Onnx *onnx, const Program *program, NodeId output)
{
    const Graph *graph = program->eval;
    bool *live = NEW_ARRAY(onnx->arena, bool, graph->nodes.count);
    live[output] = true;
    for (NodeId id = output + 1; id-- > 0;)
        for (int i = 0; live[id] && i < graph_node(graph, id)->in_count; i++)
            live[graph_node(graph, id)->in[i]] = true;
    for (size_t i = 0; i < program->eval_layers.count; i++)
        if (live[program->eval_layers.items[i].out])
            onnx_value(onnx, program->eval_layers.items[i].out);
    return onnx_value(onnx, output);
}

Onnx *onnx_export(const Program *program, const OnnxOptions *options, const char **before)
{
    const Graph *graph = program->eval;
    Onnx *onnx = start(program, options);
    NodeId input = find_input(graph), output = graph_find_result(graph, RESULT_OUTPUT);
    int order[RANK_MAX];
    const char *name = program->softmax || program->sigmoid ? "probabilities" : "output";
    if (options->logits && program->eval_logits != NODE_NONE) {
        output = program->eval_logits;
        name = "logits";
    }
    onnx_channels_first(graph_type(graph, input), order);
    onnx->input = onnx_like(onnx, input, order);
    onnx->input.name = "input";
    onnx->values[input] = add_stages(onnx, program, export_stages(program, options->bare, before));
    onnx_finish(onnx, translate_layers(onnx, program, output), name);
    describe(onnx, program, *before);
    return onnx;
}
