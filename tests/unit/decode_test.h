/* What the tests of decoders share. Included after cmocka.h. */
#ifndef DECODE_TEST_H
#define DECODE_TEST_H

#include "tests/unit/data_test.h"
#include "runtime/data/decode.h"

static inline void decode(const char *path, int channels, Picture *out)
{
    CnnError error = {0};
    DecodeOptions options = {.channels = channels};
    if (decode_file(path, &options, out, &error) != CNN_OK)
        fail_msg("%s", error.text);
    assert_int_equal(out->channels, channels);
    assert_int_equal(out->dtype, DTYPE_U8);
}

static inline void assert_not_decoded(const char *path, const char *reason)
{
    CnnError error = {0};
    Picture picture = {0};
    DecodeOptions options = {.channels = 3};
    assert_int_equal(decode_file(path, &options, &picture, &error), CNN_BAD_INPUT);
    assert_contains(error.text, path);
    assert_contains(error.text, reason);
    picture_free(&picture);
}

static inline void assert_pixel(const Picture *picture, int y, int x, const int *expected, int tolerance)
{
    const unsigned char *pixel =
        (const unsigned char *)picture->data + (y * picture->width + x) * picture->channels;
    for (int c = 0; c < picture->channels; c++)
        if (abs(pixel[c] - expected[c]) > tolerance)
            fail_msg("channel %d of (%d, %d) is %d, not %d", c, y, x, pixel[c], expected[c]);
}

/* Pixels that do not compress. */
static inline unsigned char *noise(size_t count)
{
    unsigned char *rows = malloc(count);
    uint32_t random = 1;
    for (size_t i = 0; i < count; i++) {
        random = random * 1664525 + 1013904223;
        rows[i] = (unsigned char)(random >> 24);
    }
    return rows;
}

#endif
