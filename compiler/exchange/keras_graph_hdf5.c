/* Models of Keras: layers one behind the other, graphs of layers, and models in models. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/exchange/keras_names.h"
#include "compiler/exchange/keras_use.h"

enum { LAYERS_MAX = 100000, DEPTH_MAX = 500 };

/* A layer as its model lists it. */
typedef struct {
    const cJSON *config;
    const char *kind, *name;
    const char *path, *top;
    bool called;
} Layer;

typedef enum { CALL_NEW, CALL_BEGUN, CALL_DONE } CallState;

/* One of the calls of a layer: node `number` of it. */
typedef struct {
    Layer *layer;
    const cJSON *node; /* NULL: of an input */
    CallState state;
    int value;
} Call;

typedef struct {
    KerasUse *use; /* of the model itself */
    NameMap kinds; /* of keras_group_name */
    NameMap calls; /* NAME, a line's end, NUMBER: Call */
    VEC(Call *) order;
    int depth;
} Model;

/* ---- Layers ---- */

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* Where the weights of the next layer of its kind are. Functions that are called as layers have none, and are
 * not counted. */
static const char *weights_path(Model *model, const cJSON *json, const char *kind)
{
    Arena *arena = model->use->import->arena;
    const char *module = text_of(json, "module"), *base = model->use->path;
    if (module && strstr(module, ".ops."))
        return "";
    return arena_printf(
        arena, "%s%slayers/%s", base, *base ? "/" : "",
        keras_group_name(arena, &model->kinds, strcmp(kind, "Model") == 0 ? "Functional" : kind));
}

/* NULL after an error. */
static Layer *read_layer(Model *model, const cJSON *json)
{
    KerasUse *use = model->use;
    Arena *arena = use->import->arena;
    const char *kind = text_of(json, "class_name");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const char *name = text_of(config, "name") ? text_of(config, "name") : text_of(json, "name");
    if (!kind || !(cJSON_IsObject(config) || cJSON_IsArray(config))) {
        keras_refuse(use, "one of its layers has no class_name, or no config");
        return NULL;
    }
    kind = arena_text(arena, kind, strlen(kind)); /* they outlive the JSON */
    name = name ? arena_text(arena, name, strlen(name)) : kind;
    const char *path = weights_path(model, json, kind);
    return arena_copy(arena,
                      &(Layer){config, kind, name, path, *use->path || use->top ? use->top : name, false},
                      sizeof(Layer));
}

static const char *where_text(const KerasImport *import, const char *name, const char *kind)
{
    return arena_printf(import->arena, "%s: layer '%.200s' (%.100s): ", import->file, name, kind);
}

/* Calls a layer, and checks what it gives. */
static int call(Model *model, Layer *layer, KerasUse *use)
{
    Network *network = use->import->network;
    size_t before = network->layers.count;
    const char *where = network->where;
    network->where = where_text(use->import, layer->name, layer->kind);
    int out = keras_layer(use);
    for (size_t i = before; i < network->layers.count && out >= 0; i++)
        if (layer->called && network->layers.items[i].tensor_count > 0)
            out = keras_refuse(use, "its weights are used several times; cnnc's layers have their own");
    if (out >= 0 && network->layers.count > LAYERS_MAX)
        out = keras_refuse(use, "the network has more than 100000 layers");
    network->where = where;
    layer->called = true;
    model->use->failed = model->use->failed || out < 0;
    return out;
}

static KerasUse use_of(const Model *model, const Layer *layer)
{
    return (KerasUse){.import = model->use->import,
                      .kind = layer->kind,
                      .name = layer->name,
                      .config = layer->config,
                      .path = layer->path,
                      .top = layer->top};
}

/* ---- The input ---- */

int keras_input(KerasUse *use, const cJSON *shape)
{
    Network *network = use->import->network;
    int rank = cJSON_IsArray(shape) ? cJSON_GetArraySize(shape) : 0;
    int64_t dim[3] = {1, 1, 1};
    if (network->layers.count > 0)
        return keras_refuse(use, "the network has several inputs; cnnc's have one, the picture");
    if (rank != 4 && rank != 2)
        return keras_refuse(use, "the input is no picture: it must have 4 dimensions, or 2");
    const cJSON *extent = shape->child->next;
    for (int i = rank == 2 ? 2 : 0; i < 3; i++, extent = extent->next) {
        if (!cJSON_IsNumber(extent))
            return keras_refuse(use, "the input has no fixed extents: only that of the samples may be open");
        dim[i] = extent->valueint;
    }
    int input = network_input(network, dim[0], dim[1], dim[2]);
    return rank == 2 ? network_flatten_pixels(network, input) : input;
}

/* The value that enters a model: that which it is called with, or its own input. */
static int enter(Model *model, const cJSON *config)
{
    if (model->use->in_count > 0)
        return keras_value(model->use);
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(config, "batch_shape");
    return keras_input(model->use,
                       shape ? shape : cJSON_GetObjectItemCaseSensitive(config, "batch_input_shape"));
}

