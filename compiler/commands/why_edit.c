/* A text is parsed, the places to change are looked up in its Ast, and the bytes there are replaced. */
#include "compiler/commands/why_edit.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ops/layer.h"
#include "compiler/syntax/ast.h"

enum { WIDTH_LEAST = 8 }; /* filters; fewer are not halved */

/* Bytes [low, high) of the text become `with`. */
typedef struct {
    size_t low, high;
    const char *with;
} Change;

typedef struct {
    Arena *arena;
    const char *text;
    const Ast *ast;
    VEC(Change) changes; /* in the order of the text */
} Edit;

static Edit edit_open(Arena *arena, const char *text)
{
    Diag *diag = diag_new(arena);
    Span source = diag_add_source(diag, "", text, strlen(text));
    return (Edit){.arena = arena, .text = text, .ast = ast_parse(arena, diag, source)};
}

static size_t offset(const Edit *edit, uint32_t position)
{
    return position - edit->ast->span.low;
}

static void change(Edit *edit, size_t low, size_t high, const char *with)
{
    *vec_push(edit->arena, &edit->changes) = (Change){low, high, with};
}

/* The text with all changes; NULL without any. */
static const char *edit_close(const Edit *edit)
{
    Text out = {.arena = edit->arena};
    size_t at = 0;
    for (size_t i = 0; i < edit->changes.count; i++) {
        const Change *one = &edit->changes.items[i];
        text_append(&out, edit->text + at, one->low - at);
        text_append(&out, one->with, strlen(one->with));
        at = one->high;
    }
    text_append(&out, edit->text + at, strlen(edit->text) - at);
    return edit->changes.count ? text_string(&out) : NULL;
}

/* ---- Finding ---- */

typedef struct {
    const AstLine *line;
    const AstStage *before, *stage; /* before: in the chain; NULL: it is the first */
} Found;

static const AstLine *find_section(const Edit *edit, const char *word)
{
    for (const AstLine *line = edit->ast->lines; line; line = line->next)
        if (line->kind == AST_LINE_SECTION && strcmp(line->word, word) == 0)
            return line;
    return NULL;
}

static bool find_stage(const AstBody *body, const char *word, Found *found)
{
    for (const AstLine *line = body ? body->lines : NULL; line; line = line->next) {
        const AstStage *before = NULL;
        for (const AstStage *stage = line->kind == AST_LINE_CHAIN ? line->chain : NULL; stage;
             before = stage, stage = stage->next) {
            if (strcmp(stage->word, word) == 0) {
                *found = (Found){line, before, stage};
                return true;
            }
        }
    }
    return false;
}

static bool find_statement(const Edit *edit, const char *section, const char *statement, Found *found)
{
    const AstLine *line = find_section(edit, section);
    return line && find_stage(line->body, statement, found);
}

/* Where the line begins that has this byte, and where the next one does. */
static size_t line_start(const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const char *text, size_t at)
{
    at += strcspn(text + at, "\n");
    return at + (text[at] == '\n');
}

static bool is_blank(const char *text, size_t low, size_t high)
{
    return strspn(text + low, " \t\r") >= high - low;
}

/* ---- Adding ---- */

/* A line at the end of a section's body. */
static void add_last(Edit *edit, const AstBody *body, const char *line)
{
    size_t brace = offset(edit, body->span.high) - 1, start = line_start(edit->text, brace);
    if (is_blank(edit->text, start, brace)) {
        change(edit, start, start, arena_printf(edit->arena, "    %s\n", line));
        return;
    }
    size_t end = brace;
    while (isspace((unsigned char)edit->text[end - 1]))
        end--;
    change(edit, end, brace, arena_printf(edit->arena, "\n    %s\n", line));
}

static void add_section(Edit *edit, const char *section, const char *line)
{
    size_t end = strlen(edit->text);
    const char *before = end > 0 && edit->text[end - 1] != '\n' ? "\n" : "";
    change(edit, end, end, arena_printf(edit->arena, "%s\n%s {\n    %s\n}\n", before, section, line));
}

