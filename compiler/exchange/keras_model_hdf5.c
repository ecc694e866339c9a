/* The graph of the evaluation as a model of Keras: node by node, from the output back. */
#include "compiler/exchange/keras_model.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/base/text.h"
#include "compiler/exchange/export_stages.h"
#include "compiler/exchange/zip_archive.h"
#include "compiler/ops/attrs.h"
#include "runtime/data/look.h"
#include "runtime/file.h"
#include "runtime/transform/transform.h"

#define KERAS_VERSION "3.0.0" /* whose form the files have */

/* ---- Layers ---- */

cJSON *keras_config(const KerasLayer *layer)
{
    return cJSON_GetObjectItemCaseSensitive(layer->json, "config");
}

void keras_set_integers(KerasLayer *layer, const char *key, int count, const int64_t *values)
{
    cJSON *list = cJSON_AddArrayToObject(keras_config(layer), key);
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)values[i]));
}

static const char *unique_name(KerasModel *model, const char *wish)
{
    const char *name = wish;
    for (int n = 2; name_map_find(&model->names, name); n++)
        name = arena_printf(model->arena, "%s_%d", wish, n);
    name_map_add(model->arena, &model->names, name, model);
    return name;
}

/* [null, 8, 8, 3] */
static cJSON *shape_json(const KerasOutput *value)
{
    cJSON *shape = cJSON_CreateArray();
    cJSON_AddItemToArray(shape, cJSON_CreateNull());
    for (int i = 1; i < value->rank; i++)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)value->dim[i]));
    return shape;
}

/* ["conv1", 0, 0] */
static cJSON *history_json(const char *layer)
{
    cJSON *history = cJSON_CreateArray();
    cJSON_AddItemToArray(history, cJSON_CreateString(layer));
    for (int i = 0; i < 2; i++)
        cJSON_AddItemToArray(history, cJSON_CreateNumber(0));
    return history;
}

static cJSON *value_json(const KerasOutput *value)
{
    cJSON *json = cJSON_CreateObject(), *config;
    cJSON_AddStringToObject(json, "class_name", "__keras_tensor__");
    config = cJSON_AddObjectToObject(json, "config");
    cJSON_AddItemToObject(config, "shape", shape_json(value));
    cJSON_AddStringToObject(config, "dtype", "float32");
    cJSON_AddItemToObject(config, "keras_history", history_json(value->layer->name));
    return json;
}

/* The call of a layer: {"args": [VALUE], "kwargs": {}}, or with a list of values. */
static void add_call(cJSON *layer, const KerasOutput *in, int in_count)
{
    cJSON *nodes = cJSON_AddArrayToObject(layer, "inbound_nodes"), *node, *args;
    if (in_count == 0)
        return;
    node = cJSON_CreateObject();
    cJSON_AddItemToArray(nodes, node);
    args = cJSON_AddArrayToObject(node, "args");
    if (in_count > 1) {
        cJSON *list = cJSON_CreateArray();
        cJSON_AddItemToArray(args, list);
        args = list;
    }
    for (int i = 0; i < in_count; i++)
        cJSON_AddItemToArray(args, value_json(&in[i]));
    cJSON_AddObjectToObject(node, "kwargs");
}

KerasLayer *keras_add_layer(KerasModel *model, const char *kind, const char *wish, const KerasOutput *in,
                            int in_count, KerasOutput *out)
{
    KerasLayer *layer = NEW(model->arena, KerasLayer);
    *layer = (KerasLayer){
        .kind = kind, .name = unique_name(model, wish), .index = -1, .json = cJSON_CreateObject()};
    cJSON_AddItemToArray(model->layers, layer->json);
    cJSON_AddStringToObject(layer->json, "module", "keras.layers");
    cJSON_AddStringToObject(layer->json, "class_name", kind);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(layer->json, "config"), "name", layer->name);
    cJSON_AddNullToObject(layer->json, "registered_name");
    cJSON_AddStringToObject(layer->json, "name", layer->name);
    add_call(layer->json, in, in_count);
    for (int i = 0; i < in_count; i++)
        *vec_push(model->arena, &layer->in) = in[i].layer;
    *vec_push(model->arena, &model->order) = layer;
    out->layer = layer;
    return layer;
}

