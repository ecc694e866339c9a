/* TIFF files opened by libtiff: from memory or from what is open, without its messages on the terminal, with
 * a limit to what it allocates at once. What it only warns of while it decodes counts as damage. */
#ifndef CNN_FORMATS_TIFF_H
#define CNN_FORMATS_TIFF_H

#include <stdbool.h>

#include <tiffio.h>

#include "runtime/data/extent.h"

typedef struct {
    TIFF *tiff;
    const Bytes *memory; /* or */
    const Extent *extent;
    uint64_t size, at;
    bool cut;       /* libtiff has asked for more than the file has */
    bool decoding;  /* the directory has been read: from here on warnings count */
    CnnError first; /* what libtiff complained of first */
} TiffFile;

/**
 * Opens the file at its first picture. The caller has set `memory` or `extent`, and keeps the struct in its
 * place until tiff_close. Errors are without a path.
 */
CnnStatus tiff_open(TiffFile *file, CnnError *error);
void tiff_close(TiffFile *file);

/** Whether nothing has gone wrong: `done` is what libtiff returned. Otherwise the error says what has. */
CnnStatus tiff_check(const TiffFile *file, bool done, CnnError *error);

/** The version of libtiff, "4.5.0". */
void tiff_version(char *out, size_t bytes);

#endif
