#include "compiler/exchange/network.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"

enum {
    EXTENT_MAX = 1 << 24,
    WINDOW_MAX = 1024,
    POOL_WINDOW_MAX = 16,
    POOL_STRIDE_MAX = 8,
    NAME_MAX_BYTES = 100
};
#define ELEMENTS_MAX (INT64_C(1) << 31)

int network_refuse(Network *network, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    diag_error(network->diag, network->at, "not-imported", "%s%s", network->where ? network->where : "",
               text);
    return -1;
}

const char *network_plain_name(Arena *arena, const char *name, const char *otherwise)
{
    Text text = {.arena = arena};
    for (const char *c = name; *c && text.length < NAME_MAX_BYTES - 8; c++) {
        bool plain = isalnum((unsigned char)*c) || *c == '_' || *c == '-';
        if (text.length == 0 && !isalpha((unsigned char)*c))
            continue; /* begins with a letter */
        if (plain || text_string(&text)[text.length - 1] != '_')
            text_append(&text, plain ? c : "_", 1);
    }
    while (text.length > 0 && text.bytes[text.length - 1] == '_')
        text.bytes[--text.length] = '\0';
    return text.length > 0 ? text_string(&text) : otherwise;
}

/* Whether a value can be counted; more could not be computed anyway. */
static bool is_small(Network *network, ValueShape shape)
{
    if (shape.height <= EXTENT_MAX && shape.width <= EXTENT_MAX && shape.channels <= EXTENT_MAX &&
        shape.height * shape.width <= ELEMENTS_MAX / shape.channels)
        return true;
    network_refuse(network, "a value of %" PRId64 "x%" PRId64 "x%" PRId64 " is too large", shape.height,
                   shape.width, shape.channels);
    return false;
}

/* A layer behind `in`; the caller fills it in, before the next is added. */
static NetworkLayer *add(Network *network, const char *word, const char *args, int in, ValueShape shape)
{
    NetworkLayer *layer = vec_push(network->arena, &network->layers);
    *layer = (NetworkLayer){.word = word, .args = args, .shape = shape};
    if (in >= 0)
        *vec_push(network->arena, &layer->in) = in;
    return layer;
}

static int last(const Network *network)
{
    return (int)network->layers.count - 1;
}

const char *network_number(Arena *arena, double number)
{
    char text[40];
    for (int precision = 1; precision <= 9; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, number);
        if ((float)strtod(text, NULL) == (float)number)
            break;
    }
    const char *exponent = strchr(text, 'e');
    if (!exponent)
        return arena_text(arena, text, strlen(text));
    const char *digits = exponent + strspn(exponent, "e+-0");
    return arena_printf(arena, "%.*se%s%s", (int)(exponent - text), text, exponent[1] == '-' ? "-" : "",
                        digits);
}

static const char *pair_text(Arena *arena, const int64_t pair[2])
{
    return pair[0] == pair[1] ? arena_printf(arena, "%" PRId64, pair[0])
                              : arena_printf(arena, "%" PRId64 "x%" PRId64, pair[0], pair[1]);
}

static LayerTensor *add_tensor(Network *network, NetworkLayer *layer, const char *part, int rank,
                               const int64_t *dim)
{
    LayerTensor *tensor = &layer->tensors[layer->tensor_count++];
    size_t elements = 1;
    *tensor = (LayerTensor){.part = part, .rank = rank};
    for (int i = 0; i < rank; i++) {
        tensor->dim[i] = dim[i];
        elements *= (size_t)dim[i];
    }
    if (network->has_weights)
        tensor->value = NEW_ARRAY(network->arena, float, elements);
    return tensor;
}

static void add_vector(Network *network, NetworkLayer *layer, const char *part, int64_t count,
                       const float *value)
{
    LayerTensor *tensor = add_tensor(network, layer, part, 1, &count);
    if (tensor->value && value)
        memcpy(tensor->value, value, (size_t)count * sizeof *value);
}

/* ---- What keeps the shape ---- */

