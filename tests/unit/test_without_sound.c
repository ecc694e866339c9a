/* A program that is linked without the library of sounds, as every trainer of pictures is, and every program
 * of a cnnc that was built where libsndfile is not installed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/data_test.h"

static void sounds_are_refused_with_what_is_missing(void **state)
{
    (void)state;
    Opened opened = open_data("audio \"s\", seconds=1\nmel");
    assert_null(opened.data);
    assert_int_equal(opened.error.status, CNN_NO_RESOURCE);
    assert_string_equal(opened.error.text,
                        "test.cnn:2:1: sounds cannot be read: this program was built without libsndfile, "
                        "libsoxr and FFTW (Debian: libsndfile1-dev, libsoxr-dev, libfftw3-dev)");
    close_data(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sounds_are_refused_with_what_is_missing, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
