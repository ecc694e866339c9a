/* Convolutions, dense layers and pools of Keras. Its kernels lie as cnnc's do. */
#include <string.h>

#include "compiler/exchange/keras_use.h"
#include "compiler/ops/window.h"

static void pad_same(WindowSpec *spec, ValueShape shape)
{
    for (int d = 0; d < 2; d++) {
        Side side = {.window = spec->window[d],
                     .stride = spec->stride[d],
                     .dilation = spec->dilation[d],
                     .extent = d ? shape.width : shape.height};
        side_pad_same(&side);
        spec->pad[2 * d] = side.before;
        spec->pad[2 * d + 1] = side.after;
    }
}

/* The window of a layer over a value; false after an error. Extents that are too large are refused later, but
 * must not overflow here. */
static bool read_window(KerasUse *use, int in, const char *window, WindowSpec *spec)
{
    static const char *const keys[] = {"strides", "dilation_rate"};
    int64_t *pairs[] = {spec->stride, spec->dilation};
    keras_integers(use, window, 2, spec->window);
    for (int i = 0; i < 2; i++)
        keras_integers(use, keys[i], 2, pairs[i]);
    if (!keras_is(use, "data_format", "channels_last"))
        keras_refuse(use, "its channels come first; save it with channels_last");
    if (!keras_is(use, "padding", "valid same"))
        keras_refuse(use, "its padding is neither 'valid' nor 'same'");
    for (int d = 0; d < 2 && keras_good(use); d++)
        if (spec->window[d] < 1 || spec->window[d] > (1 << 24) || spec->stride[d] < 1 ||
            spec->stride[d] > (1 << 24) || spec->dilation[d] < 1 || spec->dilation[d] > (1 << 24))
            keras_refuse(use, "its window, strides or dilation are below 1, or too large");
    if (keras_good(use) && strcmp(keras_text(use, "padding", "valid"), "same") == 0)
        pad_same(spec, network_shape(use->import->network, in));
    return keras_good(use);
}

/* A number of filters or units; 0 after an error. */
static int64_t read_count(KerasUse *use, const char *key, int64_t preset)
{
    int64_t count = keras_integer(use, key, preset);
    if (keras_good(use) && (count < 1 || count > (1 << 24)))
        keras_refuse(use, "it has less than one filter, group or unit, or too many");
    return keras_good(use) ? count : 0;
}

static int add_conv(KerasUse *use, int in, const WindowSpec *spec, int64_t filters, int64_t groups,
                    const KerasTensors *tensors, bool bias)
{
    int out = network_conv(use->import->network, in, use->name, spec, filters, groups, NULL, NULL, bias);
    return keras_fill(use, tensors, out);
}

int keras_conv(KerasUse *use)
{
    int in = keras_picture(use);
    WindowSpec spec = WINDOW_NONE;
    KerasTensors tensors = {0};
    if (in < 0 || !read_window(use, in, "kernel_size", &spec))
        return -1;
    int64_t filters = read_count(use, "filters", 0), groups = read_count(use, "groups", 1),
            channels = network_shape(use->import->network, in).channels;
    bool bias = keras_flag(use, "use_bias", true);
    if (!keras_good(use))
        return -1;
    if (channels % groups)
        return keras_refuse(use, "its input's channels do not fall into its groups");
    keras_add_tensor(&tensors, "kernel", "kernel", 4,
                     (const int64_t[]){spec.window[0], spec.window[1], channels / groups, filters});
    if (bias)
        keras_add_tensor(&tensors, "bias", "bias", 1, &filters);
    if (!keras_expect(use, &tensors))
        return -1;
    return keras_activation(use, add_conv(use, in, &spec, filters, groups, &tensors, bias));
}

/* Channel c * multiplier + m is filter m of channel c, here as there. */
int keras_depthwise(KerasUse *use)
{
    int in = keras_picture(use);
    WindowSpec spec = WINDOW_NONE;
    KerasTensors tensors = {0};
    if (in < 0 || !read_window(use, in, "kernel_size", &spec))
        return -1;
    int64_t multiplier = read_count(use, "depth_multiplier", 1),
            channels = network_shape(use->import->network, in).channels, filters = channels * multiplier;
    bool bias = keras_flag(use, "use_bias", true);
    keras_add_tensor(&tensors, use->import->old ? "depthwise_kernel" : "kernel", "kernel", 4,
                     (const int64_t[]){spec.window[0], spec.window[1], channels, multiplier});
    if (bias)
        keras_add_tensor(&tensors, "bias", "bias", 1, &filters);
    if (!keras_expect(use, &tensors))
        return -1;
    return keras_activation(use, add_conv(use, in, &spec, filters, channels, &tensors, bias));
}

