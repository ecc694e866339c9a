/* Augmentation by maps of the plane: sampling by known answers and by its definition, the ranges of each map,
 * and blur. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "runtime/augment/augment.h"
#include "tests/unit/data_test.h"

extern const AugmentKind augment_rotate, augment_shear, augment_zoom, augment_shift, augment_flip,
    augment_crop, augment_blur;

static const AugmentMap unchanged = {0, 0, {{1, 0, 0}, {0, 1, 0}}};

/* Samples a grey picture through a map and compares. */
static void assert_mapped(AugmentMap map, FillMode mode, const float *in, int height, int width,
                          const float *expected, float tolerance)
{
    float result[256];
    map.height = map.height ? map.height : height;
    map.width = map.width ? map.width : width;
    Picture from = {.height = height, .width = width, .channels = 1, .dtype = DTYPE_F32, .data = (void *)in};
    Picture to = {
        .height = map.height, .width = map.width, .channels = 1, .dtype = DTYPE_F32, .data = result};
    map_apply(&map, &(FillArgs){(int)mode, 9}, &from, &to);
    for (int i = 0; i < map.height * map.width; i++)
        if (fabsf(result[i] - expected[i]) > tolerance)
            fail_msg("value %d is %g, not %g", i, result[i], expected[i]);
}

static const float three[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static AugmentMap moved(double rows, double columns)
{
    AugmentMap map = unchanged;
    map_compose(&map, (const double[2][3]){{1, 0, rows}, {0, 1, columns}});
    return map;
}

static void the_unchanged_map_copies(void **state)
{
    (void)state;
    assert_mapped(unchanged, FILL_NEAREST, three, 3, 3, three, 0);
}

static void a_shift_by_pixels_fills_as_told(void **state)
{
    (void)state;
    assert_mapped(moved(0, 1), FILL_NEAREST, three, 3, 3, (const float[]){2, 3, 3, 5, 6, 6, 8, 9, 9}, 0);
    assert_mapped(moved(0, 1), FILL_CONSTANT, three, 3, 3, (const float[]){2, 3, 9, 5, 6, 9, 8, 9, 9}, 0);
    assert_mapped(moved(-2, 0), FILL_CONSTANT, three, 3, 3, (const float[]){9, 9, 9, 9, 9, 9, 1, 2, 3}, 0);
    static const float row[] = {1, 2, 3, 4};
    assert_mapped(moved(0, -3), FILL_REFLECT, row, 1, 4, (const float[]){3, 2, 1, 1}, 0);
    assert_mapped(moved(0, 6), FILL_REFLECT, row, 1, 4, (const float[]){2, 1, 1, 2}, 0);
    assert_mapped(moved(0, -3), FILL_WRAP, row, 1, 4, (const float[]){2, 3, 4, 1}, 0);
    assert_mapped(moved(0, 9), FILL_WRAP, row, 1, 4, (const float[]){2, 3, 4, 1}, 0);
    assert_mapped(moved(0, -9), FILL_NEAREST, row, 1, 4, (const float[]){1, 1, 1, 1}, 0);
}

static void a_shift_by_half_a_pixel_takes_the_mean_of_two(void **state)
{
    (void)state;
    static const float row[] = {1, 3, 7};
    assert_mapped(moved(0, 0.5), FILL_NEAREST, row, 1, 3, (const float[]){2, 5, 7}, 1e-6f);
    assert_mapped(moved(0, 0.5), FILL_CONSTANT, row, 1, 3, (const float[]){2, 5, 8}, 1e-6f);
    assert_mapped(moved(0, 0.5), FILL_WRAP, row, 1, 3, (const float[]){2, 5, 4}, 1e-6f);
    assert_mapped(moved(0, -0.5), FILL_REFLECT, row, 1, 3, (const float[]){1, 2, 5}, 1e-6f);
}

static void flips_are_exact(void **state)
{
    (void)state;
    AugmentMap map = unchanged;
    map_compose(&map, (const double[2][3]){{1, 0, 0}, {0, -1, 0}});
    assert_mapped(map, FILL_NEAREST, three, 3, 3, (const float[]){3, 2, 1, 6, 5, 4, 9, 8, 7}, 0);
    map_compose(&map, (const double[2][3]){{-1, 0, 0}, {0, 1, 0}});
    assert_mapped(map, FILL_NEAREST, three, 3, 3, (const float[]){9, 8, 7, 6, 5, 4, 3, 2, 1}, 0);
}

static void a_quarter_turn_turns(void **state)
{
    (void)state;
    AugmentMap map = unchanged;
    double angle = acos(-1) / 2;
    map_compose(&map, (const double[2][3]){{cos(angle), -sin(angle), 0}, {sin(angle), cos(angle), 0}});
    assert_mapped(map, FILL_NEAREST, three, 3, 3, (const float[]){7, 4, 1, 8, 5, 2, 9, 6, 3}, 1e-5f);
}

/* Whatever the map, a picture that is linear in its coordinates is sampled without error, as far as points
 * lie inside. */
static void a_linear_picture_is_sampled_exactly(void **state)
{
    (void)state;
    enum { SIDE = 16, CHANNELS = 3 };
    float in[SIDE * SIDE * CHANNELS + 1], out[SIDE * SIDE * CHANNELS];
    Picture from = {.height = SIDE, .width = SIDE, .channels = CHANNELS, .dtype = DTYPE_F32, .data = in},
            to = from;
    to.data = out;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < CHANNELS; c++)
                in[(y * SIDE + x) * CHANNELS + c] = (float)(2 * y - 3 * x + 10 * c);
    int inside = 0;
    for (uint32_t i = 0; i < 50; i++) {
        Draw draw = draw_begin(7, i);
        AugmentMap map = {SIDE, SIDE, {{1, 0, 0}, {0, 1, 0}}};
        augment_rotate.map(&(double){180}, &draw, &map);
        augment_shift.map((Length[]){{0.2, true}, {3, false}}, &draw, &map);
        augment_shear.map(&(double){30}, &draw, &map);
        augment_zoom.map(&(Range){0.5, 1.5}, &draw, &map);
        map_apply(&map, &(FillArgs){FILL_NEAREST, 0}, &from, &to);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                double middle = (SIDE - 1) / 2.0, r = y - middle, s = x - middle;
                double row = map.m[0][0] * r + map.m[0][1] * s + map.m[0][2] + middle;
                double column = map.m[1][0] * r + map.m[1][1] * s + map.m[1][2] + middle;
                if (row < 0 || row > SIDE - 1 || column < 0 || column > SIDE - 1)
                    continue;
                inside++;
                for (int c = 0; c < CHANNELS; c++)
                    assert_true(fabs(out[(y * SIDE + x) * CHANNELS + c] - (2 * row - 3 * column + 10 * c)) <
                                1e-4);
            }
    }
    assert_true(inside > 2000);
}

