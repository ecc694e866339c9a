/* A network in ONNX, as it is built in memory (the calls of compiler/ops/onnx.h) and then written. */
#ifndef ONNX_GRAPH_H
#define ONNX_GRAPH_H

#include "compiler/base/vec.h"
#include "compiler/check/name_map.h"
#include "compiler/exchange/tensors.h"
#include "compiler/ops/onnx.h"

typedef enum { ONNX_INTEGER, ONNX_INTEGERS, ONNX_REAL, ONNX_TEXT } OnnxAttributeKind;

typedef struct {
    const char *name;
    OnnxAttributeKind kind;
    int64_t integer;
    double real;
    const char *text;
    const int64_t *integers;
    int count;
} OnnxAttribute;

/* What nodes and tensors are called before onnx_finish is of use inside only. */
typedef struct {
    const char *op;
    const char *place; /* the layer that it belongs to */
    const char *name;  /* by onnx_finish: what it is called, and its result */
    OnnxValue *in;     /* [in_count]; without a name: left out */
    int in_count;
    OnnxValue out;
    VEC(OnnxAttribute) attributes;
    bool used; /* the network's output needs it */
} OnnxNode;

/* A tensor that is known before the network runs. */
typedef struct {
    const char *name;
    const char *wish; /* what it is to be called, if nothing else is */
    bool integers;    /* int64 in place of f32 */
    int rank;
    int64_t dim[RANK_MAX];
    const void *data;
    bool used;
} OnnxTensor;

typedef struct {
    const char *key, *value;
} OnnxPair;

struct Onnx {
    Arena *arena;
    const char *name; /* of the network */
    const Graph *source;
    const TensorSet *weights;
    const NameMap
        *folded;       /* names of batchnorms that were folded, to the names of the biases that are left */
    OnnxValue *values; /* by node; not translated yet where the name is NULL */
    const struct LayerUse **uses; /* by node: the layer that made it, and has a translation; or NULL */
    NodeId *reshaped;             /* by node: as onnx_reshaped has it */
    const char *place;            /* the layer that is being translated, for names */
    VEC(OnnxNode *) nodes;        /* in an order in which each reads what is there */
    VEC(OnnxTensor *) tensors;
    NameMap made_by, kept; /* names of values, to the OnnxNode; names of tensors, to the OnnxTensor */
    int version;           /* of ONNX's operators */
    OnnxValue input, output;
    VEC(OnnxPair) metadata;
};

/** The node that made a value; NULL for the input and for what is known beforehand. */
const OnnxNode *onnx_maker(const Onnx *onnx, const OnnxValue *value);
/** Marks what the network's output needs, and gives names that a person can read, the output this one. */
void onnx_finish(Onnx *onnx, OnnxValue output, const char *name);

/** Writes the network to a file. Only where cnnc was built with protobuf-c. */
CnnStatus onnx_protobuf_write(const Onnx *onnx, const char *path, CnnError *error);

#endif
