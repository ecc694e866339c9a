/* Changes of place and of colour against Keras' and torchvision's pictures: tests/reference/augment_peers.py.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "runtime/augment/augment.h"
#include "runtime/data/files.h"
#include "tests/unit/augment_expected.h"

extern const AugmentKind augment_rotate, augment_shift, augment_shear, augment_zoom, augment_crop,
    augment_brightness, augment_contrast, augment_saturation, augment_hue, augment_grey, augment_blur;

enum { SIDE = 12, HEIGHT = 14, WIDTH = 10, MOST = SIDE * SIDE * 3 };

static const float black[3] = {0, 0, 0}, white[3] = {1, 1, 1};
static const Layout layout = {.channels = 3, .ranged = true, .black = black, .white = white};

/* The argument with which the first number that a change draws moves it by exactly `by`. */
static double aimed(Draw *draw, double by)
{
    Draw first = *draw;
    return by / (2 * draw_unit(&first) - 1);
}

static void fill_picture(Picture *picture)
{
    float *value = picture->data;
    for (int64_t i = 0; i < picture->height * picture->width * 3; i++)
        value[i] = (float)((i * i * 7 + i * 37) % 199 + 20) / 255;
}

/* torchvision weighs red in grey by 0.2989, and not 0.299. */
static const float exact = 2e-5f, nearly = 2e-4f;

static void assert_picture(const char *name, const Picture *picture, const float *expected, float tolerance)
{
    const float *value = picture->data;
    for (int64_t i = 0; i < picture->height * picture->width * 3; i++)
        if (fabsf(value[i] - expected[i]) > tolerance)
            fail_msg("%s: value %d is %g, not %g", name, (int)i, (double)value[i], (double)expected[i]);
}

/* ---- Changes of place ---- */

static void rotate(AugmentMap *map, double degrees)
{
    Draw draw = draw_begin(1, 0);
    augment_rotate.map(&(double){aimed(&draw, degrees)}, &draw, map);
}

static void shift(AugmentMap *map, double across, double down)
{
    Draw draw = draw_begin(2, 0), second = draw;
    draw_unit(&second);
    augment_shift.map((Length[]){{.value = aimed(&second, across)}, {.value = aimed(&draw, down)}}, &draw,
                      map);
}

static void shear(AugmentMap *map, double degrees)
{
    Draw draw = draw_begin(3, 0);
    augment_shear.map(&(double){aimed(&draw, degrees)}, &draw, map);
}

static void zoom(AugmentMap *map, double factor)
{
    Draw draw = draw_begin(4, 0);
    augment_zoom.map(&(Range){factor, factor}, &draw, map);
}

static void assert_placed(const char *name, const AugmentMap *map, FillMode fill, int64_t height,
                          int64_t width, const float *expected)
{
    float in[MOST + 1], out[MOST];
    Picture from = {height, width, 3, DTYPE_F32, in, 0, NULL},
            to = {map->height, map->width, 3, DTYPE_F32, out, 0, NULL};
    fill_picture(&from);
    map_apply(map, &(FillArgs){fill, 0.25}, &from, &to);
    assert_picture(name, &to, expected, exact);
}

static const AugmentMap unchanged = {SIDE, SIDE, {{1, 0, 0}, {0, 1, 0}}};

static void each_change_of_place_is_that_of_keras(void **state)
{
    (void)state;
    AugmentMap map = unchanged;
    rotate(&map, -15); /* Keras turns the other way: it draws from both sides alike */
    assert_placed("rotated", &map, FILL_NEAREST, SIDE, SIDE, expected_rotated);
    map = unchanged;
    shift(&map, 3.3, -2.6);
    assert_placed("moved", &map, FILL_NEAREST, SIDE, SIDE, expected_moved);
    map = unchanged;
    shear(&map, 20);
    assert_placed("sheared", &map, FILL_NEAREST, SIDE, SIDE, expected_sheared);
    map = unchanged;
    zoom(&map, 0.8);
    assert_placed("zoomed", &map, FILL_NEAREST, SIDE, SIDE, expected_zoomed);
}

/* One behind the other, far out of the picture. */
static void all_of_them_with_every_fill_are_those_of_keras(void **state)
{
    (void)state;
    AugmentMap map = unchanged;
    rotate(&map, -15);
    shift(&map, 7.3, -6.6);
    shear(&map, 20);
    zoom(&map, 1.3);
    assert_placed("nearest", &map, FILL_NEAREST, SIDE, SIDE, expected_nearest);
    assert_placed("reflect", &map, FILL_REFLECT, SIDE, SIDE, expected_reflect);
    assert_placed("wrap", &map, FILL_WRAP, SIDE, SIDE, expected_wrap);
    assert_placed("constant", &map, FILL_CONSTANT, SIDE, SIDE, expected_constant);
}

static void a_scaled_crop_is_that_of_torchvision(void **state)
{
    (void)state;
    struct {
        Length pad;
        Dims random;
        Range scale, ratio;
    } crop = {.random = {2, {6, 5}}, .scale = {0.5, 1}, .ratio = {0.5, 2}};
    AugmentMap map = {HEIGHT, WIDTH, {{1, 0, 0}, {0, 1, 0}}};
    augment_crop.map(&crop, NULL, &map); /* the middle: 12 x 10 from row 1 */
    assert_placed("crop", &map, FILL_NEAREST, HEIGHT, WIDTH, expected_crop);
}

/* ---- Changes of colour ---- */

static void assert_changed(const AugmentKind *kind, const void *args, Draw draw, const float *expected,
                           float tolerance)
{
    Picture pictures[2] = {{0}};
    Bytes work = {0};
    Sample sample = {.now = &pictures[0], .spare = &pictures[1], .work = &work, .augmented = true};
    CnnError error = {0};
    assert_int_equal(picture_reserve(&pictures[0], HEIGHT, WIDTH, 3, DTYPE_F32, &error), CNN_OK);
    fill_picture(&pictures[0]);
    assert_int_equal(kind->change(args, &draw, &layout, &sample, &error), CNN_OK);
    assert_picture(kind->schema->word, sample.now, expected, tolerance);
    picture_free(&pictures[0]);
    picture_free(&pictures[1]);
    bytes_free(&work);
}

/* A change whose only argument is how far it goes to either side. */
static void assert_moved(const AugmentKind *kind, double by, const float *expected, float tolerance)
{
    Draw draw = draw_begin(5, 0);
    assert_changed(kind, &(double){aimed(&draw, by)}, draw, expected, tolerance);
}

static void colours_are_those_of_keras_and_torchvision(void **state)
{
    (void)state;
    Draw draw = draw_begin(6, 0);
    assert_moved(&augment_brightness, 0.3, expected_brightness, exact);
    assert_moved(&augment_contrast, 0.4, expected_contrast, exact);
    assert_moved(&augment_saturation, -0.6, expected_saturation, nearly);
    assert_moved(&augment_hue, 0.1, expected_hue, exact);
    assert_changed(&augment_grey, &(double){1}, draw, expected_grey, nearly);
    assert_changed(&augment_blur, &(Range){1.5, 1.5}, draw, expected_blur, exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_of_place_is_that_of_keras),
        cmocka_unit_test(all_of_them_with_every_fill_are_those_of_keras),
        cmocka_unit_test(a_scaled_crop_is_that_of_torchvision),
        cmocka_unit_test(colours_are_those_of_keras_and_torchvision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
