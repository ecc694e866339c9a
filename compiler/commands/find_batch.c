/* `cnnc run --find-batch`: the memory of batches by the plan of the compiler, and their speed by measurement.
 */
#include "compiler/commands/find_batch.h"

#include <inttypes.h>
#include <string.h>

#include "compiler/commands/bench.h"
#include "compiler/commands/layers.h"
#include "compiler/commands/memory_plan.h"
#include "compiler/commands/report.h"
#include "compiler/commands/tries.h"
#include "runtime/clock.h"
#include "runtime/memory.h"
#include "runtime/output.h"

enum { LEAST = 8, WINDOWS = 3, PARTS = 16 };
/* Of a measurement; of all of them, about; what the next may take, beside one that was half as large. */
static const double WINDOW_SECONDS = 0.2, ALL_SECONDS = 25, GROWTH = 2;

typedef struct {
    const Options *options;
    Arena *arena;
    Report report;
    int64_t own, samples; /* the model's batch; samples of the training part */
    uint64_t available;
    VEC(BatchRow) rows; /* that fit the memory */
    int64_t largest;    /* that fits */
    uint64_t largest_bytes;
} Search;

/* ---- One batch ---- */

/* The model with this batch. What is wrong with it has been printed when it was opened with its own. */
static CnnStatus open_with(const Search *search, int64_t batch, Model *model)
{
    Options options = *search->options;
    options.training.batch = batch;
    options.repeated = true;
    return model_open(&options, model);
}

static CnnStatus plan_memory(const Search *search, int64_t batch, uint64_t *bytes)
{
    Model model;
    TRY(open_with(search, batch, &model));
    Session *session = model.session;
    CnnStatus status = CNN_OK;
    const Graph *train = driver_graph(session, model.program, true);
    const Graph *eval = train ? driver_graph(session, model.program, false) : NULL;
    if (eval)
        *bytes = memory_plan(&model, driver_plan(session, train), driver_plan(session, eval)).bytes;
    else
        status = model_report(&model);
    model_close(&model);
    return status;
}

static CnnStatus time_steps(Model *model, int64_t batch, double *rate, CnnError *error)
{
    Linked linked;
    Bench bench = {0};
    BenchOptions options = {.windows = WINDOWS, .seconds = WINDOW_SECONDS, .images = 2 * batch};
    model->session->at_once = true;
    TRY(model_link(model, true, &linked));
    CnnStatus status = bench_open(&bench, model, &linked, &options, error);
    if (status == CNN_OK) {
        bench_measure(&bench);
        *rate = (double)batch / bench.seconds;
    }
    bench_close(&bench);
    driver_unlink(&linked);
    return status;
}

static CnnStatus measure(const Search *search, BatchRow *row, CnnError *error)
{
    Model model;
    TRY(open_with(search, row->batch, &model));
    CnnStatus status = time_steps(&model, row->batch, &row->rate, error);
    model_close(&model);
    return status;
}

/* ---- All of them ---- */

/* What is being done, on a terminal, until the next line. */
static void show(Report *report, const char *what, int64_t batch)
{
    if (!report->terminal)
        return;
    report_clear(report);
    fprintf(report->out, "%s a batch of %" PRId64 " …", what, batch);
    fflush(report->out);
    report->open = true;
}

static void print_row(Search *search, const BatchRow *row)
{
    const char *memory = bytes_text(search->arena, (double)row->bytes);
    if (row->rate > 0)
        report_line(&search->report, "%7" PRId64 "  %9.0f  %9.3g  %11s", row->batch, row->rate,
                    1e3 * (double)row->batch / row->rate, memory);
}

/* Batches from small to large, measured as long as they become faster and there is time; up to the first that
 * does not fit, which is *beyond; 0: all of them do. */
static CnnStatus try_batches(Search *search, int64_t *beyond, CnnError *error)
{
    double begun = cnn_clock(), last = 0;
    bool measures = true;
    int64_t batch = search->samples < LEAST ? search->samples : LEAST;
    report_line(&search->report, "  batch   images/s  ms a step       memory");
    for (*beyond = 0;; batch = batch_next(batch, search->own, search->samples)) {
        BatchRow row = {.batch = batch};
        show(&search->report, measures ? "measuring" : "planning", batch);
        TRY(plan_memory(search, batch, &row.bytes));
        if (row.bytes > search->available) {
            *beyond = batch;
            return CNN_OK;
        }
        double start = cnn_clock();
        measures = measures && start - begun + GROWTH * last < ALL_SECONDS;
        if (measures)
            TRY(measure(search, &row, error));
        last = cnn_clock() - start;
        *vec_push(search->arena, &search->rows) = row;
        print_row(search, &row);
        measures = measures && batch_goes_on(search->rows.items, (int)search->rows.count);
        search->largest = row.batch;
        search->largest_bytes = row.bytes;
        if (batch == search->samples)
            return CNN_OK;
    }
}

