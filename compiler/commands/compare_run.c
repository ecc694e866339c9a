/* Measures the variants. A round runs each of them from the same start over the same batches; one device is
 * open at a time, so that no more memory is needed than the largest variant's. Variants take turns, so that
 * what else the machine does falls on all of them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/commands/compare.h"
#include "compiler/cpu/peak.h"
#include "runtime/clock.h"
#include "runtime/data/loader.h"
#include "runtime/device.h"
#include "runtime/evaluate.h"
#include "runtime/memory.h"
#include "runtime/train_args.h"

enum { SEED = 1, BATCHES_BYTES = 1 << 28 };
/* A weight after one step of w -= rate g is then the gradient, times -rate, to the last bits. */
static const float PLAIN_RATE = 1 << 20;
/* Short steps are done more often, until they have taken so long. */
static const double ROUND_SECONDS = 0.1;

/* ---- Batches ---- */

/* The first batches of the training part, all of one size. */
static CnnStatus open_batches(Comparison *comparison, CnnError *error)
{
    const CnnImage *image = comparison->variants[0].linked.image;
    CnnData *data = comparison->model->checked->data;
    CnnLoader *loader;
    LoaderOptions options = {.batch = image->train.batch, .threads = comparison->threads, .ahead = 2};
    cnn_data_set_seed(data, SEED);
    TRY(cnn_data_fits(image, data, error));
    TRY(cnn_data_prepare(data, comparison->threads, error));
    TRY(cnn_loader_open(data, PART_TRAIN, &options, &loader, error));
    CnnStatus status = cnn_batches_keep(image, loader, comparison->steps + comparison->warm_up, BATCHES_BYTES,
                                        &comparison->batches, error);
    cnn_loader_close(loader);
    return status;
}

/* ---- Steps ---- */

/* Seconds of step `number`, from 0. */
static double step(const Comparison *comparison, CnnDevice *device, const CnnProgram *program, int64_t number,
                   float rate, LossScale *scale)
{
    const KeptBatches *batches = &comparison->batches;
    Batch batch = cnn_batches_get(batches, number % batches->count);
    CnnScalars scalars = {.rate = rate,
                          .step = (float)(number + 1),
                          .inverse_count = 1.0f / (float)batch.samples,
                          .count = (float)batch.samples,
                          .seed_low = SEED,
                          .first_sample = (int32_t)batch.first,
                          .first_micro = 1,
                          .last_micro = 1};
    loss_scale_set(scale, &scalars);
    double start = cnn_clock();
    cnn_device_step(device, program, batch.input, batch.label, &scalars, batch.samples);
    cnn_device_wait(device, &(CnnError){0}); /* what fails is asked for at the end */
    double seconds = cnn_clock() - start;
    loss_scale_heed(scale, device, program);
    return seconds;
}

static int order(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

/* Of values that may be moved; of an even number of them, the mean of the two in the middle. */
static double median(double *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, order);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}

/* ---- Differences ---- */

static bool is_learnt(const CnnTensor *tensor)
{
    return tensor->trainable && tensor->dtype == DTYPE_F32;
}

static int64_t tensor_elements(const CnnTensor *tensor)
{
    int64_t elements = 1;
    for (int d = 0; d < tensor->rank; d++)
        elements *= tensor->dim[d];
    return elements;
}

static const CnnTensor *find_tensor(const CnnImage *image, const char *name)
{
    for (int i = 0; i < image->tensor_count; i++)
        if (strcmp(image->tensors[i].name, name) == 0)
            return &image->tensors[i];
    BUG("the variants differ in %s", name);
}

/* Copies of all that is learnt, by tensor. */
static float **keep_tensors(Arena *arena, const CnnImage *image, CnnDevice *device)
{
    float **kept = NEW_ARRAY(arena, float *, image->tensor_count);
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (is_learnt(tensor))
            kept[i] = arena_copy(arena, cnn_device_read(device, tensor),
                                 (size_t)tensor_elements(tensor) * sizeof(float));
    }
    return kept;
}

/* NaN counts as an infinite difference. */
static double tensor_difference(const float *a, const float *b, int64_t elements)
{
    double difference = 0, size = 0;
    for (int64_t e = 0; e < elements; e++) {
        double apart = fabs((double)a[e] - (double)b[e]);
        difference = fmax(difference, isnan(apart) ? INFINITY : apart);
        size = fmax(size, fabs((double)a[e]));
    }
    return difference == 0 ? 0 : difference / size;
}

static Difference find_difference(const CnnImage *image, float *const *kept, const CnnImage *other,
                                  CnnDevice *device)
{
    Difference worst = {0};
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (!is_learnt(tensor))
            continue;
        const float *values = cnn_device_read(device, find_tensor(other, tensor->name));
        double relative = tensor_difference(kept[i], values, tensor_elements(tensor));
        if (relative > worst.relative)
            worst = (Difference){relative, tensor->name};
    }
    return worst;
}

/* What the device holds, kept if the variant is the first, else compared with the first's. */
static void judge(Comparison *comparison, const Variant *variant, const Linked *of_first, const Linked *of_it,
                  CnnDevice *device, float ***kept, Difference *difference)
{
    if (variant == comparison->variants)
        *kept = keep_tensors(comparison->arena, of_it->image, device);
    else
        *difference = find_difference(of_first->image, *kept, of_it->image, device);
}

