/* Arrays of numpy's .npy files (numpy.lib.format, versions 1.0 to 3.0): the header is parsed strictly,
 * nothing in it is evaluated, and the elements are read where they are needed. */
#ifndef CNN_NPY_H
#define CNN_NPY_H

#include "runtime/data/extent.h"
#include "runtime/schema.h"

typedef enum {
    NPY_BOOL,
    NPY_U1,
    NPY_I1,
    NPY_U2,
    NPY_I2,
    NPY_U4,
    NPY_I4,
    NPY_U8,
    NPY_I8,
    NPY_F2,
    NPY_F4,
    NPY_F8,
    NPY_NUMBER_COUNT,
    NPY_UNICODE = NPY_NUMBER_COUNT, /* text of 32-bit characters */
    NPY_BYTES                       /* text of bytes */
} NpyType;

typedef struct {
    Extent file;
    NpyType type;
    size_t element_bytes;
    bool swapped; /* the file's bytes are in the other order than the machine's */
    Dims shape;
    uint64_t start; /* offset of the first element */
    uint64_t count; /* elements in all */
} Npy;

/** Checks header and size. `file` is taken over, even when it fails. An array in Fortran order is read into
 * memory; CNN_NO_RESOURCE when there is too little. */
CnnStatus npy_open(Extent *file, Npy *out, CnnError *error);
void npy_close(Npy *npy);

bool npy_is_real(NpyType type);
bool npy_is_text(NpyType type);
/** "u1", "bool"; "text" for both kinds of it. */
const char *npy_type_name(NpyType type);

/** Reads `count` elements from number `first` on, counted in row-major order. raw: room for them, left in the
 * machine's byte order. */
CnnStatus npy_read(const Npy *npy, uint64_t first, uint64_t count, void *raw, CnnError *error);

/** Turns the bytes of each element round. */
void npy_swap(unsigned char *raw, uint64_t count, size_t bytes);

/** The least and the largest value of bool and the types of 8 and 16 bits, all numbers; false: values of the
 * type have no known range.
 */
bool npy_range(NpyType type, double *low, double *high);

/** The first value that is infinite or not a number, or -1. */
int64_t npy_find_not_finite(const float *value, uint64_t count);

/** Convert numbers in the machine's byte order. */
void npy_to_float(NpyType type, const void *raw, uint64_t count, float *out);
void npy_to_double(NpyType type, const void *raw, uint64_t count, double *out);

/** One element of text as UTF-8 (bytes as they are), without the zeros that fill it up; `out` has
 * element_bytes + 1 bytes. False when a zero stands within it, or a character is none of Unicode's. */
bool npy_to_text(const Npy *npy, const void *raw, char *out);

/* Private to npy*.c. *fortran: the first index runs fastest in the file. */
CnnStatus npy_read_header(Npy *npy, bool *fortran, CnnError *error);

#endif