static const AstExpr *first_value(const AstStage *stage, const char *field)
{
    for (const AstArg *arg = stage->args; arg; arg = arg->next)
        if (!arg->name || strcmp(arg->name, field) == 0)
            return arg->value;
    return NULL;
}

static void set_first(Edit *edit, const AstStage *stage, const char *field, const char *value)
{
    const AstExpr *old = first_value(stage, field);
    size_t end = offset(edit, stage->word_span.high);
    if (old)
        change(edit, offset(edit, old->span.low), offset(edit, old->span.high), value);
    else
        change(edit, end, end, arena_printf(edit->arena, " %s%s", value, stage->args ? "," : ""));
}

const char *edit_set(Arena *arena, const char *text, const EditPlace *place, const char *value)
{
    Edit edit = edit_open(arena, text);
    const AstLine *line = find_section(&edit, place->section);
    const char *whole = arena_printf(arena, "%s %s", place->statement, value);
    Found found;
    if (!line)
        add_section(&edit, place->section, whole);
    else if (find_stage(line->body, place->statement, &found))
        set_first(&edit, found.stage, place->field, value);
    else
        add_last(&edit, line->body, whole);
    return edit_close(&edit);
}

const char *edit_add_behind(Arena *arena, const char *text, const char *section, const char *statement,
                            const char *line)
{
    Edit edit = edit_open(arena, text);
    Found found;
    if (!find_statement(&edit, section, statement, &found))
        return NULL;
    size_t end = offset(&edit, found.line->span.high), next = line_end(text, end);
    const AstBody *body = find_section(&edit, section)->body;
    if (next < offset(&edit, body->span.high))
        change(&edit, next, next, arena_printf(arena, "    %s\n", line));
    else
        change(&edit, end, end, arena_printf(arena, "\n    %s", line));
    return edit_close(&edit);
}

/* ---- Removing ---- */

static void remove_found(Edit *edit, const Found *found)
{
    size_t low = offset(edit, found->stage->span.low), high = offset(edit, found->stage->span.high);
    if (found->stage->next) {
        change(edit, low, offset(edit, found->stage->next->span.low), "");
    } else if (found->before) {
        change(edit, offset(edit, found->before->span.high), high, "");
    } else {
        size_t start = line_start(edit->text, low), end = line_end(edit->text, high);
        const char *after = edit->text + high + strspn(edit->text + high, " \t\r");
        bool alone = is_blank(edit->text, start, low) && (*after == '\n' || *after == '#' || !*after);
        change(edit, alone ? start : low, alone ? end : high, "");
    }
}

const char *edit_remove(Arena *arena, const char *text, const char *section, const char *statement,
                        const char *inner)
{
    Edit edit = edit_open(arena, text);
    Found found;
    if (!find_statement(&edit, section, statement, &found) ||
        (inner && !find_stage(found.stage->body, inner, &found)))
        return NULL;
    remove_found(&edit, &found);
    return edit_close(&edit);
}

/* ---- Reading ---- */

static const char *source_of(const Edit *edit, Span span)
{
    return arena_text(edit->arena, edit->text + offset(edit, span.low), span.high - span.low);
}

const char *edit_value(Arena *arena, const char *text, const EditPlace *place)
{
    Edit edit = edit_open(arena, text);
    Found found;
    const AstExpr *value = find_statement(&edit, place->section, place->statement, &found)
                               ? first_value(found.stage, place->field)
                               : NULL;
    return value ? source_of(&edit, value->span) : NULL;
}

const char *const *edit_words(Arena *arena, const char *text, const char *section, const char *statement)
{
    Edit edit = edit_open(arena, text);
    Found found;
    VEC(const char *) words = {0};
    bool has_body = find_statement(&edit, section, statement, &found) && found.stage->body;
    for (const AstLine *line = has_body ? found.stage->body->lines : NULL; line; line = line->next)
        for (const AstStage *stage = line->chain; stage; stage = stage->next)
            *vec_push(arena, &words) = stage->word;
    *vec_push(arena, &words) = NULL;
    return words.items;
}

/* ---- Widths ---- */

