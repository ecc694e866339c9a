/* Steps on pictures of random numbers, held in memory, so that nothing but the step is measured. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/commands/bench.h"
#include "compiler/commands/feed.h"
#include "compiler/commands/process.h"
#include "compiler/cpu/peak.h"
#include "runtime/clock.h"
#include "runtime/evaluate.h"
#include "runtime/memory.h"
#include "runtime/rng.h"

enum { SEED = FEED_SEED, PROFILED_LEAST = 10 };
static const double PROFILE_SECONDS = 0.5;
/* Each worker's share of what is read to measure the memory: more than a core's caches, by far. */
enum { FAR_BYTES = 64 << 20 };

const char *const bound_names[] = {"compute", "cache", "memory"};

/* ---- Pictures ---- */

static void fill_input(Bench *bench, int64_t batch)
{
    Dtype dtype = bench->linked->image->input_dtype;
    char *input = bench->input + (uint64_t)batch * bench->input_bytes;
    uint64_t count = bench->input_bytes / dtype_bytes(dtype);
    for (uint64_t i = 0; i < count; i += 4) {
        Random4 random = cnn_random4(SEED, (uint32_t)i, (uint32_t)(i >> 32), (uint32_t)batch, 0);
        for (uint64_t k = 0; k < 4 && i + k < count; k++) {
            if (dtype == DTYPE_F32)
                ((float *)input)[i + k] = (float)cnn_uniform(random.word[k]);
            else
                ((uint8_t *)input)[i + k] = (uint8_t)random.word[k];
        }
    }
}

static void fill_label(Bench *bench, int64_t batch)
{
    const CnnImage *image = bench->linked->image;
    char *label = bench->label + (uint64_t)batch * bench->label_bytes;
    for (uint64_t i = 0; i < bench->label_bytes / 4; i++) {
        uint32_t word = cnn_random4(SEED, (uint32_t)i, 1, (uint32_t)batch, 0).word[0];
        if (image->label_dtype == DTYPE_I32)
            ((int32_t *)label)[i] = (int32_t)(word % (uint32_t)image->classes);
        else
            ((float *)label)[i] = (float)cnn_uniform(word);
    }
}

/* Memory for `count` batches, with pictures in it. Nothing of a batch before is kept. */
static CnnStatus take_batches(Bench *bench, int64_t count, CnnError *error)
{
    free(bench->input);
    free(bench->label);
    bench->batches = count;
    bench->input = cnn_memory_take(bench->input_bytes * (uint64_t)count);
    bench->label = cnn_memory_take(bench->label_bytes * (uint64_t)count);
    if (!bench->input || !bench->label)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for %" PRId64 " batches of pictures (--images)",
                        count);
    for (int64_t batch = 0; batch < count; batch++) {
        fill_input(bench, batch);
        fill_label(bench, batch);
    }
    return CNN_OK;
}

static void size_batches(Bench *bench)
{
    const CnnImage *image = bench->linked->image;
    uint64_t elements = (uint64_t)bench->program->batch, labels = elements;
    for (int d = 0; d < image->input_shape.count; d++)
        elements *= (uint64_t)image->input_shape.value[d];
    labels *= (uint64_t)image->label_width;
    bench->input_bytes = elements * dtype_bytes(image->input_dtype);
    bench->label_bytes = labels * 4;
}

/* ---- Steps ---- */

static void run_step(Bench *bench, const void *input, const void *label, int64_t samples, double *seconds)
{
    CnnScalars scalars = feed_scalars(bench->model->program->recipe.rate, ++bench->number, samples);
    loss_scale_set(&bench->scale, &scalars);
    cnn_device_step_timed(bench->device, bench->program, input, label, &scalars, samples, seconds);
    loss_scale_heed(&bench->scale, bench->device, bench->program);
}

static void step(Bench *bench, double *seconds)
{
    uint64_t batch = (uint64_t)(bench->number % bench->batches);
    run_step(bench, bench->input + batch * bench->input_bytes, bench->label + batch * bench->label_bytes,
             bench->program->batch, seconds);
}

static double timed(Bench *bench, int64_t steps)
{
    double start = cnn_clock();
    for (int64_t i = 0; i < steps; i++)
        step(bench, NULL);
    cnn_device_wait(bench->device, &(CnnError){0}); /* what fails is asked for at the end */
    return cnn_clock() - start;
}

