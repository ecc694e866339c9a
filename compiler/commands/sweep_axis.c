#include "compiler/commands/sweep_axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/train_args.h"

enum { RANGE_MOST = 1000 };

/* The bytes up to the next comma outside of quotes and brackets. */
static size_t item_length(const char *text)
{
    bool quoted = false;
    int depth = 0;
    size_t at = 0;
    for (; text[at] && (quoted || depth > 0 || text[at] != ','); at++) {
        if (text[at] == '"')
            quoted = !quoted;
        else if (!quoted && strchr("([{", text[at]))
            depth++;
        else if (!quoted && strchr(")]}", text[at]))
            depth--;
    }
    return at;
}

static const char *item_text(Arena *arena, const char *text, size_t length)
{
    while (length > 0 && *text == ' ')
        text++, length--;
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return arena_text(arena, text, length);
}

/* ---- Ranges ---- */

/* A colon outside of quotes, which nothing in the language has. */
static const char *find_colon(const char *item)
{
    bool quoted = false;
    for (; *item; item++) {
        quoted ^= *item == '"';
        if (*item == ':' && !quoted)
            return item;
    }
    return NULL;
}

static bool is_whole(const char *number)
{
    return !number[strspn(number, "+-0123456789")];
}

/* A number, and what is written behind it; NULL: it is none. */
static const char *number_unit(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end == text || !isfinite(*number) ? NULL : end;
}

static CnnStatus range_ends(Arena *arena, const char *item, const char *dots, const char *colon,
                            SweepRange *range)
{
    CnnError unused = {0};
    range->first = item_text(arena, item, (size_t)(dots - item));
    range->last = item_text(arena, dots + 2, (size_t)(colon - dots - 2));
    const char *first = number_unit(range->first, &range->low),
               *last = number_unit(range->last, &range->high);
    if (!first || !last || strcmp(first, last) != 0)
        return cnn_fail(&unused, CNN_BAD_USAGE, "no range");
    range->unit = first;
    range->whole = !*first && is_whole(range->first) && is_whole(range->last);
    return CNN_OK;
}

/* Of "log", "log:5". *count 0: none is given. */
static CnnStatus range_form(const char *form, bool *logarithmic, int *count)
{
    CnnError unused = {0};
    size_t word = strcspn(form, ":");
    char *end;
    *logarithmic = word == 3 && strncmp(form, "log", word) == 0;
    *count = 0;
    if (!*logarithmic && !(word == 6 && strncmp(form, "linear", word) == 0))
        return cnn_fail(&unused, CNN_BAD_USAGE, "no form");
    if (!form[word])
        return CNN_OK;
    long number = strtol(form + word + 1, &end, 10);
    if (end == form + word + 1 || *end || number < 2 || number > RANGE_MOST)
        return cnn_fail(&unused, CNN_BAD_USAGE, "no count");
    *count = (int)number;
    return CNN_OK;
}

/* The ends as they are written, all else with as many digits as a person would write. */
static const char *range_value(Arena *arena, const SweepRange *range, double place)
{
    if (place <= 0 || place >= 1)
        return place <= 0 ? range->first : range->last;
    double value = range->logarithmic ? range->low * pow(range->high / range->low, place)
                                      : range->low + (range->high - range->low) * place;
    return range->whole ? arena_printf(arena, "%.0f", value)
                        : arena_printf(arena, "%.4g%s", value, range->unit);
}

static CnnStatus range_fail(const SweepAxis *axis, const char *item, CnnError *error, const char *why)
{
    return cnn_fail(error, CNN_BAD_USAGE, "%s %s: '%s' %s", axis->flag, axis->name, item, why);
}

static CnnStatus range_read(Arena *arena, const char *item, bool random, SweepAxis *axis, CnnError *error)
{
    SweepRange range = {0};
    int count = 0;
    const char *colon = find_colon(item), *dots = strstr(item, "..");
    if (!dots || dots > colon || range_ends(arena, item, dots, colon, &range) != CNN_OK ||
        range_form(colon + 1, &range.logarithmic, &count) != CNN_OK)
        return range_fail(axis, item, error,
                          "is no range: A..B:linear:N or A..B:log:N, where N is from 2 to 1000");
    if (range.low == range.high)
        return range_fail(axis, item, error, "begins and ends at the same value");
    if (range.logarithmic && (range.low <= 0 || range.high <= 0))
        return range_fail(axis, item, error, "is not above 0: a logarithmic range must be");
    axis->logarithmic |= range.logarithmic;
    if (count == 0 && !random)
        return range_fail(axis, item, error, "has no number of values: add :N, or draw some with --random N");
    if (count == 0) {
        axis->open = true;
        axis->range = range;
    }
    for (int i = 0; i < count; i++)
        *vec_push(arena, &axis->values) = range_value(arena, &range, (double)i / (count - 1));
    return CNN_OK;
}

