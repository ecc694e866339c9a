/* `cache`: samples as they are before anything random or measured happens to them, decoded once and kept. */
#ifndef CNN_CACHE_H
#define CNN_CACHE_H

#include "runtime/data/data.h"

typedef struct DataCache DataCache;

extern const Schema cache_schema;

/** A copy of sample `index` (the source's number) into `out`. *found is false where it has not been kept. */
CnnStatus cache_load(const DataCache *cache, int64_t index, Picture *out, bool *found, CnnError *error);
/** Keeps the sample, if it is one of those that are kept. From any thread. */
void cache_store(DataCache *cache, int64_t index, const Picture *picture);
void cache_close(DataCache *cache);

#endif
