/* Darknet: networks as a .cfg file, and their weights as a .weights file (https://pjreddie.com/darknet). */
#ifndef DARKNET_H
#define DARKNET_H

#include "compiler/exchange/darknet_weights.h"
#include "compiler/exchange/network.h"

/**
 * Builds the network of a .cfg file, which is a source of network->diag. `weights` may be NULL: then only the
 * structure is read. false after an error: in the diag, or of the weights in weights->error.
 */
bool darknet_read(Network *network, Span source, DarknetWeights *weights);

#endif