static CnnStatus measure_gradient(Comparison *comparison, Variant *variant, CnnError *error)
{
    CnnDevice *device;
    const CnnImage *image = variant->plain.image;
    TRY(cnn_device_open(image, comparison->threads, SEED, &device, error));
    LossScale scale;
    int64_t skipped;
    loss_scale_open(&scale);
    do { /* a step that overflows changes no weights */
        skipped = scale.skipped;
        step(comparison, device, &image->train, 0, PLAIN_RATE, &scale);
    } while (scale.skipped > skipped);
    judge(comparison, variant, &comparison->variants[0].plain, &variant->plain, device, &comparison->gradient,
          &variant->gradient);
    CnnStatus status = cnn_device_wait(device, error);
    cnn_device_close(device);
    return status;
}

static double mean_loss(const Comparison *comparison, CnnDevice *device, const CnnProgram *program)
{
    const float *total = cnn_device_buffer(device, program, program->loss);
    return (double)*total / (double)comparison->batches.samples;
}

static void note_loss(Comparison *comparison, Variant *variant, int64_t number)
{
    if (variant == comparison->variants)
        comparison->losses[number] = variant->loss;
    double apart = fabs(variant->loss - comparison->losses[number]);
    variant->loss_difference = fmax(variant->loss_difference, isnan(apart) ? INFINITY : apart);
}

/* ---- Rounds ---- */

/* What the first round finds out beside the times, after its last step. */
static void end_first_round(Comparison *comparison, Variant *variant, CnnDevice *device)
{
    variant->memory = cnn_device_bytes(device);
    judge(comparison, variant, &comparison->variants[0].linked, &variant->linked, device, &comparison->weight,
          &variant->weight);
}

static CnnStatus run_round(Comparison *comparison, Variant *variant, int round, CnnError *error)
{
    CnnDevice *device;
    const CnnImage *image = variant->linked.image;
    float rate = (float)comparison->model->checked->recipe.rate;
    double sum = 0;
    int64_t number = 0, last = comparison->warm_up + comparison->steps;
    VEC(double) seconds = {0};
    LossScale scale;
    loss_scale_open(&scale);
    TRY(cnn_device_open(image, comparison->threads, SEED, &device, error));
    for (; number < last || sum < ROUND_SECONDS; number++) {
        double passed = step(comparison, device, &image->train, number, rate, &scale);
        if (number >= comparison->warm_up) {
            *vec_push(comparison->arena, &seconds) = passed;
            sum += passed;
        }
        if (round == 0 && number < last) {
            variant->loss = mean_loss(comparison, device, &image->train);
            note_loss(comparison, variant, number);
        }
        if (round == 0 && number == last - 1)
            end_first_round(comparison, variant, device);
    }
    variant->rounds[round] = median(seconds.items, (int64_t)seconds.count);
    CnnStatus status = cnn_device_wait(device, error);
    cnn_device_close(device);
    return status;
}

CnnStatus compare_run(Comparison *comparison, CnnError *error)
{
    comparison->losses = NEW_ARRAY(comparison->arena, double, comparison->warm_up + comparison->steps);
    for (int v = 0; v < comparison->count; v++)
        comparison->variants[v].rounds = NEW_ARRAY(comparison->arena, double, comparison->rounds);
    TRY(open_batches(comparison, error));
    for (int v = 0; v < comparison->count; v++)
        TRY(measure_gradient(comparison, &comparison->variants[v], error));
    /* The first of a round changes, so that no variant always comes after the same other. */
    for (int round = 0; round < comparison->rounds; round++) {
        double peak = cpu_peak_flops(comparison->model->session->target, comparison->threads);
        comparison->peak = fmax(comparison->peak, peak);
        for (int v = 0; v < comparison->count; v++)
            TRY(run_round(comparison, &comparison->variants[(v + round) % comparison->count], round, error));
    }
    for (int v = 0; v < comparison->count; v++) {
        Variant *variant = &comparison->variants[v];
        double *rounds = arena_copy(comparison->arena, variant->rounds,
                                    (size_t)comparison->rounds * sizeof *variant->rounds);
        variant->seconds = median(rounds, comparison->rounds);
    }
    return CNN_OK;
}

/* ---- Epochs ---- */

/* A comparison leaves no files: the recipe without checkpoints. */
static CnnRecipe without_checkpoints(Arena *arena, const CnnRecipe *recipe)
{
    CnnRecipe shorter = *recipe;
    CnnStatement *kept = NEW_ARRAY(arena, CnnStatement, recipe->train.count + 1);
    shorter.train = (CnnStatements){.items = kept};
    for (int i = 0; i < recipe->train.count; i++)
        if (recipe->train.items[i].schema != &checkpoint_schema)
            kept[shorter.train.count++] = recipe->train.items[i];
    return shorter;
}

CnnStatus compare_train(Comparison *comparison, CnnError *error)
{
    for (int v = 0; v < comparison->count && comparison->epochs; v++) {
        Variant *variant = &comparison->variants[v];
        if (v > 0 && !variant->other_function)
            continue;
        CnnImage *image = variant->linked.image;
        image->summary = "";
        image->recipe = without_checkpoints(comparison->arena, &image->recipe);
        TrainingOptions options = {.epochs = comparison->epochs,
                                   .threads = comparison->threads,
                                   .report = stdout,
                                   .outcome = &variant->outcome};
        printf("\nTraining %s\n", variant->name);
        TRY(cnn_train(image, comparison->model->checked->data, &options, error));
        variant->trained = true;
    }
    return CNN_OK;
}
