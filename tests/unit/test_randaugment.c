/* `randaugment`: each change of its list against Pillow, and what is drawn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "runtime/augment/tones.h"
#include "tests/unit/data_test.h"
#include "tests/unit/tones_expected.h"

extern const AugmentKind augment_randaugment;

enum { HEIGHT = 24, WIDTH = 16, VALUES = HEIGHT * WIDTH * 3 };

/* A picture between -1 and 1, whose bytes are those of tests/reference/tones_pillow.py. */
typedef struct {
    Picture pictures[2];
    Bytes work;
    Sample sample;
} Tones;

static const float black[3] = {-1, -1, -1}, white[3] = {1, 1, 1};
static const Layout layout = {.channels = 3, .ranged = true, .black = black, .white = white};

static void tones_open(Tones *tones)
{
    CnnError error = {0};
    *tones = (Tones){.sample.augmented = true};
    tones->sample.now = &tones->pictures[0];
    tones->sample.spare = &tones->pictures[1];
    tones->sample.work = &tones->work;
    assert_int_equal(picture_reserve(tones->sample.now, HEIGHT, WIDTH, 3, DTYPE_F32, &error), CNN_OK);
    for (int64_t i = 0; i < VALUES; i++)
        ((float *)tones->sample.now->data)[i] = (float)((i * i * 7 + i * 37) % 199 + 20) / 127.5f - 1;
}

static void tones_close(Tones *tones)
{
    picture_free(&tones->pictures[0]);
    picture_free(&tones->pictures[1]);
    bytes_free(&tones->work);
}

/* The picture's bytes are the expected ones up to `tolerance`; then it is given back. */
static void assert_tones(Tones *tones, const unsigned char *expected, float tolerance)
{
    const float *value = tones->sample.now->data;
    for (int i = 0; i < VALUES; i++)
        if (fabsf((value[i] + 1) * 127.5f - expected[i]) > tolerance)
            fail_msg("value %d is %g, not %d", i, (value[i] + 1) * 127.5f, expected[i]);
    tones_close(tones);
}

/* Pillow rounds to bytes in between. */
static void changes_of_colour_are_pillows(void **state)
{
    (void)state;
    Tones tones;
    CnnError error = {0};
    tones_open(&tones);
    picture_stretch(&layout, layout.black, 1.6f, tones.sample.now);
    assert_tones(&tones, expected_brightness, 1);
    tones_open(&tones);
    picture_saturate(&layout, 0.4f, tones.sample.now);
    assert_tones(&tones, expected_colour, 1.5f);
    tones_open(&tones);
    assert_int_equal(tones_contrast(&layout, 1.6f, &tones.sample, &error), CNN_OK);
    assert_tones(&tones, expected_contrast, 1.5f);
    tones_open(&tones);
    assert_int_equal(tones_sharpen(&layout, 1.9f, &tones.sample, &error), CNN_OK);
    assert_tones(&tones, expected_sharper, 1.5f);
    tones_open(&tones);
    assert_int_equal(tones_sharpen(&layout, 0.1f, &tones.sample, &error), CNN_OK);
    assert_tones(&tones, expected_smoother, 1.5f);
    tones_open(&tones);
    tones_solarize(&layout, 127.5f / 255, tones.sample.now);
    assert_tones(&tones, expected_solarize, 0.01f);
    tones_open(&tones);
    tones_autocontrast(&layout, tones.sample.now);
    assert_tones(&tones, expected_autocontrast, 1);
}

static void changes_of_bytes_are_exact(void **state)
{
    (void)state;
    Tones tones;
    tones_open(&tones);
    tones_posterize(&layout, 5, tones.sample.now);
    assert_tones(&tones, expected_posterize, 0.01f);
    tones_open(&tones);
    tones_equalize(&layout, tones.sample.now);
    assert_tones(&tones, expected_equalize, 0.01f);
}

static void a_picture_of_one_value_is_neither_stretched_nor_equalized(void **state)
{
    (void)state;
    Tones tones;
    unsigned char bytes[VALUES];
    for (int even = 0; even < 2; even++) {
        tones_open(&tones);
        for (int i = 0; i < VALUES; i++) {
            ((float *)tones.sample.now->data)[i] = 100 / 127.5f - 1;
            bytes[i] = 100;
        }
        if (even)
            tones_equalize(&layout, tones.sample.now);
        else
            tones_autocontrast(&layout, tones.sample.now);
        assert_tones(&tones, bytes, 0.01f);
    }
}

