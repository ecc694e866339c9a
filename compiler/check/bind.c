/* Which argument belongs to which field. The values are converted by field_store (convert.c). */
#include "compiler/check/bind.h"

#include <string.h>

#include "compiler/base/bug.h"

/* The fields as an array of names, NULL-terminated: for suggestions. */
static const char *const *field_names(Checker *checker, const Schema *schema, bool takes_name)
{
    int count = schema_field_count(schema);
    const char **names = NEW_ARRAY(checker->arena, const char *, count + 2);
    for (int i = 0; i < count; i++)
        names[i] = schema->fields[i].name;
    if (takes_name)
        names[count] = "name";
    return names;
}

/* Reports it, with the nearest parameter, which is returned, or the list of all. */
static const char *unknown_parameter(Checker *checker, const Bound *bound, const AstArg *arg, bool takes_name)
{
    const char *const *names = field_names(checker, bound->schema, takes_name);
    const char *hint = check_suggestion(checker, arg->name, names);
    check_error(checker, arg->name_span, "unknown-parameter", hint, "'%s' has no parameter '%s'",
                bound->shown, arg->name);
    if (hint)
        return nearest_name(arg->name, names);
    Text list = {.arena = checker->arena};
    for (int i = 0; names[i]; i++)
        text_printf(&list, "%s%s", i ? ", " : "", names[i]);
    if (list.length)
        diag_note(checker->diag, (Span){0}, "'%s' has: %s", bound->shown, text_string(&list));
    else
        diag_note(checker->diag, (Span){0}, "'%s' has no parameters", bound->shown);
    return NULL;
}

static bool takes_many(const Field *field)
{
    return field->kind == FIELD_NAMES || field->kind == FIELD_VALUES;
}

/* An argument's value. In an enumeration the parameter's own words come before what the user calls so. */
static Value argument_value(Checker *checker, const Scope *scope, const Field *field, const AstExpr *expr)
{
    const char *words = field->kind == FIELD_PADDING ? "valid same" : field->words;
    if (expr->kind == AST_NAME && words && words_find(words, expr->text) >= 0)
        return (Value){.kind = VALUE_WORD, .span = expr->span, .text = expr->text};
    bool wordy =
        words || field->kind == FIELD_WORD || field->kind == FIELD_NAMES || field->kind == FIELD_TEXT;
    return wordy ? eval(checker, scope, expr) : eval_known(checker, scope, expr);
}

typedef struct {
    Checker *checker;
    const Scope *scope;
    Bound *bound;
    bool takes_name;
    Span *spans;
    VEC(Value) many;    /* what a field of many values has got */
    bool good, unknown; /* unknown: there was a parameter that the schema does not have */
} Arguments;

/* The index of the first field that a position can fill: those that were given by name before it are passed
 * over. */
static int next_positional(const Arguments *arguments, int from)
{
    const Field *fields = arguments->bound->schema->fields;
    for (int i = from; fields[i].name; i++)
        if (!fields[i].named_only && (takes_many(&fields[i]) || !arguments->spans[i].low))
            return i;
    return -1;
}

static void bind_field(Arguments *arguments, int index, const AstArg *arg)
{
    const Bound *bound = arguments->bound;
    const Field *field = &bound->schema->fields[index];
    Value value = argument_value(arguments->checker, arguments->scope, field, arg->value);
    if (takes_many(field)) {
        *vec_push(arguments->checker->arena, &arguments->many) = value;
        arguments->spans[index].low =
            arguments->spans[index].low ? arguments->spans[index].low : arg->span.low;
        arguments->spans[index].high = arg->span.high;
        return;
    }
    if (arguments->spans[index].low) {
        check_error(arguments->checker, arg->span, "duplicate-argument", NULL, "'%s' of '%s' is given twice",
                    field->name, bound->shown);
        diag_note(arguments->checker->diag, arguments->spans[index], "first here");
        arguments->good = false;
        return;
    }
    arguments->spans[index] = arg->span;
    if (!field_store(arguments->checker, bound, field, &value, (char *)bound->args + field->offset))
        arguments->good = false;
}

