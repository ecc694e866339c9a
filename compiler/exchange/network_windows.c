/* Layers with windows over a picture: convolutions and pools. */
#include <inttypes.h>
#include <string.h>

#include "compiler/exchange/network_parts.h"

enum { POOL_WINDOW_MAX = 16, POOL_STRIDE_MAX = 8 };

/* Checks a window over a picture, and finds its output. The bottom and the right pad may be below 0: then
 * rows are not read, as none is that the last window does not reach. */
static bool window_fits(Network *network, const WindowSpec *spec, ValueShape in, int64_t out[2])
{
    int64_t extent[2] = {in.height, in.width};
    for (int d = 0; d < 2; d++) {
        int64_t before = spec->pad[2 * d], behind = spec->pad[2 * d + 1];
        if (spec->window[d] < 1 || spec->window[d] > NETWORK_WINDOW_MAX || spec->stride[d] < 1 ||
            spec->stride[d] > NETWORK_WINDOW_MAX || spec->dilation[d] < 1 ||
            spec->dilation[d] > NETWORK_WINDOW_MAX || before < 0 || before > NETWORK_WINDOW_MAX ||
            behind < -NETWORK_WINDOW_MAX || behind > NETWORK_WINDOW_MAX) {
            network_refuse(network,
                           "a window of %" PRId64 "x%" PRId64 " with stride %" PRId64 "x%" PRId64
                           ": each must go from 1 to %d, and the padding from 0",
                           spec->window[0], spec->window[1], spec->stride[0], spec->stride[1],
                           NETWORK_WINDOW_MAX);
            return false;
        }
        int64_t reach = (spec->window[d] - 1) * spec->dilation[d] + 1,
                room = extent[d] + before + behind - reach;
        if (room < 0) {
            network_refuse(network,
                           "a window of %" PRId64 "x%" PRId64 " is larger than its input of %" PRId64
                           "x%" PRId64 " with its padding",
                           spec->window[0], spec->window[1], in.height, in.width);
            return false;
        }
        out[d] = room / spec->stride[d] + 1;
    }
    return true;
}

/* The arguments behind the window. A pad below 0 is none: what it leaves out, the last window does not reach.
 */
static void window_args(Text *args, const WindowSpec *spec, bool pool)
{
    Arena *arena = args->arena;
    int64_t pad[4];
    for (int i = 0; i < 4; i++)
        pad[i] = spec->pad[i] > 0 ? spec->pad[i] : 0;
    bool same_stride = pool && memcmp(spec->stride, spec->window, sizeof spec->stride) == 0;
    if (pool ? !same_stride : spec->stride[0] > 1 || spec->stride[1] > 1)
        text_printf(args, ", stride=%s", network_pair_text(arena, spec->stride));
    if (pad[0] == pad[1] && pad[0] == pad[2] && pad[0] == pad[3]) {
        if (pad[0] > 0)
            text_printf(args, ", pad=%" PRId64, pad[0]);
    } else {
        text_printf(args, ", pad=[%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "]", pad[0], pad[1],
                    pad[2], pad[3]);
    }
    if (spec->dilation[0] > 1 || spec->dilation[1] > 1)
        text_printf(args, ", dilation=%s", network_pair_text(arena, spec->dilation));
}

static const char *window_text(Arena *arena, const int64_t window[2])
{
    return arena_printf(arena, "%" PRId64 "x%" PRId64, window[0], window[1]);
}

/* A pad below 0 must leave out only what no window reaches: rows are cropped first where it leaves out more.
 */
static int crop_unread(Network *network, int in, WindowSpec *spec)
{
    int64_t margin[4] = {0};
    bool any = false;
    for (int d = 0; d < 2; d++) {
        int64_t behind = spec->pad[2 * d + 1],
                extent = d ? network_shape(network, in).width : network_shape(network, in).height;
        int64_t reach = (spec->window[d] - 1) * spec->dilation[d] + 1,
                whole = extent + spec->pad[2 * d] - reach;
        if (behind >= 0 || (whole + behind) / spec->stride[d] == whole / spec->stride[d])
            continue;
        margin[2 * d + 1] = -behind;
        spec->pad[2 * d + 1] = 0;
        any = true;
    }
    return any ? network_margin(network, in, "crop", margin) : in;
}

/* Zeros around a picture are those of the convolution that reads it. */
static int take_margin(const Network *network, int in, WindowSpec *spec)
{
    const NetworkLayer *layer = &network->layers.items[in];
    if (strcmp(layer->word, "pad") != 0)
        return in;
    for (int i = 0; i < 4; i++)
        spec->pad[i] += layer->margin[i];
    return layer->in.items[0];
}

