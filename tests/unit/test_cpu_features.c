/* Features of a CPU: what is missing is named, what does not matter is not asked for. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runtime/cpu_features.h"

static const char x86[] =
    "\nprocessor\t: 0\nflags\t\t: fpu pni ssse3 sse4_1 avx avx2 fma avx512f\nbugs\t\t: bmi2\n"
    "\nprocessor\t: 1\nflags\t\t: bmi1\n";

static void check_missing(const char *needs, const char *cpuinfo, const char *wanted)
{
    char missing[CPU_MISSING_MOST];
    CnnError error = {0};
    assert_int_equal(cnn_cpu_missing_text(needs, cpuinfo, missing, sizeof missing, &error), CNN_OK);
    assert_string_equal(missing, wanted);
}

static void missing_instructions_are_named(void **state)
{
    (void)state;
    check_missing("+avx2,+bmi,+avx512f,+avx512bf16,+bmi2", x86, "bmi, avx512bf16, bmi2");
}

static void what_is_there_or_unused_or_never_emitted_is_no_reason(void **state)
{
    (void)state;
    static const char *const needs[] = {"", "avx2", "+sse4.1,+sse3,+fma", "-avx512bf16,+avx512f",
                                        "+rdrand,+shstk,+64bit"};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        check_missing(needs[i], x86, "");
}

static void arm_names_its_features_otherwise(void **state)
{
    (void)state;
    check_missing("+neon,+dotprod", "\nFeatures\t: fp asimd asimddp\n", "");
    check_missing("+neon,+sve", "\nFeatures\t: fp asimd asimddp\n", "sve");
}

static void a_cpuinfo_that_says_nothing_is_an_error(void **state)
{
    (void)state;
    char missing[CPU_MISSING_MOST];
    CnnError error = {0};
    assert_int_equal(cnn_cpu_missing_text("+avx2", "\n", missing, sizeof missing, &error), CNN_NO_RESOURCE);
}

static void a_program_for_another_cpu_says_what_is_missing(void **state)
{
    (void)state;
    CnnError error = {0};
    /* No machine has both. */
    assert_int_equal(cnn_cpu_check("+avx,+neon", &error), CNN_NO_RESOURCE);
    assert_non_null(strstr(error.text, "this program was built for another CPU: this one lacks "));
}

static void this_machine_can_be_asked(void **state)
{
    (void)state;
    CnnError error = {0};
    assert_int_equal(cnn_cpu_check("", &error), CNN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_instructions_are_named),
        cmocka_unit_test(what_is_there_or_unused_or_never_emitted_is_no_reason),
        cmocka_unit_test(arm_names_its_features_otherwise),
        cmocka_unit_test(a_cpuinfo_that_says_nothing_is_an_error),
        cmocka_unit_test(a_program_for_another_cpu_says_what_is_missing),
        cmocka_unit_test(this_machine_can_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
