/* `resize`: sizes, proportions and methods. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/data_test.h"
#include "tests/unit/resize_expected.h"

static void resize_gives_known_answers(void **state)
{
    (void)state;
    make_floats((const float[]){0, 1, 2, 3}, 1, 4);
    /* Twice smaller: a triangle over 4 pixels, weights 1/8 3/8 3/8 1/8, cut off and normalised at the edges.
     */
    assert_staged("resize 1x2", 2,
                  (const float[]){(3 * 0 + 3 * 1 + 1 * 2) / 7.0f, (1 * 1 + 3 * 2 + 3 * 3) / 7.0f}, 1e-6f);
    /* Twice larger: weights 1/4 and 3/4. */
    assert_staged("resize 1x8", 8, (const float[]){0, 0.25f, 0.75f, 1.25f, 1.75f, 2.25f, 2.75f, 3}, 1e-6f);
    assert_staged("resize 1x4", 4, (const float[]){0, 1, 2, 3}, 0);
    assert_staged("resize 3x1", 3, (const float[]){1.5f, 1.5f, 1.5f}, 1e-6f);
    /* Pillow 13.0, Image.resize((3, 2), BILINEAR) of a float picture. */
    make_floats((const float[]){0, 10, 20, 30, 40, 5, 15, 25, 35, 45, 100, 0, 50, 0, 25}, 3, 5);
    assert_staged("resize 2x3", 6,
                  (const float[]){6.1607141f, 21.875f, 37.5892868f, 39.1964264f, 26.7361107f, 24.1964283f},
                  1e-4f);
    /* The same of a picture of bytes. */
    write_npy("x.npy", "|u1", false, "(2, 3, 5)",
              (const unsigned char[30]){0, 10, 20, 30, 40, 5, 15, 25, 35, 45, 100, 0, 50, 0, 25}, 30);
    assert_staged("resize 2x3", 6, (const float[]){6, 22, 38, 39, 27, 24}, 0);
}

static void a_picture_of_one_value_keeps_it_at_every_size(void **state)
{
    (void)state;
    float values[13 * 7], expected[40 * 40];
    for (int i = 0; i < 13 * 7; i++)
        values[i] = 77;
    for (int i = 0; i < 40 * 40; i++)
        expected[i] = 77;
    make_floats(values, 13, 7);
    for (int height = 1; height < 40; height += 6)
        for (int width = 1; width < 40; width += 5)
            for (int i = 0; i < 12; i++) {
                static const char *const methods[] = {"bilinear",
                                                      "bicubic",
                                                      "area",
                                                      "nearest",
                                                      "bilinear, antialias=false",
                                                      "bicubic, antialias=false"};
                char stage[96];
                snprintf(stage, sizeof stage, "resize %dx%d, fit=%s, method=%s", height, width,
                         i % 2 ? "crop" : "stretch", methods[i / 2]);
                assert_staged(stage, height * width, expected, 1e-4f);
            }
}

static void crop_keeps_the_middle_and_pad_adds_black(void **state)
{
    (void)state;
    make_floats((const float[]){1, 2, 3, 4, 5, 6, 7, 8}, 2, 4);
    assert_staged("resize 2x2, fit=crop", 4, (const float[]){2, 3, 6, 7}, 1e-6f);
    assert_staged("resize 4x4, fit=pad", 16, (const float[]){0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0},
                  1e-6f);
    write_npy("x.npy", "|u1", false, "(2, 1, 2)", "\377\0\0\0", 4);
    assert_staged("scale -1..1 -> resize 2x2, fit=pad", 4, (const float[]){1, -1, -1, -1}, 1e-6f);
    assert_staged("resize 4x2, fit=pad", 8, (const float[]){0, 0, 255, 0, 0, 0, 0, 0}, 0);
}

/* Pillow's and Keras' results: tests/reference/resize_pillow.py. */
static void all_methods_give_what_others_do(void **state)
{
    (void)state;
    float values[8 * 12];
    for (int i = 0; i < 8 * 12; i++)
        values[i] = (float)(i * 37 % 101);
    make_floats(values, 8, 12);
    for (size_t i = 0; i < sizeof resize_expected / sizeof *resize_expected; i++)
        assert_staged(resize_expected[i].stage, resize_expected[i].count, resize_expected[i].value, 1e-3f);
}

static void bicubic_stays_between_black_and_white(void **state)
{
    (void)state;
    float least = 9, most = -9, values[16], bytes[16];
    CnnError error = {0};
    write_npy("x.npy", "|u1", false, "(2, 1, 4)", "\0\0\377\377\0\0\0\0", 8);
    write_npy("y.npy", "|u1", false, "(2,)", "\0\1", 2);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"\nscale -1..1\nresize 1x16, method=bicubic");
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 0, 0, values, &error), CNN_OK);
    for (int i = 0; i < 16; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    assert_true(least == -1 && most == 1); /* without the limits they are overshot by 0.07 */
    close_data(opened);
    opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"\nresize 1x16, method=bicubic");
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 0, 0, bytes, &error), CNN_OK);
    for (int i = 0; i < 16; i++)
        assert_true(bytes[i] - (values[i] + 1) * 127.5f <= 0.501f &&
                    bytes[i] - (values[i] + 1) * 127.5f >= -0.501f);
    close_data(opened);
}

/* Where not all pixels count, a JPEG is not decoded at a reduced size: of one pixel in eight, all are found.
 */
static void methods_that_pick_pixels_see_the_whole_jpeg(void **state)
{
    (void)state;
    static unsigned char rows[64 * 64];
    float picked[8 * 8];
    for (int i = 0; i < 64 * 64; i++)
        rows[i] = i / 64 % 8 == 4 && i % 8 == 4 ? 255 : 0;
    write_jpeg("d/a/0.jpg", 64, 64, 1, 0, rows);
    write_jpeg("d/b/0.jpg", 64, 64, 1, 0, rows);
    for (int nearest = 0; nearest < 2; nearest++) {
        CnnError error = {0};
        Opened opened = open_good(nearest ? "folder \"d\", channels=1 -> resize 8x8, method=nearest"
                                          : "folder \"d\", channels=1 -> resize 8x8, method=area");
        assert_int_equal(get_sample(opened.data, PART_TRAIN, 0, 0, picked, &error), CNN_OK);
        for (int i = 0; i < 8 * 8; i++)
            assert_true(nearest ? picked[i] > 200 : picked[i] < 10);
        close_data(opened);
    }
}

static void an_area_without_antialiasing_is_refused(void **state)
{
    (void)state;
    make_floats((const float[]){1, 2, 3, 4, 5, 6, 7, 8}, 2, 4);
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\"\nresize 2x2, method=area, antialias=false",
                   "test.cnn:3:1: 'resize' takes the mean with method=area: leave antialias out");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(resize_gives_known_answers),
        TEST(a_picture_of_one_value_keeps_it_at_every_size),
        TEST(crop_keeps_the_middle_and_pad_adds_black),
        TEST(all_methods_give_what_others_do),
        TEST(bicubic_stays_between_black_and_white),
        TEST(methods_that_pick_pixels_see_the_whole_jpeg),
        TEST(an_area_without_antialiasing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
