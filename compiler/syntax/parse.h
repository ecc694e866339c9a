/* The state of one parse, shared by the scanner, the token filter, the parser and the constructors of the
 * Ast. */
#ifndef PARSE_H
#define PARSE_H

#include <locale.h>

#include "compiler/syntax/ast.h"
#include "compiler/syntax/build_ast.h"
#include "cnn.tab.h"

typedef struct {
    int kind; /* of enum cnn_tokentype */
    CNN_STYPE value;
    Span span;
} Token;

struct Parser {
    Arena *arena;
    Diag *diag;
    Span source;
    const char *text; /* of the source, `length` bytes */
    uint32_t length;
    locale_t locale; /* "C": a number's point is a point everywhere */
    Ast *ast;
    AstLine *last;
    VEC(AstComment *) comments; /* in order of position */
    bool stopped; /* an error after which nothing can be read: the rest is taken as the end of the file */

    /* The scanner's. */
    void *scanner;
    uint32_t offset; /* of the next token, in text */

    /* The token filter's (tokens.c). */
    Token held[2];
    int held_count;
    Token open[AST_DEPTH_MAX]; /* the brackets and braces that are open */
    int open_count, brace_count;
    int previous, before_previous; /* kinds of the last two tokens that bison got, 0 at the beginning */
    uint32_t previous_end;         /* where the last one ended */
    uint32_t joined_until;         /* new lines before this position do not end a statement */
    bool newline_owed;             /* a `}` ended a statement */
    bool recovering;               /* the rest of a statement with a mistake is to be dropped */
    int recovery_braces;           /* how many braces are open around it */
};

/* ---- grammar/cnn.l: the scanner, which returns the next token as it is written ---- */
int cnn_scan_lex(CNN_STYPE *value, Span *span, void *scanner);

/* ---- scan.c: the tokens that have a value. Each function returns the token's kind; a mistake is reported,
 * and the token is then something harmless of the same sort. ---- */
int scan_number(Parser *parser, CNN_STYPE *value, Span at);
int scan_spelling(Parser *parser, CNN_STYPE *value, Span at, int kind);
int scan_percent(Parser *parser, CNN_STYPE *value, Span at);
/** 20deg */
int scan_touching_unit(Parser *parser, CNN_STYPE *value, Span at);
/** `5 epochs`: false if the word is no unit, and then the number stands alone. */
bool scan_spaced_unit(Parser *parser, CNN_STYPE *value, Span at);
int scan_bad_number(Parser *parser, CNN_STYPE *value, Span at);
int scan_word(Parser *parser, CNN_STYPE *value, Span at);
int scan_text(Parser *parser, CNN_STYPE *value, Span at);
int scan_unterminated(Parser *parser, CNN_STYPE *value, Span at);
/** A character that begins no token. */
int scan_stray(Parser *parser, Span at);
void scan_comment(Parser *parser, Span at);
/** Bytes of the number at the front of the text, without its unit. */
size_t number_length(const char *text, size_t length);
AstUnit unit_find(const char *word, size_t length);
/** The unit a word may have been meant as; NULL if none is near. */
const char *unit_nearest(const char *word);
/** TOKEN_NAME for a word that is not reserved. */
int word_kind(const char *word, size_t length);

/* ---- tokens.c: the filter over the scanner, which bison calls; new lines only where they end a statement
 * ---- */
int cnn_lex(CNN_STYPE *value, Span *span, Parser *parser);

/* ---- mistakes.c: syntax errors in the user's words ---- */
/** The parser cannot go on with the last token, at `at`; it would with one of those named in `expected`. */
void parser_unexpected(Parser *parser, Span at, const char *const *expected, int count);
void parser_missing_brace(Parser *parser, const Token *before);
void parser_unmatched_brace(Parser *parser, Span at);
void parser_too_deep(Parser *parser, Span at);

/* ---- comments.c ---- */
/** The offset of the first token at or after `offset`: blanks, new lines and comments are skipped. */
uint32_t skip_to_token(const Parser *parser, uint32_t offset);
/** Hangs the comments on the lines they belong to, and finds the blank and the broken lines. */
void attach_comments(Parser *parser);

#endif