int network_conv(Network *network, int in, const char *name, const WindowSpec *given, int64_t filters,
                 int64_t groups, const float *kernel, const float *bias, bool has_bias)
{
    int64_t out[2];
    WindowSpec spec = *given;
    in = network_picture(network, in);
    if (in >= 0)
        in = take_margin(network, in, &spec);
    if (in < 0 || !window_fits(network, &spec, network_shape(network, in), out))
        return -1;
    in = crop_unread(network, in, &spec);
    ValueShape shape = network_shape(network, in);
    if (groups < 1 || filters < 1 || filters > (1 << 20) || shape.channels % groups || filters % groups)
        return network_refuse(
            network, "a convolution of %" PRId64 " channels with %" PRId64 " filters in %" PRId64 " groups",
            shape.channels, filters, groups);
    if (!network_is_small(network, (ValueShape){out[0], out[1], filters, false}))
        return -1;
    bool depthwise = groups > 1 && groups == shape.channels && filters / groups <= NETWORK_WINDOW_MAX;
    int64_t inner = shape.channels / groups, height = spec.window[0], width = spec.window[1];
    Text args = {.arena = network->arena};
    if (!depthwise)
        text_printf(&args, "%" PRId64 ", ", filters);
    text_printf(&args, "%s", window_text(network->arena, spec.window));
    if (depthwise && filters > groups)
        text_printf(&args, ", multiplier=%" PRId64, filters / groups);
    window_args(&args, &spec, false);
    if (!depthwise && groups > 1)
        text_printf(&args, ", groups=%" PRId64, groups);
    NetworkLayer *layer = network_add(network, depthwise ? "depthwise" : "conv", text_string(&args), in,
                                      (ValueShape){out[0], out[1], filters, false});
    layer->name = name;
    layer->may_bias = true;
    layer->has_bias = has_bias;
    int64_t dim[4] = {height, width, depthwise ? groups : inner, depthwise ? filters / groups : filters};
    float *value = network_add_tensor(network, layer, "kernel", 4, dim)->value;
    for (int64_t f = 0; value && kernel && f < filters; f++)
        for (int64_t c = 0; c < inner; c++)
            for (int64_t k = 0; k < height * width; k++)
                value[(k * inner + c) * filters + f] = kernel[(f * inner + c) * height * width + k];
    if (has_bias)
        network_add_vector(network, layer, "bias", filters, bias);
    return network_last(network);
}

int network_transposed(Network *network, int in, const char *name, const WindowSpec *spec, int64_t filters,
                       const float *kernel, const float *bias, bool has_bias)
{
    in = network_picture(network, in);
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    int64_t height = spec->window[0], width = spec->window[1];
    int64_t out[2] = {(shape.height - 1) * spec->stride[0] + height - spec->pad[0] - spec->pad[1],
                      (shape.width - 1) * spec->stride[1] + width - spec->pad[2] - spec->pad[3]};
    if (out[0] < 1 || out[1] < 1 || height < 1 || width < 1 || height > NETWORK_WINDOW_MAX ||
        width > NETWORK_WINDOW_MAX || filters < 1)
        return network_refuse(network,
                              "a transposed convolution with a window of %" PRId64 "x%" PRId64
                              ", of which its padding leaves nothing",
                              height, width);
    if (!network_is_small(network, (ValueShape){out[0], out[1], filters, false}))
        return -1;
    Text args = {.arena = network->arena};
    text_printf(&args, "%" PRId64 ", %s", filters, window_text(network->arena, spec->window));
    window_args(&args, spec, false);
    NetworkLayer *layer = network_add(network, "transposed", text_string(&args), in,
                                      (ValueShape){out[0], out[1], filters, false});
    layer->name = name;
    layer->may_bias = true;
    layer->has_bias = has_bias;
    int64_t dim[4] = {height, width, shape.channels, filters};
    float *value = network_add_tensor(network, layer, "kernel", 4, dim)->value;
    for (int64_t c = 0; value && c < shape.channels; c++)
        for (int64_t f = 0; f < filters; f++)
            for (int64_t k = 0; k < height * width; k++)
                value[(k * shape.channels + c) * filters + f] =
                    kernel[(c * filters + f) * height * width + k];
    if (has_bias)
        network_add_vector(network, layer, "bias", filters, bias);
    return network_last(network);
}

int network_pool(Network *network, int in, const char *word, const WindowSpec *given)
{
    int64_t out[2];
    WindowSpec spec = *given;
    in = network_picture(network, in);
    if (in < 0 || !window_fits(network, &spec, network_shape(network, in), out))
        return -1;
    ValueShape shape = network_shape(network, in);
    bool whole =
        out[0] == 1 && out[1] == 1 && spec.window[0] >= shape.height && spec.window[1] >= shape.width;
    if (whole && spec.window[0] + spec.window[1] == shape.height + shape.width && spec.pad[0] == 0 &&
        spec.pad[2] == 0)
        return network_picture(network,
                               network_globalpool(network, in, strcmp(word, "maxpool") == 0 ? "max" : "avg"));
    for (int d = 0; d < 2; d++)
        if (spec.window[d] > POOL_WINDOW_MAX || spec.stride[d] > POOL_STRIDE_MAX || spec.dilation[d] > 1)
            return network_refuse(network,
                                  "a pool with a window of %" PRId64 "x%" PRId64 ", stride %" PRId64
                                  "x%" PRId64 " and dilation %" PRId64 "x%" PRId64
                                  "; cnnc's have at most %d, %d and 1",
                                  spec.window[0], spec.window[1], spec.stride[0], spec.stride[1],
                                  spec.dilation[0], spec.dilation[1], POOL_WINDOW_MAX, POOL_STRIDE_MAX);
    in = crop_unread(network, in, &spec);
    Text args = {.arena = network->arena};
    text_printf(&args, "%s", network_pair_text(network->arena, spec.window));
    window_args(&args, &spec, true);
    network_add(network, word, text_string(&args), in, (ValueShape){out[0], out[1], shape.channels, false});
    return network_last(network);
}
