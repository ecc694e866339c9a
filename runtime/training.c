/* The loop over epochs, batches and micro-batches. */
#include "runtime/training.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/data/files.h"
#include "runtime/evaluate.h"
#include "runtime/interrupt.h"
#include "runtime/training_parts.h"

static void training_summary(Training *t)
{
    int64_t count = cnn_data_count(t->data, PART_TRAIN), of_epoch = cnn_data_epoch_count(t->data, PART_TRAIN);
    char line[NAME_BYTES + 256];
    uint64_t bytes;
    const char *unpacked = cnn_data_unpacked(t->data, &bytes);
    if (!t->report.out || t->report.label)
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
    if (cnn_data_split_text(t->data, line, sizeof line))
        report_line(&t->report, "%s", line);
    if (cnn_data_balance_text(t->data, line, sizeof line))
        report_line(&t->report, "%s", line);
    if (cnn_data_measured_text(t->data, line, sizeof line))
        report_line(&t->report, "%s", line);
    if (t->batch.size > of_epoch)
        report_line(&t->report,
                    "warning: the batch is larger than the training part: each step takes %" PRId64
                    " samples",
                    of_epoch);
    if (*t->resume.note)
        training_note(t, "%s", t->resume.note);
    if (t->resume.file)
        training_note(t, "goes on in %s after step %" PRId64 " of %" PRId64 "%s", t->folder.path, t->step,
                      t->total, t->step < t->total ? "" : ": nothing is left to train");
    else if (t->folder.path)
        report_line(&t->report, "run folder %s", t->folder.path);
}

/* ---- Steps ---- */

static double rate_of(const Training *t, int64_t step)
{
    return cnn_rate(&t->rates, step) * t->divergence.factor;
}