/* ---- Axes ---- */

/* What is measured is nothing that a sweep varies: "top5,f1" is one value. */
static bool is_metrics(const SweepAxis *axis)
{
    return strcmp(axis->flag, "--set") == 0 && strncmp(axis->name, "train.", 6) == 0 &&
           strcmp(axis->name + 6, metrics_schema.word) == 0;
}

static bool same_value(const char *a, const char *b)
{
    double x, y;
    const char *a_unit = number_unit(a, &x), *b_unit = number_unit(b, &y);
    return a_unit && b_unit ? x == y && strcmp(a_unit, b_unit) == 0 : strcmp(a, b) == 0;
}

static CnnStatus check_values(const SweepAxis *axis, CnnError *error)
{
    for (size_t i = 0; i < axis->values.count; i++)
        for (size_t k = 0; k < i; k++)
            if (same_value(axis->values.items[i], axis->values.items[k]))
                return cnn_fail(error, CNN_BAD_USAGE, "%s %s: the value '%s' stands twice", axis->flag,
                                axis->name, axis->values.items[i]);
    return CNN_OK;
}

CnnStatus sweep_axis_read(Arena *arena, const char *flag, const char *text, bool random, SweepAxis *axis,
                          CnnError *error)
{
    const char *equals = strchr(text, '=');
    *axis = (SweepAxis){.flag = flag};
    if (!equals || equals == text)
        return cnn_fail(error, CNN_BAD_USAGE, "%s takes %s=VALUE,VALUE,..., not '%s'", flag,
                        strcmp(flag, "-D") == 0 ? "NAME" : "PATH", text);
    axis->name = item_text(arena, text, (size_t)(equals - text));
    for (const char *at = equals + 1;; at++) {
        size_t length = is_metrics(axis) ? strlen(at) : item_length(at);
        const char *item = item_text(arena, at, length);
        if (!*item)
            return cnn_fail(error, CNN_BAD_USAGE, "%s %s: a value is missing in '%s'", flag, axis->name,
                            equals + 1);
        if (find_colon(item))
            TRY(range_read(arena, item, random, axis, error));
        else
            *vec_push(arena, &axis->values) = item;
        at += length;
        if (!*at)
            break;
    }
    if (axis->open && (axis->values.count > 0 || strchr(equals, ',')))
        return cnn_fail(error, CNN_BAD_USAGE,
                        "%s %s: a range that values are drawn from stands alone, not beside others", flag,
                        axis->name);
    return check_values(axis, error);
}

static CnnStatus read_list(Arena *arena, const char *flag, const FlagList *list, bool random, SweepAxes *axes,
                           CnnError *error)
{
    for (int i = 0; i < list->count; i++) {
        SweepAxis axis;
        TRY(sweep_axis_read(arena, flag, list->value[i], random, &axis, error));
        for (size_t k = 0; k < axes->count; k++)
            if (strcmp(axes->items[k].flag, flag) == 0 && strcmp(axes->items[k].name, axis.name) == 0)
                return cnn_fail(
                    error, CNN_BAD_USAGE,
                    "%s %s stands twice: all its values belong into one flag, with commas between "
                    "them",
                    flag, axis.name);
        *vec_push(arena, axes) = axis;
    }
    return CNN_OK;
}

CnnStatus sweep_axes_read(Arena *arena, const FlagList *defines, const FlagList *sets, bool random,
                          SweepAxes *axes, CnnError *error)
{
    *axes = (SweepAxes){0};
    TRY(read_list(arena, "-D", defines, random, axes, error));
    return read_list(arena, "--set", sets, random, axes, error);
}

bool sweep_axis_varies(const SweepAxis *axis)
{
    return axis->open || axis->values.count > 1;
}

const char *sweep_axis_draw(Arena *arena, const SweepAxis *axis, double place)
{
    if (axis->open)
        return range_value(arena, &axis->range, place);
    return axis->values.items[(size_t)(place * (double)axis->values.count)];
}
