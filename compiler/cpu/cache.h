/* Objects kept from run to run, in a private folder. A file is a header (magic, length, hash of the bytes)
 * and the object; what does not verify is as good as absent. Nothing here ever fails the compilation. */
#ifndef CACHE_H
#define CACHE_H

#include "compiler/cpu/cpu.h"

/** The object called `name`, in malloc'ed memory; NULL: not there, or damaged. */
void *cache_read(const char *folder, const char *name, size_t *bytes);
/** Whether there is an object of this name, damaged or not. */
bool cache_has(const char *folder, const char *name);
/** Keeps it: written beside and renamed, so that a reader sees all of it or nothing. */
void cache_write(const char *folder, const char *name, const void *object, size_t bytes);

/** Deletes the objects that have not been used for the longest time, until what is left has at most `bytes`.
 */
void cache_trim(const char *folder, uint64_t bytes);

#endif
