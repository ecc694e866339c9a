/* Values to fields, one form after another. A field's text in messages and the conversion stand side by side,
 * so that what is said is what is done. */
#include "compiler/check/bind.h"

#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"

typedef struct {
    Checker *checker;
    const Bound *bound;
    const Field *field;
} Target;

/* Says that the value does not fit. Returns false. */
static bool refuse(const Target *target, const Value *value, const char *slug, const char *hint)
{
    Checker *checker = target->checker;
    if (value->kind != VALUE_POISON)
        check_error(checker, value->span, slug, hint, "'%s' of '%s' takes %s, not %s", target->field->name,
                    target->bound->shown, field_expected(checker->arena, target->field),
                    value_text(checker->arena, value));
    return false;
}

static bool in_range(const Field *field, double number)
{
    return field->least >= field->most || (number >= field->least && number <= field->most);
}

/* A number in the field's range. */
static bool check_range(const Target *target, const Value *value, double number)
{
    return in_range(target->field, number) || refuse(target, value, "out-of-range", NULL);
}

static bool store_integer(const Target *target, const Value *value, int64_t *out)
{
    if (value->kind == VALUE_QUANTITY)
        return refuse(target, value, "wrong-unit", "without a unit");
    if (value->kind != VALUE_INTEGER) {
        bool whole =
            value->kind == VALUE_REAL && value->real == floor(value->real) && fabs(value->real) < 1e15;
        const char *hint =
            whole ? arena_printf(target->checker->arena, "write %.0f, or round(…) or // where it is computed",
                                 value->real)
                  : NULL;
        return refuse(target, value, "wrong-type", hint);
    }
    *out = value->integer;
    return check_range(target, value, (double)value->integer);
}

static bool store_real(const Target *target, const Value *value, double *out)
{
    if (value->kind == VALUE_QUANTITY)
        return refuse(target, value, "wrong-unit", "without a unit");
    if (!value_number(value, out))
        return refuse(target, value, "wrong-type", NULL);
    return check_range(target, value, *out);
}

static bool store_share(const Target *target, const Value *value, double *out)
{
    if (value->kind == VALUE_QUANTITY) {
        if (value->unit != AST_PERCENT)
            return refuse(target, value, "wrong-unit", NULL);
        *out = value->real / 100;
        return check_range(target, value, *out);
    }
    if (!value_number(value, out))
        return refuse(target, value, "wrong-type", NULL);
    if (in_range(target->field, *out))
        return true;
    bool percent = value->kind == VALUE_INTEGER && *out > 1 && in_range(target->field, *out / 100);
    return refuse(
        target, value, "out-of-range",
        percent ? arena_printf(target->checker->arena, "write %s%%", real_text(target->checker->arena, *out))
                : NULL);
}

static bool store_angle(const Target *target, const Value *value, double *out)
{
    if (value->kind == VALUE_QUANTITY && value->unit == AST_DEGREES) {
        *out = value->real;
        return check_range(target, value, *out);
    }
    double number;
    bool bare = value_number(value, &number);
    if (!bare && value->kind != VALUE_QUANTITY)
        return refuse(target, value, "wrong-type", NULL);
    const char *hint =
        bare ? arena_printf(target->checker->arena, "write %sdeg", real_text(target->checker->arena, number))
             : NULL;
    return refuse(target, value, "wrong-unit", hint);
}

static bool store_text(const Target *target, const Value *value, const char **out)
{
    bool own = value->kind == VALUE_WORD && target->field->words &&
               words_find(target->field->words, value->text) >= 0;
    if (value->kind != VALUE_TEXT && !own) {
        const char *hint = value->kind == VALUE_WORD
                               ? arena_printf(target->checker->arena, "write \"%s\"", value->text)
                               : NULL;
        return refuse(target, value, "wrong-type", hint);
    }
    *out = value->text;
    return true;
}

/* The word as an index into the field's words; -1 after it has reported that it is none of them. */
static int find_word(const Target *target, const Value *value, const char *words)
{
    Checker *checker = target->checker;
    const char *word = NULL;
    if (value->kind == VALUE_WORD || value->kind == VALUE_TEXT)
        word = value->text;
    else if (value->kind == VALUE_BOOLEAN ||
             value->kind == VALUE_INTEGER) /* `true` and `3` can be words, too */
        word = value_text(checker->arena, value);
    if (!word) {
        refuse(target, value, "wrong-type", NULL);
        return -1;
    }
    int index = words_find(words, word);
    if (index >= 0 && value->kind == VALUE_TEXT) {
        refuse(target, value, "wrong-type", arena_printf(checker->arena, "write %s, without quotes", word));
        return -1;
    }
    if (index < 0 && target->field->planned && words_find(target->field->planned, word) >= 0) {
        check_error(checker, value->span, "planned", NULL,
                    "'%s %s' is planned, but this version cannot do it yet", target->bound->shown, word);
    } else if (index < 0) {
        const char *names[64] = {NULL};
        char buffers[63][48];
        for (int i = 0; i < 63; i++) {
            words_get(words, i, buffers[i], sizeof buffers[i]);
            if (!buffers[i][0])
                break;
            names[i] = buffers[i];
        }
        refuse(target, value, "unknown-word", check_suggestion(checker, word, names));
    }
    return index;
}

