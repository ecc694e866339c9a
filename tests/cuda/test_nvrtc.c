/* Programs become code by way of NVRTC, here the one of tests/cuda: on threads, from the cache the next time,
 * and with what it says of a program that it refuses. */
#include <sys/stat.h>

#include "compiler/base/cache.h"
#include "compiler/cuda/nvrtc.h"
#include "fake_test.h"

enum { PROGRAMS = 4 };

static char folder[] = "/tmp/test_nvrtc.XXXXXX";

static int use_fake(void **state)
{
    setenv("CNNC_CUDA_LIB", FAKE_CUDA, 1);
    return open_fake(state) || !mkdtemp(folder);
}

static int remove_folder(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return close_fake(state) || system(command);
}

static void fill(NvrtcProgram programs[PROGRAMS])
{
    static const char *const names[PROGRAMS] = {"add", "softmax", "product", "units"};
    for (int i = 0; i < PROGRAMS; i++)
        programs[i] = (NvrtcProgram){.name = names[i], .source = kernel_text(names[i]), .code = NULL};
}

static void forget(NvrtcProgram programs[PROGRAMS])
{
    for (int i = 0; i < PROGRAMS; i++) {
        free((char *)(uintptr_t)programs[i].source);
        free(programs[i].code);
    }
}

static int count_calls(const char *name)
{
    char *record = take_record();
    int count = 0;
    for (const char *at = record; (at = strstr(at, name)); at++)
        count++;
    free(record);
    return count;
}

static void compiles_what_the_cache_has_not(void **state)
{
    (void)state;
    CnnError error = {0};
    NvrtcProgram programs[PROGRAMS], again[PROGRAMS];
    fill(programs);
    fill(again);
    free(take_record());
    assert_int_equal(nvrtc_compile(programs, PROGRAMS, "sm_90", folder, 2, &error), CNN_OK);
    assert_int_equal(count_calls("nvrtcCompileProgram"), PROGRAMS);
    assert_int_equal(nvrtc_compile(again, PROGRAMS, "sm_90", folder, 2, &error), CNN_OK);
    assert_int_equal(count_calls("nvrtcCompileProgram"), 0);
    for (int i = 0; i < PROGRAMS; i++) {
        assert_false(programs[i].cached);
        assert_true(again[i].cached);
        assert_int_equal(programs[i].bytes, again[i].bytes);
        assert_memory_equal(programs[i].code, again[i].code, programs[i].bytes);
        free(again[i].code);
        again[i].code = NULL;
    }
    /* Code for another GPU is another thing. */
    assert_int_equal(nvrtc_compile(again, 1, "sm_80", folder, 1, &error), CNN_OK);
    assert_false(again[0].cached);
    forget(programs);
    forget(again);
}

static void tells_which_program_is_refused_and_why(void **state)
{
    (void)state;
    CnnError error = {0};
    NvrtcProgram programs[PROGRAMS];
    fill(programs);
    programs[2].source = replace((char *)(uintptr_t)programs[2].source, "d[4][4]", "e[4][4]");
    assert_int_equal(nvrtc_compile(programs, PROGRAMS, "sm_90", NULL, 2, &error), CNN_NO_RESOURCE);
    assert_non_null(strstr(error.text, "product"));
    assert_non_null(strstr(error.text, "undeclared"));
    for (int i = 0; i < PROGRAMS; i++)
        assert_null(programs[i].code);
    forget(programs);
}

static void tells_what_fails(void **state)
{
    (void)state;
    static const char *const calls[] = {"nvrtcCreateProgram:1:11", "nvrtcCompileProgram:1:11"};
    NvrtcProgram programs[PROGRAMS];
    fill(programs);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        CnnError error = {0};
        setenv("CNNC_FAKE_CUDA_FAIL", calls[i], 1);
        assert_int_equal(nvrtc_compile(programs, 1, "sm_90", NULL, 1, &error), CNN_NO_RESOURCE);
        assert_non_null(strstr(error.text, "error 11"));
        assert_null(programs[0].code);
    }
    unsetenv("CNNC_FAKE_CUDA_FAIL");
    forget(programs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiles_what_the_cache_has_not),
        cmocka_unit_test(tells_which_program_is_refused_and_why),
        cmocka_unit_test(tells_what_fails),
    };
    return cmocka_run_group_tests(tests, use_fake, remove_folder);
}
