/* Augmentation through the whole pipeline: each change of values by known answers and by its bounds, and the
 * rules that all share. Maps of the plane: test_augment_maps.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "runtime/augment/augment.h"
#include "runtime/augment/normal.h"
#include "tests/unit/data_test.h"

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
