/* `cnnc runs`: the table of its verbs, the list of all runs, and what the verbs share. */
#include "compiler/commands/runs.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/commands/registry.h"
#include "compiler/commands/report.h"
#include "runtime/output.h"
#include "runtime/run/run_folder.h"

#define OPTION(member) offsetof(Options, member)

const Flag runs_flags[] = {
    {"--json", FLAG_TEXT, OPTION(json), "FILE", "all that is known of the runs, as JSON", 0, 0, 0},
    FLAGS_END,
};

const Command runs_verbs[] = {
    {"runs show", "RUN", 1, 1, "a run: how it went, its model, its files", runs_flags, false, false, false,
     runs_show, NULL},
    {"runs diff", "RUN RUN", 2, 2, "what differs between two runs: in their models, and in what came of them",
     runs_flags, false, false, false, runs_diff, NULL},
    {"runs report", "RUN", 1, 1, "write report.html and plot.png into a run's folder, as `cnnc run` does",
     NULL, false, false, false, runs_report, NULL},
    {0},
};

/* ---- What the verbs share ---- */

CnnStatus runs_read(const Options *options, const char *name, RunRecord *record, JsonObjects *epochs)
{
    const char *path;
    CnnError error = {0};
    JsonReader *reader = json_reader_open();
    CnnStatus status = run_find(options->arena, name, &path, &error);
    if (status == CNN_OK)
        status = run_record_read(reader, options->arena, path, record, epochs, &error);
    json_reader_close(reader);
    if (status != CNN_OK)
        return command_fail(status, "%s", error.text);
    if (record->damaged)
        fprintf(stderr, "cnnc: note: '%s/" RUN_EVENTS "': line %" PRId64 " is damaged%s\n", record->path,
                record->damaged_line, record->damaged > 1 ? ", and others after it" : "");
    return CNN_OK;
}

bool runs_is_result(const char *key)
{
    static const char *const others[] = {"event",         "seconds",      "epoch",        "step",
                                         "rate",          "samples",      "step_seconds", "epoch_seconds",
                                         "train_seconds", "wait_seconds", "best",         "time"};
    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(key, others[i]) == 0)
            return false;
    return true;
}

const char *runs_results_text(Arena *arena, const JsonObject *event)
{
    Text text = {.arena = arena};
    for (int i = 0; i < event->count; i++)
        if (runs_is_result(event->pairs[i].key))
            text_printf(&text, "%s%s %.4f", text.length ? "  " : "", event->pairs[i].key,
                        event->pairs[i].number);
    return text_string(&text);
}

const char *runs_event_text(Arena *arena, const JsonObject *event)
{
    return event->json ? arena_printf(arena, "epoch %.0f: %s", json_object_number(event, "epoch"),
                                      runs_results_text(arena, event))
                       : "";
}

