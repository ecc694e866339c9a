/* An arena for all tests of a program. Included after cmocka.h. */
#ifndef ARENA_TEST_H
#define ARENA_TEST_H

#include "compiler/base/arena.h"

static Arena *arena;

static inline int arena_begin(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static inline int arena_end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

#endif
