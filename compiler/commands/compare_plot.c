/* A comparison as a bar chart: the time of a step, with the range over the rounds. */
#include <inttypes.h>
#include <math.h>

#include "compiler/commands/chart.h"
#include "compiler/commands/compare.h"
#include "compiler/commands/layers.h"

static ChartBar bar_of(const Comparison *comparison, const Variant *variant)
{
    Arena *arena = comparison->arena;
    double share = compare_share(comparison, variant), least = variant->rounds[0], most = least;
    for (int round = 1; round < comparison->rounds; round++) {
        least = fmin(least, variant->rounds[round]);
        most = fmax(most, variant->rounds[round]);
    }
    const char *images =
        count_text(arena, (int64_t)llround((double)comparison->batches.samples / variant->seconds));
    const char *of_peak = share > 0 ? arena_printf(arena, ", %.0f %% of peak", 100 * share) : "";
    return (ChartBar){
        .name = variant->name,
        .note = arena_printf(arena, "%.3g ms, %s images/s%s", 1e3 * variant->seconds, images, of_peak),
        .value = 1e3 * variant->seconds,
        .least = 1e3 * least,
        .most = 1e3 * most,
        .marked = variant == &comparison->variants[compare_fastest(comparison)]};
}

CnnStatus compare_plot(const Comparison *comparison, const char *path, CnnError *error)
{
    Arena *arena = comparison->arena;
    ChartBar *bars = NEW_ARRAY(arena, ChartBar, comparison->count);
    for (int v = 0; v < comparison->count; v++)
        bars[v] = bar_of(comparison, &comparison->variants[v]);
    Chart chart = {.title = arena_printf(arena, "%s: a training step", comparison->model->checked->name),
                   .subtitle = arena_printf(arena,
                                            "batch %" PRId64 ", %d thread%s; median of %d rounds of %" PRId64
                                            " steps or more, lines from the fastest round to the slowest",
                                            comparison->batches.samples, comparison->threads,
                                            comparison->threads == 1 ? "" : "s", comparison->rounds,
                                            comparison->steps),
                   .axis = "milliseconds a step (less is better)",
                   .bars = bars,
                   .count = comparison->count};
    return chart_write(&chart, path, error);
}
