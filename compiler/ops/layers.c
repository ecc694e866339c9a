/* The table of layers. */
#include "compiler/ops/layer_args.h"

const Layer *const layer_table[] = {
#define LAYER(name) &layer_##name,
#include "compiler/ops/layers.def"
#undef LAYER
    NULL};