static bool store_dims(const Target *target, const Value *value, Dims *out)
{
    const Value *items = value->items;
    int count = value->count;
    if (value->kind == VALUE_INTEGER) {
        items = value;
        count = 1;
    } else if (value->kind != VALUE_LIST) {
        return refuse(target, value, "wrong-type", NULL);
    }
    if (count < 1 || count > DIMS_MAX)
        return refuse(target, value, "wrong-count", NULL);
    Dims dims = {.count = count};
    for (int i = 0; i < count; i++) {
        if (items[i].kind != VALUE_INTEGER)
            return refuse(target, value, "wrong-type", NULL);
        dims.value[i] = items[i].integer;
        if (!in_range(target->field, (double)items[i].integer))
            return refuse(target, value, "out-of-range", NULL);
    }
    *out = dims;
    return true;
}

static bool store_window(const Target *target, const Value *value, Dims *out)
{
    Dims dims;
    if (!store_dims(target, value, &dims))
        return false;
    if (dims.count > 2)
        return refuse(target, value, "wrong-count", NULL);
    if (dims.count == 1)
        dims.value[1] = dims.value[0];
    *out = (Dims){.count = 2, .value = {dims.value[0], dims.value[1]}};
    return true;
}

/* One end of a range, in the unit of the field's numbers: 80% is 0.8. */
static bool range_end(const Value *value, double *out)
{
    if (value->kind == VALUE_QUANTITY) {
        *out = value->unit == AST_PERCENT ? value->real / 100 : value->real;
        return value->unit == AST_PERCENT || value->unit == AST_PIXELS;
    }
    return value_number(value, out);
}

static bool store_range(const Target *target, const Value *value, Range *out)
{
    if (value->kind != VALUE_RANGE)
        return refuse(target, value, "wrong-type", NULL);
    Range range;
    if (!range_end(&value->items[0], &range.low) || !range_end(&value->items[1], &range.high))
        return refuse(target, value, "wrong-unit", NULL);
    bool mixed = (value->items[0].unit == AST_PERCENT) != (value->items[1].unit == AST_PERCENT);
    if (mixed)
        return refuse(target, value, "wrong-unit", "both ends in percent, or none");
    if (range.low > range.high)
        return refuse(target, value, "empty-range", "the smaller end comes first");
    if (!in_range(target->field, range.low) || !in_range(target->field, range.high))
        return refuse(target, value, "out-of-range", NULL);
    *out = range;
    return true;
}

static bool store_reals(const Target *target, const Value *value, Reals *out)
{
    const char *words = target->field->words;
    if (words && (value->kind == VALUE_WORD || value->kind == VALUE_TEXT)) {
        int word = find_word(target, value, words);
        *out = (Reals){.count = -1 - word};
        return word >= 0;
    }
    if (value->kind != VALUE_LIST)
        return refuse(target, value, "wrong-type", NULL);
    double *numbers = NEW_ARRAY(target->checker->arena, double, value->count);
    for (int i = 0; i < value->count; i++) {
        if (!value_number(&value->items[i], &numbers[i]))
            return refuse(target, value, "wrong-type", NULL);
        if (!in_range(target->field, numbers[i]))
            return refuse(target, value, "out-of-range", NULL);
    }
    *out = (Reals){.count = value->count, .value = numbers};
    return true;
}

/* The items are values each, or one of them is a list of them. */
static bool store_names(const Target *target, const Value *value, Names *out)
{
    if (value->kind == VALUE_LIST && value->count == 1 && value->items[0].kind == VALUE_LIST)
        value = &value->items[0];
    const char **names = NEW_ARRAY(target->checker->arena, const char *, value->count);
    bool good = true;
    for (int i = 0; i < value->count; i++) {
        const Value *item = &value->items[i];
        bool is_name = item->kind == VALUE_WORD || (target->field->words && item->kind != VALUE_POISON);
        if (!is_name)
            good = refuse(target, item, "wrong-type", NULL);
        else if (target->field->words && find_word(target, item, target->field->words) < 0)
            good = false;
        names[i] = item->kind == VALUE_WORD ? item->text : value_text(target->checker->arena, item);
    }
    *out = (Names){.count = value->count, .value = names};
    return good;
}

static bool store_values(const Target *target, const Value *value, Values *out)
{
    uint32_t *nodes = NEW_ARRAY(target->checker->arena, uint32_t, value->count);
    bool good = true;
    for (int i = 0; i < value->count; i++) {
        nodes[i] = value->items[i].kind == VALUE_TENSOR ? value->items[i].node : POISON;
        if (value->items[i].kind != VALUE_TENSOR)
            good = refuse(target, &value->items[i], "wrong-type", NULL);
        good = good && nodes[i] != POISON;
    }
    *out = (Values){.count = value->count, .value = nodes};
    return good;
}

