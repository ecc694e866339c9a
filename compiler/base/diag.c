/* The source map and the messages. A source's bytes have the positions [low, low + length); one more position
 * follows each source, so that the end of one file is not the beginning of the next. Position 0 is nowhere.
 */
#include "compiler/base/diag.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/base/utf8.h"
#include "compiler/base/vec.h"

enum { KEPT_MAX = 20, MESSAGE_MAX = 1000, SOURCE_COLUMNS = 100, TAB_COLUMNS = 4 };

typedef struct {
    const char *name, *text;
    size_t length;
    uint32_t low;
    VEC(uint32_t) lines; /* offsets of the lines' first bytes; made when first asked for */
} Source;

typedef enum { MESSAGE_ERROR, MESSAGE_WARNING, MESSAGE_NOTE } Severity;

typedef struct Message {
    Severity severity;
    Span at;
    int order;
    const char *slug, *hint, *text;
    struct Message *notes, **notes_end;
    struct Message *next; /* of a note */
} Message;

struct Diag {
    Arena *arena;
    VEC(Source *) sources;
    uint32_t end; /* first free position */
    VEC(Message *) kept;
    uint64_t *seen; /* hash table of the mistakes that were reported: their places and slugs */
    size_t seen_count, seen_capacity;
    Message *last; /* to which notes belong; NULL when the last message was dropped */
    int errors, warnings, errors_kept, warnings_kept, errors_told, warnings_told;
    bool show_slugs;
};

Diag *diag_new(Arena *arena)
{
    Diag *diag = NEW(arena, Diag);
    diag->arena = arena;
    diag->end = 1;
    diag->show_slugs = true;
    return diag;
}

/* ---- The source map ---- */

Span diag_add_source(Diag *diag, const char *name, const char *text, size_t length)
{
    if (length >= UINT32_MAX - diag->end) {
        diag_error(diag, (Span){0}, "file-too-large", "'%s': the sources together are larger than 4 GB",
                   name);
        return (Span){0};
    }
    Source *source = NEW(diag->arena, Source);
    source->name = arena_text(diag->arena, name, strlen(name));
    source->text = arena_text(diag->arena, text, length);
    source->length = length;
    source->low = diag->end;
    *vec_push(diag->arena, &diag->sources) = source;
    diag->end += (uint32_t)length + 1;
    return (Span){source->low, source->low + (uint32_t)length};
}

/* NULL for nowhere. */
static Source *source_at(const Diag *diag, uint32_t position)
{
    if (position == 0 || position >= diag->end)
        return NULL;
    size_t low = 0, high = diag->sources.count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (diag->sources.items[middle]->low <= position)
            low = middle;
        else
            high = middle;
    }
    return diag->sources.items[low];
}

