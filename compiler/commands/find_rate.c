/* `cnnc run --find-rate`: a training whose rate grows from step to step, and what its loss says of the rate.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "compiler/commands/curves.h"
#include "compiler/commands/rate_curve.h"
#include "compiler/commands/report.h"
#include "compiler/commands/tries.h"
#include "runtime/interrupt.h"
#include "runtime/output.h"

enum { STEPS = 100, ROWS = 16, BAR = 40 };
/* Losses above this share of the first are beyond the picture. */
static const double SHOWN_MOST = 1.5;

typedef struct {
    const Options *options;
    Arena *arena;
    const Program *program;
    Report report;
    int64_t steps, batch;
    RateCurve curve;
    RateSuggestion read;
} Search;

/* ---- The training ---- */

/* The next batch, epoch after epoch. */
static CnnStatus next_batch(Training *t, Batch *batch, CnnError *error)
{
    for (;;) {
        if (t->position.batches == 0)
            TRY(cnn_loader_start(t->loader, t->position.epoch, 0, error));
        TRY(cnn_loader_next(t->loader, batch, error));
        if (batch->samples > 0)
            return CNN_OK;
        if (t->position.batches == 0)
            return cnn_fail(error, CNN_BAD_INPUT, "none of the samples to train on could be read");
        t->position.epoch++;
        t->position.batches = 0;
    }
}

/* An update, of as many batches as the model accumulates. */
static CnnStatus run_update(Training *t, Search *search, CnnError *error)
{
    Accumulation accumulation = {0};
    Totals totals = {0};
    double rate = t->rates.base = rate_curve_rate(t->step, search->steps), loss = INFINITY;
    for (bool updated = false; !updated;) {
        Batch batch;
        CnnError trouble = {0};
        TRY(next_batch(t, &batch, error));
        CnnStatus status =
            training_batch(t, &batch, t->position.epoch, &accumulation, &totals, &updated, &trouble);
        t->position.batches++;
        if (status == CNN_DIVERGED) {
            rate_curve_add(search->arena, &search->curve, rate, INFINITY);
            return CNN_OK;
        }
        if (status != CNN_OK)
            return cnn_fail(error, status, "%s", trouble.text);
    }
    loss = totals_loss(&totals);
    rate_curve_add(search->arena, &search->curve, rate, loss);
    return CNN_OK;
}

static CnnStatus run(Training *t, void *context, CnnError *error)
{
    Search *search = context;
    search->batch = t->batch.size * t->batch.accumulate;
    report_line(
        &search->report, "%s: up to %" PRId64 " steps of %" PRId64 " samples, %s, rates from %g to %g",
        t->image->recipe.model_name, search->steps, search->batch, search->program->optimizer->schema.word,
        rate_curve_rate(0, search->steps), rate_curve_rate(search->steps - 1, search->steps));
    while (t->step < search->steps && !search->curve.exploded && !cnn_interrupted()) {
        TRY(run_update(t, search, error));
        report_bar(&search->report, "finding a rate", t->step, search->steps, training_seconds(t));
    }
    search->read = rate_curve_read(&search->curve);
    return CNN_OK;
}

/* ---- What came of it ---- */

static const RatePoint *point_at(const Search *search, size_t index)
{
    return &search->curve.points.items[index];
}

/* The points of the table: as many as there is room for, evenly, the last among them. */
static size_t row_point(const Search *search, size_t row, size_t rows)
{
    size_t last = search->curve.points.count - 1;
    return rows > 1 ? (row * last + (rows - 1) / 2) / (rows - 1) : last;
}

static void print_table(const Search *search)
{
    size_t count = search->curve.points.count, rows = count < ROWS ? count : ROWS;
    double most = SHOWN_MOST * point_at(search, 0)->smooth;
    printf("      rate       loss\n");
    for (size_t row = 0; row < rows; row++) {
        const RatePoint *point = point_at(search, row_point(search, row, rows));
        int length = point->smooth < most ? (int)lround(BAR * point->smooth / most) : BAR;
        printf("  %8.2g  %9.4g  %.*s%s\n", point->rate, point->smooth, length,
               "########################################", point->smooth < most ? "" : ">");
    }
}

static const char *reason(const Search *search)
{
    double lowest = point_at(search, search->read.lowest)->rate,
           steepest = point_at(search, search->read.steepest)->rate;
    return search->read.by_lowest
               ? arena_printf(
                     search->arena,
                     "a tenth of %.2g, where the loss is lowest, and below %.2g, where it falls fastest",
                     lowest, steepest)
               : arena_printf(search->arena, "where the loss falls fastest; it is lowest at %.2g", lowest);
}

