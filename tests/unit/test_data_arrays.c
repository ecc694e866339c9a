/* The source arrays: what it gives, and what each wrong thing is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "tests/unit/data_test.h"
#include "tests/unit/zip_test.h"

static const unsigned char labels_3[] = {0, 1, 1};

static const char x_and_y[] = "arrays x=\"x.npy\", y=\"y.npy\"";

/* Opens the labels of this type and shape, for three samples. */
static Opened open_labels(const char *descr, bool fortran, const char *shape, const void *data, size_t size)
{
    write_npy("x.npy", "|u1", false, "(3, 2)", "abcdef", 6);
    write_npy("y.npy", descr, fortran, shape, data, size);
    return open_good(x_and_y);
}

static void refuse_labels(const char *descr, const char *shape, const void *data, size_t size,
                          const char *part)
{
    write_npy("x.npy", "|u1", false, "(3, 2)", "abcdef", 6);
    write_npy("y.npy", descr, false, shape, data, size);
    assert_refused(x_and_y, part);
}

static int32_t class_of(CnnData *data, Part part, int64_t index)
{
    static float values[4096];
    DataScratch *scratch = NULL;
    int32_t label;
    CnnError error = {0};
    if (cnn_data_sample(data, part, index, 0, &scratch, values, &label, &error) != CNN_OK)
        fail_msg("%s", error.text);
    cnn_data_scratch_free(scratch);
    return label;
}

/* The three samples have these classes. */
static void assert_classes(CnnData *data, int classes, int first, int second, int third)
{
    const int expected[] = {first, second, third};
    assert_int_equal(cnn_data_classes(data), classes);
    for (int i = 0; i < 3; i++)
        assert_int_equal(class_of(data, PART_TRAIN, i), expected[i]);
}

static void arrays_of_every_type_and_order_give_the_same_values(void **state)
{
    (void)state;
    const struct {
        const char *descr;
        const void *data;
        size_t size;
    } arrays[] = {
        {"|u1", (const unsigned char[]){0, 1, 2, 3, 4, 100}, 6},
        {"|i1", (const signed char[]){0, 1, 2, 3, 4, 100}, 6},
        {"<u2", "\0\0\1\0\2\0\3\0\4\0\144\0", 12},
        {">u2", "\0\0\0\1\0\2\0\3\0\4\0\144", 12},
        {"<i2", "\0\0\1\0\2\0\3\0\4\0\144\0", 12},
        {"<u4", (const uint32_t[]){0, 1, 2, 3, 4, 100}, 24},
        {">u4", "\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\144", 24},
        {"<u8", (const uint64_t[]){0, 1, 2, 3, 4, 100}, 48},
        {"<i4", (const int32_t[]){0, 1, 2, 3, 4, 100}, 24},
        {"<i8", (const int64_t[]){0, 1, 2, 3, 4, 100}, 48},
        {"<f4", (const float[]){0, 1, 2, 3, 4, 100}, 24},
        {"<f8", (const double[]){0, 1, 2, 3, 4, 100}, 48},
        {">f2", "\0\0\x3c\0\x40\0\x42\0\x44\0\x56\x40", 12},
        {"<f2", "\0\0\0\x3c\0\x40\0\x42\0\x44\x40\x56", 12},
    };
    write_npy("y.npy", "|u1", false, "(3,)", labels_3, 3);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        write_npy("x.npy", arrays[i].descr, false, "(3, 2)", arrays[i].data, arrays[i].size);
        Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"");
        assert_int_equal(cnn_data_shape(opened.data).value[2], 2);
        assert_sample(opened.data, 0, 2, (const float[]){0, 1}, 0);
        assert_sample(opened.data, 2, 2, (const float[]){4, 100}, 0);
        close_data(opened);
    }
}

static void truth_values_are_0_and_1(void **state)
{
    (void)state;
    write_npy("y.npy", "|b1", false, "(3,)", "\1\0\1", 3);
    write_npy("x.npy", "|b1", false, "(3, 2)", "\0\1\1\0\2\0", 6);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\" -> scale 0..10");
    assert_sample(opened.data, 0, 2, (const float[]){0, 10}, 0);
    assert_sample(opened.data, 2, 2, (const float[]){10, 0}, 0);
    assert_classes(opened.data, 2, 1, 0, 1);
    close_data(opened);
}

