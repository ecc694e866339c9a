#include "compiler/exchange/keras_use.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define INTEGER_MOST ((double)(INT64_C(1) << 53))

int keras_refuse(KerasUse *use, const char *what)
{
    use->failed = true;
    return network_refuse(use->import->network, "%s", what);
}

bool keras_good(const KerasUse *use)
{
    return !use->failed;
}

/* ---- Values of the configuration ---- */

const cJSON *keras_item(const KerasUse *use, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(use->config, key);
    return cJSON_IsNull(item) ? NULL : item;
}

static void refuse_item(KerasUse *use, const char *key, const char *what)
{
    if (!use->failed)
        network_refuse(use->import->network, "its '%s' is no %s", key, what);
    use->failed = true;
}

static bool is_whole(const cJSON *item)
{
    return cJSON_IsNumber(item) && fabs(item->valuedouble) < INTEGER_MOST &&
           item->valuedouble == floor(item->valuedouble);
}

int64_t keras_integer(KerasUse *use, const char *key, int64_t preset)
{
    const cJSON *item = keras_item(use, key);
    if (item && !is_whole(item))
        refuse_item(use, key, "whole number");
    return is_whole(item) ? (int64_t)item->valuedouble : preset;
}

double keras_real(KerasUse *use, const char *key, double preset)
{
    const cJSON *item = keras_item(use, key);
    if (item && !cJSON_IsNumber(item))
        refuse_item(use, key, "number");
    return cJSON_IsNumber(item) ? item->valuedouble : preset;
}

bool keras_flag(KerasUse *use, const char *key, bool preset)
{
    const cJSON *item = keras_item(use, key);
    if (item && !cJSON_IsBool(item))
        refuse_item(use, key, "true or false");
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : preset;
}

const char *keras_text(KerasUse *use, const char *key, const char *preset)
{
    const cJSON *item = keras_item(use, key);
    if (item && !cJSON_IsString(item))
        refuse_item(use, key, "text");
    return cJSON_IsString(item) ? item->valuestring : preset;
}

void keras_integers(KerasUse *use, const char *key, int count, int64_t *values)
{
    const cJSON *item = keras_item(use, key);
    if (!item)
        return;
    if (is_whole(item)) {
        for (int i = 0; i < count; i++)
            values[i] = (int64_t)item->valuedouble;
        return;
    }
    const cJSON *each = cJSON_IsArray(item) ? item->child : NULL;
    for (int i = 0; i < count; i++) {
        if (!is_whole(each)) {
            refuse_item(use, key, count == 2 ? "whole number, or two of them" : "list of whole numbers");
            return;
        }
        values[i] = (int64_t)each->valuedouble;
        each = each->next;
    }
    if (each)
        refuse_item(use, key, "list of so many numbers");
}

bool keras_is(KerasUse *use, const char *key, const char *values)
{
    const char *text = keras_text(use, key, NULL);
    size_t length = text ? strlen(text) : 0;
    for (const char *at = values; text && length > 0 && (at = strstr(at, text)) != NULL; at += length)
        if ((at == values || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
    return !text && keras_good(use);
}

bool keras_is_last_axis(KerasUse *use)
{
    const cJSON *item = keras_item(use, "axis");
    int64_t axis = -1;
    if (cJSON_IsArray(item))
        keras_integers(use, "axis", 1, &axis);
    else
        axis = keras_integer(use, "axis", -1);
    return axis == -1 || (use->in_count > 0 && axis == (keras_is_picture(use, use->in[0].layer) ? 3 : 1));
}

/* ---- Inputs ---- */

int keras_value(KerasUse *use)
{
    if (use->in_count == 1 && use->in[0].layer >= 0)
        return use->in[0].layer;
    return keras_refuse(use, "it is called with several values, or with a number");
}

bool keras_is_picture(const KerasUse *use, int layer)
{
    return layer >= 0 && !network_shape(use->import->network, layer).flat;
}

int keras_picture(KerasUse *use)
{
    int in = keras_value(use);
    if (in < 0 || keras_is_picture(use, in))
        return in;
    return keras_refuse(use, "its input is no picture");
}

/* ---- Variables ---- */

void keras_add_tensor(KerasTensors *tensors, const char *name, const char *part, int rank, const int64_t *dim)
{
    KerasTensor *tensor = &tensors->items[tensors->count++];
    *tensor = (KerasTensor){.name = name, .part = part, .rank = rank};
    memcpy(tensor->dim, dim, (size_t)rank * sizeof *dim);
}

static KerasVariable variable_of(const KerasUse *use, const KerasTensors *tensors, int i)
{
    return (KerasVariable){use->path, use->top, use->name, tensors->items[i].name, i};
}

static const char *dims_text(Arena *arena, int rank, const int64_t *dim)
{
    Text text = {.arena = arena};
    for (int i = 0; i < rank; i++)
        text_printf(&text, "%s%" PRId64, i ? ", " : "", dim[i]);
    return arena_printf(arena, "[%s]", text_string(&text));
}

bool keras_expect(KerasUse *use, const KerasTensors *tensors)
{
    Network *network = use->import->network;
    for (int i = 0; i < tensors->count && network->has_weights && keras_good(use); i++) {
        const KerasTensor *tensor = &tensors->items[i];
        const KerasVariable variable = variable_of(use, tensors, i);
        int64_t dim[KERAS_RANK_MAX];
        int rank = keras_weights_dims(&use->import->weights, &variable, dim);
        if (rank < 0)
            network_refuse(network, "the file has no numbers for its '%s'", tensor->name);
        else if (rank != tensor->rank || memcmp(dim, tensor->dim, (size_t)rank * sizeof *dim) != 0)
            network_refuse(network, "its '%s' should be %s, and the file has %s", tensor->name,
                           dims_text(use->import->arena, tensor->rank, tensor->dim),
                           dims_text(use->import->arena, rank, dim));
        else
            continue;
        use->failed = true;
    }
    return keras_good(use);
}

static bool read_values(KerasUse *use, const KerasTensors *tensors, int i, float *out)
{
    const KerasVariable variable = variable_of(use, tensors, i);
    if (keras_weights_read(&use->import->weights, &variable, out))
        return true;
    use->failed = true;
    network_refuse(use->import->network, "the numbers of its '%s' cannot be read: the file is damaged",
                   tensors->items[i].name);
    return false;
}

int keras_fill(KerasUse *use, const KerasTensors *tensors, int layer)
{
    Network *network = use->import->network;
    for (int i = 0; i < tensors->count && layer >= 0 && network->has_weights; i++) {
        const KerasTensor *tensor = &tensors->items[i];
        if (tensor->part &&
            !read_values(use, tensors, i, network_tensor(network, layer, tensor->part)->value))
            return -1;
    }
    return layer;
}

float *keras_values(KerasUse *use, const KerasTensors *tensors, int i)
{
    size_t count = 1;
    for (int k = 0; k < tensors->items[i].rank; k++)
        count *= (size_t)tensors->items[i].dim[k];
    if (!use->import->network->has_weights)
        return NULL;
    float *values = NEW_ARRAY(use->import->arena, float, count);
    return read_values(use, tensors, i, values) ? values : NULL;
}