static void print_suggestion(const Search *search)
{
    const RatePoint *last = point_at(search, search->curve.points.count - 1);
    const char *word = search->program->optimizer->schema.word;
    if (search->curve.exploded)
        printf("the loss explodes at a rate of %.2g\n", last->rate);
    if (!search->read.found)
        return;
    printf("suggested rate: %g: %s\n", search->read.rate, reason(search));
    printf("the model has %g; write `optimizer %s, rate=%g` in its 'train', or try it with --set "
           "train.optimizer.rate=%g\n",
           search->program->recipe.rate, word, search->read.rate, search->read.rate);
    if (recipe_find(search->program->recipe.train, &schedule_schema))
        puts(
            "'schedule' changes this rate as before: stages that name a rate, such as peak= or to=, may want "
            "another");
}

static void print_json(const Search *search)
{
    Text out = {.arena = search->arena};
    const RateCurve *curve = &search->curve;
    text_printf(&out, OUTPUT_REPORT_MARK "\"find-rate\"");
    json_text_field(&out, "model", search->options->words[0]);
    json_text_field(&out, "optimizer", search->program->optimizer->schema.word);
    json_field(&out, "batch", (double)search->batch);
    json_field(&out, "rate", search->program->recipe.rate);
    json_field(&out, "suggested", search->read.found ? search->read.rate : NAN);
    json_field(&out, "steepest", search->read.found ? point_at(search, search->read.steepest)->rate : NAN);
    json_field(&out, "lowest", search->read.found ? point_at(search, search->read.lowest)->rate : NAN);
    text_printf(&out, ", \"exploded\": %s, \"points\": [", curve->exploded ? "true" : "false");
    for (size_t i = 0; i < curve->points.count; i++) {
        const RatePoint *point = point_at(search, i);
        text_printf(&out, "%s{\"rate\": %.9g", i ? ", " : "", point->rate);
        json_field(&out, "loss", point->loss);
        json_field(&out, "smooth", point->smooth);
        text_printf(&out, "}");
    }
    text_printf(&out, "]}\n");
    fputs(text_string(&out), stdout);
}

static CnnStatus plot(const Search *search, CnnError *error)
{
    int count = (int)search->curve.points.count;
    double *x = NEW_ARRAY(search->arena, double, count), *loss = NEW_ARRAY(search->arena, double, count),
           *smooth = NEW_ARRAY(search->arena, double, count), most = SHOWN_MOST * point_at(search, 0)->smooth;
    for (int i = 0; i < count; i++) {
        const RatePoint *point = point_at(search, (size_t)i);
        x[i] = log10(point->rate);
        loss[i] = point->loss < most ? point->loss : NAN;
        smooth[i] = point->smooth < most ? point->smooth : NAN;
    }
    CurveMark mark = {.name = search->read.found ? arena_printf(search->arena, "%g", search->read.rate) : "",
                      .x = search->read.found ? log10(search->read.rate) : 0};
    CurveChart chart = {.title = "loss by learning rate",
                        .of = "rate",
                        .x = x,
                        .count = count,
                        .curves = {{"smoothed", smooth}, {"of each batch", loss}},
                        .curve_count = 2,
                        .decades = true,
                        .mark = search->read.found ? &mark : NULL};
    const char *title = arena_printf(search->arena, "%s: learning-rate range test", search->program->name);
    const char *subtitle = search->read.found ? arena_printf(search->arena, "suggested: %g, %s",
                                                             search->read.rate, reason(search))
                                              : "no rate at which the loss falls";
    return curves_write(&chart, 1, title, subtitle, search->options->plot, error);
}

CnnStatus try_find_rate(const Options *options, Model *model, CnnError *error)
{
    Search search = {.options = options,
                     .arena = model->session->arena,
                     .program = model->program,
                     .steps = options->training.steps ? options->training.steps : STEPS};
    if (search.steps < RATE_STEPS_LEAST)
        return cnn_fail(error, CNN_BAD_USAGE, "--find-rate takes %d steps at least, not %" PRId64,
                        RATE_STEPS_LEAST, search.steps);
    report_open(&search.report, try_out(options));
    CnnStatus status = try_training(options, model, run, &search, error);
    report_clear(&search.report);
    TRY(status);
    if (options->training.json) {
        print_json(&search);
    } else if (try_out(options)) {
        print_table(&search);
        print_suggestion(&search);
    }
    if (options->plot)
        TRY(plot(&search, error));
    if (!search.read.found)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "the loss falls at no rate further than by chance, so none can be suggested: a larger "
            "batch or --steps %" PRId64 " shows more, and --overfit 1 whether the network can "
            "learn at all",
            4 * search.steps);
    return CNN_OK;
}
