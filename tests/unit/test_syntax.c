/* What is written becomes which tree, and which mistakes are found where. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/syntax/ast.h"

typedef struct {
    Arena *arena;
    Diag *diag;
    Ast *ast;
} Parsed;

static Parsed parse_bytes(const char *text, size_t length)
{
    Parsed parsed = {.arena = arena_new()};
    parsed.diag = diag_new(parsed.arena);
    parsed.ast = ast_parse(parsed.arena, parsed.diag, diag_add_source(parsed.diag, "m.cnn", text, length));
    return parsed;
}

/* The messages as they are printed. */
static char *printed(Parsed *parsed)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    diag_print(parsed->diag, out);
    fclose(out);
    return text;
}

static void assert_no_errors(Parsed *parsed)
{
    if (diag_errors(parsed->diag) == 0)
        return;
    fail_msg("%s", printed(parsed));
}

/* The value of `let v = TEXT`. */
static void assert_expr(const char *text, const char *dump)
{
    char source[500], expected[500];
    snprintf(source, sizeof source, "let v = %s\n", text);
    snprintf(expected, sizeof expected, "let v %s\n", dump);
    Parsed parsed = parse_bytes(source, strlen(source));
    assert_no_errors(&parsed);
    Text out = {.arena = parsed.arena};
    ast_print(parsed.ast, &out);
    assert_string_equal(text_string(&out), expected);
    arena_free(parsed.arena);
}

static AstExpr *value_of(Parsed *parsed, const char *source)
{
    *parsed = parse_bytes(source, strlen(source));
    assert_no_errors(parsed);
    return parsed->ast->lines->expr;
}

static void assert_same_tree(const char *one, const char *other)
{
    Parsed left = parse_bytes(one, strlen(one)), right = parse_bytes(other, strlen(other));
    assert_no_errors(&left);
    assert_no_errors(&right);
    Text left_dump = {.arena = left.arena}, right_dump = {.arena = right.arena};
    ast_print(left.ast, &left_dump);
    ast_print(right.ast, &right_dump);
    assert_string_equal(text_string(&left_dump), text_string(&right_dump));
    arena_free(left.arena);
    arena_free(right.arena);
}

/* `expected` lists the errors: "LINE:COLUMN slug", separated by "; ". */
static void assert_errors_of(const char *text, size_t length, const char *expected)
{
    Parsed parsed = parse_bytes(text, length);
    diag_show_slugs(parsed.diag, true);
    char *messages = printed(&parsed), found[2000] = "";
    size_t used = 0;
    for (char *line = strtok(messages, "\n"); line; line = strtok(NULL, "\n")) {
        char *slug = strrchr(line, '[');
        if (strncmp(line, "m.cnn:", 6) != 0 || !strstr(line, ": error: ") || !slug)
            continue;
        char *error = strstr(line, ": error: ");
        used += (size_t)snprintf(found + used, sizeof found - used, "%s%.*s %.*s", used ? "; " : "",
                                 (int)(error - line - 6), line + 6, (int)strcspn(slug + 1, "]"), slug + 1);
    }
    if (strcmp(found, expected) != 0)
        fail_msg("%s\n  found:    %s\n  expected: %s", text, found, expected);
    free(messages);
    arena_free(parsed.arena);
}

static void assert_errors(const char *text, const char *expected)
{
    assert_errors_of(text, strlen(text), expected);
}

static void operators_bind_as_the_language_says(void **state)
{
    (void)state;
    assert_expr("1 + 2 * 3", "(+ 1 (* 2 3))");
    assert_expr("1 - 2 - 3", "(- (- 1 2) 3)");
    assert_expr("2^3^2", "(^ 2 (^ 3 2))");
    assert_expr("-2^2", "(^ (- 2) 2)");
    assert_expr("2^-1", "(^ 2 (- 1))");
    assert_expr("7 // 2 % 3 / 4", "(/ (% (// 7 2) 3) 4)");
    assert_expr("a or b and not c == d", "(or a (and b (not (== c d))))");
    assert_expr("a + 1 <= b * 2", "(<= (+ a 1) (* b 2))");
    assert_expr("(a or b) and c", "(and (paren (or a b)) c)");
    assert_expr("a..b + 1", "(range a (+ b 1))");
    assert_expr("min(a, max(1, 2)) + data.classes", "(+ (min a (max 1 2)) data.classes)");
}

