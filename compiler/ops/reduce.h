/* Means in ONNX, which the graph has as sums times a number. */
#ifndef REDUCE_H
#define REDUCE_H

#include "compiler/ops/onnx.h"

/** Whether a node is a sum within each sample that `factor` makes a mean. */
bool reduce_is_mean(const Graph *graph, NodeId sum, double factor);
/** That mean. */
OnnxValue reduce_mean_onnx(Onnx *onnx, NodeId sum);

#endif
