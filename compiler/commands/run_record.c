#include "compiler/commands/run_record.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/diag.h"
#include "runtime/file.h"
#include "runtime/run/events.h"

const char *const run_state_names[RUN_STATE_COUNT] = {"running",  "finished", "interrupted",
                                                      "diverged", "failed",   "crashed"};

static const char *file_path(Arena *arena, const char *path, const char *name)
{
    return arena_printf(arena, "%s/%s", path, name);
}

bool run_record_stamp(Arena *arena, const char *path, int64_t *size, int64_t *nanoseconds)
{
    struct stat found;
    if (stat(file_path(arena, path, RUN_EVENTS), &found) != 0 || !S_ISREG(found.st_mode))
        return false;
    *size = found.st_size;
    *nanoseconds = (int64_t)found.st_mtim.tv_sec * 1000000000 + found.st_mtim.tv_nsec;
    return true;
}

const char *run_file_text(Arena *arena, const char *path, const char *name)
{
    char *bytes;
    size_t count;
    CnnError none = {0};
    if (cnn_file_read(file_path(arena, path, name), &bytes, &count, &none) != CNN_OK)
        return NULL;
    const char *text = arena_text(arena, bytes, count);
    free(bytes);
    return text;
}

JsonObjects run_objects(JsonReader *reader, Arena *arena, const char *path, const char *name)
{
    JsonObjects objects = {0};
    const char *text = run_file_text(arena, path, name);
    for (const char *at = text; at && *at;) {
        JsonObject object;
        size_t length = strcspn(at, "\n");
        if (json_object_read(reader, arena, at, length, &object))
            *vec_push(arena, &objects) = object;
        at += length + (at[length] == '\n');
    }
    return objects;
}

/* ---- Events ---- */

static bool is_event(const JsonObject *object, EventKind kind)
{
    return strcmp(json_object_text(object, "event"), event_names[kind]) == 0;
}

/* What a training that goes on does again is void. */
static void drop_epochs(JsonObjects *epochs, double step)
{
    while (epochs->count > 0 && json_object_number(&epochs->items[epochs->count - 1], "step") > step)
        epochs->count--;
}

static void take_event(Arena *arena, const JsonObject *event, RunRecord *record, JsonObjects *epochs)
{
    if (is_event(event, EVENT_START)) {
        record->start = *event;
        record->end = record->test = (JsonObject){0};
        if (!record->begin.json)
            record->begin = *event;
        if (epochs)
            drop_epochs(epochs, json_object_number(event, "step"));
    } else if (is_event(event, EVENT_EPOCH)) {
        record->last = *event;
        if (json_object_number(event, "best") == 1)
            record->best = *event;
        if (epochs)
            *vec_push(arena, epochs) = *event;
    } else if (is_event(event, EVENT_TEST)) {
        record->test = *event;
    } else if (is_event(event, EVENT_END)) {
        record->end = *event;
    }
}

/* Steps, which are nearly all of the lines, are passed over unread. */
static bool is_step(const char *line, size_t length)
{
    static const char step[] = "{\"event\": \"step\"";
    return length >= sizeof step - 1 && memcmp(line, step, sizeof step - 1) == 0;
}

static void read_lines(JsonReader *reader, Arena *arena, const char *text, size_t length, RunRecord *record,
                       JsonObjects *epochs)
{
    int64_t number = 1;
    for (const char *at = text, *end = text + length; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t bytes = (size_t)((newline ? newline : end) - at);
        JsonObject event;
        if (newline && is_step(at, bytes) && at[bytes - 1] == '}') {
            /* nothing of it is told here */
        } else if (newline && json_object_read(reader, arena, at, bytes, &event)) {
            take_event(arena, &event, record, epochs);
        } else if (newline || !cnn_run_folder_busy(record->path)) { /* else it is just being written */
            record->damaged_line = record->damaged++ ? record->damaged_line : number;
        }
        at += bytes + 1;
    }
}