static void numbers_keep_their_kind(void **state)
{
    (void)state;
    assert_expr("0..1", "(range 0 1)");
    assert_expr("0.9..1.1", "(range 0.9 1.1)");
    assert_expr("80%..120%", "(range (quantity 80%) (quantity 120%))");
    assert_expr("1e-3", "1e-3");
    assert_expr("224x224x3", "(dims 224 224 3)");
    assert_expr("7 % 2", "(% 7 2)");
    assert_expr("x%2", "(% x 2)");
    assert_expr("7 %2", "(% 7 2)");
    assert_expr("5   epochs", "(quantity 5 epochs)");
    assert_expr("[20deg, 4px, 10s, 2 min, 4 GiB, 1 epoch]",
                "(list (quantity 20deg) (quantity 4px) (quantity 10s) (quantity 2 min) (quantity 4 GiB) "
                "(quantity 1 epoch))");
}

static void numbers_have_their_values_in_every_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        print_message("no German locale here: checked in the locale C only\n");
    Parsed parsed;
    AstExpr *expr = value_of(&parsed, "let v = 0.625\n");
    assert_int_equal(expr->kind, AST_REAL);
    assert_true(expr->real == 0.625);
    arena_free(parsed.arena);
    expr = value_of(&parsed, "let v = 9223372036854775807\n");
    assert_int_equal(expr->kind, AST_INTEGER);
    assert_true(expr->integer == INT64_MAX);
    arena_free(parsed.arena);
    expr = value_of(&parsed, "let v = 2.5%\n");
    assert_int_equal(expr->kind, AST_QUANTITY);
    assert_int_equal(expr->unit, AST_PERCENT);
    assert_true(expr->real == 2.5);
    arena_free(parsed.arena);
    expr = value_of(&parsed, "let v = 5 hours\n");
    assert_int_equal(expr->unit, AST_HOURS);
    assert_true(expr->real == 5);
    arena_free(parsed.arena);
    setlocale(LC_ALL, "C");
}

static void texts_are_decoded(void **state)
{
    (void)state;
    Parsed parsed;
    AstExpr *expr = value_of(&parsed, "let v = \"\\\"a\\\\b\\n\\t\xC3\xA4#\"\n");
    assert_int_equal(expr->kind, AST_TEXT);
    assert_string_equal(expr->text, "\"a\\b\n\t\xC3\xA4#");
    arena_free(parsed.arena);
}

static void a_new_line_ends_a_statement_only_where_it_should(void **state)
{
    (void)state;
    assert_same_tree("model X { a -> b }", "model X {\n a\n -> b\n}");
    assert_same_tree("model X { a -> b }", "model X {\n a ->\n\n b\n}");
    assert_same_tree("model X { a 1, 2 -> b }", "model X {\n a 1,\n 2\n\n\n   -> b\n}");
    assert_same_tree("model X { a (1 + 2), [3, 4] }", "model X { a (1\n+\n2), [\n3,\n4\n]\n}");
    assert_same_tree("model X { a { b } -> c }", "model X { a {\nb\n}\n -> c\n}");
    assert_same_tree("model X { a { b }\n c }", "model X { a { b } c }");
    assert_same_tree("model X { if a { b } else { c } }", "model X {\nif a {\nb\n}\n\nelse {\nc\n}\n}");
    assert_same_tree("model X { if a { b } else if c { d } else { e } }",
                     "model X {\nif a { b }\nelse if c { d }\nelse { e }\n}");
    assert_same_tree("model X { a }\ndata { b }", "\xEF\xBB\xBFmodel X {\r\n a\r\n}\r\n\r\ndata { b }");
}

