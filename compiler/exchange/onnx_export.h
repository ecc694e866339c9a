/* A checked network and its weights, as a graph in ONNX. */
#ifndef ONNX_EXPORT_H
#define ONNX_EXPORT_H

#include "compiler/exchange/fold.h"
#include "compiler/exchange/onnx_graph.h"

typedef struct {
    const TensorSet *weights; /* of the program, after the fold */
    const Fold *fold;         /* NULL: nothing was folded */
    bool logits;              /* without a last softmax or sigmoid */
    bool bare; /* the input is what the network sees: no stage of the data section is part of it */
} OnnxOptions;

/**
 * The network as it is evaluated: of an input [batch, channels, height, width] its output [batch, numbers].
 * The last stages of the data section that change each value by itself (scale, standardize) come first,
 * unless `bare`; *before, in the program's arena, becomes the words of those that stand before them, "" for
 * none: the input is a sample as these have left it.
 */
Onnx *onnx_export(const Program *program, const OnnxOptions *options, const char **before);

#endif
