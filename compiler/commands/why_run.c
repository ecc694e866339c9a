/* Measures the model as it is, and then each idea between two windows of it, so that what else the machine
 * does falls on both. */
#include <math.h>

#include "compiler/commands/layers.h"
#include "compiler/commands/why.h"
#include "runtime/clock.h"
#include "runtime/report.h"

enum { WINDOWS = 3, IMAGES = 512 };
static const double COSTS_SECONDS = 0.3;
/* Shares of the time below which nothing about the data is worth trying. */
static const double CHEAP = 0.02;

/* ---- The epoch ---- */

static double part_seconds(const Fed *fed, int64_t images)
{
    return fed->images ? (double)images * fed->seconds / (double)fed->images : 0;
}

double why_epoch(const Why *why, const Pace *pace)
{
    return part_seconds(&pace->training, why->images) +
           part_seconds(&pace->validation, why->validation_images);
}

double why_loader_share(const Why *why)
{
    const DataCosts *costs = &why->costs;
    const Fed *fed = &why->pace.training;
    return (costs->reading + costs->transforming + costs->augmenting) * (double)fed->images /
           (fed->seconds * why->bench.threads);
}

Split why_split(const Why *why)
{
    const Fed *fed = &why->pace.training;
    const Bench *bench = &why->bench;
    double images = (double)why->images, training = part_seconds(fed, why->images),
           steps = images / (double)bench->program->batch;
    Split split = {.waiting = training * fed->waited / fed->seconds,
                   .validation = part_seconds(&why->pace.validation, why->validation_images),
                   .reading = images * why->costs.reading,
                   .transforming = images * why->costs.transforming,
                   .augmenting = images * why->costs.augmenting};
    /* Alone, steps may have been measured while another program took the cores. */
    double fed_steps = training - split.waiting, alone = steps * bench->seconds,
           scale = fed_steps < alone ? fed_steps / alone : 1;
    const PartSums *layers = bench_layers(bench);
    double kernels = 0;
    for (size_t i = 0; i <= bench->table->program->layers.count; i++)
        kernels += parts_sum(&layers[i]);
    /* Clocks were read between the kernels: together these may take longer than a step. */
    double of_kernels = scale * steps * fmin(1, bench->seconds / kernels);
    for (size_t i = 0; i <= bench->table->program->layers.count; i++)
        for (int p = 0; p < STEP_PARTS; p++)
            split.part[p] += of_kernels * layers[i].of[p];
    split.slowed = fed_steps - scale * alone;
    split.between = fmax(0, scale * alone - of_kernels * kernels);
    return split;
}

/* ---- Ideas ---- */

static const char *refusal(const Why *why, const CnnError *error)
{
    return arena_printf(why->arena, "%s", error->text);
}

static CnnStatus pace_idea(const Why *why, Trial *trial, Idea *idea, double *seconds, CnnError *error)
{
    Pace pace;
    const CacheUse *use = &trial->cache;
    if (use->where == CACHE_MEMORY && use->state == CACHE_OFF)
        return cnn_fail(error, CNN_NO_RESOURCE, "it needs %s of memory, and %s are free",
                        bytes_text(why->arena, (double)use->bytes),
                        bytes_text(why->arena, (double)use->available));
    if (use->where != CACHE_NOWHERE && idea->of_data)
        idea->cost =
            arena_printf(why->arena, "%s of %s", bytes_text(why->arena, (double)use->bytes), idea->cost);
    idea->memory = (double)cnn_device_bytes(trial->device);
    TRY(trial_pace(trial, why->tried_seconds, &pace, error));
    *seconds = why_epoch(why, &pace);
    return CNN_OK;
}

static CnnStatus compile(Model *model, Linked *linked, CnnError *error)
{
    const char *complaint = NULL;
    if (driver_link(model->session, model->program, "", true, linked, &complaint))
        return CNN_OK;
    if (!complaint)
        complaint = diag_first_error(model->session->diag);
    return cnn_fail(error, CNN_NO_RESOURCE, "%s", complaint ? complaint : "it cannot be compiled");
}

static CnnStatus try_text(const Why *why, Idea *idea, double *seconds, CnnError *error)
{
    Model model;
    Linked linked = {0};
    Trial trial = {0};
    TRY(model_open_text(&why->options, idea->text, &model, error));
    CnnStatus status = compile(&model, &linked, error);
    if (status == CNN_OK)
        status = trial_open(&trial, &model, &linked, why->model->program->data, idea->loader_threads,
                            why->tried_seconds, error);
    if (status == CNN_OK)
        status = pace_idea(why, &trial, idea, seconds, error);
    trial_close(&trial);
    driver_unlink(&linked);
    model_close(&model);
    return status;
}

