/* The grammar of the language. Each action makes one call to a constructor of the Ast
 * (compiler/syntax/build_ast.h).
 *
 * Where a statement ends is decided before the grammar: compiler/syntax/tokens.c drops the new lines that end
 * nothing, adds one behind a `}` that ends a statement, and closes braces that the user forgot. So here every
 * statement ends with NEWLINE, also before `}` and at the end of the file, and a mistake costs one statement:
 * `error NEWLINE`. */
%define api.pure full
%define api.prefix {cnn_}
%define api.token.prefix {TOKEN_}
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {Parser *parser}
%initial-action { (void)yynerrs; /* bison counts the errors, and clang sees that nobody reads the count */ }

%code requires {
#include "compiler/syntax/build_ast.h"
}

%code {
#include "compiler/syntax/parse.h"

#define YYLLOC_DEFAULT(current, right, count)                                                                \
    ((current).low = (count) ? YYRHSLOC(right, 1).low : YYRHSLOC(right, 0).high,                             \
     (current).high = YYRHSLOC(right, count).high)

static void cnn_error(Span *at, Parser *parser, const char *message);
}

%union {
    const char *text;
    AstExpr *expr;
    AstExprs exprs;
    AstArg *arg;
    AstArgs args;
    AstParam *param;
    AstParams params;
    AstStage *stage;
    AstChain chain;
    AstBody *body;
    AstLine *line;
    AstLines lines;
}

%token YYEOF 0 "the end of the file"
%token NEWLINE "the end of the line"
%token <text> NAME "a name" STRING "a text" INTEGER REAL QUANTITY DIMS
/* The reserved words: no other token among them (mistakes.c). */
%token <text> IMPORT "'import'" LET "'let'" BLOCK "'block'" MODEL "'model'" DATA "'data'" TRAIN "'train'"
%token <text> COMPILE "'compile'" IF "'if'" ELSE "'else'" REPEAT "'repeat'" AS "'as'" AND "'and'" OR "'or'"
%token <text> NOT "'not'" TRUE "'true'" FALSE "'false'"
%token ARROW "'->'" DOTS "'..'" DOT "'.'" COMMA "','" ASSIGN "'='"
%token OPEN_BRACE "'{'" CLOSE_BRACE "'}'" OPEN_PAREN "'('" CLOSE_PAREN "')'"
%token OPEN_BRACKET "'['" CLOSE_BRACKET "']'"
%token EQUAL "'=='" NOT_EQUAL "'!='" LESS "'<'" LESS_EQUAL "'<='" GREATER "'>'" GREATER_EQUAL "'>='"
%token PLUS "'+'" MINUS "'-'" STAR "'*'" SLASH "'/'" DOUBLE_SLASH "'//'" PERCENT "'%'" CARET "'^'"

/* Loosest first. */
%nonassoc DOTS
%left OR
%left AND
%precedence NOT
%nonassoc EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL
%left PLUS MINUS
%left STAR SLASH DOUBLE_SLASH PERCENT
%right CARET
%precedence NEGATE

%type <expr> expr literal
%type <exprs> exprs items
%type <arg> arg
%type <args> args
%type <param> param
%type <params> params param_list
%type <stage> stage
%type <chain> chain
%type <body> body
%type <line> section line statement let if
%type <lines> lines
%type <text> recipe

%%

file
    : %empty
    | file section NEWLINE              { ast_add(parser, $section); }
    | file error NEWLINE                { yyerrok; }
    ;

section
    : IMPORT STRING                     { $$ = ast_import(parser, @$, ast_text(parser, @STRING, $STRING)); }
    | let
    | BLOCK NAME params body            { $$ = ast_block(parser, @$, @NAME, $NAME, $params, $body); }
    | MODEL NAME body
        { $$ = ast_section(parser, @$, $MODEL, @NAME, $NAME, (AstParams){0}, $body); }
    | MODEL NAME params body
        { $$ = ast_section(parser, @$, $MODEL, @NAME, $NAME, $params, $body); }
    | recipe body
        { $$ = ast_section(parser, @$, $recipe, (Span){0}, NULL, (AstParams){0}, $body); }
    | recipe NAME body
        { $$ = ast_section(parser, @$, $recipe, @NAME, $NAME, (AstParams){0}, $body); }
    ;

recipe
    : DATA
    | TRAIN
    | COMPILE
    ;

params
    : OPEN_PAREN CLOSE_PAREN            { $$ = (AstParams){0}; }
    | OPEN_PAREN param_list CLOSE_PAREN { $$ = $param_list; }
    ;

param_list
    : param                             { $$ = ast_params_add((AstParams){0}, $param); }
    | param_list[list] COMMA param      { $$ = ast_params_add($list, $param); }
    ;

