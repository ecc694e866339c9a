#include "compiler/commands/run_page.h"

#include "compiler/commands/html.h"
#include "compiler/commands/layers.h"
#include "compiler/commands/page_parts.h"
#include "compiler/commands/run_page_classes.h"
#include "compiler/commands/runs.h"

static void put_head(const RunPage *page, Text *out)
{
    Arena *arena = page->arena;
    const RunRecord *record = page->record;
    const char *why = json_object_text(&record->end, "text");
    page_begin(out, record->name, NULL);
    text_printf(out, "<table class=\"facts\">\n");
    page_fact(out, "model", record->model);
    page_fact(out, "varied", runs_varied(record));
    page_fact(out, "state",
              arena_printf(arena, "%s%s%s", run_state_names[record->state], *why ? ": " : "", why));
    page_fact(out, "begun", runs_moment_text(arena, &record->begin));
    page_fact(out, "ended", runs_moment_text(arena, &record->end));
    page_fact(out, "time", runs_time_text(arena, runs_seconds(record)));
    page_fact(out, "epochs", runs_epochs_text(arena, record));
    page_fact(out, "best", runs_event_text(arena, &record->best));
    page_fact(out, "last", runs_event_text(arena, &record->last));
    page_fact(out, "test", runs_event_text(arena, &record->test));
    text_printf(out, "</table>\n");
}

static void put_fusion(const RunPage *page, Text *out)
{
    const Explanation *explanation = page->explanation;
    double moved = 0, unfused = 0;
    explain_bytes(explanation, &moved, &unfused);
    text_printf(
        out,
        "<h2>Fusion</h2>\n<p>A training step is %d kernels; unfused it would be %d. They move %s; unfused "
        "it would be %s.</p>\n<details><summary>What each line of the model became</summary><pre>",
        explanation->table->count, explanation->unfused_kernels, bytes_text(page->arena, moved),
        bytes_text(page->arena, unfused));
    html_text(out, page->explained);
    text_printf(out, "</pre></details>\n");
}

void run_page(const RunPage *page, Text *out)
{
    put_head(page, out);
    page_charts(out, "By epochs", page->charts);
    run_page_classes(page->arena, &page->classes, out);
    page_mistakes(out, "The mistakes that the network was surest of", &page->mistakes);
    if (page->explanation) {
        page_layers(out, page->explanation->model->session, page->explanation->program,
                    page->explanation->table->plan);
        put_fusion(page, out);
    }
    if (page->text) {
        text_printf(out, "<h2>The model, with all that the command line said</h2>\n<pre>");
        html_text(out, page->text);
        text_printf(out, "</pre>\n");
    }
    page_end(out);
}
