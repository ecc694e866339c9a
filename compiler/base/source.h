/* Source files: read whole, into the source map. */
#ifndef SOURCE_FILE_H
#define SOURCE_FILE_H

#include "compiler/base/diag.h"

enum { SOURCE_BYTES_MAX = 16 << 20 };

/**
 * Reads a regular file of at most SOURCE_BYTES_MAX bytes. false after an error, reported at `at`: the place
 * that names the file, or nowhere for the command line.
 */
bool source_read(Diag *diag, Span at, const char *path, Span *source);

#endif
