/* Layers of the language as layers of Keras. */
#include <stdint.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/exchange/keras_model.h"
#include "compiler/ops/attrs.h"
#include "compiler/ops/layer_args.h"
#include "compiler/ops/window.h"

/* ---- Arguments ---- */

/* The value of an argument, whose type is the field's. */
static const void *argument(const LayerUse *use, const char *name)
{
    for (const Field *field = use->layer->schema.fields; field->name; field++)
        if (strcmp(field->name, name) == 0)
            return (const char *)use->args + field->offset;
    BUG("'%s' has no argument '%s'", use->layer->schema.word, name);
}

static double real(const LayerUse *use, const char *name)
{
    return *(const double *)argument(use, name);
}

static const char *part_name(KerasModel *model, const LayerUse *use, const char *part)
{
    return arena_printf(model->arena, "%s_%s", use->name, part);
}

static KerasOutput output_of(const KerasModel *model, const LayerUse *use)
{
    const Type *type = graph_type(model->program->eval, use->out);
    KerasOutput out = {.rank = type->rank};
    for (int i = 0; i < type->rank && i < 4; i++)
        out.dim[i] = type->dim[i];
    return out;
}

/* A layer of one input, which the use gives. */
static KerasLayer *add(KerasModel *model, const LayerUse *use, const char *kind, KerasOutput *out)
{
    KerasOutput in = keras_node(model, use->in);
    *out = output_of(model, use);
    return in.layer ? keras_add_layer(model, kind, use->name, &in, 1, out) : NULL;
}

static void set_number(KerasLayer *layer, const char *key, double value)
{
    cJSON_AddNumberToObject(keras_config(layer), key, value);
}

static void set_text(KerasLayer *layer, const char *key, const char *value)
{
    cJSON_AddStringToObject(keras_config(layer), key, value);
}

static void set_flag(KerasLayer *layer, const char *key, bool value)
{
    cJSON_AddBoolToObject(keras_config(layer), key, value);
}

/* ---- Windows ---- */

/* The window as the ops have it: of what this use is made of. */
static const WindowAttrs *window_of(const KerasModel *model, const LayerUse *use, OpId op)
{
    const Graph *graph = model->program->eval;
    NodeId id = use->out;
    while (graph_node(graph, id)->op != op && id != use->in)
        id = graph_node(graph, id)->in[0];
    if (id == use->in)
        BUG("'%s' has no window", use->name);
    return graph_node(graph, id)->attrs;
}

typedef struct {
    int64_t window[2], stride[2], dilation[2], pad[4]; /* pad: top, bottom, left, right */
    int64_t extent[2];
} Window;

static Window read_window(const WindowAttrs *attrs)
{
    return (Window){{attrs->window_height, attrs->window_width},
                    {attrs->stride_y, attrs->stride_x},
                    {attrs->dilation_y, attrs->dilation_x},
                    {attrs->pad_top, attrs->pad_bottom, attrs->pad_left, attrs->pad_right},
                    {attrs->height, attrs->width}};
}

static bool is_unpadded(const Window *window)
{
    return window->pad[0] == 0 && window->pad[1] == 0 && window->pad[2] == 0 && window->pad[3] == 0;
}

/* Whether the padding is TensorFlow's "same". */
static bool is_same(const Window *window)
{
    for (int d = 0; d < 2; d++) {
        Side side = {.window = window->window[d],
                     .stride = window->stride[d],
                     .dilation = window->dilation[d],
                     .extent = window->extent[d]};
        side_pad_same(&side);
        if (window->pad[2 * d] != side.before || window->pad[2 * d + 1] != side.after)
            return false;
    }
    return true;
}

/* [[top, bottom], [left, right]] around what the use gives, or off it: a layer of this kind. */
static KerasOutput add_margin(KerasModel *model, const char *kind, const char *key, const char *name,
                              KerasOutput in, const int64_t margin[4])
{
    int sign = strcmp(kind, "ZeroPadding2D") == 0 ? 1 : -1;
    KerasOutput out = in;
    out.dim[1] += sign * (margin[0] + margin[1]);
    out.dim[2] += sign * (margin[2] + margin[3]);
    KerasLayer *layer = keras_add_layer(model, kind, name, &in, 1, &out);
    cJSON *sides = cJSON_AddArrayToObject(keras_config(layer), key);
    for (int d = 0; d < 2; d++) {
        cJSON *side = cJSON_CreateArray();
        cJSON_AddItemToArray(sides, side);
        for (int i = 0; i < 2; i++)
            cJSON_AddItemToArray(side, cJSON_CreateNumber((double)margin[2 * d + i]));
    }
    return out;
}

