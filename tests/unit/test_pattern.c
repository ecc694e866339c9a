/* Patterns of names. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runtime/pattern.h"

static void a_pattern_names_a_tensor_or_what_it_is_in(void **state)
{
    (void)state;
    static const char *const good[] = {"conv1.kernel", "conv1", "conv*", "*.kernel", "c?nv[0-9]", "*"};
    static const char *const wrong[] = {"conv", "onv1", "kernel", "conv1.", "conv1.kernel.", "", "Conv1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!cnn_pattern_matches(good[i], "conv1.kernel"))
            fail_msg("'%s' does not match", good[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (cnn_pattern_matches(wrong[i], "conv1.kernel"))
            fail_msg("'%s' matches", wrong[i]);
    assert_true(cnn_pattern_matches("basic3", "basic3.conv1.kernel"));
    assert_true(cnn_pattern_matches("basic3.conv1", "basic3.conv1.kernel"));
    assert_false(cnn_pattern_matches("basic3", "basic30.conv1.kernel"));
}

static void several_are_separated_by_commas_and_blanks(void **state)
{
    (void)state;
    assert_true(cnn_patterns_match("stem, conv*,dense1", "dense1.bias"));
    assert_true(cnn_patterns_match(" stem dense1 ", "dense1"));
    assert_false(cnn_patterns_match("stem, conv*", "dense1.bias"));
    assert_false(cnn_patterns_match("", "dense1.bias"));
    assert_false(cnn_patterns_match(NULL, "dense1.bias"));
    const char *text = "a,, b";
    char pattern[PATTERN_BYTES];
    assert_true(cnn_pattern_next(&text, pattern) && strcmp(pattern, "a") == 0);
    assert_true(cnn_pattern_next(&text, pattern) && strcmp(pattern, "b") == 0);
    assert_false(cnn_pattern_next(&text, pattern));
}

static void names_and_patterns_of_any_length_are_safe(void **state)
{
    (void)state;
    char name[2000], pattern[PATTERN_BYTES];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const char *text = name;
    assert_true(cnn_pattern_next(&text, pattern));
    assert_int_equal(strlen(pattern), PATTERN_BYTES - 1);
    assert_false(cnn_pattern_next(&text, pattern));
    assert_false(cnn_pattern_matches("b", name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_names_a_tensor_or_what_it_is_in),
        cmocka_unit_test(several_are_separated_by_commas_and_blanks),
        cmocka_unit_test(names_and_patterns_of_any_length_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
