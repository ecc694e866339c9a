/* One array in an IDX file: a magic number of two zero bytes, the type of the elements and the number of
 * dimensions; the dimensions, big-endian; the elements (http://yann.lecun.com/exdb/mnist, "the IDX file
 * format"). Plain or gzip. */
#ifndef CNN_IDX_ARRAY_H
#define CNN_IDX_ARRAY_H

#include <limits.h>

#include "runtime/data/tree.h"

typedef struct {
    char path[PATH_MAX];
    Extent file;
    int rank;
    int64_t dim[4];
    uint64_t bytes;      /* of the elements, unsigned bytes */
    unsigned char *data; /* NULL until they are loaded */
} IdxArray;

/**
 * Opens array->path of a tree, which must outlive the array, and reads the header, whose rank must lie in the
 * range. The file's size is compared with what the header tells, by gzip's trailer where it is compressed;
 * elements are loaded only if that leaves a doubt.
 */
CnnStatus idx_array_open(const Tree *tree, IdxArray *array, int rank_least, int rank_most, CnnError *error);

/** Loads the elements, and closes the file; without effect when they are there. */
CnnStatus idx_array_load(IdxArray *array, CnnError *error);

void idx_array_free(IdxArray *array);

#endif
