/* How Keras numbers the layers in its weight files. */
#ifndef KERAS_NAMES_H
#define KERAS_NAMES_H

#include "compiler/check/name_map.h"

/** The name of the next layer of its kind in a model: of the third SeparableConv2D "separable_conv2d_2".
 * `seen`: those of the model so far. */
const char *keras_group_name(Arena *arena, NameMap *seen, const char *kind);

#endif
