#include <inttypes.h>
#include <math.h>

#include "compiler/commands/report.h"
#include "compiler/commands/why.h"
#include "runtime/output.h"

static void add_split(const Why *why, Text *out)
{
    static const char *const parts[STEP_PARTS] = {"forward_seconds", "backward_seconds", "update_seconds"};
    Split split = why_split(why);
    json_field(out, "wait_seconds", split.waiting);
    for (int p = 0; p < STEP_PARTS; p++)
        json_field(out, parts[p], split.part[p]);
    json_field(out, "between_seconds", split.between);
    json_field(out, "slowed_seconds", split.slowed);
    json_field(out, "validation_seconds", split.validation);
    json_field(out, "reading_core_seconds", split.reading);
    json_field(out, "transforming_core_seconds", split.transforming);
    json_field(out, "augmenting_core_seconds", split.augmenting);
}

static void add_whole(const Why *why, Text *out)
{
    const Bench *bench = &why->bench;
    const Fed *fed = &why->pace.training;
    json_text_field(out, "model", why->model->path);
    json_text_field(out, "target", bench->linked->image->target);
    json_field(out, "threads", bench->threads);
    json_field(out, "batch", (double)bench->program->batch);
    json_field(out, "images", (double)why->images);
    json_field(out, "validation_images", (double)why->validation_images);
    json_field(out, "epoch_seconds", why->seconds);
    add_split(why, out);
    json_field(out, "images_per_second", (double)fed->images / fed->seconds);
    json_field(out, "loader_images_per_second", why->loaded);
    json_field(out, "step_seconds", bench->seconds);
    json_field(out, "memory_bytes", why->memory);
    json_text_field(out, "bound", why_bound(why));
}

static void add_layer(const Why *why, int layer, Text *out)
{
    LayerPeak peak = why_layer(why, layer);
    text_printf(out, "{\"layer\": ");
    json_text(out, why->bench.table->program->layers.items[layer].name);
    json_field(out, "seconds", peak.seconds);
    json_field(out, "flops", peak.flops);
    json_field(out, "peak_share", peak.share > 0 ? peak.share : INFINITY);
    json_text_field(out, "bound", bound_names[peak.bound]);
    json_field(out, "bound_share", peak.bound_share);
    text_printf(out, "}");
}

static void add_idea(const Idea *idea, Text *out)
{
    bool tried = idea->factor > 0;
    text_printf(out, "{\"name\": ");
    json_text(out, idea->name);
    json_text_field(out, "change", idea->change);
    json_text_field(out, "cost", idea->cost);
    json_field(out, "factor", tried ? idea->factor : INFINITY);
    json_field(out, "epoch_seconds", tried ? idea->seconds : INFINITY);
    json_field(out, "memory_bytes", tried ? idea->memory : INFINITY);
    json_field(out, "base_moved", tried ? idea->moved : INFINITY);
    json_field(out, "least_factor", tried ? idea->least : INFINITY);
    text_printf(out, ", \"helps\": %s", why_helps(idea) ? "true" : "false");
    if (idea->refused)
        json_text_field(out, "refused", idea->refused);
    text_printf(out, "}");
}

const char *why_json(const Why *why)
{
    Text out = {.arena = why->arena};
    const int *layers = why_layers(why);
    text_printf(&out, OUTPUT_REPORT_MARK "\"why\"");
    add_whole(why, &out);
    text_printf(&out, ",\n \"layers\": [");
    for (int i = 0; layers[i] >= 0; i++) {
        text_printf(&out, i ? ",\n  " : "\n  ");
        add_layer(why, layers[i], &out);
    }
    text_printf(&out, "\n ],\n \"ideas\": [");
    for (size_t i = 0; i < why->ideas.count; i++) {
        text_printf(&out, i ? ",\n  " : "\n  ");
        add_idea(&why->ideas.items[i], &out);
    }
    text_printf(&out, "\n ]}\n");
    return text_string(&out);
}
