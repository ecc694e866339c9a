/* The texts of stdlib/, embedded into the binary (cmake/embed.cmake). */
#ifndef STDLIB_TEXTS_H
#define STDLIB_TEXTS_H

#include <stddef.h>

typedef struct {
    const char *name; /* "blocks.cnn" */
    const char *text;
    size_t length;
} StdlibFile;
extern const StdlibFile stdlib_files[]; /* ended by a NULL name */

#endif
