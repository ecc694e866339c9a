#include "compiler/commands/web_page.h"

#include <math.h>
#include <string.h>

#include "compiler/commands/html.h"
#include "compiler/commands/page_parts.h"
#include "compiler/commands/runs.h"

/* ---- The newest numbers ---- */

static RunRecord make_record(const WebPage *page, WebHistory *history, Arena *arena)
{
    RunRecord record = {.name = page->model, .path = "", .model = page->model};
    record.begin = record.start = web_history_object(history, arena, history->newest[EVENT_START]);
    record.last = web_history_object(history, arena, history->newest[EVENT_EPOCH]);
    record.best = web_history_object(history, arena, history->best);
    record.test = web_history_object(history, arena, history->newest[EVENT_TEST]);
    record.end = web_history_object(history, arena, history->newest[EVENT_END]);
    if (record.end.json)
        run_record_judge(&record);
    return record;
}

/* As long as the steps before took, on average. */
static const char *left_text(Arena *arena, const RunRecord *record, const JsonObject *step)
{
    double done = json_object_number(step, "step") - json_object_number(&record->start, "step"),
           took = json_object_number(step, "seconds") - json_object_number(&record->start, "seconds"),
           left = json_object_number(&record->start, "steps") - json_object_number(step, "step");
    return !record->end.json && done > 0 && left >= 0 ? runs_time_text(arena, took / done * left) : "";
}

static const char *step_text(Arena *arena, const RunRecord *record, const JsonObject *step)
{
    double done = json_object_number(step, "step"), all = json_object_number(&record->start, "steps");
    if (!step->json)
        return "";
    const char *of = all > 0 ? arena_printf(arena, " of %.0f", all) : "";
    return arena_printf(arena, "%.0f%s: %s", done, of, runs_results_text(arena, step));
}

static const char *number_text(Arena *arena, const char *form, double value)
{
    return isfinite(value) ? arena_printf(arena, form, value) : "";
}

/* The share of the newest epoch's training that waited. */
static const char *waited_text(Arena *arena, const JsonObject *epoch)
{
    return number_text(arena, "%.0f %% of the last epoch's time",
                       100 * json_object_number(epoch, "wait_seconds") /
                           json_object_number(epoch, "train_seconds"));
}

/* Over the newest steps that are kept. */
static const char *speed_text(Arena *arena, const JsonObjects *steps)
{
    enum { NEWEST = 20 };
    double samples = 0, seconds = 0;
    for (size_t i = steps->count > NEWEST ? steps->count - NEWEST : 0; i < steps->count; i++) {
        samples += json_object_number(&steps->items[i], "samples");
        seconds += json_object_number(&steps->items[i], "step_seconds");
    }
    return seconds > 0 ? arena_printf(arena, "%.0f", samples / seconds) : "";
}

static const char *state_text(Arena *arena, const RunRecord *record)
{
    const char *why = json_object_text(&record->end, "text");
    if (!record->start.json && !record->end.json)
        return "starting";
    return arena_printf(arena, "%s%s%s", run_state_names[record->state], *why ? ": " : "", why);
}

static void put_facts(WebHistory *history, const RunRecord *record, Text *out)
{
    Arena *arena = out->arena;
    JsonObject step = web_history_object(history, arena, history->newest[EVENT_STEP]),
               checkpoint = web_history_object(history, arena, history->newest[EVENT_CHECKPOINT]);
    const WebLine *report = history->newest[WEB_REPORT];
    text_printf(out, "<table class=\"facts\">\n");
    page_fact(out, "state", state_text(arena, record));
    page_fact(out, "begun", runs_moment_text(arena, &record->begin));
    page_fact(out, "ended", runs_moment_text(arena, &record->end));
    page_fact(out, "time", runs_time_text(arena, json_object_number(&step, "seconds")));
    page_fact(out, "time left", left_text(arena, record, &step));
    page_fact(out, "step", step_text(arena, record, &step));
    page_fact(out, "learning rate", number_text(arena, "%.4g", json_object_number(&step, "rate")));
    page_fact(out, "images a second", speed_text(arena, web_history_objects(history, EVENT_STEP)));
    page_fact(out, "waited for data", waited_text(arena, &record->last));
    page_fact(out, "epochs", record->start.json ? runs_epochs_text(arena, record) : "");
    page_fact(out, "best", runs_event_text(arena, &record->best));
    page_fact(out, "last", runs_event_text(arena, &record->last));
    page_fact(out, "test", runs_event_text(arena, &record->test));
    page_fact(out, "checkpoint", json_object_text(&checkpoint, "file"));
    page_fact(out, "report", report ? report->text : "");
    text_printf(out, "</table>\n");
}

/* ---- What changes ---- */

/* The newest first. */
static void put_notes(const JsonObjects *notes, Text *out)
{
    enum { NEWEST = 50 };
    if (notes->count == 0)
        return;
    text_printf(out, "<h2>Notes</h2>\n<ul>\n");
    for (size_t i = notes->count; i > 0 && notes->count - i < NEWEST; i--) {
        const JsonObject *note = &notes->items[i - 1];
        text_printf(out, "<li>");
        html_text(out,
                  arena_printf(out->arena, "epoch %.0f, step %.0f: %s", json_object_number(note, "epoch"),
                               json_object_number(note, "step"), json_object_text(note, "text")));
        text_printf(out, "</li>\n");
    }
    text_printf(out, "</ul>\n");
}

