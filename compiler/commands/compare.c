/* `cnnc compare`: the network as it is fused, and with every operation in a kernel of its own, trained side
 * by side on the same batches: what fusion saves, and that it changes no more than the rounding. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/commands/layers.h"
#include "compiler/commands/model.h"
#include "runtime/clock.h"
#include "runtime/data/loader.h"
#include "runtime/device.h"

enum { STEPS = 20, WARM_UP = 2 };

typedef struct {
    Linked linked;
    CnnDevice *device;
    double *seconds; /* of each timed step */
    double loss;     /* mean of the last batch */
} Side;

typedef struct {
    CnnData *data;
    CnnLoader *loader;
    Side fused, plain;
    int64_t steps, epoch, samples;
    uint64_t seed;
    double rate;
} Comparison;

static CnnStatus next_batch(Comparison *comparison, Batch *batch, CnnError *error)
{
    TRY(cnn_loader_next(comparison->loader, batch, error));
    if (batch->samples > 0)
        return CNN_OK;
    comparison->epoch++;
    TRY(cnn_loader_start(comparison->loader, comparison->epoch, 0, error));
    TRY(cnn_loader_next(comparison->loader, batch, error));
    if (batch->samples > 0)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT, "the training part has no samples");
}

static void step(const Comparison *comparison, Side *side, const Batch *batch, int64_t number)
{
    const CnnProgram *program = &side->linked.image->train;
    CnnScalars scalars = {.rate = (float)comparison->rate,
                          .step = (float)(number + 1),
                          .inverse_count = 1.0f / (float)batch->samples,
                          .count = (float)batch->samples,
                          .seed_low = (int32_t)(uint32_t)comparison->seed,
                          .seed_high = (int32_t)(uint32_t)(comparison->seed >> 32),
                          .epoch = (int32_t)comparison->epoch,
                          .first_sample = (int32_t)batch->first,
                          .first_micro = 1,
                          .last_micro = 1};
    double start = cnn_clock();
    cnn_device_step(side->device, program, batch->input, batch->label, &scalars, batch->samples);
    double seconds = cnn_clock() - start;
    if (number >= WARM_UP)
        side->seconds[number - WARM_UP] = seconds;
    const float *total = cnn_device_buffer(side->device, program, program->loss);
    side->loss = (double)*total / (double)batch->samples;
}

/* The two take turns, so that what else the machine does falls on both. */
static CnnStatus run_steps(Comparison *comparison, CnnError *error)
{
    for (int64_t number = 0; number < comparison->steps + WARM_UP; number++) {
        Batch batch;
        TRY(next_batch(comparison, &batch, error));
        step(comparison, &comparison->fused, &batch, number);
        step(comparison, &comparison->plain, &batch, number);
        comparison->samples = batch.samples;
    }
    return CNN_OK;
}

static CnnStatus run(Comparison *comparison, int threads, CnnError *error)
{
    const CnnImage *image = comparison->fused.linked.image;
    LoaderOptions options = {.batch = image->train.batch, .threads = 1, .ahead = 2};
    options.drop_last = cnn_data_count(comparison->data, PART_TRAIN) >= options.batch;
    cnn_data_set_seed(comparison->data, comparison->seed);
    TRY(cnn_data_prepare(comparison->data, threads > 0 ? threads : 1, error));
    TRY(cnn_device_open(image, threads, comparison->seed, &comparison->fused.device, error));
    TRY(cnn_device_open(comparison->plain.linked.image, threads, comparison->seed, &comparison->plain.device,
                        error));
    TRY(cnn_loader_open(comparison->data, PART_TRAIN, &options, &comparison->loader, error));
    TRY(cnn_loader_start(comparison->loader, 0, 0, error));
    return run_steps(comparison, error);
}

static int seconds_order(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static double median(Side *side, int64_t count)
{
    qsort(side->seconds, (size_t)count, sizeof *side->seconds, seconds_order);
    return side->seconds[count / 2];
}

/* Read and written by one step over a whole batch. */
static double moved_bytes(const CnnProgram *program)
{
    double bytes = 0;
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        double times = phase->kind == PHASE_CHUNKED ? (double)program->batch : 1;
        for (int s = 0; s < phase->step_count; s++)
            bytes += times * program->steps[phase->first_step + s].bytes;
    }
    return bytes;
}

