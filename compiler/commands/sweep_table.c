/* A sweep as a table. */
#include <math.h>
#include <string.h>

#include "compiler/commands/runs.h"
#include "compiler/commands/sweep.h"

typedef VEC(const char *) Cells;

/* The columns behind those of the axes. */
typedef struct {
    const Sweep *sweep;
    Cells keys; /* of results */
    bool epoch; /* that of the best */
} Columns;

/* The last part of "train.optimizer.rate", unless another axis has it too. */
static const char *short_name(const SweepAxes *axes, size_t axis)
{
    const char *dot = strrchr(axes->items[axis].name, '.');
    for (size_t i = 0; i < axes->count && dot; i++) {
        const char *other = strrchr(axes->items[i].name, '.');
        if (i != axis && strcmp(other ? other + 1 : axes->items[i].name, dot + 1) == 0)
            dot = NULL;
    }
    return dot ? dot + 1 : axes->items[axis].name;
}

static void add_key(const Sweep *sweep, const SeriesResults *results, const char *key, Cells *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->items[i], key) == 0)
            return;
    if (series_result(results, key))
        *vec_push(sweep->arena, keys) = key;
}

/* What the points are compared by comes first, then its value on the test part, then the losses. */
static Columns find_columns(const Sweep *sweep)
{
    Columns columns = {.sweep = sweep, .epoch = sweep->series.seeds == 1};
    const char *watched = sweep_watched(sweep);
    const SeriesResults results = series_results(sweep->arena, sweep->series.runs, sweep->series.count);
    if (!watched)
        return columns;
    add_key(sweep, &results, watched, &columns.keys);
    add_key(sweep, &results,
            arena_printf(sweep->arena, "test_%s", strncmp(watched, "val_", 4) == 0 ? watched + 4 : watched),
            &columns.keys);
    add_key(sweep, &results, "val_loss", &columns.keys);
    add_key(sweep, &results, "test_loss", &columns.keys);
    return columns;
}

static const char *figure(Arena *arena, const Statistics *of)
{
    if (!of || !isfinite(of->mean))
        return "-";
    return isfinite(of->deviation) ? arena_printf(arena, "%.4f \u00b1 %.4f", of->mean, of->deviation)
                                   : arena_printf(arena, "%.4f", of->mean);
}

/* "M-3", "M-3 diverged", "M-4 ... M-8, 1 diverged". */
static const char *runs_text(const Sweep *sweep, int point)
{
    Text text = {.arena = sweep->arena};
    const SeriesRun *runs = sweep_runs(sweep, point);
    int count = sweep->series.seeds;
    const char *first = NULL, *last = NULL;
    for (int k = 0; k < count; k++)
        if (runs[k].recorded) {
            first = first ? first : runs[k].record.name;
            last = runs[k].record.name;
        }
    if (first)
        text_printf(&text, "%s", first);
    if (first != last)
        text_printf(&text, " ... %s", last);
    for (int k = 0; k < count; k++)
        if (!series_finished(&runs[k]) && runs[k].state != SERIES_WAITS)
            text_printf(&text, "%s%s", text.length ? " " : "", series_state_text(&runs[k]));
    return text_string(&text);
}

static double seconds_of(const Sweep *sweep, int point)
{
    double seconds = 0;
    for (int k = 0; k < sweep->series.seeds; k++)
        if (sweep_runs(sweep, point)[k].recorded)
            seconds += runs_seconds(&sweep_runs(sweep, point)[k].record);
    return seconds;
}

static Cells head_cells(const Columns *columns)
{
    Cells cells = {0};
    Arena *arena = columns->sweep->arena;
    const SweepAxes *axes = &columns->sweep->axes;
    for (size_t i = 0; i < axes->count; i++)
        if (sweep_axis_varies(&axes->items[i]))
            *vec_push(arena, &cells) = short_name(axes, i);
    for (size_t i = 0; i < columns->keys.count; i++)
        *vec_push(arena, &cells) = columns->keys.items[i];
    if (columns->epoch)
        *vec_push(arena, &cells) = "epoch";
    *vec_push(arena, &cells) = "time";
    *vec_push(arena, &cells) = "run";
    return cells;
}

static Cells point_cells(const Columns *columns, int point)
{
    Cells cells = {0};
    const Sweep *sweep = columns->sweep;
    Arena *arena = sweep->arena;
    const SeriesRun *runs = sweep_runs(sweep, point);
    const SeriesResults results = series_results(arena, runs, sweep->series.seeds);
    for (size_t i = 0; i < sweep->axes.count; i++)
        if (sweep_axis_varies(&sweep->axes.items[i]))
            *vec_push(arena, &cells) = sweep->points.items[point].values[i];
    for (size_t i = 0; i < columns->keys.count; i++) {
        const SeriesResult *result = series_result(&results, columns->keys.items[i]);
        *vec_push(arena, &cells) = figure(arena, result ? &result->of : NULL);
    }
    if (columns->epoch)
        *vec_push(arena, &cells) =
            series_finished(runs)
                ? arena_printf(arena, "%.0f/%.0f", json_object_number(&runs->record.best, "epoch"),
                               json_object_number(&runs->record.last, "epoch"))
                : "-";
    *vec_push(arena, &cells) = runs_time_text(arena, seconds_of(sweep, point));
    *vec_push(arena, &cells) = runs_text(sweep, point);
    return cells;
}

/* Characters, of which the continuing bytes of UTF-8 are none. */
static int text_width(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static bool is_known(const Sweep *sweep, int point)
{
    for (int k = 0; k < sweep->series.seeds; k++)
        if (sweep_runs(sweep, point)[k].state != SERIES_WAITS)
            return true;
    return false;
}

const char *sweep_table(const Sweep *sweep)
{
    Text out = {.arena = sweep->arena};
    VEC(Cells) rows = {0};
    const Columns columns = find_columns(sweep);
    const int *order = sweep_order(sweep);
    *vec_push(sweep->arena, &rows) = head_cells(&columns);
    for (size_t i = 0; i < sweep->points.count; i++)
        if (is_known(sweep, order[i]))
            *vec_push(sweep->arena, &rows) = point_cells(&columns, order[i]);
    size_t last = rows.items[0].count - 1;
    int *widths = NEW_ARRAY(sweep->arena, int, last + 1);
    for (size_t r = 0; r < rows.count; r++)
        for (size_t c = 0; c <= last; c++)
            if (text_width(rows.items[r].items[c]) > widths[c])
                widths[c] = text_width(rows.items[r].items[c]);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t c = 0; c < last; c++)
            text_printf(&out, "%*s%s  ", widths[c] - text_width(rows.items[r].items[c]), "",
                        rows.items[r].items[c]);
        text_printf(&out, "%s\n", rows.items[r].items[last]);
    }
    return text_string(&out);
}