static bool is_width(const char *name)
{
    static const char *const words[] = {"width", "filters", "units", "channels"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (strstr(name, words[i]))
            return true;
    return false;
}

/* Half of a number as it is written; NULL: it is no number, or is small enough. */
static const char *half_of(Arena *arena, const AstExpr *value)
{
    if (value->kind == AST_INTEGER && value->integer >= WIDTH_LEAST)
        return arena_printf(arena, "%" PRId64, (value->integer + 1) / 2);
    if (value->kind == AST_REAL && value->real > 0)
        return arena_printf(arena, "%g", value->real / 2);
    return NULL;
}

static bool half_named(Edit *edit, const char *name, const AstExpr *value, const char **told)
{
    const char *half = value && is_width(name) ? half_of(edit->arena, value) : NULL;
    if (!half)
        return false;
    change(edit, offset(edit, value->span.low), offset(edit, value->span.high), half);
    *told = arena_printf(edit->arena, "%s %s -> %s", name, source_of(edit, value->span), half);
    return true;
}

const char *edit_half_constant(Arena *arena, const char *text, const char **name)
{
    Edit edit = edit_open(arena, text);
    for (const AstLine *line = edit.ast->lines; line; line = line->next) {
        if (line->kind == AST_LINE_LET && half_named(&edit, line->name, line->expr, name))
            return edit_close(&edit);
        bool model = line->kind == AST_LINE_SECTION && strcmp(line->word, "model") == 0;
        for (const AstParam *param = model ? line->params : NULL; param; param = param->next)
            if (half_named(&edit, param->name, param->preset, name))
                return edit_close(&edit);
    }
    return NULL;
}

/* The name of the argument that says how wide a layer is: its first. NULL: it has none. */
static const char *width_field(const char *word)
{
    for (const Layer *const *layer = layer_table; *layer; layer++) {
        const Field *first = (*layer)->schema.fields;
        if (strcmp((*layer)->schema.word, word) == 0 && first->name && !first->named_only &&
            is_width(first->name))
            return first->name;
    }
    return NULL;
}

static const AstExpr *width_of(const AstStage *stage)
{
    const char *field = width_field(stage->word);
    return field ? first_value(stage, field) : NULL;
}

/* The last layer of a body that has a width. */
static const AstStage *last_wide(const AstBody *body)
{
    const AstStage *last = NULL;
    for (const AstLine *line = body->lines; line; line = line->next)
        for (const AstStage *stage = line->kind == AST_LINE_CHAIN ? line->chain : NULL; stage;
             stage = stage->next)
            if (width_of(stage))
                last = stage;
    return last;
}

static void halve_body(Edit *edit, const AstBody *body, const AstStage *outputs);

static void halve_line(Edit *edit, const AstLine *line, const AstStage *outputs)
{
    for (const AstStage *stage = line->kind == AST_LINE_CHAIN ? line->chain : NULL; stage;
         stage = stage->next) {
        const AstExpr *width = stage == outputs ? NULL : width_of(stage);
        const char *half = width && width->kind == AST_INTEGER ? half_of(edit->arena, width) : NULL;
        if (half)
            change(edit, offset(edit, width->span.low), offset(edit, width->span.high), half);
        halve_body(edit, stage->body, outputs);
    }
    halve_body(edit, line->body, outputs);
    if (line->other)
        halve_line(edit, line->other, outputs);
}

static void halve_body(Edit *edit, const AstBody *body, const AstStage *outputs)
{
    for (const AstLine *line = body ? body->lines : NULL; line; line = line->next)
        halve_line(edit, line, outputs);
}

const char *edit_half_widths(Arena *arena, const char *text)
{
    Edit edit = edit_open(arena, text);
    const AstLine *model = find_section(&edit, "model");
    const AstStage *outputs = model ? last_wide(model->body) : NULL;
    for (const AstLine *line = edit.ast->lines; line; line = line->next)
        if (line == model || line->kind == AST_LINE_BLOCK)
            halve_body(&edit, line->body, outputs);
    return edit_close(&edit);
}