static void negative_small_and_large_numbers_survive(void **state)
{
    (void)state;
    write_npy("y.npy", "|u1", false, "(3,)", labels_3, 3);
    write_npy("x.npy", "<f2", false, "(3, 2)", "\1\0\0\x80\0\xbc\xff\x7b\0\4\xff\3", 12);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"");
    assert_sample(opened.data, 0, 2, (const float[]){0x1p-24f, 0}, 0);
    assert_sample(opened.data, 1, 2, (const float[]){-1, 65504}, 0);
    assert_sample(opened.data, 2, 2, (const float[]){0x1p-14f, 1023 * 0x1p-24f}, 0);
    close_data(opened);
    write_npy("x.npy", ">f4", false, "(3, 2)", "\xbf\x80\0\0\x7f\x7f\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
              24);
    opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"");
    assert_sample(opened.data, 0, 2, (const float[]){-1, 3.40282347e38f}, 0);
    close_data(opened);
}

static void fortran_order_is_not_a_transposition(void **state)
{
    (void)state;
    /* x[n, h, w, c] = 100 n + 10 h + w, for 3 x 2 x 2 x 1, stored with n running fastest. */
    static const unsigned char column_major[] = {0, 100, 200, 10, 110, 210, 1, 101, 201, 11, 111, 211};
    write_npy("y.npy", "|u1", true, "(3, 1)", labels_3, 3);
    write_npy("x.npy", "|u1", true, "(3, 2, 2, 1)", column_major, sizeof column_major);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"");
    assert_sample(opened.data, 0, 4, (const float[]){0, 1, 10, 11}, 0);
    assert_sample(opened.data, 2, 4, (const float[]){200, 201, 210, 211}, 0);
    close_data(opened);
}

static void real_labels_make_a_regression(void **state)
{
    (void)state;
    write_npy("x.npy", "|u1", false, "(3, 2, 1)", "abcdef", 6);
    write_npy("y.npy", "<f8", false, "(3,)", (const double[]){-1.5, 0.25, 7}, 24);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\" -> split validation=30%");
    assert_int_equal(cnn_data_classes(opened.data), 0);
    assert_int_equal(cnn_data_label_dtype(opened.data), DTYPE_F32);
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 1);
    close_data(opened);
    opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"");
    DataScratch *scratch = NULL;
    CnnError error = {0};
    float values[2], label;
    assert_int_equal(cnn_data_sample(opened.data, PART_TRAIN, 1, 0, &scratch, values, &label, &error),
                     CNN_OK);
    assert_true(label == 0.25f && values[0] == 'c');
    cnn_data_scratch_free(scratch);
    close_data(opened);
}

static void one_hot_rows_are_classes(void **state)
{
    (void)state;
    Opened opened = open_labels("|u1", false, "(3, 4)", "\0\1\0\0\1\0\0\0\0\0\1\0", 12);
    assert_classes(opened.data, 4, 1, 0, 2); /* the last class has no sample */
    close_data(opened);
    opened = open_labels("<f4", false, "(3, 2)", (const float[]){0, 1, 1, 0, 0, 1}, 24);
    assert_classes(opened.data, 2, 1, 0, 1);
    close_data(opened);
    opened = open_labels("|b1", true, "(3, 2)", "\0\1\0\1\0\1", 6);
    assert_classes(opened.data, 2, 1, 0, 1);
    close_data(opened);
    static const char wrong[] =
        "y.npy: row 1 is not one-hot, a single 1 among zeros; a label is one class or "
        "one number";
    refuse_labels("|u1", "(3, 2)", "\0\1\1\1\0\1", 6, wrong);
    refuse_labels("|u1", "(3, 2)", "\0\1\0\0\0\1", 6, wrong);
    refuse_labels("<f4", "(3, 2)", (const float[]){0, 1, 1, 0.5f, 0, 1}, 24, wrong);
    refuse_labels("|u1", "(3, 2)", "\1\0\1\0\1\0", 6, "all 3 labels are 0: at least two classes are needed");
    refuse_labels("|u1", "(3, 2, 1)", "\1\0\1\0\1\0", 6,
                  "y.npy: has 3 dimensions; one label for each sample");
}

