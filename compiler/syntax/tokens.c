/* The filter between the scanner and bison. It decides which new lines end a statement, and keeps the promise
 * that every statement ends with NEWLINE and every brace is closed, so that the grammar needs no rule for it:
 *   - a new line counts unless it stands in ( ) or [ ], after `,` `->` `{`, or before `->`;
 *   - a NEWLINE is put in before `}` and at the end, and after a `}` unless `->` or `else` follows;
 *   - where a section begins, or the file ends, inside braces, a `}` is missing: it is told and put in.
 * After a syntax error it drops the rest of the statement, with its body, and hands on its NEWLINE. */
#include "compiler/syntax/parse.h"

#include <string.h>

static bool at_line_start(const Parser *parser)
{
    return parser->previous == 0 || parser->previous == TOKEN_NEWLINE || parser->previous == TOKEN_OPEN_BRACE;
}

/* The kind of the word at an offset of the text; 0 where no word stands. */
static int word_kind_at(const Parser *parser, uint32_t offset)
{
    uint32_t end = offset;
    while (end < parser->length &&
           (parser->text[end] == '_' || (parser->text[end] >= '0' && parser->text[end] <= '9') ||
            (parser->text[end] >= 'a' && parser->text[end] <= 'z') ||
            (parser->text[end] >= 'A' && parser->text[end] <= 'Z')))
        end++;
    return end > offset ? word_kind(parser->text + offset, end - offset) : 0;
}

/* Whether the statement goes on behind blanks and new lines, with `->`, or with `else` behind a `}`. */
static bool goes_on(Parser *parser, uint32_t position, bool after_brace)
{
    uint32_t next = skip_to_token(parser, position - parser->source.low);
    bool arrow = next + 1 < parser->length && parser->text[next] == '-' && parser->text[next + 1] == '>';
    if (!arrow && !(after_brace && word_kind_at(parser, next) == TOKEN_ELSE))
        return false;
    parser->joined_until = parser->source.low + next;
    return true;
}

static bool newline_counts(Parser *parser, Span at)
{
    int innermost = parser->open_count ? parser->open[parser->open_count - 1].kind : TOKEN_OPEN_BRACE;
    if (innermost != TOKEN_OPEN_BRACE || at_line_start(parser) || parser->previous == TOKEN_COMMA ||
        parser->previous == TOKEN_ARROW || at.low < parser->joined_until)
        return false;
    return !goes_on(parser, at.low, false);
}

static bool begins_section(const Parser *parser, const Token *token)
{
    switch (token->kind) {
    case TOKEN_IMPORT:
    case TOKEN_BLOCK:
    case TOKEN_MODEL:
    case TOKEN_DATA:
    case TOKEN_TRAIN:
    case TOKEN_COMPILE:
        return at_line_start(parser);
    default:
        return false;
    }
}

static Token scan(Parser *parser)
{
    if (parser->held_count)
        return parser->held[--parser->held_count];
    Token token = {.kind = TOKEN_YYEOF, .span = {parser->source.high, parser->source.high}};
    if (!parser->stopped && parser->offset < parser->length)
        token.kind = cnn_scan_lex(&token.value, &token.span, parser->scanner);
    if (parser->stopped || token.kind == TOKEN_YYEOF)
        token = (Token){.kind = TOKEN_YYEOF, .span = {parser->source.high, parser->source.high}};
    return token;
}

static void hold(Parser *parser, Token token)
{
    parser->held[parser->held_count++] = token;
}

static void close_brackets(Parser *parser)
{
    while (parser->open_count && parser->open[parser->open_count - 1].kind != TOKEN_OPEN_BRACE)
        parser->open_count--;
}

static void open_bracket(Parser *parser, const Token *token)
{
    if (parser->open_count == AST_DEPTH_MAX) {
        parser_too_deep(parser, token->span);
        return;
    }
    parser->open[parser->open_count++] = *token;
    parser->brace_count += token->kind == TOKEN_OPEN_BRACE;
}

static void close_bracket(Parser *parser, int opening)
{
    if (parser->open_count && parser->open[parser->open_count - 1].kind == opening)
        parser->open_count--;
}

