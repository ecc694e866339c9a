/* A fuzzer's bytes as a file in memory. */
#ifndef FUZZ_EXTENT_H
#define FUZZ_EXTENT_H

#include <stdlib.h>
#include <string.h>

#include "runtime/data/extent.h"

/* A copy of exactly these bytes, so that the sanitizer sees a read beyond them. */
static inline Extent fuzz_extent(const char *path, const void *bytes, size_t size)
{
    Bytes copy = {.data = malloc(size), .size = size, .capacity = size};
    Extent extent;
    CnnError error = {0};
    if (size > 0 && copy.data)
        memcpy(copy.data, bytes, size);
    if ((size > 0 && !copy.data) || extent_hold(path, &copy, &extent, &error) != CNN_OK)
        abort();
    return extent;
}

#endif
