/* A comparison as JSON. */
#include <inttypes.h>
#include <math.h>

#include "compiler/commands/compare.h"
#include "compiler/commands/report.h"
#include "runtime/output.h"

static void add_difference(Text *out, const char *key, const Difference *difference)
{
    text_printf(out, ", \"%s\": {\"relative\": ", key);
    json_number(out, difference->relative);
    text_printf(out, ", \"tensor\": ");
    if (difference->tensor)
        json_text(out, difference->tensor);
    else
        text_printf(out, "null");
    text_printf(out, "}");
}

static void add_outcome(Text *out, const Variant *variant)
{
    const char *part;
    const Totals *totals = compare_judged(variant, &part);
    text_printf(out, ", \"trained\": ");
    if (!totals) {
        text_printf(out, "null");
        return;
    }
    const CnnProgram *program = &variant->linked.image->eval;
    text_printf(out, "{\"part\": \"%s\", \"samples\": %" PRId64, part, totals->samples);
    json_field(out, "loss", totals_loss(totals));
    for (int m = 0; m < program->metric_count; m++)
        json_field(out, program->metrics[m].name, totals_metric(totals, m));
    text_printf(out, "}");
}

static void add_variant(Text *out, const Comparison *comparison, const Variant *variant)
{
    text_printf(out, "  {\"name\": ");
    json_text(out, variant->name);
    json_field(out, "step_seconds", variant->seconds);
    text_printf(out, ", \"round_seconds\": [");
    for (int round = 0; round < comparison->rounds; round++) {
        text_printf(out, round ? ", " : "");
        json_number(out, variant->rounds[round]);
    }
    text_printf(out, "]");
    json_field(out, "images_per_second", (double)comparison->batches.samples / variant->seconds);
    json_field(out, "kernels", variant->kernels);
    json_field(out, "flops", variant->flops);
    json_field(out, "moved_bytes", variant->bytes);
    json_field(out, "memory_bytes", (double)variant->memory);
    text_printf(out, ", \"peak_share\": ");
    json_number(out, comparison->peak > 0 ? compare_share(comparison, variant) : INFINITY);
    json_field(out, "loss", variant->loss);
    json_field(out, "loss_difference", variant->loss_difference);
    add_difference(out, "gradient_difference", &variant->gradient);
    add_difference(out, "weight_difference", &variant->weight);
    text_printf(out, ", \"other_function\": %s, \"rewrites\": ", variant->other_function ? "true" : "false");
    json_text(out, variant->rewritten);
    add_outcome(out, variant);
    text_printf(out, "}");
}

const char *compare_json(const Comparison *comparison)
{
    Text out = {.arena = comparison->arena};
    text_printf(&out, OUTPUT_REPORT_MARK "\"compare\", \"model\": ");
    json_text(&out, comparison->model->path);
    text_printf(&out, ", \"target\": ");
    json_text(&out, comparison->variants[0].linked.image->target);
    text_printf(&out,
                ", \"threads\": %d, \"batch\": %" PRId64 ", \"rounds\": %d, \"steps\": %" PRId64
                ", \"epochs\": %" PRId64,
                comparison->threads, comparison->batches.samples, comparison->rounds, comparison->steps,
                comparison->epochs);
    text_printf(&out, ", \"peak_flops\": ");
    json_number(&out, comparison->peak > 0 ? comparison->peak : INFINITY);
    text_printf(&out, ",\n \"variants\": [\n");
    for (int v = 0; v < comparison->count; v++) {
        text_printf(&out, v ? ",\n" : "");
        add_variant(&out, comparison, &comparison->variants[v]);
    }
    text_printf(&out, "\n ],\n \"fastest\": ");
    json_text(&out, comparison->variants[compare_fastest(comparison)].name);
    text_printf(&out, ", \"verdict\": ");
    json_text(&out, compare_verdict(comparison));
    text_printf(&out, "}\n");
    return text_string(&out);
}
