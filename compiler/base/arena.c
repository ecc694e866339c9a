/* Blocks in a list; a large request gets a block of its own. */
#include "compiler/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"

enum { BLOCK_BYTES = 64 * 1024 };

typedef struct Block {
    struct Block *next;
    size_t used, capacity;
    /* The header's 24 bytes are padded to 32, so that the data is aligned to 16. */
    _Alignas(16) char data[];
} Block;

struct Arena {
    Block *blocks;
};

static Block *block_new(size_t capacity)
{
    Block *block = calloc(1, sizeof(Block) + capacity);
    if (!block)
        out_of_memory(capacity);
    block->capacity = capacity;
    return block;
}

Arena *arena_new(void)
{
    Arena *arena = calloc(1, sizeof(Arena));
    if (!arena)
        out_of_memory(sizeof(Arena));
    return arena;
}

void arena_free(Arena *arena)
{
    if (!arena)
        return;
    for (Block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

void *arena_alloc(Arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        out_of_memory(bytes);
    bytes = (bytes + 15) & ~(size_t)15;
    Block *block = arena->blocks;
    if (!block || block->capacity - block->used < bytes) {
        block = block_new(bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES);
        if (arena->blocks && bytes > BLOCK_BYTES) { /* keep filling the current block */
            block->next = arena->blocks->next;
            arena->blocks->next = block;
        } else {
            block->next = arena->blocks;
            arena->blocks = block;
        }
    }
    void *result = block->data + block->used;
    block->used += bytes;
    return result;
}

void *arena_array(Arena *arena, size_t count, size_t bytes)
{
    if (bytes && count > SIZE_MAX / bytes)
        out_of_memory(SIZE_MAX);
    return arena_alloc(arena, count * bytes);
}

void *arena_copy(Arena *arena, const void *from, size_t bytes)
{
    void *to = arena_alloc(arena, bytes);
    if (bytes)
        memcpy(to, from, bytes);
    return to;
}

char *arena_text(Arena *arena, const char *text, size_t length)
{
    char *to = arena_alloc(arena, length + 1);
    memcpy(to, text, length);
    return to;
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
