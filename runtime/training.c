/* The loop over epochs, batches and micro-batches. Everything is opened before the first step, in the order
 * in which it can fail cheaply: paths, the weight file, the data, then the device with its memory. */
#include "runtime/training.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/best.h"
#include "runtime/checkpoint.h"
#include "runtime/clock.h"
#include "runtime/evaluate.h"
#include "runtime/file.h"
#include "runtime/interrupt.h"
#include "runtime/memory.h"
#include "runtime/output.h"
#include "runtime/rate.h"
#include "runtime/state_file.h"

typedef struct {
    const CnnImage *image;
    CnnData *data;
    const TrainingOptions *options;
    Report report;
    BatchArgs batch;
    uint64_t seed;
    int64_t epochs, total, steps_per_epoch; /* total: updates */
    RateSchedule rates;
    WeightFile *start;
    CnnDevice *device;
    CnnLoader *loader, *validation, *test;
    void *batches; /* what the loaders read, one at a time */
    uint64_t batches_bytes;
    Best best;
    Checkpoints checkpoints;
    FILE *log;
    int64_t step; /* updates done */
    CacheState cached;
    double begun, step_begun;
} Training;

/* The gradient accumulation under way: its micro-batches, together one update. */
typedef struct {
    int64_t micro;   /* micro-batches done */
    int64_t samples; /* of all its micro-batches */
    Totals totals;   /* of those done */
} Accumulation;

/* ---- Opening ---- */

uint64_t cnn_training_seed(const TrainingOptions *options, const CnnRecipe *recipe)
{
    SeedArgs seed;
    return options->seed_given
               ? options->seed
               : (uint64_t)((const SeedArgs *)recipe_args(recipe->train, &seed_schema, &seed))->value;
}

/* Options first, then the recipe's statements, then their presets. */
static CnnStatus training_settings(Training *t, CnnError *error)
{
    const CnnStatements train = t->image->recipe.train;
    BatchArgs batch;
    t->batch = *(const BatchArgs *)recipe_args(train, &batch_schema, &batch);
    /* The image's batch is the recipe's, or the one that the network was compiled for instead of it. */
    t->batch.size = t->options->batch ? t->options->batch : t->image->train.batch;
    if (t->batch.size > t->image->train.batch)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "a batch of %" PRId64 " is too large: this code was compiled for at most %" PRId64,
                        t->batch.size, t->image->train.batch);
    t->seed = cnn_training_seed(t->options, &t->image->recipe);
    const char *save = t->options->save, *log = t->options->log;
    TRY(cnn_output_check(&t->image->recipe, save, OUTPUT_WEIGHTS, error));
    TRY(cnn_output_check(&t->image->recipe, log, OUTPUT_LOG, error));
    if (save && log && cnn_file_same(save, log))
        return cnn_fail(error, CNN_BAD_USAGE, "'%s' cannot be both the weights and the log", save);
    return CNN_OK;
}

static CnnStatus training_start_file(Training *t, CnnError *error)
{
    const char *path = t->options->start;
    StateMatch match = {0};
    if (path) {
        TRY(cnn_weights_open(path, &t->start, error));
        TRY(cnn_state_match(t->image, t->data, t->start, path, &match, error));
        report_line(&t->report, "start from %s: %d of %d tensors%s%s%s", path, match.found, match.wanted,
                    *match.missing ? "; not in it, and so initialised: " : "", match.missing,
                    match.unused ? "; it has others, which are not used" : "");
        CnnError other = {0};
        if (cnn_state_match_classes(t->data, t->start, path, &other) != CNN_OK)
            report_line(&t->report, "note: %s; they are learnt anew", other.text);
    }
    if (match.measured)
        cnn_state_load_measured(t->data, t->start);
    return CNN_OK;
}