int network_input(Network *network, int64_t height, int64_t width, int64_t channels)
{
    if (height < 1 || width < 1 || channels < 1 || height > EXTENT_MAX || width > EXTENT_MAX ||
        channels > EXTENT_MAX)
        return network_refuse(network, "an input of %" PRId64 "x%" PRId64 "x%" PRId64 " is no picture",
                              height, width, channels);
    if (!is_small(network, (ValueShape){height, width, channels, false}))
        return -1;
    add(network, "input",
        arena_printf(network->arena, "%" PRId64 "x%" PRId64 "x%" PRId64, height, width, channels), -1,
        (ValueShape){height, width, channels, false});
    return last(network);
}

int network_plain(Network *network, int in, const char *word, const char *args)
{
    if (in < 0)
        return -1;
    add(network, word, args, in, network_shape(network, in));
    return last(network);
}

int network_softmax(Network *network, int in)
{
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    if (!shape.flat && shape.height * shape.width > 1)
        return network_refuse(
            network, "a softmax over all values of a picture; 'softmax' of a picture is that of each pixel");
    return network_plain(network, network_flatten(network, in), "softmax", "");
}

int network_rescale(Network *network, int in, double scale, double offset)
{
    if (in < 0)
        return -1;
    if (scale == 1 && offset == 0)
        return in;
    const NetworkLayer *before = &network->layers.items[in];
    if (strcmp(before->word, "rescale") == 0) { /* both at once */
        offset += scale * before->offset;
        scale *= before->scale;
        in = before->in.items[0];
    }
    if (!isfinite(scale) || !isfinite(offset))
        return network_refuse(network, "a factor or a term that is not finite");
    if (scale == 1 && offset == 0)
        return in;
    Text args = {.arena = network->arena};
    text_printf(&args, "%s", network_number(network->arena, scale));
    if (offset != 0)
        text_printf(&args, ", offset=%s", network_number(network->arena, offset));
    NetworkLayer *layer = add(network, "rescale", text_string(&args), in, network_shape(network, in));
    layer->scale = scale;
    layer->offset = offset;
    return last(network);
}

int network_layer_scale(Network *network, int in, const char *name, const float *gamma)
{
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    if (shape.flat && shape.height * shape.width > 1)
        return network_refuse(
            network, "factors of the channels of a flattened picture; put them before the flattening");
    NetworkLayer *layer = add(network, "layer_scale", "1", in, shape);
    layer->name = name;
    add_vector(network, layer, "gamma", shape.channels, gamma);
    return last(network);
}

int network_batchnorm(Network *network, int in, const char *name, double eps, double momentum,
                      const float *const values[4])
{
    static const char *const parts[] = {"gamma", "beta", "mean", "variance"};
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    if (!(eps > 0 && eps <= 1) || !(momentum >= 0 && momentum <= 1))
        return network_refuse(
            network,
            "a batch normalization with eps %g and momentum %g; cnnc's go from above 0, and from "
            "0, to 1",
            eps, momentum);
    if (shape.flat && shape.height * shape.width > 1)
        return network_refuse(network,
                              "a batch normalization of a flattened picture; put it before the flattening");
    Text args = {.arena = network->arena};
    if (momentum != 0.99)
        text_printf(&args, "momentum=%s, ", network_number(network->arena, momentum));
    text_printf(&args, "eps=%s", network_number(network->arena, eps));
    NetworkLayer *layer = add(network, "batchnorm", text_string(&args), in, shape);
    layer->name = name;
    for (int i = 0; i < 4; i++)
        add_vector(network, layer, parts[i], shape.channels, values[i]);
    return last(network);
}

/* ---- Windows ---- */

/* Checks a window over a picture, and finds its output. The bottom and the right pad may be below 0: then
 * rows are not read, as none is that the last window does not reach. */
