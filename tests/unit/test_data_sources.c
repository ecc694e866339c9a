/* The sources folder and idx. What they give, and what each wrong thing is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/data_test.h"

/* ---- folder ---- */

/* Three classes of three pictures each, 4x4, of grey 10 * class + number. */
static void make_classes(const char *root)
{
    static const char *const classes[] = {"cat", "dog", "emu"};
    char path[64];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "%s/%s/%d.png", root, classes[c], i);
            write_plain_png(path, 4, 4, 10 * c + i, 10 * c + i, 10 * c + i);
        }
}

static void assert_name(const CnnData *data, Part part, int64_t index, const char *end)
{
    char name[512];
    cnn_data_name(data, part, index, name, sizeof name);
    assert_true(strlen(name) >= strlen(end));
    assert_string_equal(name + strlen(name) - strlen(end), end);
}

static void classes_and_samples_are_in_byte_order(void **state)
{
    (void)state;
    make_classes("d");
    write_plain_png("d/Zebra/b/1.PNG", 4, 4, 1, 2, 3);
    write_plain_png("d/Zebra/a.jpeg", 4, 4, 4, 5, 6);
    write_plain_png("d/Zebra/B.png", 4, 4, 7, 8, 9);
    Opened opened = open_good("folder \"d\"");
    assert_int_equal(cnn_data_classes(opened.data), 4);
    assert_string_equal(cnn_data_class_name(opened.data, 0), "Zebra"); /* capitals come first */
    assert_string_equal(cnn_data_class_name(opened.data, 3), "emu");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 12);
    assert_int_equal(cnn_data_class_count(opened.data, PART_TRAIN, 0), 3);
    assert_name(opened.data, PART_TRAIN, 0, "d/Zebra/B.png");
    assert_name(opened.data, PART_TRAIN, 1, "d/Zebra/a.jpeg");
    assert_name(opened.data, PART_TRAIN, 2, "d/Zebra/b/1.PNG");
    assert_name(opened.data, PART_TRAIN, 5, "d/cat/2.png");
    assert_int_equal(cnn_data_label_dtype(opened.data), DTYPE_I32);
    Dims shape = cnn_data_shape(opened.data);
    assert_true(shape.count == 3 && shape.value[0] == 4 && shape.value[1] == 4 && shape.value[2] == 3);
    close_data(opened);
}

static void folders_train_and_test_are_the_parts(void **state)
{
    (void)state;
    make_classes("d/train");
    make_classes("d/val");
    assert_int_equal(rename("d/val/dog/0.png", "d/val/dog/7.png"), 0);
    Opened opened = open_good("folder \"d\"");
    assert_int_equal(cnn_data_classes(opened.data), 3);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 9);
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 9);
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 0);
    assert_name(opened.data, PART_VALIDATION, 5, "d/val/dog/7.png");
    assert_int_equal(cnn_data_class_count(opened.data, PART_VALIDATION, 1), 3);
    close_data(opened);
    make_classes("d/test");
    opened = open_good("folder \"d\"");
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 9);
    assert_name(opened.data, PART_TEST, 0, "d/test/cat/0.png");
    close_data(opened);
    assert_refused("folder \"d\" -> split validation=20%", "validation part of its own");
    assert_refused("folder \"d\" -> split test=20%", "test part of its own");
    write_plain_png("d/test/yak/1.png", 4, 4, 0, 0, 0);
    assert_refused("folder \"d\"",
                   "the folder 'yak' in 'test' is a class that the training part does not have");
    make_classes("d/more"); /* now these are classes like any other */
    opened = open_good("folder \"d\"");
    assert_int_equal(cnn_data_classes(opened.data), 4);
    close_data(opened);
}