/* How long the training takes: the command line's limits in place of the recipe's, if there are any. */
static void training_limits(Training *t)
{
    const CnnStatements train = t->image->recipe.train;
    const CnnStatement *epochs = recipe_find(train, &epochs_schema),
                       *steps = recipe_find(train, &steps_schema);
    bool given = t->options->epochs || t->options->steps;
    int64_t most_epochs = t->options->epochs, most_steps = t->options->steps;
    if (!given && epochs)
        most_epochs = ((const CountArgs *)epochs->args)->count;
    if (!given && steps)
        most_steps = ((const CountArgs *)steps->args)->count;
    if (!most_epochs && !most_steps)
        most_epochs = 1;
    int64_t by_epochs =
        most_epochs > INT64_MAX / t->steps_per_epoch ? INT64_MAX : most_epochs * t->steps_per_epoch;
    t->total = most_epochs && (!most_steps || by_epochs < most_steps) ? by_epochs : most_steps;
    t->epochs = (t->total - 1) / t->steps_per_epoch + 1;
}

/* Memory for the batches of one loader, which all of them share. */
static CnnStatus training_batches(Training *t, CnnError *error)
{
    LoaderOptions options = {.batch = t->image->eval.batch, .ahead = LOADER_AHEAD};
    uint64_t available = cnn_memory_available();
    if (cnn_loader_bytes(t->data, &options, &t->batches_bytes) && t->batches_bytes <= available)
        t->batches = cnn_memory_take(t->batches_bytes);
    if (!t->batches)
        return cnn_fail(error, CNN_NO_RESOURCE,
                        "the training needs %.1f GiB of memory for %d batches of %" PRId64
                        " samples, read ahead, besides %.1f GiB for the network, and %.1f GiB are free: a "
                        "smaller batch needs less",
                        (double)t->batches_bytes / 0x1p30, LOADER_AHEAD + 1, options.batch,
                        (double)cnn_device_bytes(t->device) / 0x1p30, (double)available / 0x1p30);
    return CNN_OK;
}

static CnnStatus training_loaders(Training *t, CnnError *error)
{
    int threads = t->options->loader_threads ? t->options->loader_threads : cnn_device_threads(t->device);
    int64_t count = cnn_data_epoch_count(t->data, PART_TRAIN);
    if (count == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "the data have no samples to train on");
    LoaderOptions options = {.batch = t->batch.size,
                             .drop_last = t->batch.last == LAST_DROP,
                             .shuffle = true,
                             .threads = threads,
                             .ahead = LOADER_AHEAD,
                             .memory = t->batches};
    TRY(cnn_loader_open(t->data, PART_TRAIN, &options, &t->loader, error));
    int64_t batches = cnn_loader_batches(t->loader);
    if (batches == 0)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "no batch is left: %" PRId64 " samples are less than a batch of %" PRId64
                        ", and last=drop",
                        count, t->batch.size);
    t->steps_per_epoch = (batches + t->batch.accumulate - 1) / t->batch.accumulate;
    TRY(cnn_part_open(t->data, PART_VALIDATION, t->image->eval.batch, threads, t->batches, &t->validation,
                      error));
    return cnn_part_open(t->data, PART_TEST, t->image->eval.batch, threads, t->batches, &t->test, error);
}

static CnnStatus training_cache(Training *t, CnnError *error)
{
    CacheUse use;
    TRY(cnn_data_cache(t->data, CACHE_FILL, &use, error));
    t->cached = use.state;
    report_cache(&t->report, &use);
    return CNN_OK;
}

static CnnStatus training_open(Training *t, CnnError *error)
{
    TRY(training_settings(t, error));
    cnn_data_set_seed(t->data, t->seed);
    TRY(cnn_data_fits(t->image, t->data, error));
    TRY(training_start_file(t, error));
    TRY(cnn_device_open(t->image, t->options->threads, t->seed, &t->device, error));
    TRY(training_batches(t, error));
    TRY(training_cache(t, error)); /* after what the training cannot do without */
    TRY(cnn_data_prepare(t->data, cnn_device_threads(t->device), error));
    if (t->start)
        cnn_state_load(t->device, t->image, t->start);
    TRY(training_loaders(t, error));
    training_limits(t);
    TRY(cnn_rate_open(&t->image->recipe, t->steps_per_epoch, t->total, &t->rates, error));
    TRY(cnn_best_open(t->image, t->validation != NULL, &t->best, error));
    TRY(cnn_checkpoints_open(t->image, t->options->save, t->steps_per_epoch, &t->checkpoints, error));
    if (t->options->log && !(t->log = fopen(t->options->log, "w")))
        return cnn_fail(error, CNN_NO_RESOURCE, "cannot write '%s'", t->options->log);
    return CNN_OK;
}

