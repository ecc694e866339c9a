/* Syntax errors in the user's words. The parser calls in when it cannot go on with the last token; what
 * stands around that token tells the commonest slips apart. Each error makes the filter (tokens.c) drop the
 * rest of the statement. */
#include "compiler/syntax/parse.h"

#include <string.h>

enum { EXPECTED_MAX = 4, QUOTED_MAX = 40 };

static const char *const section_words[] = {"model", "data", "train",  "compile",
                                            "block", "let",  "import", NULL};

static bool is_expected(const char *const *expected, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(expected[i], name) == 0)
            return true;
    return false;
}

static bool is_reserved(int kind)
{
    return kind >= TOKEN_IMPORT && kind <= TOKEN_FALSE;
}

static bool begins_value(int kind)
{
    switch (kind) {
    case TOKEN_NAME:
    case TOKEN_STRING:
    case TOKEN_INTEGER:
    case TOKEN_REAL:
    case TOKEN_QUANTITY:
    case TOKEN_DIMS:
    case TOKEN_TRUE:
    case TOKEN_FALSE:
    case TOKEN_DATA:
    case TOKEN_OPEN_PAREN:
    case TOKEN_OPEN_BRACKET:
        return true;
    default:
        return false;
    }
}

/* The token at `at` as it was written, without quotes. */
static const char *spelling(const Parser *parser, Span at)
{
    size_t length;
    const char *text = diag_source(parser->diag, at, &length);
    if (length <= QUOTED_MAX)
        return arena_text(parser->arena, text, length);
    return arena_printf(parser->arena, "%.*s...", QUOTED_MAX, text);
}

/* What was found instead, as a part of a sentence. A NEWLINE that was put in stands for what follows it. */
static const char *found(const Parser *parser, Span at)
{
    int kind = parser->previous;
    if (kind == TOKEN_NEWLINE && parser->held_count)
        kind = parser->held[parser->held_count - 1].kind;
    if (kind == TOKEN_YYEOF)
        return "the end of the file";
    if (kind == TOKEN_NEWLINE)
        return "the end of the line";
    return kind == TOKEN_CLOSE_BRACE ? "'}'" : arena_printf(parser->arena, "'%s'", spelling(parser, at));
}

/* Whether the token at `at` stands behind a name that stands behind a ','. */
static bool after_comma_and_name(const Parser *parser, Span at)
{
    static const char blanks[] = " \t\r\n",
                      letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    uint32_t end = at.low - parser->source.low;
    while (end > 0 && strchr(blanks, parser->text[end - 1]))
        end--;
    while (end > 0 && strchr(letters, parser->text[end - 1]))
        end--;
    while (end > 0 && strchr(blanks, parser->text[end - 1]))
        end--;
    return end > 0 && parser->text[end - 1] == ',';
}

/* What the user may have meant; NULL if nothing comes to mind. */
static const char *slip(const Parser *parser, Span at, const char *const *expected, int count)
{
    int kind = parser->previous, before = parser->before_previous;
    bool after_number = before == TOKEN_INTEGER || before == TOKEN_REAL;
    bool argument = is_expected(expected, count, "','"), body = is_expected(expected, count, "'{'");
    if (kind == TOKEN_NAME && after_number) {
        const char *word = spelling(parser, at), *unit = unit_nearest(word);
        if (word[0] == 'x')
            return "sizes are written without blanks: 3x3";
        if (unit)
            return arena_printf(parser->arena, "did you mean '%s'?", unit);
    }
    if (begins_value(kind) && argument && before == TOKEN_NAME && after_comma_and_name(parser, at))
        return "a statement of its own begins on a new line, and an argument is written name=value";
    if (begins_value(kind) && argument)
        return "is a ',' missing here?";
    if (kind >= TOKEN_EQUAL && kind <= TOKEN_GREATER_EQUAL && begins_value(before))
        return "comparisons are joined by 'and'";
    if (kind == TOKEN_ASSIGN && body && !argument)
        return "'==' compares";
    uint32_t next = skip_to_token(parser, at.high - parser->source.low);
    if (kind == TOKEN_NEWLINE && body && next < parser->length && parser->text[next] == '{')
        return "the '{' must stand on this line";
    return NULL;
}

