/* The sections of a darknet file that become layers, with their weights. */
#include <inttypes.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/check/value.h"
#include "compiler/exchange/darknet_parts.h"

enum { WINDOW_MAX = 1024 };

/* Darknet normalizes by sqrt(variance + this), and keeps this share of its running statistics (its kernels
 * for GPUs, with which networks are trained; the first version's for CPUs add another number, behind the
 * root). */
#define DARKNET_EPS      1e-5
#define DARKNET_MOMENTUM 0.99

/* ---- Weights ---- */

static const char *section_text(const Darknet *darknet)
{
    return arena_printf(darknet->network->arena, "layer %d, [%s], %s", darknet->number,
                        darknet->section->word, diag_where(darknet->network->diag, darknet->section->span));
}

/* The next numbers of the weight file; NULL without one. */
static float *take(Darknet *darknet, size_t count, const char *part)
{
    if (!darknet->weights || darknet->failed)
        return NULL;
    Arena *arena = darknet->network->arena;
    darknet->last = section_text(darknet);
    if (count > darknet->weights->size) { /* before the memory for it is asked for */
        darknet->failed = darknet_weights_take(darknet->weights, NULL, count,
                                               arena_printf(arena, "the %s of %s", part, darknet->last));
        return NULL;
    }
    float *values = NEW_ARRAY(arena, float, count);
    darknet->failed = darknet_weights_take(darknet->weights, values, count,
                                           arena_printf(arena, "the %s of %s", part, darknet->last));
    return values;
}

/* What stands behind the biases of a normalized layer: gamma, mean, variance, into `values` in cnnc's order.
 */
static void take_norm(Darknet *darknet, size_t count, const float *values[4])
{
    values[0] = take(darknet, count, "scales");
    values[2] = take(darknet, count, "means");
    values[3] = take(darknet, count, "variances");
}

static const char *numbered(const Darknet *darknet, const char *word)
{
    return arena_printf(darknet->network->arena, "%s_%d", word, darknet->number);
}

/* ---- Activations ---- */

static const struct {
    const char *name, *word, *args;
    double scale; /* of what it gives */
} activations[] = {
    {"linear", NULL, "", 1},           {"leaky", "leaky", "0.1", 1}, {"relu", "relu", "", 1},
    {"logistic", "sigmoid", "", 1},    {"mish", "mish", "", 1},      {"swish", "silu", "", 1},
    {"tanh", "tanh", "", 1},           {"elu", "elu", "", 1},        {"relu6", "relu6", "", 1},
    {"selu", "elu", "1.6732", 1.0507},
};

static int activate(Darknet *darknet, int in, const char *preset)
{
    const CfgOption *option = cfg_find(darknet->section, "activation");
    const char *name = option ? option->value : preset;
    for (size_t i = 0; i < COUNT(activations) && in >= 0; i++) {
        if (strcmp(activations[i].name, name) != 0)
            continue;
        if (activations[i].word)
            in = network_plain(darknet->network, in, activations[i].word, activations[i].args);
        return network_rescale(darknet->network, in, activations[i].scale, 0);
    }
    if (in < 0)
        return -1;
    const char *known[COUNT(activations) + 1] = {0};
    for (size_t i = 0; i < COUNT(activations); i++)
        known[i] = activations[i].name;
    const char *near = nearest_name(name, known);
    diag_error_hint(darknet->network->diag, option ? option->value_span : darknet->section->span,
                    "not-imported",
                    near ? arena_printf(darknet->network->arena, "did you mean '%s'?", near) : NULL,
                    "cnnc has no activation '%s'", name);
    return -1;
}

/* ---- Layers ---- */

int64_t darknet_option(Darknet *darknet, const char *key, int64_t preset, int64_t least, int64_t most)
{
    return cfg_integer(&darknet->cfg, darknet->section, key, preset, least, most);
}

