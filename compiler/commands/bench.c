/* `cnnc bench`: how fast a training step is, and where its time goes: pictures of random numbers, held in
 * memory, so that nothing but the step is measured. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/commands/layers.h"
#include "compiler/commands/model.h"
#include "runtime/clock.h"
#include "runtime/device.h"
#include "runtime/memory.h"
#include "runtime/rng.h"

enum { IMAGES = 512, WINDOWS = 5, PROFILED = 10, SEED = 1 };
static const double WINDOW_SECONDS = 1;

typedef struct {
    const CnnImage *image;
    const CnnProgram *program;
    CnnDevice *device;
    int64_t batches, number;           /* number: steps done */
    uint64_t input_bytes, label_bytes; /* of a batch */
    char *input, *label;
    float rate;
    double *seconds;  /* of each kernel, by worker */
    int64_t profiled; /* steps that `seconds` are the sum of */
} Bench;

static void fill_inputs(Bench *bench)
{
    bool real = bench->image->input_dtype == DTYPE_F32;
    uint64_t count = bench->input_bytes * (uint64_t)bench->batches / dtype_bytes(bench->image->input_dtype);
    for (uint64_t i = 0; i < count; i += 4) {
        Random4 random = cnn_random4(SEED, (uint32_t)i, (uint32_t)(i >> 32), 0, 0);
        for (uint64_t k = 0; k < 4 && i + k < count; k++) {
            if (real)
                ((float *)bench->input)[i + k] = (float)cnn_uniform(random.word[k]);
            else
                ((uint8_t *)bench->input)[i + k] = (uint8_t)random.word[k];
        }
    }
}

static void fill_labels(Bench *bench)
{
    uint64_t count = bench->label_bytes * (uint64_t)bench->batches / 4;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t word = cnn_random4(SEED, (uint32_t)i, 1, 0, 0).word[0];
        if (bench->image->label_dtype == DTYPE_I32)
            ((int32_t *)bench->label)[i] = (int32_t)(word % (uint32_t)bench->image->classes);
        else
            ((float *)bench->label)[i] = (float)cnn_uniform(word);
    }
}

static CnnStatus take_batches(Bench *bench, CnnError *error)
{
    const CnnImage *image = bench->image;
    uint64_t elements = (uint64_t)bench->program->batch, labels = (uint64_t)bench->program->batch;
    for (int d = 0; d < image->input_shape.count; d++)
        elements *= (uint64_t)image->input_shape.value[d];
    if (image->label_dtype != DTYPE_I32)
        labels *= (uint64_t)image->classes;
    bench->input_bytes = elements * dtype_bytes(image->input_dtype);
    bench->label_bytes = labels * 4;
    bench->batches = IMAGES / bench->program->batch;
    bench->batches = bench->batches < 1 ? 1 : bench->batches;
    bench->input = cnn_memory_take(bench->input_bytes * (uint64_t)bench->batches);
    bench->label = cnn_memory_take(bench->label_bytes * (uint64_t)bench->batches);
    if (!bench->input || !bench->label)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for %" PRId64 " batches of pictures",
                        bench->batches);
    fill_inputs(bench);
    fill_labels(bench);
    return CNN_OK;
}

static void step(Bench *bench, double *seconds)
{
    int64_t samples = bench->program->batch;
    uint64_t batch = (uint64_t)(bench->number++ % bench->batches);
    CnnScalars scalars = {.rate = bench->rate,
                          .step = (float)bench->number,
                          .inverse_count = 1 / (float)samples,
                          .count = (float)samples,
                          .seed_low = SEED,
                          .first_micro = 1,
                          .last_micro = 1};
    cnn_device_step_timed(bench->device, bench->program, bench->input + batch * bench->input_bytes,
                          bench->label + batch * bench->label_bytes, &scalars, samples, seconds);
}

static double timed(Bench *bench, int64_t steps)
{
    double start = cnn_clock();
    for (int64_t i = 0; i < steps; i++)
        step(bench, NULL);
    return cnn_clock() - start;
}