static const CnnTensor *find_tensor(const CnnImage *image, const char *name)
{
    for (int i = 0; i < image->tensor_count; i++)
        if (strcmp(image->tensors[i].name, name) == 0)
            return &image->tensors[i];
    return NULL;
}

typedef struct {
    double difference, size; /* the largest difference of an element, and the largest element */
    const char *name;
} Worst;

/* NaN counts as an infinite difference. */
static void compare_tensors(const float *a, const float *b, const CnnTensor *tensor, Worst *worst)
{
    int64_t elements = 1;
    double difference = 0, size = 0;
    for (int d = 0; d < tensor->rank; d++)
        elements *= tensor->dim[d];
    for (int64_t e = 0; e < elements; e++) {
        double apart = fabs((double)a[e] - (double)b[e]);
        difference = fmax(difference, isnan(apart) ? INFINITY : apart);
        size = fmax(size, fabs((double)a[e]));
    }
    if (difference > worst->difference)
        *worst = (Worst){difference, size, tensor->name};
}

static void print_difference(const Comparison *comparison)
{
    const CnnImage *image = comparison->fused.linked.image;
    Worst worst = {0};
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        const CnnTensor *other = find_tensor(comparison->plain.linked.image, tensor->name);
        if (tensor->trainable && tensor->dtype == DTYPE_F32 && other)
            compare_tensors(cnn_device_tensor(comparison->fused.device, tensor),
                            cnn_device_tensor(comparison->plain.device, other), tensor, &worst);
    }
    printf("weights after %" PRId64 " steps: ", comparison->steps + WARM_UP);
    if (worst.difference == 0)
        printf("the same, to the bit\n");
    else
        printf("they differ by %.2g of %.2g at most, in %s\n", worst.difference, worst.size, worst.name);
}

static void print_comparison(Comparison *comparison, Arena *arena)
{
    Side *fused = &comparison->fused, *plain = &comparison->plain;
    double of_fused = median(fused, comparison->steps), of_plain = median(plain, comparison->steps);
    const CnnProgram *a = &fused->linked.image->train, *b = &plain->linked.image->train;
    printf("%-20s %12s %12s\n", "", "fused", "unfused");
    printf("%-20s %9.2f ms %9.2f ms   %.2f times as fast\n", "a step", 1e3 * of_fused, 1e3 * of_plain,
           of_plain / of_fused);
    printf("%-20s %12.0f %12.0f\n", "samples/s", (double)comparison->samples / of_fused,
           (double)comparison->samples / of_plain);
    printf("%-20s %12d %12d\n", "kernels a step", a->step_count, b->step_count);
    printf("%-20s %12s %12s\n", "moved a step", bytes_text(arena, moved_bytes(a)),
           bytes_text(arena, moved_bytes(b)));
    printf("%-20s %12s %12s\n", "memory", bytes_text(arena, (double)cnn_device_bytes(fused->device)),
           bytes_text(arena, (double)cnn_device_bytes(plain->device)));
    printf("%-20s %12.6f %12.6f\n", "loss, last batch", fused->loss, plain->loss);
    print_difference(comparison);
}

static void close_side(Side *side)
{
    if (side->device)
        cnn_device_close(side->device);
    driver_unlink(&side->linked);
}

static CnnStatus link_sides(Model *model, Comparison *comparison)
{
    TRY(model_link(model, true, &comparison->fused.linked));
    for (int i = 0; i < FUSION_COUNT; i++)
        model->session->fusions.off[i] = true;
    return model_link(model, true, &comparison->plain.linked);
}

CnnStatus command_compare(const Options *options)
{
    Model model;
    CnnError error = {0};
    TRY(model_open(options, &model));
    Arena *arena = model.session->arena;
    Comparison comparison = {.data = model.program->data,
                             .steps = options->training.steps ? options->training.steps : STEPS,
                             .seed = 1,
                             .rate = model.program->recipe.rate};
    comparison.fused.seconds = NEW_ARRAY(arena, double, comparison.steps);
    comparison.plain.seconds = NEW_ARRAY(arena, double, comparison.steps);
    CnnStatus status = link_sides(&model, &comparison);
    if (status == CNN_OK) {
        status = run(&comparison, model.session->threads, &error);
        if (status == CNN_OK)
            print_comparison(&comparison, arena);
        else
            command_fail(status, "%s", error.text);
    }
    if (comparison.loader)
        cnn_loader_close(comparison.loader);
    close_side(&comparison.fused);
    close_side(&comparison.plain);
    model_close(&model);
    return status;
}
