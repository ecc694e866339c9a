/* Augmentation: each change by known answers and by its bounds, and the rules that all share. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "runtime/augment/augment.h"
#include "runtime/augment/normal.h"
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

/* ---- through the whole pipeline ---- */

#define SAMPLES 40

/* 40 pictures of 4x4x3, of bytes between 80 and 120, in two classes. */
static void make_pictures(void)
{
    unsigned char x[SAMPLES * 48], y[SAMPLES];
    for (int i = 0; i < SAMPLES * 48; i++)
        x[i] = (unsigned char)(80 + i * 31 % 41);
    for (int i = 0; i < SAMPLES; i++)
        y[i] = (unsigned char)(i % 2);
    write_npy("x.npy", "|u1", false, "(40, 4, 4, 3)", x, sizeof x);
    write_npy("y.npy", "|u1", false, "(40,)", y, sizeof y);
}

typedef struct {
    float before[SAMPLES][48], after[SAMPLES][48];
} Pair;

/* All training samples without and with what is in `augment { }`. */
static void augmented(const char *changes, Pair *pair)
{
    char text[512];
    CnnError error = {0};
    make_pictures();
    for (int with = 0; with < 2; with++) {
        snprintf(text, sizeof text, "arrays x=\"x.npy\", y=\"y.npy\"\nscale 0..1\n%s%s%s",
                 with ? "augment {\n" : "", with ? changes : "", with ? "\n}" : "");
        Opened opened = open_good(text);
        for (int i = 0; i < SAMPLES; i++)
            assert_int_equal(
                get_sample(opened.data, PART_TRAIN, i, 3, with ? pair->after[i] : pair->before[i], &error),
                CNN_OK);
        close_data(opened);
    }
}

static void brightness_multiplies_all_values_by_one_factor(void **state)
{
    (void)state;
    Pair pair;
    float least = 9, most = 0;
    augmented("brightness 20%", &pair);
    for (int i = 0; i < SAMPLES; i++) {
        float factor = pair.after[i][0] / pair.before[i][0];
        least = fminf(least, factor);
        most = fmaxf(most, factor);
        for (int j = 0; j < 48; j++)
            assert_true(fabsf(pair.after[i][j] - factor * pair.before[i][j]) < 1e-6f);
    }
    assert_true(least >= 0.8f && least < 0.85f && most <= 1.2f && most > 1.15f);
}

static void contrast_keeps_the_mean_of_each_channel(void **state)
{
    (void)state;
    Pair pair;
    augmented("contrast 50%", &pair);
    for (int i = 0; i < SAMPLES; i++)
        for (int c = 0; c < 3; c++) {
            double before = 0, after = 0;
            for (int j = c; j < 48; j += 3) {
                before += pair.before[i][j];
                after += pair.after[i][j];
            }
            assert_true(fabs(before - after) < 1e-5);
        }
    float factor = (pair.after[0][0] - pair.after[0][3]) / (pair.before[0][0] - pair.before[0][3]);
    assert_true(factor >= 0.5f && factor <= 1.5f && fabsf(factor - 1) > 1e-3f);
}

static float luma(const float *pixel)
{
    return 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
}

static void saturation_and_grey_keep_the_grey(void **state)
{
    (void)state;
    Pair pair;
    augmented("saturation 50%", &pair);
    for (int i = 0; i < SAMPLES; i++)
        for (int j = 0; j < 48; j += 3)
            assert_true(fabsf(luma(pair.after[i] + j) - luma(pair.before[i] + j)) < 1e-6f);
    augmented("grey 40%", &pair);
    int grey = 0;
    for (int i = 0; i < SAMPLES; i++) {
        bool same = memcmp(pair.before[i], pair.after[i], sizeof pair.before[i]) == 0;
        grey += !same;
        for (int j = 0; j < 48 && !same; j += 3)
            assert_true(fabsf(pair.after[i][j] - pair.after[i][j + 2]) < 1e-6f);
    }
    assert_true(grey > 6 && grey < 28);
}

