/* The formatter: prints the Ast in its one canonical form. What it prints parses to the same Ast, and
 * formatting that prints the same again; so every choice here depends only on what a second parse would find:
 * the tree, where lines were broken (AstBreak, one_line) and empty lines. */
#include "compiler/syntax/ast.h"

#include <string.h>

enum { INDENT = 4, ONE_LINE_COLUMNS = 100 };

typedef struct {
    Text *out;
    size_t line_begin; /* where the current line begins in out */
    int depth;         /* of the current statement, or of the continued lines of its chain */
    bool body_begins;  /* nothing was printed in this body: empty lines are dropped */
    bool in_one_line;  /* a body is tried on one line */
} Printer;

static void format_body(Printer *printer, const AstBody *body);
static void format_lines(Printer *printer, const AstLine *lines);

static void put(Printer *printer, const char *text)
{
    text_append(printer->out, text, strlen(text));
}

static void put_newline(Printer *printer)
{
    put(printer, "\n");
    printer->line_begin = printer->out->length;
}

static void put_indent(Printer *printer, int depth)
{
    text_printf(printer->out, "%*s", INDENT * depth, "");
}

static bool is_too_wide(const Printer *printer)
{
    return printer->out->length - printer->line_begin > ONE_LINE_COLUMNS;
}

static void put_trailing(Printer *printer, const AstComment *comment)
{
    if (!comment)
        return;
    put(printer, "  ");
    put(printer, comment->text);
}

/* A new line inside a statement, after its comments; the first of them may stand behind what was printed, the
 * others stand at comment_depth. */
static void format_break(Printer *printer, const AstBreak *lead, int comment_depth, int depth)
{
    const AstComment *comment = lead->comments;
    if (comment && !comment->own_line) {
        put_trailing(printer, comment);
        comment = comment->next;
    }
    put_newline(printer);
    for (; comment; comment = comment->next) {
        put_indent(printer, comment_depth);
        put(printer, comment->text);
        put_newline(printer);
    }
    put_indent(printer, depth);
}

/* ---- Expressions ---- */

static void format_expr(Printer *printer, const AstExpr *expr);

static void format_text(Printer *printer, const char *text)
{
    put(printer, "\"");
    for (; *text; text++) {
        char plain[2] = {*text, '\0'};
        put(printer, *text == '\n'   ? "\\n"
                     : *text == '\t' ? "\\t"
                     : *text == '"'  ? "\\\""
                     : *text == '\\' ? "\\\\"
                                     : plain);
    }
    put(printer, "\"");
}

/* The items of a list or call with their closing bracket; each stands on a line of its own if it did. */
static void format_items(Printer *printer, const AstExpr *expr, const char *closing)
{
    printer->depth++;
    for (int i = 0; i < expr->count; i++) {
        const AstBreak *lead = &expr->items[i]->lead;
        if (i > 0)
            put(printer, lead->on_new_line ? "," : ", ");
        if (lead->on_new_line)
            format_break(printer, lead, printer->depth, printer->depth);
        format_expr(printer, expr->items[i]);
    }
    printer->depth--;
    if (expr->close.on_new_line)
        format_break(printer, &expr->close, printer->depth + 1, printer->depth);
    put(printer, closing);
}

static void format_dims(Printer *printer, const AstExpr *expr)
{
    for (int i = 0; i < expr->count; i++) {
        put(printer, i ? "x" : "");
        put(printer, expr->items[i]->text);
    }
}

/* A power binds too tightly for blanks: 64 * 2^stage. */
static void format_binary(Printer *printer, const AstExpr *expr)
{
    const char *blank = expr->op == AST_POWER ? "" : " ";
    format_expr(printer, expr->items[0]);
    text_printf(printer->out, "%s%s%s", blank, ast_operator(expr->op), blank);
    format_expr(printer, expr->items[1]);
}

static void format_expr(Printer *printer, const AstExpr *expr)
{
    switch (expr->kind) {
    case AST_INTEGER:
    case AST_REAL:
    case AST_QUANTITY:
    case AST_NAME:
        put(printer, expr->text);
        break;
    case AST_BOOLEAN:
        put(printer, expr->boolean ? "true" : "false");
        break;
    case AST_TEXT:
        format_text(printer, expr->text);
        break;
    case AST_FIELD:
        text_printf(printer->out, "%s.%s", expr->items[0]->text, expr->text);
        break;
    case AST_DIMS:
        format_dims(printer, expr);
        break;
    case AST_RANGE:
        format_expr(printer, expr->items[0]);
        put(printer, "..");
        format_expr(printer, expr->items[1]);
        break;
    case AST_LIST:
        put(printer, "[");
        format_items(printer, expr, "]");
        break;
    case AST_UNARY:
        put(printer, expr->op == AST_NOT ? "not " : ast_operator(expr->op));
        format_expr(printer, expr->items[0]);
        break;
    case AST_BINARY:
        format_binary(printer, expr);
        break;
    case AST_CALL:
        put(printer, expr->text);
        put(printer, "(");
        format_items(printer, expr, ")");
        break;
    case AST_PAREN:
        put(printer, "(");
        format_expr(printer, expr->items[0]);
        put(printer, ")");
        break;
    }
}

/* ---- Statements ---- */

/* What separates two items, arguments or parameters; `*deeper` becomes true at the first that begins a line.
 */
