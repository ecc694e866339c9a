/* The constructors of the Ast, and the values of numbers. */
#include "compiler/syntax/build_ast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/syntax/parse.h"

/* ---- Expressions ---- */

static AstExpr *expr_new(Parser *parser, AstExprKind kind, Span span)
{
    AstExpr *expr = NEW(parser->arena, AstExpr);
    expr->kind = kind;
    expr->span = span;
    expr->depth = 1;
    return expr;
}

/* A chain like 1 + 1 + … is a deep tree too, so depth is counted here and not by the brackets. */
static AstExpr *expr_over(Parser *parser, AstExprKind kind, Span span, AstExpr **items, int count)
{
    AstExpr *expr = expr_new(parser, kind, span);
    expr->items = items;
    expr->count = count;
    for (int i = 0; i < count; i++)
        if (items[i]->depth >= expr->depth)
            expr->depth = items[i]->depth + 1;
    if (expr->depth > AST_DEPTH_MAX) {
        parser_too_deep(parser, span);
        expr->count = 0;
        expr->depth = 1;
    }
    return expr;
}

static AstExpr **two_items(Parser *parser, AstExpr *first, AstExpr *second)
{
    AstExpr **items = NEW_ARRAY(parser->arena, AstExpr *, 2);
    items[0] = first;
    items[1] = second;
    return items;
}

static AstExpr **one_item(Parser *parser, AstExpr *item)
{
    return arena_copy(parser->arena, &item, sizeof item);
}

AstExpr *ast_integer(Parser *parser, Span span, const char *spelling)
{
    AstExpr *expr = expr_new(parser, AST_INTEGER, span);
    expr->text = spelling;
    for (const char *digit = spelling; *digit; digit++) {
        int64_t value = *digit - '0';
        if (expr->integer > (INT64_MAX - value) / 10) {
            diag_error(parser->diag, span, "number-too-large",
                       "this integer is larger than 9223372036854775807");
            expr->integer = 1;
            break;
        }
        expr->integer = 10 * expr->integer + value;
    }
    return expr;
}

static double real_value(Parser *parser, Span span, const char *spelling)
{
    double value = strtod_l(spelling, NULL, parser->locale);
    size_t mantissa = strcspn(spelling, "eE");
    if (isinf(value)) {
        diag_error(parser->diag, span, "number-too-large", "this number is larger than 1.8e308");
        return 1;
    }
    if (value == 0 && strcspn(spelling, "123456789") < mantissa) {
        diag_error(parser->diag, span, "number-too-small", "this number is not 0, but smaller than 4.9e-324");
        return 1;
    }
    return value;
}

AstExpr *ast_real(Parser *parser, Span span, const char *spelling)
{
    AstExpr *expr = expr_new(parser, AST_REAL, span);
    expr->text = spelling;
    expr->real = real_value(parser, span, spelling);
    return expr;
}

AstExpr *ast_quantity(Parser *parser, Span span, const char *spelling)
{
    AstExpr *expr = expr_new(parser, AST_QUANTITY, span);
    size_t length = strlen(spelling), number = number_length(spelling, length);
    size_t unit = spelling[number] == ' ' ? number + 1 : number;
    expr->text = spelling;
    expr->real = real_value(parser, span, arena_text(parser->arena, spelling, number));
    expr->unit = unit_find(spelling + unit, length - unit);
    return expr;
}

AstExpr *ast_dims(Parser *parser, Span span, const char *spelling)
{
    AstExprs items = {0};
    for (size_t begin = 0, length = strlen(spelling); begin < length;) {
        size_t end = begin + strcspn(spelling + begin, "x");
        Span at = {span.low + (uint32_t)begin, span.low + (uint32_t)end};
        items = ast_exprs_add(
            parser, items, ast_integer(parser, at, arena_text(parser->arena, spelling + begin, end - begin)));
        begin = end + 1;
    }
    return expr_over(parser, AST_DIMS, span, items.items, (int)items.count);
}

AstExpr *ast_boolean(Parser *parser, Span span, bool value)
{
    AstExpr *expr = expr_new(parser, AST_BOOLEAN, span);
    expr->boolean = value;
    return expr;
}

AstExpr *ast_text(Parser *parser, Span span, const char *text)
{
    AstExpr *expr = expr_new(parser, AST_TEXT, span);
    expr->text = text;
    return expr;
}

AstExpr *ast_name(Parser *parser, Span span, const char *name)
{
    AstExpr *expr = expr_new(parser, AST_NAME, span);
    expr->text = name;
    return expr;
}

AstExpr *ast_field(Parser *parser, Span span, Span object_span, const char *object, const char *field)
{
    AstExpr *name = ast_name(parser, object_span, object);
    AstExpr *expr = expr_over(parser, AST_FIELD, span, one_item(parser, name), 1);
    expr->text = field;
    return expr;
}

AstExpr *ast_range(Parser *parser, Span span, AstExpr *low, AstExpr *high)
{
    return expr_over(parser, AST_RANGE, span, two_items(parser, low, high), 2);
}

AstExpr *ast_list(Parser *parser, Span span, AstExprs items)
{
    return expr_over(parser, AST_LIST, span, items.items, (int)items.count);
}

AstExpr *ast_call(Parser *parser, Span span, const char *name, AstExprs items)
{
    AstExpr *expr = expr_over(parser, AST_CALL, span, items.items, (int)items.count);
    expr->text = name;
    return expr;
}

AstExpr *ast_paren(Parser *parser, Span span, AstExpr *inner)
{
    return expr_over(parser, AST_PAREN, span, one_item(parser, inner), 1);
}