static int read_convolutional(Darknet *darknet, int in)
{
    Network *network = darknet->network;
    int64_t filters = darknet_option(darknet, "filters", 1, 1, DARKNET_CHANNELS_MAX),
            size = darknet_option(darknet, "size", 1, 1, WINDOW_MAX),
            stride = darknet_option(darknet, "stride", 1, 1, WINDOW_MAX),
            padding = darknet_option(darknet, "padding", 0, 0, WINDOW_MAX),
            groups = darknet_option(darknet, "groups", 1, 1, DARKNET_CHANNELS_MAX);
    bool normalized = darknet_option(darknet, "batch_normalize", 0, 0, 1);
    if (darknet_option(darknet, "pad", 0, 0, 1))
        padding = size / 2;
    int64_t channels = network_shape(network, in).channels;
    if (channels % groups != 0 || filters % groups != 0)
        return network_refuse(
            network, "%" PRId64 " channels and %" PRId64 " filters do not fall into %" PRId64 " groups",
            channels, filters, groups);
    if ((double)filters * (double)(channels / groups) * (double)(size * size) > 1e12)
        return network_refuse(network, "a kernel of more than 1e12 numbers");
    const float *norm[4] = {0};
    const float *bias = take(darknet, (size_t)filters, "biases");
    if (normalized)
        take_norm(darknet, (size_t)filters, norm);
    const float *kernel = take(darknet, (size_t)(filters * (channels / groups) * size * size), "kernel");
    const WindowSpec spec = {{size, size}, {stride, stride}, {1, 1}, {padding, padding, padding, padding}};
    if (darknet->failed)
        return -1;
    int out = network_conv(network, in, numbered(darknet, "conv"), &spec, filters, groups, kernel, bias,
                           !normalized);
    norm[1] = bias;
    if (normalized)
        out = network_batchnorm(network, out, numbered(darknet, "norm"), DARKNET_EPS, DARKNET_MOMENTUM, norm);
    return activate(darknet, out, "logistic");
}

static int read_connected(Darknet *darknet, int in)
{
    Network *network = darknet->network;
    int64_t units = darknet_option(darknet, "output", 1, 1, 1 << 24), inputs = network_elements(network, in);
    bool normalized = darknet_option(darknet, "batch_normalize", 0, 0, 1);
    const float *norm[4] = {0};
    const float *bias = take(darknet, (size_t)units, "biases");
    float *kernel = take(darknet, (size_t)(units * inputs), "kernel");
    if (kernel && darknet->weights->transposed) {
        const float *from = kernel;
        kernel = NEW_ARRAY(network->arena, float, units *inputs);
        for (int64_t i = 0; i < inputs; i++)
            for (int64_t u = 0; u < units; u++)
                kernel[u * inputs + i] = from[i * units + u];
    }
    if (normalized)
        take_norm(darknet, (size_t)units, norm);
    if (darknet->failed)
        return -1;
    int out = network_dense(network, in, numbered(darknet, "dense"), units, kernel, bias, !normalized);
    norm[1] = bias;
    if (normalized)
        out = network_batchnorm(network, out, numbered(darknet, "norm"), DARKNET_EPS, DARKNET_MOMENTUM, norm);
    return activate(darknet, out, "logistic");
}

/* `padding` is that of both sides together; the smaller half of it stands in front, and behind as much as the
 * windows reach. */
static int read_maxpool(Darknet *darknet, int in)
{
    int64_t stride = darknet_option(darknet, "stride", 1, 1, WINDOW_MAX),
            size = darknet_option(darknet, "size", stride, 1, WINDOW_MAX),
            padding = darknet_option(darknet, "padding", size - 1, 0, WINDOW_MAX);
    WindowSpec spec = {{size, size}, {stride, stride}, {1, 1}, {0}};
    ValueShape shape = network_shape(darknet->network, in);
    for (int d = 0; d < 2; d++) {
        int64_t extent = d ? shape.width : shape.height, out = (extent + padding - size) / stride + 1;
        spec.pad[2 * d] = padding / 2;
        spec.pad[2 * d + 1] = (out - 1) * stride + size - extent - padding / 2;
    }
    return network_pool(darknet->network, in, "maxpool", &spec);
}