static void stray_and_hidden_files_are_ignored(void **state)
{
    (void)state;
    make_classes("d");
    write_bytes("d/readme.txt", "x", 1);
    write_bytes("d/cat/notes.txt", "x", 1);
    write_bytes("d/cat/.hidden.png", "x", 1);
    write_bytes("d/.git/x.png", "x", 1);
    assert_int_equal(mkfifo("d/dog/pipe", 0600), 0);
    assert_int_equal(symlink("..", "d/dog/up"), 0); /* would lead round in a circle */
    assert_int_equal(symlink("../cat/0.png", "d/dog/linked.png"), 0);
    Opened opened = open_good("folder \"d\"");
    assert_int_equal(cnn_data_classes(opened.data), 3);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 10);
    assert_name(opened.data, PART_TRAIN, 6, "d/dog/linked.png");
    close_data(opened);
}

static void links_to_nowhere_pipes_and_devices_are_told_of(void **state)
{
    (void)state;
    make_classes("d");
    assert_int_equal(symlink("1loop.png", "d/cat/1loop.png"), 0);
    assert_int_equal(symlink("1there.png", "d/cat/1back.png"), 0);
    assert_int_equal(symlink("1back.png", "d/cat/1there.png"), 0);
    assert_int_equal(symlink("/dev/zero", "d/cat/1zero.png"), 0);
    assert_int_equal(symlink("gone.png", "d/cat/1gone.png"), 0);
    assert_int_equal(mkfifo("d/cat/1pipe.png", 0600), 0);
    Opened opened = open_good("folder \"d\"");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 15);
    assert_unreadable(opened.data, 2, "d/cat/1back.png: cannot open: Too many levels of symbolic links");
    assert_unreadable(opened.data, 3, "d/cat/1gone.png: cannot open: No such file");
    assert_unreadable(opened.data, 4, "d/cat/1loop.png: cannot open: Too many levels of symbolic links");
    assert_unreadable(opened.data, 5, "d/cat/1pipe.png: not a regular file");
    assert_unreadable(opened.data, 6, "d/cat/1there.png: cannot open");
    assert_unreadable(opened.data, 7, "d/cat/1zero.png: not a regular file");
    close_data(opened);
}

/* A class folder may be a link, but not to where it lies: it would be a class of all pictures. */
static void class_folders_that_lead_round_are_refused(void **state)
{
    (void)state;
    make_classes("a/d");
    static const char *const targets[] = {".", "..", "../d", "../..", "/"};
    assert_int_equal(rename("a/d/dog", "dog"), 0);
    assert_int_equal(symlink("../../dog", "a/d/dog"), 0);
    Opened opened = open_good("folder \"a/d\"");
    int64_t count = cnn_data_count(opened.data, PART_TRAIN);
    close_data(opened);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        assert_int_equal(symlink(targets[i], "a/d/loop"), 0);
        assert_refused("folder \"a/d\"", "'a/d/loop' is a link to a folder that it lies in itself");
        assert_int_equal(unlink("a/d/loop"), 0);
    }
    assert_int_equal(symlink("loop", "a/d/loop"), 0); /* leads nowhere: no folder */
    opened = open_good("folder \"a/d\"");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), count);
    close_data(opened);
}

static void folders_that_cannot_be_classes_are_refused(void **state)
{
    (void)state;
    assert_refused("folder \"d\"",
                   "test.cnn:2:1: 'd' is neither in the model's folder '.' nor in the current one");
    assert_refused("folder \"\"", "the path is empty");
    assert_refused("folder \"/nowhere\\n\"", "cannot open '/nowhere\\x0a'");
    make_classes("d");
    mkdir("d/axe", 0777);
    assert_refused("folder \"d\"", "the class folder 'd/axe' holds no picture: put some into it");
    write_bytes("d/axe/a.txt", "x", 1);
    assert_refused("folder \"d\"", "the class folder 'd/axe' holds no picture (and 1 other files)");
    make_classes("e/only");
    assert_refused("folder \"e\"",
                   "'e' holds one class only, 'only': at least two are needed; if they are the 3 "
                   "folders in 'e/only', that is the folder to name");
    assert_refused("folder \"d/cat\"",
                   "'d/cat' holds no folders: a folder for each class is needed (it holds 3 pictures "
                   "itself)");
    assert_refused("folder \"d/cat/0.png\"", "'d/cat/0.png' is a file, not a folder ('archive' reads zip");
}