/* Keeps account of what is open. In a statement that is dropped, ( and [ mean nothing. */
static void track(Parser *parser, const Token *token)
{
    switch (token->kind) {
    case TOKEN_OPEN_BRACE:
        open_bracket(parser, token);
        break;
    case TOKEN_OPEN_PAREN:
    case TOKEN_OPEN_BRACKET:
        if (!parser->recovering)
            open_bracket(parser, token);
        break;
    case TOKEN_CLOSE_PAREN:
        close_bracket(parser, TOKEN_OPEN_PAREN);
        break;
    case TOKEN_CLOSE_BRACKET:
        close_bracket(parser, TOKEN_OPEN_BRACKET);
        break;
    case TOKEN_CLOSE_BRACE:
        close_brackets(parser);
        close_bracket(parser, TOKEN_OPEN_BRACE);
        parser->brace_count--;
        parser->newline_owed = !goes_on(parser, token->span.high, true);
        break;
    default:
        break;
    }
}

static Token newline_at(uint32_t position)
{
    return (Token){.kind = TOKEN_NEWLINE, .span = {position, position}};
}

/* The next token with new lines and braces put right. */
static Token next_token(Parser *parser)
{
    if (parser->newline_owed) {
        parser->newline_owed = false;
        return newline_at(parser->previous_end);
    }
    for (;;) {
        Token token = scan(parser);
        bool ends_all = token.kind == TOKEN_YYEOF || begins_section(parser, &token);
        if (token.kind == TOKEN_NEWLINE && !newline_counts(parser, token.span))
            continue;
        if ((token.kind == TOKEN_CLOSE_BRACE || token.kind == TOKEN_YYEOF) && !at_line_start(parser)) {
            hold(parser, token);
            return newline_at(token.span.low);
        }
        if (ends_all && parser->brace_count && !parser->stopped) {
            parser_missing_brace(parser, &token);
            hold(parser, token);
            token = (Token){.kind = TOKEN_CLOSE_BRACE, .span = {token.span.low, token.span.low}};
        }
        if (token.kind == TOKEN_CLOSE_BRACE && parser->brace_count == 0) {
            parser_unmatched_brace(parser, token.span);
            continue;
        }
        track(parser, &token);
        return token;
    }
}

static void remember(Parser *parser, const Token *token)
{
    parser->before_previous = parser->previous;
    parser->previous = token->kind;
    parser->previous_end = token->span.high;
}

/* Whether what stands next can begin anew at the top of the file, after a mistake there. */
static bool section_follows(const Parser *parser)
{
    uint32_t next = skip_to_token(parser, parser->previous_end - parser->source.low);
    switch (word_kind_at(parser, next)) {
    case TOKEN_IMPORT:
    case TOKEN_LET:
    case TOKEN_BLOCK:
    case TOKEN_MODEL:
    case TOKEN_DATA:
    case TOKEN_TRAIN:
    case TOKEN_COMPILE:
        return true;
    default:
        return next == parser->length;
    }
}

/* Drops tokens up to the NEWLINE at which the statement with the mistake ends, and remembers that as the last
 * token. At the top of a file, where a mistake often means that the line above a whole body is wrong, up to
 * the next section. */
static void drop_statement(Parser *parser)
{
    close_brackets(parser);
    for (;;) {
        bool inside = parser->brace_count > parser->recovery_braces;
        bool ended = parser->previous == TOKEN_NEWLINE && !inside;
        if (ended && (parser->recovery_braces > 0 || section_follows(parser)))
            return;
        Token token = next_token(parser);
        if (token.kind == TOKEN_YYEOF) {
            hold(parser, token);
            return;
        }
        remember(parser, &token);
    }
}

int cnn_lex(CNN_STYPE *value, Span *span, Parser *parser)
{
    Token token;
    bool newline_seen = parser->previous == TOKEN_NEWLINE;
    if (parser->recovering) {
        drop_statement(parser);
        parser->recovering = false;
        token = newline_seen ? next_token(parser) : newline_at(parser->previous_end);
    } else {
        token = next_token(parser);
    }
    remember(parser, &token);
    if (token.kind == TOKEN_CNN_error) {
        parser->recovering = true;
        parser->recovery_braces = parser->brace_count;
    }
    *value = token.value;
    *span = token.span;
    return token.kind;
}