/* ---- The folder ---- */

/* NAME of "model NAME {". */
static const char *model_name(Arena *arena, const char *text)
{
    static const char word[] = "model ";
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        if (strncmp(at, word, sizeof word - 1) == 0) {
            at += sizeof word - 1;
            return arena_text(arena, at, strcspn(at, " {\n"));
        }
    return "";
}

/* The last part of the path, which may end in '/'. */
static const char *folder_name(Arena *arena, const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    return arena_text(arena, path + begin, end - begin);
}

void run_record_judge(RunRecord *record)
{
    double status = json_object_number(&record->end, "status");
    if (!record->end.json)
        record->state = cnn_run_folder_busy(record->path) ? RUN_STATE_RUNNING : RUN_STATE_CRASHED;
    else
        record->state = status == CNN_OK            ? RUN_STATE_FINISHED
                        : status == CNN_INTERRUPTED ? RUN_STATE_INTERRUPTED
                        : status == CNN_DIVERGED    ? RUN_STATE_DIVERGED
                                                    : RUN_STATE_FAILED;
}

CnnStatus run_record_read(JsonReader *reader, Arena *arena, const char *path, RunRecord *record,
                          JsonObjects *epochs, CnnError *error)
{
    char *text;
    size_t length;
    int64_t size, nanoseconds;
    *record = (RunRecord){.name = folder_name(arena, path), .path = path};
    if (!run_record_stamp(arena, path, &size, &nanoseconds))
        return cnn_fail(error, CNN_BAD_USAGE, "'%s' is not the folder of a training: it has no %s", path,
                        RUN_EVENTS);
    TRY(cnn_file_read(file_path(arena, path, RUN_EVENTS), &text, &length, error));
    read_lines(reader, arena, text, length, record, epochs);
    free(text);
    if (!record->begin.json)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' does not tell of the start of a training",
                        file_path(arena, path, RUN_EVENTS));
    record->model = model_name(arena, run_file_text(arena, path, RUN_MODEL));
    run_record_judge(record);
    return CNN_OK;
}

CnnStatus run_find(Arena *arena, const char *name, const char **path, CnnError *error)
{
    int64_t size, nanoseconds;
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '/')
        length--;
    *path = name = arena_text(arena, name, length);
    if (run_record_stamp(arena, name, &size, &nanoseconds))
        return CNN_OK;
    *path = file_path(arena, RUNS, name);
    if (!strchr(name, '/') && run_record_stamp(arena, *path, &size, &nanoseconds))
        return CNN_OK;
    VEC(const char *) names = {0};
    DIR *entries = opendir(RUNS);
    for (const struct dirent *entry; entries && (entry = readdir(entries)) != NULL;)
        *vec_push(arena, &names) = arena_text(arena, entry->d_name, strlen(entry->d_name));
    *vec_push(arena, &names) = NULL;
    if (entries)
        closedir(entries);
    const char *similar = nearest_name(name, names.items);
    struct stat found;
    if (stat(name, &found) == 0)
        return cnn_fail(error, CNN_BAD_USAGE, "'%s' is not the folder of a training: it has no %s", name,
                        RUN_EVENTS);
    return similar ? cnn_fail(error, CNN_BAD_USAGE, "there is no run '%s'; did you mean '%s'?", name, similar)
                   : cnn_fail(error, CNN_BAD_USAGE,
                              "there is no run '%s': neither a folder of this name nor '%s'", name, *path);
}

/* The first metric of the validation part that is not the loss. */
const char *run_watched(const JsonObject *epoch)
{
    static const char prefix[] = "val_";
    const char *watched = "loss";
    for (int i = 0; i < epoch->count; i++) {
        const char *key = epoch->pairs[i].key;
        if (strcmp(key, "val_loss") == 0)
            watched = key;
        else if (strncmp(key, prefix, sizeof prefix - 1) == 0)
            return key;
    }
    return watched;
}
