/* The tokens that have a value: their spelling, their units, their escapes. A number keeps its spelling here
 * and gets its value in ast.c. A mistake is reported once, and what comes back lets the parser go on as if
 * there were none. */
#include "compiler/syntax/parse.h"

#include <string.h>

enum { NAME_MAX_BYTES = 100, QUOTED_MAX = 40 };

static const struct {
    const char *word;
    AstUnit unit;
} units[] = {
    {"%", AST_PERCENT},     {"deg", AST_DEGREES}, {"px", AST_PIXELS},   {"epoch", AST_EPOCHS},
    {"epochs", AST_EPOCHS}, {"step", AST_STEPS},  {"steps", AST_STEPS}, {"s", AST_SECONDS},
    {"sec", AST_SECONDS},   {"min", AST_MINUTES}, {"h", AST_HOURS},     {"hour", AST_HOURS},
    {"hours", AST_HOURS},   {"B", AST_BYTES},     {"KiB", AST_KIB},     {"MiB", AST_MIB},
    {"GiB", AST_GIB},
};
enum { UNIT_COUNT = sizeof units / sizeof units[0] };

static const struct {
    const char *word;
    int kind;
} reserved[] = {
    {"import", TOKEN_IMPORT}, {"let", TOKEN_LET},       {"block", TOKEN_BLOCK},     {"model", TOKEN_MODEL},
    {"data", TOKEN_DATA},     {"train", TOKEN_TRAIN},   {"compile", TOKEN_COMPILE}, {"if", TOKEN_IF},
    {"else", TOKEN_ELSE},     {"repeat", TOKEN_REPEAT}, {"as", TOKEN_AS},           {"and", TOKEN_AND},
    {"or", TOKEN_OR},         {"not", TOKEN_NOT},       {"true", TOKEN_TRUE},       {"false", TOKEN_FALSE},
};

/* What an unknown character may have been meant as. */
static const struct {
    char character;
    const char *hint;
} stray_hints[] = {
    {';', "a statement ends with its line"},
    {'\'', "texts stand in \"double quotes\""},
    {':', "a named argument is written name=value"},
    {'&', "write 'and'"},
    {'|', "write 'or'"},
    {'!', "write 'not'"},
};

static const char *token_text(const Parser *parser, Span at)
{
    return parser->text + (at.low - parser->source.low);
}

static bool same_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

AstUnit unit_find(const char *word, size_t length)
{
    for (size_t i = 0; i < UNIT_COUNT; i++)
        if (same_word(word, length, units[i].word))
            return units[i].unit;
    return AST_UNIT_NONE;
}

int word_kind(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (same_word(word, length, reserved[i].word))
            return reserved[i].kind;
    return TOKEN_NAME;
}

static size_t digits_length(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && is_digit(text[count]))
        count++;
    return count;
}

size_t number_length(const char *text, size_t length)
{
    size_t count = digits_length(text, length);
    if (count + 1 < length && text[count] == '.' && is_digit(text[count + 1]))
        count += 1 + digits_length(text + count + 1, length - count - 1);
    if (count + 1 < length && (text[count] == 'e' || text[count] == 'E')) {
        size_t sign = text[count + 1] == '+' || text[count + 1] == '-';
        size_t digits = digits_length(text + count + 1 + sign, length - count - 1 - sign);
        if (digits)
            count += 1 + sign + digits;
    }
    return count;
}

int scan_spelling(Parser *parser, CNN_STYPE *value, Span at, int kind)
{
    value->text = arena_text(parser->arena, token_text(parser, at), at.high - at.low);
    return kind;
}

int scan_number(Parser *parser, CNN_STYPE *value, Span at)
{
    size_t length = at.high - at.low;
    bool integer = digits_length(token_text(parser, at), length) == length;
    return scan_spelling(parser, value, at, integer ? TOKEN_INTEGER : TOKEN_REAL);
}

int scan_percent(Parser *parser, CNN_STYPE *value, Span at)
{
    char next = at.high < parser->source.high ? token_text(parser, at)[at.high - at.low] : '\0';
    if (!is_digit(next) && !is_letter(next) && next != '(' && next != '_')
        return scan_spelling(parser, value, at, TOKEN_QUANTITY);
    diag_error_hint(parser->diag, (Span){at.high - 1, at.high}, "bad-number",
                    "with blanks around it, it is a remainder: 7 % 2",
                    "a '%%' that touches its number makes it a percentage, which ends there");
    return TOKEN_CNN_error;
}

const char *unit_nearest(const char *word)
{
    const char *names[UNIT_COUNT + 1] = {NULL};
    for (size_t i = 0; i < UNIT_COUNT; i++)
        names[i] = units[i].word;
    return nearest_name(word, names);
}

