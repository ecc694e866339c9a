/* A model that is fed with its data for some seconds, as a training would, and its validation after it.
 * Nothing that it does is kept: the file of a cache that it began is removed. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compiler/commands/why.h"
#include "runtime/evaluate.h"

/* The validation is shorter than the training, and gets less of the time. */
static const double VALIDATION_SHARE = 0.25;

static CnnData *data_of(const Trial *trial)
{
    return trial->model->program->data;
}

static CnnStatus open_loader(const Trial *trial, Part part, CnnLoader **loader, CnnError *error)
{
    const CnnImage *image = trial->linked->image;
    LoaderOptions options = {.batch = part == PART_TRAIN ? image->train.batch : image->eval.batch,
                             .shuffle = trial->first[part] == 0 && trial->cache.state != CACHE_FILLING,
                             .threads = trial->loader_threads,
                             .ahead = LOADER_AHEAD};
    return cnn_loader_open(data_of(trial), part, &options, loader, error);
}

static CnnStatus feed_part(Trial *trial, Part part, Feed feed, Fed *fed, CnnError *error)
{
    TRY(open_loader(trial, part, &feed.loader, error));
    feed.context = trial;
    feed.batches = trial->first[part];
    CnnStatus status = feed_for(&feed, fed, error);
    cnn_loader_close(feed.loader);
    return status;
}

/* ---- Caches ---- */

/* What is measured takes all of its samples from the cache, as from the second epoch on. */
static CnnStatus fill_cache(Trial *trial, double seconds, CnnError *error)
{
    for (Part part = PART_TRAIN; part <= PART_VALIDATION; part++) {
        Fed fed;
        if (cnn_data_count(data_of(trial), part) == 0)
            continue;
        Feed feed = {.seconds = part == PART_TRAIN ? seconds : VALIDATION_SHARE * seconds, .once = true};
        TRY(feed_part(trial, part, feed, &fed, error));
        trial->first[part] = fed.batches;
    }
    return CNN_OK;
}

static CnnStatus open_cache(Trial *trial, double seconds, CnnError *error)
{
    CacheUse *use = &trial->cache;
    TRY(cnn_data_cache(data_of(trial), CACHE_FILL, use, error));
    if (use->state != CACHE_FILLING)
        return CNN_OK;
    trial->made = use->where == CACHE_DISK && use->kept == 0;
    return fill_cache(trial, seconds, error);
}

/* The file lies at its place if all samples came into it. */
static void remove_cache(const Trial *trial)
{
    char part[PATH_MAX + 8];
    snprintf(part, sizeof part, "%s.part", trial->cache.path);
    if (unlink(part) != 0)
        unlink(trial->cache.path);
}

/* ---- Open, close ---- */

/* Values that were measured before need not be measured again to see how fast it is. */
static CnnStatus measure_data(CnnData *data, CnnData *like, int threads, CnnError *error)
{
    int count = cnn_data_measured_count(data);
    bool alike = like && like != data && count == cnn_data_measured_count(like);
    for (int i = 0; i < count && alike; i++) {
        const Measured *from = cnn_data_measured(like, i);
        alike = cnn_data_measured(data, i)->count == from->count && from->value;
    }
    if (!alike)
        return cnn_data_prepare(data, threads, error);
    for (int i = 0; i < count; i++) {
        Measured *to = cnn_data_measured(data, i);
        memcpy(to->value, cnn_data_measured(like, i)->value, (size_t)to->count * sizeof *to->value);
    }
    cnn_data_set_measured(data);
    return CNN_OK;
}

CnnStatus trial_open(Trial *trial, const Model *model, const Linked *linked, CnnData *like,
                     int loader_threads, double seconds, CnnError *error)
{
    CnnData *data = model->program->data;
    *trial = (Trial){.model = model, .linked = linked};
    TRY(cnn_data_fits(linked->image, data, error));
    TRY(cnn_device_open(linked->image, model->session->threads, FEED_SEED, &trial->device, error));
    int threads = cnn_device_threads(trial->device);
    trial->loader_threads = loader_threads ? loader_threads : threads;
    cnn_data_set_seed(data, FEED_SEED);
    TRY(measure_data(data, like, threads, error));
    return open_cache(trial, seconds, error);
}

void trial_close(Trial *trial)
{
    cnn_device_close(trial->device);
    if (trial->made)
        remove_cache(trial);
}

/* ---- Feeding ---- */

static void train_on(void *context, const Batch *batch)
{
    Trial *trial = context;
    CnnScalars scalars = feed_scalars(trial->model->program->recipe.rate, ++trial->number, batch->samples);
    cnn_device_step(trial->device, &trial->linked->image->train, batch->input, batch->label, &scalars,
                    batch->samples);
}

static void evaluate_on(void *context, const Batch *batch)
{
    Trial *trial = context;
    cnn_evaluate_batch(trial->device, &trial->linked->image->eval, batch, FEED_SEED);
}

CnnStatus trial_load(Trial *trial, double seconds, double *images, CnnError *error)
{
    Fed fed;
    TRY(feed_part(trial, PART_TRAIN, (Feed){.seconds = seconds}, &fed, error));
    *images = (double)fed.images / fed.seconds;
    return CNN_OK;
}

CnnStatus trial_pace(Trial *trial, double seconds, Pace *pace, CnnError *error)
{
    *pace = (Pace){0};
    TRY(feed_part(trial, PART_TRAIN, (Feed){.step = train_on, .seconds = seconds}, &pace->training, error));
    if (cnn_data_count(data_of(trial), PART_VALIDATION) == 0)
        return CNN_OK;
    Feed feed = {.step = evaluate_on, .seconds = VALIDATION_SHARE * seconds};
    return feed_part(trial, PART_VALIDATION, feed, &pace->validation, error);
}