/* A position brought into 0 … n-1 as `fill` says; -1: outside. */
static int filled(FillMode mode, int i, int n)
{
    if (mode == FILL_NEAREST)
        return i < 0 ? 0 : i >= n ? n - 1 : i;
    if (mode == FILL_CONSTANT)
        return i < 0 || i >= n ? -1 : i;
    int period = mode == FILL_WRAP ? n : 2 * n;
    i = (i % period + period) % period;
    return i < n ? i : 2 * n - 1 - i;
}

static double pixel_of(const Picture *in, FillMode mode, int y, int x, int c)
{
    int row = filled(mode, y, (int)in->height), column = filled(mode, x, (int)in->width);
    return row < 0 || column < 0 ? 9
                                 : ((const float *)in->data)[(row * in->width + column) * in->channels + c];
}

/* Against the definition, for every fill and number of channels, and maps that leave the picture far behind.
 */
static void sampling_is_bilinear_inside_and_outside(void **state)
{
    (void)state;
    enum { HEIGHT = 7, WIDTH = 11, OUT_HEIGHT = 9, OUT_WIDTH = 8, MOST = 6 };
    for (int channels = 1; channels <= MOST; channels++)
        for (uint32_t i = 0; i < 200; i++) {
            float in[HEIGHT * WIDTH * MOST + 1], out[OUT_HEIGHT * OUT_WIDTH * MOST];
            Picture from = {HEIGHT, WIDTH, channels, DTYPE_F32, in, 0, NULL};
            Picture to = {OUT_HEIGHT, OUT_WIDTH, channels, DTYPE_F32, out, 0, NULL};
            Draw draw = draw_begin(i, 0);
            FillMode mode = (FillMode)(i % 4);
            AugmentMap map = {OUT_HEIGHT, OUT_WIDTH, {{1, 0, 0}, {0, 1, 0}}};
            for (int k = 0; k < HEIGHT * WIDTH * channels; k++)
                in[k] = (float)draw_between(&draw, -1, 1);
            augment_flip.map(&(int){2}, &draw, &map);
            if (i % 3) { /* else whole pixels */
                augment_rotate.map(&(double){180}, &draw, &map);
                augment_zoom.map(&(Range){0.3, 4}, &draw, &map);
                augment_shift.map((Length[]){{20, false}, {20, false}}, &draw, &map);
            } else
                map_compose(&map, (const double[2][3]){{1, 0, floor(draw_between(&draw, -20, 20))},
                                                       {0, 1, floor(draw_between(&draw, -20, 20)) + 0.5}});
            map_apply(&map, &(FillArgs){(int)mode, 9}, &from, &to);
            for (int k = 0; k < OUT_HEIGHT * OUT_WIDTH * channels; k++) {
                double r = k / channels / OUT_WIDTH - (OUT_HEIGHT - 1) / 2.0;
                double s = k / channels % OUT_WIDTH - (OUT_WIDTH - 1) / 2.0;
                double y = map.m[0][0] * r + map.m[0][1] * s + map.m[0][2] + (HEIGHT - 1) / 2.0;
                double x = map.m[1][0] * r + map.m[1][1] * s + map.m[1][2] + (WIDTH - 1) / 2.0;
                int top = (int)floor(y + 1e-9), left = (int)floor(x + 1e-9), c = k % channels;
                double down = y - top, right = x - left;
                double expected = (1 - down) * ((1 - right) * pixel_of(&from, mode, top, left, c) +
                                                right * pixel_of(&from, mode, top, left + 1, c)) +
                                  down * ((1 - right) * pixel_of(&from, mode, top + 1, left, c) +
                                          right * pixel_of(&from, mode, top + 1, left + 1, c));
                if (fabs(out[k] - expected) > 1e-4)
                    fail_msg("map %u, %d channels: value %d is %g, not %g", i, channels, k, out[k], expected);
            }
        }
}