static void texts_are_names_of_classes(void **state)
{
    (void)state;
    /* "oak", "\u00e4\u20ac\U0001f333", "ash", in both byte orders */
    static const uint32_t little[] = {'o', 'a', 'k', 0xe4, 0x20ac, 0x1f333, 'a', 's', 'h'};
    unsigned char big[sizeof little];
    for (size_t i = 0; i < sizeof little; i++)
        big[i] = ((const unsigned char *)little)[i ^ 3];
    Opened opened = open_labels("<U3", false, "(3,)", little, sizeof little);
    assert_classes(opened.data, 3, 1, 2, 0);
    assert_string_equal(cnn_data_class_name(opened.data, 0), "ash");
    assert_string_equal(cnn_data_class_name(opened.data, 2), "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\xb3");
    close_data(opened);
    opened = open_labels(">U3", false, "(3, 1)", big, sizeof big);
    assert_classes(opened.data, 3, 1, 2, 0);
    assert_string_equal(cnn_data_class_name(opened.data, 1), "oak");
    close_data(opened);
    opened = open_labels("|S2", false, "(3,)", "109\00010", 6);
    assert_classes(opened.data, 2, 1, 0, 1); /* by value */
    assert_string_equal(cnn_data_class_name(opened.data, 0), "9");
    close_data(opened);
    refuse_labels("|S3", "(3,)", "oak\0\0\0ash", 9, "y.npy: label 1 is empty");
    refuse_labels("|S3", "(3,)", "oaka\0bash", 9, "y.npy: label 1 is not text");
    refuse_labels("<U1", "(3,)", (const uint32_t[]){'a', 'b', 0x110000}, 12, "y.npy: label 2 is not text");
    refuse_labels("<U1", "(3,)", (const uint32_t[]){'a', 0xd800, 'b'}, 12, "y.npy: label 1 is not text");
    refuse_labels("|S3", "(3,)", "oakoakoak", 9,
                  "y.npy: all labels are 'oak': at least two classes are needed");
    refuse_labels("|S3", "(3,)", "0.51.5-.1", 9, "the labels are real numbers, not classes: y.astype(float)");
    refuse_labels("|S1", "(3, 2)", "abcdef", 6, "y.npy: has 2 dimensions of text; one label for each sample");
}

static void parts_may_be_arrays_of_their_own(void **state)
{
    (void)state;
    static const char text[] = "arrays x=\"x.npy\", y=\"y.npy\", x_test=\"xt.npy\", y_test=\"yt.npy\"";
    static const char all[] = "arrays x=\"x.npy\", y=\"y.npy\", x_test=\"xt.npy\", y_test=\"yt.npy\", "
                              "x_validation=\"x.npy\", y_validation=\"y.npy\"";
    char name[64];
    float values[2];
    CnnError error = {0};
    write_npy("x.npy", "|u1", false, "(3, 2)", "abcdef", 6);
    write_npy("y.npy", "|S1", false, "(3,)", "uvu", 3);
    write_npy("xt.npy", "|u1", false, "(2, 2)", "ghij", 4);
    write_npy("yt.npy", "|S1", false, "(2,)", "uv", 2);
    Opened opened = open_good(text);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 3);
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 0);
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 2);
    assert_int_equal(class_of(opened.data, PART_TEST, 1), 1);
    assert_int_equal(get_sample(opened.data, PART_TEST, 1, 0, values, &error), CNN_OK);
    assert_true(values[0] == 'i' && values[1] == 'j');
    cnn_data_name(opened.data, PART_TEST, 1, name, sizeof name);
    assert_string_equal(name, "xt.npy[1]");
    close_data(opened);
    opened = open_good(all);
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 3);
    cnn_data_name(opened.data, PART_VALIDATION, 2, name, sizeof name);
    assert_string_equal(name, "x.npy[2]");
    assert_int_equal(class_of(opened.data, PART_VALIDATION, 1), 1);
    close_data(opened);
    assert_cached(all, "xt.npy");
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\", x_test=\"xt.npy\"",
                   "'arrays' needs x_test= and y_test=, both or none");
    write_npy("yt.npy", "|S1", false, "(2,)", "uw", 2);
    assert_refused(text, "the class 'w' does not occur in the training part, in y.npy");
    write_npy("yt.npy", "|u1", false, "(2,)", "uw", 2);
    assert_refused(text, "yt.npy: holds integers, but the labels of the training part are texts");
    write_npy("xt.npy", "|i1", false, "(2, 2)", "ghij", 4);
    assert_refused(text, "xt.npy: its samples have another shape or type than those of the training part");
    write_npy("xt.npy", "|u1", false, "(2, 3)", "ghijkl", 6);
    assert_refused(text, "xt.npy: its samples have another shape or type");
    write_npy("xt.npy", "|u1", false, "(2, 2)", "ghij", 4);
    write_npy("y.npy", "|u1", false, "(3, 2)", "\1\0\0\1\1\0", 6);
    write_npy("yt.npy", "|u1", false, "(2, 3)", "\1\0\0\0\0\1", 6);
    assert_refused(text, "yt.npy: has rows of 3 numbers, but the labels of the training part have 2");
}

