/* Operators of two values, or of one and a constant. */
#include <math.h>
#include <string.h>

#include "compiler/exchange/onnx_use.h"

/* A constant with one number for each channel of `like`, or one for all: *count of them; false after an
 * error: neither. */
static bool by_channel(const OnnxUse *use, const OnnxConstant *found, const OnnxValue *like, int64_t *count)
{
    int64_t dim[5];
    int rank = use_dims(use->import, like, dim), channels = like->last ? rank - 1 : 1;
    *count = onnx_constant_count(found);
    int at = channels - (rank - found->rank); /* where the channels are in the constant */
    bool each = found->rank <= rank && at >= 0 && *count == dim[channels] && found->dim[at] == *count;
    return *count == 1 || each ||
           use_refuse(use, "its constant has not a number for each channel, nor one for all");
}

static bool read_once(const OnnxUse *use, int i)
{
    const int *count = name_map_find(&use->import->readers, use->node->input[i]);
    return count && *count == 1;
}

static float *as_reals(const OnnxUse *use, const OnnxConstant *found, double scale)
{
    int64_t count = onnx_constant_count(found);
    float *values = NEW_ARRAY(use->import->arena, float, count + 1);
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(scale * onnx_constant_at(found, i));
    return values;
}

/* Whether a constant says the same of all channels of the picture that enters: that is how its pixels are
 * scaled. */
static bool scales_input(const Network *network, const OnnxConstant *found, const OnnxValue *in)
{
    for (int64_t i = 1; i < onnx_constant_count(found); i++)
        if (onnx_constant_at(found, i) != onnx_constant_at(found, 0))
            return false;
    return in->layer == 0 || strcmp(network->layers.items[in->layer].word, "rescale") == 0;
}

/* x + sign * constant, where the constant is input `other`. */
static bool add_constant(OnnxUse *use, int x, int other, double scale, double sign)
{
    Network *network = use->import->network;
    const OnnxValue *in = use_value(use, x);
    const OnnxConstant *found = use_constant(use, other);
    int64_t count;
    if (!in || !by_channel(use, found, in, &count))
        return false;
    if (count == 1 && network_shape(network, in->layer).channels != 1)
        return use_give(use, network_rescale(network, in->layer, scale, sign * onnx_constant_at(found, 0)),
                        in);
    const NetworkLayer *layer = &network->layers.items[in->layer];
    float *values = as_reals(use, found, sign);
    if (scale == 1 && layer->may_bias && !layer->has_bias && read_once(use, x))
        return use_give(use, network_bias(network, in->layer, values), in);
    if (count == 1 || scales_input(network, found, in))
        return use_give(use, network_rescale(network, in->layer, scale, values[0]), in);
    float *ones = NEW_ARRAY(use->import->arena, float, count);
    for (int64_t i = 0; i < count; i++)
        ones[i] = (float)scale;
    const WindowSpec spec = WINDOW_NONE;
    int out = network_conv(network, in->layer, use->name, &spec, count, count, ones, values, true);
    return use_give(use, in->rank == 2 ? network_flatten(network, out) : out, in);
}

static bool mul_constant(OnnxUse *use, int x, int other, bool divide)
{
    Network *network = use->import->network;
    const OnnxValue *in = use_value(use, x);
    const OnnxConstant *found = use_constant(use, other);
    int64_t count;
    if (!in || !by_channel(use, found, in, &count))
        return false;
    if (count == 1 || scales_input(network, found, in)) {
        double factor = onnx_constant_at(found, 0);
        return use_give(use, network_rescale(network, in->layer, divide ? 1 / factor : factor, 0), in);
    }
    float *values = as_reals(use, found, 1);
    for (int64_t i = 0; i < count && divide; i++)
        values[i] = 1 / values[i];
    return use_give(use, network_layer_scale(network, in->layer, use->name, values), in);
}

/* x * sigmoid(x) and x * hsigmoid(x) have words of their own. */
static const char *gated_word(const Network *network, int x, int gate)
{
    const NetworkLayer *layer = &network->layers.items[gate];
    if (layer->in.count != 1 || layer->in.items[0] != x)
        return NULL;
    return strcmp(layer->word, "sigmoid") == 0    ? "silu"
           : strcmp(layer->word, "hsigmoid") == 0 ? "hswish"
                                                  : NULL;
}

