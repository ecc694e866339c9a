/* Reading objects of JSON that have no others in them, such as the lines of events.jsonl: SQLite parses. */
#ifndef JSON_OBJECT_H
#define JSON_OBJECT_H

#include <stdbool.h>

#include "compiler/base/vec.h"

typedef struct JsonReader JsonReader;

typedef struct {
    const char *key, *text; /* text: the value, of a string without its quotes */
    double number;          /* NAN where it is none; of true and false 1 and 0 */
} JsonPair;

typedef struct {
    const char *json; /* NULL: no object */
    int count;
    const JsonPair *pairs; /* in their order; those that are null are left out */
} JsonObject;

typedef VEC(JsonObject) JsonObjects;

JsonReader *json_reader_open(void);
void json_reader_close(JsonReader *reader);

/** Reads one object into the arena; false: the text is none, and *object has no pairs. */
bool json_object_read(JsonReader *reader, Arena *arena, const char *text, size_t length, JsonObject *object);

/** NAN: it has no number of this name. */
double json_object_number(const JsonObject *object, const char *key);
/** "": it has nothing of this name. */
const char *json_object_text(const JsonObject *object, const char *key);

#endif