const char *runs_time_text(Arena *arena, double seconds)
{
    long long whole = seconds > 0 && seconds < 1e9 ? llround(seconds) : 0;
    if (whole >= 3600)
        return arena_printf(arena, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
    return arena_printf(arena, "%lld:%02lld", whole / 60, whole % 60);
}

const char *runs_moment_text(Arena *arena, const JsonObject *event)
{
    const char *text = json_object_text(event, "time"), *between = strchr(text, 'T'),
               *end = strchr(text, 'Z');
    if (!between || !end || end < between)
        return text;
    return arena_printf(arena, "%.*s %.*s UTC", (int)(between - text), text, (int)(end - between - 1),
                        between + 1);
}

const char *runs_epochs_text(Arena *arena, const RunRecord *record)
{
    double done = json_object_number(&record->last, "epoch"),
           all = json_object_number(&record->start, "epochs");
    return arena_printf(arena, "%.0f/%.0f", isfinite(done) ? done : 0, isfinite(all) ? all : 0);
}

const char *runs_varied(const RunRecord *record)
{
    return json_object_text(&record->begin, "varied");
}

double runs_seconds(const RunRecord *record)
{
    const JsonObject *const events[] = {&record->end, &record->test, &record->last, &record->start};
    for (size_t i = 0; i < COUNT(events); i++)
        if (isfinite(json_object_number(events[i], "seconds")))
            return json_object_number(events[i], "seconds");
    return 0;
}

static void json_event(Text *out, const char *key, const JsonObject *event)
{
    text_printf(out, ",\n  \"%s\": %s", key, event->json ? event->json : "null");
}

void runs_json(const RunRecord *record, const char *more, Text *out)
{
    text_printf(out, "{\"name\": ");
    json_text(out, record->name);
    json_text_field(out, "path", record->path);
    json_text_field(out, "model", record->model);
    json_text_field(out, "state", run_state_names[record->state]);
    json_field(out, "damaged_lines", (double)record->damaged);
    json_event(out, "begin", &record->begin);
    json_event(out, "start", &record->start);
    json_event(out, "best", &record->best);
    json_event(out, "last", &record->last);
    json_event(out, "test", &record->test);
    json_event(out, "end", &record->end);
    text_printf(out, "%s}", more);
}

CnnStatus runs_check_json(const Options *options)
{
    return report_check(options->json, NULL, &(CnnRecipe){.model_path = ""});
}

CnnStatus runs_write_json(const char *path, const Text *text)
{
    CnnError error = {0};
    if (!path || report_write(path, text_string(text), &error) == CNN_OK)
        return CNN_OK;
    return command_fail(error.status, "%s", error.text);
}

/* ---- The list ---- */

enum { COLUMNS = 8, VARIED = 2 };
typedef struct {
    const char *cell[COLUMNS];
} Line;

static Line run_line(Arena *arena, const RunRecord *record)
{
    const JsonObject *best = record->best.json ? &record->best : &record->last;
    const char *watched = run_watched(best);
    const char *value =
        best->json ? arena_printf(arena, "%s %.4f (epoch %.0f)", watched, json_object_number(best, watched),
                                  json_object_number(best, "epoch"))
                   : "-";
    return (Line){{record->name, record->model, runs_varied(record), runs_moment_text(arena, &record->begin),
                   run_state_names[record->state], runs_epochs_text(arena, record), value,
                   runs_time_text(arena, runs_seconds(record))}};
}

static void print_list(Arena *arena, const RunList *runs)
{
    Line *lines = NEW_ARRAY(arena, Line, runs->count + 1);
    int width[COLUMNS] = {0};
    bool varied = false; /* else the column is left out */
    lines[0] = (Line){{"run", "model", "varied", "begun", "state", "epochs", "best", "time"}};
    for (size_t i = 0; i < runs->count; i++) {
        lines[i + 1] = run_line(arena, &runs->items[i]);
        varied = varied || *lines[i + 1].cell[VARIED];
    }
    for (size_t i = 0; i <= runs->count; i++)
        for (int c = 0; c < COLUMNS; c++)
            if ((int)strlen(lines[i].cell[c]) > width[c])
                width[c] = (int)strlen(lines[i].cell[c]);
    for (size_t i = 0; i <= runs->count; i++) {
        for (int c = 0; c < COLUMNS - 1; c++)
            if (c != VARIED || varied)
                printf("%-*s  ", width[c], lines[i].cell[c]);
        printf("%*s\n", width[COLUMNS - 1], lines[i].cell[COLUMNS - 1]);
    }
}

static void print_notes(const char *notes)
{
    for (const char *at = notes; *at; at += strcspn(at, "\n") + 1)
        fprintf(stderr, "cnnc: note: %.*s\n", (int)strcspn(at, "\n"), at);
}

CnnStatus command_runs(const Options *options)
{
    RunList runs;
    CnnError error = {0};
    Text notes = {.arena = options->arena}, json = {.arena = options->arena};
    TRY(runs_check_json(options));
    JsonReader *reader = json_reader_open();
    CnnStatus status = registry_read(reader, options->arena, &runs, &notes, &error);
    json_reader_close(reader);
    if (status != CNN_OK)
        return command_fail(status, "%s", error.text);
    if (runs.count)
        print_list(options->arena, &runs);
    else
        printf("no training has left a folder in '" RUNS "' here\n");
    fflush(stdout);
    print_notes(text_string(&notes));
    text_printf(&json, OUTPUT_REPORT_MARK "\"runs\", \"runs\": [");
    for (size_t i = 0; i < runs.count; i++) {
        text_printf(&json, i ? ",\n " : "\n ");
        runs_json(&runs.items[i], "", &json);
    }
    text_printf(&json, "\n]}\n");
    return runs_write_json(options->json, &json);
}
