#include "compiler/commands/registry.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "compiler/base/bug.h"
#include "runtime/run/run_folder.h"

#define REGISTRY_FILE RUNS "/registry.sqlite"
enum { BUSY_MILLISECONDS = 2000 };

/* Events are kept as they are written: columns for queries by others would be told twice. */
static const char CREATE[] =
    "CREATE TABLE IF NOT EXISTS run_1 (name TEXT PRIMARY KEY, size INTEGER, time INTEGER, model TEXT, "
    "damaged INTEGER, damaged_line INTEGER, begin TEXT, start TEXT, end TEXT, best TEXT, last TEXT, test "
    "TEXT)";
static const char GET[] = "SELECT model, damaged, damaged_line, begin, start, end, best, last, test "
                          "FROM run_1 WHERE name = ?1 AND size = ?2 AND time = ?3";
static const char PUT[] =
    "INSERT OR REPLACE INTO run_1 (name, size, time, model, damaged, damaged_line, begin, start, end, best, "
    "last, test) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
static const char NAMES[] = "SELECT name FROM run_1";
static const char DROP[] = "DELETE FROM run_1 WHERE name = ?1";

typedef struct {
    JsonReader *reader;
    Arena *arena;
    sqlite3 *database;
    sqlite3_stmt *get, *put, *names, *drop;
    bool kept; /* what is put stays */
} Registry;

/* The events of a record, in the order of the columns. */
enum { EVENTS = 6 };
static void list_events(RunRecord *record, JsonObject *events[EVENTS])
{
    JsonObject *const list[EVENTS] = {&record->begin, &record->start, &record->end,
                                      &record->best,  &record->last,  &record->test};
    memcpy(events, list, sizeof list);
}

