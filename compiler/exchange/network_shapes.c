/* Layers that give another shape: vectors and pictures, margins, parts and joins. */
#include <inttypes.h>
#include <string.h>

#include "compiler/exchange/network_parts.h"

int network_globalpool(Network *network, int in, const char *kind)
{
    in = network_picture(network, in);
    if (in < 0)
        return -1;
    network_add(network, "globalpool", kind, in,
                (ValueShape){1, 1, network_shape(network, in).channels, true});
    return network_last(network);
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
    network_add(network, "flatten", "", in, shape);
    return network_last(network);
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
    network_add(network, "reshape", arena_printf(network->arena, "1x1x%" PRId64, shape.channels), in, shape);
    return network_last(network);
}

int network_reshape(Network *network, int in, int64_t height, int64_t width, int64_t channels)
{
    bool flat = height == 0;
    const ValueShape shape = {flat ? 1 : height, flat ? 1 : width, channels, flat};
    if (in < 0)
        return -1;
    ValueShape from = network_shape(network, in);
    if (from.flat && from.height * from.width > 1)
        return network_refuse(network, "a flattened picture gets another shape");
    if (shape.height < 1 || shape.width < 1 || channels < 1)
        return network_refuse(network, "a shape of %" PRId64 "x%" PRId64 "x%" PRId64, height, width,
                              channels);
    if (!network_is_small(network, shape))
        return -1;
    if (shape.height * shape.width * channels != from.height * from.width * from.channels)
        return network_refuse(network,
                              "a value of %" PRId64 "x%" PRId64 "x%" PRId64 " becomes one of %" PRId64
                              "x%" PRId64 "x%" PRId64 ", which is not as large",
                              from.height, from.width, from.channels, shape.height, shape.width, channels);
    if (flat)
        return network_flatten_pixels(network, in);
    network_add(network, "reshape",
                arena_printf(network->arena, "%" PRId64 "x%" PRId64 "x%" PRId64, height, width, channels), in,
                shape);
    return network_last(network);
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
    if (!network_is_small(network,
                          (ValueShape){shape.height * height, shape.width * width, shape.channels, false}))
        return -1;
    network_add(network, "upsample",
                arena_printf(network->arena, strcmp(method, "nearest") == 0 ? "%s" : "%s, %s",
                             network_pair_text(network->arena, factor), method),
                in, (ValueShape){shape.height * height, shape.width * width, shape.channels, false});
    return network_last(network);
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
        good = good && margin[i] >= 0 && margin[i] <= NETWORK_WINDOW_MAX;
    if (good) {
        shape.height += sign * (margin[0] + margin[1]);
        shape.width += sign * (margin[2] + margin[3]);
    }
    if (!good || shape.height < 1 || shape.width < 1)
        return network_refuse(network,
                              "margins of %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
                              " pixels, of which 'pad' and 'crop' take 0 to %d",
                              margin[0], margin[1], margin[2], margin[3], NETWORK_WINDOW_MAX);
    if (!network_is_small(network, shape))
        return -1;
    NetworkLayer *layer =
        network_add(network, word,
                    arena_printf(network->arena, "[%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "]",
                                 margin[0], margin[1], margin[2], margin[3]),
                    in, shape);
    memcpy(layer->margin, margin, sizeof layer->margin);
    return network_last(network);
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
    network_add(network, "split", text_string(&args), in, shape);
    return network_last(network);
}

int network_shuffle(Network *network, int in, int64_t groups)
{
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    if (groups < 1 || shape.channels % groups || shape.flat)
        return network_refuse(network, "a shuffle of %" PRId64 " channels in %" PRId64 " groups",
                              shape.channels, groups);
    network_add(network, "shuffle", arena_printf(network->arena, "%" PRId64, groups), in, shape);
    return network_last(network);
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
    if (!network_is_small(network, shape))
        return -1;
    NetworkLayer *layer = network_add(network, word, "", -1, shape);
    for (int i = 0; i < count; i++)
        *vec_push(network->arena, &layer->in) = value[i];
    return network_last(network);
}