static int read_avgpool(Darknet *darknet, int in)
{
    return network_globalpool(darknet->network, in, "avg");
}

static int read_dropout(Darknet *darknet, int in)
{
    double rate = cfg_real(&darknet->cfg, darknet->section, "probability", 0.5, 0, 0.999);
    Arena *arena = darknet->network->arena;
    return rate == 0 ? in
                     : network_plain(darknet->network, in, "dropout",
                                     arena_printf(arena, "%s%%", real_text(arena, 100 * rate)));
}

static int read_softmax(Darknet *darknet, int in)
{
    darknet_option(darknet, "groups", 1, 1, 1);
    cfg_real(&darknet->cfg, darknet->section, "temperature", 1, 1, 1);
    return network_softmax(darknet->network, in);
}

static void ignore_all(CfgSection *section)
{
    for (size_t i = 0; i < section->options.count; i++)
        section->options.items[i].is_read = true;
}

/* The loss of the training, which `train` has. */
static int read_cost(Darknet *darknet, int in)
{
    ignore_all(darknet->section);
    return in;
}

static int read_activation(Darknet *darknet, int in)
{
    return activate(darknet, in, "linear");
}

/* In an evaluation the middle of the picture, its values doubled and lowered by 1. */
static int read_crop(Darknet *darknet, int in)
{
    ValueShape shape = network_shape(darknet->network, in);
    int64_t height = darknet_option(darknet, "crop_height", 1, 1, shape.height),
            width = darknet_option(darknet, "crop_width", 1, 1, shape.width);
    bool plain = darknet_option(darknet, "noadjust", 0, 0, 1);
    const int64_t top = (shape.height - height) / 2, left = (shape.width - width) / 2;
    const int64_t margin[4] = {top, shape.height - height - top, left, shape.width - width - left};
    ignore_all(darknet->section); /* the rest is of the training */
    int out = height < shape.height || width < shape.width
                  ? network_margin(darknet->network, in, "crop", margin)
                  : in;
    return plain ? out : network_rescale(darknet->network, out, 2, -1);
}

/* The value of another layer, as sections name it: by number, or counted back from here. */
static int value_of(Darknet *darknet, int64_t named, const char *key)
{
    int64_t number = named < 0 ? darknet->number + named : named;
    if (number >= 0 && number < darknet->number)
        return darknet->values[number];
    diag_error(darknet->network->diag, cfg_find(darknet->section, key)->value_span, "bad-cfg",
               "there is no layer %" PRId64 " before this one, which is number %d", named, darknet->number);
    return -1;
}

static int read_route(Darknet *darknet, int in)
{
    (void)in;
    int64_t layers[CFG_LIST_MAX];
    int values[CFG_LIST_MAX], count = cfg_integers(&darknet->cfg, darknet->section, "layers", layers);
    int64_t groups = darknet_option(darknet, "groups", 1, 1, DARKNET_CHANNELS_MAX),
            group = darknet_option(darknet, "group_id", 0, 0, groups - 1);
    if (count == 0)
        return diag_errors(darknet->network->diag)
                   ? -1
                   : (diag_error(darknet->network->diag, darknet->section->span, "bad-cfg",
                                 "[route] needs 'layers'"),
                      -1);
    for (int i = 0; i < count; i++) {
        values[i] = value_of(darknet, layers[i], "layers");
        if (groups > 1 && values[i] >= 0) {
            int64_t part = network_shape(darknet->network, values[i]).channels / groups;
            values[i] = network_split(darknet->network, values[i], part, part * group);
        }
    }
    return count == 1 ? values[0] : network_join(darknet->network, "concat", values, count);
}