static void every_statement_has_its_tree(void **state)
{
    (void)state;
    const char *text = "import \"mobilenet\" # why\n"
                       "let width = 0.5\n"
                       "block basic(channels, stride=1) { conv channels, 3x3, stride=stride }\n"
                       "model M (n=2) {\n repeat 4 as stage { x = from stem -> add skip }\n}\n"
                       "data plants { folder \"d\" }\n";
    const char *dump =
        "import \"mobilenet\"\n  trailing # why\nlet width 0.5\nblock basic\n  param channels\n"
        "  param stride = 1\n  body\n    chain\n      stage conv\n        arg channels\n"
        "        arg (dims 3 3)\n        arg stride = stride\nsection model M\n  param n = 2\n  body\n"
        "    repeat stage 4\n      body\n        chain x\n          stage from\n            arg stem\n"
        "          stage add\n            arg skip\nsection data plants\n  body\n    chain\n"
        "      stage folder\n        arg \"d\"\n";
    Parsed parsed = parse_bytes(text, strlen(text));
    assert_no_errors(&parsed);
    Text out = {.arena = parsed.arena};
    ast_print(parsed.ast, &out);
    assert_string_equal(text_string(&out), dump);
    arena_free(parsed.arena);
}

static void spans_cover_what_was_written(void **state)
{
    (void)state;
    const char *text = "model M {\n    r = conv 32, size=3x3 -> relu  # c\n}\n";
    Parsed parsed = parse_bytes(text, strlen(text));
    assert_no_errors(&parsed);
    AstLine *line = parsed.ast->lines->body->lines;
    size_t length;
    const char *source = diag_source(parsed.diag, line->span, &length);
    assert_memory_equal(source, "r = conv 32, size=3x3 -> relu", length);
    assert_int_equal(length, strlen("r = conv 32, size=3x3 -> relu"));
    source = diag_source(parsed.diag, line->chain->span, &length);
    assert_int_equal(length, strlen("conv 32, size=3x3"));
    source = diag_source(parsed.diag, line->chain->args->next->name_span, &length);
    assert_memory_equal(source, "size", length);
    source = diag_source(parsed.diag, line->chain->args->next->value->items[1]->span, &length);
    assert_int_equal(length, 1);
    assert_int_equal(source[0], '3');
    arena_free(parsed.arena);
}

static void several_mistakes_are_found_in_one_run_and_none_twice(void **state)
{
    (void)state;
    assert_errors("model X {\n conv 3 3\n relu\n conv 4 4\n conv = 5\n}\ndata {\n a b c\n}\n",
                  "2:9 unexpected-token; 4:9 unexpected-token; 5:9 unexpected-token; 8:6 unexpected-token");
    assert_errors("model X {\n residual a b {\n  conv 1 1\n }\n conv 2 2\n}\n",
                  "2:13 unexpected-token; 5:9 unexpected-token");
    assert_errors("model X {\n a @ 1 @ 2\n b 3 3\n}\n", "2:4 unexpected-character; 3:6 unexpected-token");
    assert_errors("modl X {\n a\n}\ntrain {\n b 1 1\n}\n", "1:1 unknown-section; 5:6 unexpected-token");
    assert_errors("conv 3\nrelu\nflatten\nmodel X { a 1 1 }", "1:1 unknown-section; 4:15 unexpected-token");
    assert_errors("model X\n{\n a 1 1\n}\ndata { b 1 1 }", "1:8 unexpected-token; 5:12 unexpected-token");
}

