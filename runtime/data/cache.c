/* The caches in memory and on disk. In memory: one block with a place for each sample of the training and the
 * validation part; the test part is read once in a training, so it has none. On disk: a file with a record
 * for each sample of the source, so that it does not depend on the split and serves evaluations too. In both,
 * a place is filled by the thread that decodes its sample first, and read by all after it. */
#include "runtime/data/cache.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cache_folder.h"
#include "runtime/data/cache_file.h"
#include "runtime/data/pipeline.h"
#include "runtime/data/stamp.h"
#include "runtime/file.h"
#include "runtime/memory.h"

static const Field cache_fields[] = {
    FIELD(CacheArgs, where, FIELD_WORD, .preset = "memory", .words = "memory disk",
          .doc = "memory: until the training ends; disk: in a file, for later trainings too"),
    FIELD(CacheArgs, folder, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = "disk: the folder of the file, made if it is not there; cnnc's cache folder when absent"),
    FIELDS_END,
};
const Schema cache_schema = {
    .word = "cache",
    .doc = "Decodes and resizes each picture once, in the first epoch; later epochs begin at augment, scale "
           "or standardize, whichever comes first. memory keeps the training and the validation part; a "
           "training whose samples do not fit says so and goes on without. disk keeps all parts in a file, "
           "which is made anew when pictures or statements change; it is an error when the disk has not that "
           "much room.",
    .places = IN_DATA,
    .fields = cache_fields,
    .args_bytes = sizeof(CacheArgs),
    .example = "cache disk",
};

typedef enum { KEPT_NOT, KEPT_WRITING, KEPT, KEPT_NONE /* the source is to be asked */ } KeptState;

struct DataCache {
    CacheContent content; /* count: of the source's numbers */
    size_t sample_bytes;
    _Atomic uint8_t *kept; /* [count] of KeptState */

    unsigned char *samples; /* in memory; NULL: on disk */
    uint32_t *place;        /* [count], NOWHERE for those that are not kept */

    CacheFile *file;
    char path[PATH_MAX];
    bool building;
    _Atomic int64_t done;           /* records of a file that is being built */
    atomic_bool committed, stopped; /* stopped: nothing more is written */
    pthread_mutex_t lock;           /* for what follows */
    int64_t damaged, first_damaged; /* records; the least number */
    CnnError failure;               /* of writing */
    bool told;
};

static const uint32_t NOWHERE = UINT32_MAX;

/* What a cache of the data has to hold, but for the type of the values. */
static CacheContent cache_content(const CnnData *data)
{
    const SourceInfo *info = &data->source->info;
    Dims shape = data_fixed_shape(data);
    return (CacheContent){.count = info->count + info->validation_count + info->test_count,
                          .height = shape.value[0],
                          .width = shape.value[1],
                          .channels = shape.value[2]};
}

/* The first sample that can be read tells the type of all. False: none of the first few can be. */
static bool cache_probe(const CnnData *data, CacheContent *content, CnnStatus *status, CnnError *error)
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
            content->dtype = picture->dtype;
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

static CnnStatus cache_new(const CacheContent *content, DataCache **out, CnnError *error)
{
    DataCache *cache = calloc(1, sizeof *cache);
    void *kept = calloc((size_t)content->count, sizeof *cache->kept);
    if (!cache || !kept) {
        free(cache);
        free(kept);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to cache %lld samples",
                        (long long)content->count);
    }
    cache->content = *content;
    cache->sample_bytes = cache_record_bytes(content);
    cache->kept = kept;
    pthread_mutex_init(&cache->lock, NULL);
    *out = cache;
    return CNN_OK;
}

/* ---- In memory ---- */

static CnnStatus cache_memory(CnnData *data, CacheContent *content, CacheMode mode, CacheUse *use,
                              CnnError *error)
{
    CnnStatus status;
    if (!cache_probe(data, content, &status, error))
        return status;
    int64_t count = data->split.count[PART_TRAIN] + data->split.count[PART_VALIDATION];
    use->available = cnn_memory_available();
    if (!cnn_multiply((uint64_t)count, cache_record_bytes(content), &use->bytes))
        use->bytes = UINT64_MAX;
    if (mode == CACHE_PLAN || use->bytes > use->available || count >= NOWHERE)
        return CNN_OK;
    DataCache *cache;
    TRY(cache_new(content, &cache, error));
    cache->samples = cnn_memory_take(use->bytes);
    cache->place = malloc((size_t)content->count * sizeof *cache->place);
    if (!cache->samples || !cache->place) {
        cache_close(cache);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to cache %lld samples",
                        (long long)content->count);
    }
    uint32_t next = 0;
    for (int64_t i = 0; i < content->count; i++)
        cache->place[i] = NOWHERE;
    for (int part = PART_TRAIN; part <= PART_VALIDATION; part++)
        for (int64_t i = 0; i < data->split.count[part]; i++)
            cache->place[data->split.index[part][i]] = next++;
    data->cache = cache;
    use->state = CACHE_FILLING;
    return CNN_OK;
}

