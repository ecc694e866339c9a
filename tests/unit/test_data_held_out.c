/* `validation { }`: the validation part from a source of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/data_test.h"

/* Grey pictures of 2 x 2, in the folder of a class; each has another value. */
static void write_class(const char *folder, int count, int value)
{
    for (int i = 0; i < count; i++) {
        char path[128];
        unsigned char pixels[4];
        snprintf(path, sizeof path, "%s/%d.png", folder, i);
        memset(pixels, value + i, sizeof pixels);
        make_folders(path);
        write_png(path, 2, 2, PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE, pixels);
    }
}

static void assert_value(CnnData *data, Part part, int64_t index, float value, int class_index,
                         const char *name)
{
    float values[4];
    int32_t label;
    char found[NAME_BYTES];
    DataScratch *scratch = NULL;
    CnnError error = {0};
    assert_int_equal(cnn_data_sample(data, part, index, EPOCH_NONE, &scratch, values, &label, &error),
                     CNN_OK);
    cnn_data_scratch_free(scratch);
    assert_true(values[0] == value);
    assert_int_equal(label, class_index);
    cnn_data_name(data, part, index, found, sizeof found);
    assert_string_equal(found, name);
}

#define FOLDER "folder \"t\", channels=1\n"

static void classes_are_found_by_their_names(void **state)
{
    (void)state;
    static const char table[] = "file,kind\nv/oak/1.png,oak\nv/elm/0.png,elm\n";
    write_class("t/ash", 2, 10);
    write_class("t/elm", 4, 20);
    write_class("t/oak", 2, 30);
    write_class("v/oak", 2, 40);
    write_class("v/elm", 1, 50);
    write_bytes("v.csv", table, sizeof table - 1);
    Opened opened = open_good(FOLDER "validation { folder \"v\", channels=1 }");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 8);
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 3);
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 0);
    assert_int_equal(cnn_data_class_count(opened.data, PART_VALIDATION, 2), 2);
    assert_value(opened.data, PART_TRAIN, 7, 31, 2, "t/oak/1.png");
    assert_value(opened.data, PART_VALIDATION, 0, 50, 1, "v/elm/0.png");
    assert_value(opened.data, PART_VALIDATION, 2, 41, 2, "v/oak/1.png");
    close_data(opened);
    /* of another kind, and with a share of the first for the test */
    opened = open_good(
        FOLDER "validation { list \"v.csv\", image=\"file\", label=\"kind\", channels=1 }\nsplit test=25%");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 6);
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 2);
    assert_value(opened.data, PART_VALIDATION, 0, 41, 2, "v/oak/1.png");
    assert_value(opened.data, PART_VALIDATION, 1, 50, 1, "v/elm/0.png");
    close_data(opened);
}

/* Its test part stays where it is. */
static void a_source_may_have_a_test_part(void **state)
{
    (void)state;
    write_class("p/train/ash", 2, 10);
    write_class("p/train/oak", 2, 20);
    write_class("p/test/ash", 1, 30);
    write_class("p/test/oak", 1, 40);
    write_class("v/oak", 2, 50);
    write_class("v/ash", 1, 60);
    Opened opened = open_good("folder \"p\", channels=1\nvalidation { folder \"v\", channels=1 }");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 4);
    assert_value(opened.data, PART_TEST, 0, 30, 0, "p/test/ash/0.png");
    assert_value(opened.data, PART_TEST, 1, 40, 1, "p/test/oak/0.png");
    assert_value(opened.data, PART_VALIDATION, 2, 51, 1, "v/oak/1.png");
    close_data(opened);
}

static void a_cache_knows_both_sources(void **state)
{
    (void)state;
    write_class("t/ash", 2, 10);
    write_class("t/oak", 2, 20);
    write_class("v/oak", 2, 40);
    write_class("v/ash", 1, 50);
    assert_cached(FOLDER "validation { folder \"v\", channels=1 }\nresize 2x2", "v/oak/1.png");
}

static void sources_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const float numbers[4] = {0.5f, 1, 2, 3};
    write_class("t/ash", 2, 10);
    write_class("t/oak", 2, 20);
    write_class("v/ash", 1, 30);
    write_class("v/beech", 1, 30);
    write_class("p/train/ash", 1, 10);
    write_class("p/train/oak", 1, 10);
    write_class("p/validation/ash", 1, 10);
    write_class("p/validation/oak", 1, 10);
    write_class("w/ash", 1, 10);
    write_class("w/oak", 1, 10);
    write_npy("x.npy", "|u1", false, "(4, 2, 2)", "0123456789abcdef", 16);
    write_npy("y.npy", "<f4", false, "(4,)", numbers, sizeof numbers);
    write_npy("c.npy", "|u1", false, "(4,)", "\0\1\0\1", 4);
    write_npy("r.npy", "<f4", false, "(4, 1)", numbers, sizeof numbers);
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {FOLDER "validation { folder \"v\", channels=1 }",
         "test.cnn:3:1: the class 'beech' of the validation part is none of those that are trained on"},
        {FOLDER "validation { folder \"w\" }", "its samples have 3 channels, those that are trained on 1"},
        {FOLDER "validation { folder \"nowhere\" }",
         "test.cnn:3:1: 'nowhere' is neither in the model's folder"},
        {FOLDER "validation { folder \"p\", channels=1 }", "this source has parts of its own"},
        {"folder \"p\", channels=1\nvalidation { folder \"w\", channels=1 }",
         "the data have a validation part of their own beside this one"},
        {FOLDER "validation { folder \"w\", channels=1 }\nsplit validation=20%",
         "the data has a validation part of its own: leave 'validation=' out"},
        {FOLDER "validation { arrays x=\"x.npy\", y=\"y.npy\" }",
         "its labels are real numbers, those that are trained on classes"},
        {"arrays x=\"x.npy\", y=\"c.npy\"\nvalidation { arrays x=\"r.npy\", y=\"c.npy\" }",
         "its values are of another type"},
        {FOLDER "validation { folder \"w\", channels=1 -> idx \"w\" }",
         "'validation' takes one source in { }, not 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, cases[i].reason);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(classes_are_found_by_their_names),
        TEST(a_source_may_have_a_test_part),
        TEST(a_cache_knows_both_sources),
        TEST(sources_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
