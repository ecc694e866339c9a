/* Folds, and groups that stay in one part. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/data_test.h"

#define ARRAYS "arrays x=\"x.npy\", y=\"y.npy\"\n"

enum { SAMPLES = 211 };

/* Sample i has the value i and the class i % 10 == 0, % 3, or 2. */
static int class_of(int sample)
{
    return sample % 10 == 0 ? 0 : sample % 3 == 0 ? 1 : 2;
}

static void make_samples(void)
{
    unsigned char x[SAMPLES], y[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        x[i] = (unsigned char)i;
        y[i] = (unsigned char)class_of(i);
    }
    write_npy("x.npy", "|u1", false, "(211, 1)", x, SAMPLES);
    write_npy("y.npy", "|u1", false, "(211,)", y, SAMPLES);
}

/* The part of each sample, which has its number as its first value. */
static void parts_of(const char *text, int *part, int samples)
{
    Opened opened = open_good(text);
    int64_t count = 0;
    for (int p = 0; p < PART_COUNT; p++)
        for (int64_t i = 0; i < cnn_data_count(opened.data, (Part)p); i++, count++) {
            float value[16];
            CnnError error = {0};
            assert_int_equal(get_sample(opened.data, (Part)p, i, 0, value, &error), CNN_OK);
            part[(int)value[0]] = p;
        }
    assert_int_equal(count, samples);
    close_data(opened);
}

static void folds_are_stratified_and_divide_all_samples(void **state)
{
    (void)state;
    int fold_of[SAMPLES], part[SAMPLES], test = 0;
    int sizes[5] = {0}, classes[5][3] = {{0}};
    make_samples();
    for (int i = 0; i < SAMPLES; i++)
        fold_of[i] = -1;
    for (int fold = 0; fold < 5; fold++) {
        char text[128];
        snprintf(text, sizeof text, ARRAYS "split folds=5, fold=%d, test=10%%, seed=3", fold);
        parts_of(text, part, SAMPLES);
        test = 0;
        for (int i = 0; i < SAMPLES; i++) {
            test += part[i] == PART_TEST;
            if (part[i] != PART_VALIDATION)
                continue;
            assert_int_equal(fold_of[i], -1);
            fold_of[i] = fold;
            sizes[fold]++;
            classes[fold][class_of(i)]++;
        }
        assert_int_equal(test, 21);
    }
    for (int i = 0; i < SAMPLES;
         i++) /* what is in no fold is in the test part, whichever fold is asked for */
        assert_int_equal(fold_of[i] < 0, part[i] == PART_TEST);
    for (int fold = 1; fold < 5; fold++) {
        assert_in_range(sizes[fold] - sizes[0] + 1, 0, 2);
        for (int c = 0; c < 3; c++)
            assert_in_range(classes[fold][c] - classes[0][c] + 1, 0, 2);
    }
}

static void folds_that_cannot_be_are_refused(void **state)
{
    (void)state;
    make_samples();
    assert_refused(ARRAYS "split folds=23",
                   "test.cnn:3:1: folds=23, but class '0' has only 22 samples: fewer folds, "
                   "or stratified=false");
    assert_refused(ARRAYS "split folds=22, test=10%", "class '0' has only 20 samples");
    assert_refused(ARRAYS "split folds=212, stratified=false", "folds=212, but there are only 211 samples");
    assert_refused(ARRAYS "split folds=1", "folds=1 leaves nothing to train on");
    assert_refused(ARRAYS "split folds=4, fold=4", "there is no fold=4 of folds=4: they are counted from 0");
    assert_refused(ARRAYS "split fold=2", "'fold=' needs 'folds='");
    assert_refused(ARRAYS "split folds=4, validation=20%",
                   "a fold is the validation part: leave 'validation=' or 'folds=' out");
    assert_refused(ARRAYS "split validation=20%, by=\"plant\"",
                   "by=\"plant\" asks for groups, and the source tells none");
}

/* A table of 240 pictures; plant g of 60 has 1 to 7 of them and a class that is 0 with a chance of one
 * quarter. */
enum { PICTURES = 240 };

static int plant_of(int picture)
{
    int size = 0, plant = 0;
    while ((size += 1 + plant % 7) <= picture)
        plant++;
    return plant;
}

static void make_table(void)
{
    FILE *table = fopen("t.csv", "w");
    assert_non_null(table);
    fputs("file,label,plant,none\n", table);
    for (int i = 0; i < PICTURES; i++) {
        char path[32];
        int row = i * 77 % PICTURES, plant = plant_of(row); /* a group's rows do not stand together */
        snprintf(path, sizeof path, "%03d.png", row);
        write_plain_png(path, 1, 1, row, 0, 0);
        fprintf(table, "%s,%s,p%d,%s\n", path, plant % 4 ? "b" : "a", plant, i == 5 ? "" : "x");
    }
    fclose(table);
}

#define LIST "list \"t.csv\", image=\"file\", label=\"label\"\n"