/* ---- On disk ---- */

/* Where the file lies: called by what does not change when a picture does, so that a new one replaces it. */
static CnnStatus cache_path(const CnnData *data, const CacheArgs *args, const Stamp *stamp, bool make,
                            char path[PATH_MAX], CnnError *error)
{
    char folder[PATH_MAX], name[64];
    CnnError cause = {0};
    if (!args->folder) {
        if (cnn_cache_folder(folder, &cause) != CNN_OK)
            return cnn_fail(error, CNN_NO_RESOURCE,
                            "'cache disk': %s: name another place with folder=", cause.text);
    } else {
        TRY(path_join(*args->folder == '/' ? "" : data->folder, args->folder, folder, error));
        if (make)
            TRY(cnn_folder_make(folder, error));
    }
    snprintf(name, sizeof name, "samples-%016" PRIx64 "%016" PRIx64, stamp->place.high, stamp->place.low);
    return path_join(folder, name, path, error);
}

/* Finds out which records of a file are there that was begun earlier. */
static CnnStatus cache_resume(DataCache *cache, CnnError *error)
{
    void *record = malloc(cache->sample_bytes);
    if (!record)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a sample");
    for (int64_t i = 0; i < cache->content.count; i++) {
        RecordState state = cache_file_read(cache->file, i, record);
        cache->kept[i] = state == RECORD_KEPT ? KEPT : state == RECORD_NONE ? KEPT_NONE : KEPT_NOT;
        cache->done += state != RECORD_EMPTY;
    }
    free(record);
    return CNN_OK;
}

static void cache_note(DataCache *cache, const CnnError *failure)
{
    pthread_mutex_lock(&cache->lock);
    if (cache->failure.status == CNN_OK)
        cache->failure = *failure;
    pthread_mutex_unlock(&cache->lock);
    atomic_store(&cache->stopped, true);
}

/* When every record is there: by whichever thread added the last. */
static void cache_finish(DataCache *cache)
{
    CnnError failure = {0};
    if (atomic_load(&cache->done) == cache->content.count && !atomic_exchange(&cache->committed, true) &&
        cache_file_commit(cache->file, &failure) != CNN_OK)
        cache_note(cache, &failure);
}

static CnnStatus cache_open_file(DataCache *cache, const char *path, const char *origin, CacheMode mode,
                                 CacheUse *use, CnnError *error)
{
    bool begun = false;
    TRY(cache_file_open(path, &cache->content, &cache->file, error));
    if (!cache->file && mode == CACHE_FILL) {
        TRY(cache_file_build(path, &cache->content, origin, &cache->file, &begun, error));
        cache->building = cache->file != NULL;
        if (!cache->file)
            TRY(cache_file_open(path, &cache->content, &cache->file, error));
    }
    use->state = cache->building ? CACHE_FILLING : cache->file ? CACHE_WHOLE : CACHE_OFF;
    use->busy = mode == CACHE_FILL && !cache->file;
    snprintf(cache->path, sizeof cache->path, "%s", path);
    if (begun) {
        TRY(cache_resume(cache, error));
        use->kept = cache->done;
        cache_finish(cache);
    }
    for (int64_t i = 0; i < cache->content.count && use->state == CACHE_WHOLE; i++)
        cache->kept[i] = KEPT;
    return CNN_OK;
}

static CnnStatus cache_disk(CnnData *data, const CacheArgs *args, CacheContent *content, CacheMode mode,
                            CacheUse *use, CnnError *error)
{
    Stamp stamp;
    DataCache *cache;
    CnnStatus status;
    TRY(data_stamp(data, &stamp, error));
    content->key = stamp.content;
    TRY(cache_path(data, args, &stamp, mode == CACHE_FILL, use->path, error));
    if (!cache_file_peek(use->path, content) && !cache_probe(data, content, &status, error))
        return status;
    if (!cache_file_bytes(content, &use->bytes))
        return cnn_fail(error, CNN_NO_RESOURCE, "%lld samples are too many to cache",
                        (long long)content->count);
    use->available = cache_file_room(use->path);
    use->count = content->count;
    TRY(cache_new(content, &cache, error));
    status = cache_open_file(cache, use->path, stamp.path, mode, use, error);
    if (status == CNN_OK && use->state != CACHE_OFF && mode != CACHE_PLAN)
        data->cache = cache;
    else
        cache_close(cache);
    return status;
}

/* ---- Both ---- */

