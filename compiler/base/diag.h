/* Diagnostics: the source map, spans into it, and the user's errors with position, line, carets and notes. */
#ifndef DIAG_H
#define DIAG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "compiler/base/arena.h"

/* Bytes [low, high) of the source map. {0, 0} is nowhere. */
typedef struct {
    uint32_t low, high;
} Span;

typedef struct Diag Diag;

Diag *diag_new(Arena *arena);

/** Adds a source text (copied) under a name to show; returns the span of all of it. Its bytes get the next
 * positions of the map. */
Span diag_add_source(Diag *diag, const char *name, const char *text, size_t length);

/** Where a span begins: file, line and column from 1 (columns count characters, not bytes). */
typedef struct {
    const char *file;
    int line, column;
} Place;
Place diag_place(const Diag *diag, Span at);

/** "model.cnn:12:5", in the diag's arena. */
const char *diag_where(const Diag *diag, Span at);

/** The source text of a span, not NUL-terminated: `*length` bytes. */
const char *diag_source(const Diag *diag, Span at, size_t *length);

/**
 * Reports a mistake of the user. `slug` is its stable name, listed with an example in docs/errors.md. Repeats
 * at the same place are dropped; after 20 errors the rest are counted only.
 */
void diag_error(Diag *diag, Span at, const char *slug, const char *format, ...) PRINTF_LIKE(4, 5);
/** The same, with a word under the carets: "did you mean 'stride'?". hint may be NULL. */
void diag_error_hint(Diag *diag, Span at, const char *slug, const char *hint, const char *format, ...)
    PRINTF_LIKE(5, 6);
/** Adds a second place to the last error or warning. */
void diag_note(Diag *diag, Span at, const char *format, ...) PRINTF_LIKE(3, 4);
void diag_warning(Diag *diag, Span at, const char *slug, const char *format, ...) PRINTF_LIKE(4, 5);

int diag_errors(const Diag *diag);
int diag_warnings(const Diag *diag);

/** The slug of a message that is kept, counted from 0 in the order they were reported; NULL past the last. */
const char *diag_slug(const Diag *diag, int index);
/** The first error that is kept, without its place; NULL: there is none. */
const char *diag_first_error(const Diag *diag);
/** Whether a printed message ends with its slug in brackets, under which docs/errors.md explains it. On by
 * default. */
void diag_show_slugs(Diag *diag, bool show);

/** Writes all messages in order of position of their first place and forgets them (the counts stay). Escapes
 * control characters. */
void diag_print(Diag *diag, FILE *out);

/** The nearest of the NULL-terminated `names` to `word` by edit distance, if near enough to be a slip, else
 * NULL. */
const char *nearest_name(const char *word, const char *const *names);

#endif
