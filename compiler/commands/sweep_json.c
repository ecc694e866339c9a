/* A sweep as JSON. */
#include "compiler/commands/report.h"
#include "compiler/commands/runs.h"
#include "compiler/commands/sweep.h"
#include "runtime/output.h"

static void add_axis(const SweepAxis *axis, Text *out)
{
    text_printf(out, "{\"flag\": ");
    json_text(out, axis->flag);
    json_text_field(out, "name", axis->name);
    text_printf(out, ", \"values\": [");
    for (size_t i = 0; i < axis->values.count; i++) {
        text_printf(out, i ? ", " : "");
        json_text(out, axis->values.items[i]);
    }
    text_printf(out, "]");
    if (axis->open) {
        json_text_field(out, "first", axis->range.first);
        json_text_field(out, "last", axis->range.last);
    }
    text_printf(out, "}");
}

static void add_run(const Sweep *sweep, const SeriesRun *run, Text *out)
{
    text_printf(out, "{\"key\": ");
    json_text(out, run->key ? run->key : "");
    series_run_json(&sweep->series, run, out);
    text_printf(out, ", \"run\": ");
    if (run->recorded)
        runs_json(&run->record, "", out);
    else
        text_printf(out, "null");
    text_printf(out, "}");
}

static void add_point(const Sweep *sweep, int point, Text *out)
{
    const SeriesRun *runs = sweep_runs(sweep, point);
    const SeriesResults results = series_results(sweep->arena, runs, sweep->series.seeds);
    text_printf(out, "{\"values\": {");
    for (size_t i = 0; i < sweep->axes.count; i++) {
        text_printf(out, i ? ", " : "");
        json_text(out, sweep->axes.items[i].name);
        text_printf(out, ": ");
        json_text(out, sweep->points.items[point].values[i]);
    }
    text_printf(out, "}, \"results\": ");
    series_results_json(&results, out);
    text_printf(out, ", \"runs\": [");
    for (int k = 0; k < sweep->series.seeds; k++) {
        text_printf(out, k ? ",\n   " : "\n   ");
        add_run(sweep, &runs[k], out);
    }
    text_printf(out, "]}");
}

const char *sweep_json(const Sweep *sweep)
{
    Text out = {.arena = sweep->arena};
    const int *order = sweep_order(sweep);
    const char *watched = sweep_watched(sweep);
    text_printf(&out, OUTPUT_REPORT_MARK "\"sweep\"");
    json_text_field(&out, "model", sweep->series.model);
    json_text_field(&out, "path", sweep->options->words[0]);
    json_text_field(&out, "watched", watched ? watched : "");
    json_field(&out, "seeds", sweep->series.seeds);
    text_printf(&out, ", \"axes\": [");
    for (size_t i = 0; i < sweep->axes.count; i++) {
        text_printf(&out, i ? ", " : "");
        add_axis(&sweep->axes.items[i], &out);
    }
    text_printf(&out, "], \"points\": [");
    for (size_t i = 0; i < sweep->points.count; i++) {
        text_printf(&out, i ? ",\n " : "\n ");
        add_point(sweep, order[i], &out);
    }
    text_printf(&out, "\n]}\n");
    return text_string(&out);
}