static void braces_that_do_not_match_are_told_once(void **state)
{
    (void)state;
    assert_errors("model X {\n a\n b {\n c\n}\n", "5:2 missing-brace");
    assert_errors("model X {\n a\n\ndata { b 1 1 }\n", "4:1 missing-brace; 4:12 unexpected-token");
    assert_errors("model X { a }\n}\ndata { b }\n}", "2:1 unmatched-brace; 4:1 unmatched-brace");
    assert_errors("model X { a (1\n b\n}\ndata { b }", "2:2 unexpected-token");
    assert_errors("model X { a [1, 2 }\n", "1:19 unexpected-token");
    assert_errors("model X { a (1] }\n", "1:15 unexpected-token");
}

static void each_bad_token_has_its_own_message(void **state)
{
    (void)state;
    assert_errors("let v = 9223372036854775808\n", "1:9 number-too-large");
    assert_errors("let v = 3x99999999999999999999\n", "1:11 number-too-large");
    assert_errors("let v = 1e400\n", "1:9 number-too-large");
    assert_errors("let v = 1e-400\n", "1:9 number-too-small");
    assert_errors("let v = 0.0e-400\n", "");
    assert_errors("let v = 1.2.3\n", "1:9 bad-number");
    assert_errors("let v = .5\n", "1:9 bad-number");
    assert_errors("let v = 1_000\n", "1:9 bad-number");
    assert_errors("let v = 7%2\n", "1:10 bad-number");
    assert_errors("let v = 5.\n", "1:10 unexpected-token");
    assert_errors("let v = 5epoch, 3\n", "1:15 unexpected-token");
    assert_errors("let v = 20degrees\n", "1:11 unknown-unit");
    assert_errors("let v = \"a\\q\"\n", "1:11 bad-escape");
    assert_errors("let v = \"abc\nlet w = 1\n", "1:9 unterminated-text");
    assert_errors("let v = \"abc\\\n", "1:9 unterminated-text");
    assert_errors("let v = \"abc", "1:9 unterminated-text");
    assert_errors("let v = \xD9\xA3\n", "1:9 unexpected-character");
    assert_errors("let data = 3\n", "1:5 reserved-word");
    assert_errors("let v = 'a'\n", "1:9 unexpected-character");
    assert_errors("model X { else { a } }", "1:11 unexpected-token");
    assert_errors("model X { if a == b == c { } }", "1:21 unexpected-token");
}

static void a_file_that_is_no_text_is_refused_at_its_first_byte(void **state)
{
    (void)state;
    assert_errors_of("model X {\n a\0b }", 15, "2:3 not-text");
    assert_errors("\x7F"
                  "ELF",
                  "1:1 not-text");
    assert_errors("model \x01X", "1:7 not-text");
    assert_errors("# \xC3\xA4 \xFF\n", "1:5 not-utf8");
    assert_errors("let v = \"\xED\xA0\x80\"", "1:10 not-utf8");
}

/* `unit` repeated, between two other texts. */
static void assert_errors_repeated(const char *before, const char *unit, int count, const char *after,
                                   const char *slug)
{
    Arena *arena = arena_new();
    Text text = {.arena = arena};
    text_printf(&text, "%s", before);
    for (int i = 0; i < count; i++)
        text_append(&text, unit, strlen(unit));
    text_append(&text, after, strlen(after));
    Parsed parsed = parse_bytes(text.bytes, text.length);
    const char *found = diag_slug(parsed.diag, 0);
    assert_int_equal(diag_errors(parsed.diag), slug ? 1 : 0);
    if (slug)
        assert_string_equal(found, slug);
    arena_free(parsed.arena);
    arena_free(arena);
}

