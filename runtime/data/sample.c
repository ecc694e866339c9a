/* One sample on its way from the source to the network. Everything here is read-only but the scratch, so that
 * any number of threads can do it at once; the result depends on the seed, the epoch and the sample alone. */
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/data/pipeline.h"
#include "runtime/rng.h"

static uint64_t sample_key(uint64_t seed, int64_t number, int64_t epoch)
{
    Random4 random = cnn_random4(seed, (uint32_t)number, (uint32_t)((uint64_t)number >> 32), (uint32_t)epoch,
                                 PURPOSE_AUGMENT);
    return (uint64_t)random.word[1] << 32 | random.word[0];
}

/* The size of a sample must be that of the others, unless a stage brings all to one. */
static CnnStatus sample_check_size(const CnnData *data, int64_t index, const Picture *picture,
                                   CnnError *error)
{
    if (data->height == 0 || (picture->height == data->height && picture->width == data->width))
        return CNN_OK;
    char name[NAME_BYTES], first[NAME_BYTES];
    data->source->name(data->source, index, name, sizeof name);
    if (data->is_loose)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "%s: %lld x %lld (height x width), the network takes %lld x %lld, and the data have no "
            "'resize'",
            name, (long long)picture->height, (long long)picture->width, (long long)data->height,
            (long long)data->width);
    data->source->name(data->source, data->first < 0 ? 0 : data->first, first, sizeof first);
    return cnn_fail(error, CNN_BAD_INPUT,
                    "pictures differ in size: %s has %lld x %lld, %s has %lld x %lld (height x width); "
                    "'resize' brings them to one size",
                    first, (long long)data->height, (long long)data->width, name, (long long)picture->height,
                    (long long)picture->width);
}

static CnnStatus sample_read(const CnnData *data, int64_t index, SampleRun *run, uint64_t key, Picture *out,
                             CnnError *error)
{
    Source *source = data->source;
    CnnStatus status = run->augmented && source->read_random
                           ? source->read_random(source, index, key, out, error)
                           : source->read(source, index, data->want_height, data->want_width, out, error);
    run->unreadable = status == CNN_BAD_INPUT && !source->info.container;
    if (status == CNN_OK) {
        status = sample_check_size(data, index, out, error);
        run->unreadable = status != CNN_OK && data->is_loose;
    }
    return status;
}

/* The time since `*then` goes to the reading (0) or to a stage (from 1). */
static void sample_lap(const SampleRun *run, int which, double *then)
{
    if (!run->seconds)
        return;
    double now = cnn_clock();
    run->seconds[which] += now - *then;
    *then = now;
}

CnnStatus data_run(const CnnData *data, int64_t index, SampleRun *run, DataScratch **scratch, Picture **out,
                   CnnError *error)
{
    if (!*scratch && !(*scratch = calloc(1, sizeof **scratch)))
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to read samples");
    Sample sample = {.now = &(*scratch)->pictures[0],
                     .spare = &(*scratch)->pictures[1],
                     .work = &(*scratch)->work,
                     .augmented = run->augmented,
                     .key = sample_key(data->seed, index, run->epoch)};
    if (run->copy > 0)
        sample.key = sample_key(sample.key, run->copy, run->epoch);
    int count = run->stages < 0 ? data->stage_count : run->stages, first = 0;
    DataCache *cache = count >= data->fixed_stages ? data->cache : NULL;
    bool found = false;
    double then = run->seconds ? cnn_clock() : 0;
    if (cache)
        TRY(cache_load(cache, index, sample.now, &found, error));
    CnnStatus status = found ? CNN_OK : sample_read(data, index, run, sample.key, sample.now, error);
    if (status != CNN_OK && cache && run->unreadable)
        cache_store(cache, index, NULL);
    if (status != CNN_OK)
        return status;
    if (found)
        first = data->fixed_stages;
    sample_lap(run, 0, &then);
    for (int i = first; i <= count; i++) {
        if (cache && !found && i == data->fixed_stages)
            cache_store(cache, index, sample.now);
        if (i == count)
            break;
        const Transform *stage = data->stages[i];
        if (stage->apply) {
            TRY(stage->apply(stage, &sample, error));
        } else if (run->stages < 0 && i == count - 1) {
            break; /* the caller's last step, straight into the batch */
        } else {
            TRY(sample_to_float(&sample, error));
            pointwise_apply(stage->pointwise, sample.now, sample.now->data);
        }
        sample_lap(run, i + 1, &then);
    }
    *out = sample.now;
    return CNN_OK;
}