static void close_loader(CnnLoader *loader)
{
    if (loader)
        cnn_loader_close(loader);
}

static void training_close(Training *t)
{
    cnn_checkpoints_close(&t->checkpoints);
    cnn_best_close(&t->best);
    close_loader(t->loader);
    close_loader(t->validation);
    close_loader(t->test);
    free(t->batches);
    cnn_device_close(t->device);
    cnn_weights_close(t->start);
    if (t->log)
        fclose(t->log);
}

static void training_summary(Training *t)
{
    int64_t count = cnn_data_count(t->data, PART_TRAIN), of_epoch = cnn_data_epoch_count(t->data, PART_TRAIN);
    char line[256];
    uint64_t bytes;
    const char *unpacked = cnn_data_unpacked(t->data, &bytes);
    if (!t->report.out)
        return;
    fputs(t->image->summary, t->report.out);
    report_line(&t->report,
                "%" PRId64 " training, %" PRId64 " validation, %" PRId64 " test samples; batch %" PRId64
                ", %" PRId64 " steps an epoch; %d thread%s, %.1f MiB",
                count, cnn_data_count(t->data, PART_VALIDATION), cnn_data_count(t->data, PART_TEST),
                t->batch.size, t->steps_per_epoch, cnn_device_threads(t->device),
                cnn_device_threads(t->device) == 1 ? "" : "s",
                (double)(cnn_device_bytes(t->device) + t->batches_bytes) / 0x1p20);
    if (unpacked)
        report_line(&t->report, "the archive is unpacked in %s, %.1f MiB", unpacked, (double)bytes / 0x1p20);
    if (cnn_data_balance_text(t->data, line, sizeof line))
        report_line(&t->report, "%s", line);
    if (cnn_data_measured_text(t->data, line, sizeof line))
        report_line(&t->report, "%s", line);
    if (t->batch.size > of_epoch)
        report_line(&t->report,
                    "warning: the batch is larger than the training part: each step takes %" PRId64
                    " samples",
                    of_epoch);
}

/* ---- Steps ---- */

/* One object for an update, with the mean loss over its samples before the weights changed. */
static void log_step(Training *t, const Totals *totals, int64_t epoch, float rate)
{
    double now = cnn_clock();
    if (t->log) {
        const CnnProgram *program = &t->image->train;
        fprintf(t->log, "{\"step\": %" PRId64 ", \"epoch\": %" PRId64 ", \"loss\": ", t->step, epoch + 1);
        if (isfinite(totals->loss))
            fprintf(t->log, "%.9g", totals_loss(totals));
        else
            fputs("null", t->log); /* JSON has no other numbers */
        for (int i = 0; i < program->metric_count; i++)
            fprintf(t->log, ", \"%s\": %.9g", program->metrics[i].name, totals_metric(totals, i));
        fprintf(t->log, ", \"rate\": %.9g, \"samples\": %" PRId64 ", \"seconds\": %.6f}\n", (double)rate,
                totals->samples, now - t->step_begun);
    }
    t->step_begun = now;
}

static CnnStatus log_check(Training *t, CnnError *error)
{
    if (t->log && fflush(t->log) != 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "cannot write '%s': %s", t->options->log, strerror(errno));
    return CNN_OK;
}

/* The samples of the accumulation that `batch` begins, from the epoch's count: exact unless pictures of its
 * last accumulation turn out to be unreadable. (The loader's count of those runs ahead by an amount that
 * depends on the threads, so it must not enter the numbers.) */
static int64_t accumulation_samples(const Training *t, const Batch *batch, int64_t done)
{
    if (t->batch.accumulate == 1 || batch->last)
        return batch->samples;
    int64_t whole = t->batch.size * t->batch.accumulate;
    int64_t of_epoch = cnn_data_epoch_count(t->data, PART_TRAIN);
    if (t->batch.last == LAST_DROP)
        of_epoch -= of_epoch % t->batch.size;
    int64_t left = of_epoch - done;
    return left < whole && left > batch->samples ? left : left < whole ? batch->samples : whole;
}

