/* Fields and arguments as text: what a field takes, for messages; arguments as the language writes them. */
#include "compiler/check/bind.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Limits beyond this are there to keep arithmetic safe and tell a reader nothing. */
static const double TELLING_LIMIT = 1e9;

static const char *limit_text(Arena *arena, const Field *field, double limit)
{
    if (field->kind == FIELD_SHARE)
        return arena_printf(arena, "%s%%", real_text(arena, round(limit * 1e10) / 1e8));
    return fabs(limit) < 1e15 && limit == floor(limit) ? arena_printf(arena, "%.0f", limit)
                                                       : real_text(arena, limit);
}

/* Limits this near to 0 and to 1 stand for open ends. */
static const double ABOVE_ZERO = 1e-12, BELOW_ONE = 0.9999;

static const char *range_text(Arena *arena, const Field *field)
{
    if (field->least >= field->most)
        return "";
    Text out = {.arena = arena};
    bool low = field->least > -TELLING_LIMIT, high = field->most < TELLING_LIMIT;
    bool above = field->least > 0 && field->least <= ABOVE_ZERO,
         below = field->most < 1 && field->most > BELOW_ONE;
    const char *least = limit_text(arena, field, field->least), *most = limit_text(arena, field, field->most);
    if (low && high && !above && !below)
        text_printf(&out, " from %s to %s", least, most);
    else if (low)
        text_printf(&out, above ? " above 0" : " of at least %s", least);
    if (below)
        text_printf(&out, "%s below %s", low ? " and" : "", limit_text(arena, field, 1));
    else if (high && (above || !low))
        text_printf(&out, "%s of at most %s", low ? " and" : "", most);
    return text_string(&out);
}

/* "a, b or c" */
static const char *words_text(Arena *arena, const char *words)
{
    Text out = {.arena = arena};
    char word[48], next[48];
    words_get(words, 0, word, sizeof word);
    for (int i = 1; word[0]; i++) {
        words_get(words, i, next, sizeof next);
        text_printf(&out, "%s%s", out.length == 0 ? "" : next[0] ? ", " : " or ", word);
        memcpy(word, next, sizeof word);
    }
    return text_string(&out);
}

const char *field_expected(Arena *arena, const Field *field)
{
    const char *range = range_text(arena, field);
    switch (field->kind) {
    case FIELD_INTEGER:
        return arena_printf(arena, "an integer%s", range);
    case FIELD_REAL:
        return arena_printf(arena, "a number%s", range);
    case FIELD_SHARE:
        return arena_printf(arena, "a share%s", *range ? range : ", as 25% or 0.25");
    case FIELD_ANGLE:
        return arena_printf(arena, "an angle, as 20deg%s%s", *range ? "," : "", range);
    case FIELD_BOOLEAN:
        return "true or false";
    case FIELD_TEXT:
        return arena_printf(arena, "%s%sa text in quotes",
                            field->words ? words_text(arena, field->words) : "", field->words ? " or " : "");
    case FIELD_WORD:
        return words_text(arena, field->words);
    case FIELD_DIMS:
        return arena_printf(arena, "dims, as 28x28x1%s%s", *range ? ", each" : "", range);
    case FIELD_WINDOW:
        return arena_printf(arena, "a number or HEIGHTxWIDTH%s%s", *range ? ", each" : "", range);
    case FIELD_RANGE:
        return arena_printf(arena, "a range, as 0.8..1.2%s%s", *range ? "," : "", range);
    case FIELD_REALS:
        return arena_printf(arena, "%s%sa list of numbers%s",
                            field->words ? words_text(arena, field->words) : "", field->words ? " or " : "",
                            range);
    case FIELD_NAMES:
        return field->words ? words_text(arena, field->words) : "names";
    case FIELD_VALUES:
        return "named values of the network";
    case FIELD_DURATION:
        return "a time, as 5 epochs, 100 steps or 2 min";
    case FIELD_LENGTH:
        return arena_printf(arena, "pixels or a share, as 4px or 20%%%s%s", *range ? "," : "", range);
    case FIELD_AMOUNT:
        return arena_printf(arena, "a number or a share, as 50 or 95%%%s%s", *range ? "," : "", range);
    case FIELD_PADDING:
        return "valid, same, a number of pixels, or [top, bottom, left, right]";
    }
    return "";
}

static void print_dims(const Dims *dims, Text *out)
{
    if (dims->count == 1) {
        text_printf(out, "%" PRId64, dims->value[0]);
        return;
    }
    for (int i = 0; i < dims->count; i++)
        text_printf(out, "%s%" PRId64, i ? "x" : "", dims->value[i]);
}

/* A real that cannot be read as an integer. */
static const char *range_end_text(Arena *arena, double value)
{
    return value == floor(value) && fabs(value) < 1e15 ? arena_printf(arena, "%.0f", value)
                                                       : real_text(arena, value);
}

