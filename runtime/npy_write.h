/* Writing an array as a .npy file (NEP 1, https://numpy.org/neps/nep-0001-npy-format.html, version 1.0), row
 * by row. */
#ifndef CNN_NPY_WRITE_H
#define CNN_NPY_WRITE_H

#include <stdint.h>

#include "runtime/file.h"
#include "runtime/schema.h"

enum { NPY_HEADER_BYTES = 128 };
/** What stands before the values of an f32 array of these dims, at most DIMS_MAX. */
void cnn_npy_header(int rank, const int64_t *dim, char out[NPY_HEADER_BYTES]);

typedef struct {
    NewFile file;
    int64_t rows; /* written so far */
    Dims row;     /* the shape of each */
} NpyFile;

/** Begins a file of f32 rows of one or two dimensions: the array has one more. */
CnnStatus cnn_npy_create(const char *path, Dims row, NpyFile *out, CnnError *error);
/** Adds `count` rows. */
CnnStatus cnn_npy_write(NpyFile *out, const float *rows, int64_t count, CnnError *error);
/** Writes the shape, now that it is known, and puts the file in its place. On failure nothing is left. */
CnnStatus cnn_npy_commit(NpyFile *out, CnnError *error);
void cnn_npy_abandon(NpyFile *out);

#endif
