/* Looking statements up, and the defaults of those that were not written. The presets are text of the
 * language; the small reader here takes the subset that they use, so that the runtime needs no parser. A
 * preset that it cannot read is a mistake in a table, found by the test that reads all of them. */
#include "runtime/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const CnnStatement *recipe_find(CnnStatements list, const Schema *schema)
{
    for (int i = list.count - 1; i >= 0; i--)
        if (list.items[i].schema == schema)
            return &list.items[i];
    return NULL;
}

const void *recipe_args(CnnStatements list, const Schema *schema, void *defaults)
{
    const CnnStatement *statement = recipe_find(list, schema);
    if (statement)
        return statement->args;
    schema_defaults(schema, defaults);
    return defaults;
}

_Noreturn static void preset_bug(const Schema *schema, const Field *field)
{
    fprintf(stderr, "bug: preset '%s' of '%s %s=' cannot be read\n", field->preset, schema->word,
            field->name);
    abort();
}

/* Reads a number and what follows it; a '%' divides it by 100. */
static double preset_number(const char **at)
{
    char *end;
    double value = strtod(*at, &end);
    if (*end == '%') {
        value /= 100;
        end++;
    }
    *at = end;
    return value;
}

static bool preset_duration(const char *text, Duration *out)
{
    static const struct {
        const char *unit;
        DurationUnit kind;
        double factor;
    } units[] = {{"epoch", UNIT_EPOCHS, 1}, {"epochs", UNIT_EPOCHS, 1}, {"step", UNIT_STEPS, 1},
                 {"steps", UNIT_STEPS, 1},  {"s", UNIT_SECONDS, 1},     {"min", UNIT_SECONDS, 60},
                 {"h", UNIT_SECONDS, 3600}};
    out->value = preset_number(&text);
    text += strspn(text, " ");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text, units[i].unit) == 0) {
            out->unit = units[i].kind;
            out->value *= units[i].factor;
            return true;
        }
    return false;
}

static bool preset_padding(const char *text, Padding *out)
{
    *out = (Padding){.mode = PADDING_EXPLICIT};
    if (strcmp(text, "valid") == 0 || strcmp(text, "same") == 0) {
        out->mode = *text == 'v' ? PADDING_VALID : PADDING_SAME;
        return true;
    }
    char *end;
    int64_t pixels = strtoll(text, &end, 10);
    out->top = out->bottom = out->left = out->right = pixels;
    return end != text && *end == '\0';
}

static bool preset_range(const char *text, Range *out)
{
    const char *dots = strstr(text, "..");
    char low[32];
    if (!dots || (size_t)(dots - text) >= sizeof low)
        return false;
    memcpy(low, text, (size_t)(dots - text)); /* alone, as strtod would take the first of the dots */
    low[dots - text] = '\0';
    const char *at = low;
    out->low = preset_number(&at);
    text = dots + 2;
    out->high = preset_number(&text);
    return *at == '\0' && *text == '\0';
}

static bool preset_length(const char *text, Length *out)
{
    out->share = strchr(text, '%') != NULL;
    out->value = preset_number(&text);
    return *text == '\0' || strcmp(text, "px") == 0;
}

/* Reads the preset of one field into `value`. false: not of its form. */
static bool preset_read(const Field *field, void *value)
{
    const char *text = field->preset;
    char *end;
    switch (field->kind) {
    case FIELD_INTEGER:
        *(int64_t *)value = strtoll(text, &end, 10);
        return *end == '\0';
    case FIELD_REAL:
    case FIELD_SHARE:
        *(double *)value = preset_number(&text);
        return *text == '\0';
    case FIELD_ANGLE:
        *(double *)value = preset_number(&text);
        return strcmp(text, "deg") == 0;
    case FIELD_BOOLEAN:
        *(bool *)value = strcmp(text, "true") == 0;
        return *(bool *)value || strcmp(text, "false") == 0;
    case FIELD_WORD:
        *(int *)value = words_find(field->words, text);
        return *(int *)value >= 0;
    case FIELD_DURATION:
        return preset_duration(text, value);
    case FIELD_LENGTH:
        return preset_length(text, value);
    case FIELD_RANGE:
        return preset_range(text, value);
    case FIELD_PADDING:
        return preset_padding(text, value);
    case FIELD_TEXT:
        *(const char **)value = text;
        return true;
    case FIELD_AMOUNT:
    case FIELD_DIMS:
    case FIELD_WINDOW:
    case FIELD_REALS:
    case FIELD_NAMES:
    case FIELD_VALUES:
        return false;
    }
    return false;
}

void schema_defaults(const Schema *schema, void *args)
{
    if (schema->args_bytes)
        memset(args, 0, schema->args_bytes);
    for (const Field *field = schema->fields; field->name; field++)
        if (field->preset && *field->preset && !preset_read(field, (char *)args + field->offset))
            preset_bug(schema, field);
}