static bool try_open(Registry *registry, const char *path)
{
    return sqlite3_open(path, &registry->database) == SQLITE_OK &&
           sqlite3_busy_timeout(registry->database, BUSY_MILLISECONDS) == SQLITE_OK &&
           sqlite3_exec(registry->database, CREATE, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(registry->database, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(registry->database, GET, -1, &registry->get, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(registry->database, PUT, -1, &registry->put, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(registry->database, NAMES, -1, &registry->names, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(registry->database, DROP, -1, &registry->drop, NULL) == SQLITE_OK;
}

static void close_database(Registry *registry)
{
    sqlite3_finalize(registry->get);
    sqlite3_finalize(registry->put);
    sqlite3_finalize(registry->names);
    sqlite3_finalize(registry->drop);
    sqlite3_close(registry->database);
    registry->get = registry->put = registry->names = registry->drop = NULL;
    registry->database = NULL;
}

/* Where the file cannot be written, all folders are read each time. */
static void registry_open(Registry *registry, Text *notes)
{
    registry->kept = try_open(registry, REGISTRY_FILE);
    if (registry->kept)
        return;
    text_printf(notes, "the index of the runs is not kept: '" REGISTRY_FILE "': %s\n",
                registry->database ? sqlite3_errmsg(registry->database) : "no memory");
    close_database(registry);
    if (!try_open(registry, ":memory:"))
        BUG("SQLite cannot make a table");
}

static void registry_close(Registry *registry, Text *notes)
{
    if (sqlite3_exec(registry->database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        text_printf(notes, "the index of the runs is not kept: '" REGISTRY_FILE "': %s\n",
                    sqlite3_errmsg(registry->database));
    close_database(registry);
}

static bool get_record(Registry *registry, int64_t size, int64_t time, RunRecord *record)
{
    JsonObject *events[EVENTS];
    sqlite3_stmt *get = registry->get;
    list_events(record, events);
    sqlite3_bind_text(get, 1, record->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(get, 2, size);
    sqlite3_bind_int64(get, 3, time);
    bool found = sqlite3_step(get) == SQLITE_ROW;
    if (found) {
        record->model = arena_printf(registry->arena, "%s", (const char *)sqlite3_column_text(get, 0));
        record->damaged = sqlite3_column_int64(get, 1);
        record->damaged_line = sqlite3_column_int64(get, 2);
    }
    for (int i = 0; i < EVENTS && found; i++) {
        const char *json = (const char *)sqlite3_column_text(get, 3 + i);
        if (json)
            json_object_read(registry->reader, registry->arena, json, strlen(json), events[i]);
    }
    sqlite3_reset(get);
    return found && record->begin.json;
}

static void put_record(Registry *registry, int64_t size, int64_t time, RunRecord *record)
{
    JsonObject *events[EVENTS];
    sqlite3_stmt *put = registry->put;
    list_events(record, events);
    sqlite3_bind_text(put, 1, record->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 2, size);
    sqlite3_bind_int64(put, 3, time);
    sqlite3_bind_text(put, 4, record->model, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 5, record->damaged);
    sqlite3_bind_int64(put, 6, record->damaged_line);
    for (int i = 0; i < EVENTS; i++)
        sqlite3_bind_text(put, 7 + i, events[i]->json, -1, SQLITE_STATIC);
    sqlite3_step(put);
    sqlite3_reset(put);
}

/* One entry of runs/: a run, or something else. */
static void look_at(Registry *registry, const char *name, RunList *runs, Text *notes)
{
    int64_t size, time;
    CnnError error = {0};
    RunRecord record = {.name = arena_printf(registry->arena, "%s", name),
                        .path = arena_printf(registry->arena, RUNS "/%s", name)};
    if (*name == '.' || !run_record_stamp(registry->arena, record.path, &size, &time))
        return;
    if (get_record(registry, size, time, &record)) {
        run_record_judge(&record);
    } else if (run_record_read(registry->reader, registry->arena, record.path, &record, NULL, &error) ==
               CNN_OK) {
        put_record(registry, size, time, &record);
    } else {
        if (!cnn_run_folder_busy(record.path)) /* else it is about to begin */
            text_printf(notes, "%s\n", error.text);
        return;
    }
    if (record.damaged)
        text_printf(notes, "'%s/" RUN_EVENTS "': line %" PRId64 " is damaged%s\n", record.path,
                    record.damaged_line, record.damaged > 1 ? ", and others after it" : "");
    *vec_push(registry->arena, runs) = record;
}

static void drop_others(Registry *registry, const RunList *runs)
{
    VEC(const char *) gone = {0};
    while (sqlite3_step(registry->names) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(registry->names, 0);
        size_t i = 0;
        while (i < runs->count && strcmp(runs->items[i].name, name) != 0)
            i++;
        if (i == runs->count)
            *vec_push(registry->arena, &gone) = arena_printf(registry->arena, "%s", name);
    }
    sqlite3_reset(registry->names);
    for (size_t i = 0; i < gone.count; i++) {
        sqlite3_bind_text(registry->drop, 1, gone.items[i], -1, SQLITE_STATIC);
        sqlite3_step(registry->drop);
        sqlite3_reset(registry->drop);
    }
}

static int earlier_first(const void *a, const void *b)
{
    const RunRecord *x = a, *y = b;
    int order = strcmp(json_object_text(&x->begin, "time"), json_object_text(&y->begin, "time"));
    return order ? order : strverscmp(x->name, y->name);
}

CnnStatus registry_read(JsonReader *reader, Arena *arena, RunList *runs, Text *notes, CnnError *error)
{
    Registry registry = {.reader = reader, .arena = arena};
    *runs = (RunList){0};
    DIR *entries = opendir(RUNS);
    if (!entries)
        return errno == ENOENT ? CNN_OK
                               : cnn_fail(error, CNN_NO_RESOURCE, "cannot read the folder '" RUNS "': %s",
                                          strerror(errno));
    registry_open(&registry, notes);
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        look_at(&registry, entry->d_name, runs, notes);
    closedir(entries);
    drop_others(&registry, runs);
    registry_close(&registry, notes);
    if (runs->count)
        qsort(runs->items, runs->count, sizeof *runs->items, earlier_first);
    return CNN_OK;
}