CnnStatus cnn_data_cache(CnnData *data, CacheMode mode, CacheUse *use, CnnError *error)
{
    const CacheArgs *args = data->cache_by ? data->cache_by->args : NULL;
    *use = (CacheUse){.where = args ? (CacheWhere)(args->where + 1) : CACHE_NOWHERE};
    if (!args || data->cache || (use->where == CACHE_MEMORY && mode == CACHE_READ))
        return CNN_OK;
    CacheContent content = cache_content(data);
    return use->where == CACHE_MEMORY ? cache_memory(data, &content, mode, use, error)
                                      : cache_disk(data, args, &content, mode, use, error);
}

static bool cache_fits(const DataCache *cache, const Picture *picture)
{
    const CacheContent *content = &cache->content;
    return picture->height == content->height && picture->width == content->width &&
           picture->channels == content->channels && picture->dtype == (Dtype)content->dtype;
}

/* A record that was kept cannot be had from the file. */
static void cache_lose(DataCache *cache, int64_t index, RecordState state)
{
    uint8_t expected = KEPT;
    if (!atomic_compare_exchange_strong(&cache->kept[index], &expected,
                                        state == RECORD_NONE ? KEPT_NONE : KEPT_NOT) ||
        state == RECORD_NONE)
        return;
    atomic_fetch_sub(&cache->done, 1);
    pthread_mutex_lock(&cache->lock);
    if (cache->damaged++ == 0 || index < cache->first_damaged)
        cache->first_damaged = index;
    pthread_mutex_unlock(&cache->lock);
}

CnnStatus cache_load(DataCache *cache, int64_t index, Picture *out, bool *found, CnnError *error)
{
    const CacheContent *content = &cache->content;
    *found = atomic_load_explicit(&cache->kept[index], memory_order_acquire) == KEPT;
    if (!*found)
        return CNN_OK;
    TRY(picture_reserve(out, content->height, content->width, content->channels, (Dtype)content->dtype,
                        error));
    if (cache->samples) {
        memcpy(out->data, cache->samples + cache->place[index] * cache->sample_bytes, cache->sample_bytes);
        return CNN_OK;
    }
    RecordState state = cache_file_read(cache->file, index, out->data);
    *found = state == RECORD_KEPT;
    if (!*found)
        cache_lose(cache, index, state);
    return CNN_OK;
}

/* Writes a record: of a file that is being built, or over a damaged one. */
static bool cache_write(DataCache *cache, int64_t index, const void *bytes, bool added)
{
    CnnError failure = {0};
    if (cache_file_write(cache->file, index, bytes, &failure) != CNN_OK) {
        cache_note(cache, &failure);
        return false;
    }
    if (added)
        atomic_fetch_add(&cache->done, 1);
    return true;
}

void cache_store(DataCache *cache, int64_t index, const Picture *picture)
{
    const void *bytes = picture && cache_fits(cache, picture) ? picture->data : NULL;
    uint8_t before = atomic_load(&cache->kept[index]);
    if (cache->samples ? cache->place[index] == NOWHERE || !bytes : atomic_load(&cache->stopped))
        return;
    if ((before != KEPT_NOT && (before != KEPT_NONE || !bytes)) ||
        !atomic_compare_exchange_strong(&cache->kept[index], &before, KEPT_WRITING))
        return;
    if (cache->samples)
        memcpy(cache->samples + cache->place[index] * cache->sample_bytes, bytes, cache->sample_bytes);
    uint8_t after = bytes ? KEPT : KEPT_NONE;
    if (cache->file && !cache_write(cache, index, bytes, before == KEPT_NOT))
        after = before;
    atomic_store_explicit(&cache->kept[index], after, memory_order_release);
    if (cache->building)
        cache_finish(cache);
}

bool cnn_data_cache_trouble(CnnData *data, char *text, size_t bytes)
{
    DataCache *cache = data->cache;
    if (!cache)
        return false;
    pthread_mutex_lock(&cache->lock);
    int64_t damaged = cache->damaged, first = cache->first_damaged;
    CnnError failure = cache->failure;
    bool tell = !cache->told && (damaged > 0 || failure.status != CNN_OK);
    cache->told |= tell;
    pthread_mutex_unlock(&cache->lock);
    if (!tell)
        return false;
    char name[NAME_BYTES];
    if (damaged > 0) {
        data->source->name(data->source, first, name, sizeof name);
        snprintf(text, bytes,
                 "%lld sample%s of the cache %s %s damaged, and read from the source again: %s%s",
                 (long long)damaged, damaged == 1 ? "" : "s", cache->path, damaged == 1 ? "was" : "were",
                 name, damaged == 1 ? "" : " …");
    } else {
        snprintf(text, bytes, "%s; samples that are not in it are decoded in each epoch", failure.text);
    }
    return true;
}

void cache_close(DataCache *cache)
{
    if (!cache)
        return;
    cache_file_close(cache->file);
    pthread_mutex_destroy(&cache->lock);
    free(cache->samples);
    free(cache->place);
    free((void *)cache->kept);
    free(cache);
}
