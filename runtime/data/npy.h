/* Arrays of numpy's .npy files (numpy.lib.format, versions 1.0 to 3.0): the header is parsed strictly,
 * nothing in it is evaluated, and the elements are read where they are needed. */
#ifndef CNN_NPY_H
#define CNN_NPY_H

#include "runtime/data/files.h"
#include "runtime/schema.h"

typedef enum {
    NPY_U1,
    NPY_I1,
    NPY_U2,
    NPY_I2,
    NPY_I4,
    NPY_I8,
    NPY_F2,
    NPY_F4,
    NPY_F8,
    NPY_TYPE_COUNT
} NpyType;

typedef struct {
    char *path;
    int descriptor; /* -1: not open */
    NpyType type;
    bool swapped; /* the file's bytes are in the other order than the machine's */
    bool fortran; /* the first index runs fastest */
    Dims shape;
    uint64_t start; /* offset of the first element */
    uint64_t count; /* elements in all */
} Npy;

/** Opens the file, checks header and size. */
CnnStatus npy_open(const char *path, Npy *out, CnnError *error);
void npy_close(Npy *npy);

size_t npy_element_bytes(NpyType type);
bool npy_is_real(NpyType type);
const char *npy_type_name(NpyType type); /* "u1" */

/**
 * Reads `count` elements from number `first` on, counted in row-major order whatever the file's order is.
 * raw: room for them, left in the machine's byte order.
 */
CnnStatus npy_read(const Npy *npy, uint64_t first, uint64_t count, void *raw, CnnError *error);

/** Converts elements in the machine's byte order. */
void npy_to_float(NpyType type, const void *raw, uint64_t count, float *out);
void npy_to_double(NpyType type, const void *raw, uint64_t count, double *out);

#endif
