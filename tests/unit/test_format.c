/* The formatter: it changes no meaning, loses no comment, and leaves alone what it printed itself. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/syntax/ast.h"

typedef struct {
    Arena *arena;
    int errors;
    Text dump, formatted;
} Formatted;

static Formatted format(const char *text, size_t length)
{
    Formatted result = {.arena = arena_new()};
    Diag *diag = diag_new(result.arena);
    Ast *ast = ast_parse(result.arena, diag, diag_add_source(diag, "m.cnn", text, length));
    result.errors = diag_errors(diag);
    result.dump.arena = result.formatted.arena = result.arena;
    ast_print(ast, &result.dump);
    ast_format(ast, &result.formatted);
    return result;
}

static void assert_format(const char *text, const char *expected)
{
    Formatted first = format(text, strlen(text));
    assert_int_equal(first.errors, 0);
    assert_string_equal(text_string(&first.formatted), expected);
    arena_free(first.arena);
}

/* Formatting keeps the tree and the comments, and doing it twice changes nothing. Returns whether the text
 * has no errors. */
static bool formats_well(const char *text, size_t length)
{
    Formatted first = format(text, length);
    if (first.errors > 0) {
        arena_free(first.arena);
        return false;
    }
    const char *canonical = text_string(&first.formatted);
    Formatted second = format(canonical, first.formatted.length);
    if (second.errors > 0)
        fail_msg("errors in the formatted text of:\n%.*s\n---\n%s", (int)length, text, canonical);
    if (strcmp(text_string(&second.formatted), canonical) != 0)
        fail_msg("formatted again:\n%s\n---\n%s", canonical, text_string(&second.formatted));
    if (strcmp(text_string(&second.dump), text_string(&first.dump)) != 0)
        fail_msg("another tree:\n%.*s\n---\n%s", (int)length, text, canonical);
    arena_free(first.arena);
    arena_free(second.arena);
    return true;
}

static char *read_text(const char *name, size_t *length)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/unit/texts/%s.cnn", TESTS_FOLDER, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 16);
    *length = fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    return text;
}

static const char *const names[] = {"fashion", "resnet18", "seed133",  "seed42",
                                    "small",   "comments", "canonical"};
enum { NAME_COUNT = sizeof names / sizeof names[0] };

static void canonical_texts_stay_as_they_are(void **state)
{
    (void)state;
    static const char *const canonical[] = {"fashion", "resnet18", "seed133", "small", "canonical"};
    for (size_t i = 0; i < sizeof canonical / sizeof canonical[0]; i++) {
        size_t length;
        char *text = read_text(canonical[i], &length);
        assert_format(text, text);
        free(text);
    }
}

static void comments_and_broken_lines_find_their_place(void **state)
{
    (void)state;
    size_t length;
    char *text = read_text("comments", &length), *expected = read_text("canonical", &length);
    assert_format(text, expected);
    free(text);
    free(expected);
}

static void every_text_formats_well(void **state)
{
    (void)state;
    for (int i = 0; i < NAME_COUNT; i++) {
        size_t length;
        char *text = read_text(names[i], &length);
        assert_true(formats_well(text, length));
        free(text);
    }
}

static void blanks_and_lines_become_canonical(void **state)
{
    (void)state;
    assert_format("", "");
    assert_format("\n\n# a\n\n\n\n# b", "# a\n\n# b\n");
    assert_format("model  X{a 1,2,b =3->c}", "model X { a 1, 2, b=3 -> c }\n");
    assert_format("model X {\n\n\na\n\n\n\nb\n\n}", "model X {\n    a\n\n    b\n}\n");
    assert_format("let v=- ( 1+2 )*x ^ 2", "let v = -(1 + 2) * x^2\n");
    assert_format("let v = [ 1 ,2 , [ ] ]", "let v = [1, 2, []]\n");
    assert_format("let v = 5\tepochs", "let v = 5 epochs\n");
    assert_format("block b ( ) { }", "block b() {}\n");
    assert_format("model X {\n a {\n }\n}", "model X {\n    a {}\n}\n");
    assert_format("model X { if a {\n b\n }\n else { c }\n }",
                  "model X {\n    if a {\n        b\n    } else { c }\n}\n");
    assert_format("\xEF\xBB\xBFlet v = 1\r\n# c \t\r\n", "let v = 1\n# c\n");
    assert_format("let v = not  a", "let v = not a\n");
}

