/* Activations of Keras, as layers and as arguments of layers. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/exchange/keras_use.h"

/* What is f(x) * scale in cnnc. */
static const struct {
    const char *name, *word, *args;
    double scale;
} activations[] = {
    {"elu", "elu", "1", 1},
    {"gelu", "gelu", "", 1},
    {"hard_sigmoid", "hsigmoid", "", 1},
    {"hard_silu", "hswish", "", 1},
    {"hard_swish", "hswish", "", 1},
    {"leaky_relu", "leaky", "0.2", 1},
    {"mish", "mish", "", 1},
    {"relu", "relu", "", 1},
    {"relu6", "relu6", "", 1},
    {"selu", "elu", "1.67326324", 1.05070098},
    {"sigmoid", "sigmoid", "", 1},
    {"silu", "silu", "", 1},
    {"softmax", "softmax", "", 1},
    {"swish", "silu", "", 1},
    {"tanh", "tanh", "", 1},
};

/* Keras 2's was min(max(0.2 x + 0.5, 0), 1). */
static int old_hard_sigmoid(Network *network, int in)
{
    int moved = network_rescale(network, in, 1.2, 3);
    return network_rescale(network, network_plain(network, moved, "relu6", ""), 1.0 / 6, 0);
}

static int activate(KerasUse *use, int in, const char *name)
{
    Network *network = use->import->network;
    if (strcmp(name, "linear") == 0)
        return in;
    if (strcmp(name, "hard_sigmoid") == 0 && use->import->old)
        return old_hard_sigmoid(network, in);
    for (size_t i = 0; i < COUNT(activations); i++)
        if (strcmp(activations[i].name, name) == 0)
            return network_rescale(network,
                                   network_plain(network, in, activations[i].word, activations[i].args),
                                   activations[i].scale, 0);
    use->failed = true;
    return network_refuse(network, "cnnc has no activation '%.100s'", name);
}

/* An activation is a name, a function that is called so, or a layer. */
int keras_activation(KerasUse *use, int in)
{
    const cJSON *item = keras_item(use, "activation");
    if (in < 0 || !item)
        return in;
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(item, "class_name"),
                *config = cJSON_GetObjectItemCaseSensitive(item, "config");
    if (cJSON_IsString(item))
        return activate(use, in, item->valuestring);
    if (cJSON_IsString(kind) && cJSON_IsString(config))
        return activate(use, in, config->valuestring);
    if (!cJSON_IsString(kind) || !cJSON_IsObject(config))
        return keras_refuse(use, "its 'activation' is neither a name nor a layer");
    KerasUse layer = *use;
    layer.kind = kind->valuestring;
    layer.config = config;
    layer.in[0] = (KerasArgument){.layer = in};
    layer.in_count = 1;
    return keras_layer(&layer);
}

int keras_activation_layer(KerasUse *use)
{
    return keras_activation(use, keras_value(use));
}

static int leaky(KerasUse *use, int in, double slope)
{
    Arena *arena = use->import->arena;
    if (!(slope >= 0 && slope <= 1))
        return keras_refuse(use, "its slope is below 0 or above 1");
    return network_plain(use->import->network, in, "leaky", network_number(arena, slope));
}

int keras_relu(KerasUse *use)
{
    Network *network = use->import->network;
    int in = keras_value(use);
    double most = keras_real(use, "max_value", -1), slope = keras_real(use, "negative_slope", 0);
    if (in < 0 || !keras_good(use))
        return -1;
    if (keras_real(use, "threshold", 0) != 0 || (most >= 0 && slope != 0))
        return keras_refuse(use, "it has a threshold, or both a slope and a largest value");
    if (most < 0)
        return slope != 0 ? leaky(use, in, slope) : network_plain(network, in, "relu", "");
    if (most == 0)
        return keras_refuse(use, "its largest value is 0");
    in = network_plain(network, network_rescale(network, in, 6 / most, 0), "relu6", "");
    return network_rescale(network, in, most / 6, 0);
}

int keras_leaky(KerasUse *use)
{
    int in = keras_value(use);
    double slope = keras_real(use, keras_item(use, "alpha") ? "alpha" : "negative_slope", 0.3);
    return in >= 0 && keras_good(use) ? leaky(use, in, slope) : -1;
}

int keras_elu(KerasUse *use)
{
    int in = keras_value(use);
    double alpha = keras_real(use, "alpha", 1);
    if (in < 0 || !keras_good(use))
        return -1;
    if (!(alpha >= 0 && alpha <= 1e6))
        return keras_refuse(use, "its alpha is below 0, or too large");
    return network_plain(use->import->network, in, "elu", network_number(use->import->arena, alpha));
}

int keras_softmax(KerasUse *use)
{
    int in = keras_value(use);
    if (in >= 0 && !keras_is_last_axis(use))
        return keras_refuse(use, "its axis is not that of the channels");
    return in >= 0 && keras_good(use) ? network_plain(use->import->network, in, "softmax", "") : -1;
}
