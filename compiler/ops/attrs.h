/* The attrs structs of the ops that have any. */
#ifndef ATTRS_H
#define ATTRS_H

#include <stdbool.h>
#include "runtime/schema.h"

/* A member of an attrs struct, for printing; what it means stands at the op. */
#define ATTR(T, member, kind) FIELD(T, member, kind, .doc = "")

typedef struct {
    double value;
} ConstantAttrs;

typedef struct {
    int64_t dim; /* along which it counts */
    Dims shape;  /* of the result */
} IotaAttrs;

typedef struct {
    int64_t purpose; /* uint32: which random numbers */
    Dims shape;      /* of the result, dim 0 the batch */
} RandomAttrs;

typedef struct {
    int64_t purpose; /* uint32: which random numbers */
    double rate;     /* share of the elements that are 0 */
    Dims shape;      /* of the result, dim 0 the batch */
} MaskAttrs;

/** What a mask multiplies what it keeps by, so that sums keep their size on average. */
static inline double mask_scale(const MaskAttrs *mask)
{
    return 1 / (1 - mask->rate);
}

typedef struct {
    Dims shape; /* of the result */
} ReshapeAttrs;

typedef struct {
    Dims order;
} PermuteAttrs;

/* pad: zeros added; crop: elements removed. */
typedef struct {
    Dims before, after;
} MarginAttrs;

typedef struct {
    int64_t dims; /* bit i: dim i is reduced to 1 */
} ReduceAttrs;

/* Windows over [n, height, width, channels]. The pads are zeros (or, for pools, nothing) around the input. */
typedef struct {
    int64_t window_height, window_width;
    int64_t stride_y, stride_x;
    int64_t dilation_y, dilation_x;
    int64_t pad_top, pad_bottom, pad_left, pad_right;
    int64_t groups;
    int64_t height, width; /* of the input: what a gradient with respect to it must have */
} WindowAttrs;

typedef struct {
    bool transpose_a, transpose_b;
} MatmulAttrs;

typedef struct {
    bool swap;   /* the last two dims are exchanged first */
    bool turned; /* dims 0 and 1, the window, run backwards */
} PairsAttrs;

/* Convolutions of 3x3 by minimal filtering: tiles of tile x tile results. */
typedef struct {
    int64_t tile;   /* 2 or 4 */
    int64_t turned; /* of a kernel: 1: its window runs backwards */
    int64_t again;  /* of the input: 1: made once more for the backward pass, in place of being kept */
    int64_t pad_top, pad_left; /* of the input: pixels of its first tiles that lie outside */
    int64_t height, width;     /* of the convolution's result */
} WinogradAttrs;

typedef struct {
    Dims shape;   /* of the result */
    int64_t lead; /* Lead of the result */
} BroadcastAttrs;

typedef struct {
    int64_t dims; /* bit i: mean and deviation were taken over dim i */
} NormalizedAttrs;

#endif
