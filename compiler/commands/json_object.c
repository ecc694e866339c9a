#include "compiler/commands/json_object.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"

struct JsonReader {
    sqlite3 *database;
    sqlite3_stmt *each;
};

JsonReader *json_reader_open(void)
{
    static const char each[] = "SELECT key, type, value FROM json_each(?1)";
    JsonReader *reader = calloc(1, sizeof *reader);
    if (!reader || sqlite3_open(":memory:", &reader->database) != SQLITE_OK ||
        sqlite3_prepare_v2(reader->database, each, -1, &reader->each, NULL) != SQLITE_OK)
        BUG("SQLite cannot read JSON");
    return reader;
}

void json_reader_close(JsonReader *reader)
{
    sqlite3_finalize(reader->each);
    sqlite3_close(reader->database);
    free(reader);
}

static const char *column_text(Arena *arena, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return arena_text(arena, text ? text : "", text ? strlen(text) : 0);
}

static double column_number(sqlite3_stmt *row, const char *type)
{
    if (strcmp(type, "integer") == 0 || strcmp(type, "real") == 0)
        return sqlite3_column_double(row, 2);
    return strcmp(type, "true") == 0 ? 1 : strcmp(type, "false") == 0 ? 0 : NAN;
}

bool json_object_read(JsonReader *reader, Arena *arena, const char *text, size_t length, JsonObject *object)
{
    VEC(JsonPair) pairs = {0};
    int step = SQLITE_ERROR;
    *object = (JsonObject){0};
    if (length == 0 || *text != '{' || memchr(text, '\0', length))
        return false;
    sqlite3_bind_text64(reader->each, 1, text, length, SQLITE_STATIC, SQLITE_UTF8);
    while ((step = sqlite3_step(reader->each)) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(reader->each, 1);
        if (strcmp(type, "null") == 0)
            continue;
        *vec_push(arena, &pairs) =
            (JsonPair){column_text(arena, reader->each, 0), column_text(arena, reader->each, 2),
                       column_number(reader->each, type)};
    }
    sqlite3_reset(reader->each);
    if (step != SQLITE_DONE)
        return false;
    *object = (JsonObject){arena_text(arena, text, length), (int)pairs.count, pairs.items};
    return true;
}

static const JsonPair *find(const JsonObject *object, const char *key)
{
    for (int i = 0; i < object->count; i++)
        if (strcmp(object->pairs[i].key, key) == 0)
            return &object->pairs[i];
    return NULL;
}

double json_object_number(const JsonObject *object, const char *key)
{
    const JsonPair *pair = find(object, key);
    return pair ? pair->number : NAN;
}

const char *json_object_text(const JsonObject *object, const char *key)
{
    const JsonPair *pair = find(object, key);
    return pair ? pair->text : "";
}
