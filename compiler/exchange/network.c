#include "compiler/exchange/network.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/exchange/network_parts.h"

enum { NAME_MAX_BYTES = 100 };
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

bool network_is_small(Network *network, ValueShape shape)
{
    if (shape.height <= NETWORK_EXTENT_MAX && shape.width <= NETWORK_EXTENT_MAX &&
        shape.channels <= NETWORK_EXTENT_MAX && shape.height * shape.width <= ELEMENTS_MAX / shape.channels)
        return true;
    network_refuse(network, "a value of %" PRId64 "x%" PRId64 "x%" PRId64 " is too large", shape.height,
                   shape.width, shape.channels);
    return false;
}

NetworkLayer *network_add(Network *network, const char *word, const char *args, int in, ValueShape shape)
{
    NetworkLayer *layer = vec_push(network->arena, &network->layers);
    *layer = (NetworkLayer){.word = word, .args = args, .shape = shape};
    if (in >= 0)
        *vec_push(network->arena, &layer->in) = in;
    return layer;
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

const char *network_pair_text(Arena *arena, const int64_t pair[2])
{
    return pair[0] == pair[1] ? arena_printf(arena, "%" PRId64, pair[0])
                              : arena_printf(arena, "%" PRId64 "x%" PRId64, pair[0], pair[1]);
}

LayerTensor *network_add_tensor(Network *network, NetworkLayer *layer, const char *part, int rank,
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

void network_add_vector(Network *network, NetworkLayer *layer, const char *part, int64_t count,
                        const float *value)
{
    LayerTensor *tensor = network_add_tensor(network, layer, part, 1, &count);
    if (tensor->value && value)
        memcpy(tensor->value, value, (size_t)count * sizeof *value);
}

/* ---- What keeps the shape ---- */

int network_input(Network *network, int64_t height, int64_t width, int64_t channels)
{
    if (height < 1 || width < 1 || channels < 1 || height > NETWORK_EXTENT_MAX ||
        width > NETWORK_EXTENT_MAX || channels > NETWORK_EXTENT_MAX)
        return network_refuse(network, "an input of %" PRId64 "x%" PRId64 "x%" PRId64 " is no picture",
                              height, width, channels);
    if (!network_is_small(network, (ValueShape){height, width, channels, false}))
        return -1;
    network_add(network, "input",
                arena_printf(network->arena, "%" PRId64 "x%" PRId64 "x%" PRId64, height, width, channels), -1,
                (ValueShape){height, width, channels, false});
    return network_last(network);
}

int network_plain(Network *network, int in, const char *word, const char *args)
{
    if (in < 0)
        return -1;
    network_add(network, word, args, in, network_shape(network, in));
    return network_last(network);
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
    NetworkLayer *layer = network_add(network, "rescale", text_string(&args), in, network_shape(network, in));
    layer->scale = scale;
    layer->offset = offset;
    return network_last(network);
}

int network_layer_scale(Network *network, int in, const char *name, const float *gamma)
{
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    if (shape.flat && shape.height * shape.width > 1)
        return network_refuse(
            network, "factors of the channels of a flattened picture; put them before the flattening");
    NetworkLayer *layer = network_add(network, "layer_scale", "1", in, shape);
    layer->name = name;
    network_add_vector(network, layer, "gamma", shape.channels, gamma);
    return network_last(network);
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
    NetworkLayer *layer = network_add(network, "batchnorm", text_string(&args), in, shape);
    layer->name = name;
    for (int i = 0; i < 4; i++)
        network_add_vector(network, layer, parts[i], shape.channels, values[i]);
    return network_last(network);
}

/* ---- Numbers of all inputs ---- */

int network_dense(Network *network, int in, const char *name, int64_t units, const float *kernel,
                  const float *bias, bool has_bias)
{
    in = network_flatten(network, in);
    if (in < 0)
        return -1;
    ValueShape from = network_shape(network, in);
    int64_t pixels = from.height * from.width, count = pixels * from.channels;
    if (units < 1 || units > NETWORK_EXTENT_MAX)
        return network_refuse(network, "a dense layer of %" PRId64 " outputs", units);
    NetworkLayer *layer = network_add(network, "dense", arena_printf(network->arena, "%" PRId64, units), in,
                                      (ValueShape){1, 1, units, true});
    layer->name = name;
    layer->may_bias = true;
    layer->has_bias = has_bias;
    int64_t dim[2] = {count, units};
    float *value = network_add_tensor(network, layer, "kernel", 2, dim)->value;
    for (int64_t u = 0; value && kernel && u < units; u++)
        for (int64_t c = 0; c < from.channels; c++)
            for (int64_t p = 0; p < pixels; p++)
                value[(p * from.channels + c) * units + u] = kernel[u * count + c * pixels + p];
    if (has_bias)
        network_add_vector(network, layer, "bias", units, bias);
    return network_last(network);
}

int network_bias(Network *network, int in, const float *bias)
{
    if (in < 0)
        return -1;
    NetworkLayer *layer = &network->layers.items[in];
    if (!layer->may_bias || layer->has_bias)
        BUG("a bias behind '%s'", layer->word);
    layer->has_bias = true;
    network_add_vector(network, layer, "bias", layer->shape.channels, bias);
    return in;
}

/* ---- The end ---- */

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
