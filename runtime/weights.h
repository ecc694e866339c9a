/* Weight files: safetensors (https://huggingface.co/docs/safetensors), written beside, synced and renamed. */
#ifndef CNN_WEIGHTS_H
#define CNN_WEIGHTS_H

#include "runtime/dtype.h"
#include "runtime/schema.h"
#include "runtime/status.h"

typedef struct {
    const char *name;
    Dtype dtype;
    int rank;
    int64_t dim[DIMS_MAX];
    void *data;
} NamedTensor;

/** Writes all tensors, in the given order, and `metadata` pairs (key, value, …, NULL). On failure the old
 * file is intact. */
CnnStatus cnn_weights_save(const char *path, const NamedTensor *tensors, int count,
                           const char *const *metadata, CnnError *error);

typedef struct WeightFile WeightFile;

/** Reads and checks a file: header, names, shapes, offsets, sizes, the checksum of the tensors. */
CnnStatus cnn_weights_open(const char *path, WeightFile **out, CnnError *error);
/** The same of a file whose bytes are in memory, where they must stay until it is closed. `path`: what
 * messages call it. */
CnnStatus cnn_weights_read(const char *path, const void *bytes, size_t length, WeightFile **out,
                           CnnError *error);
/** From now on cnn_weights_open of this very path (the pointer) opens these bytes: weights inside a program,
 * which then has one way to open any. Called before anything else, by the program's `main`. */
void cnn_weights_lend(const char *path, const void *bytes, size_t length);
void cnn_weights_close(WeightFile *file);
int cnn_weights_count(const WeightFile *file);
/** Tensor number i; data points into memory of the file, until it is closed, at any alignment: copy with
 * memcpy. */
const NamedTensor *cnn_weights_tensor(const WeightFile *file, int i);
const NamedTensor *cnn_weights_find(const WeightFile *file, const char *name);
/** Forgets the tensors that patterns match (pattern.h), as if the file did not have them. */
void cnn_weights_leave_out(WeightFile *file, const char *patterns);
const char *cnn_weights_metadata(const WeightFile *file, const char *key); /* NULL: not there */

/** Whether the header, metadata and names, is to the bit what cnn_weights_save wrote. (Not asked of every
 * file: other programs write weights, and what they carry over from ours.) Errors: CNN_BAD_INPUT. */
CnnStatus cnn_weights_check_header(const WeightFile *file, const char *path, CnnError *error);

#endif
