#include "compiler/commands/page_parts.h"

#include "compiler/commands/html.h"
#include "compiler/commands/layers.h"

/* All colours in one place, so that a page that is dark has others. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--paper:#fff;--line:#d8dee4;--c0:#2563eb;"
    "--c1:#ea580c;--c2:#16a34a;--right:22,163,74;--wrong:234,88,12}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117;--line:#30363d;"
    "--c0:#60a5fa;--c1:#fb923c;--c2:#4ade80}}\n"
    "body{margin:0 auto;padding:1rem;max-width:72rem;background:var(--paper);color:var(--ink);"
    "font:16px/1.45 system-ui,sans-serif}\n"
    "h1{font-size:1.6rem;margin:.2em 0}h2{font-size:1.2rem;margin:2em 0 .5em}\n"
    "figure{margin:0}figcaption{font-size:.85rem;color:var(--soft);overflow-wrap:anywhere}\n"
    ".charts{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}\n"
    ".pictures{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fill,minmax(6.5rem,1fr))}\n"
    ".pictures img,.pictures svg{width:100%;aspect-ratio:1;object-fit:contain;image-rendering:pixelated;"
    "background:var(--line)}\n"
    "svg{display:block;width:100%}path,polyline{fill:none;stroke-width:2}rect,circle{stroke:none}\n"
    "path.c0,polyline.c0{stroke:var(--c0)}path.c1{stroke:var(--c1)}path.c2{stroke:var(--c2)}\n"
    "rect.c0,circle.c0{fill:var(--c0)}rect.c1,circle.c1{fill:var(--c1)}rect.c2,circle.c2{fill:var(--c2)}\n"
    "b.c0{color:var(--c0)}b.c1{color:var(--c1)}b.c2{color:var(--c2)}\n"
    ".grid{stroke:var(--line)}.axis{fill:var(--soft);font-size:12px}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.2rem .6rem;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}\n"
    ".facts td{white-space:normal}.n{text-align:right}.matrix td{padding:.2rem .4rem;text-align:right}\n"
    "pre{overflow-x:auto;padding:.75rem;border:1px solid var(--line);font-size:.85rem}\n"
    "summary{cursor:pointer;margin:.5em 0}p.soft{color:var(--soft)}\n";

void page_begin(Text *out, const char *title, const char *nonce)
{
    text_printf(out,
                "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>"
                "<meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width\"/><title>");
    html_text(out, title);
    text_printf(out, "</title>\n<style%s%s%s>\n%s</style></head>\n<body>\n<h1>", nonce ? " nonce=\"" : "",
                nonce ? nonce : "", nonce ? "\"" : "", style);
    html_text(out, title);
    text_printf(out, "</h1>\n");
}

void page_end(Text *out)
{
    text_printf(out, "</body>\n</html>\n");
}

void page_fact(Text *out, const char *what, const char *text)
{
    if (!*text)
        return;
    text_printf(out, "<tr><th>%s</th><td>", what);
    html_text(out, text);
    text_printf(out, "</td></tr>\n");
}

void page_charts(Text *out, const char *heading, const CurveCharts *charts)
{
    if (charts->count == 0)
        return;
    text_printf(out, "<h2>%s</h2>\n<div class=\"charts\">\n", heading);
    for (size_t i = 0; i < charts->count; i++) {
        const CurveChart *chart = &charts->items[i];
        text_printf(out, "<figure><figcaption>");
        html_text(out, chart->title);
        for (int c = 0; c < chart->curve_count; c++) {
            text_printf(out, " <b class=\"c%d\">&#9632; ", c);
            html_text(out, chart->curves[c].name);
            text_printf(out, "</b>");
        }
        text_printf(out, "</figcaption>\n");
        curves_svg(chart, out);
        text_printf(out, "</figure>\n");
    }
    text_printf(out, "</div>\n");
}

void page_mistakes(Text *out, const char *heading, const RunMistakes *mistakes)
{
    if (mistakes->count == 0)
        return;
    text_printf(out, "<h2>%s</h2>\n<div class=\"pictures\">\n", heading);
    for (size_t i = 0; i < mistakes->count; i++) {
        const RunMistake *mistake = &mistakes->items[i];
        const char *class_name = json_object_text(&mistake->line, "class"),
                   *answer = json_object_text(&mistake->line, "answer"),
                   *sample = json_object_text(&mistake->line, "sample");
        text_printf(out, "<figure>");
        if (mistake->shown)
            html_cell(out, &mistake->cell, sample);
        text_printf(out, "<figcaption>");
        html_text(out, class_name);
        text_printf(out, ", taken for ");
        html_text(out, answer);
        text_printf(out, " (%.3g)<br/>", json_object_number(&mistake->line, "output"));
        html_text(out, sample);
        text_printf(out, "</figcaption></figure>\n");
    }
    text_printf(out, "</div>\n");
}

void page_layers(Text *out, Session *session, const Program *program, const Plan *plan)
{
    Arena *arena = out->arena;
    const LayerCost *costs = layers_cost(session, program, plan);
    text_printf(
        out, "<h2>Layers</h2>\n<div class=\"wide\"><table>\n<tr><th>layer</th><th>word</th><th>output</th>"
             "<th class=\"n\">parameters</th><th class=\"n\">FLOPs</th><th class=\"n\">kernel</th></tr>\n");
    for (size_t i = 0; i < program->layers.count; i++) {
        const LayerRow *row = costs[i].row;
        text_printf(out, "<tr><td>");
        html_text(out, row->name);
        text_printf(out, "</td><td>");
        html_text(out, row->word);
        text_printf(
            out,
            "</td><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
            type_shape(arena, graph_type(program->train, row->node)),
            row->parameters ? count_text(arena, row->parameters) : "",
            costs[i].flops > 0 ? flops_text(arena, costs[i].flops) : "",
            costs[i].group >= 0 ? arena_printf(arena, "%d", costs[i].group) : "");
    }
    text_printf(out, "</table></div>\n");
}
