/* `cache`: samples as they are before anything random or measured happens to them, decoded once and kept. */
#ifndef CNN_CACHE_H
#define CNN_CACHE_H

#include "runtime/data/data.h"

typedef struct DataCache DataCache;

typedef struct {
    int where; /* CACHE_MEMORY or CACHE_DISK, less 1 */
    const char *folder;
} CacheArgs;

extern const Schema cache_schema;

/** A copy of sample `index` (the source's number) into `out`. *found is false where it is not kept. */
CnnStatus cache_load(DataCache *cache, int64_t index, Picture *out, bool *found, CnnError *error);
/** Keeps the sample, if it is one of those that are kept; NULL: it cannot be read. From any thread. */
void cache_store(DataCache *cache, int64_t index, const Picture *picture);
void cache_close(DataCache *cache);

#endif