/* Largest and least value of a pixel stay, and all pixels turn by one angle within the limit. */
static void hue_turns_all_pixels_alike(void **state)
{
    (void)state;
    Pair pair;
    float furthest = 0;
    augmented("hue 10%", &pair);
    for (int i = 0; i < SAMPLES; i++) {
        float turned = NAN;
        for (int j = 0; j < 48; j += 3) {
            float hue[2];
            for (int k = 0; k < 2; k++) { /* the angle in the plane across grey, which HSV's follows */
                const float *p = k ? pair.after[i] + j : pair.before[i] + j;
                float most = fmaxf(p[0], fmaxf(p[1], p[2])), least = fminf(p[0], fminf(p[1], p[2]));
                float most0 = fmaxf(pair.before[i][j], fmaxf(pair.before[i][j + 1], pair.before[i][j + 2]));
                float least0 = fminf(pair.before[i][j], fminf(pair.before[i][j + 1], pair.before[i][j + 2]));
                assert_true(fabsf(most - most0) < 1e-6f && fabsf(least - least0) < 1e-6f);
                int top = p[0] == most ? 0 : p[1] == most ? 1 : 2;
                hue[k] = (float)(2 * top) + (p[(top + 1) % 3] - p[(top + 2) % 3]) / (most - least);
            }
            float turn = hue[1] - hue[0];
            turn -= 6 * roundf(turn / 6);
            assert_true(isnan(turned) || fabsf(turn - turned) < 1e-4f);
            turned = turn;
        }
        assert_true(fabsf(turned) <= 0.6f + 1e-4f);
        furthest = fmaxf(furthest, fabsf(turned));
    }
    assert_true(furthest > 0.45f);
}

static void noise_has_the_deviation_asked_for(void **state)
{
    (void)state;
    Pair pair;
    double sum = 0, squares = 0;
    augmented("noise 5%", &pair);
    for (int i = 0; i < SAMPLES * 48; i++) {
        double difference = pair.after[i / 48][i % 48] - pair.before[i / 48][i % 48];
        sum += difference;
        squares += difference * difference;
    }
    assert_true(fabs(sum / (SAMPLES * 48)) < 0.005);
    assert_true(fabs(sqrt(squares / (SAMPLES * 48)) - 0.05) < 0.003);
}

/* Each pair by its definition, from the same words; and the moments of many. */
static void normal_numbers_are_box_and_mullers(void **state)
{
    (void)state;
    enum { PAIRS = 64, COUNT = 1 << 16 };
    static float value[COUNT];
    double sum[5] = {0}, products = 0;
    Draw draw = draw_begin(11, 3);
    Random4 random = cnn_random4(11, 0, 3, 0, PURPOSE_AUGMENT);
    assert_int_equal(normal_room(COUNT), COUNT);
    assert_int_equal(normal_room(1), 2 * PAIRS);
    normal_fill(&draw, value, COUNT);
    for (uint32_t i = 0; i < COUNT / 2; i++) {
        uint32_t a = i, b = random.word[1];
        philox2_mix(random.word[0], &a, &b, ELEMENT_ROUNDS);
        double length = sqrt(-2 * log(((a >> 8) + 1) / 16777216.0)), angle = 2 * acos(-1) * cnn_uniform(b);
        const float *pair = value + i / PAIRS * 2 * PAIRS + i % PAIRS;
        assert_true(fabs(pair[0] - length * cos(angle)) < 2e-6 &&
                    fabs(pair[PAIRS] - length * sin(angle)) < 2e-6);
        products += (double)pair[0] * (double)pair[PAIRS];
    }
    for (int i = 0; i < COUNT; i++)
        for (int power = 1; power <= 4; power++)
            sum[power] += pow(value[i], power) / COUNT;
    assert_true(fabs(sum[1]) < 0.012 && fabs(sum[2] - 1) < 0.02 && fabs(sum[3]) < 0.04 &&
                fabs(sum[4] - 3) < 0.12);
    assert_true(fabs(products / (COUNT / 2)) < 0.02);
}