/* Trains on one batch. *updated: the weights were changed. */
static CnnStatus train_batch(Training *t, const Batch *batch, int64_t epoch, Accumulation *now,
                             Totals *totals, bool *updated, CnnError *error)
{
    const CnnProgram *program = &t->image->train;
    bool first = now->micro == 0;
    if (first)
        *now = (Accumulation){.samples = accumulation_samples(t, batch, totals->samples)};
    *updated = ++now->micro == t->batch.accumulate || batch->last;
    float rate = (float)cnn_rate(&t->rates, t->step);
    CnnScalars scalars = {.rate = rate,
                          .step = (float)(t->step + 1),
                          .inverse_count = 1 / (float)now->samples,
                          .count = (float)batch->samples,
                          .seed_low = (int32_t)(uint32_t)t->seed,
                          .seed_high = (int32_t)(uint32_t)(t->seed >> 32),
                          .epoch = (int32_t)epoch,
                          .first_sample = (int32_t)batch->first,
                          .first_micro = first,
                          .last_micro = *updated};
    cnn_device_step(t->device, program, batch->input, batch->label, &scalars, batch->samples);
    totals_add(&now->totals, t->device, program, batch->samples);
    totals_add(totals, t->device, program, batch->samples);
    bool finite = isfinite(now->totals.loss);
    if (*updated || !finite) {
        t->step++;
        log_step(t, &now->totals, epoch, rate);
        now->micro = 0;
    }
    if (!finite)
        return cnn_fail(error, CNN_DIVERGED,
                        "the loss is %s at step %" PRId64 " (epoch %" PRId64
                        "); no weights were written. A lower learning rate (now %g) or clip norm=1 may help",
                        isnan(now->totals.loss) ? "not a number" : "infinite", t->step, epoch + 1,
                        (double)rate);
    return CNN_OK;
}

static CnnStatus train_epoch(Training *t, int64_t epoch, Totals *totals, Progress *progress, CnnError *error)
{
    double start = cnn_clock();
    Accumulation accumulation = {0};
    TRY(cnn_loader_start(t->loader, epoch, 0, error));
    while (t->step < t->total && !cnn_interrupted()) {
        Batch batch;
        bool updated;
        TRY(cnn_loader_next(t->loader, &batch, error));
        if (batch.samples == 0)
            break;
        TRY(train_batch(t, &batch, epoch, &accumulation, totals, &updated, error));
        double now = cnn_clock();
        progress->done++;
        progress->seconds = now - start;
        progress->waited = cnn_loader_waited(t->loader);
        progress->left = (now - t->begun) / (double)(t->step ? t->step : 1) * (double)(t->total - t->step);
        report_progress(&t->report, progress);
        if (updated && cnn_checkpoint_due(&t->checkpoints, t->step))
            TRY(cnn_checkpoint_write(&t->checkpoints, t->device, t->data, t->step, error));
        if (batch.last)
            break;
    }
    cnn_loader_stop(t->loader); /* the evaluation's loader has the memory next */
    if (totals->samples == 0 && !cnn_interrupted())
        return cnn_fail(error, CNN_BAD_INPUT, "none of the samples to train on could be read");
    return log_check(t, error);
}

/* An epoch with its validation and its line. *stop: patience has ended. */
static CnnStatus run_epoch(Training *t, int64_t epoch, bool *stop, CnnError *error)
{
    double start = cnn_clock();
    Totals totals = {0}, validation = {0};
    Progress progress = {.epoch = epoch + 1,
                         .epochs = t->epochs,
                         .of = cnn_loader_batches(t->loader),
                         .cached = t->cached,
                         .program = &t->image->train,
                         .totals = &totals};
    TRY(train_epoch(t, epoch, &totals, &progress, error));
    if (cnn_interrupted())
        return CNN_OK;
    if (t->validation) {
        TRY(cnn_part_evaluate(t->device, t->image, t->validation, t->seed, NULL, &validation, error));
        if (cnn_interrupted())
            return CNN_OK;
        progress.validation = &validation;
    }
    report_epoch(&t->report, &progress, cnn_clock() - start);
    report_cache_trouble(&t->report, t->data);
    t->step_begun = cnn_clock();
    if (t->validation && !isfinite(validation.loss))
        return cnn_fail(error, CNN_DIVERGED,
                        "the validation loss is not finite after epoch %" PRId64 "; no weights were written",
                        epoch + 1);
    *stop = cnn_best_update(&t->best, t->device, t->image, epoch + 1, &totals, &validation);
    return CNN_OK;
}