param
    : NAME                              { $$ = ast_param(parser, @$, $NAME, NULL); }
    | NAME ASSIGN expr                  { $$ = ast_param(parser, @$, $NAME, $expr); }
    ;

body
    : OPEN_BRACE lines CLOSE_BRACE      { $$ = ast_body(parser, @$, $lines); }
    ;

lines
    : %empty                            { $$ = (AstLines){0}; }
    | lines[list] line                  { $$ = ast_lines_add($list, $line); }
    ;

line
    : statement NEWLINE
    | error NEWLINE                     { yyerrok; $$ = NULL; }
    ;

statement
    : let
    | if
    | REPEAT expr body                  { $$ = ast_repeat(parser, @$, $expr, (Span){0}, NULL, $body); }
    | REPEAT expr AS NAME body          { $$ = ast_repeat(parser, @$, $expr, @NAME, $NAME, $body); }
    | chain                             { $$ = ast_chain_line(parser, @$, (Span){0}, NULL, $chain); }
    | NAME ASSIGN chain                 { $$ = ast_chain_line(parser, @$, @NAME, $NAME, $chain); }
    ;

let
    : LET NAME ASSIGN expr              { $$ = ast_let(parser, @$, @NAME, $NAME, $expr); }
    ;

if
    : IF expr body                      { $$ = ast_if(parser, @$, $expr, $body, NULL); }
    | IF expr body[then] ELSE body[other]
        { $$ = ast_if(parser, @$, $expr, $then, ast_else(parser, @other, $other)); }
    | IF expr body ELSE if[other]       { $$ = ast_if(parser, @$, $expr, $body, $other); }
    ;

chain
    : stage                             { $$ = ast_chain_add((AstChain){0}, (Span){0}, $stage); }
    | chain[list] ARROW stage           { $$ = ast_chain_add($list, @ARROW, $stage); }
    ;

stage
    : NAME                              { $$ = ast_stage(parser, @$, @NAME, $NAME, (AstArgs){0}, NULL); }
    | NAME args                         { $$ = ast_stage(parser, @$, @NAME, $NAME, $args, NULL); }
    | NAME body                         { $$ = ast_stage(parser, @$, @NAME, $NAME, (AstArgs){0}, $body); }
    | NAME args body                    { $$ = ast_stage(parser, @$, @NAME, $NAME, $args, $body); }
    ;

args
    : arg                               { $$ = ast_args_add((AstArgs){0}, $arg); }
    | args[list] COMMA arg              { $$ = ast_args_add($list, $arg); }
    ;

arg
    : expr                              { $$ = ast_arg(parser, @$, (Span){0}, NULL, $expr); }
    | NAME ASSIGN expr                  { $$ = ast_arg(parser, @$, @NAME, $NAME, $expr); }
    ;

exprs
    : expr                              { $$ = ast_exprs_add(parser, (AstExprs){0}, $expr); }
    | exprs[list] COMMA expr            { $$ = ast_exprs_add(parser, $list, $expr); }
    ;

items
    : %empty                            { $$ = (AstExprs){0}; }
    | exprs
    ;

expr
    : literal
    | NAME                              { $$ = ast_name(parser, @$, $NAME); }
    | NAME[object] DOT NAME[field]      { $$ = ast_field(parser, @$, @object, $object, $field); }
    | DATA DOT NAME                     { $$ = ast_field(parser, @$, @DATA, $DATA, $NAME); }
    | NAME OPEN_PAREN items CLOSE_PAREN { $$ = ast_call(parser, @$, $NAME, $items); }
    | OPEN_BRACKET items CLOSE_BRACKET  { $$ = ast_list(parser, @$, $items); }
    | OPEN_PAREN expr[inner] CLOSE_PAREN{ $$ = ast_paren(parser, @$, $inner); }
    | expr[low] DOTS expr[high]         { $$ = ast_range(parser, @$, $low, $high); }
    | NOT expr[operand]                 { $$ = ast_unary(parser, @$, AST_NOT, $operand); }
    | MINUS expr[operand] %prec NEGATE  { $$ = ast_unary(parser, @$, AST_NEGATE, $operand); }
    | expr[l] OR expr[r]                { $$ = ast_binary(parser, @$, AST_OR, $l, $r); }
    | expr[l] AND expr[r]               { $$ = ast_binary(parser, @$, AST_AND, $l, $r); }
    | expr[l] EQUAL expr[r]             { $$ = ast_binary(parser, @$, AST_EQUAL, $l, $r); }
    | expr[l] NOT_EQUAL expr[r]         { $$ = ast_binary(parser, @$, AST_NOT_EQUAL, $l, $r); }
    | expr[l] LESS expr[r]              { $$ = ast_binary(parser, @$, AST_LESS, $l, $r); }
    | expr[l] LESS_EQUAL expr[r]        { $$ = ast_binary(parser, @$, AST_LESS_EQUAL, $l, $r); }
    | expr[l] GREATER expr[r]           { $$ = ast_binary(parser, @$, AST_GREATER, $l, $r); }
    | expr[l] GREATER_EQUAL expr[r]     { $$ = ast_binary(parser, @$, AST_GREATER_EQUAL, $l, $r); }
    | expr[l] PLUS expr[r]              { $$ = ast_binary(parser, @$, AST_ADD, $l, $r); }
    | expr[l] MINUS expr[r]             { $$ = ast_binary(parser, @$, AST_SUB, $l, $r); }
    | expr[l] STAR expr[r]              { $$ = ast_binary(parser, @$, AST_MUL, $l, $r); }
    | expr[l] SLASH expr[r]             { $$ = ast_binary(parser, @$, AST_DIV, $l, $r); }
    | expr[l] DOUBLE_SLASH expr[r]      { $$ = ast_binary(parser, @$, AST_FLOOR_DIV, $l, $r); }
    | expr[l] PERCENT expr[r]           { $$ = ast_binary(parser, @$, AST_REMAINDER, $l, $r); }
    | expr[l] CARET expr[r]             { $$ = ast_binary(parser, @$, AST_POWER, $l, $r); }
    ;

