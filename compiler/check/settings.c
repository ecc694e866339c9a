/* The command line's settings as pieces of Ast. */
#include "compiler/check/settings.h"

#include <inttypes.h>
#include <string.h>

/* The only line of a text read from the command line; NULL after an error. */
static const AstLine *parse_line(Checker *checker, const char *flag, const char *text)
{
    int errors = diag_errors(checker->diag);
    Span source = diag_add_source(checker->diag, flag, text, strlen(text));
    Ast *ast = ast_parse(checker->arena, checker->diag, source);
    if (diag_errors(checker->diag) > errors)
        return NULL;
    if (ast->lines && !ast->lines->next)
        return ast->lines;
    diag_error(checker->diag, source, "bad-setting", "this is more than one value");
    return NULL;
}

static void bad_setting(Checker *checker, const char *flag, const char *text, const char *form)
{
    diag_error(checker->diag, (Span){0}, "bad-setting", "%s takes %s, not '%s'", flag, form, text);
}

static void read_define(Checker *checker, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        bad_setting(checker, "-D", text, "NAME=VALUE");
        return;
    }
    const char *source =
        arena_printf(checker->arena, "let %.*s = %s\n", (int)(equals - text), text, equals + 1);
    const AstLine *line = parse_line(checker, "-D", source);
    if (!line)
        return;
    if (line->kind != AST_LINE_LET) {
        bad_setting(checker, "-D", text, "NAME=VALUE");
        return;
    }
    for (size_t i = 0; i < checker->settings->defines.count; i++)
        if (strcmp(checker->settings->defines.items[i].name, line->name) == 0) {
            check_error(checker, line->name_span, "duplicate-name", NULL, "'%s' is given twice", line->name);
            return;
        }
    *vec_push(checker->arena, &checker->settings->defines) =
        (Define){.name = line->name, .span = line->name_span, .value = line->expr};
}

static const char *const setting_form = "SECTION.STATEMENT=VALUE or SECTION.STATEMENT.PARAMETER=VALUE";

/* The parts of "train.optimizer.rate=1e-4"; false when it is of another form. */
static bool split_setting(Arena *arena, const char *text, const char *parts[3], const char **value)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        return false;
    *value = equals + 1;
    int count = 0;
    for (const char *at = text; at <= equals; count++) {
        size_t length = strcspn(at, ".=");
        if (count == 3 || length == 0)
            return false;
        parts[count] = arena_text(arena, at, length);
        at += length + 1;
    }
    return count >= 2;
}

static void read_setting(Checker *checker, const char *text)
{
    static const char *const sections[] = {"model", "data", "train", "compile", NULL};
    const char *parts[3] = {NULL, NULL, NULL}, *value;
    if (!split_setting(checker->arena, text, parts, &value)) {
        bad_setting(checker, "--set", text, setting_form);
        return;
    }
    int section = SECTION_DATA;
    while (sections[section] && strcmp(sections[section], parts[0]) != 0)
        section++;
    if (!sections[section]) {
        bad_setting(checker, "--set", text, "a section data, train or compile");
        return;
    }
    const char *source =
        parts[2] ? arena_printf(checker->arena, "%s { %s %s=%s }\n", parts[0], parts[1], parts[2], value)
                 : arena_printf(checker->arena, "%s { %s %s }\n", parts[0], parts[1], value);
    const AstLine *line = parse_line(checker, "--set", source);
    if (!line)
        return;
    const AstLine *inner = line->kind == AST_LINE_SECTION && line->body ? line->body->lines : NULL;
    bool single = inner && !inner->next && inner->kind == AST_LINE_CHAIN && !inner->name &&
                  !inner->chain->next && inner->chain->args && !inner->chain->body;
    if (!single) {
        bad_setting(checker, "--set", text, setting_form);
        return;
    }
    *vec_push(checker->arena, &checker->settings->settings) =
        (Setting){.section = (SectionKind)section, .stage = inner->chain, .parameter = parts[2]};
}

