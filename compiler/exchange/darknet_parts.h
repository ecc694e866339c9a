/* What reads a darknet file: darknet.c its first section, darknet_layers.c all others. */
#ifndef DARKNET_PARTS_H
#define DARKNET_PARTS_H

#include "compiler/exchange/darknet.h"
#include "compiler/exchange/darknet_cfg.h"

enum { DARKNET_CHANNELS_MAX = 1 << 20 };

typedef struct {
    Network *network;
    Cfg cfg;
    DarknetWeights *weights; /* NULL: none */
    CfgSection *section;     /* that is being read */
    int number;              /* of its layer, from 0, as darknet counts them */
    int *values;             /* of the layers before it: layers of the network */
    bool failed;             /* of the weights */
    const char *last;        /* section that has taken weights, for messages */
} Darknet;

/** An integer of the section that is being read, or `preset`; out of bounds: an error. */
int64_t darknet_option(Darknet *darknet, const char *key, int64_t preset, int64_t least, int64_t most);

/** The layers of the section that is being read, behind `in`: the last of them, below 0 after an error. */
int darknet_read_layer(Darknet *darknet, int in);

#endif
