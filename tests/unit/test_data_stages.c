/* Splitting and the stages that change every sample alike: scale, standardize. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "tests/unit/data_test.h"

/* `count` samples of one value each; labels of class c for shares of the samples as `counts` has them. */
static void make_labelled(const int *counts, int classes)
{
    unsigned char x[1024], y[1024];
    char shape[32];
    int n = 0;
    for (int c = 0; c < classes; c++)
        for (int i = 0; i < counts[c]; i++, n++) {
            x[n] = (unsigned char)n;
            y[n] = (unsigned char)c;
        }
    snprintf(shape, sizeof shape, "(%d, 1)", n);
    write_npy("x.npy", "|u1", false, shape, x, (size_t)n);
    write_npy("y.npy", "|u1", false, shape, y, (size_t)n);
}

#define ARRAYS "arrays x=\"x.npy\", y=\"y.npy\"\n"

static void a_stratified_split_takes_the_share_of_each_class(void **state)
{
    (void)state;
    make_labelled((int[]){100, 50, 10}, 3);
    Opened opened = open_good(ARRAYS "split validation=20%, test=10%");
    static const int expected[PART_COUNT][3] = {{70, 35, 7}, {20, 10, 2}, {10, 5, 1}};
    for (int part = 0; part < PART_COUNT; part++)
        for (int c = 0; c < 3; c++)
            assert_int_equal(cnn_data_class_count(opened.data, (Part)part, c), expected[part][c]);
    close_data(opened);
}

static void shares_that_are_not_whole_add_up_to_the_share_of_all(void **state)
{
    (void)state;
    int counts[20];
    for (int c = 0; c < 20; c++)
        counts[c] = 7; /* 15% of each is 1.05 */
    make_labelled(counts, 20);
    Opened opened = open_good(ARRAYS "split validation=15%");
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 21);
    for (int c = 0; c < 20; c++)
        assert_int_equal(cnn_data_class_count(opened.data, PART_VALIDATION, c), c == 0 ? 2 : 1);
    close_data(opened);
}

static void every_sample_is_in_one_part_and_the_seed_decides_which(void **state)
{
    (void)state;
    make_labelled((int[]){60, 60}, 2);
    int differing = 0;
    for (int stratified = 0; stratified < 2; stratified++) {
        int part_of[2][120];
        for (int seed = 0; seed < 2; seed++) {
            char text[128];
            snprintf(text, sizeof text, ARRAYS "split validation=25%%, test=25%%, seed=%d, stratified=%s",
                     seed, stratified ? "true" : "false");
            Opened opened = open_good(text);
            int seen[120] = {0};
            for (int part = 0; part < PART_COUNT; part++)
                for (int64_t i = 0, last = -1; i < cnn_data_count(opened.data, (Part)part); i++) {
                    float value;
                    CnnError error = {0};
                    assert_int_equal(get_sample(opened.data, (Part)part, i, 0, &value, &error), CNN_OK);
                    assert_true(value > (float)last); /* in the order of the source */
                    last = (int64_t)value;
                    seen[last]++;
                    part_of[seed][last] = part;
                }
            for (int i = 0; i < 120; i++)
                assert_int_equal(seen[i], 1);
            assert_int_equal(cnn_data_count(opened.data, PART_TEST), 30);
            close_data(opened);
        }
        for (int i = 0; i < 120; i++)
            differing += part_of[0][i] != part_of[1][i];
    }
    assert_true(differing > 50);
}

static void splits_that_leave_nobody_are_refused(void **state)
{
    (void)state;
    make_labelled((int[]){5, 5}, 2);
    assert_refused(ARRAYS "split validation=60%, test=40%",
                   "test.cnn:3:1: 'split' leaves nothing to train on");
    assert_refused(ARRAYS "split validation=1%",
                   "'split' leaves no sample for the validation part: there are only 10");
    make_labelled((int[]){1, 9}, 2);
    Opened opened = open_good(ARRAYS "split validation=90%"); /* a class keeps a sample to train on */
    assert_int_equal(cnn_data_class_count(opened.data, PART_TRAIN, 0), 1);
    close_data(opened);
}

static void there_must_be_one_source(void **state)
{
    (void)state;
    make_labelled((int[]){5, 5}, 2);
    assert_refused("scale 0..1", "'data' names no source");
    assert_refused(ARRAYS "idx \"i\"", "test.cnn:3:1: 'idx' is a second source beside 'arrays'");
}

static void scale_maps_the_range_of_the_type(void **state)
{
    (void)state;
    write_npy("y.npy", "|u1", false, "(2,)", "\0\1", 2);
    write_npy("x.npy", "|u1", false, "(2, 2)", "\0\377\63\0", 4);
    assert_staged("scale 0..1", 2, (const float[]){0, 1}, 1e-7f);
    assert_staged("scale -1..1", 2, (const float[]){-1, 1}, 1e-6f);
    write_npy("x.npy", "<i2", false, "(2, 2)", "\0\200\377\177\0\0\0\0", 8);
    assert_staged("scale 0..1", 2, (const float[]){0, 1}, 1e-6f);
    write_npy("x.npy", "<i4", false, "(2, 1)", "\0\0\0\0\0\0\0\0", 8);
    assert_refused(ARRAYS "scale 0..1", "'scale' must know");
}

