/* `cnnc run --overfit N`: trains on N batches, again and again, to see whether the network can learn. */
#include "compiler/commands/overfit.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "compiler/commands/report.h"
#include "compiler/commands/tries.h"
#include "runtime/evaluate.h"
#include "runtime/interrupt.h"
#include "runtime/memory.h"
#include "runtime/output.h"

enum { STEPS_LEAST = 500, PASSES_LEAST = 50 };

typedef struct {
    const Options *options;
    Arena *arena;
    Report report;
    KeptBatches batches;
    Overfit overfit;
    int64_t shown; /* the pass that is told next */
} Trying;

static CnnStatus open_batches(Trying *trying, Training *t, CnnError *error)
{
    Overfit *overfit = &trying->overfit;
    int64_t wanted = trying->options->overfit, there = cnn_loader_batches(t->loader);
    if (wanted > there)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "--overfit: the training part has %" PRId64 " batch%s of %" PRId64 ", not %" PRId64,
                        there, there == 1 ? "" : "es", t->batch.size, wanted);
    cnn_loader_keep_plain(t->loader);
    TRY(cnn_batches_keep(t->image, t->loader, wanted, cnn_memory_available(), &trying->batches, error));
    overfit->batches = trying->batches.count;
    overfit->samples = trying->batches.samples;
    overfit->look = overfit_look(trying->arena, t->image, &trying->batches);
    overfit->classes = cnn_data_classes(t->data);
    overfit->rate = t->rates.base;
    overfit->most = PASSES_LEAST * overfit->batches;
    overfit->most = overfit->most < STEPS_LEAST ? STEPS_LEAST : overfit->most;
    if (trying->options->training.steps)
        overfit->most = trying->options->training.steps;
    return CNN_OK;
}

/* Passes 1, 2, 5, 10, 20, 50, … are told, and the last. */
static void tell_pass(Trying *trying, int64_t pass, bool last)
{
    const Overfit *overfit = &trying->overfit;
    if (pass < trying->shown && !last)
        return;
    int64_t power = 1;
    while (10 * power <= pass)
        power *= 10;
    trying->shown = (pass < 2 * power ? 2 : pass < 5 * power ? 5 : 10) * power;
    char accuracy[40] = "";
    if (!isnan(overfit->accuracy))
        snprintf(accuracy, sizeof accuracy, "  accuracy %.4f", overfit->accuracy);
    report_line(&trying->report, "step %5" PRId64 "  loss %.4f%s", overfit->steps,
                overfit->losses.items[overfit->losses.count - 1], accuracy);
}

static double accuracy_of(const CnnProgram *program, const Totals *totals)
{
    for (int i = 0; i < program->metric_count; i++)
        if (strcmp(program->metrics[i].name, "accuracy") == 0)
            return totals_metric(totals, i);
    return NAN;
}

/* Once through the batches. */
static CnnStatus run_pass(Trying *trying, Training *t, CnnError *error)
{
    Overfit *overfit = &trying->overfit;
    Totals totals = {0};
    int64_t pass = (int64_t)overfit->losses.count, done = 0;
    for (; done < overfit->batches && t->step < overfit->most && !cnn_interrupted(); done++) {
        Batch batch = cnn_batches_get(&trying->batches, done);
        Accumulation alone = {0};
        bool updated;
        CnnError trouble = {0};
        CnnStatus status = training_batch(t, &batch, pass, &alone, &totals, &updated, &trouble);
        overfit->steps = t->step;
        if (status == CNN_DIVERGED) {
            *vec_push(trying->arena, &overfit->losses) = NAN;
            return CNN_OK;
        }
        if (status != CNN_OK)
            return cnn_fail(error, status, "%s", trouble.text);
        report_bar(&trying->report, "learning by heart", t->step, overfit->most, training_seconds(t));
    }
    if (done == 0)
        return CNN_OK;
    *vec_push(trying->arena, &overfit->losses) = totals_loss(&totals);
    overfit->accuracy = accuracy_of(&t->image->train, &totals);
    return CNN_OK;
}

static CnnStatus find_dead(Trying *trying, Training *t, CnnError *error)
{
    Batch batch = cnn_batches_get(&trying->batches, 0);
    const CnnBuffer *dead;
    TRY(cnn_image_await(t->image, error));
    TRY(cnn_batch_dead(t->device, t->image, &batch, t->seed, &dead, error));
    trying->overfit.dead = dead ? arena_text(trying->arena, dead->name, strlen(dead->name)) : NULL;
    trying->overfit.dead_where = dead ? arena_text(trying->arena, dead->where, strlen(dead->where)) : NULL;
    return CNN_OK;
}

