/* A growing array in an arena: `VEC(Node) nodes = {0}; *vec_push(arena, &nodes) = node;`. Pushing may move
 * the items. */
#ifndef VEC_H
#define VEC_H

#include <stddef.h>
#include <string.h>
#include "compiler/base/arena.h"

#define VEC(T)                                                                                               \
    struct {                                                                                                 \
        T *items;                                                                                            \
        size_t count, capacity;                                                                              \
    }

/** A pointer to a new, zeroed last item. */
#define vec_push(arena, vec)                                                                                 \
    ((vec)->items = vec_grow((arena), (vec)->items, &(vec)->count, &(vec)->capacity, sizeof *(vec)->items),  \
     &(vec)->items[(vec)->count - 1])

static inline void *vec_grow(Arena *arena, void *items, size_t *count, size_t *capacity, size_t bytes)
{
    if (*count == *capacity) {
        size_t larger = *capacity ? 2 * *capacity : 8;
        void *moved = arena_array(arena, larger, bytes);
        if (items)
            memcpy(moved, items, *count * bytes);
        items = moved;
        *capacity = larger;
    }
    ++*count;
    return items;
}

#endif
