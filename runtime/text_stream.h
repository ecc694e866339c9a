/* A stream that writes into memory, and that tells when there was no memory for some of it: of what the C
 * library's open_memstream drops, nothing is said. */
#ifndef CNN_TEXT_STREAM_H
#define CNN_TEXT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct {
    FILE *out; /* to print to */
    char *text;
    size_t length, room;
} TextStream;

/** Begins a text. The stream must not move until it is closed. False: no memory. */
bool cnn_text_open(TextStream *stream);

/** Ends it: the text with a NUL byte behind its *length bytes (where that is not NULL), freed by the caller.
 * NULL: there was no memory for all of it. */
char *cnn_text_close(TextStream *stream, size_t *length);

#endif