/* Every plant is in one part. */
static void assert_whole(const int *part)
{
    for (int i = 1; i < PICTURES; i++)
        if (plant_of(i) == plant_of(i - 1))
            assert_int_equal(part[i], part[i - 1]);
}

static int count_part(const int *part, Part wanted, bool only_a)
{
    int count = 0;
    for (int i = 0; i < PICTURES; i++)
        count += part[i] == (int)wanted && (!only_a || plant_of(i) % 4 == 0);
    return count;
}

static void groups_stay_together_in_their_shares(void **state)
{
    (void)state;
    int part[2][PICTURES], differing = 0;
    make_table();
    for (int seed = 0; seed < 2; seed++) {
        char text[160];
        snprintf(text, sizeof text, LIST "split validation=20%%, test=10%%, by=\"plant\", seed=%d", seed);
        parts_of(text, part[seed], PICTURES);
        assert_whole(part[seed]);
        int all = count_part(part[seed], PART_TRAIN, true) + count_part(part[seed], PART_VALIDATION, true) +
                  count_part(part[seed], PART_TEST, true);
        assert_in_range(count_part(part[seed], PART_VALIDATION, false), 48 - 4, 48 + 4);
        assert_in_range(count_part(part[seed], PART_TEST, false), 24 - 4, 24 + 4);
        assert_in_range(count_part(part[seed], PART_VALIDATION, true), all / 5 - 4, all / 5 + 4);
        assert_in_range(count_part(part[seed], PART_TEST, true), all / 10 - 4, all / 10 + 4);
    }
    for (int i = 0; i < PICTURES; i++)
        differing += part[0][i] != part[1][i];
    assert_true(differing > 40);
}

static void folds_of_groups_divide_all_samples(void **state)
{
    (void)state;
    int part[PICTURES], seen[PICTURES] = {0};
    make_table();
    for (int fold = 0; fold < 4; fold++) {
        char text[160];
        snprintf(text, sizeof text, LIST "split folds=4, fold=%d, by=\"plant\"", fold);
        parts_of(text, part, PICTURES);
        assert_whole(part);
        assert_in_range(count_part(part, PART_VALIDATION, false), 60 - 4, 60 + 4);
        assert_int_equal(count_part(part, PART_TEST, false), 0);
        for (int i = 0; i < PICTURES; i++)
            seen[i] += part[i] == PART_VALIDATION;
    }
    for (int i = 0; i < PICTURES; i++)
        assert_int_equal(seen[i], 1);
}

static void groups_that_cannot_be_are_refused(void **state)
{
    (void)state;
    make_table();
    assert_refused(LIST "split validation=20%, by=\"tree\"",
                   "t.csv: has no column 'tree'; it has 'file', 'label', 'plant', 'none'");
    assert_refused(LIST "split validation=20%, by=\"none\"", "t.csv:7: the column 'none' is empty");
    assert_refused(LIST "split folds=63, by=\"plant\"",
                   "folds=63, but there are only 62 groups by \"plant\"");
    assert_refused(
        LIST "split folds=2, by=\"label\"",
        "'split' leaves no sample of class 'b' to train on, since its groups (by \"label\") are too few");
    assert_refused(LIST "split validation=20%, by=\"label\"",
                   "'split' leaves no sample for the validation part: there are only 240, in groups");
    close_data(open_good(LIST "split folds=2, by=\"label\", stratified=false"));
}

/* Pictures of the same plant in both classes stay together. */
static void a_folder_has_groups_in_its_second_level(void **state)
{
    (void)state;
    int part[PICTURES];
    for (int i = 0; i < PICTURES; i++) {
        char path[64];
        snprintf(path, sizeof path, "d/%c/p%d/deep/%03d.png", i % 2 ? 'a' : 'b', plant_of(i), i);
        write_plain_png(path, 1, 1, i, 0, 0);
    }
    parts_of("folder \"d\" -> split validation=30%, by=folder", part, PICTURES);
    assert_whole(part);
    assert_in_range(count_part(part, PART_VALIDATION, false), 72 - 4, 72 + 4);
    assert_refused("folder \"d\" -> split validation=30%, by=\"plant\"",
                   "folders have no column \"plant\": by=folder");
    assert_int_equal(rename("d", "e"), 0);
    make_folders("d/train/x");
    assert_int_equal(rename("e/a", "d/train/a"), 0);
    assert_int_equal(rename("e/b", "d/train/b"), 0);
    parts_of("folder \"d\" -> split validation=30%, by=folder", part, PICTURES);
    assert_whole(part);
    write_plain_png("d/train/a/lone.png", 1, 1, 0, 0, 0);
    assert_refused("folder \"d\" -> split validation=30%, by=folder",
                   "d/train/a/lone.png lies in no folder below that of its class, and by=folder needs one");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folds_are_stratified_and_divide_all_samples), TEST(folds_that_cannot_be_are_refused),
        TEST(groups_stay_together_in_their_shares),        TEST(folds_of_groups_divide_all_samples),
        TEST(groups_that_cannot_be_are_refused),           TEST(a_folder_has_groups_in_its_second_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