static void set_window(KerasLayer *layer, const char *key, const Window *window, const char *padding)
{
    keras_set_integers(layer, key, 2, window->window);
    keras_set_integers(layer, "strides", 2, window->stride);
    set_text(layer, "padding", padding);
}

/* A convolution: zeros that are not those of "same" are a layer of their own. */
static KerasOutput convolve(KerasModel *model, const LayerUse *use, const char *kind, int64_t groups)
{
    Window window = read_window(window_of(model, use, OP_conv2d));
    KerasOutput in = keras_node(model, use->in), out = output_of(model, use);
    bool same = !is_unpadded(&window) && is_same(&window);
    if (!in.layer)
        return in;
    bool dilated = window.dilation[0] * window.dilation[1] > 1,
         strided = window.stride[0] * window.stride[1] > 1;
    if ((dilated && strided) || (strcmp(kind, "Conv2D") != 0 && window.stride[0] != window.stride[1])) {
        cnn_fail(model->error, CNN_BAD_INPUT,
                 "layer '%s' (%s): Keras has no strides with a dilation, and a depthwise convolution has one "
                 "stride for rows and columns",
                 use->name, use->layer->schema.word);
        return (KerasOutput){0};
    }
    if (!same && !is_unpadded(&window))
        in = add_margin(model, "ZeroPadding2D", "padding", part_name(model, use, "pad"), in, window.pad);
    KerasLayer *layer = keras_add_layer(model, kind, use->name, &in, 1, &out);
    set_window(layer, "kernel_size", &window, same ? "same" : "valid");
    keras_set_integers(layer, "dilation_rate", 2, window.dilation);
    keras_add_variable(model, layer, use->name, "kernel");
    if (strcmp(kind, "Conv2D") == 0) {
        set_number(layer, "filters", (double)out.dim[3]);
        set_number(layer, "groups", (double)groups);
    } else {
        set_number(layer, "depth_multiplier", (double)layer->variables[0].dim[3]);
    }
    set_flag(layer, "use_bias", keras_add_variable(model, layer, use->name, "bias"));
    return out;
}

static KerasOutput export_conv(KerasModel *model, const LayerUse *use)
{
    return convolve(model, use, "Conv2D", ((const ConvArgs *)use->args)->groups);
}

static KerasOutput export_depthwise(KerasModel *model, const LayerUse *use)
{
    return convolve(model, use, "DepthwiseConv2D", 1);
}

/* Keras' kernel is [height, width, filters, channels]. What the padding takes off the result is cropped. */
static KerasOutput export_transposed(KerasModel *model, const LayerUse *use)
{
    Window window = read_window(window_of(model, use, OP_conv2d_dx));
    KerasOutput in = keras_node(model, use->in), out = output_of(model, use);
    if (!in.layer)
        return in;
    for (int d = 0; d < 2; d++)
        out.dim[d + 1] = in.dim[d + 1] * window.stride[d] +
                         (window.window[d] > window.stride[d] ? window.window[d] - window.stride[d] : 0);
    KerasLayer *layer = keras_add_layer(model, "Conv2DTranspose", use->name, &in, 1, &out);
    KerasOutput wanted = output_of(model, use);
    const int64_t margin[4] = {window.pad[0], out.dim[1] - wanted.dim[1] - window.pad[0], window.pad[2],
                               out.dim[2] - wanted.dim[2] - window.pad[2]};
    set_window(layer, "kernel_size", &window, "valid");
    set_number(layer, "filters", (double)out.dim[3]);
    keras_add_variable(model, layer, use->name, "kernel");
    KerasValues *kernel = &layer->variables[0];
    int64_t channels = kernel->dim[2], filters = kernel->dim[3], points = kernel->dim[0] * kernel->dim[1];
    float *turned = NEW_ARRAY(model->arena, float, points *channels *filters);
    for (int64_t i = 0; i < points * channels * filters; i++)
        turned[i / (channels * filters) * channels * filters + i % filters * channels +
               i / filters % channels] = kernel->data[i];
    kernel->data = turned;
    kernel->dim[2] = filters;
    kernel->dim[3] = channels;
    set_flag(layer, "use_bias", keras_add_variable(model, layer, use->name, "bias"));
    bool none = margin[0] + margin[1] + margin[2] + margin[3] == 0;
    return none ? out
                : add_margin(model, "Cropping2D", "cropping", part_name(model, use, "crop"), out, margin);
}