static const char *expectation(const Parser *parser, const char *const *expected, int count)
{
    Text text = {.arena = parser->arena};
    for (int i = 0; i < count; i++)
        text_printf(&text, "%s%s", i == 0 ? "expected " : i + 1 == count ? " or " : ", ", expected[i]);
    return text_string(&text);
}

static void report_no_section(Parser *parser, Span at)
{
    const char *word = spelling(parser, at), *nearest = nearest_name(word, section_words);
    const char *hint = nearest ? arena_printf(parser->arena, "did you mean '%s'?", nearest) : NULL;
    diag_error_hint(
        parser->diag, at, "unknown-section", hint,
        "%s cannot stand here: a file is made of model, data, train, compile, block, let and import",
        found(parser, at));
}

void parser_unexpected(Parser *parser, Span at, const char *const *expected, int count)
{
    if (parser->stopped)
        return;
    int before = parser->before_previous;
    parser->recovering = true;
    parser->recovery_braces = parser->brace_count - (parser->previous == TOKEN_OPEN_BRACE);
    const char *hint = slip(parser, at, expected, count);
    if (parser->recovery_braces == 0 && (before == 0 || before == TOKEN_NEWLINE))
        report_no_section(parser, at);
    else if (parser->previous == TOKEN_ELSE)
        diag_error(parser->diag, at, "unexpected-token", "there is no 'if' before this 'else'");
    else if (is_reserved(parser->previous) && is_expected(expected, count, "a name"))
        diag_error(parser->diag, at, "reserved-word", "%s is a reserved word: choose another name",
                   found(parser, at));
    else if (before == TOKEN_NEWLINE || before == TOKEN_OPEN_BRACE)
        diag_error(parser->diag, at, "unexpected-token", "expected a statement, found %s", found(parser, at));
    else if (count == 0 || count > EXPECTED_MAX)
        diag_error_hint(parser->diag, at, "unexpected-token", hint, "unexpected %s", found(parser, at));
    else
        diag_error_hint(parser->diag, at, "unexpected-token", hint, "%s, found %s",
                        expectation(parser, expected, count), found(parser, at));
    const Token *innermost = parser->open_count ? &parser->open[parser->open_count - 1] : NULL;
    if (innermost && innermost->kind != TOKEN_OPEN_BRACE && parser->previous != innermost->kind)
        diag_note(parser->diag, innermost->span, "inside this '%s'", spelling(parser, innermost->span));
}

void parser_missing_brace(Parser *parser, const Token *before)
{
    if (before->kind == TOKEN_YYEOF) { /* behind the last that is written, not on an empty line below */
        uint32_t end = before->span.low - parser->source.low;
        while (end > 0 && strchr(" \t\r\n", parser->text[end - 1]))
            end--;
        Span at = {parser->source.low + end, parser->source.low + end};
        diag_error(parser->diag, at, "missing-brace", "a '}' is missing at the end of the file");
    } else {
        diag_error(parser->diag, before->span, "missing-brace", "a '}' is missing before '%s'",
                   spelling(parser, before->span));
    }
    for (int i = parser->open_count; i-- > 0;)
        if (parser->open[i].kind == TOKEN_OPEN_BRACE) {
            diag_note(parser->diag, parser->open[i].span, "this '{' is not closed");
            return;
        }
}

void parser_unmatched_brace(Parser *parser, Span at)
{
    if (!parser->recovering)
        diag_error(parser->diag, at, "unmatched-brace", "there is no '{' for this '}'");
}

void parser_too_deep(Parser *parser, Span at)
{
    if (!parser->stopped)
        diag_error(parser->diag, at, "nested-too-deep", "this is nested deeper than %d levels",
                   AST_DEPTH_MAX);
    parser->stopped = true;
}