static void add_npy(Writer *writer, const char *name, bool deflated, const char *descr, const char *shape,
                    const void *data, size_t count)
{
    unsigned char bytes[NPY_ROOM];
    add_member(writer, name, bytes, make_npy(bytes, descr, false, shape, data, count),
               (MemberOptions){.deflated = deflated});
}

/* Arrays with these names, as Keras ships them; those of training count up from 'a', those of test from 'g'.
 */
static void make_npz(const char *path, bool deflated, const char *x, const char *y, bool test)
{
    Writer writer = {.zip64 = true};
    add_npy(&writer, x, deflated, "|u1", "(3, 2)", "abcdef", 6);
    add_npy(&writer, y, deflated, "<i8", "(3,)", (const int64_t[]){2, 0, 1}, 24);
    if (test) {
        add_npy(&writer, "x_test.npy", deflated, "|u1", "(2, 2)", "ghij", 4);
        add_npy(&writer, "y_test.npy", deflated, "<i8", "(2,)", (const int64_t[]){1, 2}, 16);
    }
    write_zip(&writer, path);
}

static void check_npz(const char *text, const char *name_of_last)
{
    char name[64];
    Opened opened = open_good(text);
    assert_classes(opened.data, 3, 2, 0, 1);
    assert_sample(opened.data, 2, 2, (const float[]){'e', 'f'}, 0);
    cnn_data_name(opened.data, PART_TRAIN, 2, name, sizeof name);
    assert_string_equal(name, name_of_last);
    close_data(opened);
}

static void arrays_in_an_npz_file_are_found_by_name(void **state)
{
    (void)state;
    for (int deflated = 0; deflated < 2; deflated++) {
        make_npz("d.npz", deflated, "x.npy", "y.npy", false);
        check_npz("arrays \"d.npz\"", "d.npz/x.npy[2]");
        make_npz("d.npz", deflated, "images.npy", "labels.npy", false);
        check_npz("arrays \"d.npz\", x=\"images\", y=\"labels.npy\"", "d.npz/images.npy[2]");
        make_npz("d.npz", deflated, "x_train.npy", "y_train.npy", true);
        check_npz("arrays \"d.npz\"", "d.npz/x_train.npy[2]");
        Opened opened = open_good("arrays \"d.npz\"");
        assert_int_equal(cnn_data_count(opened.data, PART_TEST), 2);
        assert_int_equal(class_of(opened.data, PART_TEST, 1), 2);
        close_data(opened);
        opened = open_good("arrays \"d.npz\", x=\"x_train\", y=\"y_train\"");
        assert_int_equal(cnn_data_count(opened.data, PART_TEST), 0);
        close_data(opened);
        opened = open_good("arrays \"d.npz\", x_validation=\"x_test\", y_validation=\"y_test\"");
        assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 2);
        assert_int_equal(cnn_data_count(opened.data, PART_TEST), 2);
        close_data(opened);
        assert_cached("arrays \"d.npz\"", "d.npz");
    }
}