/* Maps of any size end at the range of the numbers, and not in undefined behaviour. */
static void maps_far_beyond_the_picture_are_sampled_at_its_edge(void **state)
{
    (void)state;
    AugmentMap map = {3, 3, {{-1e30, 0, 0}, {0, 1e30, 0}}};
    assert_mapped(map, FILL_WRAP, three, 3, 3, (const float[]){5, 5, 5, 5, 5, 5, 5, 5, 5}, 4);
    assert_mapped(moved(1e30, -1e30), FILL_NEAREST, three, 3, 3, (const float[]){7, 7, 7, 7, 7, 7, 7, 7, 7},
                  0);
    assert_mapped(moved(1e30, 0), FILL_CONSTANT, three, 3, 3, (const float[]){9, 9, 9, 9, 9, 9, 9, 9, 9}, 0);
}

static void changes_are_composed_in_the_order_of_writing(void **state)
{
    (void)state;
    AugmentMap map = unchanged;
    map_compose(&map, (const double[2][3]){{1, 0, 0}, {0, 1, 1}});  /* take from one to the right ... */
    map_compose(&map, (const double[2][3]){{1, 0, 0}, {0, -1, 0}}); /* ... and mirror what came of it */
    assert_mapped(map, FILL_CONSTANT, three, 3, 3, (const float[]){9, 3, 2, 9, 6, 5, 9, 9, 8}, 0);
}

