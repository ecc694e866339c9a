/* The names in a folder, sorted by bytes: the same on every file system and in every locale. */
#ifndef CNN_LISTING_H
#define CNN_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/status.h"

typedef struct {
    char *text; /* the names, each ended by a NUL */
    size_t used, room;
    size_t *at; /* where each name begins; count of them */
    size_t count, count_room;
    struct Watch *watch; /* NULL, or where folders that are read are noted (runtime/data/watch.h) */
} Listing;

/** Adds the name PREFIX/NAME, or NAME where the prefix is empty. */
CnnStatus listing_add(Listing *listing, const char *prefix, const char *name, CnnError *error);
void listing_sort(Listing *listing);
const char *listing_name(const Listing *listing, size_t i);
bool listing_has(const Listing *listing, const char *name);
void listing_free(Listing *listing);

typedef enum { ENTRY_FILE, ENTRY_FOLDER } EntryKind;

/** Adds the files or the folders of `path`, links followed. Hidden ones are left out, and whatever is
 * neither. */
CnnStatus listing_read(Listing *listing, const char *path, EntryKind kind, CnnError *error);

/**
 * Adds everything but folders for which `wanted` is true under `path`, named relative to it, and counts the
 * others. What is then no regular file (a link that leads nowhere, a device, a pipe) cannot be read, and is
 * told of so. Folders inside are gone through, but no links to folders: they could lead round in a circle.
 * `path` itself may be a link, but to no folder that it lies in.
 */
CnnStatus listing_read_tree(Listing *listing, const char *path, bool (*wanted)(const char *name),
                            size_t *others, CnnError *error);

#endif
