#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/base/diag.h"
#include "compiler/base/utf8.h"

typedef struct {
    Arena *arena;
    Diag *diag;
    Span source;
    const char *text;
} Fixture;

static Fixture fixture_of(const char *name, const char *text)
{
    Fixture fixture = {.arena = arena_new(), .text = text};
    fixture.diag = diag_new(fixture.arena);
    fixture.source = diag_add_source(fixture.diag, name, text, strlen(text));
    return fixture;
}

/* The span of the first occurrence of `word`. */
static Span span_of(const Fixture *fixture, const char *word)
{
    const char *found = strstr(fixture->text, word);
    assert_non_null(found);
    uint32_t low = fixture->source.low + (uint32_t)(found - fixture->text);
    return (Span){low, low + (uint32_t)strlen(word)};
}

static void assert_printed(Fixture *fixture, const char *expected)
{
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&printed, &length);
    diag_print(fixture->diag, out);
    fclose(out);
    assert_string_equal(printed, expected);
    free(printed);
    arena_free(fixture->arena);
}

static void an_error_shows_its_line_its_carets_and_its_hint(void **state)
{
    (void)state;
    Fixture f = fixture_of("plants.cnn", "model Plants {\n    conv 32, 3x3, strides=2\n}\n");
    diag_error_hint(f.diag, span_of(&f, "strides"), "unknown-parameter", "did you mean 'stride'?",
                    "'conv' has no parameter 'strides'");
    diag_show_slugs(f.diag, false);
    assert_printed(&f, "plants.cnn:2:19: error: 'conv' has no parameter 'strides'\n"
                       "  2 |     conv 32, 3x3, strides=2\n"
                       "    |                   ^^^^^^^ did you mean 'stride'?\n");
}

static void a_message_ends_with_its_slug(void **state)
{
    (void)state;
    Fixture f = fixture_of("m.cnn", "a b\n");
    diag_warning(f.diag, span_of(&f, "b"), "some-slug", "look here");
    assert_string_equal(diag_slug(f.diag, 0), "some-slug");
    assert_null(diag_slug(f.diag, 1));
    assert_int_equal(diag_errors(f.diag), 0);
    assert_int_equal(diag_warnings(f.diag), 1);
    assert_printed(&f, "m.cnn:1:3: warning: look here [some-slug]\n  1 | a b\n    |   ^\n");
}

static void messages_come_in_order_of_position_with_their_notes(void **state)
{
    (void)state;
    Fixture f = fixture_of("m.cnn", "one\ntwo\nthree\n");
    diag_error(f.diag, span_of(&f, "three"), "x", "last");
    diag_note(f.diag, span_of(&f, "one"), "because of this");
    diag_error(f.diag, span_of(&f, "two"), "x", "middle");
    diag_error(f.diag, (Span){0}, "x", "nowhere");
    assert_printed(&f, "cnnc: error: nowhere [x]\n"
                       "m.cnn:2:1: error: middle [x]\n  2 | two\n    | ^^^\n"
                       "m.cnn:3:1: error: last [x]\n  3 | three\n    | ^^^^^\n"
                       "m.cnn:1:1: note: because of this\n  1 | one\n    | ^^^\n");
}

static void the_same_mistake_at_the_same_place_is_told_once(void **state)
{
    (void)state;
    Fixture f = fixture_of("m.cnn", "one\n");
    diag_error(f.diag, span_of(&f, "one"), "x", "first");
    diag_error(f.diag, span_of(&f, "one"), "x", "again");
    diag_note(f.diag, span_of(&f, "one"), "a note of what was dropped");
    diag_error(f.diag, (Span){0}, "x", "flag a");
    diag_error(f.diag, (Span){0}, "x", "flag b");
    diag_error(f.diag, (Span){0}, "x", "flag b");
    assert_int_equal(diag_errors(f.diag), 3);
    assert_printed(&f, "cnnc: error: flag a [x]\ncnnc: error: flag b [x]\n"
                       "m.cnn:1:1: error: first [x]\n  1 | one\n    | ^^^\n");
}

static void after_twenty_errors_the_rest_is_counted(void **state)
{
    (void)state;
    char text[100];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    Fixture f = fixture_of("m.cnn", text);
    for (uint32_t i = 0; i < 33; i++)
        diag_error(f.diag, (Span){f.source.low + i, f.source.low + i + 1}, "x", "error");
    assert_int_equal(diag_errors(f.diag), 33);
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&printed, &length);
    diag_print(f.diag, out);
    fclose(out);
    assert_non_null(strstr(printed, "m.cnn:1:20: error"));
    assert_null(strstr(printed, "m.cnn:1:21: error"));
    assert_non_null(strstr(printed, "cnnc: 13 more errors\n"));
    free(printed);
    arena_free(f.arena);
}

static void repeats_are_not_counted_even_when_there_are_many(void **state)
{
    (void)state;
    Fixture f = fixture_of("m.cnn", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t at = f.source.low + i % 50;
        diag_error(f.diag, (Span){at, at + 1}, i % 2 ? "odd" : "even", "error %u", (unsigned)i);
    }
    assert_int_equal(diag_errors(f.diag), 50);
    arena_free(f.arena);
}