static void pictures_of_other_kinds_are_not_left_out_silently(void **state)
{
    (void)state;
    make_classes("d");
    write_bytes("d/cat/00.heic", "....ftypheic", 12);
    Opened opened = open_good("folder \"d\"");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 10);
    assert_unreadable(opened.data, 1, "d/cat/00.heic: a HEIC or AVIF picture, which is not read");
    close_data(opened);
}

static void hostile_names_are_read_and_printed_escaped(void **state)
{
    (void)state;
    static const char *const names[] = {"-rf",         "%n%s",        "a b",     "quote'\"",
                                        "line\nbreak", "esc\033[31m", "bad\xff", "\xc3\xa4"};
    char path[300];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "d/%s/%s.png", names[i], names[i]);
        write_plain_png(path, 2, 2, (int)i, 0, 0);
    }
    memset(path, 'x', sizeof path);
    memcpy(path, "d/", 2);
    path[2 + 255] = '\0';
    mkdir(path, 0777);
    strcat(path, "/1.png");
    write_plain_png(path, 2, 2, 9, 0, 0);
    Opened opened = open_good("folder \"d\"");
    assert_int_equal(cnn_data_classes(opened.data), 9);
    CnnError error = {0};
    float values[12];
    char name[600];
    for (int64_t i = 0; i < 9; i++) {
        assert_int_equal(get_sample(opened.data, PART_TRAIN, i, 0, values, &error), CNN_OK);
        cnn_data_name(opened.data, PART_TRAIN, i, name, sizeof name);
        assert_null(strpbrk(name, "\n\033\xff"));
    }
    assert_name(opened.data, PART_TRAIN, 8, "/\xc3\xa4.png");
    assert_name(opened.data, PART_TRAIN, 3, "bad\\xff.png");
    close_data(opened);
}

static void channels_are_as_asked_or_those_of_the_first_picture(void **state)
{
    (void)state;
    write_png("d/a/1.png", 2, 1, PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE, (unsigned char[]){50, 60});
    write_plain_png("d/b/1.png", 2, 1, 0, 255, 0);
    Opened opened = open_good("folder \"d\"");
    assert_sample(opened.data, 0, 6, (const float[]){50, 50, 50, 60, 60, 60}, 0);
    close_data(opened);
    opened = open_good("folder \"d\", channels=1");
    assert_sample(opened.data, 0, 2, (const float[]){50, 60}, 0);
    assert_sample(opened.data, 1, 2, (const float[]){150, 150}, 0);
    close_data(opened);
    opened = open_good("folder \"d\", channels=auto");
    assert_int_equal(cnn_data_shape(opened.data).value[2], 1);
    close_data(opened);
    opened = open_good("folder \"d\", channels=4");
    assert_sample(opened.data, 1, 8, (const float[]){0, 255, 0, 255, 0, 255, 0, 255}, 0);
    close_data(opened);
}

static void pictures_of_several_sizes_need_resize(void **state)
{
    (void)state;
    make_classes("d");
    write_plain_png("d/dog/9.png", 5, 4, 1, 1, 1);
    Opened opened = open_good("folder \"d\"");
    assert_unreadable(
        opened.data, 6,
        "pictures differ in size: d/cat/0.png has 4 x 4, d/dog/9.png has 4 x 5 (height x width); 'resize'");
    close_data(opened);
    opened = open_good("folder \"d\" -> resize 2x3");
    float values[18];
    CnnError error = {0};
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 6, 0, values, &error), CNN_OK);
    close_data(opened);
    assert_cached("folder \"d\" -> resize 2x3", "d/dog/9.png");
}

static void paths_start_from_the_models_folder_and_then_the_current_one(void **state)
{
    (void)state;
    make_classes("m/d");
    make_classes("e");
    write_plain_png("m/d/cat/3.png", 4, 4, 1, 1, 1);
    Opened opened = open_data("folder \"d\"");
    assert_null(opened.data);
    opened.program->recipe.model_path = "m/test.cnn";
    CnnError error = {0};
    assert_int_equal(cnn_data_open(&opened.program->recipe, &opened.data, &error), CNN_OK);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 10);
    close_data(opened);
    opened = open_good("folder \"e\"");
    cnn_data_close(opened.data);
    opened.program->recipe.model_path = "m/test.cnn";
    assert_int_equal(cnn_data_open(&opened.program->recipe, &opened.data, &error), CNN_OK);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 9);
    close_data(opened);
}