bool keras_add_variable(KerasModel *model, KerasLayer *layer, const char *name, const char *part)
{
    const NamedTensor *tensor =
        tensors_find(model->options->weights, arena_printf(model->arena, "%s.%s", name, part));
    if (!tensor)
        return false;
    KerasValues *values = &layer->variables[layer->variable_count++];
    *values = (KerasValues){.rank = tensor->rank, .data = tensor->data};
    memcpy(values->dim, tensor->dim, (size_t)tensor->rank * sizeof *values->dim);
    return true;
}

/* ---- Values ---- */

static KerasOutput output_of(const KerasModel *model, NodeId id)
{
    const Type *type = graph_type(model->program->eval, id);
    KerasOutput out = {.rank = type->rank};
    for (int i = 0; i < type->rank && i < 4; i++)
        out.dim[i] = type->dim[i];
    return out;
}

KerasOutput keras_joined(KerasModel *model, const char *kind, const KerasOutput *in, int count)
{
    KerasOutput out = in[0];
    for (int k = 1; k < count; k++)
        for (int i = 1; i < out.rank; i++)
            out.dim[i] = in[k].dim[i] > out.dim[i] ? in[k].dim[i] : out.dim[i];
    keras_add_layer(model, kind, strcmp(kind, "Add") == 0 ? "add" : "multiply", in, count, &out);
    return out;
}

KerasOutput keras_scaled(KerasModel *model, const char *name, KerasOutput in, const float *factor,
                         const float *offset)
{
    int64_t channels = in.dim[in.rank - 1];
    const float *values[] = {factor, offset};
    static const char *const keys[] = {"scale", "offset"};
    KerasOutput out = in;
    KerasLayer *layer = keras_add_layer(model, "Rescaling", name, &in, 1, &out);
    for (int k = 0; k < 2; k++) {
        cJSON *list = cJSON_AddArrayToObject(keras_config(layer), keys[k]);
        for (int64_t c = 0; c < channels; c++)
            cJSON_AddItemToArray(list, cJSON_CreateNumber(values[k] ? (double)values[k][c] : 0));
    }
    return out;
}

static KerasOutput refuse(KerasModel *model, const char *what, const char *name)
{
    if (model->error->status == CNN_OK)
        cnn_fail(model->error, CNN_BAD_INPUT,
                 "layer '%s' (%s): Keras has no layer for it; docs/export.md lists those that it has", name,
                 what);
    return (KerasOutput){0};
}

/* The layer that a node without a translation belongs to. */
static KerasOutput refuse_node(KerasModel *model, NodeId id)
{
    const Program *program = model->program;
    const Node *node = graph_node(program->eval, id);
    for (size_t i = 0; i < program->eval_layers.count; i++)
        if (program->eval_layers.items[i].out == id)
            return refuse(model, program->eval_layers.items[i].layer->schema.word,
                          program->eval_layers.items[i].name);
    return refuse(model, node_op(node)->name, node->name ? node->name : "");
}

static KerasOutput translate(KerasModel *model, NodeId id)
{
    const Node *node = graph_node(model->program->eval, id);
    const LayerUse *use = model->uses[id];
    if (use)
        return keras_translation(use->layer)(model, use);
    if (node->op != OP_add && node->op != OP_mul)
        return refuse_node(model, id);
    KerasOutput in[2];
    for (int i = 0; i < 2; i++) {
        const Node *part = graph_node(model->program->eval, node->in[i]);
        if (part->op == OP_constant || (part->op == OP_leaf && part->type.lead != LEAD_BATCH))
            return refuse_node(model, id);
        in[i] = keras_node(model, node->in[i]);
        if (!in[i].layer)
            return in[i];
    }
    return keras_joined(model, node->op == OP_add ? "Add" : "Multiply", in, 2);
}

KerasOutput keras_node(KerasModel *model, NodeId node)
{
    if (!model->values[node].layer && model->error->status == CNN_OK)
        model->values[node] = translate(model, node);
    return model->values[node];
}

/* ---- The model ---- */