/* Numbers of channels that are taken in periods, and those that are not; more values than periods. */
static void values_of_all_numbers_of_channels_are_stretched(void **state)
{
    (void)state;
    enum { HEIGHT = 5, WIDTH = 9, MOST = 7 };
    for (int channels = 1; channels <= MOST; channels++) {
        float value[HEIGHT * WIDTH * MOST], before[HEIGHT * WIDTH * MOST], mean[MOST], black[MOST],
            white[MOST];
        Picture picture = {HEIGHT, WIDTH, channels, DTYPE_F32, value, 0, NULL};
        Layout layout = {.channels = channels, .ranged = true, .black = black, .white = white};
        for (int i = 0; i < HEIGHT * WIDTH * channels; i++)
            value[i] = before[i] = (float)(i * 37 % 101);
        for (int c = 0; c < channels; c++) {
            black[c] = (float)(5 * c);
            white[c] = (float)(70 + 2 * c);
        }
        picture_means(&picture, mean);
        picture_stretch(&layout, mean, 1.5f, &picture);
        for (int c = 0; c < channels; c++) {
            double sum = 0;
            for (int i = c; i < HEIGHT * WIDTH * channels; i += channels)
                sum += before[i];
            assert_true(fabs(mean[c] - sum / (HEIGHT * WIDTH)) < 1e-4);
        }
        for (int i = 0; i < HEIGHT * WIDTH * channels; i++) {
            int c = i % channels;
            float stretched = mean[c] + (before[i] - mean[c]) * 1.5f;
            assert_true(fabsf(value[i] - fminf(fmaxf(stretched, black[c]), white[c])) < 1e-4f);
        }
    }
}

static void cutout_clears_one_square(void **state)
{
    (void)state;
    Pair pair;
    bool sizes[5] = {false};
    augmented("cutout 2px", &pair);
    for (int i = 0; i < SAMPLES; i++) {
        int cleared = 0;
        for (int j = 0; j < 48; j++) {
            cleared += pair.after[i][j] == 0;
            assert_true(pair.after[i][j] == 0 || pair.after[i][j] == pair.before[i][j]);
        }
        assert_true(cleared == 12 || cleared == 6 || cleared == 3); /* whole, or cut by edges */
        sizes[cleared / 3] = true;
    }
    assert_true(sizes[4] && sizes[2]);
}

static void values_stay_between_black_and_white(void **state)
{
    (void)state;
    Pair pair;
    augmented("brightness 100%\ncontrast 100%\nsaturation 100%\nnoise 100%", &pair);
    for (int i = 0; i < SAMPLES * 48; i++)
        assert_true(pair.after[i / 48][i % 48] >= 0 && pair.after[i / 48][i % 48] <= 1);
}

/* Colours are changed between black and white, wherever standardize has moved them. */
static void colours_change_alike_before_and_after_standardize(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "augment {\nbrightness 60%\ncontrast 30%\nsaturation 50%\nnoise 2%\n}\nstandardize",
        "standardize\naugment {\nbrightness 60%\ncontrast 30%\nsaturation 50%\nnoise 2%\n}"};
    float values[2][48];
    make_pictures();
    for (int i = 0; i < SAMPLES; i++) {
        for (int order = 0; order < 2; order++) {
            char text[256];
            CnnError error = {0};
            snprintf(text, sizeof text, "arrays x=\"x.npy\", y=\"y.npy\"\n%s", texts[order]);
            Opened opened = open_good(text);
            assert_int_equal(cnn_data_prepare(opened.data, 1, &error), CNN_OK);
            assert_int_equal(get_sample(opened.data, PART_TRAIN, i, 0, values[order], &error), CNN_OK);
            close_data(opened);
        }
        for (int j = 0; j < 48; j++)
            assert_true(fabsf(values[0][j] - values[1][j]) < 1e-4f);
    }
}

static void a_sample_depends_on_seed_epoch_and_index_alone(void **state)
{
    (void)state;
    float first[48], again[48], other[48];
    CnnError error = {0};
    make_pictures();
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"\naugment {\nshift 50%, 50%\nnoise 5%\n}");
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 5, 1, first, &error), CNN_OK);
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 6, 1, other, &error), CNN_OK);
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 5, 1, again, &error), CNN_OK);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 5, 2, other, &error), CNN_OK);
    assert_memory_not_equal(first, other, sizeof first);
    cnn_data_set_seed(opened.data, 2);
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 5, 1, other, &error), CNN_OK);
    assert_memory_not_equal(first, other, sizeof first);
    close_data(opened);
}

static void only_the_training_part_is_changed(void **state)
{
    (void)state;
    float plain[48], changed[48];
    CnnError error = {0};
    make_pictures();
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"\nsplit validation=50%");
    Opened with = open_good(
        "arrays x=\"x.npy\", y=\"y.npy\"\nsplit validation=50%\naugment {\nrotate 20deg\nbrightness "
        "50%\n}");
    assert_int_equal(get_sample(opened.data, PART_VALIDATION, 3, 0, plain, &error), CNN_OK);
    assert_int_equal(get_sample(with.data, PART_VALIDATION, 3, 0, changed, &error), CNN_OK);
    assert_memory_equal(plain, changed, sizeof plain);
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 3, 0, plain, &error), CNN_OK);
    assert_int_equal(get_sample(with.data, PART_TRAIN, 3, 0, changed, &error), CNN_OK);
    assert_memory_not_equal(plain, changed, sizeof plain);
    close_data(with);
    close_data(opened);
}

