/* The report of a run: at the end of `cnnc run`, and `cnnc runs report`. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/source.h"
#include "compiler/commands/chart.h"
#include "compiler/commands/data_cell.h"
#include "compiler/commands/report.h"
#include "compiler/commands/run_page.h"
#include "compiler/commands/runs.h"
#include "runtime/data/look.h"
#include "runtime/run/run_folder.h"

/* ---- Charts ---- */

typedef struct {
    Arena *arena;
    const JsonObjects *epochs;
    const double *x;
    VEC(CurveChart) charts;
} Charts;

/* A number of each epoch, less another one where it has a name. */
static double *numbers(const Charts *charts, const char *key, const char *less)
{
    double *all = NEW_ARRAY(charts->arena, double, charts->epochs->count);
    for (size_t i = 0; i < charts->epochs->count; i++) {
        const JsonObject *epoch = &charts->epochs->items[i];
        all[i] = json_object_number(epoch, key) - (less ? json_object_number(epoch, less) : 0);
    }
    return all;
}

static CurveChart *add_chart(Charts *charts, const char *title)
{
    CurveChart *chart = vec_push(charts->arena, &charts->charts);
    *chart = (CurveChart){.title = title, .x = charts->x, .count = (int)charts->epochs->count};
    return chart;
}

static void add_curve(CurveChart *chart, const char *name, const double *y)
{
    chart->curves[chart->curve_count++] = (Curve){name, y};
}

static bool has_key(const JsonObjects *epochs, const char *key)
{
    for (size_t i = 0; i < epochs->count; i++)
        if (*json_object_text(&epochs->items[i], key))
            return true;
    return false;
}

static void make_charts(Charts *charts)
{
    static const char prefix[] = "val_";
    const JsonObjects *epochs = charts->epochs;
    if (epochs->count == 0)
        return;
    charts->x = numbers(charts, "epoch", NULL);
    for (int i = 0; i < epochs->items[0].count; i++) {
        const char *key = epochs->items[0].pairs[i].key,
                   *other = arena_printf(charts->arena, "%s%s", prefix, key);
        if (!runs_is_result(key) || strncmp(key, prefix, sizeof prefix - 1) == 0)
            continue;
        CurveChart *chart = add_chart(charts, key);
        add_curve(chart, "training", numbers(charts, key, NULL));
        if (has_key(epochs, other))
            add_curve(chart, "validation", numbers(charts, other, NULL));
    }
    add_curve(add_chart(charts, "learning rate"), "rate", numbers(charts, "rate", NULL));
    CurveChart *time = add_chart(charts, "seconds of an epoch");
    time->stacked = true;
    add_curve(time, "training", numbers(charts, "train_seconds", "wait_seconds"));
    add_curve(time, "waiting for data", numbers(charts, "wait_seconds", NULL));
    add_curve(time, "validation", numbers(charts, "epoch_seconds", "train_seconds"));
}

/* ---- Pictures ---- */

/* The folder of the data is told in another way from where they were trained on. */
static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool read_cell(Arena *arena, const CnnData *data, const JsonObject *line, SheetCell *cell)
{
    char name[PATH_MAX];
    const float *black = NULL, *white = NULL;
    bool unreadable;
    Picture picture = {0};
    CnnError reason = {0};
    Part part = strcmp(json_object_text(line, "part"), "test") == 0 ? PART_TEST : PART_VALIDATION;
    double index = json_object_number(line, "index");
    if (!(index >= 0 && index < (double)cnn_data_count(data, part)))
        return false;
    PartSample sample = {part, (int64_t)index};
    cnn_data_name(data, part, sample.index, name, sizeof name);
    int64_t class_index = (int64_t)cnn_data_label(data, sample);
    if (strcmp(file_name(name), file_name(json_object_text(line, "sample"))) != 0 ||
        strcmp(cnn_data_class_name(data, class_index), json_object_text(line, "class")) != 0)
        return false; /* the data have changed since */
    bool ranged = cnn_data_stored_range(data, &black, &white),
         good = cnn_data_stored(data, sample, &picture, &unreadable, &reason) == CNN_OK;
    if (good)
        *cell = data_cell(arena, &picture, ranged ? black : NULL, white, false);
    picture_free(&picture);
    return good;
}

