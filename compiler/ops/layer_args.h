/* The layers that others are made of, and the arguments of those. */
#ifndef LAYER_ARGS_H
#define LAYER_ARGS_H

#include "compiler/ops/layer.h"

#define LAYER(name) extern const Layer layer_##name;
#include "compiler/ops/layers.def"
#undef LAYER

typedef struct {
    int64_t filters;
    Dims window, stride;
    Padding pad;
    Dims dilation;
    int64_t groups;
    int bias, init; /* Bias; index into INIT_WORDS */
} ConvArgs;

typedef struct {
    Dims window;
    int64_t multiplier;
    Dims stride;
    Padding pad;
    Dims dilation;
    int bias, init;
} DepthwiseArgs;

typedef struct {
    int64_t units;
    int bias, init;
} DenseArgs;

typedef struct {
    double momentum, eps;
} BatchnormArgs;

/* Of batchnorm and its like, and of layers that have one in them. */
#define BATCHNORM_MOMENTUM "0.99"
#define NORM_EPS           "1e-3"
#define NORM_EPS_LEAST     1e-12

#endif
