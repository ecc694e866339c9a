/* What was written, with spans and comments; no meaning yet. Built by grammar/cnn.y through the ast_*
 * functions, one call for each action (build_ast.h). Expressions, bodies and `else if` are nested at most
 * AST_DEPTH_MAX deep, so walks may recurse; everything joined by `next` may be long. */
#ifndef AST_H
#define AST_H

#include <stdbool.h>
#include "compiler/base/arena.h"
#include "compiler/base/diag.h"
#include "compiler/base/text.h"
#include "compiler/base/vec.h"

enum { AST_DEPTH_MAX = 200 };

/* A comment, with its `#`. */
typedef struct AstComment {
    Span span;
    const char *text;
    bool blank_before; /* an empty line stood before it */
    bool own_line;     /* nothing stood before it on its line */
    uint32_t follower; /* position of the first token after it */
    struct AstComment *next;
} AstComment;

/* How something inside a statement began: on a line of its own, after comments. Only the formatter asks. */
typedef struct {
    bool on_new_line;
    AstComment *comments; /* only where on_new_line */
} AstBreak;

typedef enum {
    AST_INTEGER,  /* 32 */
    AST_REAL,     /* 0.25, 1e-3 */
    AST_QUANTITY, /* 25%, 20deg, 5 epochs: number `real`, `unit` */
    AST_BOOLEAN,  /* true */
    AST_TEXT,     /* "data": decoded UTF-8 in `text` */
    AST_NAME,     /* same, stem, width */
    AST_FIELD,    /* in.height, data.classes: items[0] . text */
    AST_DIMS,     /* 3x3: items, each an expression */
    AST_RANGE,    /* 0.9..1.1: items[0], items[1] */
    AST_LIST,     /* [1, 2] */
    AST_UNARY,    /* op items[0] */
    AST_BINARY,   /* items[0] op items[1] */
    AST_CALL,     /* min(a, b): text, items */
    AST_PAREN     /* (items[0]): kept for the formatter */
} AstExprKind;

typedef enum {
    AST_OR,
    AST_AND,
    AST_NOT,
    AST_EQUAL,
    AST_NOT_EQUAL,
    AST_LESS,
    AST_LESS_EQUAL,
    AST_GREATER,
    AST_GREATER_EQUAL,
    AST_ADD,
    AST_SUB,
    AST_MUL,
    AST_DIV,
    AST_FLOOR_DIV,
    AST_REMAINDER,
    AST_POWER,
    AST_NEGATE
} AstOperator;

typedef enum {
    AST_UNIT_NONE,
    AST_PERCENT,
    AST_DEGREES,
    AST_PIXELS,
    AST_EPOCHS,
    AST_STEPS,
    AST_SECONDS,
    AST_MINUTES,
    AST_HOURS,
    AST_BYTES,
    AST_KIB,
    AST_MIB,
    AST_GIB
} AstUnit;

typedef struct AstExpr {
    AstExprKind kind;
    Span span;
    int64_t integer;
    double real;
    AstUnit unit;
    bool boolean;
    AstOperator op;
    const char *text; /* of a number: as it was written; of the others: see AstExprKind */
    int count;
    struct AstExpr **items;
    int depth;      /* 1 + the largest of the items' */
    AstBreak lead;  /* before this item of a list or call */
    AstBreak close; /* before the closing bracket of this list or call */
} AstExpr;

typedef struct AstArg {
    Span span, name_span;
    const char *name; /* NULL: by position */
    AstExpr *value;
    AstBreak lead;
    struct AstArg *next;
} AstArg;

typedef struct AstBody AstBody;

typedef struct AstStage {
    Span span, word_span;
    const char *word;
    AstArg *args;
    AstBody *body;         /* NULL: none */
    struct AstStage *next; /* after `->` */
    Span arrow;            /* the `->` before it; {0, 0} for the first of a chain */
    AstBreak lead;         /* before the `->`; a new line after the `->` counts as one before it */
} AstStage;

typedef enum {
    AST_LINE_LET,    /* let name = expr */
    AST_LINE_IF,     /* if expr body, other */
    AST_LINE_REPEAT, /* repeat expr as name body */
    AST_LINE_CHAIN,  /* name = chain, or chain */
    AST_LINE_IMPORT, /* import "text" (top level) */
    AST_LINE_BLOCK,  /* block name (params) body (top level) */
    AST_LINE_SECTION /* model NAME (params) body; data, train, compile body: `word` (top level) */
} AstLineKind;

typedef struct AstParam {
    Span span;
    const char *name;
    AstExpr *preset; /* NULL: must be given */
    AstBreak lead;
    struct AstParam *next;
} AstParam;

typedef struct AstLine {
    AstLineKind kind;
    Span span, name_span;
    const char *word; /* AST_LINE_SECTION: "model", "data", "train", "compile" */
    const char *name; /* NULL: none */
    AstExpr *expr;    /* let: value; if, repeat: condition or count; import: its text */
    AstParam *params;
    AstStage *chain;
    AstBody *body;
    struct AstLine *other; /* else: AST_LINE_IF for `else if`; or a line of kind AST_LINE_IF whose expr is
                              NULL: plain else */
    AstComment *comments;  /* on the lines before, and those inside the statement that have no place at a kept
                              new line */
    AstComment *trailing;  /* behind it on its last line */
    bool blank_before;     /* an empty line stood directly before it (after its comments) */
    int depth;             /* number of `else if` that follow */
    struct AstLine *next;
} AstLine;

struct AstBody {
    Span span; /* with its braces */
    AstLine *lines;
    AstComment *opening;  /* behind the opening brace on its line */
    AstComment *comments; /* before the closing brace */
    bool one_line;        /* was written on one line: the formatter keeps it so when it fits */
};

typedef struct {
    Span span;
    AstLine *lines;
    AstComment *comments; /* at the end */
} Ast;

/**
 * Parses a source of the source map (diag_add_source). Errors go to diag; what could be parsed is returned
 * even then, so that further stages can look for more mistakes only if there were none.
 */
Ast *ast_parse(Arena *arena, Diag *diag, Span source);

/** The operator as it is written: "+", "and". */
const char *ast_operator(AstOperator op);

/** Indented dump of the tree: for `cnnc emit --stage ast`. Shows what was written and all comments, but no
 * spans and no line breaks: a text and its formatted form have the same dump. */
void ast_print(const Ast *ast, Text *out);

/** The formatter: canonical text with all comments. Formatting its result changes nothing. */
void ast_format(const Ast *ast, Text *out);

#endif