static void format_separator(Printer *printer, const AstBreak *lead, bool first, bool *deeper)
{
    if (!first)
        put(printer, lead->on_new_line ? "," : ", ");
    if (!lead->on_new_line)
        return;
    printer->depth += !*deeper;
    *deeper = true;
    format_break(printer, lead, printer->depth, printer->depth);
}

static void format_args(Printer *printer, const AstArg *args)
{
    bool deeper = false;
    for (const AstArg *arg = args; arg; arg = arg->next) {
        if (arg == args)
            put(printer, " ");
        format_separator(printer, &arg->lead, arg == args, &deeper);
        if (arg->name)
            text_printf(printer->out, "%s=", arg->name);
        format_expr(printer, arg->value);
    }
    printer->depth -= deeper;
}

static void format_params(Printer *printer, const AstParam *params)
{
    bool deeper = false;
    put(printer, "(");
    for (const AstParam *param = params; param; param = param->next) {
        format_separator(printer, &param->lead, param == params, &deeper);
        put(printer, param->name);
        if (param->preset) {
            put(printer, "=");
            format_expr(printer, param->preset);
        }
    }
    printer->depth -= deeper;
    put(printer, ")");
}

static void format_chain(Printer *printer, const AstStage *chain)
{
    int depth = printer->depth;
    for (const AstStage *stage = chain; stage; stage = stage->next) {
        if (stage->lead.on_new_line) {
            printer->depth = depth + 1;
            format_break(printer, &stage->lead, printer->depth, printer->depth);
            put(printer, "-> ");
        } else if (stage != chain) {
            put(printer, " -> ");
        }
        put(printer, stage->word);
        format_args(printer, stage->args);
        if (stage->body)
            format_body(printer, stage->body);
    }
    printer->depth = depth;
}

static void format_statement(Printer *printer, const AstLine *line)
{
    switch (line->kind) {
    case AST_LINE_LET:
        text_printf(printer->out, "let %s = ", line->name);
        format_expr(printer, line->expr);
        return;
    case AST_LINE_IMPORT:
        put(printer, "import ");
        format_expr(printer, line->expr);
        return;
    case AST_LINE_CHAIN:
        if (line->name)
            text_printf(printer->out, "%s = ", line->name);
        format_chain(printer, line->chain);
        return;
    case AST_LINE_IF:
        put(printer, line->expr ? "if " : "");
        if (line->expr)
            format_expr(printer, line->expr);
        break;
    case AST_LINE_REPEAT:
        put(printer, "repeat ");
        format_expr(printer, line->expr);
        if (line->name)
            text_printf(printer->out, " as %s", line->name);
        break;
    case AST_LINE_BLOCK:
        text_printf(printer->out, "block %s", line->name);
        format_params(printer, line->params);
        break;
    case AST_LINE_SECTION:
        text_printf(printer->out, line->name ? "%s %s" : "%s", line->word, line->name);
        if (line->params)
            format_params(printer, line->params);
        break;
    }
    format_body(printer, line->body);
    if (line->other) {
        put(printer, line->other->expr ? " else " : " else");
        format_statement(printer, line->other);
    }
}

/* False, with nothing printed, if it does not fit. */
static bool format_body_on_one_line(Printer *printer, const AstBody *body)
{
    Printer before = *printer;
    size_t length = printer->out->length;
    printer->in_one_line = true;
    put(printer, " {");
    for (const AstLine *line = body->lines; line && !is_too_wide(printer); line = line->next) {
        put(printer, " ");
        format_statement(printer, line);
    }
    put(printer, " }");
    bool fits = !is_too_wide(printer);
    *printer = before;
    if (!fits && !printer->in_one_line)
        printer->out->length = length;
    return fits;
}

static void format_comments(Printer *printer, const AstComment *comments)
{
    for (; comments; comments = comments->next) {
        if (comments->blank_before && !printer->body_begins)
            put_newline(printer);
        put_indent(printer, printer->depth);
        put(printer, comments->text);
        put_newline(printer);
        printer->body_begins = false;
    }
}

static void format_body(Printer *printer, const AstBody *body)
{
    if (!body->lines && !body->opening && !body->comments) {
        put(printer, " {}");
        return;
    }
    if (body->one_line || printer->in_one_line)
        if (format_body_on_one_line(printer, body) || printer->in_one_line)
            return;
    put(printer, " {");
    put_trailing(printer, body->opening);
    put_newline(printer);
    printer->depth++;
    printer->body_begins = true;
    format_lines(printer, body->lines);
    format_comments(printer, body->comments);
    printer->body_begins = false;
    printer->depth--;
    put_indent(printer, printer->depth);
    put(printer, "}");
}

static void format_lines(Printer *printer, const AstLine *lines)
{
    for (const AstLine *line = lines; line; line = line->next) {
        format_comments(printer, line->comments);
        if (line->blank_before && !printer->body_begins)
            put_newline(printer);
        printer->body_begins = false;
        put_indent(printer, printer->depth);
        format_statement(printer, line);
        put_trailing(printer, line->trailing);
        put_newline(printer);
    }
}

void ast_format(const Ast *ast, Text *out)
{
    Printer printer = {.out = out, .line_begin = out->length, .body_begins = true};
    format_lines(&printer, ast->lines);
    format_comments(&printer, ast->comments);
}