static bool window_fits(Network *network, const WindowSpec *spec, ValueShape in, int64_t out[2])
{
    int64_t extent[2] = {in.height, in.width};
    for (int d = 0; d < 2; d++) {
        int64_t before = spec->pad[2 * d], behind = spec->pad[2 * d + 1];
        if (spec->window[d] < 1 || spec->window[d] > WINDOW_MAX || spec->stride[d] < 1 ||
            spec->stride[d] > WINDOW_MAX || spec->dilation[d] < 1 || spec->dilation[d] > WINDOW_MAX ||
            before < 0 || before > WINDOW_MAX || behind < -WINDOW_MAX || behind > WINDOW_MAX) {
            network_refuse(network,
                           "a window of %" PRId64 "x%" PRId64 " with stride %" PRId64 "x%" PRId64
                           ": each must go from 1 to %d, and the padding from 0",
                           spec->window[0], spec->window[1], spec->stride[0], spec->stride[1], WINDOW_MAX);
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
        text_printf(args, ", stride=%s", pair_text(arena, spec->stride));
    if (pad[0] == pad[1] && pad[0] == pad[2] && pad[0] == pad[3]) {
        if (pad[0] > 0)
            text_printf(args, ", pad=%" PRId64, pad[0]);
    } else {
        text_printf(args, ", pad=[%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "]", pad[0], pad[1],
                    pad[2], pad[3]);
    }
    if (spec->dilation[0] > 1 || spec->dilation[1] > 1)
        text_printf(args, ", dilation=%s", pair_text(arena, spec->dilation));
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
    if (!is_small(network, (ValueShape){out[0], out[1], filters, false}))
        return -1;
    bool depthwise = groups > 1 && groups == shape.channels && filters / groups <= WINDOW_MAX;
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
    NetworkLayer *layer = add(network, depthwise ? "depthwise" : "conv", text_string(&args), in,
                              (ValueShape){out[0], out[1], filters, false});
    layer->name = name;
    layer->may_bias = true;
    layer->has_bias = has_bias;
    int64_t dim[4] = {height, width, depthwise ? groups : inner, depthwise ? filters / groups : filters};
    float *value = add_tensor(network, layer, "kernel", 4, dim)->value;
    for (int64_t f = 0; value && f < filters; f++)
        for (int64_t c = 0; c < inner; c++)
            for (int64_t k = 0; k < height * width; k++)
                value[(k * inner + c) * filters + f] = kernel[(f * inner + c) * height * width + k];
    if (has_bias)
        add_vector(network, layer, "bias", filters, bias);
    return last(network);
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
    if (out[0] < 1 || out[1] < 1 || height < 1 || width < 1 || height > WINDOW_MAX || width > WINDOW_MAX ||
        filters < 1)
        return network_refuse(network,
                              "a transposed convolution with a window of %" PRId64 "x%" PRId64
                              ", of which its padding leaves nothing",
                              height, width);
    if (!is_small(network, (ValueShape){out[0], out[1], filters, false}))
        return -1;
    Text args = {.arena = network->arena};
    text_printf(&args, "%" PRId64 ", %s", filters, window_text(network->arena, spec->window));
    window_args(&args, spec, false);
    NetworkLayer *layer =
        add(network, "transposed", text_string(&args), in, (ValueShape){out[0], out[1], filters, false});
    layer->name = name;
    layer->may_bias = true;
    layer->has_bias = has_bias;
    int64_t dim[4] = {height, width, shape.channels, filters};
    float *value = add_tensor(network, layer, "kernel", 4, dim)->value;
    for (int64_t c = 0; value && c < shape.channels; c++)
        for (int64_t f = 0; f < filters; f++)
            for (int64_t k = 0; k < height * width; k++)
                value[(k * shape.channels + c) * filters + f] =
                    kernel[(c * filters + f) * height * width + k];
    if (has_bias)
        add_vector(network, layer, "bias", filters, bias);
    return last(network);
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
    text_printf(&args, "%s", pair_text(network->arena, spec.window));
    window_args(&args, &spec, true);
    add(network, word, text_string(&args), in, (ValueShape){out[0], out[1], shape.channels, false});
    return last(network);
}

int network_bias(Network *network, int in, const float *bias)
{
    if (in < 0)
        return -1;
    NetworkLayer *layer = &network->layers.items[in];
    if (!layer->may_bias || layer->has_bias)
        BUG("a bias behind '%s'", layer->word);
    layer->has_bias = true;
    add_vector(network, layer, "bias", layer->shape.channels, bias);
    return in;
}

/* ---- Other shapes ---- */

int network_globalpool(Network *network, int in, const char *kind)
{
    in = network_picture(network, in);
    if (in < 0)
        return -1;
    add(network, "globalpool", kind, in, (ValueShape){1, 1, network_shape(network, in).channels, true});
    return last(network);
}

int network_flatten(Network *network, int in)
{
    if (in < 0)
        return -1;
    NetworkLayer *layer = &network->layers.items[in];
    ValueShape shape = layer->shape;
    if (shape.flat)
        return in;
    if (strcmp(layer->word, "reshape") == 0 && shape.height * shape.width == 1)
        return layer->in.items[0]; /* network_picture made a picture of this vector */
    shape.flat = true;
    add(network, "flatten", "", in, shape);
    return last(network);
}

int network_flatten_pixels(Network *network, int in)
{
    int out = network_flatten(network, in);
    if (out < 0)
        return -1;
    ValueShape *shape = &network->layers.items[out].shape;
    *shape = (ValueShape){1, 1, shape->height * shape->width * shape->channels, true};
    return out;
}

int network_picture(Network *network, int in)
{
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    if (!shape.flat)
        return in;
    if (shape.height * shape.width > 1)
        return network_refuse(network, "a flattened picture is read as a picture again");
    shape.flat = false;
    add(network, "reshape", arena_printf(network->arena, "1x1x%" PRId64, shape.channels), in, shape);
    return last(network);
}

int network_dense(Network *network, int in, const char *name, int64_t units, const float *kernel,
                  const float *bias, bool has_bias)
{
    in = network_flatten(network, in);
    if (in < 0)
        return -1;
    ValueShape from = network_shape(network, in);
    int64_t pixels = from.height * from.width, count = pixels * from.channels;
    if (units < 1 || units > EXTENT_MAX)
        return network_refuse(network, "a dense layer of %" PRId64 " outputs", units);
    NetworkLayer *layer = add(network, "dense", arena_printf(network->arena, "%" PRId64, units), in,
                              (ValueShape){1, 1, units, true});
    layer->name = name;
    layer->may_bias = true;
    layer->has_bias = has_bias;
    int64_t dim[2] = {count, units};
    float *value = add_tensor(network, layer, "kernel", 2, dim)->value;
    for (int64_t u = 0; value && u < units; u++)
        for (int64_t c = 0; c < from.channels; c++)
            for (int64_t p = 0; p < pixels; p++)
                value[(p * from.channels + c) * units + u] = kernel[u * count + c * pixels + p];
    if (has_bias)
        add_vector(network, layer, "bias", units, bias);
    return last(network);
}

int network_upsample(Network *network, int in, int64_t height, int64_t width, const char *method)
{
    const int64_t factor[2] = {height, width};
    in = network_picture(network, in);
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    if (height < 1 || width < 1 || height > 64 || width > 64)
        return network_refuse(network,
                              "pixels are repeated %" PRId64 "x%" PRId64 " times; 'upsample' goes to 64",
                              height, width);
    if (!is_small(network, (ValueShape){shape.height * height, shape.width * width, shape.channels, false}))
        return -1;
    add(network, "upsample",
        arena_printf(network->arena, strcmp(method, "nearest") == 0 ? "%s" : "%s, %s",
                     pair_text(network->arena, factor), method),
        in, (ValueShape){shape.height * height, shape.width * width, shape.channels, false});
    return last(network);
}

int network_margin(Network *network, int in, const char *word, const int64_t margin[4])
{
    int sign = strcmp(word, "pad") == 0 ? 1 : -1;
    in = network_picture(network, in);
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    bool good = true;
    for (int i = 0; i < 4; i++)
        good = good && margin[i] >= 0 && margin[i] <= WINDOW_MAX;
    if (good) {
        shape.height += sign * (margin[0] + margin[1]);
        shape.width += sign * (margin[2] + margin[3]);
    }
    if (!good || shape.height < 1 || shape.width < 1)
        return network_refuse(network,
                              "margins of %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
                              " pixels, of which 'pad' and 'crop' take 0 to %d",
                              margin[0], margin[1], margin[2], margin[3], WINDOW_MAX);
    if (!is_small(network, shape))
        return -1;
    NetworkLayer *layer =
        add(network, word,
            arena_printf(network->arena, "[%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "]", margin[0],
                         margin[1], margin[2], margin[3]),
            in, shape);
    memcpy(layer->margin, margin, sizeof layer->margin);
    return last(network);
}

