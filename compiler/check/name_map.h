/* Names to what they stand for: an open-addressing hash table. The names are not copied; a name is added
 * once. */
#ifndef NAME_MAP_H
#define NAME_MAP_H

#include <stddef.h>
#include "compiler/base/arena.h"

typedef struct {
    const char *name;
    void *value; /* never NULL */
} NameEntry;

typedef struct {
    NameEntry *entries; /* a power of two of them; free where name is NULL */
    size_t count, capacity;
} NameMap;

/** What the name stands for, NULL when it is not there. */
void *name_map_find(const NameMap *map, const char *name);
/** Adds a name that is not there yet. */
void name_map_add(Arena *arena, NameMap *map, const char *name, void *value);

#endif
