/* An explanation as JSON. */
#include <math.h>

#include "compiler/commands/explain.h"
#include "compiler/commands/report.h"
#include "runtime/output.h"

static void add_kernel(const Explanation *explanation, int index, Text *out)
{
    const KernelRow *row = &explanation->table->rows[index];
    const Bench *bench = explanation->bench;
    double seconds = bench ? bench->kernels[index] : INFINITY;
    text_printf(out, "  {\"group\": %d, \"phase\": %d, \"owner\": ", row->group, row->phase);
    json_text(out, row->owner);
    json_text_field(out, "part", step_part_names[row->part]);
    json_text_field(out, "what", row->what);
    text_printf(out, ", \"layers\": [");
    int count = 0;
    for (size_t layer = 0; layer < explanation->program->layers.count; layer++) {
        if (!explain_row_has(explanation, row, (int)layer))
            continue;
        text_printf(out, count++ ? ", " : "");
        json_text(out, explanation->program->layers.items[layer].name);
    }
    text_printf(out, "]");
    json_field(out, "flops", row->flops);
    json_field(out, "bytes", row->bytes);
    json_field(out, "seconds", seconds);
    json_field(out, "peak_share",
               bench && bench->roof.flops > 0 && seconds > 0 ? row->flops / seconds / bench->roof.flops
                                                             : INFINITY);
    text_printf(out, "}");
}

static void add_apart(const Explanation *explanation, const Apart *apart, Text *out)
{
    const LayerRow *layers = explanation->program->layers.items;
    const RefusalInfo *info = &refusal_table[apart->why];
    text_printf(out, "  {\"layer\": ");
    json_text(out, layers[apart->layer].name);
    text_printf(out, ", \"parts\": [");
    for (int p = 0, count = 0; p < STEP_PARTS; p++)
        if (apart->in[p])
            text_printf(out, "%s\"%s\"", count++ ? ", " : "", step_part_names[p]);
    text_printf(out, "]");
    json_text_field(out, "other", apart->other >= 0 ? layers[apart->other].name : "");
    json_text_field(out, "why", info->why);
    json_text_field(out, "detail", apart->detail ? apart->detail : "");
    json_text_field(out, "change", info->change ? info->change : "");
    text_printf(out, "}");
}

static void add_layer(const Explanation *explanation, int layer, Text *out)
{
    const LayerRow *row = &explanation->program->layers.items[layer];
    text_printf(out, "  {\"layer\": ");
    json_text(out, row->name);
    json_text_field(out, "word", row->word);
    json_field(out, "line", explanation->line_of[layer]);
    json_field(out, "bytes", parts_sum(&explanation->bytes[layer + 1]));
    json_field(out, "unfused_bytes", parts_sum(&explanation->unfused[layer + 1]));
    text_printf(out, "}");
}

const char *explain_json(const Explanation *explanation)
{
    Text out = {.arena = explanation->arena};
    const Bench *bench = explanation->bench;
    text_printf(&out, OUTPUT_REPORT_MARK "\"explain\"");
    json_text_field(&out, "model", explanation->model->path);
    json_field(&out, "unfused_kernels", explanation->unfused_kernels);
    json_field(&out, "step_seconds", bench ? bench->seconds : INFINITY);
    json_field(&out, "peak_flops", bench && bench->roof.flops > 0 ? bench->roof.flops : INFINITY);
    json_field(&out, "other_bytes", parts_sum(&explanation->bytes[0]));
    json_field(&out, "other_unfused_bytes", parts_sum(&explanation->unfused[0]));
    text_printf(&out, ",\n \"layers\": [");
    for (size_t i = 0; i < explanation->program->layers.count; i++) {
        text_printf(&out, i ? ",\n" : "\n");
        add_layer(explanation, (int)i, &out);
    }
    text_printf(&out, "\n ],\n \"kernels\": [");
    for (int r = 0; r < explanation->table->count; r++) {
        text_printf(&out, r ? ",\n" : "\n");
        add_kernel(explanation, r, &out);
    }
    text_printf(&out, "\n ],\n \"apart\": [");
    for (size_t i = 0; i < explanation->aparts.count; i++) {
        text_printf(&out, i ? ",\n" : "\n");
        add_apart(explanation, &explanation->aparts.items[i], &out);
    }
    text_printf(&out, "\n ]}\n");
    return text_string(&out);
}
