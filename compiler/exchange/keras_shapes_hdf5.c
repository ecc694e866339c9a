/* Layers of Keras that join values, or give them another shape. */
#include <string.h>

#include "compiler/exchange/keras_use.h"

/* ---- Joins ---- */

/* Joins the values; false: one is a number. */
static bool take_values(KerasUse *use, int *layers)
{
    for (int i = 0; i < use->in_count; i++)
        layers[i] = use->in[i].layer;
    for (int i = 0; i < use->in_count; i++)
        if (layers[i] < 0) {
            keras_refuse(use, "it is called with numbers in a way that has no layer");
            return false;
        }
    if (use->in_count < 1)
        keras_refuse(use, "it is called with nothing");
    return use->in_count >= 1;
}

static int join(KerasUse *use, const char *word)
{
    int layers[KERAS_ARGUMENTS_MAX];
    if (!take_values(use, layers))
        return -1;
    return use->in_count == 1 ? layers[0] : network_join(use->import->network, word, layers, use->in_count);
}

/* Of a value and a number, which one of two is: x and the number; false: both are values. */
static bool is_with_number(const KerasUse *use, int *x, double *number)
{
    int at = use->in_count == 2 && use->in[0].layer < 0;
    if (use->in_count != 2 || use->in[1 - at].layer >= 0 || use->in[at].layer < 0)
        return false;
    *x = use->in[at].layer;
    *number = use->in[1 - at].number;
    return true;
}

int keras_sum(KerasUse *use)
{
    int x;
    double number;
    return is_with_number(use, &x, &number) ? network_rescale(use->import->network, x, 1, number)
                                            : join(use, "add");
}

int keras_multiply(KerasUse *use)
{
    int x;
    double number;
    return is_with_number(use, &x, &number) ? network_rescale(use->import->network, x, number, 0)
                                            : join(use, "mul");
}

int keras_subtract(KerasUse *use)
{
    Network *network = use->import->network;
    int x;
    double number;
    if (is_with_number(use, &x, &number))
        return use->in[0].layer >= 0 ? network_rescale(network, x, 1, -number)
                                     : network_rescale(network, x, -1, number);
    if (use->in_count != 2 || use->in[0].layer < 0 || use->in[1].layer < 0)
        return keras_refuse(use, "it is called with other than two values");
    const int layers[] = {use->in[0].layer, network_rescale(network, use->in[1].layer, -1, 0)};
    return network_join(network, "add", layers, 2);
}

int keras_divide(KerasUse *use)
{
    int x;
    double number;
    if (!is_with_number(use, &x, &number) || use->in[0].layer < 0 || number == 0)
        return keras_refuse(use, "it divides by other than a number");
    return network_rescale(use->import->network, x, 1 / number, 0);
}

int keras_average(KerasUse *use)
{
    return network_rescale(use->import->network, join(use, "add"), 1.0 / use->in_count, 0);
}

int keras_concatenate(KerasUse *use)
{
    if (!keras_is_last_axis(use))
        return keras_refuse(use, "its axis is not that of the channels");
    return keras_good(use) ? join(use, "concat") : -1;
}

/* ---- Shapes ---- */

int keras_dropout(KerasUse *use)
{
    int in = keras_value(use);
    double rate = keras_real(use, "rate", 0.5);
    const cJSON *shape = keras_item(use, "noise_shape");
    bool whole = strcmp(use->kind, "Dropout") != 0;
    const char *word = whole ? "spatial_dropout" : "dropout";
    if (in < 0 || !keras_good(use))
        return -1;
    if (!(rate >= 0 && rate < 1))
        return keras_refuse(use, "it drops all, or less than nothing");
    if (shape) { /* EfficientNet drops whole samples: [batch, 1, 1, 1] */
        for (const cJSON *each = shape->child ? shape->child->next : NULL; each; each = each->next)
            if (!cJSON_IsNumber(each) || each->valuedouble != 1)
                return keras_refuse(use, "its noise_shape is not that of whole samples");
        word = "drop_path";
    }
    Arena *arena = use->import->arena;
    return rate == 0 ? in
                     : network_plain(use->import->network, in, word,
                                     arena_printf(arena, "%s%%", network_number(arena, 100 * rate)));
}