literal
    : INTEGER                           { $$ = ast_integer(parser, @$, $INTEGER); }
    | REAL                              { $$ = ast_real(parser, @$, $REAL); }
    | QUANTITY                          { $$ = ast_quantity(parser, @$, $QUANTITY); }
    | DIMS                              { $$ = ast_dims(parser, @$, $DIMS); }
    | STRING                            { $$ = ast_text(parser, @$, $STRING); }
    | TRUE                              { $$ = ast_boolean(parser, @$, true); }
    | FALSE                             { $$ = ast_boolean(parser, @$, false); }
    ;

%%

/* What the user would call a token that is expected: all that begins a value is "a value"; operators may
 * follow nearly everywhere and are not worth telling. */
static const char *expected_name(yysymbol_kind_t kind)
{
    switch (kind) {
    case YYSYMBOL_INTEGER: case YYSYMBOL_REAL: case YYSYMBOL_QUANTITY: case YYSYMBOL_DIMS:
    case YYSYMBOL_TRUE: case YYSYMBOL_FALSE: case YYSYMBOL_NOT: case YYSYMBOL_OPEN_BRACKET:
        return "a value";
    case YYSYMBOL_EQUAL: case YYSYMBOL_NOT_EQUAL: case YYSYMBOL_LESS: case YYSYMBOL_LESS_EQUAL:
    case YYSYMBOL_GREATER: case YYSYMBOL_GREATER_EQUAL: case YYSYMBOL_PLUS: case YYSYMBOL_MINUS:
    case YYSYMBOL_STAR: case YYSYMBOL_SLASH: case YYSYMBOL_DOUBLE_SLASH: case YYSYMBOL_PERCENT:
    case YYSYMBOL_CARET: case YYSYMBOL_AND: case YYSYMBOL_OR: case YYSYMBOL_DOTS: case YYSYMBOL_DOT:
        return NULL;
    default:
        return yysymbol_name(kind);
    }
}

static int yyreport_syntax_error(const yypcontext_t *context, Parser *parser)
{
    yysymbol_kind_t kinds[YYNTOKENS];
    const char *names[YYNTOKENS];
    int kind_count = yypcontext_expected_tokens(context, kinds, YYNTOKENS), count = 0;
    bool value = false, after_value = false;
    for (int i = 0; i < kind_count; i++) {
        value = value || kinds[i] == YYSYMBOL_INTEGER;
        after_value = after_value || kinds[i] == YYSYMBOL_PLUS;
    }
    for (int i = 0; i < kind_count; i++) {
        if (after_value && (kinds[i] == YYSYMBOL_OPEN_PAREN || kinds[i] == YYSYMBOL_ASSIGN))
            continue; /* they could go on from a name, and were hardly meant */
        /* Names, texts and brackets are told apart from other values only where no other value may stand. */
        bool part_of_value = value && (kinds[i] == YYSYMBOL_NAME || kinds[i] == YYSYMBOL_STRING ||
                                       kinds[i] == YYSYMBOL_DATA || kinds[i] == YYSYMBOL_OPEN_PAREN);
        const char *name = part_of_value ? "a value" : expected_name(kinds[i]);
        bool known = !name;
        for (int j = 0; j < count && !known; j++)
            known = names[j] == name;
        if (!known)
            names[count++] = name;
    }
    parser_unexpected(parser, *yypcontext_location(context), names, count);
    return 0;
}

/* Bison itself reports only that its stack is full. */
static void cnn_error(Span *at, Parser *parser, const char *message)
{
    (void)message;
    parser_too_deep(parser, *at);
}