AstExpr *ast_unary(Parser *parser, Span span, AstOperator op, AstExpr *operand)
{
    AstExpr *expr = expr_over(parser, AST_UNARY, span, one_item(parser, operand), 1);
    expr->op = op;
    return expr;
}

AstExpr *ast_binary(Parser *parser, Span span, AstOperator op, AstExpr *left, AstExpr *right)
{
    AstExpr *expr = expr_over(parser, AST_BINARY, span, two_items(parser, left, right), 2);
    expr->op = op;
    return expr;
}

AstExprs ast_exprs_add(Parser *parser, AstExprs items, AstExpr *item)
{
    *vec_push(parser->arena, &items) = item;
    return items;
}

/* ---- Stages ---- */

AstArg *ast_arg(Parser *parser, Span span, Span name_span, const char *name, AstExpr *value)
{
    AstArg *arg = NEW(parser->arena, AstArg);
    *arg = (AstArg){.span = span, .name_span = name_span, .name = name, .value = value};
    return arg;
}

/* Adds an item to a list with a first and a last. */
#define APPEND(list, item)                                                                                   \
    do {                                                                                                     \
        if ((list).last)                                                                                     \
            (list).last->next = (item);                                                                      \
        else                                                                                                 \
            (list).first = (item);                                                                           \
        (list).last = (item);                                                                                \
    } while (0)

AstArgs ast_args_add(AstArgs args, AstArg *arg)
{
    APPEND(args, arg);
    return args;
}

AstStage *ast_stage(Parser *parser, Span span, Span word_span, const char *word, AstArgs args, AstBody *body)
{
    AstStage *stage = NEW(parser->arena, AstStage);
    *stage = (AstStage){.span = span, .word_span = word_span, .word = word, .args = args.first, .body = body};
    return stage;
}

AstChain ast_chain_add(AstChain chain, Span arrow, AstStage *stage)
{
    stage->arrow = arrow;
    APPEND(chain, stage);
    return chain;
}

/* ---- Statements ---- */

static AstLine *line_new(Parser *parser, AstLineKind kind, Span span, Span name_span, const char *name)
{
    AstLine *line = NEW(parser->arena, AstLine);
    line->kind = kind;
    line->span = span;
    line->name_span = name_span;
    line->name = name;
    return line;
}

AstParam *ast_param(Parser *parser, Span span, const char *name, AstExpr *preset)
{
    AstParam *param = NEW(parser->arena, AstParam);
    *param = (AstParam){.span = span, .name = name, .preset = preset};
    return param;
}

AstParams ast_params_add(AstParams params, AstParam *param)
{
    APPEND(params, param);
    return params;
}

AstBody *ast_body(Parser *parser, Span span, AstLines lines)
{
    AstBody *body = NEW(parser->arena, AstBody);
    size_t length;
    const char *text = diag_source(parser->diag, span, &length);
    body->span = span;
    body->lines = lines.first;
    body->one_line = !memchr(text, '\n', length);
    return body;
}

AstLine *ast_let(Parser *parser, Span span, Span name_span, const char *name, AstExpr *value)
{
    AstLine *line = line_new(parser, AST_LINE_LET, span, name_span, name);
    line->expr = value;
    return line;
}

AstLine *ast_if(Parser *parser, Span span, AstExpr *condition, AstBody *body, AstLine *other)
{
    AstLine *line = line_new(parser, AST_LINE_IF, span, (Span){0}, NULL);
    line->expr = condition;
    line->body = body;
    line->other = other;
    line->depth = other ? other->depth + 1 : 0;
    if (line->depth > AST_DEPTH_MAX) {
        parser_too_deep(parser, span);
        line->other = NULL;
        line->depth = 0;
    }
    return line;
}

AstLine *ast_else(Parser *parser, Span span, AstBody *body)
{
    AstLine *line = line_new(parser, AST_LINE_IF, span, (Span){0}, NULL);
    line->body = body;
    return line;
}

AstLine *ast_repeat(Parser *parser, Span span, AstExpr *count, Span name_span, const char *name,
                    AstBody *body)
{
    AstLine *line = line_new(parser, AST_LINE_REPEAT, span, name_span, name);
    line->expr = count;
    line->body = body;
    return line;
}

AstLine *ast_chain_line(Parser *parser, Span span, Span name_span, const char *name, AstChain chain)
{
    AstLine *line = line_new(parser, AST_LINE_CHAIN, span, name_span, name);
    line->chain = chain.first;
    return line;
}

AstLine *ast_import(Parser *parser, Span span, AstExpr *path)
{
    AstLine *line = line_new(parser, AST_LINE_IMPORT, span, (Span){0}, NULL);
    line->expr = path;
    return line;
}

AstLine *ast_block(Parser *parser, Span span, Span name_span, const char *name, AstParams params,
                   AstBody *body)
{
    AstLine *line = line_new(parser, AST_LINE_BLOCK, span, name_span, name);
    line->params = params.first;
    line->body = body;
    return line;
}

AstLine *ast_section(Parser *parser, Span span, const char *word, Span name_span, const char *name,
                     AstParams params, AstBody *body)
{
    AstLine *line = line_new(parser, AST_LINE_SECTION, span, name_span, name);
    line->word = word;
    line->params = params.first;
    line->body = body;
    return line;
}

AstLines ast_lines_add(AstLines lines, AstLine *line)
{
    if (line)
        APPEND(lines, line);
    return lines;
}

void ast_add(Parser *parser, AstLine *line)
{
    AstLines lines = ast_lines_add((AstLines){parser->ast->lines, parser->last}, line);
    parser->ast->lines = lines.first;
    parser->last = lines.last;
}
