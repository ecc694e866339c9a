/* Batchnorms folded into the layers before them. In an evaluation a batchnorm multiplies each channel by a
 * number and adds another; a convolution or dense layer right before it, whose result nothing else reads, can
 * do both: its kernel multiplied, and its bias (Jacob et al., Quantization and training of neural networks
 * for efficient integer-arithmetic-only inference, CVPR 2018, section 3.2). */
#ifndef FOLD_H
#define FOLD_H

#include "compiler/check/name_map.h"
#include "compiler/exchange/tensors.h"

typedef struct {
    int folded, batchnorms;
    NameMap
        biases; /* the names of those that were folded, to those of the biases that they left (LAYER.bias) */
} Fold;

/** Folds what can be folded of the evaluation's graph: `set` loses gamma, beta, mean and variance, and has a
 * bias where there was none. */
Fold fold_batchnorms(const Program *program, TensorSet *set);

#endif