static void npz_files_that_are_wrong_are_refused(void **state)
{
    (void)state;
    unsigned char bytes[8192];
    assert_refused("arrays", "test.cnn:2:1: 'arrays' needs x= and y=, or an .npz file");
    assert_refused("arrays x=\"x.npy\"", "'arrays' needs x= and y=, both or none");
    assert_refused("arrays \"d.npz\"", "'d.npz' is neither in");
    write_npy("x.npy", "|u1", false, "(3, 2)", "abcdef", 6);
    assert_refused("arrays \"x.npy\"", "'x.npy' is one array, and two are needed: arrays x=\"…\", y=\"…\"");
    write_npy("d.npz", "|u1", false, "(3, 2)", "abcdef", 6);
    assert_refused("arrays \"d.npz\"", "d.npz: not a zip archive");
    make_npz("d.npz", false, "arr_0.npy", "arr_1.npy", false);
    assert_refused("arrays \"d.npz\"",
                   "d.npz: holds neither x and y nor x_train and y_train, and x= and y= name no "
                   "others; it holds 'arr_0.npy', 'arr_1.npy'");
    assert_refused("arrays \"d.npz\", x=\"arr_0\", y=\"y\"",
                   "d.npz: holds no array 'y'; it holds 'arr_0.npy', 'arr_1.npy'");
    make_npz("d.npz", false, "x_train.npy", "y.npy", false);
    assert_refused("arrays \"d.npz\"", "d.npz: holds no array 'x'; it holds 'x_train.npy', 'y.npy'");
    make_npz("d.npz", true, "x.npy", "y.npy", false);
    size_t size = read_bytes("d.npz", bytes, sizeof bytes);
    bytes[30 + strlen("x.npy") + 20] ^= 4;
    write_bytes("d.npz", bytes, size);
    assert_refused("arrays \"d.npz\"", "d.npz/x.npy: damaged");
    Writer writer = {0};
    add_member(&writer, "x.npy", "abc", 3, (MemberOptions){.deflated = true, .claimed = (size_t)3 << 30});
    add_member(&writer, "y.npy", "", 0, (MemberOptions){0});
    write_zip(&writer, "d.npz");
    assert_refused("arrays \"d.npz\"",
                   "d.npz/x.npy: compressed, and larger than the 1 GiB that are unpacked into "
                   "memory: store it uncompressed (numpy.savez, zip -0)");
    Writer empty = {0};
    add_npy(&empty, "x.npy", false, "|u1", "(3, 2)", "abcdef", 6);
    add_member(&empty, "y.npy", "", 0, (MemberOptions){.deflated = true});
    write_zip(&empty, "d.npz");
    assert_refused("arrays \"d.npz\"", "d.npz/y.npy: not a .npy file: it is too short");
    Writer none = {0};
    write_zip(&none, "d.npz");
    assert_refused("arrays \"d.npz\"", "it holds nothing");
}

static void arrays_are_read_in_an_archive_too(void **state)
{
    (void)state;
    unsigned char bytes[8192];
    for (int deflated = 0; deflated < 4; deflated++) {
        make_npz("d.npz", deflated & 1, "x.npy", "y.npy", false);
        Writer writer = {0};
        add_member(&writer, "a/d.npz", bytes, read_bytes("d.npz", bytes, sizeof bytes),
                   (MemberOptions){.deflated = deflated & 2});
        add_npy(&writer, "a/x.npy", deflated & 2, "|u1", "(3, 2)", "abcdef", 6);
        add_npy(&writer, "a/y.npy", deflated & 2, "|u1", "(3,)", "\2\0\1", 3);
        write_zip(&writer, "a.zip");
        check_npz("archive \"a.zip\" { arrays \"a/d.npz\" }", "a.zip/a/d.npz/x.npy[2]");
        check_npz("archive \"a.zip\" { arrays x=\"a/x.npy\", y=\"a/y.npy\" }", "a.zip/a/x.npy[2]");
    }
    assert_refused("archive \"a.zip\" { arrays \"b.npz\" }", "'a.zip/b.npz' is not in the archive");
}