/* ---- One behind the other ---- */

static bool is_input(const Layer *layer)
{
    return strcmp(layer->kind, "InputLayer") == 0;
}

static int read_sequential(Model *model, const cJSON *layers)
{
    const cJSON *built = keras_item(model->use, "build_input_shape"), *json;
    int value = model->use->in_count > 0 ? keras_value(model->use) : -1;
    cJSON_ArrayForEach(json, layers)
    {
        Layer *layer = read_layer(model, json);
        if (!layer)
            return -1;
        const cJSON *config = layer->config;
        bool told =
            cJSON_HasObjectItem(config, "batch_shape") || cJSON_HasObjectItem(config, "batch_input_shape");
        if (value < 0 && told)
            value = enter(model, config);
        else if (value < 0 && cJSON_IsArray(built))
            value = keras_input(model->use, built);
        if (!keras_good(model->use))
            return -1;
        if (is_input(layer))
            continue;
        KerasUse use = use_of(model, layer);
        use.in[0] = (KerasArgument){.layer = value};
        use.in_count = value >= 0; /* a model has an input of its own */
        value = call(model, layer, &use);
        if (value < 0)
            return -1;
    }
    return value >= 0 ? value : keras_refuse(model->use, "it has no layers");
}

/* ---- Graphs ---- */

static const char *call_key(Arena *arena, const char *name, int number)
{
    return arena_printf(arena, "%s\n%d", name, number);
}

static void add_call(Model *model, Layer *layer, const cJSON *node, int number)
{
    Arena *arena = model->use->import->arena;
    Call *added = arena_copy(arena, &(Call){.layer = layer, .node = node}, sizeof(Call));
    const char *key = call_key(arena, layer->name, number);
    if (!name_map_find(&model->calls, key))
        name_map_add(arena, &model->calls, key, added);
    *vec_push(arena, &model->order) = added;
}

/* The number of a layer's first call. In Keras 2 a model with an input of its own has been called once before
 * it is called at all. */
static int first_number(const KerasImport *import, const Layer *layer)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(layer->config, "layers");
    const char *kind = text_of(cJSON_GetArrayItem(layers, 0), "class_name");
    return import->old && kind && strcmp(kind, "InputLayer") == 0;
}

static bool read_calls(Model *model, const cJSON *layers)
{
    const cJSON *json, *node;
    cJSON_ArrayForEach(json, layers)
    {
        const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(json, "inbound_nodes");
        Layer *layer = read_layer(model, json);
        if (!layer)
            return false;
        int number = first_number(model->use->import, layer);
        if (is_input(layer))
            add_call(model, layer, NULL, 0);
        else
            cJSON_ArrayForEach(node, nodes)
            {
                add_call(model, layer, node, number++);
            }
    }
    return true;
}

static int make(Model *model, Call *at);

/* The value that [name, node, tensor] stands for. */
static int value_of(Model *model, const cJSON *history)
{
    const cJSON *name = cJSON_GetArrayItem(history, 0), *node = cJSON_GetArrayItem(history, 1);
    if (!cJSON_IsString(name) || !cJSON_IsNumber(node))
        return keras_refuse(model->use, "a value in it is not named by its layer");
    Call *made =
        name_map_find(&model->calls, call_key(model->use->import->arena, name->valuestring, node->valueint));
    if (made)
        return make(model, made);
    model->use->failed = true;
    return network_refuse(model->use->import->network, "nothing makes the value of '%.200s'",
                          name->valuestring);
}

static bool add_argument(Model *model, KerasUse *use, KerasArgument argument)
{
    if (use->in_count == KERAS_ARGUMENTS_MAX)
        return keras_refuse(model->use, "a layer is called with more than 64 values") >= 0;
    use->in[use->in_count++] = argument;
    return true;
}

/* Takes one argument of a call, as version 3 writes it, or a list of them. */
static bool take_argument(Model *model, KerasUse *use, const cJSON *item)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(item, "config"), *each;
    const char *kind = text_of(item, "class_name");
    if (cJSON_IsNumber(item))
        return add_argument(model, use, (KerasArgument){-1, item->valuedouble});
    if (cJSON_IsArray(item)) {
        cJSON_ArrayForEach(each, item)
        {
            if (!take_argument(model, use, each))
                return false;
        }
        return true;
    }
    if (!kind || strcmp(kind, "__keras_tensor__") != 0)
        return keras_refuse(model->use, "a layer is called with what is neither a value nor a number") >= 0;
    int value = value_of(model, cJSON_GetObjectItemCaseSensitive(config, "keras_history"));
    return value >= 0 && add_argument(model, use, (KerasArgument){value, 0});
}