static void report_unknown_unit(Parser *parser, Span at, const char *word)
{
    const char *nearest = unit_nearest(word);
    const char *hint = nearest ? arena_printf(parser->arena, "did you mean '%s'?", nearest)
                               : "units are %, deg, px, epochs, steps, s, min, h, B, KiB, MiB, GiB";
    diag_error_hint(parser->diag, at, "unknown-unit", hint, "unknown unit '%s'", word);
}

int scan_touching_unit(Parser *parser, CNN_STYPE *value, Span at)
{
    const char *text = token_text(parser, at);
    size_t length = at.high - at.low, number = number_length(text, length), letters = number;
    if (unit_find(text + number, length - number))
        return scan_spelling(parser, value, at, TOKEN_QUANTITY);
    while (letters < length && is_letter(text[letters]))
        letters++;
    if (letters < length || length - number > NAME_MAX_BYTES)
        return scan_bad_number(parser, value, at);
    report_unknown_unit(parser, (Span){at.low + (uint32_t)number, at.high},
                        arena_text(parser->arena, text + number, length - number));
    return scan_number(parser, value, (Span){at.low, at.low + (uint32_t)number});
}

bool scan_spaced_unit(Parser *parser, CNN_STYPE *value, Span at)
{
    const char *text = token_text(parser, at);
    size_t length = at.high - at.low, number = number_length(text, length), word = number;
    while (text[word] == ' ' || text[word] == '\t')
        word++;
    if (!unit_find(text + word, length - word))
        return false;
    value->text =
        arena_printf(parser->arena, "%.*s %.*s", (int)number, text, (int)(length - word), text + word);
    return true;
}

int scan_bad_number(Parser *parser, CNN_STYPE *value, Span at)
{
    const char *text = token_text(parser, at);
    int length = at.high - at.low < QUOTED_MAX ? (int)(at.high - at.low) : QUOTED_MAX;
    const char *hint = NULL;
    if (text[0] == '.')
        hint = arena_printf(parser->arena, "write 0%.*s", length, text);
    diag_error_hint(parser->diag, at, "bad-number", hint, "'%.*s' is not a number", length, text);
    value->text = "1";
    return TOKEN_INTEGER;
}

int scan_word(Parser *parser, CNN_STYPE *value, Span at)
{
    size_t length = at.high - at.low;
    const char *text = token_text(parser, at);
    if (length > NAME_MAX_BYTES)
        diag_error(parser->diag, at, "name-too-long", "a name of %zu characters: at most %d are allowed",
                   length, NAME_MAX_BYTES);
    return scan_spelling(parser, value, at, word_kind(text, length));
}

/* The bytes between the quotes, with their escapes replaced. */
static const char *decode_text(Parser *parser, Span at)
{
    const char *from = token_text(parser, at);
    size_t length = at.high - at.low, count = 0;
    char *to = arena_alloc(parser->arena, length + 1);
    for (size_t i = 0; i < length; i++) {
        if (from[i] != '\\') {
            to[count++] = from[i];
            continue;
        }
        i++;
        char escaped = from[i];
        if (escaped != '"' && escaped != '\\' && escaped != 'n' && escaped != 't')
            diag_error_hint(parser->diag, (Span){at.low + (uint32_t)i - 1, at.low + (uint32_t)i + 1},
                            "bad-escape", "the escapes are \\\" \\\\ \\n \\t", "unknown escape in a text");
        to[count++] = escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
    }
    return to;
}

int scan_text(Parser *parser, CNN_STYPE *value, Span at)
{
    value->text = decode_text(parser, (Span){at.low + 1, at.high - 1});
    return TOKEN_STRING;
}

int scan_unterminated(Parser *parser, CNN_STYPE *value, Span at)
{
    diag_error(parser->diag, (Span){at.low, at.low + 1}, "unterminated-text",
               "this text has no closing '\"' on its line");
    value->text = "";
    return TOKEN_STRING;
}

int scan_stray(Parser *parser, Span at)
{
    const char *text = token_text(parser, at), *hint = NULL;
    for (size_t i = 0; i < sizeof stray_hints / sizeof stray_hints[0]; i++)
        if (text[0] == stray_hints[i].character)
            hint = stray_hints[i].hint;
    if (!parser->recovering)
        diag_error_hint(parser->diag, at, "unexpected-character", hint, "unexpected character '%.*s'",
                        (int)(at.high - at.low), text);
    return TOKEN_CNN_error;
}

void scan_comment(Parser *parser, Span at)
{
    const char *text = token_text(parser, at);
    size_t length = at.high - at.low;
    while (length > 1 && strchr(" \t\r", text[length - 1]))
        length--;
    AstComment *comment = NEW(parser->arena, AstComment);
    comment->span = at;
    comment->text = arena_text(parser->arena, text, length);
    *vec_push(parser->arena, &parser->comments) = comment;
}
