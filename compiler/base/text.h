/* Text that grows at its end. */
#ifndef TEXT_H
#define TEXT_H

#include "compiler/base/arena.h"

typedef struct {
    Arena *arena;
    char *bytes; /* NUL-terminated once something was added; NULL before */
    size_t length, capacity;
} Text;

void text_printf(Text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_append(Text *text, const char *bytes, size_t length);
/** The text so far, never NULL. */
const char *text_string(const Text *text);

#endif