static KerasOutput export_dense(KerasModel *model, const LayerUse *use)
{
    KerasOutput out;
    KerasLayer *layer = add(model, use, "Dense", &out);
    if (!layer)
        return out;
    set_number(layer, "units", (double)out.dim[1]);
    keras_add_variable(model, layer, use->name, "kernel");
    set_flag(layer, "use_bias", keras_add_variable(model, layer, use->name, "bias"));
    return out;
}

static KerasOutput add_pool(KerasModel *model, const char *kind, const char *name, KerasOutput in,
                            const Window *window, bool same)
{
    KerasOutput out = in;
    for (int d = 0; d < 2; d++)
        out.dim[d + 1] = same ? (in.dim[d + 1] + window->stride[d] - 1) / window->stride[d]
                              : (in.dim[d + 1] - window->window[d]) / window->stride[d] + 1;
    set_window(keras_add_layer(model, kind, name, &in, 1, &out), "pool_size", window,
               same ? "same" : "valid");
    return out;
}

/* Keras has "valid" and "same". An odd window that is padded alike on all sides is one with "same" at every
 * pixel, of which every so many are taken. */
static KerasOutput pool(KerasModel *model, const LayerUse *use, const char *kind, OpId op)
{
    Window window = read_window(window_of(model, use, op)), each = window, some = window;
    KerasOutput in = keras_node(model, use->in), wanted = output_of(model, use);
    if (!in.layer || is_unpadded(&window) || is_same(&window))
        return in.layer ? add_pool(model, kind, use->name, in, &window, !is_unpadded(&window)) : in;
    for (int d = 0; d < 2; d++) {
        each.stride[d] = 1;
        some.window[d] = 1;
        if (window.pad[2 * d] != (window.window[d] - 1) / 2 || window.window[d] % 2 == 0 ||
            (in.dim[d + 1] + window.stride[d] - 1) / window.stride[d] != wanted.dim[d + 1]) {
            cnn_fail(model->error, CNN_BAD_INPUT,
                     "layer '%s' (%s): Keras has pools that are padded by 'same' or not at all", use->name,
                     use->layer->schema.word);
            return (KerasOutput){0};
        }
    }
    KerasOutput all = add_pool(model, kind, part_name(model, use, "each"), in, &each, true);
    return add_pool(model, "MaxPooling2D", use->name, all, &some, false);
}

static KerasOutput export_maxpool(KerasModel *model, const LayerUse *use)
{
    return pool(model, use, "MaxPooling2D", OP_maxpool);
}

static KerasOutput export_avgpool(KerasModel *model, const LayerUse *use)
{
    return pool(model, use, "AveragePooling2D", OP_avgpool);
}

static KerasOutput export_globalpool(KerasModel *model, const LayerUse *use)
{
    KerasOutput out;
    bool largest = *(const int *)argument(use, "kind") > 0;
    add(model, use, largest ? "GlobalMaxPooling2D" : "GlobalAveragePooling2D", &out);
    return out;
}

/* ---- Normalizations ---- */

static KerasOutput normalize(KerasModel *model, const LayerUse *use, const char *kind)
{
    static const char *const parts[] = {"gamma", "beta", "mean", "variance"};
    const Fold *fold = model->options->fold;
    if (fold && name_map_find(&fold->biases, use->name))
        return keras_node(model, use->in); /* part of the layer before it */
    KerasOutput out;
    KerasLayer *layer = add(model, use, kind, &out);
    if (!layer)
        return out;
    set_number(layer, "epsilon", real(use, "eps"));
    for (size_t i = 0; i < COUNT(parts); i++)
        keras_add_variable(model, layer, use->name, parts[i]);
    if (strcmp(kind, "BatchNormalization") == 0)
        set_number(layer, "momentum", real(use, "momentum"));
    if (strcmp(kind, "GroupNormalization") == 0)
        set_number(layer, "groups", (double)*(const int64_t *)argument(use, "groups"));
    return out;
}