/* The input, and the stages that change each value by itself. */
static KerasOutput add_input(KerasModel *model, NodeId input, const char **before)
{
    const Program *program = model->program;
    const ExportStages stages = export_stages(program, model->options->bare, before);
    KerasOutput value = output_of(model, input);
    KerasLayer *layer = keras_add_layer(model, "InputLayer", "input", NULL, 0, &value);
    cJSON_AddItemToObject(keras_config(layer), "batch_shape", shape_json(&value));
    for (int i = stages.first; i < stages.count; i++) {
        const Pointwise *pointwise;
        const char *word = cnn_data_stage(program->data, i, &pointwise);
        if (pointwise->channels != value.dim[value.rank - 1]) {
            cnn_fail(model->error, CNN_BAD_INPUT,
                     "'%s' has a number of its own for each value of a sample, which Keras has no layer for; "
                     "--bare leaves the data section out",
                     word);
            return (KerasOutput){0};
        }
        value = keras_scaled(model, word, value, pointwise->multiply, pointwise->add);
    }
    return value;
}

static NodeId find_input(const Graph *graph)
{
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        if (node->op == OP_leaf && ((const LeafAttrs *)node->attrs)->kind == LEAF_INPUT)
            return id;
    }
    BUG("a network without an input");
}

static void begin(KerasModel *model)
{
    const Program *program = model->program;
    size_t count = program->eval->nodes.count;
    model->uses = NEW_ARRAY(model->arena, const LayerUse *, count);
    model->values = NEW_ARRAY(model->arena, KerasOutput, count);
    for (size_t i = 0; i < program->eval_layers.count; i++) {
        const LayerUse *use = &program->eval_layers.items[i];
        if (use->in != use->out && keras_translation(use->layer))
            model->uses[use->out] = use;
    }
    model->json = cJSON_CreateObject();
    cJSON_AddStringToObject(model->json, "module", "keras.src.models.functional");
    cJSON_AddStringToObject(model->json, "class_name", "Functional");
    cJSON *config = cJSON_AddObjectToObject(model->json, "config");
    cJSON_AddStringToObject(config, "name", program->name);
    cJSON_AddTrueToObject(config, "trainable");
    model->layers = cJSON_AddArrayToObject(config, "layers");
    cJSON_AddStringToObject(model->json, "registered_name", "Functional");
}

static bool build(KerasModel *model, const char **before)
{
    const Program *program = model->program;
    const Graph *graph = program->eval;
    NodeId input = find_input(graph), output = graph_find_result(graph, RESULT_OUTPUT);
    if (model->options->logits && program->eval_logits != NODE_NONE)
        output = program->eval_logits;
    model->values[input] = add_input(model, input, before);
    KerasLayer *last = keras_node(model, output).layer;
    if (!last || model->error->status != CNN_OK)
        return false;
    cJSON *config = cJSON_GetObjectItemCaseSensitive(model->json, "config");
    cJSON_AddItemToObject(config, "input_layers", history_json(model->order.items[0]->name));
    cJSON_AddItemToObject(config, "output_layers", history_json(last->name));
    keras_order(model, last);
    return true;
}

static CnnStatus write_bytes(const char *path, const void *bytes, size_t size, CnnError *error)
{
    NewFile file;
    TRY(cnn_file_create(path, &file, error));
    if (cnn_file_write(&file, bytes, size, error) == CNN_OK)
        return cnn_file_commit(&file, error);
    cnn_file_abandon(&file);
    return error->status;
}

static CnnStatus write_model(KerasModel *model, const char *path, CnnError *error)
{
    static const char metadata[] = "{\"keras_version\": \"" KERAS_VERSION "\"}";
    void *weights;
    size_t size;
    TRY(keras_weights_image(model, &weights, &size, error));
    if (model->options->weights_alone)
        return write_bytes(path, weights, size, error);
    char *json = cJSON_PrintUnformatted(model->json);
    if (!json)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory");
    const ZipEntry entries[] = {{.name = "metadata.json", .bytes = metadata, .size = strlen(metadata)},
                                {.name = "config.json", .bytes = json, .size = strlen(json)},
                                {.name = "model.weights.h5", .bytes = weights, .size = size}};
    CnnStatus status = zip_archive_write(path, entries, 3, error);
    cJSON_free(json);
    return status;
}

CnnStatus keras_export(const Program *program, const KerasOptions *options, const char *path,
                       const char **before, int *tensors, CnnError *error)
{
    KerasModel model = {.arena = program->arena, .program = program, .options = options, .error = error};
    begin(&model);
    CnnStatus status = build(&model, before) ? write_model(&model, path, error) : error->status;
    cJSON_Delete(model.json);
    *tensors = 0;
    for (size_t i = 0; i < model.order.count; i++)
        *tensors += model.order.items[i]->variable_count;
    return status;
}