static void what_is_nested_too_deep_or_too_long_is_refused(void **state)
{
    (void)state;
    assert_errors_repeated("let v = ", "(", 100000, "1", "nested-too-deep");
    assert_errors_repeated("model X ", "{ a ", 100000, "", "nested-too-deep");
    assert_errors_repeated("let v = ", "-", 100000, "1", "nested-too-deep");
    assert_errors_repeated("let v = ", "not ", 300, "a", "nested-too-deep");
    assert_errors_repeated("let v = 1", " + 1", 300, "", "nested-too-deep");
    assert_errors_repeated("let v = 1", "^1", 100000, "", "nested-too-deep");
    assert_errors_repeated("model X { ", "if a { } else ", 300, "{ } }", "nested-too-deep");
    assert_errors_repeated("let ", "a", 101, " = 1", "name-too-long");
    assert_errors_repeated("#", "x", 17 << 20, "", "file-too-large");
    assert_errors_repeated("model X { ", "{ a ", 0, "a }", NULL);
    assert_errors_repeated("let v = ", "(", 150, "1))", "unexpected-token");
    assert_errors_repeated("let ", "a", 100, " = 1", NULL);
    assert_errors_repeated("model X {", "\nconv 32, 3x3 -> relu", 20000, "\n}", NULL);
    assert_errors_repeated("model X { a", " -> a", 20000, " }", NULL);
}

static void an_empty_file_is_an_empty_tree(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n\n", "# only a comment", "\xEF\xBB\xBF", " \t\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        Parsed parsed = parse_bytes(texts[i], strlen(texts[i]));
        assert_no_errors(&parsed);
        assert_null(parsed.ast->lines);
        arena_free(parsed.arena);
    }
}

/* The words of a message and its hint. */
static void assert_message(const char *text, const char *part)
{
    Parsed parsed = parse_bytes(text, strlen(text));
    char *messages = printed(&parsed);
    if (!strstr(messages, part))
        fail_msg("'%s' is not in:\n%s", part, messages);
    free(messages);
    arena_free(parsed.arena);
}

static void the_messages_are_in_the_users_words(void **state)
{
    (void)state;
    assert_message("modl X { }", "did you mean 'model'?");
    assert_message("model X { conv 32 3x3 }", "expected the end of the line, '->', ',' or '{', found '3x3'");
    assert_message("model X { conv 32 3x3 }", "is a ',' missing here?");
    assert_message("train { optimizer adam, batch 8 }",
                   "a statement of its own begins on a new line, and an argument is written name=value");
    assert_message("model X { conv 32, 3x3 5 }", "is a ',' missing here?");
    assert_message("model X { conv 32, 3 x 3 }", "sizes are written without blanks: 3x3");
    assert_message("model X { a 5 epchs }", "did you mean 'epochs'?");
    assert_message("model X { a 5epchs }", "did you mean 'epochs'?");
    assert_message("model X { if a = b { } }", "'==' compares");
    assert_message("model X\n{ a }", "the '{' must stand on this line");
    assert_message("model X { a stride= }", "expected a value, found '}'");
    assert_message("model X { a (1\n", "expected ')', found the end of the file");
    assert_message("model X { a (1\n", "inside this '('");
    assert_message("model X { a\n", "this '{' is not closed");
    assert_message("let v 5\n", "expected '=', found '5'");
    assert_message("let v = 7%2\n", "with blanks around it, it is a remainder: 7 % 2");
    assert_message("model X { = 4 }", "expected a statement, found '='");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_bind_as_the_language_says),
        cmocka_unit_test(numbers_keep_their_kind),
        cmocka_unit_test(numbers_have_their_values_in_every_locale),
        cmocka_unit_test(texts_are_decoded),
        cmocka_unit_test(a_new_line_ends_a_statement_only_where_it_should),
        cmocka_unit_test(every_statement_has_its_tree),
        cmocka_unit_test(spans_cover_what_was_written),
        cmocka_unit_test(several_mistakes_are_found_in_one_run_and_none_twice),
        cmocka_unit_test(braces_that_do_not_match_are_told_once),
        cmocka_unit_test(each_bad_token_has_its_own_message),
        cmocka_unit_test(a_file_that_is_no_text_is_refused_at_its_first_byte),
        cmocka_unit_test(what_is_nested_too_deep_or_too_long_is_refused),
        cmocka_unit_test(an_empty_file_is_an_empty_tree),
        cmocka_unit_test(the_messages_are_in_the_users_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