/* 50 samples of 3 values of channel 0 around 1000 and of channel 1 around -2, whose moments are known. */
static void standardize_gives_mean_0_and_deviation_1(void **state)
{
    (void)state;
    float values[50 * 3 * 2], mean[3][2], deviation[3][2];
    unsigned char labels[50];
    for (int i = 0; i < 150; i++) {
        values[2 * i] = 1000 + (float)(i * 37 % 101);
        values[2 * i + 1] = -2 + (float)(i % 2);
        labels[i / 3] = (unsigned char)(i / 3 % 2);
    }
    write_npy("x.npy", "<f4", false, "(50, 1, 3, 2)", values, sizeof values);
    write_npy("y.npy", "|u1", false, "(50,)", labels, sizeof labels);
    for (int threads = 1; threads <= 3; threads++) {
        Opened opened = open_good(ARRAYS "standardize -> augment { flip horizontal }");
        CnnError error = {0};
        float sample[6];
        assert_int_equal(get_sample(opened.data, PART_TRAIN, 0, 0, sample, &error), CNN_BAD_INPUT);
        error = (CnnError){0};
        assert_int_equal(cnn_data_prepare(opened.data, threads, &error), CNN_OK);
        assert_int_equal(cnn_data_measured_count(opened.data), 2);
        assert_string_equal(cnn_data_measured(opened.data, 0)->name, "data.mean");
        assert_string_equal(cnn_data_measured(opened.data, 1)->name, "data.deviation");
        memcpy(mean[threads - 1], cnn_data_measured(opened.data, 0)->value, sizeof mean[0]);
        memcpy(deviation[threads - 1], cnn_data_measured(opened.data, 1)->value, sizeof deviation[0]);
        double sum[2] = {0}, squares[2] = {0};
        for (int i = 0; i < 50; i++) {
            assert_int_equal(get_sample(opened.data, PART_TRAIN, i, 0, sample, &error), CNN_OK);
            for (int j = 0; j < 6; j++) {
                sum[j % 2] += sample[j];
                squares[j % 2] += sample[j] * sample[j];
            }
        }
        for (int c = 0; c < 2; c++) {
            assert_true(fabs(sum[c] / 150) < 1e-5);
            assert_true(fabs(squares[c] / 150 - 1) < 1e-5);
        }
        close_data(opened);
    }
    assert_true(fabs(deviation[0][1] - 0.5) < 1e-7);
    assert_memory_equal(mean[0], mean[1], sizeof mean[0]);
    assert_memory_equal(mean[0], mean[2], sizeof mean[0]);
    assert_memory_equal(deviation[0], deviation[2], sizeof mean[0]);
}

static void measured_values_may_come_from_a_weight_file(void **state)
{
    (void)state;
    write_npy("y.npy", "|u1", false, "(2,)", "\0\1", 2);
    write_npy("x.npy", "<f4", false, "(2, 1)", (const float[]){10, 30}, 8);
    Opened opened = open_good(ARRAYS "standardize");
    cnn_data_measured(opened.data, 0)->value[0] = 8;
    cnn_data_measured(opened.data, 1)->value[0] = 4;
    cnn_data_set_measured(opened.data);
    CnnError error = {0};
    assert_int_equal(cnn_data_prepare(opened.data, 1, &error), CNN_OK); /* measures nothing */
    assert_sample(opened.data, 1, 1, (const float[]){5.5f}, 1e-6f);
    close_data(opened);
}

static void a_channel_that_never_changes_becomes_zero(void **state)
{
    (void)state;
    write_npy("y.npy", "|u1", false, "(2,)", "\0\1", 2);
    write_npy("x.npy", "|u1", false, "(2, 2)", "\7\1\7\3", 4);
    Opened opened = open_good(ARRAYS "standardize");
    CnnError error = {0};
    assert_int_equal(cnn_data_prepare(opened.data, 2, &error), CNN_OK);
    assert_sample(opened.data, 1, 2, (const float[]){0, 1}, 1e-6f);
    close_data(opened);
}

static void measuring_skips_what_cannot_be_read_as_bad_says(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        char path[32];
        snprintf(path, sizeof path, "d/%d/%02d.png", i % 2, i);
        write_plain_png(path, 2, 2, i < 10 ? 100 : 200, 0, 0);
    }
    write_bytes("d/0/00.png", "", 0);
    write_bytes("d/1/19.png", "", 0);
    CnnError error = {0};
    Opened opened = open_good("folder \"d\" -> standardize");
    assert_int_equal(cnn_data_prepare(opened.data, 2, &error), CNN_OK);
    assert_true(cnn_data_measured(opened.data, 0)->value[0] == 150);
    close_data(opened);
    opened = open_good("folder \"d\" -> standardize -> bad skip, at_most=9%");
    assert_int_equal(cnn_data_prepare(opened.data, 3, &error), CNN_BAD_INPUT);
    assert_contains(
        error.text,
        "2 of the 20 samples of the training part cannot be read, more than the 9% that 'bad' allows; "
        "the first: d/0/00.png: not a picture, but an empty file");
    close_data(opened);
    error = (CnnError){0};
    opened = open_good("folder \"d\" -> standardize -> bad stop");
    assert_int_equal(cnn_data_prepare(opened.data, 3, &error), CNN_BAD_INPUT);
    assert_contains(error.text, "d/0/00.png: not a picture");
    close_data(opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stratified_split_takes_the_share_of_each_class),
        TEST(shares_that_are_not_whole_add_up_to_the_share_of_all),
        TEST(every_sample_is_in_one_part_and_the_seed_decides_which),
        TEST(splits_that_leave_nobody_are_refused),
        TEST(there_must_be_one_source),
        TEST(scale_maps_the_range_of_the_type),
        TEST(standardize_gives_mean_0_and_deviation_1),
        TEST(measured_values_may_come_from_a_weight_file),
        TEST(a_channel_that_never_changes_becomes_zero),
        TEST(measuring_skips_what_cannot_be_read_as_bad_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