/* Two layers, each with its kernel: variables 0 and 1. */
int keras_separable(KerasUse *use)
{
    Network *network = use->import->network;
    int in = keras_picture(use);
    WindowSpec spec = WINDOW_NONE;
    const WindowSpec point = WINDOW_NONE;
    KerasTensors tensors = {0};
    if (in < 0 || !read_window(use, in, "kernel_size", &spec))
        return -1;
    int64_t filters = read_count(use, "filters", 0), multiplier = read_count(use, "depth_multiplier", 1),
            channels = network_shape(network, in).channels, inner = channels * multiplier;
    bool bias = keras_flag(use, "use_bias", true);
    keras_add_tensor(&tensors, "depthwise_kernel", "kernel", 4,
                     (const int64_t[]){spec.window[0], spec.window[1], channels, multiplier});
    keras_add_tensor(&tensors, "pointwise_kernel", NULL, 4, (const int64_t[]){1, 1, inner, filters});
    if (bias)
        keras_add_tensor(&tensors, "bias", NULL, 1, &filters);
    if (!keras_expect(use, &tensors))
        return -1;
    KerasTensors first = tensors;
    first.count = 1;
    int depthwise = network_conv(network, in, arena_printf(use->import->arena, "%s_depthwise", use->name),
                                 &spec, inner, channels, NULL, NULL, false);
    depthwise = keras_fill(use, &first, depthwise);
    tensors.items[0].part = NULL;
    tensors.items[1].part = "kernel";
    tensors.items[2].part = "bias";
    return keras_activation(use, add_conv(use, depthwise, &point, filters, 1, &tensors, bias));
}

/* Keras' kernel is [height, width, filters, channels]; as of ONNX, network_transposed wants [channels,
 * filters, height, width]. */
int keras_transposed(KerasUse *use)
{
    Network *network = use->import->network;
    int in = keras_picture(use);
    WindowSpec spec = WINDOW_NONE;
    KerasTensors tensors = {0};
    if (in < 0 || !read_window(use, in, "kernel_size", &spec))
        return -1;
    int64_t filters = read_count(use, "filters", 0), channels = network_shape(network, in).channels,
            points = spec.window[0] * spec.window[1];
    bool bias = keras_flag(use, "use_bias", true);
    memset(spec.pad, 0, sizeof spec.pad);
    bool same = strcmp(keras_text(use, "padding", "valid"), "same") == 0;
    for (int d = 0; d < 2; d++) {
        int64_t pad = spec.window[d] - spec.stride[d];
        if (pad < 0)
            return keras_refuse(use, "its strides are larger than its window");
        spec.pad[2 * d] = same ? pad / 2 : 0;
        spec.pad[2 * d + 1] = same ? pad - pad / 2 : 0;
    }
    if (keras_item(use, "output_padding") || spec.dilation[0] > 1 || spec.dilation[1] > 1)
        return keras_refuse(use, "it has an output_padding, or a dilation");
    keras_add_tensor(&tensors, "kernel", NULL, 4,
                     (const int64_t[]){spec.window[0], spec.window[1], filters, channels});
    if (bias)
        keras_add_tensor(&tensors, "bias", NULL, 1, &filters);
    if (!keras_expect(use, &tensors))
        return -1;
    const float *from = keras_values(use, &tensors, 0);
    float *kernel = from ? NEW_ARRAY(use->import->arena, float, points *filters *channels) : NULL;
    for (int64_t k = 0; kernel && k < points; k++)
        for (int64_t i = 0; i < filters * channels; i++)
            kernel[(i % channels * filters + i / channels) * points + k] = from[k * filters * channels + i];
    const float *values = bias ? keras_values(use, &tensors, 1) : NULL;
    if (!keras_good(use))
        return -1;
    return keras_activation(use,
                            network_transposed(network, in, use->name, &spec, filters, kernel, values, bias));
}

/* Of a picture, Keras' dense layer works on each pixel: a convolution of 1x1. */
int keras_dense(KerasUse *use)
{
    Network *network = use->import->network;
    const WindowSpec point = WINDOW_NONE;
    KerasTensors tensors = {0};
    int in = keras_value(use);
    int64_t units = read_count(use, "units", 0);
    bool bias = keras_flag(use, "use_bias", true);
    if (in < 0 || !keras_good(use))
        return -1;
    bool picture = keras_is_picture(use, in);
    keras_add_tensor(
        &tensors, "kernel", "kernel", 2,
        (const int64_t[]){picture ? network_shape(network, in).channels : network_elements(network, in),
                          units});
    if (bias)
        keras_add_tensor(&tensors, "bias", "bias", 1, &units);
    if (!keras_expect(use, &tensors))
        return -1;
    if (picture)
        return keras_activation(use, add_conv(use, in, &point, units, 1, &tensors, bias));
    return keras_activation(
        use, keras_fill(use, &tensors, network_dense(network, in, use->name, units, NULL, NULL, bias)));
}

int keras_pool(KerasUse *use)
{
    int in = keras_picture(use);
    WindowSpec spec = {{2, 2}, {0, 0}, {1, 1}, {0}};
    keras_integers(use, "pool_size", 2, spec.window);
    memcpy(spec.stride, spec.window, sizeof spec.stride);
    if (in < 0 || !read_window(use, in, "pool_size", &spec))
        return -1;
    return network_pool(use->import->network, in, strncmp(use->kind, "Max", 3) == 0 ? "maxpool" : "avgpool",
                        &spec);
}

int keras_globalpool(KerasUse *use)
{
    Network *network = use->import->network;
    int in = keras_picture(use);
    bool keep = keras_flag(use, "keepdims", false);
    if (!keras_is(use, "data_format", "channels_last"))
        return keras_refuse(use, "its channels come first; save it with channels_last");
    if (in < 0 || !keras_good(use))
        return -1;
    int out = network_globalpool(network, in, strncmp(use->kind, "GlobalMax", 9) == 0 ? "max" : "avg");
    return keep ? network_picture(network, out) : out;
}
