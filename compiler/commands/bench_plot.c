/* A benchmark as a roofline: each kernel by the operations that it does for a byte, and in a second. */
#include "compiler/commands/bench.h"
#include "compiler/commands/chart.h"

static const char *note_of(const Bench *bench, int index)
{
    const KernelRow *row = &bench->table->rows[index];
    double share;
    Bound bound = bench_bound(bench, index, &share);
    return arena_printf(bench->arena, "%.1f %%, %.0f %% of %s: %s %s: %s",
                        100 * bench->kernels[index] / bench->seconds, 100 * share, bound_names[bound],
                        name_shortened(bench->arena, row->owner, 32), step_part_names[row->part], row->what);
}

CnnStatus bench_plot(const Bench *bench, const char *path, CnnError *error)
{
    Arena *arena = bench->arena;
    const int *order = bench_sorted(bench);
    int count = 0;
    RooflinePoint *points = NEW_ARRAY(arena, RooflinePoint, bench->table->count);
    for (int i = 0; i < bench->table->count; i++) {
        const KernelRow *row = &bench->table->rows[order[i]];
        double seconds = bench->kernels[order[i]];
        if (seconds > 0 && row->flops > 0 && row->bytes > 0)
            points[count++] = (RooflinePoint){.intensity = row->flops / row->bytes,
                                              .rate = row->flops / seconds,
                                              .share = seconds / bench->seconds,
                                              .kind = row->part,
                                              .note = note_of(bench, order[i])};
    }
    Roofline roofline = {
        .title = arena_printf(arena, "%s: the kernels of %s", bench->model->program->name,
                              bench->options.evaluation ? "an evaluation step" : "a training step"),
        .subtitle = arena_printf(
            arena, "%.3g ms a step, %.0f images/s; a circle's area is the kernel's share of the step",
            1e3 * bench->seconds, (double)bench->program->batch / bench->seconds),
        .kinds = step_part_names,
        .kind_count = bench->options.evaluation ? 1 : STEP_PARTS,
        .peak = bench->roof.flops,
        .cache = bench->roof.cache,
        .memory = bench->roof.memory,
        .points = points,
        .count = count};
    return roofline_write(&roofline, path, error);
}