/* One object for an update, with the mean loss over its samples before the weights changed. */
static void log_step(Training *t, const Totals *totals, int64_t epoch, float rate)
{
    double now = cnn_clock();
    RunEvent event = {.kind = EVENT_STEP,
                      .seconds = training_seconds(t),
                      .epoch = epoch + 1,
                      .step = t->step,
                      .rate = (double)rate,
                      .training = totals,
                      .took = now - t->step_begun};
    cnn_listeners_tell(&t->listeners, &event);
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

CnnStatus training_log_check(const Training *t, CnnError *error)
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

/* The step of a micro-batch, which is the `last` of its update or not, and what becomes of it where its
 * numbers are not finite. */
static CnnStatus train_step(Training *t, const Batch *batch, const CnnScalars *scalars, bool last,
                            Accumulation *now, Totals *totals, CnnError *error)
{
    const CnnProgram *program = &t->image->train;
    cnn_device_step(t->device, program, batch->input, batch->label, scalars, batch->samples);
    cnn_part_expect(t->device, t->loader);
    TRY(cnn_device_wait(t->device, error));
    totals_add(&now->totals, t->device, program, batch->samples);
    bool good = divergence_is_finite(&t->divergence, t->device);
    if (good) {
        totals_add(totals, t->device, program, batch->samples);
        good = !last || loss_scale_heed(&t->position.scale, t->device, program);
    }
    now->left_out = !good;
    if (good)
        return CNN_OK;
    TrainedBatch trained = {
        t->device, t->data, t->loader, batch, scalars, t->step + 1, t->position.epoch + 1};
    CnnStatus status = divergence_handle(&t->divergence, &trained, &t->report, error);
    if (status == CNN_OK && *t->divergence.note)
        training_note(t, "%s", t->divergence.note);
    return status;
}

CnnStatus training_batch(Training *t, const Batch *batch, int64_t epoch, Accumulation *now, Totals *totals,
                         bool *updated, CnnError *error)
{
    bool first = now->micro == 0;
    CnnStatus status = CNN_OK;
    if (first) {
        int64_t done = t->position.batches * t->batch.size;
        *now = (Accumulation){.samples = accumulation_samples(t, batch, done)};
        divergence_keep(&t->divergence, t->device, done == 0, t->step);
    }
    *updated = ++now->micro == t->batch.accumulate || batch->last;
    float rate = (float)rate_of(t, t->step);
    CnnScalars scalars = {.rate = rate,
                          .step = (float)(t->step + 1 - t->position.scale.skipped),
                          .inverse_count = 1 / (float)now->samples,
                          .count = (float)batch->samples,
                          .seed_low = (int32_t)(uint32_t)t->seed,
                          .seed_high = (int32_t)(uint32_t)(t->seed >> 32),
                          .epoch = (int32_t)epoch,
                          .first_sample = (int32_t)batch->first,
                          .first_micro = first,
                          .last_micro = *updated};
    loss_scale_set(&t->position.scale, &scalars);
    if (!now->left_out)
        status = train_step(t, batch, &scalars, *updated, now, totals, error);
    if (*updated || status != CNN_OK) {
        t->step++;
        log_step(t, &now->totals, epoch, rate);
        now->micro = 0;
    }
    if (*updated && !now->left_out) {
        divergence_passed(&t->divergence);
        advice_update(&t->advice, totals_loss(&now->totals));
    }
    return status;
}

/* Seconds that the rest of the training will take. */
static double seconds_left(const Training *t)
{
    if (t->epochs == 0)
        return t->time.limit - training_seconds(t);
    int64_t done = t->step - t->steps_before;
    return (cnn_clock() - t->begun) / (double)(done ? done : 1) * (double)(t->total - t->step);
}

/* Plans the rest of the time after an update that took so many seconds. */
static void plan_time(Training *t, double seconds)
{
    if (t->time.limit == 0)
        return;
    cnn_time_step(&t->time, t->step - t->steps_before, seconds);
    int64_t total = cnn_time_total(&t->time, t->step, training_seconds(t));
    if (total == 0)
        return;
    training_set_total(t, total < t->most ? total : t->most);
    if (!t->planned && total < t->most)
        training_note(t, "time %g s: %" PRId64 " steps, %.1f epochs, as fast as it is now", t->time.limit,
                      total, (double)total / (double)t->steps_per_epoch);
    t->planned = true;
}

static CnnStatus train_epoch(Training *t, Progress *progress, CnnError *error)
{
    double start = cnn_clock(), last = start;
    int64_t epoch = t->position.epoch, of_epoch = cnn_loader_batches(t->loader);
    Totals *totals = &t->position.totals;
    Accumulation accumulation = {0};
    bool ended = t->position.batches >= of_epoch;
    cnn_average_use(&t->average, t->device, false);
    TRY(cnn_part_start(t->device, t->loader, epoch, t->position.batches, error));
    cnn_loader_set_replaced(t->loader, t->position.replaced);
    /* An accumulation that is begun is ended: between its micro-batches there is nothing to go on from. */
    while (!ended && t->step < t->total && (!cnn_interrupted() || accumulation.micro > 0)) {
        Batch batch;
        bool updated;
        TRY(cnn_loader_next(t->loader, &batch, error));
        if (batch.samples == 0)
            break;
        TRY(training_batch(t, &batch, epoch, &accumulation, totals, &updated, error));
        t->position.batches++;
        t->position.replaced = cnn_loader_replaced(t->loader);
        progress->done = t->position.batches;
        progress->seconds = cnn_clock() - start;
        progress->waited = cnn_loader_waited(t->loader);
        progress->left = seconds_left(t);
        report_progress(&t->report, progress);
        ended = batch.last;
        if (updated)
            training_heed_writer(t, false);
        if (t->folder.path && updated && !ended && cnn_checkpoint_due(&t->checkpoints, t->step, 0))
            TRY(training_keep(t, CHECKPOINT_ALL, error));
        if (updated) {
            double then = last;
            last = cnn_clock();
            plan_time(t, last - then);
            progress->epochs = t->epochs;
        }
    }
    if (ended)
        t->position.batches = of_epoch;
    cnn_loader_stop(t->loader); /* the evaluation's loader has the memory next */
    if (t->position.batches == 0 && !cnn_interrupted())
        return cnn_fail(error, CNN_BAD_INPUT, "none of the samples to train on could be read");
    return training_log_check(t, error);
}

/* Tells the schedule how the epoch went, and the user what it makes of it. */
static void watch_plateau(Training *t, const Totals *training, const Totals *validation)
{
    RateSchedule *rates = &t->rates;
    if (!rates->plateau ||
        !cnn_rate_epoch(rates, t->step, cnn_watched_value(&rates->watched, training, validation)))
        return;
    training_note(t, "%s has not become better for %" PRId64 " epoch%s: the rate is %g from now on",
                  rates->watched.name, rates->plateau->patience, rates->plateau->patience == 1 ? "" : "s",
                  rate_of(t, t->step));
}

/* After an epoch: which was the best so far, and what is kept of it. */
static CnnStatus end_epoch(Training *t, const Progress *progress, double start, CnnError *error)
{
    int64_t epoch = t->position.epoch + 1;
    bool best = cnn_best_update(&t->best, t->device, t->image, epoch, progress->totals, progress->validation);
    if (best && t->best_answers.item)
        answers_copy(&t->answers.scores.answers, &t->best_answers);
    RunEvent event = {.kind = EVENT_EPOCH,
                      .seconds = training_seconds(t),
                      .epoch = epoch,
                      .step = t->step,
                      .rate = rate_of(t, t->step ? t->step - 1 : 0),
                      .training = progress->totals,
                      .other = progress->validation,
                      .evaluated = &t->image->eval,
                      .took = cnn_clock() - start,
                      .trained = progress->seconds,
                      .waited = progress->waited,
                      .scale = progress->scale,
                      .best = best,
                      .answers = t->validation && t->answers.classes ? &t->answers.scores.answers : NULL};
    cnn_listeners_tell(&t->listeners, &event);
    training_name_unreadable(t);
    watch_plateau(t, progress->totals, progress->validation);
    t->position.epoch = epoch;
    t->position.batches = t->position.replaced = 0;
    t->position.totals = (Totals){0};
    t->position.scale.of_epoch = 0;
    if (!t->folder.path)
        return CNN_OK;
    bool due = t->checkpoints.last_step != t->step && cnn_checkpoint_due(&t->checkpoints, t->step, epoch);
    int parts = (due ? CHECKPOINT_ALL : 0) | (best ? CHECKPOINT_BEST : 0);
    return parts ? training_keep(t, parts, error) : CNN_OK;
}

/* What the epoch's numbers say of the training. Where the model has changed, those before it say nothing. */
static CnnStatus give_advice(Training *t, const Totals *totals, const Totals *validation,
                             const LossScale *scale, CnnError *error)
{
    AdviceLine lines[ADVICE_COUNT];
    const CnnBuffer *dead = NULL;
    if (divergence_left_out(&t->divergence))
        training_note(t, "%s", t->divergence.note);
    if (t->resume.changed)
        return CNN_OK;
    if (t->validation && advice_wants_dead(&t->advice))
        TRY(cnn_part_dead(t->device, t->image, t->validation, t->seed, &dead, error));
    EpochEnd end = {.loss = totals_loss(totals),
                    .validation = t->validation ? totals_loss(validation) : NAN,
                    .rate = rate_of(t, t->step ? t->step - 1 : 0),
                    .dead = dead ? dead->name : NULL,
                    .dead_where = dead ? dead->where : NULL};
    if (scale) {
        end.scale = scale->value;
        end.skipped = scale->of_epoch;
    }
    int count = advice_end(&t->advice, &end, lines);
    for (int i = 0; i < count; i++)
        training_note(t, "%s", lines[i].text);
    return CNN_OK;
}

/* An epoch with its validation and its line. */
static CnnStatus run_epoch(Training *t, CnnError *error)
{
    double start = cnn_clock();
    Totals totals, validation = {0};
    Progress progress = {.epoch = t->position.epoch + 1,
                         .epochs = t->epochs,
                         .done = t->position.batches,
                         .of = cnn_loader_batches(t->loader),
                         .cached = t->cached,
                         .program = &t->image->train,
                         .evaluated = &t->image->eval,
                         .totals = &t->position.totals};
    if (t->position.batches == 0)
        advice_epoch(&t->advice, t->steps_per_epoch);
    TRY(train_epoch(t, &progress, error));
    if (cnn_interrupted())
        return CNN_OK;
    /* `steps` ends the training within an epoch: with more steps it may go on there. */
    if (t->position.batches < progress.of)
        TRY(training_keep_last(t, CHECKPOINT_ALL, error));
    totals = t->position.totals;
    progress.totals = &totals;
    double trained = cnn_clock();
    cnn_average_use(&t->average, t->device, true);
    if (t->validation) {
        TRY(cnn_part_evaluate(t->device, t->image, t->validation, t->seed, &t->answers, &validation, error));
        if (cnn_interrupted())
            return CNN_OK;
        progress.validation = &validation;
    }
    progress.scale = t->image->train.scaled ? &t->position.scale : NULL;
    report_epoch(&t->report, &progress, cnn_clock() - start);
    report_cache_trouble(&t->report, t->data);
    if (t->validation && !isfinite(validation.loss))
        return divergence_of_validation(&t->divergence, t->device, t->position.epoch + 1, error);
    TRY(give_advice(t, &totals, &validation, progress.scale, error));
    CnnStatus status = end_epoch(t, &progress, start, error);
    t->step_begun = cnn_clock();
    t->time.epoch_seconds = t->step_begun - trained;
    return status;
}

static CnnStatus run_epochs(Training *t, CnnError *error)
{
    TRY(training_open(t, error));
    t->begun = t->step_begun = cnn_clock();
    RunEvent event = {.kind = EVENT_START,
                      .seconds = t->seconds_before,
                      .epoch = t->position.epoch + 1,
                      .step = t->step,
                      .epochs = t->epochs,
                      .steps = t->epochs ? t->total : 0,
                      .resumed = t->resume.file != NULL,
                      .varied = t->options->varied,
                      .point = t->options->point};
    cnn_listeners_tell(&t->listeners, &event);
    training_summary(t);
    /* An epoch that is all trained may lack its validation. */
    while ((t->step < t->total || t->position.batches > 0) && !cnn_best_is_over(&t->best)) {
        TRY(run_epoch(t, error));
        if (cnn_interrupted())
            return training_interrupted(t, error);
    }
    return training_finish(t, error);
}

/* Says how the training ended, and closes what listened. */
static CnnStatus training_end(Training *t, CnnStatus status, CnnError *error)
{
    CnnError unkept = {0};
    training_heed_writer(t, true);
    training_close_unreadable(t);
    RunEvent event = {.kind = EVENT_END,
                      .seconds = training_seconds(t),
                      .epoch = t->position.epoch,
                      .step = t->step,
                      .status = status,
                      .text = error->text};
    cnn_listeners_tell(&t->listeners, &event);
    if (cnn_listeners_close(&t->listeners, &unkept) != CNN_OK)
        training_warn(t, "%s", unkept.text);
    return status;
}

static CnnStatus train(Training *t, void *folder, CnnError *error)
{
    CnnStatus status = training_end(t, run_epochs(t, error), error);
    report_clear(&t->report);
    if (folder)
        *(char **)folder = t->folder.path ? strdup(t->folder.path) : NULL;
    return status;
}

CnnStatus training_do(const CnnImage *image, CnnData *data, const TrainingOptions *options, TrainingDo *what,
                      void *context, CnnError *error)
{
    Training training = {.image = image, .data = data, .options = options, .average = {.image = image}};
    Interrupts before;
    report_open(&training.report, options->quiet || options->json ? NULL : options->report);
    training.report.label = options->label;
    cnn_interrupts_catch(&before);
    CnnStatus status = what(&training, context, error);
    cnn_interrupts_release(&before);
    training_close(&training);
    return status;
}

CnnStatus cnn_train(const CnnImage *image, CnnData *data, const TrainingOptions *options, CnnError *error)
{
    return training_do(image, data, options, train, options->folder, error);
}
