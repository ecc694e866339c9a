/* Layers that scale each channel, and what is read into them. */
#include <inttypes.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/exchange/network_parts.h"

LayerTensor *network_tensor(Network *network, int layer, const char *part)
{
    NetworkLayer *of = &network->layers.items[layer];
    for (int i = 0; i < of->tensor_count; i++)
        if (strcmp(of->tensors[i].part, part) == 0)
            return &of->tensors[i];
    BUG("a '%s' has no '%s'", of->word, part);
}

static int add_norm(Network *network, int in, const char *word, const char *args, const char *name)
{
    NetworkLayer *layer = network_add(network, word, args, in, network_shape(network, in));
    int64_t channels = layer->shape.channels;
    layer->name = name;
    float *gamma = network_add_tensor(network, layer, "gamma", 1, &channels)->value;
    for (int64_t c = 0; gamma && c < channels; c++)
        gamma[c] = 1;
    network_add_vector(network, layer, "beta", channels, NULL);
    return network_last(network);
}

static bool is_normalized(Network *network, int in, double eps)
{
    ValueShape shape = network_shape(network, in);
    if (!(eps > 0 && eps <= 1))
        network_refuse(network, "a normalization with eps %g; cnnc's go from above 0 to 1", eps);
    else if (shape.flat && shape.height * shape.width > 1)
        network_refuse(network, "a normalization of a flattened picture; put it before the flattening");
    else
        return true;
    return false;
}

int network_layernorm(Network *network, int in, const char *name, double eps)
{
    if (in < 0 || !is_normalized(network, in, eps))
        return -1;
    return add_norm(network, in, "layernorm",
                    arena_printf(network->arena, "eps=%s", network_number(network->arena, eps)), name);
}

int network_groupnorm(Network *network, int in, const char *name, int64_t groups, double eps)
{
    in = network_picture(network, in);
    if (in < 0 || !is_normalized(network, in, eps))
        return -1;
    int64_t channels = network_shape(network, in).channels;
    if (groups < 1 || channels % groups)
        return network_refuse(network, "%" PRId64 " channels do not fall into %" PRId64 " groups", channels,
                              groups);
    return add_norm(
        network, in, "groupnorm",
        arena_printf(network->arena, "%" PRId64 ", eps=%s", groups, network_number(network->arena, eps)),
        name);
}

static bool are_equal(const float *values, int64_t count)
{
    for (int64_t i = 1; i < count; i++)
        if (values[i] != values[0])
            return false;
    return true;
}

int network_affine(Network *network, int in, const char *name, const float *factor, const float *offset)
{
    const WindowSpec spec = WINDOW_NONE;
    if (in < 0)
        return -1;
    ValueShape shape = network_shape(network, in);
    bool same = are_equal(offset, shape.channels);
    if (same && are_equal(factor, shape.channels))
        return network_rescale(network, in, factor[0], offset[0]);
    if (same && offset[0] == 0)
        return network_layer_scale(network, in, name, factor);
    int out = network_conv(network, in, name, &spec, shape.channels, shape.channels, factor, offset, true);
    return shape.flat ? network_flatten(network, out) : out;
}

/* Whether a layer scales what enters, as a network does that takes pixels as they are. */
static bool scales(const NetworkLayer *layer)
{
    return strcmp(layer->word, "rescale") == 0 || strcmp(layer->word, "layer_scale") == 0 ||
           (strcmp(layer->word, "depthwise") == 0 && strcmp(layer->args, "1x1") == 0);
}

void network_guess_training(Network *network)
{
    const NetworkLayer *output = &network->layers.items[network->output];
    const char *loss = strcmp(output->word, "sigmoid") == 0 ? "binary_cross_entropy" : "cross_entropy";
    network->is_scaled = network->layers.count > 1 && scales(&network->layers.items[1]);
    network->low = 0;
    network->high = 255;
    network->train = arena_printf(
        network->arena, "    loss %s\n    optimizer adam, rate=0.0001\n    batch 32\n    epochs 10\n", loss);
}