static void columns_count_characters_and_tabs_are_expanded(void **state)
{
    (void)state;
    Fixture f = fixture_of("m.cnn", "\t\xC3\xA4\xC3\xB6 \xE6\xBC\xA2 here\r\n");
    diag_error(f.diag, span_of(&f, "here"), "x", "m");
    assert_printed(
        &f, "m.cnn:1:7: error: m [x]\n  1 |     \xC3\xA4\xC3\xB6 \xE6\xBC\xA2 here\n    |           ^^^^\n");
}

static void a_byte_order_mark_takes_no_column(void **state)
{
    (void)state;
    Fixture f = fixture_of("m.cnn", "\xEF\xBB\xBFmodel\n");
    diag_error(f.diag, span_of(&f, "model"), "x", "m");
    assert_printed(&f, "m.cnn:1:1: error: m [x]\n  1 | model\n    | ^^^^^\n");
}

static void control_characters_are_escaped_everywhere(void **state)
{
    (void)state;
    Fixture f = fixture_of("a\nb\x1b[0m.cnn", "x\x1b[31m\xff\xE2\x80\xAEy\n");
    diag_error(f.diag, span_of(&f, "y"), "x", "the name '%s'", "\x07\n");
    assert_printed(&f, "a\\nb\\x1b[0m.cnn:1:9: error: the name '\\x07\\n' [x]\n"
                       "  1 | x\\x1b[31m\\xff\\u202ey\n"
                       "    |                    ^\n");
}

static void a_wide_line_is_cut_around_the_caret(void **state)
{
    (void)state;
    char text[1001];
    memset(text, '.', sizeof text - 1);
    memcpy(text + 500, "HERE", 4);
    text[1000] = '\0';
    Fixture f = fixture_of("m.cnn", text);
    diag_error(f.diag, span_of(&f, "HERE"), "x", "m");
    char expected[400], dots[101];
    memset(dots, '.', sizeof dots - 1);
    dots[100] = '\0';
    snprintf(expected, sizeof expected, "m.cnn:1:501: error: m [x]\n  1 | %.36sHERE%.66s\n    | %36s^^^^\n",
             dots, dots, "");
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&printed, &length);
    diag_print(f.diag, out);
    fclose(out);
    assert_memory_equal(printed, expected, 26 + 6 + 36 + 4 + 50);
    assert_true(length < 26 + 2 * 120);
    free(printed);
    arena_free(f.arena);
}

static void a_place_at_the_end_of_a_file_belongs_to_that_file(void **state)
{
    (void)state;
    Fixture f = fixture_of("one.cnn", "a\n");
    Span empty = diag_add_source(f.diag, "empty.cnn", "", 0);
    Span other = diag_add_source(f.diag, "two.cnn", "b\nc", 3);
    assert_string_equal(diag_where(f.diag, (Span){f.source.high, f.source.high}), "one.cnn:2:1");
    assert_string_equal(diag_where(f.diag, empty), "empty.cnn:1:1");
    assert_string_equal(diag_where(f.diag, (Span){other.low + 2, other.high}), "two.cnn:2:1");
    assert_string_equal(diag_where(f.diag, (Span){other.high, other.high}), "two.cnn:2:2");
    assert_string_equal(diag_where(f.diag, (Span){0}), "");
    arena_free(f.arena);
}

static void a_slip_finds_the_nearest_name(void **state)
{
    (void)state;
    static const char *const names[] = {"filters", "window", "stride", "pad", "conv", "dense", "h", NULL};
    assert_string_equal(nearest_name("strides", names), "stride");
    assert_string_equal(nearest_name("fliters", names), "filters");
    assert_string_equal(nearest_name("conv2", names), "conv");
    assert_string_equal(nearest_name("Dense", names), "dense");
    assert_string_equal(nearest_name("pda", names), "pad");
    assert_null(nearest_name("banana", names));
    assert_null(nearest_name("x", names));
    assert_null(nearest_name("", names));
}

static void utf8_takes_only_what_the_standard_allows(void **state)
{
    (void)state;
    uint32_t code;
    assert_int_equal(utf8_decode("a", 1, &code), 1);
    assert_int_equal(utf8_decode("\xC3\xA4", 2, &code), 2);
    assert_int_equal(code, 0xE4);
    assert_int_equal(utf8_decode("\xF0\x9F\x98\x80", 4, &code), 4);
    assert_int_equal(code, 0x1F600);
    static const char *const wrong[] = {
        "\x80", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x28\xA1", "\xFF"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(utf8_decode(wrong[i], strlen(wrong[i]), &code), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_shows_its_line_its_carets_and_its_hint),
        cmocka_unit_test(a_message_ends_with_its_slug),
        cmocka_unit_test(messages_come_in_order_of_position_with_their_notes),
        cmocka_unit_test(the_same_mistake_at_the_same_place_is_told_once),
        cmocka_unit_test(after_twenty_errors_the_rest_is_counted),
        cmocka_unit_test(repeats_are_not_counted_even_when_there_are_many),
        cmocka_unit_test(columns_count_characters_and_tabs_are_expanded),
        cmocka_unit_test(a_byte_order_mark_takes_no_column),
        cmocka_unit_test(control_characters_are_escaped_everywhere),
        cmocka_unit_test(a_wide_line_is_cut_around_the_caret),
        cmocka_unit_test(a_place_at_the_end_of_a_file_belongs_to_that_file),
        cmocka_unit_test(a_slip_finds_the_nearest_name),
        cmocka_unit_test(utf8_takes_only_what_the_standard_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