void web_page_live(const WebPage *page, WebHistory *history, Text *out)
{
    RunRecord record = make_record(page, history, out->arena);
    CurveCharts steps = run_charts_of_steps(out->arena, web_history_objects(history, EVENT_STEP)),
                epochs = run_charts_of_epochs(out->arena, web_history_objects(history, EVENT_EPOCH));
    put_facts(history, &record, out);
    put_notes(web_history_objects(history, EVENT_NOTE), out);
    page_charts(out, "By steps", &steps);
    page_charts(out, "By epochs", &epochs);
}

void web_page_pictures(const WebPage *page, WebHistory *history, Text *out)
{
    JsonObjects lines = {0};
    const WebLine *newest = history->newest[WEB_MISTAKES];
    for (const char *at = newest ? newest->text : ""; *at;) {
        size_t length = strcspn(at, "\n");
        JsonObject object;
        if (json_object_read(history->reader, out->arena, at, length, &object))
            *vec_push(out->arena, &lines) = object;
        at += length + (at[length] == '\n');
    }
    RunMistakes mistakes = run_mistakes(out->arena, &lines, page->data);
    page_mistakes(out, "The mistakes of the last validation that the network was surest of", &mistakes);
}

const char *web_page_layers(const Model *model, const Plan *plan)
{
    Text out = {.arena = model->session->arena};
    page_layers(&out, model->session, model->program, plan);
    return text_string(&out);
}

/* ---- The whole page ---- */

/* Colours are those of page_parts.c. */
static const char style[] =
    "button{font:inherit;padding:.3rem .8rem;margin-right:.5rem;color:var(--ink);background:var(--paper);"
    "border:1px solid var(--soft);border-radius:.3rem;cursor:pointer}\n"
    "button:disabled{color:var(--soft);border-color:var(--line);cursor:default}#said:empty{display:none}\n";

/* Asks each second for what has changed; what does not answer is asked less often, since a tunnel may come
 * back. Addresses are relative, so that the token stays in front. */
static const char script[] =
    "'use strict';\n"
    "const part = id => document.getElementById(id), say = text => part('said').textContent = text,\n"
    "  buttons = document.querySelectorAll('button');\n"
    "let number = 0, pictures = 0, ended = false, cut = false;\n"
    "async function update() {\n"
    "  const answer = await fetch('live?after=' + number);\n"
    "  if (answer.status === 200) {\n"
    "    part('live').innerHTML = await answer.text();\n"
    "    number = +answer.headers.get('Cnnc-Number');\n"
    "    ended = answer.headers.get('Cnnc-Ended') === '1';\n"
    "    const newest = +answer.headers.get('Cnnc-Pictures');\n"
    "    if (newest > pictures) {\n"
    "      part('pictures').innerHTML = await (await fetch('pictures')).text();\n"
    "      pictures = newest;\n"
    "    }\n"
    "    if (ended) {\n"
    "      for (const button of buttons) button.disabled = true;\n"
    "      say('The training has ended, and with it this page: it stays as it is now.');\n"
    "    }\n"
    "  }\n"
    "}\n"
    "async function turn() {\n"
    "  let pause = 1000;\n"
    "  try {\n"
    "    await update();\n"
    "    if (cut && !ended) say('');\n"
    "    cut = false;\n"
    "  } catch (error) {\n"
    "    pause = 5000;\n"
    "    cut = true;\n"
    "    if (!ended) say('The training does not answer: it has ended, or the connection is cut.');\n"
    "  }\n"
    "  if (!ended) setTimeout(turn, pause);\n"
    "}\n"
    "async function press(name) {\n"
    "  try {\n"
    "    const answer = await fetch(name, {method: 'POST'});\n"
    "    say(await answer.text());\n"
    "    if (name === 'stop' && answer.ok) part('stop').disabled = true;\n"
    "  } catch (error) {\n"
    "    say('The training does not answer.');\n"
    "  }\n"
    "}\n"
    "for (const button of buttons)\n"
    "  button.addEventListener('click', () => press(button.id));\n"
    "turn();\n";

void web_page(const WebPage *page, WebHistory *history, Text *out)
{
    page_begin(out, page->model, page->nonce);
    text_printf(out, "<style nonce=\"%s\">%s</style>\n<p>", page->nonce, style);
    if (page->keeps)
        text_printf(out, "<button id=\"checkpoint\">Checkpoint now</button>");
    text_printf(out, "<button id=\"stop\">Stop</button></p>\n<p class=\"soft\" id=\"said\"></p>\n"
                     "<div id=\"live\">\n");
    web_page_live(page, history, out);
    text_printf(out, "</div>\n<div id=\"pictures\"></div>\n%s<script nonce=\"%s\">%s</script>\n",
                page->layers, page->nonce, script);
    page_end(out);
}
