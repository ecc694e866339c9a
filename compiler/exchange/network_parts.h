/* What the functions of network.h are made of. */
#ifndef NETWORK_PARTS_H
#define NETWORK_PARTS_H

#include "compiler/exchange/network.h"

enum { NETWORK_EXTENT_MAX = 1 << 24, NETWORK_WINDOW_MAX = 1024 };

/** Whether a value can be counted; more could not be computed anyway. False after an error. */
bool network_is_small(Network *network, ValueShape shape);

/** A layer behind `in` (below 0: nothing); the caller fills it in, before the next is added. */
NetworkLayer *network_add(Network *network, const char *word, const char *args, int in, ValueShape shape);

/** The number of the layer that was added last. */
static inline int network_last(const Network *network)
{
    return (int)network->layers.count - 1;
}

/** A tensor of a layer; its values are 0, or NULL where the source has none. */
LayerTensor *network_add_tensor(Network *network, NetworkLayer *layer, const char *part, int rank,
                                const int64_t *dim);
/** The same, of one dimension, with these values; NULL: 0. */
void network_add_vector(Network *network, NetworkLayer *layer, const char *part, int64_t count,
                        const float *value);

/** "3", or "3x5" where they differ. */
const char *network_pair_text(Arena *arena, const int64_t pair[2]);

#endif
