/* `cnnc runs diff`: two runs beside each other. */
#include <math.h>
#include <string.h>

#include "compiler/commands/report.h"
#include "compiler/commands/runs.h"
#include "runtime/output.h"
#include "runtime/run/difference.h"
#include "runtime/run/run_folder.h"

enum { DIFFERENCE_BYTES = 1 << 16 };

/* A row of the table; numbers also get their difference. */
static void print_texts(const char *what, const char *a, const char *b)
{
    printf("  %-24s %16s %16s\n", what, a, b);
}

static void print_numbers(Arena *arena, const char *what, double a, double b)
{
    const char *first = isfinite(a) ? arena_printf(arena, "%.4f", a) : "-",
               *second = isfinite(b) ? arena_printf(arena, "%.4f", b) : "-";
    if (isfinite(a) && isfinite(b))
        printf("  %-24s %16s %16s %+16.4f\n", what, first, second, b - a);
    else
        print_texts(what, first, second);
}

/* Results of the event that both have, then those that only one has. */
static void print_events(Arena *arena, const char *what, const JsonObject *a, const JsonObject *b)
{
    for (int i = 0; i < a->count; i++)
        if (runs_is_result(a->pairs[i].key))
            print_numbers(arena, arena_printf(arena, "%s%s", what, a->pairs[i].key), a->pairs[i].number,
                          json_object_number(b, a->pairs[i].key));
    for (int i = 0; i < b->count; i++)
        if (runs_is_result(b->pairs[i].key) && isnan(json_object_number(a, b->pairs[i].key)))
            print_numbers(arena, arena_printf(arena, "%s%s", what, b->pairs[i].key), NAN, b->pairs[i].number);
}

static void print_results(Arena *arena, const RunRecord *a, const RunRecord *b)
{
    printf("\n  %-24s %16s %16s %16s\n", "", a->name, b->name, "difference");
    if (*runs_varied(a) || *runs_varied(b))
        print_texts("varied", runs_varied(a), runs_varied(b));
    print_texts("state", run_state_names[a->state], run_state_names[b->state]);
    print_texts("epochs", runs_epochs_text(arena, a), runs_epochs_text(arena, b));
    print_texts("time", runs_time_text(arena, runs_seconds(a)), runs_time_text(arena, runs_seconds(b)));
    print_texts("best epoch", json_object_text(&a->best, "epoch"), json_object_text(&b->best, "epoch"));
    print_events(arena, "best ", &a->best, &b->best);
    print_events(arena, "last ", &a->last, &b->last);
    print_events(arena, "", &a->test, &b->test);
}

CnnStatus runs_diff(const Options *options)
{
    Arena *arena = options->arena;
    RunRecord a, b;
    Text json = {.arena = arena};
    TRY(runs_check_json(options));
    TRY(runs_read(options, options->words[0], &a, NULL));
    TRY(runs_read(options, options->words[1], &b, NULL));
    const char *before = run_file_text(arena, a.path, RUN_MODEL),
               *after = run_file_text(arena, b.path, RUN_MODEL);
    char *lines = arena_alloc(arena, DIFFERENCE_BYTES);
    cnn_difference(before ? before : "", after ? after : "", lines, DIFFERENCE_BYTES);
    printf("The model (- %s, + %s):%s\n", a.name, b.name, *lines ? lines : " the same");
    print_results(arena, &a, &b);
    text_printf(&json, OUTPUT_REPORT_MARK "\"difference\", \"runs\": [\n ");
    runs_json(&a, "", &json);
    text_printf(&json, ",\n ");
    runs_json(&b, "", &json);
    text_printf(&json, "\n]");
    json_text_field(&json, "model", lines);
    text_printf(&json, "}\n");
    return runs_write_json(options->json, &json);
}
