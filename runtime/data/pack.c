#include "runtime/data/pack.h"

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/data/pipeline.h"
#include "runtime/pool.h"

typedef struct {
    const CnnData *data;
    const ExamineOptions *options;
    _Atomic int64_t next, done;
    atomic_bool failed;
    pthread_mutex_t lock; /* for what follows; the earliest sample is kept, whichever thread came first */
    int64_t reason_at;
    Packing *out;
    CnnError *error;
} Pack;

static void pack_note(Pack *pack, int64_t index, bool unreadable, const CnnError *error)
{
    pthread_mutex_lock(&pack->lock);
    if (!unreadable) {
        cnn_fail(pack->error, error->status, "%s", error->text);
        atomic_store(&pack->failed, true);
    } else if (pack->out->unreadable++ == 0 || index < pack->reason_at) {
        pack->reason_at = index;
        snprintf(pack->out->reason, sizeof pack->out->reason, "%s", error->text);
    }
    pthread_mutex_unlock(&pack->lock);
}

static void pack_work(void *context, int worker)
{
    Pack *pack = context;
    DataScratch *scratch = NULL;
    int64_t index;
    while (!atomic_load(&pack->failed) && (index = atomic_fetch_add(&pack->next, 1)) < pack->out->samples) {
        SampleRun run = {.stages = pack->data->fixed_stages};
        CnnError error = {0};
        Picture *picture;
        if (data_run(pack->data, index, &run, &scratch, &picture, &error) != CNN_OK)
            pack_note(pack, index, run.unreadable, &error);
        int64_t done = atomic_fetch_add(&pack->done, 1) + 1;
        if (worker == 0 && pack->options->progress)
            pack->options->progress(pack->options->context, done, pack->out->samples);
    }
    cnn_data_scratch_free(scratch);
}

CnnStatus cnn_data_pack(CnnData *data, const ExamineOptions *options, Packing *out, CnnError *error)
{
    const SourceInfo *info = &data->source->info;
    CnnPool *pool;
    Pack pack = {.data = data, .options = options, .out = out, .error = error};
    *out = (Packing){.samples = info->count + info->validation_count + info->test_count};
    TRY(cnn_pool_open(options->threads, &pool, error));
    pthread_mutex_init(&pack.lock, NULL);
    cnn_pool_run(pool, pack_work, &pack);
    pthread_mutex_destroy(&pack.lock);
    cnn_pool_close(pool);
    return atomic_load(&pack.failed) ? error->status : CNN_OK;
}