static int read_shortcut(Darknet *darknet, int in)
{
    int64_t layers[CFG_LIST_MAX];
    int values[CFG_LIST_MAX + 1] = {in},
                              count = cfg_integers(&darknet->cfg, darknet->section, "from", layers);
    if (count == 0) {
        if (diag_errors(darknet->network->diag) == 0)
            diag_error(darknet->network->diag, darknet->section->span, "bad-cfg", "[shortcut] needs 'from'");
        return -1;
    }
    for (int i = 0; i < count; i++)
        values[i + 1] = value_of(darknet, layers[i], "from");
    return activate(darknet, network_join(darknet->network, "add", values, count + 1), "linear");
}

/* The layer named is multiplied by the one before, which has a number for each of its channels. */
static int read_scale_channels(Darknet *darknet, int in)
{
    int64_t from[CFG_LIST_MAX];
    darknet_option(darknet, "scale_wh", 0, 0, 0);
    if (cfg_integers(&darknet->cfg, darknet->section, "from", from) != 1) {
        diag_error(darknet->network->diag, darknet->section->span, "bad-cfg",
                   "[scale_channels] needs one layer as 'from'");
        return -1;
    }
    const int values[2] = {value_of(darknet, from[0], "from"), in};
    return activate(darknet, network_join(darknet->network, "mul", values, 2), "linear");
}

static int read_upsample(Darknet *darknet, int in)
{
    int64_t stride = darknet_option(darknet, "stride", 2, 1, 64);
    double scale = cfg_real(&darknet->cfg, darknet->section, "scale", 1, -1e6, 1e6);
    int out = network_upsample(darknet->network, in, stride, stride, "nearest");
    return network_rescale(darknet->network, out, scale, 0);
}

/* Every section that becomes layers, by its two names. */
static const struct {
    const char *word, *other;
    int (*read)(Darknet *darknet, int in);
} sections[] = {
    {"convolutional", "conv", read_convolutional},
    {"connected", "conn", read_connected},
    {"maxpool", "max", read_maxpool},
    {"avgpool", "avg", read_avgpool},
    {"dropout", "dropout", read_dropout},
    {"softmax", "soft", read_softmax},
    {"cost", "cost", read_cost},
    {"activation", "activation", read_activation},
    {"crop", "crop", read_crop},
    {"route", "route", read_route},
    {"shortcut", "shortcut", read_shortcut},
    {"scale_channels", "scale_channels", read_scale_channels},
    {"upsample", "upsample", read_upsample},
};

/* ---- Any section ---- */

/* An option that nothing has asked for may change what the network computes. Those of any section that
 * concern the training alone: */
static void check_options(const Darknet *darknet)
{
    static const char *const training[] = {"stopbackward", "onlyforward", "train_only_bn", "learning_rate",
                                           "momentum",     "decay",       "burnin_update"};
    for (size_t i = 0; i < darknet->section->options.count; i++) {
        const CfgOption *option = &darknet->section->options.items[i];
        bool known = option->is_read;
        for (size_t k = 0; k < COUNT(training); k++)
            known |= strcmp(option->key, training[k]) == 0;
        if (!known)
            diag_error(darknet->network->diag, option->key_span, "not-imported",
                       "'%s' of [%s] is not known here; if it does not change what the network computes, "
                       "leave it out",
                       option->key, darknet->section->word);
    }
}

int darknet_read_layer(Darknet *darknet, int in)
{
    const char *word = darknet->section->word;
    for (size_t i = 0; i < COUNT(sections); i++)
        if (strcmp(word, sections[i].word) == 0 || strcmp(word, sections[i].other) == 0) {
            int errors = diag_errors(darknet->network->diag), out = sections[i].read(darknet, in);
            if (!darknet->failed)
                check_options(darknet);
            return diag_errors(darknet->network->diag) > errors ? -1 : out;
        }
    bool detects = strcmp(word, "yolo") == 0 || strcmp(word, "region") == 0 || strcmp(word, "detection") == 0;
    return network_refuse(darknet->network,
                          detects ? "[%s]: the network finds objects; cnnc has those that classify pictures"
                                  : "cnnc has nothing that does what [%s] does",
                          word);
}