static void paths_of_pictures_are_samples(void **state)
{
    (void)state;
    static const uint32_t paths[] = {'1', '.', 'p', 'n', 'g', 0,   'b', '/', '2',
                                     '.', 'p', 'n', '3', '.', 'p', 'n', 'g', 0};
    char name[64];
    write_plain_png("d/1.png", 2, 1, 10, 10, 10);
    write_plain_png("d/b/2.pn", 2, 1, 20, 20, 20);
    write_npy("d/x.npy", "<U6", false, "(3,)", paths, sizeof paths);
    write_npy("d/y.npy", "|u1", false, "(3,)", labels_3, 3);
    Opened opened = open_good("arrays x=\"d/x.npy\", y=\"d/y.npy\"");
    assert_sample(opened.data, 1, 6, (const float[]){20, 20, 20, 20, 20, 20}, 0);
    assert_int_equal(class_of(opened.data, PART_TRAIN, 1), 1);
    cnn_data_name(opened.data, PART_TRAIN, 1, name, sizeof name);
    assert_string_equal(name, "d/b/2.pn");
    assert_unreadable(opened.data, 2, "d/3.png: cannot open: No such file or directory");
    close_data(opened);
    write_npy("x.npy", "|S8", false, "(3, 1)", "1.png\0\0\0b/2.pn\0\0b/2.pn\0\0", 24);
    opened = open_good("arrays x=\"x.npy\", y=\"d/y.npy\", root=\"d\", channels=1 -> scale 0..1");
    assert_sample(opened.data, 2, 2, (const float[]){20 / 255.f, 20 / 255.f}, 1e-6f);
    close_data(opened);
    assert_cached("arrays x=\"x.npy\", y=\"d/y.npy\", root=\"d\"", "d/b/2.pn");
    assert_refused("arrays x=\"x.npy\", y=\"d/y.npy\", root=\"e\"", "'e' is neither in");
    write_npy("x.npy", "|S2", false, "(3, 2)", "abcdefghijkl", 12);
    assert_refused("arrays x=\"x.npy\", y=\"d/y.npy\"",
                   "x.npy: has 2 dimensions of text; one path for each sample is needed");
    write_npy("x.npy", "|S2", false, "(3,)", "ab\0\0cd", 6);
    assert_refused("arrays x=\"x.npy\", y=\"d/y.npy\"", "x.npy: path 1 is empty");
    write_npy("x.npy", "|S3", false, "(3,)", "aba\0bcde", 9);
    assert_refused("arrays x=\"x.npy\", y=\"d/y.npy\"", "x.npy: path 1 is not text");
    write_npy("x.npy", "|u1", false, "(3, 2)", "abcdef", 6);
    assert_refused("arrays x=\"x.npy\", y=\"d/y.npy\", root=\"d\"",
                   "'root' and 'channels' are for arrays of paths; x holds numbers");
    Writer writer = {0};
    unsigned char bytes[4096];
    add_member(&writer, "p/1.png", bytes, read_bytes("d/1.png", bytes, sizeof bytes), (MemberOptions){0});
    add_npy(&writer, "x.npy", false, "|S7", "(3,)", "p/1.pngp/1.pngp/1.png", 21);
    add_npy(&writer, "y.npy", false, "|u1", "(3,)", labels_3, 3);
    add_npy(&writer, "z.npy", false, "|S7", "(3,)", "p/1.png/etc/abp/1.png", 21);
    write_zip(&writer, "a.zip");
    opened = open_good("archive \"a.zip\" { arrays x=\"x.npy\", y=\"y.npy\" }");
    assert_sample(opened.data, 2, 6, (const float[]){10, 10, 10, 10, 10, 10}, 0);
    close_data(opened);
    assert_refused("archive \"a.zip\" { arrays x=\"z.npy\", y=\"y.npy\" }",
                   "a.zip/z.npy: path 1 is an absolute path, which leads out of the archive");
}

static void headers_of_all_versions_are_read(void **state)
{
    (void)state;
    static const char header[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (3L, 2L), }\n";
    write_npy("y.npy", "|u1", false, "(3,)", labels_3, 3);
    for (unsigned char version = 1; version <= 3; version++) {
        unsigned char bytes[128] = "\x93NUMPY";
        size_t length = sizeof header - 1, from = version == 1 ? 10 : 12;
        bytes[6] = version;
        bytes[8] = (unsigned char)length;
        memcpy(bytes + from, header, length);
        memcpy(bytes + from + length, "abcdef", 6);
        write_bytes("x.npy", bytes, from + length + 6);
        Opened opened = open_good(x_and_y);
        assert_sample(opened.data, 2, 2, (const float[]){'e', 'f'}, 0);
        close_data(opened);
    }
}

static void refuse_header(const char *header, const char *part)
{
    unsigned char bytes[512] = "\x93NUMPY\1\0";
    size_t length = strlen(header);
    bytes[8] = (unsigned char)length;
    memcpy(bytes + 10, header, length);
    write_bytes("x.npy", bytes, 10 + length + 6);
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\"", part);
}

