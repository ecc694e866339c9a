/* Where the points of a sweep lie in its picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/commands/chart.h"
#include "compiler/commands/runs.h"
#include "compiler/commands/sweep.h"
#include "compiler/commands/sweep_chart.h"

enum { TICKS = 5 };
/* AxisValues that lie so many times apart are shown by their logarithms. */
static const double MANY_TIMES = 8, TICK_APART = 0.11, EDGE = 0.04;

/* A value of an axis. */
typedef struct {
    const char *text;
    double number; /* NAN: it is none */
    double x;
} AxisValue;
typedef VEC(AxisValue) AxisValues;

typedef struct {
    const Sweep *sweep;
    const char *key;
    int best; /* point */
} Plot;

static int by_number(const void *a, const void *b)
{
    const AxisValue *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static AxisValue *find_value(const AxisValues *values, const char *text)
{
    for (size_t i = 0; i < values->count; i++)
        if (strcmp(values->items[i].text, text) == 0)
            return &values->items[i];
    return NULL;
}

/* Numbers with the same unit behind them lie where they belong, all else side by side. */
static void place_values(const SweepAxis *axis, AxisValues *values)
{
    bool numbers = true;
    AxisValue *items = values->items;
    size_t last = values->count - 1;
    const char *unit = NULL;
    for (size_t i = 0; i < values->count; i++) {
        char *end;
        items[i].number = strtod(items[i].text, &end);
        numbers =
            numbers && end != items[i].text && isfinite(items[i].number) && (!unit || strcmp(unit, end) == 0);
        unit = end;
    }
    if (numbers)
        qsort(items, values->count, sizeof *items, by_number);
    bool logarithmic = numbers && items[0].number > 0 &&
                       (axis->logarithmic || items[last].number >= MANY_TIMES * items[0].number);
    for (size_t i = 0; i < values->count; i++) {
        double from = items[0].number, to = items[last].number, share = 0.5;
        if (!numbers)
            share = ((double)i + 0.5) / (double)values->count;
        else if (to > from)
            share = logarithmic ? log(items[i].number / from) / log(to / from)
                                : (items[i].number - from) / (to - from);
        items[i].x = EDGE + (1 - 2 * EDGE) * share;
    }
}

static AxisValues axis_values(const Plot *plot, size_t axis)
{
    AxisValues values = {0};
    const Sweep *sweep = plot->sweep;
    for (size_t p = 0; p < sweep->points.count; p++) {
        const char *text = sweep->points.items[p].values[axis];
        if (!find_value(&values, text))
            vec_push(sweep->arena, &values)->text = text;
    }
    place_values(&sweep->axes.items[axis], &values);
    return values;
}

static SweepDot point_dot(const Plot *plot, int point, double x)
{
    const SeriesResults results =
        series_results(plot->sweep->arena, sweep_runs(plot->sweep, point), plot->sweep->series.seeds);
    const SeriesResult *result = series_result(&results, plot->key);
    return (SweepDot){.x = x,
                      .y = result ? result->of.mean : NAN,
                      .deviation = result ? result->of.deviation : NAN,
                      .best = point == plot->best};
}

static SweepPanel make_panel(const Plot *plot, size_t axis)
{
    VEC(SweepDot) dots = {0}, line = {0};
    VEC(SweepTick) ticks = {0};
    const Sweep *sweep = plot->sweep;
    Arena *arena = sweep->arena;
    const AxisValues values = axis_values(plot, axis);
    const int *order = sweep_order(sweep);
    for (size_t v = 0; v < values.count; v++) {
        const AxisValue *value = &values.items[v];
        bool first = true;
        for (size_t i = 0; i < sweep->points.count; i++) { /* the best first */
            if (strcmp(sweep->points.items[order[i]].values[axis], value->text) != 0)
                continue;
            SweepDot dot = point_dot(plot, order[i], value->x);
            if (first && isfinite(dot.y))
                *vec_push(arena, &line) = dot;
            first = false;
            *vec_push(arena, &dots) = dot;
        }
        if (ticks.count == 0 || value->x - ticks.items[ticks.count - 1].x >= TICK_APART)
            *vec_push(arena, &ticks) = (SweepTick){value->x, value->text};
    }
    bool drawn = sweep->axes.items[axis].open; /* each value is met once: a line would join what is unlike */
    return (SweepPanel){.name = sweep->axes.items[axis].name,
                        .dots = dots.items,
                        .dot_count = (int)dots.count,
                        .line = line.items,
                        .line_count = drawn ? 0 : (int)line.count,
                        .ticks = ticks.items,
                        .tick_count = (int)ticks.count};
}

static void set_height(SweepChart *chart)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < chart->panels[0].dot_count; i++) { /* the same in all panels */
        const SweepDot *dot = &chart->panels[0].dots[i];
        double beside = isfinite(dot->deviation) ? dot->deviation : 0;
        if (!isfinite(dot->y))
            continue;
        low = fmin(low, dot->y - beside);
        high = fmax(high, dot->y + beside);
    }
    double room = high > low ? 0 : fabs(low) > 0 ? fabs(low) / 2 : 1;
    chart->step = chart_step(high - low + 2 * room, TICKS);
    chart->low = floor((low - room) / chart->step + 1e-9) * chart->step;
    chart->high = ceil((high + room) / chart->step - 1e-9) * chart->step;
}

CnnStatus sweep_plot(const Sweep *sweep, const char *path, CnnError *error)
{
    VEC(SweepPanel) panels = {0};
    Arena *arena = sweep->arena;
    Plot plot = {sweep, sweep_watched(sweep), sweep_order(sweep)[0]};
    for (size_t i = 0; i < sweep->axes.count; i++)
        if (sweep_axis_varies(&sweep->axes.items[i]))
            *vec_push(arena, &panels) = make_panel(&plot, i);
    SweepChart chart = {
        .title = arena_printf(arena, "%s: %s", sweep->series.model, plot.key),
        .subtitle = arena_printf(arena, "%d points; the best, %.4f: %s", (int)sweep->points.count,
                                 sweep_mean(sweep, plot.best, plot.key),
                                 sweep_point_text(arena, &sweep->axes, &sweep->points.items[plot.best])),
        .panels = panels.items,
        .count = (int)panels.count};
    set_height(&chart);
#ifdef CNNC_CAIRO
    return sweep_cairo_write(&chart, path, strcmp(path + strlen(path) - 4, ".svg") == 0, error);
#else
    return cnn_fail(error, CNN_NO_RESOURCE, "'%s' cannot be drawn without cairo", path);
#endif
}
