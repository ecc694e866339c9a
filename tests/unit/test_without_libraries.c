/* A program that is linked without the libraries of sounds and of archives, as a trainer of pictures in a
 * folder is, and every program of a cnnc that was built where libsndfile and libarchive are not installed. */
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

static void archives_are_refused_with_what_is_missing(void **state)
{
    (void)state;
    write_bytes("p.tar.zst", "\x28\xb5\x2f\xfd", 4);
    assert_int_equal(setenv("XDG_CACHE_HOME", test_folder, 1), 0);
    Opened opened = open_data("archive \"p.tar.zst\" { folder \".\" }");
    assert_null(opened.data);
    assert_int_equal(opened.error.status, CNN_NO_RESOURCE);
    assert_string_equal(opened.error.text,
                        "test.cnn:2:1: p.tar.zst: zstd cannot be unpacked: this program was built "
                        "without libarchive (Debian: libarchive-dev)");
    close_data(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sounds_are_refused_with_what_is_missing, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(archives_are_refused_with_what_is_missing, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
