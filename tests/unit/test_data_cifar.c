/* The source cifar: what it gives, and what each wrong thing is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/data_test.h"
#include "tests/unit/zip_test.h"

enum { PLANE = 1024, PIXELS = 3 * PLANE, VALUES = PIXELS };

/* Writes `count` records: labels as given, label_bytes for each; in picture `number` + i, red is that number,
 * green the row, blue the column. Returns the bytes. */
static size_t make_records(unsigned char *out, int count, int label_bytes, const unsigned char *labels,
                           int number)
{
    unsigned char *at = out;
    for (int i = 0; i < count; i++) {
        for (int l = 0; l < label_bytes; l++)
            *at++ = *labels++;
        for (int p = 0; p < PLANE; p++) {
            at[p] = (unsigned char)(number + i);
            at[PLANE + p] = (unsigned char)(p / 32);
            at[2 * PLANE + p] = (unsigned char)(p % 32);
        }
        at += PIXELS;
    }
    return (size_t)(at - out);
}

static const char ten_names[] = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
static const char *const ten_files[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                        "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

static void write_folder(const char *name, const void *bytes, size_t count, void *to)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", (const char *)to, name);
    write_bytes(path, bytes, count);
}

static void write_stored(const char *name, const void *bytes, size_t count, void *to)
{
    add_member(to, name, bytes, count, (MemberOptions){0});
}

static void write_deflated(const char *name, const void *bytes, size_t count, void *to)
{
    add_member(to, name, bytes, count, (MemberOptions){.deflated = true});
}

typedef void (*FileWriter)(const char *name, const void *bytes, size_t count, void *to);

/* CIFAR-10 of two pictures a file: picture n has label n % 10. */
static void make_ten(FileWriter write, void *to)
{
    unsigned char bytes[2 * (1 + PIXELS)];
    for (int f = 0; f < 6; f++) {
        const unsigned char labels[] = {(unsigned char)(2 * f % 10), (unsigned char)((2 * f + 1) % 10)};
        write(ten_files[f], bytes, make_records(bytes, 2, 1, labels, 2 * f), to);
    }
    write("batches.meta.txt", ten_names, sizeof ten_names - 1, to);
}

/* CIFAR-100 of three pictures to train and one to test. */
static void make_hundred(FileWriter write, void *to)
{
    static unsigned char bytes[3 * (2 + PIXELS)];
    char names[2048];
    size_t used = 0;
    write("train.bin", bytes, make_records(bytes, 3, 2, (const unsigned char[]){0, 99, 19, 1, 4, 50}, 0), to);
    write("test.bin", bytes, make_records(bytes, 1, 2, (const unsigned char[]){7, 3}, 9), to);
    for (int i = 0; i < 20; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "group%d\r\n", i);
    write("coarse_label_names.txt", names, used, to);
    used = 0;
    for (int i = 0; i < 100; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "thing%d\n", i);
    write("fine_label_names.txt", names, used, to);
}

/* Checks sample `index` of a part: the picture of this number, this class and this name. */
static void assert_picture(CnnData *data, Part part, int64_t index, int number, int class_index,
                           const char *expected_name)
{
    static float values[VALUES];
    char name[512];
    DataScratch *scratch = NULL;
    int32_t label;
    CnnError error = {0};
    if (cnn_data_sample(data, part, index, 0, &scratch, values, &label, &error) != CNN_OK)
        fail_msg("%s", error.text);
    cnn_data_scratch_free(scratch);
    for (int p = 0; p < PLANE; p++)
        assert_true(values[3 * p] == (float)number && values[3 * p + 1] == (float)(p / 32) &&
                    values[3 * p + 2] == (float)(p % 32));
    assert_int_equal(label, class_index);
    cnn_data_name(data, part, index, name, sizeof name);
    assert_string_equal(name, expected_name);
}

static void check_ten(const char *text, const char *root)
{
    char name[64];
    Opened opened = open_good(text);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 10);
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 0);
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 2);
    assert_int_equal(cnn_data_classes(opened.data), 10);
    assert_string_equal(cnn_data_class_name(opened.data, 0), "airplane");
    assert_string_equal(cnn_data_class_name(opened.data, 9), "truck");
    Dims shape = cnn_data_shape(opened.data);
    assert_true(shape.count == 3 && shape.value[0] == 32 && shape.value[1] == 32 && shape.value[2] == 3);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "%s/data_batch_%d.bin[%d]", root, i / 2 + 1, i % 2);
        assert_picture(opened.data, PART_TRAIN, i, i, i, name);
    }
    snprintf(name, sizeof name, "%s/test_batch.bin[1]", root);
    assert_picture(opened.data, PART_TEST, 1, 11, 1, name);
    close_data(opened);
}

static void cifar10_is_read_with_its_test_part(void **state)
{
    (void)state;
    make_ten(write_folder, "c");
    check_ten("cifar \"c\"", "c");
    assert_refused("cifar \"c\" -> split test=20%", "test part of its own");
    Opened opened = open_good("cifar \"c\" -> split validation=20%, stratified=false -> scale 0..1");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 8);
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 2);
    close_data(opened);
    assert_cached("cifar \"c\"", "c/test_batch.bin");
}