int network_split(Network *network, int in, int64_t count, int64_t first)
{
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    if (shape.flat && shape.height * shape.width > 1)
        return network_refuse(network, "a part of a flattened picture");
    if (count < 1 || first < 0 || first > shape.channels || count > shape.channels - first)
        return network_refuse(network, "channels %" PRId64 " to %" PRId64 " of %" PRId64, first,
                              first + count - 1, shape.channels);
    Text args = {.arena = network->arena};
    text_printf(&args, "%" PRId64, count);
    if (first > 0)
        text_printf(&args, ", first=%" PRId64, first);
    shape.channels = count;
    add(network, "split", text_string(&args), in, shape);
    return last(network);
}

int network_shuffle(Network *network, int in, int64_t groups)
{
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    if (groups < 1 || shape.channels % groups || shape.flat)
        return network_refuse(network, "a shuffle of %" PRId64 " channels in %" PRId64 " groups",
                              shape.channels, groups);
    add(network, "shuffle", arena_printf(network->arena, "%" PRId64, groups), in, shape);
    return last(network);
}

/* The shape of joined values; false where they do not fit. */
static bool join_shape(const char *word, ValueShape *shape, ValueShape other)
{
    bool concat = strcmp(word, "concat") == 0, mul = strcmp(word, "mul") == 0;
    bool same = shape->height == other.height && shape->width == other.width && shape->flat == other.flat;
    if (concat) {
        shape->channels += other.channels;
        return same && !(shape->flat && shape->height * shape->width > 1);
    }
    if (same && shape->channels == other.channels)
        return true;
    if (!mul || shape->flat || other.flat || shape->channels != other.channels)
        return false;
    if (shape->height * shape->width == 1)
        *shape = other;
    return other.height * other.width == 1 || (shape->height == other.height && shape->width == other.width);
}