/* ---- idx ---- */

/* Fashion-MNIST's layout: 6 training pictures of 2x3, 2 for test; pixels and labels count up from 0. */
static void make_idx_files(void (*write)(const char *, const void *, size_t), const char *ending)
{
    unsigned char bytes[256];
    char path[64];
    static const struct {
        const char *name;
        int rank, dim[3];
    } files[] = {{"train-images-idx3-ubyte", 3, {6, 2, 3}},
                 {"train-labels-idx1-ubyte", 1, {6}},
                 {"t10k-images-idx3-ubyte", 3, {2, 2, 3}},
                 {"t10k-labels-idx1-ubyte", 1, {2}}};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "i/%s%s", files[i].name, ending);
        write(path, bytes, make_idx(bytes, files[i].rank, files[i].dim));
    }
}

static void check_idx(const char *ending)
{
    char name[64];
    Opened opened = open_good("idx \"i\"");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 6);
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 2);
    assert_int_equal(cnn_data_classes(opened.data), 6);
    assert_string_equal(cnn_data_class_name(opened.data, 5), "5");
    assert_sample(opened.data, 2, 6, (const float[]){12, 13, 14, 15, 16, 17}, 0);
    float values[6];
    CnnError error = {0};
    assert_int_equal(get_sample(opened.data, PART_TEST, 1, 0, values, &error), CNN_OK);
    assert_true(values[0] == 6);
    snprintf(name, sizeof name, "i/t10k-images-idx3-ubyte%s[1]", ending);
    assert_name(opened.data, PART_TEST, 1, name);
    close_data(opened);
    snprintf(name, sizeof name, "i/t10k-images-idx3-ubyte%s", ending);
    assert_cached("idx \"i\"", name);
}

static void idx_is_read_plain_and_compressed(void **state)
{
    (void)state;
    make_idx_files(write_gzip, ".gz");
    check_idx(".gz");
    make_idx_files(write_bytes, "");
    check_idx("");
}

static void idx_without_a_test_part_has_none(void **state)
{
    (void)state;
    make_idx_files(write_bytes, "");
    remove("i/t10k-images-idx3-ubyte");
    assert_refused("idx \"i\"", "there is no t10k-images-idx3-ubyte, nor with .gz, in i");
    remove("i/t10k-labels-idx1-ubyte");
    Opened opened = open_good("idx \"i\"");
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 0);
    assert_sample(opened.data, 5, 6, (const float[]){30, 31, 32, 33, 34, 35}, 0);
    close_data(opened);
}

