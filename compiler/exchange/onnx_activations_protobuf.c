/* Operators of one value, element by element. */
#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/exchange/onnx_use.h"

static bool plain(OnnxUse *use, const char *word, const char *args)
{
    const OnnxValue *in = use_value(use, 0);
    return in && use_give(use, network_plain(use->import->network, in->layer, word, args), in);
}

static const char *number(const OnnxUse *use, double value)
{
    return network_number(use->import->arena, value);
}

bool onnx_op_identity(OnnxUse *use)
{
    if (use->in_count < 1 || !use->in[0])
        return use_refuse(use, "it has no input");
    use->out[0] = *use->in[0];
    return true;
}

/* The activations that have no arguments, or one, by the names of the operators. */
static const struct {
    const char *op, *word;
    const char *attribute; /* of its argument, NULL: none */
    double preset, most;   /* of it; the least is 0 */
} activations[] = {
    {"Relu", "relu", NULL, 0, 0},    {"Sigmoid", "sigmoid", NULL, 0, 0},
    {"Tanh", "tanh", NULL, 0, 0},    {"HardSwish", "hswish", NULL, 0, 0},
    {"Mish", "mish", NULL, 0, 0},    {"LeakyRelu", "leaky", "alpha", 0.01, 1},
    {"Elu", "elu", "alpha", 1, 1e6},
};

bool onnx_op_activation(OnnxUse *use)
{
    size_t i = 0;
    while (strcmp(activations[i].op, use->node->op_type) != 0)
        if (++i == COUNT(activations))
            BUG("no activation '%s'", use->node->op_type);
    if (!activations[i].attribute)
        return plain(use, activations[i].word, "");
    double value = use_real(use, activations[i].attribute, activations[i].preset);
    if (!(value >= 0 && value <= activations[i].most))
        return use_refuse(use, "its alpha is below 0, or too large");
    return plain(use, activations[i].word, number(use, value));
}

bool onnx_op_gelu(OnnxUse *use)
{
    if (!use_text_is(use, "approximate", "none", "none"))
        return use_refuse(use, "cnnc's 'gelu' is the exact one, not that by tanh");
    return plain(use, "gelu", "");
}

bool onnx_op_selu(OnnxUse *use)
{
    const OnnxValue *in = use_value(use, 0);
    if (!in)
        return false;
    int layer = network_plain(use->import->network, in->layer, "elu",
                              number(use, use_real(use, "alpha", 1.67326319217681884765625)));
    return use_give(
        use,
        network_rescale(use->import->network, layer, use_real(use, "gamma", 1.05070102214813232421875), 0),
        in);
}

/* min(max(x, low), high): relu6, moved and stretched. */
static bool clip(OnnxUse *use, const OnnxValue *in, double scale, double offset, double low, double high)
{
    Network *network = use->import->network;
    int layer = network_rescale(network, in->layer, scale, offset);
    if (low < -1e37 && high > 1e37)
        return use_give(use, layer, in);
    if (low == 0 && high > 1e37)
        return use_give(use, network_plain(network, layer, "relu", ""), in);
    if (!(low > -1e37 && high < 1e37 && low < high))
        return use_refuse(use, "only a range with two ends, or from 0 on, has a layer");
    double factor = 6 / (high - low);
    if (factor == 1 && low == 0)
        return use_give(use, network_plain(network, layer, "relu6", ""), in);
    layer = network_plain(network, network_rescale(network, layer, factor, -low * factor), "relu6", "");
    return use_give(use, network_rescale(network, layer, 1 / factor, low), in);
}

bool onnx_op_clip(OnnxUse *use)
{
    const OnnxValue *in = use_value(use, 0);
    double ends[2] = {use_real(use, "min", -INFINITY), use_real(use, "max", INFINITY)};
    for (int i = 0; i < 2; i++) {
        const OnnxConstant *end = use_constant(use, i + 1);
        if (end && onnx_constant_count(end) == 1)
            ends[i] = onnx_constant_at(end, 0);
        else if (i + 1 < use->in_count && use->in[i + 1])
            return use_refuse(use, "its ends are computed");
    }
    return in && clip(use, in, 1, 0, ends[0], ends[1]);
}

bool onnx_op_hard_sigmoid(OnnxUse *use)
{
    const OnnxValue *in = use_value(use, 0);
    double alpha = use_real(use, "alpha", 0.2), beta = use_real(use, "beta", 0.5);
    if (!in)
        return false;
    if (fabs(alpha - 1.0 / 6) < 1e-6 && beta == 0.5)
        return plain(use, "hsigmoid", "");
    return clip(use, in, alpha, beta, 0, 1);
}

bool onnx_op_prelu(OnnxUse *use)
{
    const OnnxConstant *slope = use_constant(use, 1);
    if (!slope || onnx_constant_count(slope) != 1 ||
        !(onnx_constant_at(slope, 0) >= 0 && onnx_constant_at(slope, 0) <= 1))
        return use_refuse(use,
                          "cnnc's 'leaky' has one slope from 0 to 1 for all channels, which is not learnt");
    return plain(use, "leaky", number(use, onnx_constant_at(slope, 0)));
}

bool onnx_op_softmax(OnnxUse *use)
{
    const OnnxValue *in = use_value(use, 0);
    bool old = use->import->version < 13;
    if (!in)
        return false;
    ValueShape shape = network_shape(use->import->network, in->layer);
    if (!use_is_channels(in, use_integer(use, "axis", old ? 1 : -1)))
        return use_refuse(use, "cnnc's 'softmax' is that of the channels");
    if (in->rank == 4 && !old && shape.height * shape.width > 1)
        return plain(use, "softmax", "");
    return use_give(use, network_softmax(use->import->network, in->layer), in);
}

bool onnx_op_dropout(OnnxUse *use)
{
    const OnnxConstant *ratio = use_constant(use, 1);
    double rate =
        ratio && onnx_constant_count(ratio) == 1 ? onnx_constant_at(ratio, 0) : use_real(use, "ratio", 0.5);
    if (!(rate >= 0 && rate < 1))
        return use_refuse(use, "it drops all, or less than nothing");
    if (rate == 0 || use->only_constants)
        return onnx_op_identity(use);
    return plain(use, "dropout", arena_printf(use->import->arena, "%s%%", number(use, 100 * rate)));
}