static int compare_doubles(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

typedef struct {
    double median, best; /* seconds of a step */
} Times;

static Times measure(Bench *bench, int windows)
{
    double seconds[100];
    timed(bench, 2);
    int64_t steps = (int64_t)(WINDOW_SECONDS / timed(bench, 1)) + 1;
    for (int i = 0; i < windows; i++)
        seconds[i] = timed(bench, steps) / (double)steps;
    qsort(seconds, (size_t)windows, sizeof *seconds, compare_doubles);
    return (Times){seconds[windows / 2], seconds[0]};
}

static double kernel_seconds(const Bench *bench, int index)
{
    double sum = 0;
    for (int w = 0; w < cnn_device_threads(bench->device); w++)
        sum += bench->seconds[w * bench->program->step_count + index];
    return sum / (double)bench->profiled;
}

/* The phase of a step of the program. */
static const CnnPhase *phase_of(const CnnProgram *program, int index)
{
    const CnnPhase *phase = program->phases;
    while (index >= phase->first_step + phase->step_count)
        phase++;
    return phase;
}

static void print_kernels(const Bench *bench, double wall)
{
    const CnnProgram *program = bench->program;
    int threads = cnn_device_threads(bench->device);
    double all = 0;
    printf("\n%10s %6s %9s %8s  %s\n", "us a step", "share", "GFLOP/s", "GB/s",
           "kernel (times are those of one core)");
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        printf("phase %d: %s %" PRId64 "\n", p,
               phase->kind == PHASE_CHUNKED ? "samples at a time" : "whole batch", phase->chunk);
        for (int s = phase->first_step; s < phase->first_step + phase->step_count; s++) {
            double seconds = kernel_seconds(bench, s);
            double times = phase_of(program, s)->kind == PHASE_CHUNKED ? (double)program->batch : 1;
            all += seconds;
            printf("%10.1f %5.1f%% %9.1f %8.1f  %s\n", 1e6 * seconds, 100 * seconds / (wall * threads),
                   1e-9 * program->steps[s].flops * times / seconds,
                   1e-9 * program->steps[s].bytes * times / seconds, program->steps[s].label);
        }
    }
    printf("%10.1f %5.1f%% in kernels\n", 1e6 * all, 100 * all / (wall * threads));
}

static CnnStatus run(Bench *bench, const Options *options, Arena *arena, CnnError *error)
{
    TRY(take_batches(bench, error));
    Times times = measure(bench, WINDOWS);
    bench->seconds = NEW_ARRAY(arena, double, bench->program->step_count *cnn_device_threads(bench->device));
    for (bench->profiled = 0; bench->profiled < PROFILED; bench->profiled++)
        step(bench, bench->seconds);
    double samples = (double)bench->program->batch, flops = 0;
    for (int s = 0; s < bench->program->step_count; s++)
        flops += bench->program->steps[s].flops *
                 (phase_of(bench->program, s)->kind == PHASE_CHUNKED ? samples : 1);
    printf(
        "%.3f ms a step of %.0f samples (best %.3f): %.0f images/s, %.1f GFLOP/s in %d threads, %.1f MiB\n",
        1e3 * times.median, samples, 1e3 * times.best, samples / times.median, 1e-9 * flops / times.median,
        cnn_device_threads(bench->device), (double)cnn_device_bytes(bench->device) / 0x1p20);
    if (!options->quiet)
        print_kernels(bench, times.median);
    return CNN_OK;
}

CnnStatus command_bench(const Options *options)
{
    Model model;
    Linked linked;
    CnnError error = {0};
    TRY(model_open(options, &model));
    CnnStatus status = model_compile(&model, true, &linked);
    if (status == CNN_OK) {
        Bench bench = {.image = linked.image, .rate = (float)model.program->recipe.rate};
        bench.program = options->of_evaluation ? &linked.image->eval : &linked.image->train;
        status = cnn_device_open(linked.image, model.session->threads, SEED, &bench.device, &error);
        if (status == CNN_OK)
            status = run(&bench, options, model.session->arena, &error);
        if (status != CNN_OK)
            command_fail(status, "%s", error.text);
        cnn_device_close(bench.device);
        free(bench.input);
        free(bench.label);
        driver_unlink(&linked);
    }
    model_close(&model);
    return status;
}