static void idx_files_that_are_wrong_are_refused(void **state)
{
    (void)state;
    unsigned char bytes[256];
    assert_refused("idx \"i\"", "'i' is neither in");
    mkdir("i", 0777);
    assert_refused("idx \"i\"", "there is no train-images-idx3-ubyte, nor with .gz, in i");
    make_idx_files(write_gzip, ".gz");
    cut_file("i/train-images-idx3-ubyte.gz", file_size("i/train-images-idx3-ubyte.gz") - 12);
    assert_refused("idx \"i\"", "test.cnn:2:1: i/train-images-idx3-ubyte.gz: gzip file cut short");
    write_gzip("i/train-images-idx3-ubyte.gz", "\0\0\x0d\3", 4);
    assert_refused("idx \"i\"",
                   "holds 3 dimensions of type 0x0d; 3 dimensions of unsigned bytes (0x08) are needed");
    write_gzip("i/train-images-idx3-ubyte.gz", "\1\2\3\4", 4);
    assert_refused("idx \"i\"", "not an IDX file");
    write_gzip("i/train-images-idx3-ubyte.gz", "\0\0\x08\3\0\0\0\6\0\0", 10);
    assert_refused("idx \"i\"", "ends within its header");
    size_t size = make_idx(bytes, 3, (int[]){6, 2, 3});
    write_gzip("i/train-images-idx3-ubyte.gz", bytes, size - 1);
    assert_refused("idx \"i\"", "its header tells of 36 bytes of data, but it holds 35");
    write_gzip("i/train-images-idx3-ubyte.gz", bytes, size + 1);
    assert_refused("idx \"i\"", "holds more bytes than its header tells of");
    memset(bytes + 4, 0xff, 12);
    write_gzip("i/train-images-idx3-ubyte.gz", bytes, size);
    assert_refused("idx \"i\"", "more bytes than there can be");
    memcpy(bytes + 4, "\0\0\xff\xff\0\0\xff\xff\0\0\xff\xff", 12); /* 256 TB, of which it holds 36 bytes */
    write_gzip("i/train-images-idx3-ubyte.gz", bytes, size);
    assert_refused("idx \"i\"", "but it holds 36");
    size = make_idx(bytes, 3, (int[]){5, 2, 3});
    write_gzip("i/train-images-idx3-ubyte.gz", bytes, size);
    assert_refused("idx \"i\"", "i/train-labels-idx1-ubyte.gz: holds 6 labels for the 5 pictures beside it");
    size = make_idx(bytes, 3, (int[]){6, 3, 2});
    write_gzip("i/train-images-idx3-ubyte.gz", bytes, size);
    assert_refused("idx \"i\"", "not of the size of the training part's");
    make_idx_files(write_gzip, ".gz");
    memset(bytes, 0, sizeof bytes);
    size = make_idx(bytes, 1, (int[]){6});
    memset(bytes + 8, 3, 6);
    write_gzip("i/train-labels-idx1-ubyte.gz", bytes, size);
    memset(bytes + 8, 3, 2);
    bytes[7] = 2;
    write_gzip("i/t10k-labels-idx1-ubyte.gz", bytes, 10);
    assert_refused("idx \"i\"", "all 8 labels are 3: at least two classes are needed");
}

static void idx_damage_found_late_is_an_error_with_the_path(void **state)
{
    (void)state;
    enum { ROOM = 6 * 300 * 300 + 16 };
    unsigned char *bytes = malloc(ROOM);
    size_t size = make_idx(bytes, 3, (int[]){6, 300, 300}); /* more than is decompressed to see the header */
    make_idx_files(write_gzip, ".gz");
    remove("i/t10k-images-idx3-ubyte.gz");
    remove("i/t10k-labels-idx1-ubyte.gz");
    write_gzip("i/train-images-idx3-ubyte.gz", bytes, size);
    size = read_bytes("i/train-images-idx3-ubyte.gz", bytes, ROOM);
    bytes[size - 6] ^= 1; /* the checksum: the size is right, so opening sees nothing */
    write_bytes("i/train-images-idx3-ubyte.gz", bytes, size);
    free(bytes);
    Opened opened = open_good("idx \"i\"");
    assert_unreadable(opened.data, 0, "i/train-images-idx3-ubyte.gz: damaged gzip file");
    close_data(opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(classes_and_samples_are_in_byte_order),
        TEST(folders_train_and_test_are_the_parts),
        TEST(stray_and_hidden_files_are_ignored),
        TEST(links_to_nowhere_pipes_and_devices_are_told_of),
        TEST(class_folders_that_lead_round_are_refused),
        TEST(folders_that_cannot_be_classes_are_refused),
        TEST(pictures_of_other_kinds_are_not_left_out_silently),
        TEST(hostile_names_are_read_and_printed_escaped),
        TEST(channels_are_as_asked_or_those_of_the_first_picture),
        TEST(pictures_of_several_sizes_need_resize),
        TEST(paths_start_from_the_models_folder_and_then_the_current_one),
        TEST(idx_is_read_plain_and_compressed),
        TEST(idx_without_a_test_part_has_none),
        TEST(idx_files_that_are_wrong_are_refused),
        TEST(idx_damage_found_late_is_an_error_with_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
