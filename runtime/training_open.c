/* Opening a training and closing it. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/augment/mix.h"
#include "runtime/clock.h"
#include "runtime/evaluate.h"
#include "runtime/file.h"
#include "runtime/memory.h"
#include "runtime/output.h"
#include "runtime/start.h"
#include "runtime/state_file.h"
#include "runtime/training_parts.h"

double training_seconds(const Training *t)
{
    return t->seconds_before + (t->begun > 0 ? cnn_clock() - t->begun : 0);
}

void training_note(Training *t, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report_line(&t->report, "%s", text);
    RunEvent event = {.kind = EVENT_NOTE,
                      .seconds = training_seconds(t),
                      .epoch = t->position.epoch + 1,
                      .step = t->step,
                      .text = text};
    cnn_listeners_tell(&t->listeners, &event);
}

void training_warn(Training *t, const char *format, ...)
{
    char text[1024];
    Report report;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bool silent = t->options->quiet || t->options->label;
    report_clear(&t->report);
    report_open(&report, silent && !t->options->json ? t->options->report : NULL);
    report_line(&report, "warning: %s", text);
    training_note(t, "warning: %s", text);
}

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
    const char *save = t->options->save, *log = t->options->log;
    if (t->options->no_out && (t->options->out || t->options->resume))
        return cnn_fail(error, CNN_BAD_USAGE, "--no-out does without a run folder, %s names one",
                        t->options->out ? "--out" : "--resume");
    if (t->options->out && t->options->resume)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "--out is for a new training; --resume=%s goes on with the one in that folder",
                        t->options->out);
    if (t->options->anyway && !t->options->resume)
        return cnn_fail(error, CNN_BAD_USAGE, "--anyway goes with --resume");
    if (t->options->start && t->options->resume)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "--start begins a new training, --resume goes on with one: only one of them can be");
    TRY(cnn_output_check(&t->image->recipe, save, OUTPUT_WEIGHTS, error));
    TRY(cnn_output_check(&t->image->recipe, log, OUTPUT_LOG, error));
    if (save && log && cnn_file_same(save, log))
        return cnn_fail(error, CNN_BAD_USAGE, "'%s' cannot be both the weights and the log", save);
    return CNN_OK;
}

/* The training that is gone on with: its folder, its newest checkpoint, and the seed that it had. */
static CnnStatus training_resume(Training *t, CnnError *error)
{
    const char *resume = t->options->resume;
    t->seed = cnn_training_seed(t->options, &t->image->recipe);
    if (!resume)
        return CNN_OK;
    TRY(cnn_run_folder_open(t->image, *resume ? resume : NULL, &t->folder, error));
    TRY(cnn_resume_open(t->image, t->data, &t->folder, t->options->anyway, &t->resume, error));
    if (!t->options->seed_given)
        t->seed = t->resume.state.seed;
    return CNN_OK;
}

void training_set_total(Training *t, int64_t total)
{
    t->total = t->rates.total = total;
    t->epochs = total == INT64_MAX ? 0 : (total - 1) / t->steps_per_epoch + 1;
}

/* How long the training takes: the command line's limits in place of the recipe's, if there are any; of a
 * training that is gone on with, as long as it was to take. */