static void draws_fill_their_ranges(void **state)
{
    (void)state;
    double least_angle = 9, most_angle = -9, least_zoom = 9, most_zoom = 0, least_shift = 9, most_shift = -9;
    int flipped = 0;
    for (uint64_t key = 0; key < 2000; key++) {
        Draw draw = draw_begin(key, 0);
        AugmentMap map = {10, 10, {{1, 0, 0}, {0, 1, 0}}};
        augment_rotate.map(&(double){20}, &draw, &map);
        double angle = atan2(map.m[1][0], map.m[0][0]) * 180 / acos(-1);
        least_angle = fmin(least_angle, angle);
        most_angle = fmax(most_angle, angle);
        map = (AugmentMap){10, 20, {{1, 0, 0}, {0, 1, 0}}};
        augment_zoom.map(&(Range){0.8, 1.2}, &draw, &map);
        augment_shift.map((Length[]){{0.1, true}, {2, false}}, &draw, &map);
        least_zoom = fmin(least_zoom, map.m[1][1]);
        most_zoom = fmax(most_zoom, map.m[1][1]);
        least_shift = fmin(least_shift, map.m[1][2] / map.m[1][1]);
        most_shift = fmax(most_shift, map.m[1][2] / map.m[1][1]);
        map = unchanged;
        augment_flip.map(&(int){0}, &draw, &map);
        flipped += map.m[1][1] < 0;
        assert_true(map.m[0][0] == 1);
    }
    assert_true(least_angle >= -20 && least_angle < -19.9 && most_angle <= 20 && most_angle > 19.9);
    assert_true(least_zoom >= 0.8 && least_zoom < 0.801 && most_zoom <= 1.2 && most_zoom > 1.199);
    assert_true(least_shift >= -2 && least_shift < -1.99 && most_shift <= 2 &&
                most_shift > 1.99); /* 10% of 20 */
    assert_true(flipped > 900 && flipped < 1100);
}

static void crop_moves_by_whole_pixels_in_its_margin(void **state)
{
    (void)state;
    struct {
        Length pad;
        Dims random;
        Range scale, ratio;
    } pad = {.pad = {4, false}}, piece = {.random = {2, {6, 8}}};
    int rows[9] = {0}, pieces[5][3] = {{0}};
    for (uint64_t key = 0; key < 2000; key++) {
        Draw draw = draw_begin(key, 0);
        AugmentMap map = {32, 32, {{1, 0, 0}, {0, 1, 0}}};
        augment_crop.map(&pad, &draw, &map);
        assert_true(map.height == 32 && map.m[0][2] == floor(map.m[0][2]) && fabs(map.m[0][2]) <= 4);
        rows[(int)map.m[0][2] + 4]++;
        map = (AugmentMap){10, 10, {{1, 0, 0}, {0, 1, 0}}};
        augment_crop.map(&piece, &draw, &map);
        assert_true(map.height == 6 && map.width == 8);
        pieces[(int)(map.m[0][2] + 2)][(int)(map.m[1][2] + 1)]++;
    }
    for (int i = 0; i < 9; i++)
        assert_true(rows[i] > 160 && rows[i] < 290);
    for (int i = 0; i < 15; i++)
        assert_true(pieces[i / 3][i % 3] > 90);
    AugmentMap map = {10, 10, {{1, 0, 0}, {0, 1, 0}}};
    augment_crop.map(&piece, NULL, &map);
    assert_true(map.m[0][2] == 0 && map.m[1][2] == 0); /* the middle */
}

