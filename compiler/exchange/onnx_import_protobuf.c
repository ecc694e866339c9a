#include "compiler/exchange/onnx_import.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/file.h"

static const char *text_of(const char *text)
{
    return text ? text : "";
}

/* ---- Names ---- */

/* The module that PyTorch's exporter calls "/layer1/layer1.0/conv1/Conv": "layer1.0.conv1". */
static const char *scope_name(Arena *arena, const char *path)
{
    Text text = {.arena = arena};
    const char *part = "";
    size_t part_length = 0;
    for (const char *at = path + 1, *slash; (slash = strchr(at, '/')) != NULL; at = slash + 1) {
        size_t length = (size_t)(slash - at);
        bool within = part_length > 0 && length > part_length && at[part_length] == '.' &&
                      memcmp(at, part, part_length) == 0;
        if (within)
            text.length -= part_length;
        else if (text.length > 0)
            text_append(&text, ".", 1);
        text_append(&text, at, length);
        part = at;
        part_length = length;
    }
    return text_string(&text);
}

/* What the layers of a node are called: as its weights, without "weight" at the end, or as the node. */
static const char *node_name(const OnnxImport *import, const Onnx__NodeProto *node)
{
    static const char *const endings[] = {".weight", ".kernel", ".gamma", ".scale",
                                          "_weight", "_kernel", NULL};
    const char *name = text_of(node->name);
    for (size_t i = 1; i < node->n_input; i++) {
        const char *in = text_of(node->input[i]);
        size_t length = strlen(in);
        for (int e = 0; endings[e]; e++) {
            size_t ending = strlen(endings[e]);
            if (length > ending && strcmp(in + length - ending, endings[e]) == 0)
                return arena_text(import->arena, in, length - ending);
        }
    }
    return *name == '/' && strchr(name + 1, '/') ? scope_name(import->arena, name) : name;
}

/* ---- Values ---- */

static void define(OnnxImport *import, const char *name, OnnxValue value)
{
    OnnxValue *known = name_map_find(&import->values, name);
    if (known)
        *known = value;
    else if (*name)
        name_map_add(import->arena, &import->values, arena_text(import->arena, name, strlen(name)),
                     arena_copy(import->arena, &value, sizeof value));
}

static void count_reader(OnnxImport *import, const char *name)
{
    int *count = name_map_find(&import->readers, name);
    if (!count) {
        count = NEW(import->arena, int);
        name_map_add(import->arena, &import->readers, name, count);
    }
    ++*count;
}

static void count_readers(OnnxImport *import, const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_input; k++)
            count_reader(import, text_of(graph->node[i]->input[k]));
    for (size_t i = 0; i < graph->n_output; i++)
        count_reader(import, text_of(graph->output[i]->name));
}

static bool read_initializers(OnnxImport *import, const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_initializer; i++) {
        OnnxValue value = {0};
        const Onnx__TensorProto *tensor = graph->initializer[i];
        if (onnx_constant_read(import->arena, tensor, &import->files, &value.constant, import->error) !=
            CNN_OK)
            return false;
        define(import, text_of(tensor->name), value);
    }
    return true;
}

/* ---- Input ---- */

/* Whether the value is first turned from channels last. */
static bool is_turned(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *node = graph->node[i];
        for (size_t a = 0; strcmp(text_of(node->op_type), "Transpose") == 0 && node->n_input == 1 &&
                           strcmp(text_of(node->input[0]), name) == 0 && a < node->n_attribute;
             a++)
            if (node->attribute[a]->n_ints == 4 && node->attribute[a]->ints[1] == 3)
                return true;
    }
    return false;
}

static bool read_input(OnnxImport *import, const Onnx__GraphProto *graph, const Onnx__ValueInfoProto *info)
{
    Network *network = import->network;
    const char *name = text_of(info->name);
    const Onnx__TypeProto__Tensor *tensor =
        info->type && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? info->type->tensor_type
                                                                                    : NULL;
    const Onnx__TensorShapeProto *shape = tensor ? tensor->shape : NULL;
    int64_t dim[4] = {0};
    if (!shape || (shape->n_dim != 4 && shape->n_dim != 2))
        return network_refuse(network, "input '%s' is no picture: it must have 4 dimensions, or 2", name) >=
               0;
    for (size_t i = 0; i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *given = shape->dim[i];
        if (given->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
            dim[i] = given->dim_value;
        if (i > 0 && dim[i] < 1)
            return network_refuse(network,
                                  "dimension %zu of input '%s' has no fixed extent: only that of the samples "
                                  "may be open. "
                                  "Export the network for one size of pictures",
                                  i, name) >= 0;
    }
    import->batch = dim[0] > 0 ? dim[0] : 0;
    if (shape->n_dim == 2) {
        int layer = network_flatten_pixels(network, network_input(network, 1, 1, dim[1]));
        define(import, name, (OnnxValue){.is_layer = true, .layer = layer, .rank = 2});
        return layer >= 0;
    }
    bool last = is_turned(graph, name);
    int layer = last ? network_input(network, dim[1], dim[2], dim[3])
                     : network_input(network, dim[2], dim[3], dim[1]);
    define(import, name, (OnnxValue){.is_layer = true, .layer = layer, .rank = 4, .last = last});
    return layer >= 0;
}

static bool read_inputs(OnnxImport *import, const Onnx__GraphProto *graph)
{
    const Onnx__ValueInfoProto *input = NULL;
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__ValueInfoProto *info = graph->input[i];
        if (name_map_find(&import->values, text_of(info->name)))
            continue; /* older versions list the weights, too */
        if (input)
            return network_refuse(import->network,
                                  "the network has two inputs, '%s' and '%s'; cnnc's have one, the picture",
                                  text_of(input->name), text_of(info->name)) >= 0;
        input = info;
    }
    if (!input)
        return network_refuse(import->network, "the network has no input") >= 0;
    return read_input(import, graph, input);
}