int network_join(Network *network, const char *word, const int *in, int count)
{
    int *value = NEW_ARRAY(network->arena, int, count);
    bool any_picture = false;
    for (int i = 0; i < count; i++) {
        if (in[i] < 0)
            return -1;
        any_picture |= !network_shape(network, in[i]).flat;
    }
    for (int i = 0; i < count; i++) {
        value[i] = any_picture ? network_picture(network, in[i]) : in[i];
        if (value[i] < 0)
            return -1;
    }
    ValueShape shape = network_shape(network, value[0]);
    for (int i = 1; i < count; i++) {
        ValueShape before = shape, other = network_shape(network, value[i]);
        if (!join_shape(word, &shape, other))
            return network_refuse(network,
                                  "'%s' cannot join values of %" PRId64 "x%" PRId64 "x%" PRId64
                                  " and %" PRId64 "x%" PRId64 "x%" PRId64,
                                  word, before.height, before.width, before.channels, other.height,
                                  other.width, other.channels);
    }
    if (!is_small(network, shape))
        return -1;
    NetworkLayer *layer = add(network, word, "", -1, shape);
    for (int i = 0; i < count; i++)
        *vec_push(network->arena, &layer->in) = value[i];
    return last(network);
}

bool network_finish(Network *network, int output)
{
    if (output < 0)
        return false;
    ValueShape shape = network_shape(network, output);
    if (shape.height * shape.width > 1) {
        network_refuse(network,
                       "the network ends with a picture of %" PRId64 "x%" PRId64 "x%" PRId64
                       "; only those that end with a vector can be trained here",
                       shape.height, shape.width, shape.channels);
        return false;
    }
    network->output = network_flatten(network, output);
    return true;
}