static void cifar100_has_fine_and_coarse_labels(void **state)
{
    (void)state;
    make_hundred(write_folder, "c");
    Opened opened = open_good("cifar \"c\"");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 3);
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 1);
    assert_int_equal(cnn_data_classes(opened.data), 100);
    assert_string_equal(cnn_data_class_name(opened.data, 99), "thing99");
    assert_picture(opened.data, PART_TRAIN, 0, 0, 99, "c/train.bin[0]");
    assert_picture(opened.data, PART_TRAIN, 2, 2, 50, "c/train.bin[2]");
    assert_picture(opened.data, PART_TEST, 0, 9, 3, "c/test.bin[0]");
    close_data(opened);
    opened = open_good("cifar \"c\", labels=coarse");
    assert_int_equal(cnn_data_classes(opened.data), 20);
    assert_string_equal(cnn_data_class_name(opened.data, 19), "group19");
    assert_picture(opened.data, PART_TRAIN, 1, 1, 19, "c/train.bin[1]");
    assert_picture(opened.data, PART_TEST, 0, 9, 7, "c/test.bin[0]");
    close_data(opened);
}

static void files_are_read_in_an_archive_too(void **state)
{
    (void)state;
    static const FileWriter writers[] = {write_stored, write_deflated};
    for (int i = 0; i < 2; i++) {
        Writer writer = {.zip64 = i};
        make_ten(writers[i], &writer);
        write_zip(&writer, "c.zip");
        check_ten("archive \"c.zip\" { cifar \".\" }", "c.zip");
        assert_cached("archive \"c.zip\" { cifar \".\" }", "c.zip");
    }
}

static void parts_that_are_missing_are_named(void **state)
{
    (void)state;
    assert_refused("cifar \"c\"", "'c' is neither in");
    mkdir("c", 0777);
    assert_refused("cifar \"c\"",
                   "test.cnn:2:1: 'c' holds neither data_batch_1.bin of CIFAR-10 nor train.bin of CIFAR-100");
    write_bytes("c/data_batch_1", "x", 1);
    assert_refused("cifar \"c\"", "of CIFAR-100, but their Python version: the binary version is needed");
    assert_refused("cifar \"c/data_batch_1\"",
                   "'c/data_batch_1' is a file, not a folder ('archive' reads zip");
    static const char *const parts[] = {"c/data_batch_3.bin", "c/test_batch.bin", "c/batches.meta.txt"};
    char expected[64];
    for (int i = 0; i < 3; i++) {
        make_ten(write_folder, "c");
        remove(parts[i]);
        snprintf(expected, sizeof expected, "'c' lacks %s, a part of CIFAR-10", parts[i] + 2);
        assert_refused("cifar \"c\"", expected);
    }
    make_hundred(write_folder, "h");
    remove("h/coarse_label_names.txt");
    assert_refused("cifar \"h\", labels=coarse", "'h' lacks coarse_label_names.txt, a part of CIFAR-100");
    make_hundred(write_folder, "c");
    assert_refused("cifar \"c\"", "'c' holds CIFAR-10 and CIFAR-100: a folder for each is needed");
}

static void files_that_are_wrong_are_refused(void **state)
{
    (void)state;
    unsigned char bytes[1 + PIXELS];
    make_ten(write_folder, "c");
    assert_refused("cifar \"c\", labels=coarse", "labels=coarse: CIFAR-10 has no such labels");
    make_records(bytes, 1, 1, (const unsigned char[]){10}, 0);
    write_bytes("c/test_batch.bin", bytes, sizeof bytes);
    assert_refused("cifar \"c\"", "c/test_batch.bin[0]: its label is 10, but classes go from 0 to 9");
    cut_file("c/test_batch.bin", sizeof bytes - 1);
    assert_refused("cifar \"c\"", "c/test_batch.bin: holds 3072 bytes, which are not whole records of 3073 "
                                  "bytes, as CIFAR-10 has them");
    cut_file("c/test_batch.bin", 0);
    assert_refused("cifar \"c\"", "c/test_batch.bin: holds 0 bytes");
    remove("c/test_batch.bin");
    mkfifo("c/test_batch.bin", 0600);
    assert_refused("cifar \"c\"", "'c' lacks test_batch.bin");
    remove("c/test_batch.bin");
    make_ten(write_folder, "c");
    write_bytes("c/batches.meta.txt", ten_names, 13);
    assert_refused("cifar \"c\"", "c/batches.meta.txt: holds 2 names; 10 classes have one");
    write_bytes("c/batches.meta.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", 24);
    assert_refused("cifar \"c\"", "c/batches.meta.txt: holds 11 names; 10 classes have one");
    write_bytes("c/batches.meta.txt", "", 0);
    assert_refused("cifar \"c\"", "c/batches.meta.txt: holds 0 names; 10 classes have one");
    make_ten(write_folder, "c");
    Opened opened = open_good("cifar \"c\"");
    cut_file("c/data_batch_2.bin", 2 * (1 + PIXELS) - 1); /* while in use */
    assert_unreadable(opened.data, 3,
                      "c/data_batch_2.bin: cut short while in use: it ends at byte 6145, 6146 are needed");
    close_data(opened);
    make_hundred(write_folder, "h");
    make_records(bytes, 1, 1, (const unsigned char[]){10}, 0);
    write_bytes("h/test.bin", bytes, sizeof bytes);
    assert_refused(
        "cifar \"h\"",
        "h/test.bin: holds 3073 bytes, which are not whole records of 3074 bytes, as CIFAR-100 has them");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cifar10_is_read_with_its_test_part), TEST(cifar100_has_fine_and_coarse_labels),
        TEST(files_are_read_in_an_archive_too),   TEST(parts_that_are_missing_are_named),
        TEST(files_that_are_wrong_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