/* ---- The end ---- */

static CnnStatus save_weights(Training *t, CnnError *error)
{
    const char *path = t->options->save;
    if (!path)
        return CNN_OK;
    TRY(cnn_state_save(t->device, t->image, t->data, path, false, t->step / t->steps_per_epoch, t->step,
                       error));
    report_line(&t->report, "weights written to %s", path);
    return CNN_OK;
}

static CnnStatus training_interrupted(Training *t, CnnError *error)
{
    if (t->step > 0) {
        TRY(save_weights(t, error));
        if (t->checkpoints.args && t->checkpoints.last_step != t->step)
            TRY(cnn_checkpoint_write(&t->checkpoints, t->device, t->data, t->step, error));
    }
    const char *newest = cnn_checkpoint_newest(&t->checkpoints);
    const char *saved = t->step > 0 && t->options->save ? t->options->save : newest;
    return cnn_fail(error, CNN_INTERRUPTED, "stopped by %s after step %" PRId64 "%s%s",
                    cnn_interrupted() == SIGINT ? "Ctrl-C" : "a signal", t->step,
                    saved ? "; the weights are in " : "; no weights were written", saved ? saved : "");
}

static CnnStatus training_finish(Training *t, bool stopped, CnnError *error)
{
    if (t->best.args) {
        char name[32];
        cnn_best_name(&t->best, name, sizeof name);
        cnn_best_restore(&t->best, t->device, t->image);
        report_line(&t->report, "%s the weights of epoch %" PRId64 " are kept: %s %.4f",
                    stopped ? "stopped, as nothing became better;" : "finished;", t->best.epoch, name,
                    t->best.value);
    }
    TRY(save_weights(t, error));
    if (t->test) {
        double start = cnn_clock();
        Totals totals;
        TRY(cnn_part_evaluate(t->device, t->image, t->test, t->seed, NULL, &totals, error));
        if (cnn_interrupted())
            return training_interrupted(t, error);
        report_evaluation(&t->report, "test", &t->image->eval, &totals, cnn_clock() - start);
        report_skipped(&t->report, t->test, "test");
        if (t->options->outcome)
            t->options->outcome->test = totals;
    }
    if (t->options->outcome && t->validation) {
        TRY(cnn_part_evaluate(t->device, t->image, t->validation, t->seed, NULL,
                              &t->options->outcome->validation, error));
        if (cnn_interrupted())
            return training_interrupted(t, error);
    }
    report_cache_trouble(&t->report, t->data);
    report_skipped(&t->report, t->loader, "training");
    if (t->validation)
        report_skipped(&t->report, t->validation, "validation");
    return CNN_OK;
}

static CnnStatus training_run(Training *t, CnnError *error)
{
    TRY(training_open(t, error));
    training_summary(t);
    t->begun = t->step_begun = cnn_clock();
    bool stop = false;
    for (int64_t epoch = 0; t->step < t->total && !stop; epoch++) {
        TRY(run_epoch(t, epoch, &stop, error));
        if (cnn_interrupted())
            return training_interrupted(t, error);
    }
    return training_finish(t, stop, error);
}

CnnStatus cnn_train(const CnnImage *image, CnnData *data, const TrainingOptions *options, CnnError *error)
{
    Training training = {.image = image, .data = data, .options = options};
    Interrupts before;
    report_open(&training.report, options->report);
    cnn_interrupts_catch(&before);
    CnnStatus status = training_run(&training, error);
    cnn_interrupts_release(&before);
    training_close(&training);
    return status;
}
