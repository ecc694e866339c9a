/* A comparison as JSON. Keys end in their unit where they have one. */
#include <inttypes.h>
#include <math.h>

#include "compiler/commands/compare.h"
#include "runtime/output.h"

static void add_text(Text *out, const char *text)
{
    text_printf(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            text_printf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            text_printf(out, "\\u%04x", (unsigned)*text);
        else
            text_append(out, text, 1);
    }
    text_printf(out, "\"");
}

/* JSON has no infinity. */
static void add_number(Text *out, double value)
{
    if (isfinite(value))
        text_printf(out, "%.9g", value);
    else
        text_printf(out, "null");
}

static void add_field(Text *out, const char *key, double value)
{
    text_printf(out, ", \"%s\": ", key);
    add_number(out, value);
}

static void add_difference(Text *out, const char *key, const Difference *difference)
{
    text_printf(out, ", \"%s\": {\"relative\": ", key);
    add_number(out, difference->relative);
    text_printf(out, ", \"tensor\": ");
    if (difference->tensor)
        add_text(out, difference->tensor);
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
    add_field(out, "loss", totals_loss(totals));
    for (int m = 0; m < program->metric_count; m++)
        add_field(out, program->metrics[m].name, totals_metric(totals, m));
    text_printf(out, "}");
}

static void add_variant(Text *out, const Comparison *comparison, const Variant *variant)
{
    text_printf(out, "  {\"name\": ");
    add_text(out, variant->name);
    add_field(out, "step_seconds", variant->seconds);
    text_printf(out, ", \"round_seconds\": [");
    for (int round = 0; round < comparison->rounds; round++) {
        text_printf(out, round ? ", " : "");
        add_number(out, variant->rounds[round]);
    }
    text_printf(out, "]");
    add_field(out, "images_per_second", (double)comparison->batches.samples / variant->seconds);
    add_field(out, "kernels", variant->kernels);
    add_field(out, "flops", variant->flops);
    add_field(out, "moved_bytes", variant->bytes);
    add_field(out, "memory_bytes", (double)variant->memory);
    text_printf(out, ", \"peak_share\": ");
    add_number(out, comparison->peak > 0 ? compare_share(comparison, variant) : INFINITY);
    add_field(out, "loss", variant->loss);
    add_field(out, "loss_difference", variant->loss_difference);
    add_difference(out, "gradient_difference", &variant->gradient);
    add_difference(out, "weight_difference", &variant->weight);
    text_printf(out, ", \"other_function\": %s, \"rewrites\": ", variant->other_function ? "true" : "false");
    add_text(out, variant->rewritten);
    add_outcome(out, variant);
    text_printf(out, "}");
}

const char *compare_json(const Comparison *comparison)
{
    Text out = {.arena = comparison->arena};
    text_printf(&out, OUTPUT_REPORT_MARK "\"compare\", \"model\": ");
    add_text(&out, comparison->model->path);
    text_printf(&out, ", \"target\": ");
    add_text(&out, comparison->variants[0].linked.image->target);
    text_printf(&out,
                ", \"threads\": %d, \"batch\": %" PRId64 ", \"rounds\": %d, \"steps\": %" PRId64
                ", \"epochs\": %" PRId64,
                comparison->threads, comparison->batches.samples, comparison->rounds, comparison->steps,
                comparison->epochs);
    text_printf(&out, ", \"peak_flops\": ");
    add_number(&out, comparison->peak > 0 ? comparison->peak : INFINITY);
    text_printf(&out, ",\n \"variants\": [\n");
    for (int v = 0; v < comparison->count; v++) {
        text_printf(&out, v ? ",\n" : "");
        add_variant(&out, comparison, &comparison->variants[v]);
    }
    text_printf(&out, "\n ],\n \"fastest\": ");
    add_text(&out, comparison->variants[compare_fastest(comparison)].name);
    text_printf(&out, ", \"verdict\": ");
    add_text(&out, compare_verdict(comparison));
    text_printf(&out, "}\n");
    return text_string(&out);
}