static void print_duration(const Duration *duration, Text *out)
{
    static const char *const units[] = {
        [UNIT_EPOCHS] = "epochs", [UNIT_STEPS] = "steps", [UNIT_SECONDS] = "s"};
    text_printf(out, "%s %s", real_text(out->arena, duration->value), units[duration->unit]);
}

static void print_padding(const Padding *padding, Text *out)
{
    if (padding->mode == PADDING_EXPLICIT)
        text_printf(out, "[%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "]", padding->top,
                    padding->bottom, padding->left, padding->right);
    else
        text_printf(out, padding->mode == PADDING_VALID ? "valid" : "same");
}

static bool print_reals(const Field *field, const Reals *reals, Text *out)
{
    if (reals->count < 0) {
        char word[48];
        words_get(field->words, -1 - reals->count, word, sizeof word);
        text_printf(out, "%s", word);
        return true;
    }
    if (!reals->value)
        return false;
    text_printf(out, "[");
    for (int i = 0; i < reals->count; i++)
        text_printf(out, "%s%s", i ? ", " : "", real_text(out->arena, reals->value[i]));
    text_printf(out, "]");
    return true;
}

/* The fields whose zeroed bytes cannot be told from a value are absent when they are zero and may be. */
static bool is_absent(const Field *field, const void *slot)
{
    static const char zeros[sizeof(Padding)];
    return field->preset && !*field->preset && field_bytes(field->kind) <= sizeof zeros &&
           memcmp(slot, zeros, field_bytes(field->kind)) == 0;
}

bool field_print(const Field *field, const void *slot, Text *out)
{
    char word[48];
    if (is_absent(field, slot))
        return false;
    switch (field->kind) {
    case FIELD_INTEGER:
        text_printf(out, "%" PRId64, *(const int64_t *)slot);
        return true;
    case FIELD_REAL:
        text_printf(out, "%s", real_text(out->arena, *(const double *)slot));
        return true;
    case FIELD_SHARE:
        text_printf(out, "%s", real_text(out->arena, *(const double *)slot));
        return true;
    case FIELD_ANGLE:
        text_printf(out, "%sdeg", real_text(out->arena, *(const double *)slot));
        return true;
    case FIELD_BOOLEAN:
        text_printf(out, *(const bool *)slot ? "true" : "false");
        return true;
    case FIELD_TEXT: {
        const char *text = *(const char *const *)slot;
        if (text)
            text_printf(out, "%s", quoted_text(out->arena, text, SIZE_MAX));
        return text != NULL;
    }
    case FIELD_WORD:
        words_get(field->words, *(const int *)slot, word, sizeof word);
        text_printf(out, "%s", word);
        return true;
    case FIELD_DIMS:
    case FIELD_WINDOW:
        print_dims(slot, out);
        return ((const Dims *)slot)->count > 0;
    case FIELD_RANGE:
        text_printf(out, "%s..%s", range_end_text(out->arena, ((const Range *)slot)->low),
                    range_end_text(out->arena, ((const Range *)slot)->high));
        return true;
    case FIELD_REALS:
        return print_reals(field, slot, out);
    case FIELD_NAMES: {
        const Names *names = slot;
        for (int i = 0; i < names->count; i++)
            text_printf(out, "%s%s", i ? ", " : "", names->value[i]);
        return names->count > 0;
    }
    case FIELD_VALUES: /* their names are not kept */
        return false;
    case FIELD_DURATION:
        print_duration(slot, out);
        return true;
    case FIELD_LENGTH: {
        const Length *length = slot;
        text_printf(out, "%s%s", real_text(out->arena, length->share ? 100 * length->value : length->value),
                    length->share ? "%" : "px");
        return true;
    }
    case FIELD_AMOUNT: {
        const Amount *amount = slot;
        text_printf(out, "%s%s", real_text(out->arena, amount->share ? 100 * amount->value : amount->value),
                    amount->share ? "%" : "");
        return true;
    }
    case FIELD_PADDING:
        print_padding(slot, out);
        return true;
    }
    return false;
}

void args_print(const char *shown, const Schema *schema, const void *args, Text *out)
{
    text_printf(out, "%s", shown);
    const char *separator = strchr(shown, ' ') ? ", " : " ";
    for (const Field *field = schema->fields; field->name; field++) {
        Text value = {.arena = out->arena};
        if (!field_print(field, (const char *)args + field->offset, &value))
            continue;
        bool by_position = field->kind == FIELD_NAMES;
        text_printf(out, "%s%s%s%s", separator, by_position ? "" : field->name, by_position ? "" : "=",
                    text_string(&value));
        separator = ", ";
    }
}