static void npy_headers_that_are_wrong_are_refused(void **state)
{
    (void)state;
    write_npy("y.npy", "|u1", false, "(3,)", labels_3, 3);
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\"", "'x.npy' is neither in");
    write_bytes("x.npy", "\x93NUM", 4);
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\"", "x.npy: not a .npy file: it is too short");
    write_bytes("x.npy", "PK\3\4..................", 22);
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\"", "does not begin with \\x93NUMPY");
    write_bytes("x.npy", "\x93NUMPY\4\0..............", 22);
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\"", "a version of the .npy format that is not known");
    write_bytes("x.npy", "\x93NUMPY\2\0\xff\xff\xff\xff..........", 22);
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\"", "its header is longer than the file");
    refuse_header("{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }",
                  "holds pickled Python objects ('|O')");
    refuse_header(
        "{'descr': '<U0', 'fortran_order': False, 'shape': (3,), }",
        "holds text of no possible length ('<U0'); bool, u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8 and text (U, "
        "S) can be read");
    refuse_header("{'descr': '<U99999999', 'fortran_order': False, 'shape': (3,), }",
                  "text of no possible length");
    refuse_header("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (3,), }", "holds times ('<M8[ns]')");
    refuse_header("{'descr': '<f16', 'fortran_order': False, 'shape': (3,), }",
                  "holds elements of another type");
    refuse_header("{'descr': '<', 'fortran_order': False, 'shape': (3,), }",
                  "holds elements of another type");
    refuse_header("{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", "holds complex numbers");
    refuse_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }",
                  "holds records of several fields");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
                  "asks for a file of 93 bytes, but it has 75");
    refuse_header("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 16), }",
                  "its shape is larger than can be");
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952, 4), }",
                  "larger than can be");
    refuse_header("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 2), }",
                  "larger than can be");
    refuse_header("{'descr': '|u1', 'fortran_order': False, 'shape': (-3, -2), }",
                  "not the header of a .npy file");
    refuse_header("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 2), }", "holds no elements");
    refuse_header("{'descr': '|u1', 'fortran_order': False, 'shape': (), }", "a single number");
    refuse_header("{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,6), }",
                  "too many dimensions");
    static const char *const wrong[] = {
        "__import__('os').system('x')",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), 'more': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': exit(), 'shape': (3, 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2)} x",
        "{'descr': '|u1', 'fortran_order': False, 'shape': [3, 2]}",
        "{'descr': 'a type whose name is far too long to be one', 'shape': (3, 2)}",
        "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((",
        "{",
        "{'",
        "",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuse_header(wrong[i], "not the header of a .npy file as numpy writes it");
}

static void assert_doubts(const char *shape, size_t size, const char *labels, const char *const expected[2])
{
    static const unsigned char zeros[2048];
    char text[400];
    write_npy("x.npy", "|u1", false, shape, zeros, size);
    write_npy("y.npy", "|u1", false, "(4,)", labels, 4);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"\nsplit test=25%, stratified=false");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cnn_data_doubt(opened.data, i, text, sizeof text), expected[i] != NULL);
        if (expected[i])
            assert_contains(text, expected[i]);
    }
    close_data(opened);
}

static void channels_that_come_first_and_a_missing_class_0_are_doubted(void **state)
{
    (void)state;
    static const char channels[] = "samples of 3 x 5 x 6 look like channels x height x width",
                      classes[] =
                          "class 0 has no samples: do the labels begin at 1? Classes are numbered from "
                          "0, so there are 3";
    assert_doubts("(4, 3, 5, 6)", 360, "\0\1\2\1", (const char *const[2]){channels, NULL});
    assert_doubts("(4, 3, 5, 6)", 360, "\1\1\2\1", (const char *const[2]){channels, classes});
    assert_doubts("(4, 5, 6, 3)", 360, "\1\1\2\1", (const char *const[2]){classes, NULL});
    assert_doubts("(4, 1, 8, 8)", 256, "\1\0\2\1",
                  (const char *const[2]){"samples of 1 x 8 x 8 look like", NULL});
    assert_doubts("(4, 1, 8, 6)", 192, "\1\0\2\1", (const char *const[2]){NULL, NULL});
    assert_doubts("(4, 8, 8)", 256, "\1\0\2\1", (const char *const[2]){NULL, NULL});
    assert_doubts("(4, 3, 4, 6)", 288, "\1\0\2\1", (const char *const[2]){NULL, NULL});
}

