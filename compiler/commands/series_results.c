/* What the runs of a series have become: lines, JSON, and figures over several of them. */
#include <math.h>
#include <string.h>

#include "compiler/commands/report.h"
#include "compiler/commands/runs.h"
#include "compiler/commands/series.h"

/* ---- Figures ---- */

static bool is_of_validation(const char *key)
{
    return strncmp(key, "val_", 4) == 0;
}

static bool has_validation(const JsonObject *epoch)
{
    for (int i = 0; i < epoch->count; i++)
        if (is_of_validation(epoch->pairs[i].key))
            return true;
    return false;
}

/* Whether a key of an epoch is a result of the best epoch: the training's count only where there are no
 * others. */
static bool counts(const JsonObject *epoch, const char *key)
{
    return runs_is_result(key) && (is_of_validation(key) || !has_validation(epoch));
}

static void add_keys(Arena *arena, const JsonObject *event, bool epoch, SeriesResults *results)
{
    for (int i = 0; i < event->count; i++) {
        const char *key = event->pairs[i].key;
        if ((epoch ? counts(event, key) : runs_is_result(key)) && !series_result(results, key))
            vec_push(arena, results)->key = key;
    }
}

static double value_of(const SeriesRun *run, const char *key)
{
    if (!series_finished(run))
        return NAN;
    double best = json_object_number(&run->record.best, key);
    return isfinite(best) ? best : json_object_number(&run->record.test, key);
}

SeriesResults series_results(Arena *arena, const SeriesRun *runs, int count)
{
    SeriesResults results = {0};
    double *values = NEW_ARRAY(arena, double, count + 1);
    for (int i = 0; i < count; i++)
        if (series_finished(&runs[i]))
            add_keys(arena, &runs[i].record.best, true, &results);
    for (int i = 0; i < count; i++)
        if (series_finished(&runs[i]))
            add_keys(arena, &runs[i].record.test, false, &results);
    for (size_t r = 0; r < results.count; r++) {
        for (int i = 0; i < count; i++)
            values[i] = value_of(&runs[i], results.items[r].key);
        results.items[r].of = statistics_of(values, count);
    }
    return results;
}

const SeriesResult *series_result(const SeriesResults *results, const char *key)
{
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->items[i].key, key) == 0)
            return &results->items[i];
    return NULL;
}

const char *series_watched(const SeriesRun *runs, int count)
{
    for (int i = 0; i < count; i++)
        if (series_finished(&runs[i]))
            return run_watched(&runs[i].record.best);
    return NULL;
}

bool series_falls(const char *key)
{
    static const char loss[] = "loss";
    size_t length = strlen(key), tail = sizeof loss - 1;
    return length >= tail && strcmp(key + length - tail, loss) == 0;
}

/* ---- Lines ---- */

const char *series_line(const Series *series, const SeriesRun *run)
{
    Arena *arena = series->arena;
    Text line = {.arena = arena};
    const SeriesResults results = series_results(arena, run, 1);
    text_printf(&line, "%d/%d  %s", (int)(run - series->runs) + 1, series->count, run->varied);
    if (run->recorded)
        text_printf(&line, "  %s", run->record.name);
    if (!series_finished(run))
        text_printf(&line, "  %s%s%s", series_state_text(run), *run->why ? ": " : "", run->why);
    for (size_t i = 0; i < results.count; i++) {
        bool of_epoch = isfinite(json_object_number(&run->record.best, results.items[i].key)),
             last = i + 1 == results.count ||
                    !isfinite(json_object_number(&run->record.best, results.items[i + 1].key));
        text_printf(&line, "  %s %.4f", results.items[i].key, results.items[i].of.mean);
        if (of_epoch && last)
            text_printf(&line, " (epoch %.0f)", json_object_number(&run->record.best, "epoch"));
    }
    if (series_finished(run))
        text_printf(&line, "  %s", runs_time_text(arena, runs_seconds(&run->record)));
    return text_string(&line);
}

/* ---- JSON ---- */

void series_run_json(const Series *series, const SeriesRun *run, Text *out)
{
    json_field(out, "number", (double)(run - series->runs + 1));
    json_field(out, "of", series->count);
    json_text_field(out, "varied", run->varied);
    json_field(out, "seed", (double)run->seed);
    json_text_field(out, "state", series_state_text(run));
    json_text_field(out, "why", run->why);
    json_text_field(out, "folder", run->recorded ? run->record.path : "");
    json_field(out, "compiled", run->compiled);
    json_field(out, "cached", run->cached);
}

void series_results_json(const SeriesResults *results, Text *out)
{
    text_printf(out, "{");
    for (size_t i = 0; i < results->count; i++) {
        const Statistics *of = &results->items[i].of;
        text_printf(out, i ? ", " : "");
        json_text(out, results->items[i].key);
        text_printf(out, ": {\"count\": %d", of->count);
        json_field(out, "mean", of->mean);
        json_field(out, "deviation", of->deviation);
        json_field(out, "least", of->least);
        json_field(out, "most", of->most);
        text_printf(out, "}");
    }
    text_printf(out, "}");
}