static RunMistakes make_mistakes(Arena *arena, const JsonObjects *lines, const CnnData *data)
{
    RunMistakes mistakes = {0};
    for (size_t i = 0; i < lines->count; i++) {
        RunMistake *mistake = vec_push(arena, &mistakes);
        mistake->line = lines->items[i];
        mistake->shown = data && read_cell(arena, data, &mistake->line, &mistake->cell);
    }
    return mistakes;
}

/* ---- The network ---- */

/* NULL: the model's text is gone. */
static const char *explained_text(const Explanation *explanation)
{
    Diag *diag = explanation->model->session->diag;
    Text out = {.arena = explanation->arena};
    Span source;
    size_t length;
    if (!source_read(diag, (Span){0, 0}, explanation->model->path, &source))
        return NULL;
    const char *text = diag_source(diag, source, &length);
    explain_print(explanation, text, length, &out);
    return text_string(&out);
}

/* ---- Files ---- */

static CnnStatus write_plot(const Charts *charts, const RunRecord *record, CnnError *error)
{
    Arena *arena = charts->arena;
    const char *subtitle =
        arena_printf(arena, "%s, %s, %s epochs, %s%s%s", record->model, run_state_names[record->state],
                     runs_epochs_text(arena, record), runs_time_text(arena, runs_seconds(record)),
                     record->best.json ? ", best: " : "",
                     record->best.json ? runs_results_text(arena, &record->best) : "");
    if (charts->charts.count == 0 || !chart_can_draw())
        return CNN_OK;
    return curves_write(charts->charts.items, (int)charts->charts.count, record->name, subtitle,
                        arena_printf(arena, "%s/" RUN_PLOT, record->path), error);
}

CnnStatus runs_write_report(Arena *arena, const char *path, const Model *model, const Plan *plan,
                            CnnError *error)
{
    RunRecord record;
    JsonObjects epochs = {0};
    Text html = {.arena = arena};
    JsonReader *reader = json_reader_open();
    CnnStatus status = run_record_read(reader, arena, path, &record, &epochs, error);
    JsonObjects classes = run_objects(reader, arena, path, RUN_CLASSES),
                mistakes = run_objects(reader, arena, path, RUN_MISTAKES);
    json_reader_close(reader);
    TRY(status);
    Charts charts = {.arena = arena, .epochs = &epochs};
    make_charts(&charts);
    RunPage page = {.arena = arena,
                    .record = &record,
                    .charts = charts.charts.items,
                    .chart_count = (int)charts.charts.count,
                    .classes = classes,
                    .mistakes = make_mistakes(arena, &mistakes, model ? model->program->data : NULL),
                    .text = run_file_text(arena, path, RUN_MODEL)};
    Explanation explanation = {.arena = arena, .model = model, .program = model ? model->program : NULL};
    if (plan && explain_fill(&explanation, plan, true) && (page.explained = explained_text(&explanation)))
        page.explanation = &explanation;
    run_page(&page, &html);
    TRY(report_write(arena_printf(arena, "%s/" RUN_REPORT, path), text_string(&html), error));
    return write_plot(&charts, &record, error);
}

/* With the model as the folder has it, where it can still be read. */
static CnnStatus report_with_model(const Options *options, const char *path, CnnError *error)
{
    Model model;
    const char *text = arena_printf(options->arena, "%s/" RUN_MODEL, path);
    const Options opened = {
        .arena = options->arena, .command = options->command, .words = &text, .word_count = 1};
    if (model_open(&opened, &model) != CNN_OK) {
        fprintf(stderr, "cnnc: note: the report has neither layers nor pictures: the model cannot be read\n");
        return runs_write_report(options->arena, path, NULL, NULL, error);
    }
    const Graph *graph = driver_graph(model.session, model.program, true);
    CnnStatus status = runs_write_report(options->arena, path, &model,
                                         graph ? driver_plan(model.session, graph) : NULL, error);
    model_close(&model);
    return status;
}

CnnStatus runs_report(const Options *options)
{
    RunRecord record;
    CnnError error = {0};
    TRY(runs_read(options, options->words[0], &record, NULL));
    if (report_with_model(options, record.path, &error) != CNN_OK)
        return command_fail(error.status, "%s", error.text);
    printf("report written to %s/" RUN_REPORT "\n", record.path);
    if (!chart_can_draw())
        fprintf(stderr,
                "cnnc: note: no " RUN_PLOT ": this cnnc was built without cairo (Debian: libcairo2-dev)\n");
    return CNN_OK;
}
