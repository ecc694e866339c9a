/* Bytes that can be read at any offset, by any number of threads at once: those of a file, of a part of one,
 * or held in memory. */
#ifndef CNN_DATA_EXTENT_H
#define CNN_DATA_EXTENT_H

#include <stdbool.h>

#include "runtime/data/files.h"

/* Zeroed: none is open. */
typedef struct {
    char *path;     /* named in errors; NULL: not open */
    uint64_t size;  /* bytes */
    int descriptor; /* -1: the bytes are in memory */
    uint64_t start; /* offset of the first byte in the descriptor's file */
    unsigned char *bytes;
    bool borrowed; /* descriptor and bytes belong to another extent */
} Extent;

/** A regular file. On an error nothing is to be closed; the same holds for the functions below. */
CnnStatus extent_open(const char *path, Extent *out, CnnError *error);
/** `size` bytes of `whole` from `start` on, which must lie within it. `whole` must outlive the part. */
CnnStatus extent_part(const Extent *whole, const char *path, uint64_t start, uint64_t size, Extent *out,
                      CnnError *error);
/** Bytes in memory, which are taken over and leave *bytes empty, even after an error. */
CnnStatus extent_hold(const char *path, Bytes *bytes, Extent *out, CnnError *error);
void extent_close(Extent *extent);

/** Reads exactly `size` bytes at `offset`; fewer are an error that says so. */
CnnStatus extent_read(const Extent *extent, void *out, size_t size, uint64_t offset, CnnError *error);

#endif
