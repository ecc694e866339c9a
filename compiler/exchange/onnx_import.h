/* Networks in ONNX. The graph is walked node by node; each operator (onnx_operators_protobuf.c) makes layers
 * of values, or constants of constants. */
#ifndef ONNX_IMPORT_H
#define ONNX_IMPORT_H

#include <onnx.pb-c.h>

#include "compiler/check/name_map.h"
#include "compiler/exchange/network.h"
#include "compiler/exchange/onnx_constant.h"

/* What a name of the graph stands for. The extents of a layer's value are those of the network; in the graph
 * it has `rank` dimensions: samples, channels, rows, columns, or samples, numbers. */
typedef struct {
    bool is_layer;
    int layer;
    int rank;
    bool last;             /* the channels stand last, behind rows and columns */
    int64_t groups;        /* above 0: of rank 5, its channels in two dimensions, this many groups first, */
    bool swapped;          /* or last */
    OnnxConstant constant; /* of what is no layer */
} OnnxValue;

typedef struct {
    Network *network;
    Arena *arena;
    NameMap values;  /* names to OnnxValue */
    NameMap readers; /* names to int: how often they are read */
    OnnxFiles files;
    int64_t version; /* of the operators */
    int64_t batch;   /* samples that the input is declared for; 0: any number */
    CnnError *error;
} OnnxImport;

enum { ONNX_IN_MAX = 64, ONNX_OUT_MAX = 64 };

/* A node that is being read. */
typedef struct {
    OnnxImport *import;
    const Onnx__NodeProto *node;
    const OnnxValue *in[ONNX_IN_MAX]; /* NULL: left out */
    int in_count;
    OnnxValue out[ONNX_OUT_MAX];
    int out_count;
    bool only_constants;
    const char *name; /* for the layers that are made, from the names of the source */
} OnnxUse;

/** Carries out a node; false after an error. */
bool onnx_operate(OnnxUse *use);

/** Reads a model file of `size` bytes; false after an error, in the diag or in *error. */
bool onnx_import(Network *network, const char *path, const void *bytes, size_t size, CnnError *error);

#endif