static CnnStatus run(Training *t, void *context, CnnError *error)
{
    Trying *trying = context;
    Overfit *overfit = &trying->overfit;
    bool ended = false;
    t->batch.accumulate = 1; /* each batch is an update of its own */
    TRY(open_batches(trying, t, error));
    report_line(&trying->report,
                "%s: %" PRId64 " batch%s of %" PRId64 " samples again and again, rate %g, at most %" PRId64
                " steps; without augmentation, dropout and label smoothing",
                t->image->recipe.model_name, overfit->batches, overfit->batches == 1 ? "" : "es",
                overfit->samples, overfit->rate, overfit->most);
    while (!ended && !cnn_interrupted()) {
        TRY(run_pass(trying, t, error));
        if (cnn_interrupted())
            break;
        bool finite = isfinite(overfit->losses.items[overfit->losses.count - 1]);
        ended = !finite || t->step >= overfit->most || overfit_is_done(overfit);
        tell_pass(trying, (int64_t)overfit->losses.count, ended);
    }
    if (ended && overfit_verdict(overfit) != OVERFIT_LEARNS)
        TRY(find_dead(trying, t, error));
    return CNN_OK;
}

/* ---- What came of it ---- */

static const char *verdict_text(const Overfit *overfit, Arena *arena)
{
    static const char *const texts[] = {
        "the network learns: its loss is near zero after %" PRId64 " step%s, %.4g; it was %.4g",
        "the network learns, but slowly: its loss after %" PRId64 " step%s is %.4g; it was %.4g",
        "the network does not learn these samples: its loss after %" PRId64 " step%s is %.4g; it was %.4g",
        "the network diverges: its loss is not finite at step %" PRId64};
    return arena_printf(arena, texts[overfit_verdict(overfit)], overfit->steps,
                        overfit->steps == 1 ? "" : "s", overfit->losses.items[overfit->losses.count - 1],
                        overfit->losses.items[0]);
}

static void print_hints(const Trying *trying)
{
    const char *hints[OVERFIT_HINTS];
    int count = overfit_hints(&trying->overfit, trying->arena, hints);
    if (count)
        puts("look at");
    for (int i = 0; i < count; i++)
        printf("  - %s\n", hints[i]);
}

static void print_json(const Trying *trying)
{
    const Overfit *overfit = &trying->overfit;
    const char *hints[OVERFIT_HINTS];
    Text out = {.arena = trying->arena};
    int count = overfit_hints(overfit, trying->arena, hints);
    text_printf(&out, OUTPUT_REPORT_MARK "\"overfit\"");
    json_text_field(&out, "model", trying->options->words[0]);
    json_text_field(&out, "verdict", overfit_verdict_names[overfit_verdict(overfit)]);
    json_field(&out, "batches", (double)overfit->batches);
    json_field(&out, "samples", (double)overfit->samples);
    json_field(&out, "rate", overfit->rate);
    json_field(&out, "steps", (double)overfit->steps);
    json_field(&out, "near_zero", overfit_near_zero(overfit));
    json_field(&out, "accuracy", overfit->accuracy);
    text_printf(&out, ", \"look_at\": [");
    for (int i = 0; i < count; i++) {
        text_printf(&out, i ? ", " : "");
        json_text(&out, hints[i]);
    }
    text_printf(&out, "], \"losses\": [");
    for (size_t i = 0; i < overfit->losses.count; i++) {
        text_printf(&out, i ? ", " : "");
        json_number(&out, overfit->losses.items[i]);
    }
    text_printf(&out, "]}\n");
    fputs(text_string(&out), stdout);
}

CnnStatus try_overfit(const Options *options, Model *model, CnnError *error)
{
    Trying trying = {
        .options = options,
        .arena = model->session->arena,
        .overfit = {.accuracy = NAN, .absolute = strcmp(model->program->loss->schema.word, "mae") == 0}};
    report_open(&trying.report, try_out(options));
    CnnStatus status = try_training(options, model, run, &trying, error);
    report_clear(&trying.report);
    cnn_batches_free(&trying.batches);
    TRY(status);
    const char *text = verdict_text(&trying.overfit, trying.arena);
    OverfitVerdict verdict = overfit_verdict(&trying.overfit);
    bool good = verdict == OVERFIT_LEARNS || verdict == OVERFIT_SLOWLY;
    if (options->training.json)
        print_json(&trying);
    if (try_out(options) && good)
        puts(text);
    if (try_out(options))
        print_hints(&trying);
    return good ? CNN_OK
                : cnn_fail(error, verdict == OVERFIT_DIVERGED ? CNN_DIVERGED : CNN_BAD_INPUT, "%s", text);
}
