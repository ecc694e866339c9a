/* Measuring what stages need from the training part. Samples are measured in blocks whose size depends on
 * their number alone, and the blocks are merged in their order: the result has the same bits on any number of
 * threads. */
#include <stdatomic.h>
#include <pthread.h>
#include <stdlib.h>

#include "runtime/data/pipeline.h"
#include "runtime/pool.h"

enum { BLOCKS_MOST = 1024 };
static const size_t STATES_MOST = (size_t)512 << 20; /* bytes, unless one block alone takes more */

typedef struct {
    const CnnData *data;
    const Transform *stage;
    int stages;            /* how many are applied before it */
    int64_t block, blocks; /* samples of a block, and how many blocks */
    size_t state_bytes;
    unsigned char *states; /* [blocks] */
    _Atomic int64_t next;
    atomic_bool failed;
    pthread_mutex_t lock; /* for what follows; the earliest sample is kept, whichever thread came first */
    int64_t error_at, reason_at, unreadable;
    CnnError error, reason;
} Measuring;

static void measuring_note(Measuring *measuring, int64_t index, bool unreadable, const CnnError *error)
{
    pthread_mutex_lock(&measuring->lock);
    int64_t *at = unreadable ? &measuring->reason_at : &measuring->error_at;
    measuring->unreadable += unreadable;
    if (*at < 0 || index < *at) {
        *at = index;
        *(unreadable ? &measuring->reason : &measuring->error) = *error;
    }
    pthread_mutex_unlock(&measuring->lock);
    if (!unreadable)
        atomic_store(&measuring->failed, true);
}

static void measuring_work(void *context, int worker)
{
    (void)worker;
    Measuring *measuring = context;
    const CnnData *data = measuring->data;
    DataScratch *scratch = NULL;
    int64_t b;
    while (!atomic_load(&measuring->failed) &&
           (b = atomic_fetch_add(&measuring->next, 1)) < measuring->blocks) {
        int64_t first = b * measuring->block, end = first + measuring->block;
        if (end > data->split.count[PART_TRAIN])
            end = data->split.count[PART_TRAIN];
        for (int64_t i = first; i < end; i++) {
            SampleRun run = {.stages = measuring->stages};
            CnnError error = {0};
            Picture *picture;
            if (data_run(data, data->split.index[PART_TRAIN][i], &run, &scratch, &picture, &error) == CNN_OK)
                measuring->stage->fit->add(measuring->stage,
                                           measuring->states + (size_t)b * measuring->state_bytes, picture);
            else
                measuring_note(measuring, i, run.unreadable, &error);
        }
    }
    cnn_data_scratch_free(scratch);
}

static CnnStatus measuring_result(Measuring *measuring, Transform *stage, CnnError *error)
{
    const CnnData *data = measuring->data;
    if (measuring->error_at >= 0)
        return cnn_fail(error, measuring->error.status, "%s", measuring->error.text);
    TRY(data_judge_skipped(data, PART_TRAIN, measuring->unreadable, measuring->reason.text, error));
    if (measuring->unreadable == data->split.count[PART_TRAIN])
        return cnn_fail(error, CNN_BAD_INPUT, "no sample of the training part can be read; the first: %s",
                        measuring->reason.text);
    for (int64_t b = 1; b < measuring->blocks; b++)
        stage->fit->merge(stage, measuring->states, measuring->states + (size_t)b * measuring->state_bytes);
    return stage->fit->finish(stage, measuring->states, error);
}

/* One pass through the training part. */
static CnnStatus data_measure_once(CnnData *data, int stages, CnnPool *pool, CnnError *error)
{
    Transform *stage = data->stages[stages];
    int64_t count = data->split.count[PART_TRAIN];
    Measuring measuring = {.data = data, .stage = stage, .stages = stages, .error_at = -1, .reason_at = -1};
    measuring.state_bytes = stage->fit->state_bytes(stage);
    int64_t most = (int64_t)(STATES_MOST / measuring.state_bytes);
    most = most < 1 ? 1 : most > BLOCKS_MOST ? BLOCKS_MOST : most;
    measuring.block = (count + most - 1) / most;
    measuring.blocks = measuring.block ? (count + measuring.block - 1) / measuring.block : 0;
    measuring.states = calloc((size_t)measuring.blocks, measuring.state_bytes);
    if (!measuring.states)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to measure the data");
    pthread_mutex_init(&measuring.lock, NULL);
    cnn_pool_run(pool, measuring_work, &measuring);
    CnnStatus status = measuring_result(&measuring, stage, error);
    pthread_mutex_destroy(&measuring.lock);
    free(measuring.states);
    return status;
}

static CnnStatus data_measure(CnnData *data, int stages, CnnPool *pool, CnnError *error)
{
    Transform *stage = data->stages[stages];
    if (stage->fit->begin)
        TRY(stage->fit->begin(stage, error));
    do
        TRY(data_measure_once(data, stages, pool, error));
    while (stage->fit->again && stage->fit->again(stage));
    stage->fit->ready(stage);
    stage->measured = true;
    return CNN_OK;
}

CnnStatus cnn_data_prepare(CnnData *data, int threads, CnnError *error)
{
    CnnPool *pool;
    if (data->measured)
        return CNN_OK;
    TRY(cnn_pool_open(threads, &pool, error));
    CnnStatus status = CNN_OK;
    for (int i = 0; i < data->stage_count && status == CNN_OK; i++)
        if (data->stages[i]->fit && !data->stages[i]->measured)
            status = data_measure(data, i, pool, error);
    cnn_pool_close(pool);
    data->measured = status == CNN_OK;
    return status;
}

int cnn_data_measured_count(const CnnData *data)
{
    int count = 0;
    for (int i = 0; data && i < data->stage_count; i++)
        count += data->stages[i]->fit ? data->stages[i]->fit->count : 0;
    return count;
}

Measured *cnn_data_measured(CnnData *data, int index)
{
    for (int i = 0; i < data->stage_count; i++) {
        int count = data->stages[i]->fit ? data->stages[i]->fit->count : 0;
        if (index < count)
            return data->stages[i]->fit->measured(data->stages[i], index);
        index -= count;
    }
    return NULL;
}

void cnn_data_set_measured(CnnData *data)
{
    for (int i = 0; i < data->stage_count; i++)
        if (data->stages[i]->fit) {
            data->stages[i]->fit->ready(data->stages[i]);
            data->stages[i]->measured = true;
        }
    data->measured = true;
}

bool cnn_data_measured_text(const CnnData *data, char *out, size_t bytes)
{
    for (int i = 0; i < data->stage_count; i++) {
        const Transform *stage = data->stages[i];
        if (stage->measured && stage->fit->tell) {
            stage->fit->tell(stage, out, bytes);
            return true;
        }
    }
    return false;
}
