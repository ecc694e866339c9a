/* The dump of the Ast: one line for each part, expressions with the operator first. */
#include "compiler/syntax/ast.h"

static void print_body(const AstBody *body, Text *out, int depth);

const char *ast_operator(AstOperator op)
{
    static const char *const symbols[] = {
        [AST_OR] = "or",         [AST_AND] = "and",      [AST_NOT] = "not",
        [AST_EQUAL] = "==",      [AST_NOT_EQUAL] = "!=", [AST_LESS] = "<",
        [AST_LESS_EQUAL] = "<=", [AST_GREATER] = ">",    [AST_GREATER_EQUAL] = ">=",
        [AST_ADD] = "+",         [AST_SUB] = "-",        [AST_MUL] = "*",
        [AST_DIV] = "/",         [AST_FLOOR_DIV] = "//", [AST_REMAINDER] = "%",
        [AST_POWER] = "^",       [AST_NEGATE] = "-",
    };
    return symbols[op];
}

static void print_quoted(const char *text, Text *out)
{
    text_printf(out, "\"");
    for (; *text; text++) {
        if (*text == '\n')
            text_printf(out, "\\n");
        else if (*text == '\t')
            text_printf(out, "\\t");
        else
            text_printf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    text_printf(out, "\"");
}

/* (word item item …) */
static void print_items(const char *word, const AstExpr *expr, Text *out);

static void print_expr(const AstExpr *expr, Text *out)
{
    switch (expr->kind) {
    case AST_INTEGER:
    case AST_REAL:
        text_printf(out, "%s", expr->text);
        break;
    case AST_QUANTITY:
        text_printf(out, "(quantity %s)", expr->text);
        break;
    case AST_BOOLEAN:
        text_printf(out, "%s", expr->boolean ? "true" : "false");
        break;
    case AST_TEXT:
        print_quoted(expr->text, out);
        break;
    case AST_NAME:
        text_printf(out, "%s", expr->text);
        break;
    case AST_FIELD:
        text_printf(out, "%s.%s", expr->items[0]->text, expr->text);
        break;
    case AST_DIMS:
        print_items("dims", expr, out);
        break;
    case AST_RANGE:
        print_items("range", expr, out);
        break;
    case AST_LIST:
        print_items("list", expr, out);
        break;
    case AST_UNARY:
    case AST_BINARY:
        print_items(ast_operator(expr->op), expr, out);
        break;
    case AST_CALL:
        print_items(expr->text, expr, out);
        break;
    case AST_PAREN:
        print_items("paren", expr, out);
        break;
    }
}

static void print_items(const char *word, const AstExpr *expr, Text *out)
{
    text_printf(out, "(%s", word);
    for (int i = 0; i < expr->count; i++) {
        text_printf(out, " ");
        print_expr(expr->items[i], out);
    }
    text_printf(out, ")");
}

static void print_indent(Text *out, int depth)
{
    text_printf(out, "%*s", 2 * depth, "");
}

static void print_comments(const AstComment *comments, const char *where, Text *out, int depth)
{
    for (; comments; comments = comments->next) {
        print_indent(out, depth);
        text_printf(out, "%s %s\n", where, comments->text);
    }
}

/* The comments at the breaks inside a list. */
static void print_inner_comments(const AstExpr *expr, Text *out, int depth)
{
    print_comments(expr->lead.comments, "comment", out, depth);
    for (int i = 0; i < expr->count; i++)
        print_inner_comments(expr->items[i], out, depth);
    print_comments(expr->close.comments, "comment", out, depth);
}

static void print_chain(const AstStage *chain, Text *out, int depth)
{
    for (const AstStage *stage = chain; stage; stage = stage->next) {
        print_comments(stage->lead.comments, "comment", out, depth);
        print_indent(out, depth);
        text_printf(out, "stage %s\n", stage->word);
        for (const AstArg *arg = stage->args; arg; arg = arg->next) {
            print_comments(arg->lead.comments, "comment", out, depth + 1);
            print_indent(out, depth + 1);
            text_printf(out, arg->name ? "arg %s = " : "arg ", arg->name);
            print_expr(arg->value, out);
            text_printf(out, "\n");
            print_inner_comments(arg->value, out, depth + 1);
        }
        if (stage->body)
            print_body(stage->body, out, depth + 1);
    }
}

static void print_head(const AstLine *line, Text *out)
{
    static const char *const kinds[] = {
        [AST_LINE_LET] = "let",         [AST_LINE_IF] = "if",         [AST_LINE_REPEAT] = "repeat",
        [AST_LINE_CHAIN] = "chain",     [AST_LINE_IMPORT] = "import", [AST_LINE_BLOCK] = "block",
        [AST_LINE_SECTION] = "section",
    };
    text_printf(out, "%s", kinds[line->kind]);
    if (line->word)
        text_printf(out, " %s", line->word);
    if (line->name)
        text_printf(out, " %s", line->name);
    if (line->expr) {
        text_printf(out, " ");
        print_expr(line->expr, out);
    }
    text_printf(out, "\n");
}

/* What hangs below a line's head. */
static void print_parts(const AstLine *line, Text *out, int depth)
{
    if (line->expr)
        print_inner_comments(line->expr, out, depth);
    for (const AstParam *param = line->params; param; param = param->next) {
        print_comments(param->lead.comments, "comment", out, depth);
        print_indent(out, depth);
        text_printf(out, "param %s", param->name);
        if (param->preset) {
            text_printf(out, " = ");
            print_expr(param->preset, out);
        }
        text_printf(out, "\n");
        if (param->preset)
            print_inner_comments(param->preset, out, depth);
    }
    print_chain(line->chain, out, depth);
    if (line->body)
        print_body(line->body, out, depth);
    if (line->other) {
        print_indent(out, depth - 1);
        text_printf(out, "else ");
        print_head(line->other, out);
        print_parts(line->other, out, depth);
    }
}

static void print_lines(const AstLine *lines, Text *out, int depth)
{
    for (const AstLine *line = lines; line; line = line->next) {
        print_comments(line->comments, "comment", out, depth);
        print_indent(out, depth);
        print_head(line, out);
        print_parts(line, out, depth + 1);
        print_comments(line->trailing, "trailing", out, depth + 1);
    }
}

static void print_body(const AstBody *body, Text *out, int depth)
{
    print_indent(out, depth);
    text_printf(out, "body\n");
    print_comments(body->opening, "trailing", out, depth + 1);
    print_lines(body->lines, out, depth + 1);
    print_comments(body->comments, "comment", out, depth + 1);
}

void ast_print(const Ast *ast, Text *out)
{
    print_lines(ast->lines, out, 0);
    print_comments(ast->comments, "comment", out, 0);
}