static void a_body_on_one_line_stays_so_if_it_fits(void **state)
{
    (void)state;
    assert_format("data { a { b } c { d } }", "data { a { b } c { d } }\n");
    const char *wide = "data { a 1111111111111111, 1111111111111111, 1111111111111111, 1111111111111111, "
                       "1111111111111111, 1111111111111111 }";
    assert_format(wide,
                  "data {\n    a 1111111111111111, 1111111111111111, 1111111111111111, 1111111111111111, "
                  "1111111111111111, 1111111111111111\n}\n");
    assert_true(formats_well(wide, strlen(wide)));
}

static void a_comment_without_a_place_goes_before_the_statement(void **state)
{
    (void)state;
    assert_format("let v = (1 + # c\n 2)", "# c\nlet v = (1 + 2)\n");
    assert_format("# a\n\nlet v = (1 # c\n # d\n + 2) # e", "# a\n\n# c\n# d\nlet v = (1 + 2)  # e\n");
    assert_format("model X {\n if a { b }\n # c\n else { d }\n}",
                  "model X {\n    # c\n    if a { b } else { d }\n}\n");
}

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
static size_t random_below(uint64_t *state, size_t bound)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (size_t)((z ^ (z >> 31)) % bound);
}

/* One change of a text: bytes cut out, a piece put in. */
static size_t mutate(char *text, size_t length, size_t capacity, uint64_t *random)
{
    static const char *const pieces[] = {"\n",
                                         "\n\n",
                                         " # c\n",
                                         "\n# own\n",
                                         "{",
                                         "}",
                                         " { a }",
                                         "(",
                                         ")",
                                         "[",
                                         "]",
                                         ",",
                                         "->",
                                         "\n->",
                                         " ",
                                         "=",
                                         "else",
                                         "if a ",
                                         "repeat 2 as i ",
                                         "let v = 1\n",
                                         "1x2",
                                         "3",
                                         "%",
                                         "..",
                                         "\"t\"",
                                         "-",
                                         "not ",
                                         "data.x",
                                         "\r\n",
                                         "5 epochs",
                                         "^",
                                         "+",
                                         " -> b",
                                         ", c",
                                         "\n-> # c\n",
                                         ",\n",
                                         ", # c\n# d\n",
                                         "# c\n",
                                         "[1,\n2]",
                                         "(a)",
                                         " a { b }",
                                         "\t"};
    size_t at = random_below(random, length + 1);
    size_t cut = random_below(random, 4) == 0 ? random_below(random, 6) : 0;
    const char *piece = pieces[random_below(random, sizeof pieces / sizeof pieces[0])];
    size_t put = random_below(random, 5) == 0 ? 0 : strlen(piece);
    if (cut > length - at)
        cut = length - at;
    if (length - cut + put >= capacity)
        return length;
    memmove(text + at + put, text + at + cut, length - at - cut);
    memcpy(text + at, piece, put);
    return length - cut + put;
}

static void mutated_texts_format_well_or_have_errors(void **state)
{
    (void)state;
    enum { ROUNDS = 20000, CAPACITY = 4096 };
    uint64_t random = 1;
    int good = 0;
    char *texts[NAME_COUNT];
    size_t lengths[NAME_COUNT];
    for (int i = 0; i < NAME_COUNT; i++)
        texts[i] = read_text(names[i], &lengths[i]);
    for (int round = 0; round < ROUNDS; round++) {
        int which = round % NAME_COUNT;
        char text[CAPACITY];
        size_t length = lengths[which];
        assert_true(length < CAPACITY);
        memcpy(text, texts[which], length);
        for (size_t changes = 1 + random_below(&random, 4); changes > 0; changes--)
            length = mutate(text, length, CAPACITY, &random);
        good += formats_well(text, length);
    }
    for (int i = 0; i < NAME_COUNT; i++)
        free(texts[i]);
    assert_true(good > ROUNDS / 10); /* the others have errors: both happen */
    assert_true(good < ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_texts_stay_as_they_are),
        cmocka_unit_test(comments_and_broken_lines_find_their_place),
        cmocka_unit_test(every_text_formats_well),
        cmocka_unit_test(blanks_and_lines_become_canonical),
        cmocka_unit_test(a_body_on_one_line_stays_so_if_it_fits),
        cmocka_unit_test(a_comment_without_a_place_goes_before_the_statement),
        cmocka_unit_test(mutated_texts_format_well_or_have_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