/* Of 40 x 60: area, proportions and place stay in their ranges and fill them; the piece lies inside. */
static void a_scaled_crop_keeps_to_its_ranges(void **state)
{
    (void)state;
    struct {
        Length pad;
        Dims random;
        Range scale, ratio;
    } crop = {.random = {2, {16, 32}}, .scale = {0.25, 0.5}, .ratio = {0.5, 2}};
    double least_area = 9, most_area = 0, least_ratio = 9, most_ratio = 0, areas = 0;
    for (uint64_t key = 0; key < 2000; key++) {
        Draw draw = draw_begin(key, 0);
        AugmentMap map = {40, 60, {{1, 0, 0}, {0, 1, 0}}};
        augment_crop.map(&crop, &draw, &map);
        double height = map.m[0][0] * 16, width = map.m[1][1] * 32;
        double top = map.m[0][2] + 20 - height / 2, left = map.m[1][2] + 30 - width / 2;
        assert_true(map.height == 16 && map.width == 32 && map.m[0][1] == 0 && map.m[1][0] == 0);
        assert_true(fabs(top - round(top)) < 1e-9 && fabs(height - round(height)) < 1e-9);
        assert_true(top > -1e-9 && left > -1e-9 && top + height < 40 + 1e-9 && left + width < 60 + 1e-9);
        areas += height * width / 2400;
        least_area = fmin(least_area, height * width / 2400);
        most_area = fmax(most_area, height * width / 2400);
        least_ratio = fmin(least_ratio, width / height);
        most_ratio = fmax(most_ratio, width / height);
    }
    assert_true(least_area > 0.23 && least_area < 0.27 && most_area < 0.52 && most_area > 0.48);
    assert_true(least_ratio > 0.46 && least_ratio < 0.54 && most_ratio < 2.1 && most_ratio > 1.9);
    assert_true(fabs(areas / 2000 - 0.375) < 0.01);
    AugmentMap middle = {40, 60, {{1, 0, 0}, {0, 1, 0}}};
    augment_crop.map(&crop, NULL, &middle); /* 30 x 60, from row 5 */
    assert_true(middle.m[0][0] == 30.0 / 16 && middle.m[1][1] == 60.0 / 32 && middle.m[0][2] == 0);
}

/* Against the sum as it is defined, over the mirrored picture: wide and narrow pictures, small and large
 * deviations. */
static void blur_is_a_gaussian_over_the_mirrored_picture(void **state)
{
    (void)state;
    static const int sizes[][2] = {{5, 70}, {70, 5}, {1, 9}, {2, 2}};
    static const double deviations[] = {0.5, 2, 16};
    for (int s = 0; s < 4; s++)
        for (int d = 0; d < 3; d++) {
            int height = sizes[s][0], width = sizes[s][1], radius = (int)ceil(3 * deviations[d]);
            float before[700], after[700];
            for (int i = 0; i < height * width * 2; i++)
                before[i] = after[i] = (float)(i * 37 % 101);
            Picture picture = {
                .height = height, .width = width, .channels = 2, .dtype = DTYPE_F32, .data = after};
            Draw draw = draw_begin(1, 0);
            Picture spare = {0};
            Bytes work = {0};
            Sample sample = {.now = &picture, .spare = &spare, .work = &work};
            CnnError error = {0};
            assert_int_equal(
                augment_blur.change(&(Range){deviations[d], deviations[d]}, &draw, NULL, &sample, &error),
                CNN_OK);
            picture_free(&spare);
            bytes_free(&work);
            for (int i = 0; i < height * width * 2; i++) {
                double sum = 0, weights = 0;
                for (int v = -radius; v <= radius; v++)
                    for (int u = -radius; u <= radius; u++) {
                        int y = i / 2 / width + v, x = i / 2 % width + u;
                        while (y < 0 || y >= height)
                            y = height == 1 ? 0 : y < 0 ? -y : 2 * height - 2 - y;
                        while (x < 0 || x >= width)
                            x = width == 1 ? 0 : x < 0 ? -x : 2 * width - 2 - x;
                        double weight = exp(-0.5 * (u * u + v * v) / (deviations[d] * deviations[d]));
                        sum += weight * before[(y * width + x) * 2 + i % 2];
                        weights += weight;
                    }
                assert_true(fabs(after[i] - sum / weights) < 1e-3);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_unchanged_map_copies),
        cmocka_unit_test(a_shift_by_pixels_fills_as_told),
        cmocka_unit_test(a_shift_by_half_a_pixel_takes_the_mean_of_two),
        cmocka_unit_test(flips_are_exact),
        cmocka_unit_test(a_quarter_turn_turns),
        cmocka_unit_test(a_linear_picture_is_sampled_exactly),
        cmocka_unit_test(sampling_is_bilinear_inside_and_outside),
        cmocka_unit_test(maps_far_beyond_the_picture_are_sampled_at_its_edge),
        cmocka_unit_test(changes_are_composed_in_the_order_of_writing),
        cmocka_unit_test(draws_fill_their_ranges),
        cmocka_unit_test(crop_moves_by_whole_pixels_in_its_margin),
        cmocka_unit_test(a_scaled_crop_keeps_to_its_ranges),
        cmocka_unit_test(blur_is_a_gaussian_over_the_mirrored_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
