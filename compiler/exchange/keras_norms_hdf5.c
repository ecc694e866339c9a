/* Layers of Keras that normalize or scale. */
#include <math.h>
#include <string.h>

#include "compiler/exchange/keras_use.h"

/* Adds gamma and beta as far as the layer has them; what it has not is 1 and 0. */
static void add_scale(KerasUse *use, KerasTensors *tensors, int64_t channels)
{
    if (keras_flag(use, "scale", true))
        keras_add_tensor(tensors, "gamma", "gamma", 1, &channels);
    if (keras_flag(use, "center", true))
        keras_add_tensor(tensors, "beta", "beta", 1, &channels);
}

/* The input and its channels, which the layer must normalize by; below 0 after an error. */
static int read_input(KerasUse *use, int64_t *channels)
{
    int in = keras_value(use);
    if (in < 0)
        return -1;
    *channels = network_shape(use->import->network, in).channels;
    if (!keras_is_last_axis(use))
        return keras_refuse(use, "its axis is not that of the channels");
    return keras_good(use) ? in : -1;
}

int keras_batchnorm(KerasUse *use)
{
    KerasTensors tensors = {0};
    int64_t channels;
    int in = read_input(use, &channels);
    double eps = keras_real(use, "epsilon", 1e-3), momentum = keras_real(use, "momentum", 0.99);
    if (in < 0)
        return -1;
    add_scale(use, &tensors, channels);
    keras_add_tensor(&tensors, "moving_mean", "mean", 1, &channels);
    keras_add_tensor(&tensors, "moving_variance", "variance", 1, &channels);
    if (keras_flag(use, "renorm", false))
        return keras_refuse(use, "it renormalizes batches");
    if (!keras_expect(use, &tensors))
        return -1;
    float *ones = NEW_ARRAY(use->import->arena, float, channels);
    for (int64_t c = 0; c < channels; c++)
        ones[c] = 1;
    return keras_fill(use, &tensors,
                      network_batchnorm(use->import->network, in, use->name, eps, momentum,
                                        (const float *const[]){ones, NULL, NULL, NULL}));
}

int keras_layernorm(KerasUse *use)
{
    KerasTensors tensors = {0};
    int64_t channels;
    int in = read_input(use, &channels);
    double eps = keras_real(use, "epsilon", 1e-3);
    if (in < 0)
        return -1;
    if (keras_flag(use, "rms_scaling", false))
        return keras_refuse(use, "it scales by the root of the mean square");
    add_scale(use, &tensors, channels);
    if (!keras_expect(use, &tensors))
        return -1;
    return keras_fill(use, &tensors, network_layernorm(use->import->network, in, use->name, eps));
}

int keras_groupnorm(KerasUse *use)
{
    KerasTensors tensors = {0};
    int64_t channels;
    int in = read_input(use, &channels);
    int64_t groups = keras_integer(use, "groups", 32);
    double eps = keras_real(use, "epsilon", 1e-3);
    if (in < 0 || keras_picture(use) < 0)
        return -1;
    add_scale(use, &tensors, channels);
    if (!keras_expect(use, &tensors))
        return -1;
    groups = groups == -1 ? channels : groups;
    return keras_fill(use, &tensors, network_groupnorm(use->import->network, in, use->name, groups, eps));
}

/* ---- Scaling ---- */

/* Of the ConvNeXts of keras.applications. */
int keras_layer_scale(KerasUse *use)
{
    KerasTensors tensors = {0};
    int in = keras_value(use);
    if (in < 0)
        return -1;
    int64_t channels = network_shape(use->import->network, in).channels;
    keras_add_tensor(&tensors, "gamma", "gamma", 1, &channels);
    if (!keras_expect(use, &tensors))
        return -1;
    return keras_fill(use, &tensors, network_layer_scale(use->import->network, in, use->name, NULL));
}

/* Numbers in nested lists, one after another; their count, -1 where there are more than `most`, or others. */
static int64_t list_numbers(const cJSON *item, int64_t most, float *out)
{
    if (cJSON_IsNumber(item)) {
        if (most < 1)
            return -1;
        *out = (float)item->valuedouble;
        return 1;
    }
    int64_t count = 0;
    if (!cJSON_IsArray(item))
        return -1;
    for (const cJSON *each = item->child; each; each = each->next) {
        int64_t added = list_numbers(each, most - count, out + count);
        if (added < 0)
            return -1;
        count += added;
    }
    return count;
}

/* A value of the configuration as a number for each channel, of one for all or of as many. */
static const float *channel_numbers(KerasUse *use, const cJSON *item, int64_t channels, double preset)
{
    float *values = NEW_ARRAY(use->import->arena, float, channels);
    int64_t count = item ? list_numbers(item, channels, values) : 1;
    if (!item)
        values[0] = (float)preset;
    if (count != 1 && count != channels) {
        keras_refuse(use, "it has not one number, nor one for each channel");
        return NULL;
    }
    for (int64_t c = 1; c < channels && count == 1; c++)
        values[c] = values[0];
    return values;
}

int keras_rescaling(KerasUse *use)
{
    int in = keras_value(use);
    if (in < 0)
        return -1;
    int64_t channels = network_shape(use->import->network, in).channels;
    const float *factor = channel_numbers(use, keras_item(use, "scale"), channels, 1),
                *offset = channel_numbers(use, keras_item(use, "offset"), channels, 0);
    return factor && offset ? network_affine(use->import->network, in, use->name, factor, offset) : -1;
}

/* (x - mean) / max(deviation, 1e-7), where Keras has 1e-7 against a division by 0. */
int keras_normalization(KerasUse *use)
{
    KerasTensors tensors = {0};
    Arena *arena = use->import->arena;
    int64_t channels;
    int in = keras_value(use);
    if (in < 0)
        return -1;
    channels = network_shape(use->import->network, in).channels;
    const cJSON *given[2] = {keras_item(use, "mean"), keras_item(use, "variance")};
    const cJSON *axis = keras_item(use, "axis");
    bool single = !axis || (cJSON_IsArray(axis) && !axis->child);
    const float *values[2];
    if (keras_flag(use, "invert", false))
        return keras_refuse(use, "it is inverted");
    if (!single && !keras_is_last_axis(use))
        return keras_refuse(use, "its axis is not that of the channels");
    if (!given[0]) {
        for (int i = 0; i < 2; i++)
            keras_add_tensor(&tensors, i ? "variance" : "mean", NULL, single ? 0 : 1, &channels);
        if (!keras_expect(use, &tensors))
            return -1;
    }
    for (int i = 0; i < 2; i++) {
        values[i] = given[0] ? channel_numbers(use, given[i], channels, i) : keras_values(use, &tensors, i);
        if (!given[0] && (single || !values[i])) { /* one number, or none */
            float *same = NEW_ARRAY(arena, float, channels);
            for (int64_t c = 0; c < channels; c++)
                same[c] = values[i] ? *values[i] : (float)i;
            values[i] = same;
        }
    }
    if (!keras_good(use))
        return -1;
    float *factor = NEW_ARRAY(arena, float, channels), *offset = NEW_ARRAY(arena, float, channels);
    for (int64_t c = 0; c < channels; c++) {
        double deviation = sqrt(values[1][c]);
        factor[c] = (float)(1 / (deviation > 1e-7 ? deviation : 1e-7));
        offset[c] = (float)(-values[0][c] / (deviation > 1e-7 ? deviation : 1e-7));
    }
    return network_affine(use->import->network, in, use->name, factor, offset);
}