static bool store_duration(const Target *target, const Value *value, Duration *out)
{
    static const struct {
        AstUnit unit;
        DurationUnit as;
        double factor;
    } units[] = {{AST_EPOCHS, UNIT_EPOCHS, 1},
                 {AST_STEPS, UNIT_STEPS, 1},
                 {AST_SECONDS, UNIT_SECONDS, 1},
                 {AST_MINUTES, UNIT_SECONDS, 60},
                 {AST_HOURS, UNIT_SECONDS, 3600}};
    if (value->kind != VALUE_QUANTITY) {
        double number;
        bool bare = value_number(value, &number);
        return refuse(target, value, bare ? "wrong-unit" : "wrong-type",
                      bare ? arena_printf(target->checker->arena, "write %s epochs",
                                          real_text(target->checker->arena, number))
                           : NULL);
    }
    for (size_t i = 0; i < COUNT(units); i++) {
        if (units[i].unit != value->unit)
            continue;
        *out = (Duration){.value = value->real * units[i].factor, .unit = units[i].as};
        return value->real > 0 || refuse(target, value, "out-of-range", NULL);
    }
    return refuse(target, value, "wrong-unit", NULL);
}

static bool store_length(const Target *target, const Value *value, Length *out)
{
    bool share = value->unit == AST_PERCENT;
    if (value->kind != VALUE_QUANTITY || !(share || value->unit == AST_PIXELS)) {
        bool number =
            value->kind == VALUE_INTEGER || value->kind == VALUE_REAL || value->kind == VALUE_QUANTITY;
        return refuse(target, value, number ? "wrong-unit" : "wrong-type", NULL);
    }
    *out = (Length){.value = share ? value->real / 100 : value->real, .share = share};
    return check_range(target, value, out->value);
}

/* A whole number in the field's range, or a share above 0. */
static bool store_amount(const Target *target, const Value *value, Amount *out)
{
    if (value->kind == VALUE_QUANTITY && value->unit == AST_PERCENT) {
        *out = (Amount){.value = value->real / 100, .share = true};
        return (out->value > 0 && out->value <= 1) || refuse(target, value, "out-of-range", NULL);
    }
    int64_t whole;
    if (!store_integer(target, value, &whole))
        return false;
    *out = (Amount){.value = (double)whole};
    return true;
}

enum { PADDING_MOST = 1 << 20 };

static bool store_padding(const Target *target, const Value *value, Padding *out)
{
    if (value->kind == VALUE_WORD || value->kind == VALUE_TEXT || value->kind == VALUE_BOOLEAN) {
        int word = find_word(target, value, "valid same");
        *out = (Padding){.mode = word == 0 ? PADDING_VALID : PADDING_SAME};
        return word >= 0;
    }
    const Value *sides[4] = {value, value, value, value};
    if (value->kind == VALUE_LIST && value->count != 4)
        return refuse(target, value, "wrong-count", NULL);
    for (int i = 0; i < 4; i++) {
        if (value->kind == VALUE_LIST)
            sides[i] = &value->items[i];
        if (sides[i]->kind != VALUE_INTEGER)
            return refuse(target, value, "wrong-type", NULL);
        if (sides[i]->integer < 0 || sides[i]->integer > PADDING_MOST)
            return refuse(target, value, "out-of-range", NULL);
    }
    *out = (Padding){.mode = PADDING_EXPLICIT,
                     .top = sides[0]->integer,
                     .bottom = sides[1]->integer,
                     .left = sides[2]->integer,
                     .right = sides[3]->integer};
    return true;
}

bool field_store(Checker *checker, const Bound *bound, const Field *field, const Value *value, void *slot)
{
    Target target = {checker, bound, field};
    if (value->kind == VALUE_POISON || (value->kind == VALUE_TENSOR && value->node == POISON))
        return false;
    switch (field->kind) {
    case FIELD_INTEGER:
        return store_integer(&target, value, slot);
    case FIELD_REAL:
        return store_real(&target, value, slot);
    case FIELD_SHARE:
        return store_share(&target, value, slot);
    case FIELD_ANGLE:
        return store_angle(&target, value, slot);
    case FIELD_BOOLEAN:
        *(bool *)slot = value->boolean;
        return value->kind == VALUE_BOOLEAN || refuse(&target, value, "wrong-type", NULL);
    case FIELD_TEXT:
        return store_text(&target, value, slot);
    case FIELD_WORD:
        *(int *)slot = find_word(&target, value, field->words);
        return *(int *)slot >= 0;
    case FIELD_DIMS:
        return store_dims(&target, value, slot);
    case FIELD_WINDOW:
        return store_window(&target, value, slot);
    case FIELD_RANGE:
        return store_range(&target, value, slot);
    case FIELD_REALS:
        return store_reals(&target, value, slot);
    case FIELD_NAMES:
        return store_names(&target, value, slot);
    case FIELD_VALUES:
        return store_values(&target, value, slot);
    case FIELD_DURATION:
        return store_duration(&target, value, slot);
    case FIELD_LENGTH:
        return store_length(&target, value, slot);
    case FIELD_AMOUNT:
        return store_amount(&target, value, slot);
    case FIELD_PADDING:
        return store_padding(&target, value, slot);
    }
    BUG("field of kind %d", (int)field->kind);
}