static void arrays_that_do_not_fit_together_are_refused(void **state)
{
    (void)state;
    static const char text[] = "arrays x=\"x.npy\", y=\"y.npy\"";
    write_npy("x.npy", "|u1", false, "(3, 2)", "abcdef", 6);
    write_npy("y.npy", "|u1", false, "(2,)", labels_3, 2);
    assert_refused(text, "y.npy holds 2 labels, but x.npy holds 3 samples");
    write_npy("y.npy", "<i4", false, "(3,)", (const int32_t[]){0, -1, 1}, 12);
    assert_refused(text, "y.npy: label 1 is -1, but classes are numbered from 0");
    write_npy("y.npy", "<i8", false, "(3,)", (const int64_t[]){0, 1, INT64_C(1) << 32}, 24);
    assert_refused(text, "label 2 is 4294967296");
    write_npy("y.npy", "<f8", false, "(3,)", (const double[]){0, 1, NAN}, 24);
    assert_refused(text, "label 2 is nan");
    write_npy("y.npy", "|u1", false, "(3,)", "\1\1\1", 3);
    assert_refused(text, "all 3 labels are 1: at least two classes are needed");
    write_npy("y.npy", "|u1", false, "(3,)", labels_3, 3);
    write_npy("x.npy", "|u1", false, "(3,)", "abc", 3);
    assert_refused(text, "x.npy: has 1 dimensions; samples x height x width x channels are needed");
    write_npy("x.npy", "<f4", false, "(3, 2)", (const float[6]){0}, 24);
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\" -> scale 0..1",
                   "test.cnn:2:32: 'scale' must know between which values");
}

static void values_that_are_not_finite_are_named(void **state)
{
    (void)state;
    write_npy("y.npy", "|u1", false, "(3,)", labels_3, 3);
    write_npy("x.npy", "<f4", false, "(3, 2)", (const float[]){1, 2, 3, INFINITY, 4, 5}, 24);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"");
    assert_sample(opened.data, 0, 2, (const float[]){1, 2}, 0);
    assert_unreadable(opened.data, 1, "x.npy[1]: value 1 is inf");
    close_data(opened);
}

static void an_array_cut_while_in_use_is_an_error(void **state)
{
    (void)state;
    write_npy("y.npy", "|u1", false, "(3,)", labels_3, 3);
    write_npy("x.npy", "|u1", false, "(3, 2)", "abcdef", 6);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"");
    cut_file("x.npy", 128 + 5);
    assert_sample(opened.data, 1, 2, (const float[]){'c', 'd'}, 0);
    assert_unreadable(opened.data, 2, "x.npy: cut short while in use: it ends at byte 133, 134 are needed");
    close_data(opened);
}

static void changed_headers_give_an_array_or_an_error(void **state)
{
    (void)state;
    unsigned char bytes[256], changed[256];
    int opened_count = 0;
    write_npy("x.npy", "<f4", false, "(3, 2)", (const float[]){1, 2, 3, 4, 5, 6}, 24);
    write_npy("y.npy", "|u1", false, "(3,)", labels_3, 3);
    size_t size = read_bytes("x.npy", bytes, sizeof bytes);
    for (uint32_t seed = 0; seed < 400; seed++) {
        memcpy(changed, bytes, size);
        mutate(changed, 80, seed);
        write_bytes("x.npy", changed, size);
        Opened opened = open_data("arrays x=\"x.npy\", y=\"y.npy\"");
        assert_true(opened.data || (opened.error.status == CNN_BAD_INPUT && *opened.error.text));
        opened_count += opened.data != NULL;
        close_data(opened);
    }
    assert_true(opened_count < 100);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arrays_of_every_type_and_order_give_the_same_values),
        TEST(truth_values_are_0_and_1),
        TEST(one_hot_rows_are_classes),
        TEST(texts_are_names_of_classes),
        TEST(parts_may_be_arrays_of_their_own),
        TEST(arrays_in_an_npz_file_are_found_by_name),
        TEST(npz_files_that_are_wrong_are_refused),
        TEST(arrays_are_read_in_an_archive_too),
        TEST(paths_of_pictures_are_samples),
        TEST(headers_of_all_versions_are_read),
        TEST(negative_small_and_large_numbers_survive),
        TEST(fortran_order_is_not_a_transposition),
        TEST(real_labels_make_a_regression),
        TEST(npy_headers_that_are_wrong_are_refused),
        TEST(channels_that_come_first_and_a_missing_class_0_are_doubted),
        TEST(arrays_that_do_not_fit_together_are_refused),
        TEST(values_that_are_not_finite_are_named),
        TEST(an_array_cut_while_in_use_is_an_error),
        TEST(changed_headers_give_an_array_or_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