static void training_limits(Training *t)
{
    const CnnStatements train = t->image->recipe.train;
    const CnnStatement *epochs = recipe_find(train, &epochs_schema),
                       *steps = recipe_find(train, &steps_schema), *time = recipe_find(train, &time_schema);
    bool given = t->options->epochs || t->options->steps;
    int64_t most_epochs = t->options->epochs, most_steps = t->options->steps;
    if (!given && epochs)
        most_epochs = ((const CountArgs *)epochs->args)->count;
    if (!given && steps)
        most_steps = ((const CountArgs *)steps->args)->count;
    if (!given && time)
        t->time = (TimePlan){.limit = ((const TimeArgs *)time->args)->limit.value,
                             .steps_per_epoch = t->steps_per_epoch,
                             .batch = t->batch.size * t->batch.accumulate,
                             .validation = cnn_data_count(t->data, PART_VALIDATION),
                             .test = cnn_data_count(t->data, PART_TEST)};
    if (!most_epochs && !most_steps)
        most_epochs = t->time.limit > 0 ? INT64_MAX : 1;
    int64_t by_epochs =
        most_epochs > INT64_MAX / t->steps_per_epoch ? INT64_MAX : most_epochs * t->steps_per_epoch;
    t->most = most_epochs && (!most_steps || by_epochs < most_steps) ? by_epochs : most_steps;
    training_set_total(t, t->most);
    if (t->resume.file && !given && !t->resume.changed)
        training_set_total(t, t->resume.state.total);
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

/* Compares the numbers of the training with those that it had. */
static CnnStatus compare_numbers(const Training *t, CnnError *error)
{
    const TrainingState *was = &t->resume.state;
    const struct {
        const char *what;
        int64_t before, now;
    } rows[] = {{"batch", was->batch, t->batch.size},
                {"accumulated batches", was->accumulate, t->batch.accumulate},
                {"steps of an epoch", was->steps_per_epoch, t->steps_per_epoch},
                {"seed", (int64_t)was->seed, (int64_t)t->seed}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].before != rows[i].now)
            return cnn_fail(error, CNN_BAD_INPUT,
                            "'%s' cannot be gone on with: %s was %" PRId64 ", and is %" PRId64
                            " now; --anyway goes on with the next epoch",
                            t->folder.path, rows[i].what, rows[i].before, rows[i].now);
    if (was->total != t->total && recipe_find(t->image->recipe.train, &schedule_schema))
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "'%s' cannot be gone on with: it was to take %" PRId64 " steps, now %" PRId64
            ", and the schedule of the learning rate depends on it; --anyway goes on by the new one",
            t->folder.path, was->total, t->total);
    return CNN_OK;
}

/* Where the training begins: at its start, or where the checkpoint has it. */
static CnnStatus training_position(Training *t, CnnError *error)
{
    CnnError difference = {0};
    const TrainingState *was = &t->resume.state;
    if (!t->resume.file)
        return CNN_OK;
    bool same = compare_numbers(t, &difference) == CNN_OK;
    if (!same && !t->options->anyway)
        return cnn_fail(error, difference.status, "%s", difference.text);
    t->resume.changed = t->resume.changed || !same;
    t->position = *was;
    t->step = was->step;
    if (t->batch.size != was->batch || t->batch.accumulate != was->accumulate ||
        t->steps_per_epoch != was->steps_per_epoch) {
        /* The middle of an epoch is no place in another division of the samples. */
        t->position.epoch += was->batches > 0;
        t->position.batches = t->position.replaced = 0;
        t->position.totals = (Totals){0};
        t->position.scale.of_epoch = 0;
        t->step = t->position.epoch * t->steps_per_epoch;
    }
    bool stops = t->advice.stops, augments = t->advice.augments;
    t->advice = was->advice;
    t->advice.stops = stops, t->advice.augments = augments;
    t->rates.state = was->rate;
    t->divergence.factor = was->rate_factor;
    t->divergence.returned = was->returned;
    t->seconds_before = was->seconds;
    t->steps_before = t->step;
    cnn_resume_load(&t->resume, t->image, t->device, &t->best);
    return CNN_OK;
}

/* For the answers to the part that is evaluated, and, for the run folder, to the validation part after the
 * best epoch. */
static CnnStatus training_answers(Training *t, CnnError *error)
{
    int64_t validation = cnn_data_count(t->data, PART_VALIDATION), test = cnn_data_count(t->data, PART_TEST);
    TRY(answers_open(t->image, t->data, validation > test ? validation : test, NULL, NULL, &t->answers,
                     error));
    if (!t->validation || t->options->no_out || t->answers.classes == 0)
        return CNN_OK;
    return answers_list_open(validation, &t->best_answers, error);
}