/* The same code, fed otherwise. */
static CnnStatus try_threads(const Why *why, Trial *base, Idea *idea, double *seconds, CnnError *error)
{
    Pace pace;
    int own = base->loader_threads;
    base->loader_threads = idea->loader_threads;
    CnnStatus status = trial_pace(base, why->tried_seconds, &pace, error);
    base->loader_threads = own;
    if (status == CNN_OK)
        *seconds = why_epoch(why, &pace);
    idea->memory = (double)cnn_device_bytes(base->device);
    return status;
}

/* *before: of the window before it, then of the one behind it. */
static CnnStatus try_idea(Why *why, Trial *base, Idea *idea, double *before, CnnError *error)
{
    Pace pace;
    double seconds = 0;
    CnnError cause = {0};
    CnnStatus status =
        idea->text ? try_text(why, idea, &seconds, &cause) : try_threads(why, base, idea, &seconds, &cause);
    if (status == CNN_INTERRUPTED)
        return cnn_fail(error, status, "%s", cause.text);
    if (status != CNN_OK) {
        idea->refused = refusal(why, &cause);
        return CNN_OK;
    }
    TRY(trial_pace(base, why->tried_seconds / 2, &pace, error));
    double behind = why_epoch(why, &pace);
    idea->factor = (*before + behind) / 2 / seconds;
    idea->moved = fmax(behind / *before, *before / behind);
    idea->seconds = why->seconds / idea->factor;
    *before = behind;
    return CNN_OK;
}

static CnnStatus try_all(Why *why, Trial *base, CnnError *error)
{
    double before = why->seconds, begun = cnn_clock();
    Report report;
    CnnStatus status = CNN_OK;
    report_open(&report, stderr);
    for (size_t i = 0; i < why->ideas.count && status == CNN_OK; i++) {
        Idea *idea = &why->ideas.items[i];
        report.shown = 0; /* each has its line */
        report_bar(&report, arena_printf(why->arena, "trying %s", idea->name), (int64_t)i + 1,
                   (int64_t)why->ideas.count + 1, cnn_clock() - begun);
        if (!idea->of_data || !why->data_cheap || why->options.ideas)
            status = try_idea(why, base, idea, &before, error);
    }
    report_clear(&report);
    return status;
}

/* ---- All ---- */

static CnnStatus measure_base(Why *why, Trial *base, CnnError *error)
{
    CnnData *data = why->model->program->data;
    TRY(trial_load(base, why->tried_seconds / 2, &why->loaded, error));
    TRY(cnn_data_costs(data, base->first[PART_TRAIN] * why->bench.program->batch, COSTS_SECONDS, &why->costs,
                       error));
    TRY(trial_pace(base, why->tried_seconds, &why->pace, error));
    why->seconds = why_epoch(why, &why->pace);
    why->memory = (double)cnn_device_bytes(base->device);
    why->data_cheap =
        why_loader_share(why) < CHEAP && why->pace.training.waited < CHEAP * why->pace.training.seconds;
    return CNN_OK;
}

static CnnStatus measure_step(Why *why, const Linked *linked, CnnError *error)
{
    BenchOptions options = {.windows = WINDOWS, .seconds = why->tried_seconds / WINDOWS, .images = IMAGES};
    CnnStatus status = bench_open(&why->bench, why->model, linked, &options, error);
    if (status == CNN_OK) {
        bench_measure(&why->bench);
        bench_profile(&why->bench);
    }
    bench_close(&why->bench);
    return status;
}

CnnStatus why_run(Why *why, const Linked *linked, CnnError *error)
{
    Trial base = {0};
    CnnData *data = why->model->program->data;
    why->images = cnn_data_epoch_count(data, PART_TRAIN);
    why->validation_images = cnn_data_count(data, PART_VALIDATION);
    TRY(measure_step(why, linked, error));
    CnnStatus status = trial_open(&base, why->model, linked, NULL, 0, why->tried_seconds, error);
    if (status == CNN_OK)
        status = measure_base(why, &base, error);
    if (status == CNN_OK)
        status = try_all(why, &base, error);
    trial_close(&base);
    why_rank(&why->ideas);
    return status;
}