Settings *settings_read(Checker *checker)
{
    const CheckOptions *options = checker->options;
    checker->settings = NEW(checker->arena, Settings);
    for (int i = 0; i < options->define_count; i++)
        read_define(checker, options->defines[i]);
    for (int i = 0; i < options->set_count; i++)
        read_setting(checker, options->sets[i]);
    if (options->batch)
        read_setting(checker, arena_printf(checker->arena, "train.batch=%" PRId64, options->batch));
    return checker->settings;
}

const AstExpr *settings_define(Checker *checker, const char *name)
{
    for (size_t i = 0; i < checker->settings->defines.count; i++) {
        Define *define = &checker->settings->defines.items[i];
        if (strcmp(define->name, name) == 0) {
            define->used = true;
            return define->value;
        }
    }
    return NULL;
}

void settings_check_defines(Checker *checker)
{
    VEC(const char *) names = {0};
    for (const AstLine *line = checker->main->ast->lines; line; line = line->next) {
        if (line->kind == AST_LINE_LET)
            *vec_push(checker->arena, &names) = line->name;
        if (line->kind == AST_LINE_SECTION && strcmp(line->word, "model") == 0)
            for (const AstParam *param = line->params; param; param = param->next)
                *vec_push(checker->arena, &names) = param->name;
    }
    *vec_push(checker->arena, &names) = NULL;
    for (size_t i = 0; i < checker->settings->defines.count; i++) {
        const Define *define = &checker->settings->defines.items[i];
        if (!define->used)
            check_error(checker, define->span, "unknown-define",
                        check_suggestion(checker, define->name, names.items),
                        "the model has no constant '%s' (let %s = …, or a parameter of the model)",
                        define->name, define->name);
    }
}

static AstArg *append_arg(Checker *checker, AstArg **end, const AstArg *arg)
{
    *end = arena_copy(checker->arena, arg, sizeof *arg);
    (*end)->next = NULL;
    return *end;
}

/* The name of the field that the argument number `position` of those without a name fills; NULL: none. */
static const char *positional_name(const Schema *schema, int position)
{
    for (const Field *field = schema->fields; field->name; field++)
        if (!field->named_only && position-- == 0)
            return field->name;
    return NULL;
}

/* PARAMETER=VALUE: takes the place of the argument that is this parameter, or comes last. */
static AstArg *set_parameter(Checker *checker, const Setting *setting, const Schema *schema,
                             const AstArg *args)
{
    AstArg *merged = NULL, **end = &merged;
    bool is_set = false;
    int position = 0;
    for (const AstArg *arg = args; arg; arg = arg->next) {
        const char *name = arg->name ? arg->name : positional_name(schema, position++);
        bool same = name && strcmp(name, setting->parameter) == 0;
        end = &append_arg(checker, end, same ? setting->stage->args : arg)->next;
        is_set |= same;
    }
    if (!is_set)
        append_arg(checker, end, setting->stage->args);
    return merged;
}

/* VALUE: takes the place of all arguments by position, also where the first is given by its name. */
static AstArg *set_values(Checker *checker, const Setting *setting, const Schema *schema, const AstArg *args)
{
    AstArg *merged = NULL, **end = &merged;
    const char *first = positional_name(schema, 0);
    for (const AstArg *arg = setting->stage->args; arg; arg = arg->next)
        end = &append_arg(checker, end, arg)->next;
    for (const AstArg *arg = args; arg; arg = arg->next)
        if (arg->name && !(first && strcmp(arg->name, first) == 0))
            end = &append_arg(checker, end, arg)->next;
    return merged;
}

AstArg *settings_apply(Checker *checker, SectionKind section, const Schema *schema, AstArg *args)
{
    for (size_t i = 0; i < checker->settings->settings.count; i++) {
        Setting *setting = &checker->settings->settings.items[i];
        if (setting->section != section || strcmp(setting->stage->word, schema->word) != 0)
            continue;
        setting->used = true;
        args = setting->parameter ? set_parameter(checker, setting, schema, args)
                                  : set_values(checker, setting, schema, args);
    }
    return args;
}

const AstStage *settings_next(Checker *checker, SectionKind section)
{
    for (size_t i = 0; i < checker->settings->settings.count; i++) {
        Setting *setting = &checker->settings->settings.items[i];
        if (setting->section != section || setting->used)
            continue;
        setting->used = true;
        return setting->stage;
    }
    return NULL;
}