/* The folder of a new training, and what is written into that of any. */
static CnnStatus training_folder(Training *t, CnnError *error)
{
    if (!t->options->no_out && !t->folder.path) {
        TRY(cnn_run_folder_make(t->image, t->options->out, &t->folder, error));
    }
    if (!t->folder.path)
        return CNN_OK;
    if (!t->resume.file || t->resume.changed)
        TRY(cnn_run_folder_sources(&t->folder, t->image, error));
    TRY(cnn_checkpoints_open(t->image, t->device, t->data, &t->best, &t->average, &t->folder,
                             t->steps_per_epoch, &t->checkpoints, error));
    if (t->resume.file) {
        t->checkpoints.safe_step = t->resume.state.step;
        t->checkpoints.best_owed = !cnn_resume_best_kept(&t->resume, &t->folder);
    }
    TRY(cnn_events_file_open(&t->folder, &t->listeners, error));
    TRY(cnn_metrics_file_open(&t->folder, t->image, t->position.epoch, &t->listeners, error));
    return cnn_tensorboard_open(&t->folder, &t->listeners, error);
}

static CnnStatus training_cache(Training *t, CnnError *error)
{
    CacheUse use;
    TRY(cnn_data_cache(t->data, CACHE_FILL, &use, error));
    t->cached = use.state;
    report_cache(&t->report, &use);
    return CNN_OK;
}

CnnStatus training_open(Training *t, CnnError *error)
{
    t->folder.lock = -1;
    t->listeners.program = &t->image->train;
    if (t->options->json)
        cnn_events_stream_open(stdout, &t->listeners);
    if (t->options->listener)
        cnn_listeners_add(&t->listeners, *t->options->listener);
    TRY(training_settings(t, error));
    TRY(cnn_data_fits(t->image, t->data, error));
    TRY(training_resume(t, error));
    cnn_data_set_seed(t->data, t->seed);
    if (!t->resume.file)
        TRY(cnn_start_open(t->image, t->data, t->options->start, &t->report, &t->start, error));
    TRY(cnn_device_open(t->image, t->options->threads, t->seed, &t->device, error));
    TRY(training_batches(t, error));
    TRY(training_cache(t, error)); /* after what the training cannot do without */
    TRY(cnn_data_prepare(t->data, cnn_device_threads(t->device), error));
    if (t->start)
        cnn_state_load(t->device, t->image, t->start, false);
    cnn_average_begin(&t->average, t->device);
    TRY(training_loaders(t, error));
    training_limits(t);
    TRY(cnn_rate_open(t->image, t->validation != NULL, t->steps_per_epoch, t->total, &t->rates, error));
    TRY(cnn_best_open(t->image, t->validation != NULL, &t->best, error));
    TRY(divergence_open(t->image, &t->divergence, error));
    loss_scale_open(&t->position.scale);
    advice_open(&t->advice, recipe_find(t->image->recipe.train, &stop_schema) != NULL,
                recipe_find(t->image->recipe.data, &augment_schema) != NULL);
    TRY(training_position(t, error));
    TRY(training_answers(t, error));
    if (t->options->log && !(t->log = fopen(t->options->log, "w")))
        return cnn_fail(error, CNN_NO_RESOURCE, "cannot write '%s'", t->options->log);
    return training_folder(t, error);
}

static void close_loader(CnnLoader *loader)
{
    if (loader)
        cnn_loader_close(loader);
}

void training_close(Training *t)
{
    cnn_checkpoints_close(&t->checkpoints);
    divergence_close(&t->divergence);
    cnn_best_close(&t->best);
    answers_close(&t->answers);
    answers_list_close(&t->best_answers);
    close_loader(t->loader);
    close_loader(t->validation);
    close_loader(t->test);
    free(t->batches);
    cnn_device_close(t->device);
    cnn_weights_close(t->start);
    cnn_resume_close(&t->resume);
    cnn_run_folder_close(&t->folder);
    if (t->log)
        fclose(t->log);
}