/* The same of Keras 2: [[name, node, tensor, {…}], …]. */
static bool take_old_arguments(Model *model, KerasUse *use, const cJSON *node)
{
    const cJSON *each;
    if (cJSON_IsString(cJSON_GetArrayItem(node, 0))) { /* one alone */
        int value = value_of(model, node);
        return value >= 0 && add_argument(model, use, (KerasArgument){value, 0});
    }
    cJSON_ArrayForEach(each, node)
    {
        int value = value_of(model, each);
        if (value < 0 || !add_argument(model, use, (KerasArgument){value, 0}))
            return false;
    }
    return true;
}

static bool take_arguments(Model *model, KerasUse *use, const cJSON *node)
{
    if (cJSON_IsArray(node))
        return take_old_arguments(model, use, node);
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(node, "args"),
                *named = cJSON_GetObjectItemCaseSensitive(node, "kwargs"), *each;
    cJSON_ArrayForEach(each, named)
    {
        const char *kind = text_of(each, "class_name");
        if (cJSON_IsArray(each) || (kind && strcmp(kind, "__keras_tensor__") == 0))
            return keras_refuse(model->use, "a layer is called with values by name") >= 0;
    }
    return take_argument(model, use, args);
}

static int call_layer(Model *model, Call *at)
{
    if (!at->node)
        return enter(model, at->layer->config);
    KerasUse use = use_of(model, at->layer);
    Network *network = use.import->network;
    const char *where = network->where;
    network->where = where_text(use.import, at->layer->name, at->layer->kind);
    bool good = take_arguments(model, &use, at->node);
    network->where = where;
    return good ? call(model, at->layer, &use) : -1;
}

/* The value of a call, which is made when it is first asked for. */
static int make(Model *model, Call *at)
{
    if (at->state == CALL_DONE)
        return at->value;
    if (at->state == CALL_BEGUN)
        return keras_refuse(model->use, "its value depends on itself");
    if (++model->depth > DEPTH_MAX)
        return keras_refuse(model->use, "the layers are not in the order of their values");
    at->state = CALL_BEGUN;
    at->value = call_layer(model, at);
    at->state = CALL_DONE;
    model->depth--;
    return at->value;
}

/* The only one of input_layers or output_layers: [name, node, tensor], or a list of one; NULL after an error.
 */
static const cJSON *only_one(Model *model, const char *key, const char *what)
{
    const cJSON *list = keras_item(model->use, key), *first = cJSON_GetArrayItem(list, 0);
    if (cJSON_IsString(first))
        return list;
    if (cJSON_IsArray(first) && cJSON_GetArraySize(list) == 1)
        return first;
    model->use->failed = true;
    network_refuse(model->use->import->network, "the network has %d %s; cnnc's have one",
                   cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0, what);
    return NULL;
}

static int read_graph(Model *model, const cJSON *layers)
{
    const cJSON *output = only_one(model, "output_layers", "outputs");
    if (!output || !only_one(model, "input_layers", "inputs") || !read_calls(model, layers))
        return -1;
    for (size_t i = 0; i < model->order.count; i++)
        if (make(model, model->order.items[i]) < 0)
            return -1;
    return value_of(model, output);
}

int keras_model(KerasUse *use)
{
    Model model = {.use = use};
    const cJSON *layers = cJSON_IsArray(use->config) ? use->config : keras_item(use, "layers");
    if (!cJSON_IsArray(layers))
        return keras_refuse(use,
                            "it has no list of layers: a class of its own, which its file does not tell");
    return strcmp(use->kind, "Sequential") == 0 ? read_sequential(&model, layers)
                                                : read_graph(&model, layers);
}

/* ---- Kinds ---- */

static const struct {
    const char *kind;
    int (*read)(KerasUse *use);
} kinds[] = {
#define KERAS_LAYER(kind, function) {#kind, keras_##function},
#include "compiler/exchange/keras_layers.def"
#undef KERAS_LAYER
};

/* Layers that do something in training alone. */
static bool is_of_training(const char *kind)
{
    static const char *const words[] = {"ActivityRegularization", "AlphaDropout", "GaussianDropout",
                                        "GaussianNoise"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(words[i], kind) == 0)
            return true;
    return strncmp(kind, "Random", 6) == 0;
}

int keras_layer(KerasUse *use)
{
    Network *network = use->import->network;
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].kind, use->kind) == 0)
            return kinds[i].read(use);
    if (is_of_training(use->kind)) {
        diag_warning(network->diag, network->at, "not-imported",
                     "%sit works in training alone, and is left out; see `augment` and `dropout`",
                     network->where ? network->where : "");
        return keras_value(use);
    }
    if (strcmp(use->kind, "Identity") == 0)
        return keras_value(use);
    return keras_refuse(use, "cnnc has no layer for it. docs/import.md lists the layers that there are; put "
                             "others in their place in Keras, and save the network again");
}
