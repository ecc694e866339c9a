#include "compiler/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void reserve(Text *text, size_t more)
{
    if (text->length + more + 1 <= text->capacity)
        return;
    size_t capacity = text->capacity ? text->capacity : 128;
    while (capacity < text->length + more + 1)
        capacity *= 2;
    char *moved = arena_alloc(text->arena, capacity);
    if (text->length)
        memcpy(moved, text->bytes, text->length);
    text->bytes = moved;
    text->capacity = capacity;
}

void text_append(Text *text, const char *bytes, size_t length)
{
    reserve(text, length);
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_printf(Text *text, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    reserve(text, (size_t)length);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
    text->length += (size_t)length;
    va_end(again);
}

const char *text_string(const Text *text)
{
    return text->bytes ? text->bytes : "";
}