static void sample_store(const CnnData *data, const Picture *picture, float *out)
{
    const Transform *last = data->stage_count ? data->stages[data->stage_count - 1] : NULL;
    int64_t count = picture->height * picture->width * picture->channels;
    if (last && last->pointwise) {
        pointwise_apply(last->pointwise, picture, out);
    } else if (picture->dtype == DTYPE_F32) {
        memcpy(out, picture->data, (size_t)count * sizeof *out);
    } else {
        const unsigned char *from = picture->data;
        for (int64_t i = 0; i < count; i++)
            out[i] = from[i];
    }
}

/* All of one sample, into a batch. */
static CnnStatus sample_fill(const CnnData *data, Part part, int64_t sample, SampleRun *run,
                             DataScratch **scratch, float *out, void *label, CnnError *error)
{
    Source *source = data->source;
    Picture *picture;
    int64_t at = data->split.index[part][sample];
    TRY(data->measured ? data_run(data, at, run, scratch, &picture, error)
                       : cnn_fail(error, CNN_BAD_INPUT, "the data has not been measured yet"));
    double then = run->seconds ? cnn_clock() : 0;
    sample_store(data, picture, out);
    sample_lap(run, data->stage_count, &then);
    if (cnn_data_label_width(data) > 1)
        *(MixedLabel *)label = (MixedLabel){.label = (int32_t)source->label(source, at)};
    else if (source->info.classes > 0)
        *(int32_t *)label = (int32_t)source->label(source, at);
    else
        *(float *)label = (float)source->label(source, at);
    return CNN_OK;
}

CnnStatus data_fill(const CnnData *data, Part part, Pick pick, int64_t epoch, DataScratch **scratch,
                    float *out, void *label, bool *unreadable, CnnError *error)
{
    SampleRun run = {.stages = -1,
                     .augmented = part == PART_TRAIN && epoch != EPOCH_NONE,
                     .epoch = epoch,
                     .copy = pick.copy};
    CnnStatus status = sample_fill(data, part, pick.sample, &run, scratch, out, label, error);
    *unreadable = run.unreadable;
    return status;
}

CnnStatus cnn_data_sample(CnnData *data, Part part, int64_t index, int64_t epoch, DataScratch **scratch,
                          float *out, void *label, CnnError *error)
{
    bool unreadable;
    return data_fill(data, part, (Pick){.sample = index}, epoch, scratch, out, label, &unreadable, error);
}

/* Samples from all over the part, or its first ones, until the time is over. */
static CnnStatus cost_samples(const CnnData *data, int64_t samples, double limit, SampleRun *run,
                              DataScratch **scratch, float *out, int64_t *read, CnnError *error)
{
    enum { APART = 7919 }; /* a prime: neighbours in a folder may be alike */
    MixedLabel label;      /* the largest kind */
    double start = cnn_clock();
    for (int64_t i = 0; *read == 0 || cnn_clock() - start < limit; i++) {
        CnnError unreadable = {0};
        CnnStatus status =
            sample_fill(data, PART_TRAIN, i * APART % samples, run, scratch, out, &label, &unreadable);
        *read += status == CNN_OK;
        if (status != CNN_OK && (!run->unreadable || (*read == 0 && i + 1 >= samples)))
            return cnn_fail(error, status, "%s", unreadable.text);
    }
    return CNN_OK;
}

CnnStatus cnn_data_costs(CnnData *data, int64_t samples, double limit, DataCosts *costs, CnnError *error)
{
    SampleRun run = {.stages = -1, .augmented = true};
    DataScratch *scratch = NULL;
    int64_t count = data->split.count[PART_TRAIN], read = 0;
    float *out = malloc(data_sample_bytes(data));
    run.seconds = calloc((size_t)data->stage_count + 1, sizeof *run.seconds);
    *costs = (DataCosts){0};
    CnnStatus status = CNN_OK;
    if (!out || !run.seconds)
        status = cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a sample");
    else if (count == 0)
        status = cnn_fail(error, CNN_BAD_INPUT, "the training part has no samples");
    else
        status = cost_samples(data, samples > 0 && samples < count ? samples : count, limit, &run, &scratch,
                              out, &read, error);
    for (int i = 0; i <= data->stage_count && status == CNN_OK; i++) {
        bool augments = i > 0 && data->stage_by[i - 1]->schema->body & IN_AUGMENT;
        double *seconds = i == 0 ? &costs->reading : augments ? &costs->augmenting : &costs->transforming;
        *seconds += run.seconds[i] / (double)read;
    }
    cnn_data_scratch_free(scratch);
    free(run.seconds);
    free(out);
    return status;
}

void cnn_data_scratch_free(DataScratch *scratch)
{
    if (!scratch)
        return;
    picture_free(&scratch->pictures[0]);
    picture_free(&scratch->pictures[1]);
    bytes_free(&scratch->work);
    free(scratch);
}
