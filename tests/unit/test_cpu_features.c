/* Features of a CPU: what is missing is named, what does not matter is not asked for. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "runtime/built.h"
#include "runtime/cpu_features.h"

/* A Skylake whose system saves no registers of AVX-512. */
static const CpuWords x86 = {
    {[CPU_1_ECX] = 1 | 1 << 9 | 1 << 12 | 1 << 19 | 1 << 28, [CPU_7_EBX] = 1 << 5 | 1 << 16, [CPU_XCR0] = 7}};

static void check_missing(const char *needs, const CpuWords *cpu, const char *wanted)
{
    char missing[CPU_MISSING_MOST];
    cnn_cpu_missing_of(needs, cpu, missing, sizeof missing);
    assert_string_equal(missing, wanted);
}

static void missing_instructions_are_named(void **state)
{
    (void)state;
    check_missing("+avx2,+bmi,+avx512bf16,+bmi2", &x86, "bmi, avx512bf16, bmi2");
}

static void what_is_there_or_unused_or_never_emitted_is_no_reason(void **state)
{
    (void)state;
    static const char *const needs[] = {"", "avx2", "+sse4.1,+sse3,+fma", "-avx512bf16,+avx2",
                                        "+rdrand,+shstk,+64bit"};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        check_missing(needs[i], &x86, "");
}

static void registers_that_the_system_does_not_save_are_missing(void **state)
{
    (void)state;
    CpuWords saved = x86;
    check_missing("+avx512f", &x86, "avx512f");
    saved.word[CPU_XCR0] = 0xE7;
    check_missing("+avx512f", &saved, "");
    saved.word[CPU_XCR0] = 0;
    check_missing("+avx,+sse3", &saved, "avx");
}

static void arm_tells_by_other_words(void **state)
{
    (void)state;
    const CpuWords arm = {{[CPU_HWCAP] = 1 << 1 | 1 << 20, [CPU_HWCAP2] = 1 << 14}};
    check_missing("+neon,+dotprod,+bf16", &arm, "");
    check_missing("+neon,+sve", &arm, "sve");
    check_missing("+avx,+neon", &arm, "avx");
}

static void this_machine_can_be_asked(void **state)
{
    (void)state;
    char missing[CPU_MISSING_MOST];
    cnn_cpu_missing("", missing, sizeof missing);
    assert_string_equal(missing, "");
    cnn_cpu_missing("+avx,+neon", missing, sizeof missing); /* no machine has both */
    assert_string_not_equal(missing, "");
}

/* What the system says of this CPU, where it says it. */
static void the_system_says_the_same(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"avx2", " avx2 "},
                                           {"fma", " fma "},
                                           {"avx512f", " avx512f "},
                                           {"neon", " asimd "},
                                           {"bmi", " bmi1 "}};
    static char text[1 << 16];
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file)
        skip();
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char missing[CPU_MISSING_MOST];
        cnn_cpu_missing(names[i][0], missing, sizeof missing);
        assert_int_equal(*missing == '\0', strstr(text, names[i][1]) != NULL);
    }
}

/* Versions of a network: nothing is asked of them but what they need. */
static CnnStatus choose(const char *const *needs, int count, const char *wanted, CnnError *error)
{
    static const char *const names[] = {"best", "middle", "plain"};
    CnnVersion versions[3] = {{0}};
    CnnBuilt built = {.versions = versions, .version_count = (uint64_t)count};
    const CnnVersion *chosen;
    for (int i = 0; i < count; i++)
        versions[i] = (CnnVersion){.name = names[i], .needs = needs[i]};
    CnnStatus status = cnn_built_choose(&built, &chosen, error);
    assert_string_equal(chosen->name, wanted);
    return status;
}

static void the_first_version_that_runs_here_is_chosen(void **state)
{
    (void)state;
    CnnError error = {0};
    assert_int_equal(choose((const char *const[]){"+avx,+neon", "", ""}, 3, "middle", &error), CNN_OK);
    assert_int_equal(choose((const char *const[]){"", "", ""}, 3, "best", &error), CNN_OK);
}

static void a_program_for_another_cpu_says_what_is_missing(void **state)
{
    (void)state;
    CnnError error = {0};
    const char *const needs[] = {"+avx,+neon,+sve", "+avx2,+neon"};
    assert_int_equal(choose(needs, 2, "middle", &error), CNN_NO_RESOURCE);
    assert_non_null(strstr(error.text, "this was built for other CPUs than this one: for best it lacks "));
    assert_non_null(strstr(error.text, "; for middle it lacks "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_instructions_are_named),
        cmocka_unit_test(what_is_there_or_unused_or_never_emitted_is_no_reason),
        cmocka_unit_test(registers_that_the_system_does_not_save_are_missing),
        cmocka_unit_test(arm_tells_by_other_words),
        cmocka_unit_test(this_machine_can_be_asked),
        cmocka_unit_test(the_system_says_the_same),
        cmocka_unit_test(the_first_version_that_runs_here_is_chosen),
        cmocka_unit_test(a_program_for_another_cpu_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
