#include "compiler/commands/run_charts.h"

#include <math.h>
#include <string.h>

#include "compiler/commands/runs.h"

enum { POINTS_MOST = 320 }; /* of steps: half as many as the page has pixels for */

typedef struct {
    Arena *arena;
    const JsonObjects *events;
    const char *of;
    size_t each; /* events that a point is the mean of */
    int points;
    const double *x;
    CurveCharts charts;
} Maker;

static void maker_open(Arena *arena, const JsonObjects *events, const char *of, size_t each, Maker *out)
{
    *out = (Maker){.arena = arena, .events = events, .of = of, .each = each};
    out->points = (int)((events->count + each - 1) / each);
}

/* ---- Numbers ---- */

/* The last event of a point, plus one. */
static size_t point_end(const Maker *maker, int point)
{
    size_t end = (size_t)(point + 1) * maker->each;
    return end < maker->events->count ? end : maker->events->count;
}

/* The sums of a number over the events of each point. */
static double *sums(const Maker *maker, const char *key)
{
    double *all = NEW_ARRAY(maker->arena, double, maker->points);
    for (int i = 0; i < maker->points; i++)
        for (size_t k = (size_t)i * maker->each; k < point_end(maker, i); k++)
            all[i] += json_object_number(&maker->events->items[k], key);
    return all;
}

/* Each point's mean of a number, less that of another one where it has a name. */
static double *means(const Maker *maker, const char *key, const char *less)
{
    double *all = sums(maker, key), *other = less ? sums(maker, less) : NULL;
    for (int i = 0; i < maker->points; i++)
        all[i] = (all[i] - (other ? other[i] : 0)) / (double)(point_end(maker, i) - (size_t)i * maker->each);
    return all;
}

static double *ratios(const Maker *maker, const char *key, const char *by)
{
    double *all = sums(maker, key), *divisor = sums(maker, by);
    for (int i = 0; i < maker->points; i++)
        all[i] = divisor[i] > 0 ? all[i] / divisor[i] : NAN;
    return all;
}

/* ---- Charts ---- */

static CurveChart *add_chart(Maker *maker, const char *title)
{
    CurveChart *chart = vec_push(maker->arena, &maker->charts);
    *chart = (CurveChart){.title = title, .of = maker->of, .x = maker->x, .count = maker->points};
    return chart;
}

static void add_curve(CurveChart *chart, const char *name, const double *y)
{
    chart->curves[chart->curve_count++] = (Curve){name, y};
}

static bool has_key(const JsonObjects *events, const char *key)
{
    for (size_t i = 0; i < events->count; i++)
        if (*json_object_text(&events->items[i], key))
            return true;
    return false;
}

/* Loss and metrics, each with that of the validation part, where there is one; the rate. */
static void add_results(Maker *maker)
{
    static const char prefix[] = "val_";
    const JsonObject *first = &maker->events->items[0];
    for (int i = 0; i < first->count; i++) {
        const char *key = first->pairs[i].key, *other = arena_printf(maker->arena, "%s%s", prefix, key);
        if (!runs_is_result(key) || strncmp(key, prefix, sizeof prefix - 1) == 0)
            continue;
        CurveChart *chart = add_chart(maker, key);
        add_curve(chart, "training", means(maker, key, NULL));
        if (has_key(maker->events, other))
            add_curve(chart, "validation", means(maker, other, NULL));
    }
    add_curve(add_chart(maker, "learning rate"), "rate", means(maker, "rate", NULL));
}

CurveCharts run_charts_of_epochs(Arena *arena, const JsonObjects *epochs)
{
    Maker maker;
    maker_open(arena, epochs, "epoch", 1, &maker);
    if (epochs->count == 0)
        return maker.charts;
    maker.x = means(&maker, "epoch", NULL);
    add_results(&maker);
    CurveChart *time = add_chart(&maker, "seconds of an epoch");
    time->stacked = true;
    add_curve(time, "training", means(&maker, "train_seconds", "wait_seconds"));
    add_curve(time, "waiting for data", means(&maker, "wait_seconds", NULL));
    add_curve(time, "validation", means(&maker, "epoch_seconds", "train_seconds"));
    return maker.charts;
}

CurveCharts run_charts_of_steps(Arena *arena, const JsonObjects *steps)
{
    Maker maker;
    maker_open(arena, steps, "step", steps->count / POINTS_MOST + 1, &maker);
    if (steps->count == 0)
        return maker.charts;
    maker.x = means(&maker, "step", NULL);
    add_results(&maker);
    add_curve(add_chart(&maker, "images a second"), "images", ratios(&maker, "samples", "step_seconds"));
    return maker.charts;
}
