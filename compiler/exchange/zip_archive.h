/* Zip archives through libarchive, not compressed. Only where cnnc was built with it. */
#ifndef ZIP_ARCHIVE_H
#define ZIP_ARCHIVE_H

#include <stddef.h>

#include "runtime/status.h"

typedef struct {
    const char *name;
    const void *header; /* what stands before the bytes; header_size 0: nothing */
    size_t header_size;
    const void *bytes;
    size_t size;
} ZipEntry;

/** Writes a file with these members, whole or not at all. */
CnnStatus zip_archive_write(const char *path, const ZipEntry *entries, int count, CnnError *error);

#endif
