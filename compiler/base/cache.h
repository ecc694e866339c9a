/* Objects kept from run to run, in a private folder. A file is a header (magic, length, hash of the bytes)
 * and the object; what does not verify is as good as absent. Nothing here ever fails the compilation. */
#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/arena.h"

/** The object called `name`, in malloc'ed memory; NULL: not there, or damaged. */
void *cache_read(const char *folder, const char *name, size_t *bytes);
/** Whether there is an object of this name, damaged or not. */
bool cache_has(const char *folder, const char *name);
/** Keeps it: written beside and renamed, so that a reader sees all of it or nothing. */
void cache_write(const char *folder, const char *name, const void *object, size_t bytes);

/** Deletes the objects that have not been used for the longest time, until what is left has at most `bytes`.
 */
void cache_trim_to(const char *folder, uint64_t bytes);

/** The private cache folder, made if need be (XDG_CACHE_HOME or ~/.cache, then cnnc, mode 0700, owner
 * checked); NULL with the reason in *complaint when there can be none. */
const char *cache_folder(Arena *arena, const char **complaint);
/** Deletes what has not been used for the longest time, where the folder has become too large. */
void cache_trim(const char *folder);
/** How many objects are kept in the folder, and the bytes of all of them. */
int64_t cache_use(const char *folder, uint64_t *bytes);

#endif
