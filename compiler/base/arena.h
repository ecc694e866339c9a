/* Memory of the compiler: allocated piece by piece, freed all at once. Out of memory ends the process with
 * exit code 3. */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>
#include "runtime/status.h" /* PRINTF_LIKE */

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena);

/** `bytes` zeroed bytes, aligned to 16. */
void *arena_alloc(Arena *arena, size_t bytes);
/** count objects of `bytes` each, zeroed; the product is checked. */
void *arena_array(Arena *arena, size_t count, size_t bytes);
/** A copy of `bytes` bytes. */
void *arena_copy(Arena *arena, const void *from, size_t bytes);
/** A NUL-terminated copy of the first `length` bytes of text. */
char *arena_text(Arena *arena, const char *text, size_t length);
char *arena_printf(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#define NEW(arena, T)              ((T *)arena_alloc((arena), sizeof(T)))
#define NEW_ARRAY(arena, T, count) ((T *)arena_array((arena), (size_t)(count), sizeof(T)))

#endif
