/* The hash is FNV-1a (Fowler, Noll, Vo, RFC 9923); a table is at most half full. */
#include "compiler/check/name_map.h"

#include <stdint.h>
#include <string.h>

/* The place of the name, or the free place where it would go. */
static NameEntry *find_place(NameEntry *entries, size_t capacity, const char *name)
{
    uint32_t hash = 2166136261u;
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    size_t at = hash & (capacity - 1);
    while (entries[at].name && strcmp(entries[at].name, name) != 0)
        at = (at + 1) & (capacity - 1);
    return &entries[at];
}

void *name_map_find(const NameMap *map, const char *name)
{
    return map->count ? find_place(map->entries, map->capacity, name)->value : NULL;
}

static void grow(Arena *arena, NameMap *map)
{
    size_t capacity = map->capacity ? 2 * map->capacity : 8;
    NameEntry *entries = NEW_ARRAY(arena, NameEntry, capacity);
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].name)
            *find_place(entries, capacity, map->entries[i].name) = map->entries[i];
    map->entries = entries;
    map->capacity = capacity;
}

void name_map_add(Arena *arena, NameMap *map, const char *name, void *value)
{
    if (2 * map->count >= map->capacity)
        grow(arena, map);
    *find_place(map->entries, map->capacity, name) = (NameEntry){name, value};
    map->count++;
}