static KerasOutput export_batchnorm(KerasModel *model, const LayerUse *use)
{
    return normalize(model, use, "BatchNormalization");
}

static KerasOutput export_layernorm(KerasModel *model, const LayerUse *use)
{
    return normalize(model, use, "LayerNormalization");
}

static KerasOutput export_groupnorm(KerasModel *model, const LayerUse *use)
{
    return normalize(model, use, "GroupNormalization");
}

static KerasOutput export_rescale(KerasModel *model, const LayerUse *use)
{
    KerasOutput out;
    KerasLayer *layer = add(model, use, "Rescaling", &out);
    if (layer) {
        set_number(layer, "scale", real(use, "scale"));
        set_number(layer, "offset", real(use, "offset"));
    }
    return out;
}

static KerasOutput export_layer_scale(KerasModel *model, const LayerUse *use)
{
    KerasOutput in = keras_node(model, use->in);
    const NamedTensor *gamma =
        tensors_find(model->options->weights, arena_printf(model->arena, "%s.gamma", use->name));
    return in.layer ? keras_scaled(model, use->name, in, gamma->data, NULL) : in;
}

/* ---- Activations ---- */

static KerasOutput export_activation(KerasModel *model, const LayerUse *use)
{
    static const char *const names[][2] = {{"hswish", "hard_silu"}, {"hsigmoid", "hard_sigmoid"}};
    const char *word = use->layer->schema.word;
    KerasOutput out;
    for (size_t i = 0; i < COUNT(names); i++)
        word = strcmp(word, names[i][0]) == 0 ? names[i][1] : word;
    KerasLayer *layer = add(model, use, "Activation", &out);
    if (layer)
        set_text(layer, "activation", word);
    return out;
}

static KerasOutput export_leaky(KerasModel *model, const LayerUse *use)
{
    KerasOutput out;
    KerasLayer *layer = add(model, use, "LeakyReLU", &out);
    if (layer)
        set_number(layer, "negative_slope", real(use, "slope"));
    return out;
}

static KerasOutput export_elu(KerasModel *model, const LayerUse *use)
{
    KerasOutput out;
    KerasLayer *layer = add(model, use, "ELU", &out);
    if (layer)
        set_number(layer, "alpha", real(use, "alpha"));
    return out;
}

/* ---- Shapes ---- */

static KerasOutput reshape(KerasModel *model, const char *name, KerasOutput in, KerasOutput out)
{
    KerasLayer *layer = keras_add_layer(model, "Reshape", name, &in, 1, &out);
    keras_set_integers(layer, "target_shape", out.rank - 1, out.dim + 1);
    return out;
}

static KerasOutput export_reshape(KerasModel *model, const LayerUse *use)
{
    KerasOutput in = keras_node(model, use->in);
    return in.layer ? reshape(model, use->name, in, output_of(model, use)) : in;
}

static KerasOutput export_flatten(KerasModel *model, const LayerUse *use)
{
    KerasOutput out;
    add(model, use, "Flatten", &out);
    return out;
}

/* The margin is what the extents have become; that in front, what the argument says. */
static KerasOutput margin(KerasModel *model, const LayerUse *use, const char *kind, const char *key)
{
    const Padding *given = argument(use, "margin");
    KerasOutput in = keras_node(model, use->in);
    const int64_t sides[4] = {given->top, given->bottom, given->left, given->right};
    return in.layer ? add_margin(model, kind, key, use->name, in, sides) : in;
}

static KerasOutput export_pad(KerasModel *model, const LayerUse *use)
{
    return margin(model, use, "ZeroPadding2D", "padding");
}

static KerasOutput export_crop(KerasModel *model, const LayerUse *use)
{
    return margin(model, use, "Cropping2D", "cropping");
}

static KerasOutput export_upsample(KerasModel *model, const LayerUse *use)
{
    KerasOutput out;
    KerasLayer *layer = add(model, use, "UpSampling2D", &out);
    if (layer) {
        keras_set_integers(layer, "size", 2, ((const Dims *)argument(use, "factor"))->value);
        set_text(layer, "interpolation", *(const int *)argument(use, "method") ? "bilinear" : "nearest");
    }
    return out;
}

/* ---- Joins ---- */