static bool join(OnnxUse *use, const char *word)
{
    Network *network = use->import->network;
    int layers[ONNX_IN_MAX];
    const OnnxValue *like = NULL;
    for (int i = 0; i < use->in_count; i++) {
        const OnnxValue *in = use_value(use, i);
        if (!in)
            return false;
        if (like && (in->rank != like->rank || in->last != like->last))
            return use_refuse(use, "its inputs have different forms");
        if (!like || network_elements(network, in->layer) > network_elements(network, like->layer))
            like = in;
        layers[i] = in->layer;
    }
    for (int i = 0; i < 2 && use->in_count == 2 && strcmp(word, "mul") == 0; i++) {
        const char *gated = gated_word(network, layers[i], layers[1 - i]);
        if (gated)
            return use_give(use, network_plain(network, layers[i], gated, ""), like);
    }
    return use->in_count == 1 ? onnx_op_identity(use)
                              : use_give(use, network_join(network, word, layers, use->in_count), like);
}

/* Whole numbers of shapes: of two constants that are as long, or one of which is one number. */
static bool compute(OnnxUse *use, char operation)
{
    const OnnxConstant *a = use_constant(use, 0), *b = use_constant(use, 1);
    int64_t values[ONNX_RANK_MAX];
    if (use->in_count != 2 || !a || !b || !a->integer || !b->integer)
        return use_refuse(use, "constants that are no shapes are computed");
    int64_t many = onnx_constant_count(a), other = onnx_constant_count(b),
            count = many > other ? many : other;
    if ((many != count && many != 1) || (other != count && other != 1) || count > ONNX_RANK_MAX)
        return use_refuse(use, "constants that are no shapes are computed");
    for (int64_t i = 0; i < count; i++) {
        int64_t x = a->integer[many > 1 ? i : 0], y = b->integer[other > 1 ? i : 0];
        double size = fabs((double)x) * fabs((double)y) + fabs((double)x) + fabs((double)y);
        if (size > 1e15 || (operation == '/' && y == 0))
            return use_refuse(use, "a shape that cannot be");
        values[i] = operation == '+' ? x + y : operation == '-' ? x - y : operation == '*' ? x * y : x / y;
    }
    OnnxConstant result = onnx_constant_integers(use->import->arena, values, (int)count);
    result.rank = many > other ? a->rank : b->rank > a->rank ? b->rank : a->rank;
    return result.rank < 2 ? use_give_constant(use, result)
                           : use_refuse(use, "constants that are no shapes are computed");
}

/* Which of two inputs is a constant; -1: neither. */
static int constant_input(const OnnxUse *use)
{
    return use->in_count == 2 && use_constant(use, 1)   ? 1
           : use->in_count == 2 && use_constant(use, 0) ? 0
                                                        : -1;
}

bool onnx_op_add(OnnxUse *use)
{
    if (use->only_constants)
        return compute(use, '+');
    int other = constant_input(use);
    return other >= 0 ? add_constant(use, 1 - other, other, 1, 1) : join(use, "add");
}

bool onnx_op_sub(OnnxUse *use)
{
    if (use->only_constants)
        return compute(use, '-');
    int other = constant_input(use);
    if (other < 0)
        return use_refuse(use, "only a constant can be taken off, or be what is taken off from");
    return add_constant(use, 1 - other, other, other == 1 ? 1 : -1, other == 1 ? -1 : 1);
}

bool onnx_op_mul(OnnxUse *use)
{
    if (use->only_constants)
        return compute(use, '*');
    int other = constant_input(use);
    return other >= 0 ? mul_constant(use, 1 - other, other, false) : join(use, "mul");
}

bool onnx_op_div(OnnxUse *use)
{
    if (use->only_constants)
        return compute(use, '/');
    return constant_input(use) == 1 ? mul_constant(use, 0, 1, true)
                                    : use_refuse(use, "only a division by a constant has a layer");
}

bool onnx_op_concat(OnnxUse *use)
{
    int64_t axis = use_integer(use, "axis", 1), values[ONNX_RANK_MAX];
    int count = 0;
    if (!use->only_constants) {
        const OnnxValue *in = use_value(use, 0);
        return in && (use_is_channels(in, axis) ? join(use, "concat")
                                                : use_refuse(use, "cnnc's 'concat' is along the channels"));
    }
    for (int i = 0; i < use->in_count; i++) {
        const OnnxConstant *part = use_constant(use, i);
        int64_t more = part ? onnx_constant_count(part) : ONNX_RANK_MAX + 1;
        if (!part || !part->integer || part->rank > 1 || count + more > ONNX_RANK_MAX)
            return use_refuse(use, "it joins constants that are no shape");
        for (int64_t k = 0; k < more; k++)
            values[count++] = part->integer[k];
    }
    return use_give_constant(use, onnx_constant_integers(use->import->arena, values, count));
}
