/* Constants of an ONNX graph: its initializers, and what is computed of them and of shapes alone. */
#ifndef ONNX_CONSTANT_H
#define ONNX_CONSTANT_H

#include <onnx.pb-c.h>

#include "compiler/base/arena.h"
#include "runtime/status.h"

enum { ONNX_RANK_MAX = 8 };

typedef struct {
    int rank;
    int64_t dim[ONNX_RANK_MAX];
    const float *real;      /* of one of the types of reals; NULL: whole numbers */
    const int64_t *integer; /* of one of the types of whole numbers, or of truth values */
} OnnxConstant;

int64_t onnx_constant_count(const OnnxConstant *constant);
/** Element i as a real. */
double onnx_constant_at(const OnnxConstant *constant, int64_t i);

/** Whole numbers in a row. */
OnnxConstant onnx_constant_integers(Arena *arena, const int64_t *values, int count);

/* The files beside a model that hold its tensors; the last one stays in memory. */
typedef struct {
    const char *folder; /* of the model, with its '/' */
    const char *name;   /* of the last file */
    const uint8_t *bytes;
    size_t size;
} OnnxFiles;

/** The values of a tensor. Errors: CNN_BAD_INPUT: damaged, or of a type that no network here has. */
CnnStatus onnx_constant_read(Arena *arena, const Onnx__TensorProto *tensor, OnnxFiles *files,
                             OnnxConstant *out, CnnError *error);

#endif