/* What concat has added up: parts with zeros where the channels of the others are. */
static KerasOutput export_concat(KerasModel *model, const LayerUse *use)
{
    const Graph *graph = model->program->eval;
    NodeId parts[KERAS_INPUTS_MAX];
    KerasOutput in[KERAS_INPUTS_MAX], out = output_of(model, use);
    int first = KERAS_INPUTS_MAX, count = 0;
    for (NodeId id = use->out; first > 0;) {
        const Node *node = graph_node(graph, id);
        bool sum = node->op == OP_add;
        parts[--first] = graph_node(graph, sum ? node->in[1] : id)->in[0];
        if (!sum)
            break;
        id = node->in[0];
    }
    for (; first < KERAS_INPUTS_MAX; first++) {
        in[count] = keras_node(model, parts[first]);
        if (!in[count++].layer)
            return (KerasOutput){0};
    }
    keras_add_layer(model, "Concatenate", use->name, in, count, &out);
    return out;
}

/* One of the two dense layers, which are layers of their own, and what follows it. */
static KerasOutput squeezed(KerasModel *model, const LayerUse *use, const char *part, KerasOutput in,
                            const char *activation)
{
    const char *name = arena_printf(model->arena, "%s.%s", use->name, part);
    KerasOutput out = in;
    KerasLayer *layer = keras_add_layer(model, "Dense", name, &in, 1, &out);
    keras_add_variable(model, layer, name, "kernel");
    keras_add_variable(model, layer, name, "bias");
    out.dim[1] = layer->variables[0].dim[1];
    set_number(layer, "units", (double)out.dim[1]);
    set_text(layer, "activation", activation);
    return out;
}

static KerasOutput export_squeeze_excite(KerasModel *model, const LayerUse *use)
{
    bool silu = *(const int *)argument(use, "activation") > 0, hard = *(const int *)argument(use, "gate") > 0;
    KerasOutput in = keras_node(model, use->in);
    if (!in.layer)
        return in;
    KerasOutput gate = {.rank = 2, .dim = {in.dim[0], in.dim[3]}}, picture = in;
    picture.dim[1] = picture.dim[2] = 1;
    keras_add_layer(model, "GlobalAveragePooling2D", part_name(model, use, "average"), &in, 1, &gate);
    gate = squeezed(model, use, "reduce", gate, silu ? "silu" : "relu");
    gate = squeezed(model, use, "expand", gate, hard ? "hard_sigmoid" : "sigmoid");
    gate = reshape(model, part_name(model, use, "gate"), gate, picture);
    KerasOutput out = in;
    keras_add_layer(model, "Multiply", use->name, (const KerasOutput[]){in, gate}, 2, &out);
    return out;
}

/* ---- All ---- */

static const struct {
    const Layer *layer;
    KerasTranslate *translate;
} translations[] = {
    {&layer_conv, export_conv},
    {&layer_depthwise, export_depthwise},
    {&layer_transposed, export_transposed},
    {&layer_dense, export_dense},
    {&layer_maxpool, export_maxpool},
    {&layer_avgpool, export_avgpool},
    {&layer_globalpool, export_globalpool},
    {&layer_flatten, export_flatten},
    {&layer_reshape, export_reshape},
    {&layer_pad, export_pad},
    {&layer_crop, export_crop},
    {&layer_upsample, export_upsample},
    {&layer_batchnorm, export_batchnorm},
    {&layer_layernorm, export_layernorm},
    {&layer_groupnorm, export_groupnorm},
    {&layer_relu, export_activation},
    {&layer_relu6, export_activation},
    {&layer_leaky, export_leaky},
    {&layer_elu, export_elu},
    {&layer_gelu, export_activation},
    {&layer_silu, export_activation},
    {&layer_mish, export_activation},
    {&layer_hswish, export_activation},
    {&layer_hsigmoid, export_activation},
    {&layer_sigmoid, export_activation},
    {&layer_tanh, export_activation},
    {&layer_softmax, export_activation},
    {&layer_concat, export_concat},
    {&layer_squeeze_excite, export_squeeze_excite},
    {&layer_rescale, export_rescale},
    {&layer_layer_scale, export_layer_scale},
};

KerasTranslate *keras_translation(const Layer *layer)
{
    for (size_t i = 0; i < COUNT(translations); i++)
        if (translations[i].layer == layer)
            return translations[i].translate;
    return NULL;
}