/* Each of the five changes of place in a 14th of the draws, at its strength, to either side. */
static void changes_of_place_are_drawn_evenly_at_their_strength(void **state)
{
    (void)state;
    static const int64_t args[2] = {1, 15};
    int count[5][2] = {{0}};
    for (uint64_t key = 0; key < 7000; key++) {
        AugmentMap map = {20, 30, {{1, 0, 0}, {0, 1, 0}}};
        Draw draw = draw_begin(key, 0);
        augment_randaugment.map(args, &draw, &map);
        double along = map.m[1][0], down = map.m[0][1];
        if (along != 0 && down != 0) {
            assert_true(fabs(fabs(atan2(along, map.m[0][0])) * 180 / acos(-1) - 15) < 1e-9);
            count[4][along > 0]++;
        } else if (along != 0) {
            assert_true(fabs(fabs(along) - 0.15) < 1e-12 && fabs(map.m[1][2] - 10 * along) < 1e-12);
            count[0][along > 0]++;
        } else if (down != 0) {
            assert_true(fabs(fabs(down) - 0.15) < 1e-12 && fabs(map.m[0][2] - 15 * down) < 1e-12);
            count[1][down > 0]++;
        } else if (map.m[1][2] != 0) {
            assert_true(fabs(map.m[1][2]) == 6); /* 30 * 150 / 331 / 2 */
            count[2][map.m[1][2] > 0]++;
        } else if (map.m[0][2] != 0) {
            assert_true(fabs(map.m[0][2]) == 4);
            count[3][map.m[0][2] > 0]++;
        }
    }
    for (int i = 0; i < 5; i++)
        for (int side = 0; side < 2; side++)
            assert_true(count[i][side] > 190 && count[i][side] < 310);
}

/* Six changes leave the pixels alone; the other draws change them, and none goes beyond black or white. */
static void changes_of_pixels_stay_between_black_and_white(void **state)
{
    (void)state;
    static const int64_t one[2] = {1, 20}, five[2] = {5, 30};
    int changed = 0;
    for (uint64_t key = 0; key < 700; key++) {
        Tones tones, before;
        CnnError error = {0};
        Draw draw = draw_begin(key, 0);
        tones_open(&tones);
        tones_open(&before);
        assert_int_equal(
            augment_randaugment.change(key % 2 ? one : five, &draw, &layout, &tones.sample, &error), CNN_OK);
        const float *value = tones.sample.now->data;
        for (int i = 0; i < VALUES; i++)
            assert_true(value[i] >= -1.00001f && value[i] <= 1.00001f);
        changed += key % 2 && memcmp(value, before.sample.now->data, VALUES * sizeof *value) != 0;
        tones_close(&before);
        tones_close(&tones);
    }
    assert_true(changed > 160 && changed < 240); /* 8 of 14 */
}

static void randaugment_is_part_of_the_pipeline(void **state)
{
    (void)state;
    unsigned char x[40 * 48], y[40];
    float first[48], again[48], plain[48];
    CnnError error = {0};
    int changed = 0;
    for (int i = 0; i < 40 * 48; i++)
        x[i] = (unsigned char)(i * 31 % 251);
    for (int i = 0; i < 40; i++)
        y[i] = (unsigned char)(i % 2);
    write_npy("x.npy", "|u1", false, "(40, 4, 4, 3)", x, sizeof x);
    write_npy("y.npy", "|u1", false, "(40,)", y, sizeof y);
    Opened with = open_good("arrays x=\"x.npy\", y=\"y.npy\"\nscale 0..1\naugment { randaugment }");
    Opened without = open_good("arrays x=\"x.npy\", y=\"y.npy\"\nscale 0..1");
    for (int i = 0; i < 40; i++) {
        assert_int_equal(get_sample(with.data, PART_TRAIN, i, 1, first, &error), CNN_OK);
        assert_int_equal(get_sample(with.data, PART_TRAIN, i, 1, again, &error), CNN_OK);
        assert_int_equal(get_sample(without.data, PART_TRAIN, i, 1, plain, &error), CNN_OK);
        assert_memory_equal(first, again, sizeof first);
        changed += memcmp(first, plain, sizeof first) != 0;
    }
    assert_true(changed > 30);
    close_data(without);
    close_data(with);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_of_colour_are_pillows),
        TEST(changes_of_bytes_are_exact),
        TEST(a_picture_of_one_value_is_neither_stretched_nor_equalized),
        TEST(changes_of_place_are_drawn_evenly_at_their_strength),
        TEST(changes_of_pixels_stay_between_black_and_white),
        TEST(randaugment_is_part_of_the_pipeline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
