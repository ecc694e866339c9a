/* Values as text. */
#include "compiler/check/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 60, SHOWN_ITEMS = 8 };

const char *unit_text(AstUnit unit)
{
    static const char *const texts[] = {
        [AST_UNIT_NONE] = "",     [AST_PERCENT] = "%",    [AST_DEGREES] = "deg", [AST_PIXELS] = "px",
        [AST_EPOCHS] = " epochs", [AST_STEPS] = " steps", [AST_SECONDS] = " s",  [AST_MINUTES] = " min",
        [AST_HOURS] = " h",       [AST_BYTES] = " B",     [AST_KIB] = " KiB",    [AST_MIB] = " MiB",
        [AST_GIB] = " GiB",
    };
    return texts[unit];
}

const char *real_text(Arena *arena, double real)
{
    char digits[40];
    for (int precision = 6; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, real);
        if (strtod(digits, NULL) == real)
            break;
    }
    return arena_text(arena, digits, strlen(digits));
}

const char *quoted_text(Arena *arena, const char *text, size_t most)
{
    Text out = {.arena = arena};
    size_t length = strlen(text);
    text_append(&out, "\"", 1);
    for (size_t i = 0; i < length && i < most; i++) {
        if (text[i] == '\n')
            text_append(&out, "\\n", 2);
        else if (text[i] == '\t')
            text_append(&out, "\\t", 2);
        else if (text[i] == '"' || text[i] == '\\')
            text_printf(&out, "\\%c", text[i]);
        else
            text_append(&out, text + i, 1);
    }
    text_printf(&out, length > most ? "…\"" : "\"");
    return text_string(&out);
}

static const char *list_text(Arena *arena, const Value *value)
{
    Text out = {.arena = arena};
    text_append(&out, "[", 1);
    for (int i = 0; i < value->count && i < SHOWN_ITEMS; i++)
        text_printf(&out, "%s%s", i ? ", " : "", value_text(arena, &value->items[i]));
    text_printf(&out, value->count > SHOWN_ITEMS ? ", …]" : "]");
    return text_string(&out);
}

const char *value_text(Arena *arena, const Value *value)
{
    switch (value->kind) {
    case VALUE_INTEGER:
        return arena_printf(arena, "%" PRId64, value->integer);
    case VALUE_REAL: {
        const char *text = real_text(arena, value->real);
        return strpbrk(text, ".en") ? text : arena_printf(arena, "%s.0", text);
    }
    case VALUE_QUANTITY:
        return arena_printf(arena, "%s%s", real_text(arena, value->real), unit_text(value->unit));
    case VALUE_BOOLEAN:
        return value->boolean ? "true" : "false";
    case VALUE_TEXT:
        return quoted_text(arena, value->text, SHOWN_BYTES);
    case VALUE_WORD:
        return arena_printf(arena, "'%.*s'", SHOWN_BYTES, value->text);
    case VALUE_LIST:
        return list_text(arena, value);
    case VALUE_RANGE:
        return arena_printf(arena, "%s..%s", value_text(arena, &value->items[0]),
                            value_text(arena, &value->items[1]));
    case VALUE_TENSOR:
        return "a value of the network";
    case VALUE_POISON:
        break;
    }
    return "a mistake";
}

const char *value_kind(const Value *value)
{
    static const char *const kinds[] = {
        [VALUE_POISON] = "a mistake",      [VALUE_INTEGER] = "an integer",
        [VALUE_REAL] = "a number",         [VALUE_QUANTITY] = "a quantity",
        [VALUE_BOOLEAN] = "true or false", [VALUE_TEXT] = "a text",
        [VALUE_WORD] = "a word",           [VALUE_LIST] = "a list",
        [VALUE_RANGE] = "a range",         [VALUE_TENSOR] = "a value of the network",
    };
    return kinds[value->kind];
}

bool value_number(const Value *value, double *out)
{
    if (value->kind == VALUE_INTEGER)
        *out = (double)value->integer;
    else if (value->kind == VALUE_REAL)
        *out = value->real;
    else
        return false;
    return true;
}