/* A byte order mark is no part of the first line. */
static uint32_t source_front(const Source *source)
{
    return source->length >= 3 && memcmp(source->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/* The line (from 0) that holds byte `offset`. */
static size_t source_line(const Diag *diag, Source *source, uint32_t offset)
{
    if (source->lines.count == 0) {
        *vec_push(diag->arena, &source->lines) = source_front(source);
        for (size_t i = 0; i < source->length; i++)
            if (source->text[i] == '\n')
                *vec_push(diag->arena, &source->lines) = (uint32_t)i + 1;
    }
    size_t low = 0, high = source->lines.count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (source->lines.items[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Bytes of the next character; 1 for a byte that belongs to none. */
static size_t next_character(const char *bytes, size_t length, uint32_t *code)
{
    size_t count = utf8_decode(bytes, length, code);
    if (count == 0)
        *code = UINT32_MAX;
    return count ? count : 1;
}

Place diag_place(const Diag *diag, Span at)
{
    Source *source = source_at(diag, at.low);
    if (!source)
        return (Place){.file = NULL};
    uint32_t offset = at.low - source->low;
    size_t line = source_line(diag, source, offset);
    int column = 1;
    for (size_t i = source->lines.items[line]; i < offset; column++) {
        uint32_t code;
        i += next_character(source->text + i, source->length - i, &code);
    }
    return (Place){source->name, (int)line + 1, column};
}

const char *diag_where(const Diag *diag, Span at)
{
    Place place = diag_place(diag, at);
    return place.file ? arena_printf(diag->arena, "%s:%d:%d", place.file, place.line, place.column) : "";
}

const char *diag_source(const Diag *diag, Span at, size_t *length)
{
    const Source *source = source_at(diag, at.low);
    if (!source || at.high < at.low || at.high - source->low > source->length) {
        *length = 0;
        return "";
    }
    *length = at.high - at.low;
    return source->text + (at.low - source->low);
}

/* ---- Reporting ---- */

static Message *message_new(Diag *diag, Severity severity, Span at, const char *text)
{
    Message *message = NEW(diag->arena, Message);
    message->severity = severity;
    message->at = at;
    message->text = text;
    message->notes_end = &message->notes;
    return message;
}

static const char *format_list(Diag *diag, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = arena_alloc(diag->arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, list);
    return text;
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001B3u;
    return hash;
}

/* Whether the key is new; it is remembered. Two keys of 64 bits are taken as different mistakes. */
static bool remember(Diag *diag, uint64_t key)
{
    key |= 1; /* 0 marks a free slot */
    if (2 * diag->seen_count >= diag->seen_capacity) {
        size_t old = diag->seen_capacity;
        uint64_t *slots = diag->seen;
        diag->seen_capacity = old ? 2 * old : 64;
        diag->seen = NEW_ARRAY(diag->arena, uint64_t, diag->seen_capacity);
        diag->seen_count = 0;
        for (size_t i = 0; i < old; i++)
            if (slots[i])
                remember(diag, slots[i]);
    }
    size_t i = (key >> 1) & (diag->seen_capacity - 1);
    for (; diag->seen[i]; i = (i + 1) & (diag->seen_capacity - 1))
        if (diag->seen[i] == key)
            return false;
    diag->seen[i] = key;
    diag->seen_count++;
    return true;
}

/* The same mistake may be found again and again, as in the expansions of a block, so a repeat costs no
 * memory. Where there is no place, the text tells what is a repeat. */
static void report(Diag *diag, Severity severity, Span at, const char *slug, const char *hint,
                   const char *format, va_list list)
{
    diag->last = NULL;
    uint64_t key = hash_bytes(0xCBF29CE484222325u + (uint64_t)severity, &at, sizeof at);
    key = hash_bytes(key, slug, strlen(slug));
    const char *text = at.low ? NULL : format_list(diag, format, list);
    if (!remember(diag, text ? hash_bytes(key, text, strlen(text)) : key))
        return;
    int *count = severity == MESSAGE_ERROR ? &diag->errors : &diag->warnings;
    int *kept = severity == MESSAGE_ERROR ? &diag->errors_kept : &diag->warnings_kept;
    if (*count < INT_MAX)
        ++*count;
    if (*kept == KEPT_MAX)
        return;
    ++*kept;
    Message *message = message_new(diag, severity, at, text ? text : format_list(diag, format, list));
    message->slug = slug;
    message->hint = hint ? arena_text(diag->arena, hint, strlen(hint)) : NULL;
    message->order = (int)diag->kept.count;
    *vec_push(diag->arena, &diag->kept) = message;
    diag->last = message;
}

void diag_error(Diag *diag, Span at, const char *slug, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    report(diag, MESSAGE_ERROR, at, slug, NULL, format, list);
    va_end(list);
}

void diag_error_hint(Diag *diag, Span at, const char *slug, const char *hint, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    report(diag, MESSAGE_ERROR, at, slug, hint, format, list);
    va_end(list);
}

void diag_warning(Diag *diag, Span at, const char *slug, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    report(diag, MESSAGE_WARNING, at, slug, NULL, format, list);
    va_end(list);
}

void diag_note(Diag *diag, Span at, const char *format, ...)
{
    if (!diag->last)
        return;
    va_list list;
    va_start(list, format);
    Message *note = message_new(diag, MESSAGE_NOTE, at, format_list(diag, format, list));
    va_end(list);
    *diag->last->notes_end = note;
    diag->last->notes_end = &note->next;
}

int diag_errors(const Diag *diag)
{
    return diag->errors;
}

int diag_warnings(const Diag *diag)
{
    return diag->warnings;
}

const char *diag_slug(const Diag *diag, int index)
{
    return index >= 0 && (size_t)index < diag->kept.count ? diag->kept.items[index]->slug : NULL;
}

const char *diag_first_error(const Diag *diag)
{
    for (size_t i = 0; i < diag->kept.count; i++)
        if (diag->kept.items[i]->severity == MESSAGE_ERROR)
            return diag->kept.items[i]->text;
    return NULL;
}

void diag_show_slugs(Diag *diag, bool show)
{
    diag->show_slugs = show;
}

/* ---- Printing ---- */

/* Characters that would move the cursor, change the terminal's state or turn the direction of the text. */
static bool must_be_escaped(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

/* The wide blocks of Unicode's EastAsianWidth.txt and the emoji, and the commonest combining marks. */
static int character_columns(uint32_t code)
{
    if (code >= 0x300 && code <= 0x36F)
        return 0;
    bool wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
                (code >= 0x1F300 && code <= 0x1FAFF) || (code >= 0x20000 && code <= 0x3FFFD);
    return wide ? 2 : 1;
}

/* Adds one character as it is shown at `column`; returns its columns. `count` are its bytes. */
static int append_character(Text *out, const char *bytes, size_t count, uint32_t code, int column)
{
    size_t before = out->length;
    if (code == '\t') {
        int columns = TAB_COLUMNS - column % TAB_COLUMNS;
        text_printf(out, "%*s", columns, "");
        return columns;
    }
    if (code == '\n')
        text_printf(out, "\\n");
    else if (code == UINT32_MAX || code < 0x80) {
        if (code != UINT32_MAX && !must_be_escaped(code))
            text_append(out, bytes, count);
        else
            text_printf(out, "\\x%02x", (unsigned char)bytes[0]);
    } else if (must_be_escaped(code)) {
        text_printf(out, "\\u%04x", (unsigned)code);
    } else {
        text_append(out, bytes, count);
        return character_columns(code);
    }
    return (int)(out->length - before);
}

/* A message with control characters escaped, cut where a hostile name would make it endless. */
static void append_escaped(Text *out, const char *bytes)
{
    size_t length = strlen(bytes);
    for (size_t i = 0, column = 0; i < length; column++) {
        if (column == MESSAGE_MAX) {
            text_printf(out, "...");
            return;
        }
        uint32_t code;
        size_t count = next_character(bytes + i, length - i, &code);
        append_character(out, bytes + i, count, code, 0);
        i += count;
    }
}

/* Where a line and the carets below it are cut to SOURCE_COLUMNS; bytes of the source. */
typedef struct {
    size_t begin, end;
    bool cut_left, cut_right;
} Window;

/* About SOURCE_COLUMNS characters of [line_begin, line_end) around `caret`. */
static Window window_around(const char *text, size_t line_begin, size_t line_end, size_t caret)
{
    Window window = {line_begin, line_end, false, false};
    uint32_t code;
    size_t characters = 0;
    for (size_t i = line_begin; i < line_end && characters <= SOURCE_COLUMNS; characters++)
        i += next_character(text + i, line_end - i, &code);
    if (characters <= SOURCE_COLUMNS)
        return window;
    for (int i = 0; i < SOURCE_COLUMNS / 3 && caret > line_begin;
         i++) { /* a third of the window is to the left */
        caret--;
        for (int bytes = 1; bytes < 4 && caret > line_begin && ((unsigned char)text[caret] & 0xC0) == 0x80;
             bytes++)
            caret--;
    }
    window.begin = caret;
    window.cut_left = caret > line_begin;
    for (int i = 0; i < SOURCE_COLUMNS && caret < line_end; i++)
        caret += next_character(text + caret, line_end - caret, &code);
    window.end = caret;
    window.cut_right = caret < line_end;
    return window;
}

/* The source line with its number and the carets below. */
static void append_excerpt(const Diag *diag, Text *out, Span at, const char *hint)
{
    Source *source = source_at(diag, at.low);
    size_t low = at.low - source->low, high = at.high > at.low ? at.high - source->low : low;
    size_t line = source_line(diag, source, (uint32_t)low);
    size_t begin = source->lines.items[line];
    size_t end = line + 1 < source->lines.count ? source->lines.items[line + 1] - 1 : source->length;
    if (end > begin && source->text[end - 1] == '\r')
        end--;
    Window window = window_around(source->text, begin, end, low < end ? low : end);
    int digits = snprintf(NULL, 0, "%zu", line + 1);
    int gutter = digits > 3 ? digits : 3;
    Text carets = {.arena = diag->arena};
    text_printf(out, "%*zu | %s", gutter, line + 1, window.cut_left ? "..." : "");
    text_printf(&carets, "%*s | %s", gutter, "", window.cut_left ? "   " : "");
    int column = 0, marked = 0;
    for (size_t i = window.begin; i < window.end;) {
        uint32_t code;
        size_t count = next_character(source->text + i, window.end - i, &code);
        int columns = append_character(out, source->text + i, count, code, column);
        bool inside = i >= low && i < high;
        if (inside || i < low)
            for (int c = 0; c < columns; c++, marked += inside)
                text_append(&carets, inside ? "^" : " ", 1);
        column += columns;
        i += count;
    }
    text_printf(out, "%s\n", window.cut_right ? "..." : "");
    text_printf(&carets, "%s%s", marked ? "" : "^", hint ? " " : "");
    text_append(out, text_string(&carets), carets.length);
    if (hint)
        append_escaped(out, hint);
    text_printf(out, "\n");
}

static void append_message(const Diag *diag, Text *out, const Message *message)
{
    static const char *const severities[] = {"error", "warning", "note"};
    Place place = diag_place(diag, message->at);
    append_escaped(out, place.file ? place.file : "cnnc");
    if (place.file)
        text_printf(out, ":%d:%d", place.line, place.column);
    text_printf(out, ": %s: ", severities[message->severity]);
    append_escaped(out, message->text);
    if (message->hint && !place.file) {
        text_printf(out, "; ");
        append_escaped(out, message->hint);
    }
    if (message->slug && diag->show_slugs)
        text_printf(out, " [%s]", message->slug);
    text_printf(out, "\n");
    if (place.file)
        append_excerpt(diag, out, message->at, message->hint);
    for (const Message *note = message->notes; note; note = note->next)
        append_message(diag, out, note);
}

static int compare_messages(const void *left, const void *right)
{
    const Message *a = *(Message *const *)left, *b = *(Message *const *)right;
    if (a->at.low != b->at.low)
        return a->at.low < b->at.low ? -1 : 1;
    return a->order - b->order;
}

/* Those beyond KEPT_MAX, which were only counted, and not told by an earlier print. */
static void append_count(Text *out, int more, int *told, const char *what)
{
    if (more > *told)
        text_printf(out, "cnnc: %d more %s%s\n", more - *told, what, more - *told == 1 ? "" : "s");
    *told = more;
}

void diag_print(Diag *diag, FILE *out)
{
    Text text = {.arena = diag->arena};
    if (diag->kept.count)
        qsort(diag->kept.items, diag->kept.count, sizeof *diag->kept.items, compare_messages);
    for (size_t i = 0; i < diag->kept.count; i++)
        append_message(diag, &text, diag->kept.items[i]);
    append_count(&text, diag->errors - diag->errors_kept, &diag->errors_told, "error");
    append_count(&text, diag->warnings - diag->warnings_kept, &diag->warnings_told, "warning");
    fwrite(text_string(&text), 1, text.length, out);
    diag->kept.count = 0;
    diag->last = NULL;
}
