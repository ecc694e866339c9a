/* `cnnc runs show`: one run. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/commands/layers.h"
#include "compiler/commands/runs.h"
#include "runtime/output.h"
#include "runtime/run/run_folder.h"

enum { BARS = 40, ROWS = 24 };

static void print_event(Arena *arena, const char *what, const JsonObject *event)
{
    if (event->json)
        printf("  %-8s epoch %.0f: %s\n", what, json_object_number(event, "epoch"),
               runs_results_text(arena, event));
}

static void print_head(Arena *arena, const RunRecord *record)
{
    const char *why = json_object_text(&record->end, "text");
    printf("%s: %s, %s%s%s\n", record->name, *record->model ? record->model : "?",
           run_state_names[record->state], *why ? ": " : "", why);
    printf("  %-8s %s\n", "begun", runs_moment_text(arena, &record->begin));
    if (*runs_varied(record))
        printf("  %-8s %s\n", "varied", runs_varied(record));
    if (record->end.json)
        printf("  %-8s %s\n", "ended", runs_moment_text(arena, &record->end));
    printf("  %-8s %s\n", "time", runs_time_text(arena, runs_seconds(record)));
    printf("  %-8s %s\n", "epochs", runs_epochs_text(arena, record));
    print_event(arena, "best", &record->best);
    print_event(arena, "last", &record->last);
    print_event(arena, "test", &record->test);
}

/* ---- The curve ---- */

static void print_bar(double value, double most)
{
    int length = isfinite(value) && most > 0 ? (int)lround(BARS * value / most) : 0;
    for (int i = 0; i < length && i < BARS; i++)
        fputs("█", stdout);
    putchar('\n');
}

/* The loss by epochs: of the validation part where there is one. Of many epochs every few are shown, and the
 * last. */
static void print_curve(const JsonObjects *epochs)
{
    size_t every = (epochs->count + ROWS - 1) / ROWS;
    double most = 0;
    if (epochs->count == 0)
        return;
    bool validation = isfinite(json_object_number(&epochs->items[0], "val_loss"));
    const char *key = validation ? "val_loss" : "loss";
    for (size_t i = 0; i < epochs->count; i++)
        most = fmax(most, json_object_number(&epochs->items[i], key));
    printf("\n  epoch      loss%s\n", validation ? "  val_loss" : "");
    for (size_t i = 0; i < epochs->count; i++) {
        const JsonObject *epoch = &epochs->items[i];
        if (i % every != 0 && i + 1 != epochs->count)
            continue;
        printf("  %5.0f  %8.4f  ", json_object_number(epoch, "epoch"), json_object_number(epoch, "loss"));
        if (validation)
            printf("%8.4f  ", json_object_number(epoch, key));
        print_bar(json_object_number(epoch, key), most);
    }
}

/* ---- The rest ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static void print_files(Arena *arena, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    if (count < 0)
        return;
    printf("\nFiles in %s\n", path);
    for (int i = 0; i < count; i++) {
        struct stat found;
        const char *file = arena_printf(arena, "%s/%s", path, entries[i]->d_name);
        if (stat(file, &found) == 0 && S_ISREG(found.st_mode))
            printf("  %-36s %10s\n", entries[i]->d_name, bytes_text(arena, (double)found.st_size));
        free(entries[i]);
    }
    free(entries);
}

static void print_model(Arena *arena, const char *path)
{
    const char *text = run_file_text(arena, path, RUN_MODEL);
    if (text)
        printf("\n%s: the model, with all that the command line said\n", RUN_MODEL);
    for (const char *at = text; at && *at;) {
        size_t length = strcspn(at, "\n");
        printf("%s%.*s\n", length ? "  " : "", (int)length, at);
        at += length + (at[length] == '\n');
    }
}

static const char *epochs_json(Arena *arena, const JsonObjects *epochs)
{
    Text out = {.arena = arena};
    text_printf(&out, ",\n  \"epochs\": [");
    for (size_t i = 0; i < epochs->count; i++)
        text_printf(&out, "%s\n   %s", i ? "," : "", epochs->items[i].json);
    text_printf(&out, "\n  ]");
    return text_string(&out);
}

CnnStatus runs_show(const Options *options)
{
    RunRecord record;
    JsonObjects epochs = {0};
    Text json = {.arena = options->arena};
    TRY(runs_check_json(options));
    TRY(runs_read(options, options->words[0], &record, &epochs));
    print_head(options->arena, &record);
    print_curve(&epochs);
    print_files(options->arena, record.path);
    print_model(options->arena, record.path);
    text_printf(&json, OUTPUT_REPORT_MARK "\"run\", \"run\":\n ");
    runs_json(&record, epochs_json(options->arena, &epochs), &json);
    text_printf(&json, "}\n");
    return runs_write_json(options->json, &json);
}