static void bind_name(Arguments *arguments, const AstArg *arg)
{
    Checker *checker = arguments->checker;
    Bound *bound = arguments->bound;
    if (bound->name) {
        check_error(checker, arg->span, "duplicate-argument", NULL, "'name' of '%s' is given twice",
                    bound->shown);
        diag_note(checker->diag, bound->name_span, "first here");
        return;
    }
    Value value = eval(checker, arguments->scope, arg->value);
    if (value.kind == VALUE_POISON)
        return;
    if (value.kind != VALUE_TEXT) {
        const char *hint =
            value.kind == VALUE_WORD ? arena_printf(checker->arena, "write \"%s\"", value.text) : NULL;
        check_error(checker, value.span, "wrong-type", hint, "'name' takes a text, not %s",
                    value_text(checker->arena, &value));
        arguments->good = false;
        return;
    }
    bound->name = value.text;
    bound->name_span = value.span;
}

static int find_field(const Schema *schema, const char *name)
{
    for (int i = 0; schema->fields[i].name; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return i;
    return -1;
}

static void bind_named(Arguments *arguments, const AstArg *arg)
{
    const Schema *schema = arguments->bound->schema;
    int index = find_field(schema, arg->name);
    if (index >= 0) {
        bind_field(arguments, index, arg);
        return;
    }
    if (arguments->takes_name && strcmp(arg->name, "name") == 0) {
        bind_name(arguments, arg);
        return;
    }
    const char *meant = unknown_parameter(arguments->checker, arguments->bound, arg, arguments->takes_name);
    index = meant ? find_field(schema, meant) : -1;
    if (index >= 0)
        arguments->spans[index] = arg->span; /* so that the positions after it are read as they were meant */
    arguments->good = false;
    arguments->unknown = true;
}

/* The i-th positional argument goes to the i-th field that takes positions. */
static void bind_positional(Arguments *arguments, const AstArg *arg, int *next)
{
    const Schema *schema = arguments->bound->schema;
    *next = next_positional(arguments, *next);
    if (*next >= 0) {
        bind_field(arguments, *next, arg);
        if (!takes_many(&schema->fields[*next]))
            ++*next;
        return;
    }
    *next = schema_field_count(schema);
    int most = 0;
    for (int i = 0; i < *next; i++)
        most += !schema->fields[i].named_only;
    check_error(arguments->checker, arg->span, "too-many-arguments", NULL,
                most ? "'%s' takes at most %d argument%s by position" : "'%s' takes no arguments by position",
                arguments->bound->shown, most, most == 1 ? "" : "s");
    arguments->good = false;
}

static void bind_preset(Arguments *arguments, const Field *field)
{
    const Bound *bound = arguments->bound;
    if (!field->preset) {
        arguments->good = false;
        if (arguments->unknown)
            return;
        const char *hint = arena_printf(arguments->checker->arena, "it takes %s",
                                        field_expected(arguments->checker->arena, field));
        check_error(arguments->checker, bound->span, "missing-argument", hint, "'%s' needs '%s'",
                    bound->shown, field->name);
    } else if (*field->preset) {
        Value value = eval_preset(arguments->checker, field->preset);
        if (!field_store(arguments->checker, bound, field, &value, (char *)bound->args + field->offset))
            BUG("the preset '%s' of '%s %s' does not fit", field->preset, bound->schema->word, field->name);
    }
}

bool schema_bind(Checker *checker, const Scope *scope, const Schema *schema, const char *shown, Span span,
                 const AstArg *args, bool takes_name, Bound *bound)
{
    int count = schema_field_count(schema), next = 0;
    Span *spans = NEW_ARRAY(checker->arena, Span, count + 1);
    *bound = (Bound){.schema = schema,
                     .shown = shown,
                     .span = span,
                     .spans = spans,
                     .args = arena_alloc(checker->arena, schema->args_bytes)};
    Arguments arguments = {.checker = checker,
                           .scope = scope,
                           .bound = bound,
                           .takes_name = takes_name,
                           .spans = spans,
                           .good = true};
    for (const AstArg *arg = args; arg; arg = arg->next) {
        if (arg->name)
            bind_named(&arguments, arg);
        else
            bind_positional(&arguments, arg, &next);
    }
    for (int i = 0; i < count; i++) {
        const Field *field = &schema->fields[i];
        if (!spans[i].low) {
            bind_preset(&arguments, field);
        } else if (takes_many(field)) {
            Value list = {.kind = VALUE_LIST,
                          .span = spans[i],
                          .count = (int)arguments.many.count,
                          .items = arguments.many.items};
            arguments.good &= field_store(checker, bound, field, &list, (char *)bound->args + field->offset);
        }
    }
    return arguments.good;
}
