/* The cache in memory: one block with a place for each sample of the training and the validation part. The
 * test part is read once in a training, so it has none. A place is filled by the thread that decodes its
 * sample first, and read by all after it. */
#include "runtime/data/cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/pipeline.h"
#include "runtime/memory.h"

typedef struct {
    int where;
} CacheArgs;

static const Field cache_fields[] = {
    FIELD(CacheArgs, where, FIELD_WORD, .preset = "memory", .words = "memory", .planned = "disk",
          .doc = "memory: bytes as they were decoded, until the training ends"),
    FIELDS_END,
};
const Schema cache_schema = {
    .word = "cache",
    .doc = "Decodes and resizes each picture of the training and the validation part once, in the first "
           "epoch; later epochs begin at augment, scale or standardize, whichever comes first. A training "
           "whose samples do not fit says so and goes on without it.",
    .places = IN_DATA,
    .fields = cache_fields,
    .args_bytes = sizeof(CacheArgs),
    .example = "cache memory",
};

typedef enum { KEPT_NOT, KEPT_WRITING, KEPT } KeptState;

struct DataCache {
    int64_t height, width, channels;
    Dtype dtype;
    size_t sample_bytes;
    unsigned char *samples;
    int64_t count;         /* of the source's numbers */
    uint32_t *place;       /* [count], NOWHERE for those that are not kept */
    _Atomic uint8_t *kept; /* [count] of KeptState */
};

static const uint32_t NOWHERE = UINT32_MAX;

/* The first sample that can be read tells what all are like. False: none of the first few can be. */
static bool cache_probe(const CnnData *data, DataCache *cache, CnnStatus *status, CnnError *error)
{
    enum { TRIES = 16 };
    DataScratch *scratch = NULL;
    bool found = false;
    *status = CNN_OK;
    for (int64_t i = 0; i < data->split.count[PART_TRAIN] && i < TRIES && !found; i++) {
        SampleRun run = {.stages = data->fixed_stages};
        CnnError unreadable = {0};
        Picture *picture;
        *status = data_run(data, data->split.index[PART_TRAIN][i], &run, &scratch, &picture, &unreadable);
        if (*status == CNN_OK) {
            found = true;
            cache->height = picture->height;
            cache->width = picture->width;
            cache->channels = picture->channels;
            cache->dtype = picture->dtype;
            cache->sample_bytes =
                (size_t)(picture->height * picture->width * picture->channels) * dtype_bytes(picture->dtype);
        } else if (!run.unreadable) {
            cnn_fail(error, *status, "%s", unreadable.text);
            break;
        } else {
            *status = CNN_OK;
        }
    }
    cnn_data_scratch_free(scratch);
    return found;
}

static CnnStatus cache_take(const CnnData *data, DataCache *cache, uint64_t bytes, CnnError *error)
{
    const SourceInfo *info = &data->source->info;
    cache->count = info->count + info->validation_count;
    cache->samples = cnn_memory_take(bytes);
    cache->place = malloc((size_t)cache->count * sizeof *cache->place);
    cache->kept = calloc((size_t)cache->count, sizeof *cache->kept);
    if (!cache->samples || !cache->place || !cache->kept)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to cache %lld samples",
                        (long long)cache->count);
    uint32_t next = 0;
    for (int64_t i = 0; i < cache->count; i++)
        cache->place[i] = NOWHERE;
    for (int part = PART_TRAIN; part <= PART_VALIDATION; part++)
        for (int64_t i = 0; i < data->split.count[part]; i++)
            cache->place[data->split.index[part][i]] = next++;
    return CNN_OK;
}

CnnStatus cnn_data_cache(CnnData *data, CacheUse *use, CnnError *error)
{
    *use = (CacheUse){.wanted = data->cache_wanted};
    if (!data->cache_wanted || data->cache)
        return CNN_OK;
    DataCache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a cache");
    int64_t kept = data->split.count[PART_TRAIN] + data->split.count[PART_VALIDATION];
    CnnStatus status;
    use->available = cnn_memory_available();
    if (cache_probe(data, cache, &status, error) &&
        cnn_multiply((uint64_t)kept, cache->sample_bytes, &use->bytes) && use->bytes <= use->available &&
        kept < NOWHERE && (status = cache_take(data, cache, use->bytes, error)) == CNN_OK) {
        data->cache = cache;
        use->on = true;
    } else {
        cache_close(cache);
    }
    return status;
}

CnnStatus cache_load(const DataCache *cache, int64_t index, Picture *out, bool *found, CnnError *error)
{
    *found = index < cache->count && cache->place[index] != NOWHERE &&
             atomic_load_explicit(&cache->kept[index], memory_order_acquire) == KEPT;
    if (!*found)
        return CNN_OK;
    TRY(picture_reserve(out, cache->height, cache->width, cache->channels, cache->dtype, error));
    memcpy(out->data, cache->samples + cache->place[index] * cache->sample_bytes, cache->sample_bytes);
    return CNN_OK;
}

void cache_store(DataCache *cache, int64_t index, const Picture *picture)
{
    uint8_t expected = KEPT_NOT;
    if (index >= cache->count || cache->place[index] == NOWHERE ||
        !atomic_compare_exchange_strong(&cache->kept[index], &expected, KEPT_WRITING))
        return;
    memcpy(cache->samples + cache->place[index] * cache->sample_bytes, picture->data, cache->sample_bytes);
    atomic_store_explicit(&cache->kept[index], KEPT, memory_order_release);
}

void cache_close(DataCache *cache)
{
    if (!cache)
        return;
    free(cache->samples);
    free(cache->place);
    free((void *)cache->kept);
    free(cache);
}
