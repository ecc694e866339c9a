/* What the translations of ops and layers to ONNX are written with. Each stands with its op (Op.onnx) or
 * layer (Layer.onnx), which is asked first: what ONNX has one operator for need not be taken apart. An op or
 * layer without a translation is made of what has one.
 *
 * The graph has channels last, ONNX has them first. No node is added for that as long as it can be kept
 * in mind: a value knows in which order its dims lie. */
#ifndef ONNX_H
#define ONNX_H

#include "compiler/ir/graph.h"

typedef struct Onnx Onnx;
struct LayerUse; /* compiler/ops/layer.h */

/* A tensor of the ONNX graph, with the elements of a node's value. */
typedef struct OnnxValue {
    const char *name;
    int rank;
    int64_t dim[RANK_MAX];
    int order[RANK_MAX]; /* dim i is dim order[i] of the node's value */
    bool batch;          /* dim 0 is the batch, of any extent, and dim 0 of the node's value, too */
    const float *data;   /* the elements, where they are known before the network runs; else NULL */
} OnnxValue;

/* The graph being translated. */
const Graph *onnx_source(const Onnx *onnx);

/** The value of a node, translated if it has not been. */
OnnxValue onnx_value(Onnx *onnx, NodeId node);
/** A node with the same elements in the same order: what a layer with a translation has made of this one by a
 * last reshape, which a reshape behind it has skipped; else the node itself. */
NodeId onnx_reshaped(const Onnx *onnx, NodeId node);
/** A value with its dims in this order. */
OnnxValue onnx_in_order(Onnx *onnx, OnnxValue value, const int *order);
/** The order that ONNX's operators on pictures want: the channels behind the batch, the rest as it is. */
void onnx_channels_first(const Type *type, int order[RANK_MAX]);
/** The value of a node in that order. */
OnnxValue onnx_picture(Onnx *onnx, NodeId node);
/** A tensor of the weights as a value: LAYER.part. */
OnnxValue onnx_part(Onnx *onnx, const char *layer, const char *part);
OnnxValue onnx_number(Onnx *onnx, double value);

/** Adds an operator and returns its result, which is as `like`, but for the name and the data. Inputs without
 * a name are left out. Its attributes follow, by onnx_set_*. */
OnnxValue onnx_add(Onnx *onnx, const char *op, OnnxValue like, const OnnxValue *in, int in_count);
void onnx_set_integer(Onnx *onnx, const char *name, int64_t value);
void onnx_set_integers(Onnx *onnx, const char *name, const int64_t *values, int count);
void onnx_set_real(Onnx *onnx, const char *name, double value);
void onnx_set_text(Onnx *onnx, const char *name, const char *value);
/** Says that what was added stands in this version of ONNX's operators and in later ones. */
void onnx_needs(Onnx *onnx, int version);

/** An operator on one value, which keeps its shape. */
OnnxValue onnx_map(Onnx *onnx, const char *op, OnnxValue in);
/** A list of integers, as an operator's input. */
OnnxValue onnx_integers(Onnx *onnx, const int64_t *values, int count);
/** The same of real numbers. */
OnnxValue onnx_vector(Onnx *onnx, const double *values, int count);
/** The value of the node with the type of `node`, whose dims are in this order. Its name is still missing. */
OnnxValue onnx_like(const Onnx *onnx, NodeId node, const int *order);
/** The same elements as they lie, with other dims, whose order is 0, 1, …; a batch stays dim 0. */
OnnxValue onnx_reshape(Onnx *onnx, OnnxValue in, int rank, const int64_t *dim);
/** The values of a node's inputs, in one order and of one rank, as ONNX broadcasts them; returns what the
 * result is like. */
OnnxValue onnx_broadcast(Onnx *onnx, NodeId node, OnnxValue *in);
/** Whether a value was made by an operator that can add a bias to it, and has none yet. */
bool onnx_takes_bias(const Onnx *onnx, const OnnxValue *value);
/** Such a value plus a number for each channel, by the same operator. */
OnnxValue onnx_add_bias(Onnx *onnx, OnnxValue value, OnnxValue bias);

/** Of a batchnorm that was folded into what stands before it: what is left of it. False: it was not. */
bool onnx_folded(Onnx *onnx, const struct LayerUse *use, OnnxValue *out);

#endif