/* ---- Nodes ---- */

static bool read_node(OnnxImport *import, const Onnx__NodeProto *node)
{
    OnnxUse use = {.import = import, .node = node, .only_constants = true, .name = node_name(import, node)};
    Network *network = import->network;
    network->where = arena_printf(import->arena, "%s: node '%.200s' (%.100s): ", network->source,
                                  text_of(node->name), text_of(node->op_type));
    if (node->n_input > ONNX_IN_MAX || node->n_output > ONNX_OUT_MAX)
        return network_refuse(network, "it has more than %d inputs or outputs", ONNX_IN_MAX) >= 0;
    use.in_count = (int)node->n_input;
    use.out_count = (int)node->n_output;
    for (int i = 0; i < use.in_count; i++) {
        const char *name = text_of(node->input[i]);
        use.in[i] = name_map_find(&import->values, name);
        if (*name && !use.in[i])
            return network_refuse(network, "nothing makes its input '%.200s'", name) >= 0;
        if (use.in[i] && use.in[i]->is_layer)
            use.only_constants = false;
    }
    if (!onnx_operate(&use))
        return false;
    for (int i = 0; i < use.out_count; i++)
        if (use.out[i].is_layer || use.out[i].constant.real || use.out[i].constant.integer)
            define(import, text_of(node->output[i]), use.out[i]);
    return true;
}

static bool read_output(OnnxImport *import, const Onnx__GraphProto *graph)
{
    Network *network = import->network;
    if (graph->n_output != 1)
        return network_refuse(network, "the network has %zu outputs; cnnc's have one", graph->n_output) >= 0;
    const OnnxValue *value = name_map_find(&import->values, text_of(graph->output[0]->name));
    if (!value || !value->is_layer)
        return network_refuse(network, "nothing of the input reaches its output '%.200s'",
                              text_of(graph->output[0]->name)) >= 0;
    return network_finish(network, value->layer);
}

static bool read_graph(OnnxImport *import, const Onnx__GraphProto *graph)
{
    Network *network = import->network;
    network->where = arena_printf(import->arena, "%s: ", network->source);
    const char *where = network->where;
    count_readers(import, graph);
    if (!read_initializers(import, graph) || !read_inputs(import, graph))
        return false;
    for (size_t i = 0; i < graph->n_node; i++)
        if (!read_node(import, graph->node[i]))
            return false;
    network->where = where;
    if (!read_output(import, graph))
        return false;
    network_guess_training(network);
    return true;
}

/* The names of the classes, as `cnnc export` keeps them. */
static void read_class_names(Network *network, const Onnx__ModelProto *model)
{
    int64_t lines = 0;
    for (size_t i = 0; i < model->n_metadata_props; i++)
        if (strcmp(text_of(model->metadata_props[i]->key), "classes") == 0)
            network->class_names = text_of(model->metadata_props[i]->value);
    for (const char *c = network->class_names; c && *c; c++)
        lines += *c == '\n';
    if (lines != network_shape(network, network->output).channels)
        network->class_names = NULL;
}

static void *take_memory(void *arena, size_t bytes)
{
    return arena_alloc(arena, bytes);
}

static void leave_memory(void *arena, void *memory)
{
    (void)arena, (void)memory; /* with the arena */
}

bool onnx_import(Network *network, const char *path, const void *bytes, size_t size, CnnError *error)
{
    Arena *arena = network->arena;
    ProtobufCAllocator allocator = {take_memory, leave_memory, arena};
    OnnxImport import = {.network = network, .arena = arena, .error = error};
    import.files.folder = arena_text(arena, path, cnn_path_folder(path));
    network->has_weights = true;
    const Onnx__ModelProto *model = onnx__model_proto__unpack(&allocator, size, bytes);
    if (!model || !model->graph) {
        cnn_fail(error, CNN_BAD_INPUT, "'%s' is no network in ONNX, or damaged", path);
        return false;
    }
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (!*text_of(model->opset_import[i]->domain))
            import.version = model->opset_import[i]->version;
    if (!read_graph(&import, model->graph))
        return false;
    read_class_names(network, model);
    return true;
}