int keras_flatten(KerasUse *use)
{
    int in = keras_value(use);
    if (!keras_is(use, "data_format", "channels_last"))
        return keras_refuse(use, "its channels come first; save it with channels_last");
    return network_flatten_pixels(use->import->network, in);
}

int keras_reshape(KerasUse *use)
{
    Network *network = use->import->network;
    const cJSON *shape = keras_item(use, "target_shape");
    int in = keras_value(use), rank = cJSON_IsArray(shape) ? cJSON_GetArraySize(shape) : 0, open = -1;
    int64_t dim[3] = {0}, known = 1;
    if (in < 0)
        return -1;
    if (rank != 1 && rank != 3)
        return keras_refuse(use, "it makes neither a vector nor a picture");
    keras_integers(use, "target_shape", rank, dim);
    for (int i = 0; i < rank && keras_good(use); i++) {
        if (dim[i] == -1 && open < 0)
            open = i;
        else if (dim[i] < 1 || dim[i] > (1 << 24) || known > (INT64_C(1) << 36))
            return keras_refuse(use, "its target_shape has extents below 1, or too large");
        else
            known *= dim[i];
    }
    if (!keras_good(use))
        return -1;
    if (open >= 0)
        dim[open] = network_elements(network, in) / known;
    return rank == 1 ? network_reshape(network, in, 0, 0, dim[0])
                     : network_reshape(network, in, dim[0], dim[1], dim[2]);
}

/* [[top, bottom], [left, right]], [rows, columns], or one number. */
static bool read_margins(KerasUse *use, const char *key, int64_t margin[4])
{
    const cJSON *item = keras_item(use, key);
    const cJSON *side = cJSON_IsArray(item) ? item->child : NULL;
    if (!cJSON_IsArray(side)) {
        int64_t pair[2] = {1, 1};
        keras_integers(use, key, 2, pair);
        for (int i = 0; i < 4; i++)
            margin[i] = pair[i / 2];
        return keras_good(use);
    }
    for (int d = 0; d < 2; d++, side = side ? side->next : NULL) {
        if (!cJSON_IsArray(side) || cJSON_GetArraySize(side) != 2 || !cJSON_IsNumber(side->child) ||
            !cJSON_IsNumber(side->child->next) || side->child->valuedouble < 0 ||
            side->child->next->valuedouble < 0)
            return keras_refuse(use, "its margins are not those of four sides") >= 0;
        margin[2 * d] = side->child->valueint;
        margin[2 * d + 1] = side->child->next->valueint;
    }
    return true;
}

int keras_margin(KerasUse *use)
{
    int64_t margin[4];
    int in = keras_picture(use);
    bool pad = strcmp(use->kind, "ZeroPadding2D") == 0;
    if (!keras_is(use, "data_format", "channels_last"))
        return keras_refuse(use, "its channels come first; save it with channels_last");
    if (in < 0 || !read_margins(use, pad ? "padding" : "cropping", margin))
        return -1;
    bool none = margin[0] + margin[1] + margin[2] + margin[3] == 0;
    return none ? in : network_margin(use->import->network, in, pad ? "pad" : "crop", margin);
}

int keras_upsample(KerasUse *use)
{
    int64_t size[2] = {2, 2};
    int in = keras_picture(use);
    keras_integers(use, "size", 2, size);
    if (!keras_is(use, "data_format", "channels_last"))
        return keras_refuse(use, "its channels come first; save it with channels_last");
    if (!keras_is(use, "interpolation", "nearest bilinear"))
        return keras_refuse(use, "its interpolation is neither 'nearest' nor 'bilinear'");
    return in >= 0 && keras_good(use) ? network_upsample(use->import->network, in, size[0], size[1],
                                                         keras_text(use, "interpolation", "nearest"))
                                      : -1;
}