static int compare_doubles(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

void bench_measure(Bench *bench)
{
    int windows = bench->options.windows;
    timed(bench, 2);
    int64_t steps = (int64_t)(bench->options.seconds / timed(bench, 1)) + 1;
    bench->windows = NEW_ARRAY(bench->arena, double, windows);
    double start = cnn_clock(), delayed = process_delayed();
    for (int i = 0; i < windows; i++)
        bench->windows[i] = timed(bench, steps) / (double)steps;
    bench->delayed = (process_delayed() - delayed) / (cnn_clock() - start) / bench->threads;
    double *sorted = arena_copy(bench->arena, bench->windows, (size_t)windows * sizeof *sorted);
    qsort(sorted, (size_t)windows, sizeof *sorted, compare_doubles);
    bench->seconds = 0.5 * (sorted[(windows - 1) / 2] + sorted[windows / 2]);
    bench->best = sorted[0];
}

/* ---- Kernels ---- */

void bench_profile(Bench *bench)
{
    int steps = bench->program->step_count, profiled = 0;
    double *seconds = NEW_ARRAY(bench->arena, double, steps * bench->threads);
    step(bench, NULL);
    double start = cnn_clock();
    while (profiled < PROFILED_LEAST || cnn_clock() - start < PROFILE_SECONDS) {
        step(bench, seconds);
        profiled++;
    }
    bench->kernels = NEW_ARRAY(bench->arena, double, bench->table->count);
    for (int r = 0; r < bench->table->count; r++) {
        const KernelRow *row = &bench->table->rows[r];
        for (int s = row->first_step; s < row->first_step + row->step_count; s++)
            for (int w = 0; w < bench->threads; w++)
                bench->kernels[r] += seconds[w * steps + s] / profiled / bench->threads;
    }
    const CpuTarget *target = bench->model->session->target;
    bench->roof = (Roof){.flops = cpu_peak_flops(target, bench->threads),
                         .cache = cpu_bandwidth(target, bench->threads, target->l2_bytes / 2),
                         .memory = cpu_bandwidth(target, bench->threads, FAR_BYTES)};
}

Bound bench_bound(const Bench *bench, int row, double *share)
{
    const KernelRow *kernel = &bench->table->rows[row];
    const Roof *roof = &bench->roof;
    double least[] = {roof->flops > 0 ? kernel->flops / roof->flops : 0,
                      roof->cache > 0 ? (kernel->bytes - kernel->far_bytes) / roof->cache : 0,
                      roof->memory > 0 ? kernel->far_bytes / roof->memory : 0};
    Bound bound = BOUND_COMPUTE;
    for (Bound b = BOUND_CACHE; b <= BOUND_MEMORY; b++)
        if (least[b] > least[bound])
            bound = b;
    *share = bench->kernels[row] > 0 ? least[bound] / bench->kernels[row] : 0;
    return bound;
}

double bench_flops(const Bench *bench)
{
    double flops = 0;
    for (int r = 0; r < bench->table->count; r++)
        flops += bench->table->rows[r].flops;
    return flops;
}

int *bench_sorted(const Bench *bench)
{
    int count = bench->table->count, *order = NEW_ARRAY(bench->arena, int, count);
    for (int r = 0; r < count; r++) {
        int at = r;
        for (; at > 0 && bench->kernels[order[at - 1]] < bench->kernels[r]; at--)
            order[at] = order[at - 1];
        order[at] = r;
    }
    return order;
}

PartSums *bench_layers(const Bench *bench)
{
    PartSums *seconds = NEW_ARRAY(bench->arena, PartSums, bench->table->program->layers.count + 1);
    for (int r = 0; r < bench->table->count; r++)
        seconds[bench->table->rows[r].layer + 1].of[bench->table->rows[r].part] += bench->kernels[r];
    return seconds;
}

/* ---- The loader ---- */

static void step_on(void *context, const Batch *batch)
{
    run_step(context, batch->input, batch->label, batch->samples, NULL);
}

CnnStatus bench_loader(Bench *bench, CnnError *error)
{
    CnnData *data = bench->model->program->data;
    CnnLoader *loader;
    CacheUse use;
    if (!data)
        return CNN_OK;
    LoaderOptions options = {
        .batch = bench->program->batch, .shuffle = true, .threads = bench->threads, .ahead = LOADER_AHEAD};
    cnn_data_set_seed(data, SEED);
    TRY(cnn_data_fits(bench->linked->image, data, error));
    TRY(cnn_data_cache(data, CACHE_READ, &use, error));
    TRY(cnn_data_prepare(data, bench->threads, error));
    Fed fed[2];
    for (int steps = 0; steps < 2; steps++) {
        TRY(cnn_loader_open(data, PART_TRAIN, &options, &loader, error));
        Feed feed = {.loader = loader,
                     .step = steps ? step_on : NULL,
                     .context = bench,
                     .seconds = bench->options.seconds};
        CnnStatus status = feed_for(&feed, &fed[steps], error);
        cnn_loader_close(loader);
        if (status != CNN_OK)
            return status;
    }
    bench->loaded = (double)fed[0].images / fed[0].seconds;
    bench->load_cores = fed[0].cores / (double)fed[0].images;
    bench->waited = fed[1].waited / fed[1].seconds;
    return CNN_OK;
}

/* ---- Open, close ---- */

CnnStatus bench_open(Bench *bench, const Model *model, const Linked *linked, const BenchOptions *options,
                     CnnError *error)
{
    Session *session = model->session;
    const CnnImage *image = linked->image;
    *bench = (Bench){.arena = session->arena, .model = model, .linked = linked, .options = *options};
    bench->program = options->evaluation ? &image->eval : &image->train;
    size_batches(bench);
    TRY(take_batches(bench, 1, error));
    TRY(cnn_device_open(image, session->threads, SEED, &bench->device, error));
    bench->threads = cnn_device_threads(bench->device);
    step(bench, NULL);
    bench->first_step = process_seconds();
    bench->memory = cnn_memory_most();
    TRY(cnn_image_await(image, error));
    bench->table =
        kernels_describe(session, model->program, options->evaluation ? linked->eval : linked->train);
    int64_t batches = options->images / bench->program->batch;
    return take_batches(bench, batches < 1 ? 1 : batches, error);
}

void bench_close(Bench *bench)
{
    cnn_device_close(bench->device);
    free(bench->input);
    free(bench->label);
}
