/* A program that is linked without the optional libraries, as a trainer is whose data need none of them, and
 * every program of a cnnc that was built where they are not installed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/decode_test.h"

static void sounds_are_refused_with_what_is_missing(void **state)
{
    (void)state;
    Opened opened = open_data("audio \"s\", seconds=1\nmel");
    assert_null(opened.data);
    assert_int_equal(opened.error.status, CNN_NO_RESOURCE);
    assert_string_equal(opened.error.text,
                        "test.cnn:2:1: sounds cannot be read: this program was built without libsndfile "
                        "and libsoxr (Debian: libsndfile1-dev, libsoxr-dev)");
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

static void pictures_are_refused_with_what_is_missing(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *reason;
    } cases[] = {
        {"II*\0....RIFF",
         "p: a TIFF picture, but this program was built without libtiff (Debian: libtiff-dev)"},
        {"RIFF....WEBP",
         "p: a WebP picture, but this program was built without libwebp (Debian: libwebp-dev)"},
        {"GIF89a......", "p: a GIF picture, but this program was built without giflib (Debian: libgif-dev)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_bytes("p", cases[i].bytes, 12);
        assert_not_decoded("p", cases[i].reason);
    }
    write_bytes("p", cases[0].bytes, 12);
    assert_refused("multiband \"p\", tile=1, mask=\"p\"", cases[0].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sounds_are_refused_with_what_is_missing, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(pictures_are_refused_with_what_is_missing, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(archives_are_refused_with_what_is_missing, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
