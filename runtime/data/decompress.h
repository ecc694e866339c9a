/* Compressed files as a stream of bytes: gzip by zlib, which compares its check sums; bzip2, xz and zstd by
 * libarchive, which runtime/unpack needs: that is built where it is installed, and linked into cnnc, and into
 * a trainer whose data are in an archive. */
#ifndef CNN_DATA_DECOMPRESS_H
#define CNN_DATA_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/status.h"

/* Takes the bytes in their order, some at a time. A failure ends the stream. */
typedef CnnStatus ByteSink(void *context, const void *bytes, size_t count, CnnError *error);

/** The compression of a file that begins so, told by its first bytes: "gzip", "bzip2", "xz", "zstd"; NULL: it
 * is none of them. */
const char *compression_of(const unsigned char *start, size_t size);

/**
 * Passes on what the file of a descriptor holds, from its beginning; the descriptor stays open. `path` is
 * named in errors.
 *
 * compression  of compression_of.
 * Errors       CNN_BAD_INPUT: it is damaged or cut short; CNN_NO_RESOURCE: this program has been built
 * without libarchive.
 */
CnnStatus decompress(int descriptor, const char *path, const char *compression, ByteSink *sink, void *context,
                     CnnError *error);

/** Whether this program has libarchive, and so reads bzip2, xz and zstd. */
bool decompress_has_library(void);

/** In runtime/unpack: the same of what zlib does not read. */
CnnStatus cnn_unpack(int descriptor, const char *path, ByteSink *sink, void *context, CnnError *error);

#endif