/* Between the largest that fits and `beyond`, which does not: to a sixteenth of it. */
static CnnStatus find_largest(Search *search, int64_t beyond)
{
    int64_t part = search->largest / PARTS;
    while (part > 0 && beyond - search->largest > part) {
        int64_t middle = search->largest + (beyond - search->largest) / 2;
        uint64_t bytes = 0;
        show(&search->report, "planning", middle);
        TRY(plan_memory(search, middle, &bytes));
        if (bytes > search->available) {
            beyond = middle;
        } else {
            search->largest = middle;
            search->largest_bytes = bytes;
        }
    }
    return CNN_OK;
}

/* ---- What came of it ---- */

static void print_choice(const Search *search)
{
    Arena *arena = search->arena;
    const BatchRow *rows = search->rows.items;
    BatchChoice choice = batch_choose(rows, (int)search->rows.count, search->own);
    const char *bytes = bytes_text(arena, (double)search->largest_bytes),
               *free_bytes = bytes_text(arena, (double)search->available);
    if (search->largest == search->samples)
        printf("largest batch: all %" PRId64 " training samples would fit, %s of %s that are free\n",
               search->largest, bytes, free_bytes);
    else
        printf("largest batch: %" PRId64 ", %s of %s that are free\n", search->largest, bytes, free_bytes);
    if (choice.fastest < 0)
        return;
    const BatchRow *fastest = &rows[choice.fastest], *suggested = &rows[choice.suggested];
    printf("fastest batch: %" PRId64 ", %.0f images/s\n", fastest->batch, fastest->rate);
    if (suggested->batch == search->own) {
        printf("suggested batch: %" PRId64 ", which the model has: none is much faster\n", suggested->batch);
        return;
    }
    printf("suggested batch: %" PRId64 ", the smallest that is about as fast; the model has %" PRId64 "\n",
           suggested->batch, search->own);
    printf("write `batch %" PRId64 "` in 'train', or try it with --batch %" PRId64
           "; another batch wants another rate: --find-rate finds it\n",
           suggested->batch, suggested->batch);
}

static void print_json(const Search *search)
{
    Text out = {.arena = search->arena};
    const BatchRow *rows = search->rows.items;
    BatchChoice choice = batch_choose(rows, (int)search->rows.count, search->own);
    text_printf(&out, OUTPUT_REPORT_MARK "\"find-batch\"");
    json_text_field(&out, "model", search->options->words[0]);
    text_printf(&out,
                ", \"batch\": %" PRId64 ", \"available_bytes\": %" PRIu64 ", \"largest\": %" PRId64
                ", \"largest_bytes\": %" PRIu64,
                search->own, search->available, search->largest, search->largest_bytes);
    if (choice.fastest >= 0)
        text_printf(&out, ", \"fastest\": %" PRId64 ", \"suggested\": %" PRId64, rows[choice.fastest].batch,
                    rows[choice.suggested].batch);
    text_printf(&out, ", \"batches\": [");
    for (size_t i = 0; i < search->rows.count; i++) {
        text_printf(&out, "%s{\"batch\": %" PRId64 ", \"bytes\": %" PRIu64, i ? ", " : "", rows[i].batch,
                    rows[i].bytes);
        if (rows[i].rate > 0)
            json_field(&out, "images_per_second", rows[i].rate);
        text_printf(&out, "}");
    }
    text_printf(&out, "]}\n");
    fputs(text_string(&out), stdout);
}

static CnnStatus search_fits(const Options *options, const Model *model, CnnError *error)
{
    const TrainingOptions *training = &options->training;
    const char *other = training->batch   ? "--batch"
                        : training->steps ? "--steps"
                        : training->log   ? "--log"
                                          : NULL;
    if (other)
        return cnn_fail(error, CNN_BAD_USAGE, "--find-batch goes without %s", other);
    if (model->program->joined)
        return cnn_fail(
            error, CNN_BAD_USAGE,
            "--find-batch: with `exact`, a step takes all batches of an update: call it with --set "
            "train.batch.exact=false");
    if (!model->program->data)
        return cnn_fail(error, CNN_BAD_INPUT, "%s has no 'data' section: there is nothing to train on",
                        model->path);
    if (cnn_data_epoch_count(model->program->data, PART_TRAIN) == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "the data have no samples to train on");
    return CNN_OK;
}

CnnStatus try_find_batch(const Options *options, Model *model, CnnError *error)
{
    int64_t beyond;
    TRY(search_fits(options, model, error));
    Search search = {.options = options,
                     .arena = model->session->arena,
                     .own = model->program->batch,
                     .samples = cnn_data_epoch_count(model->program->data, PART_TRAIN),
                     .available = cnn_memory_available()};
    report_open(&search.report, try_out(options));
    CnnStatus status = try_batches(&search, &beyond, error);
    if (status == CNN_OK && search.rows.count == 0)
        status = cnn_fail(error, CNN_NO_RESOURCE,
                          "a batch of %" PRId64 " needs more memory than the %s that are free", beyond,
                          bytes_text(search.arena, (double)search.available));
    if (status == CNN_OK && beyond)
        status = find_largest(&search, beyond);
    report_clear(&search.report);
    TRY(status);
    if (options->training.json)
        print_json(&search);
    else if (try_out(options))
        print_choice(&search);
    return CNN_OK;
}
