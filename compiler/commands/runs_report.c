/* The report of a run: at the end of `cnnc run`, and `cnnc runs report`. */
#include <stdio.h>

#include "compiler/base/source.h"
#include "compiler/commands/chart.h"
#include "compiler/commands/report.h"
#include "compiler/commands/run_charts.h"
#include "compiler/commands/run_page.h"
#include "compiler/commands/runs.h"
#include "runtime/run/run_folder.h"

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

static CnnStatus write_plot(Arena *arena, const CurveCharts *charts, const RunRecord *record, CnnError *error)
{
    const char *subtitle =
        arena_printf(arena, "%s, %s, %s epochs, %s%s%s", record->model, run_state_names[record->state],
                     runs_epochs_text(arena, record), runs_time_text(arena, runs_seconds(record)),
                     record->best.json ? ", best: " : "",
                     record->best.json ? runs_results_text(arena, &record->best) : "");
    if (charts->count == 0 || !chart_can_draw())
        return CNN_OK;
    return curves_write(charts->items, (int)charts->count, record->name, subtitle,
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
    CurveCharts charts = run_charts_of_epochs(arena, &epochs);
    RunPage page = {.arena = arena,
                    .record = &record,
                    .charts = &charts,
                    .classes = classes,
                    .mistakes = run_mistakes(arena, &mistakes, model ? model->program->data : NULL),
                    .text = run_file_text(arena, path, RUN_MODEL)};
    Explanation explanation = {.arena = arena, .model = model, .program = model ? model->program : NULL};
    if (plan && explain_fill(&explanation, plan, true) && (page.explained = explained_text(&explanation)))
        page.explanation = &explanation;
    run_page(&page, &html);
    TRY(report_write(arena_printf(arena, "%s/" RUN_REPORT, path), text_string(&html), error));
    return write_plot(arena, &charts, &record, error);
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
