#include <inttypes.h>
#include <string.h>

#include "compiler/check/value.h"
#include "compiler/exchange/darknet_parts.h"

enum { SIDE_MAX = 1 << 16 };

/* [net]: the input; all else is of the training. */
static int read_net(Darknet *darknet)
{
    CfgSection *section = darknet->section;
    Network *network = darknet->network;
    if (strcmp(section->word, "net") != 0 && strcmp(section->word, "network") != 0) {
        diag_error(network->diag, section->span, "bad-cfg", "the first section is [net], not [%s]",
                   section->word);
        return -1;
    }
    int64_t height = darknet_option(darknet, "height", 0, 1, SIDE_MAX),
            width = darknet_option(darknet, "width", 0, 1, SIDE_MAX),
            channels = darknet_option(darknet, "channels", 0, 1, DARKNET_CHANNELS_MAX),
            inputs = darknet_option(darknet, "inputs", 0, 1, 1 << 24),
            batch = darknet_option(darknet, "batch", 1, 1, 1 << 20);
    double rate = cfg_real(&darknet->cfg, section, "learning_rate", 0.001, 1e-12, 1e6),
           momentum = cfg_real(&darknet->cfg, section, "momentum", 0.9, 0, 0.999999),
           decay = cfg_real(&darknet->cfg, section, "decay", 0.0001, 0, 1);
    Text train = {.arena = network->arena};
    text_printf(&train,
                "    optimizer sgd, rate=%s, momentum=%s, decay=%s\n    batch %" PRId64 "\n    epochs 10\n",
                real_text(network->arena, rate), real_text(network->arena, momentum),
                real_text(network->arena, decay), batch > 1 ? batch : 32);
    network->train = text_string(&train);
    if (diag_errors(network->diag) > 0)
        return -1;
    if (inputs > 0 && height == 0 && width == 0 && channels == 0)
        return network_input(network, 1, 1, inputs);
    if (height == 0 || width == 0 || channels == 0) {
        diag_error(network->diag, section->span, "bad-cfg", "[net] needs height, width and channels");
        return -1;
    }
    return network_input(network, height, width, channels);
}

bool darknet_read(Network *network, Span source, DarknetWeights *weights)
{
    Darknet darknet = {.network = network, .weights = weights};
    if (!cfg_read(network->arena, network->diag, source, &darknet.cfg))
        return false;
    if (weights && darknet_weights_begin(weights) != CNN_OK)
        return false;
    size_t count = darknet.cfg.sections.count;
    darknet.values = NEW_ARRAY(network->arena, int, count);
    network->is_scaled = true;
    network->low = 0;
    network->high = 1;
    network->has_weights = weights != NULL;
    darknet.section = darknet.cfg.sections.items;
    network->at = darknet.section->span;
    int value = read_net(&darknet);
    for (size_t i = 1; i < count && value >= 0; i++, darknet.number++) {
        darknet.section = &darknet.cfg.sections.items[i];
        network->at = darknet.section->span;
        value = darknet_read_layer(&darknet, value);
        darknet.values[darknet.number] = value;
    }
    if (!network_finish(network, value))
        return false;
    bool softmax = strcmp(network->layers.items[network->output].word, "softmax") == 0;
    network->train =
        arena_printf(network->arena, "    loss %s\n%s", softmax ? "cross_entropy" : "mse", network->train);
    return !weights || darknet_weights_end(weights, darknet.last ? darknet.last : "the header") == CNN_OK;
}
