/* A benchmark as JSON. */
#include <inttypes.h>
#include <math.h>

#include "compiler/commands/bench.h"
#include "compiler/commands/report.h"
#include "runtime/output.h"

static double known(double value)
{
    return value > 0 ? value : INFINITY;
}

static void add_kernel(const Bench *bench, int index, Text *out)
{
    const KernelRow *row = &bench->table->rows[index];
    double seconds = bench->kernels[index], share;
    Bound bound = bench_bound(bench, index, &share);
    text_printf(out, "  {\"group\": %d, \"phase\": %d, \"layer\": ", row->group, row->phase);
    json_text(out, row->layer >= 0 ? bench->table->program->layers.items[row->layer].name : row->owner);
    json_text_field(out, "part", step_part_names[row->part]);
    json_text_field(out, "what", row->what);
    json_field(out, "seconds", seconds);
    json_field(out, "flops", row->flops);
    json_field(out, "bytes", row->bytes);
    json_field(out, "far_bytes", row->far_bytes);
    json_field(out, "flops_per_byte", row->bytes > 0 ? row->flops / row->bytes : INFINITY);
    json_field(out, "peak_share",
               seconds > 0 && bench->roof.flops > 0 ? row->flops / seconds / bench->roof.flops : INFINITY);
    json_text_field(out, "bound", bound_names[bound]);
    json_field(out, "bound_share", share);
    text_printf(out, "}");
}

static void add_layer(const char *name, const PartSums *seconds, Text *out)
{
    text_printf(out, "  {\"layer\": ");
    json_text(out, name);
    for (int p = 0; p < STEP_PARTS; p++)
        json_field(out, step_part_names[p], seconds->of[p]);
    json_field(out, "seconds", parts_sum(seconds));
    text_printf(out, "}");
}

static void add_whole(const Bench *bench, Text *out)
{
    json_text_field(out, "model", bench->model->path);
    json_text_field(out, "target", bench->linked->image->target);
    json_text_field(out, "program", bench->options.evaluation ? "evaluation" : "training");
    json_field(out, "threads", bench->threads);
    json_field(out, "batch", (double)bench->program->batch);
    json_field(out, "step_seconds", bench->seconds);
    json_field(out, "best_seconds", bench->best);
    json_field(out, "delayed_share", bench->delayed);
    text_printf(out, ", \"window_seconds\": [");
    for (int i = 0; i < bench->options.windows; i++) {
        text_printf(out, i ? ", " : "");
        json_number(out, bench->windows[i]);
    }
    text_printf(out, "]");
    json_field(out, "images_per_second", (double)bench->program->batch / bench->seconds);
    json_field(out, "flops", bench_flops(bench));
    json_field(out, "peak_flops", known(bench->roof.flops));
    json_field(out, "cache_bytes_per_second", known(bench->roof.cache));
    json_field(out, "memory_bytes_per_second", known(bench->roof.memory));
    json_field(out, "first_step_seconds", bench->first_step);
    json_field(out, "compile_seconds", bench->linked->seconds);
    json_field(out, "kernels_compiled", bench->linked->compiled);
    json_field(out, "kernels_cached", bench->linked->cached);
    json_field(out, "memory_bytes", (double)bench->memory);
    json_field(out, "device_bytes", (double)cnn_device_bytes(bench->device));
    json_field(out, "loader_images_per_second", known(bench->loaded));
    json_field(out, "loader_core_seconds", known(bench->load_cores));
    json_field(out, "loader_waited_share", bench->loaded > 0 ? bench->waited : INFINITY);
}

const char *bench_json(const Bench *bench)
{
    Text out = {.arena = bench->arena};
    const Program *program = bench->table->program;
    const PartSums *layers = bench_layers(bench);
    text_printf(&out, OUTPUT_REPORT_MARK "\"bench\"");
    add_whole(bench, &out);
    text_printf(&out, ",\n \"layers\": [\n");
    add_layer("", &layers[0], &out);
    for (size_t i = 0; i < program->layers.count; i++) {
        text_printf(&out, ",\n");
        add_layer(program->layers.items[i].name, &layers[i + 1], &out);
    }
    text_printf(&out, "\n ],\n \"kernels\": [\n");
    for (int r = 0; r < bench->table->count; r++) {
        text_printf(&out, r ? ",\n" : "");
        add_kernel(bench, r, &out);
    }
    text_printf(&out, "\n ]}\n");
    return text_string(&out);
}
