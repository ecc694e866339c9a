/* Command lines by table. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "compiler/base/diag.h"
#include "runtime/flags.h"

typedef struct {
    bool quick, count_given;
    const char *file;
    int64_t count;
    int threads;
    FlagList defines;
} Values;

static const Flag flags[] = {
    {"--quick", FLAG_SWITCH, offsetof(Values, quick), NULL, "a switch", 0, 0, 0},
    {"--file", FLAG_TEXT, offsetof(Values, file), "FILE", "a text", 0, 0, 0},
    {"--count", FLAG_INTEGER, offsetof(Values, count), "N", "a number", 1, 1e15,
     offsetof(Values, count_given)},
    {"--threads", FLAG_COUNT, offsetof(Values, threads), "N", "a small number", 1, 64, 0},
    {"-D", FLAG_LIST, offsetof(Values, defines), "NAME=VALUE", "a list", 0, 0, 0},
    FLAGS_END,
};

/* Reads a command line of at most 15 words, ended by NULL. */
static CnnStatus read_line(Values *values, const char *const *line, const char **words, int *word_count,
                           CnnError *error)
{
    char *argv[16];
    int argc = 0;
    *values = (Values){0};
    *error = (CnnError){0};
    for (; line[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)line[argc];
    const FlagTable tables[] = {{flags, values}, {NULL, NULL}};
    return cnn_flags_read(tables, argc, argv, nearest_name, words, word_count, error);
}

static void assert_refused(const char *const *line, const char *text)
{
    Values values;
    CnnError error;
    const char *words[16];
    int count;
    assert_int_equal(read_line(&values, line, words, &count, &error), CNN_BAD_USAGE);
    assert_string_equal(error.text, text);
}
#define LINE(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_values_go_to_their_members(void **state)
{
    (void)state;
    Values values;
    CnnError error;
    const char *words[16];
    int count;
    const char *const *line = LINE("a.cnn", "--count", "12", "--file=x=y", "-Dwidth=2", "--quick", "-D",
                                   "b=3", "--threads=4", "--", "--quick");
    assert_int_equal(read_line(&values, line, words, &count, &error), CNN_OK);
    assert_int_equal(count, 2);
    assert_string_equal(words[0], "a.cnn");
    assert_string_equal(words[1], "--quick");
    assert_true(values.quick);
    assert_true(values.count_given);
    assert_int_equal(values.count, 12);
    assert_int_equal(values.threads, 4);
    assert_string_equal(values.file, "x=y");
    assert_int_equal(values.defines.count, 2);
    assert_string_equal(values.defines.value[0], "width=2");
    assert_string_equal(values.defines.value[1], "b=3");
}

static void test_what_is_not_given_is_not_touched(void **state)
{
    (void)state;
    Values values;
    CnnError error;
    const char *words[16];
    int count;
    assert_int_equal(read_line(&values, LINE("-"), words, &count, &error), CNN_OK);
    assert_int_equal(count, 1);
    assert_false(values.quick || values.count_given);
    assert_null(values.file);
}

static void test_bad_flags_are_refused_with_what_is_wrong(void **state)
{
    (void)state;
    assert_refused(LINE("--cuont", "3"), "unknown flag '--cuont'; did you mean '--count'?");
    assert_refused(LINE("--zebra=1"), "unknown flag '--zebra'");
    assert_refused(LINE("--count"), "--count needs a value: --count N");
    assert_refused(LINE("--count", "3x"), "--count takes a whole number, not '3x'");
    assert_refused(LINE("--count="), "--count takes a whole number, not ''");
    assert_refused(LINE("--count", "0"), "--count must be from 1 to 1000000000000000, not 0");
    assert_refused(LINE("--threads", "99999999999999999999"),
                   "--threads must be from 1 to 64, not 99999999999999999999");
    assert_refused(LINE("--quick=yes"), "--quick takes no value");
}

static void test_a_list_has_an_end(void **state)
{
    (void)state;
    char define[] = "-Da=1", *argv[FLAG_LIST_MAX + 1];
    Values values = {0};
    CnnError error = {0};
    const char *words[FLAG_LIST_MAX + 1];
    int count;
    const FlagTable tables[] = {{flags, &values}, {NULL, NULL}};
    for (int i = 0; i <= FLAG_LIST_MAX; i++)
        argv[i] = define;
    assert_int_equal(cnn_flags_read(tables, FLAG_LIST_MAX, argv, NULL, words, &count, &error), CNN_OK);
    values.defines.count = 0;
    assert_int_equal(cnn_flags_read(tables, FLAG_LIST_MAX + 1, argv, NULL, words, &count, &error),
                     CNN_BAD_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_go_to_their_members),
        cmocka_unit_test(test_what_is_not_given_is_not_touched),
        cmocka_unit_test(test_bad_flags_are_refused_with_what_is_wrong),
        cmocka_unit_test(test_a_list_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
