/* The constructors of the Ast, for the actions of grammar/cnn.y. Everything lives in the parser's arena. A
 * list is built at its end, so that long files cost linear time. */
#ifndef BUILD_AST_H
#define BUILD_AST_H

#include "compiler/syntax/ast.h"

typedef struct Parser Parser;

typedef VEC(AstExpr *) AstExprs;
typedef struct {
    AstArg *first, *last;
} AstArgs;
typedef struct {
    AstParam *first, *last;
} AstParams;
typedef struct {
    AstStage *first, *last;
} AstChain;
typedef struct {
    AstLine *first, *last;
} AstLines;

/* Expressions. A number's text is its spelling; what is too large is reported and becomes 1. */
AstExpr *ast_integer(Parser *parser, Span span, const char *spelling);
AstExpr *ast_real(Parser *parser, Span span, const char *spelling);
AstExpr *ast_quantity(Parser *parser, Span span, const char *spelling);
AstExpr *ast_dims(Parser *parser, Span span, const char *spelling);
AstExpr *ast_boolean(Parser *parser, Span span, bool value);
AstExpr *ast_text(Parser *parser, Span span, const char *text);
AstExpr *ast_name(Parser *parser, Span span, const char *name);
AstExpr *ast_field(Parser *parser, Span span, Span object_span, const char *object, const char *field);
AstExpr *ast_range(Parser *parser, Span span, AstExpr *low, AstExpr *high);
AstExpr *ast_list(Parser *parser, Span span, AstExprs items);
AstExpr *ast_call(Parser *parser, Span span, const char *name, AstExprs items);
AstExpr *ast_paren(Parser *parser, Span span, AstExpr *inner);
AstExpr *ast_unary(Parser *parser, Span span, AstOperator op, AstExpr *operand);
AstExpr *ast_binary(Parser *parser, Span span, AstOperator op, AstExpr *left, AstExpr *right);
AstExprs ast_exprs_add(Parser *parser, AstExprs items, AstExpr *item);

/* Stages. */
AstArg *ast_arg(Parser *parser, Span span, Span name_span, const char *name, AstExpr *value);
AstArgs ast_args_add(AstArgs args, AstArg *arg);
AstStage *ast_stage(Parser *parser, Span span, Span word_span, const char *word, AstArgs args, AstBody *body);
AstChain ast_chain_add(AstChain chain, Span arrow, AstStage *stage);

/* Statements. */
AstParam *ast_param(Parser *parser, Span span, const char *name, AstExpr *preset);
AstParams ast_params_add(AstParams params, AstParam *param);
AstBody *ast_body(Parser *parser, Span span, AstLines lines);
AstLine *ast_let(Parser *parser, Span span, Span name_span, const char *name, AstExpr *value);
/** `other` is what stands after `else`: an `if`, an ast_else, or NULL. */
AstLine *ast_if(Parser *parser, Span span, AstExpr *condition, AstBody *body, AstLine *other);
AstLine *ast_else(Parser *parser, Span span, AstBody *body);
AstLine *ast_repeat(Parser *parser, Span span, AstExpr *count, Span name_span, const char *name,
                    AstBody *body);
AstLine *ast_chain_line(Parser *parser, Span span, Span name_span, const char *name, AstChain chain);
AstLine *ast_import(Parser *parser, Span span, AstExpr *path);
AstLine *ast_block(Parser *parser, Span span, Span name_span, const char *name, AstParams params,
                   AstBody *body);
AstLine *ast_section(Parser *parser, Span span, const char *word, Span name_span, const char *name,
                     AstParams params, AstBody *body);
/** `line` NULL, a broken statement, adds nothing. */
AstLines ast_lines_add(AstLines lines, AstLine *line);
/** Adds a statement to the file itself. */
void ast_add(Parser *parser, AstLine *line);

#endif