static void a_random_crop_gives_its_size_to_all_parts(void **state)
{
    (void)state;
    float whole[48], piece[12];
    CnnError error = {0};
    make_pictures();
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"\nsplit validation=50%");
    Opened with =
        open_good("arrays x=\"x.npy\", y=\"y.npy\"\nsplit validation=50%\naugment {\ncrop random=2x2\n}");
    Dims shape = cnn_data_shape(with.data);
    assert_true(shape.value[0] == 2 && shape.value[1] == 2 && shape.value[2] == 3);
    assert_int_equal(get_sample(opened.data, PART_VALIDATION, 3, 0, whole, &error), CNN_OK);
    assert_int_equal(get_sample(with.data, PART_VALIDATION, 3, 0, piece, &error), CNN_OK);
    assert_memory_equal(piece, whole + 15, 6 * sizeof(float)); /* row 1, columns 1 and 2 */
    assert_memory_equal(piece + 6, whole + 27, 6 * sizeof(float));
    assert_int_equal(get_sample(with.data, PART_TRAIN, 3, 0, piece, &error), CNN_OK);
    close_data(with);
    close_data(opened);
}

static void what_cannot_be_applied_is_refused(void **state)
{
    (void)state;
    make_pictures();
#define ARRAYS "arrays x=\"x.npy\", y=\"y.npy\"\n"
    assert_refused(ARRAYS "augment {\ncrop random=5x4\n}",
                   "test.cnn:3:1: 'crop' cannot cut 5 x 4 out of samples of 4 x 4");
    assert_refused(ARRAYS "augment {\ncrop pad=1px, random=2x2\n}", "'crop' needs either pad= or random=");
    assert_refused(ARRAYS "augment {\ncrop pad=1px, scale=8%..100%\n}",
                   "'crop' takes scale= only with random=");
    write_npy("x.npy", "|u1", false, "(40, 3)", (const unsigned char[120]){0}, 120);
    Opened opened = open_good(ARRAYS "augment {\nsaturation 5%\n}");
    close_data(opened);
    write_npy("x.npy", "|u1", false, "(40, 3, 1)", (const unsigned char[120]){0}, 120);
    assert_refused(ARRAYS "augment {\nsaturation 5%\n}",
                   "'saturation' needs samples of 3 channels, these have 1");
    write_npy("x.npy", "<f4", false, "(40, 3)", (const float[120]){0}, 480);
    assert_refused(ARRAYS "augment {\nbrightness 5%\n}",
                   "'brightness' must know between which values the samples lie");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_unchanged_map_copies),
        TEST(a_shift_by_pixels_fills_as_told),
        TEST(a_shift_by_half_a_pixel_takes_the_mean_of_two),
        TEST(flips_are_exact),
        TEST(a_quarter_turn_turns),
        TEST(a_linear_picture_is_sampled_exactly),
        TEST(sampling_is_bilinear_inside_and_outside),
        TEST(maps_far_beyond_the_picture_are_sampled_at_its_edge),
        TEST(changes_are_composed_in_the_order_of_writing),
        TEST(draws_fill_their_ranges),
        TEST(crop_moves_by_whole_pixels_in_its_margin),
        TEST(a_scaled_crop_keeps_to_its_ranges),
        TEST(blur_is_a_gaussian_over_the_mirrored_picture),
        TEST(brightness_multiplies_all_values_by_one_factor),
        TEST(contrast_keeps_the_mean_of_each_channel),
        TEST(saturation_and_grey_keep_the_grey),
        TEST(hue_turns_all_pixels_alike),
        TEST(noise_has_the_deviation_asked_for),
        TEST(normal_numbers_are_box_and_mullers),
        TEST(values_of_all_numbers_of_channels_are_stretched),
        TEST(cutout_clears_one_square),
        TEST(values_stay_between_black_and_white),
        TEST(colours_change_alike_before_and_after_standardize),
        TEST(a_sample_depends_on_seed_epoch_and_index_alone),
        TEST(only_the_training_part_is_changed),
        TEST(a_random_crop_gives_its_size_to_all_parts),
        TEST(what_cannot_be_applied_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
