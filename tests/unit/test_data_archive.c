/* Sources inside zip archives: the same samples as unpacked, and what each wrong thing is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/data/zip.h"
#include "tests/unit/data_test.h"
#include "tests/unit/zip_test.h"

/* A picture of one grey as a member. */
static void add_picture(Writer *writer, const char *name, int grey, MemberOptions options)
{
    unsigned char bytes[4096];
    write_plain_png("scratch.png", 4, 4, grey, grey, grey);
    add_member(writer, name, bytes, read_bytes("scratch.png", bytes, sizeof bytes), options);
}

/* Two classes of two pictures each, out of order, with things that are to be left out. */
static void add_classes(Writer *writer)
{
    add_picture(writer, "plants/oak/b.png", 40, (MemberOptions){.deflated = true});
    add_picture(writer, "plants/ash/1.png", 20, (MemberOptions){0});
    add_member(writer, "plants/", "", 0, (MemberOptions){0});
    add_member(writer, "__MACOSX/plants/oak/._b.png", "x", 1, (MemberOptions){0});
    add_member(writer, "plants/oak/.b.png", "x", 1, (MemberOptions){0});
    add_member(writer, "plants/oak/readme.txt", "x", 1, (MemberOptions){0});
    add_picture(writer, "plants/ash/0.png", 10, (MemberOptions){.deflated = true});
    add_picture(writer, "./plants/oak/a/a.png", 30, (MemberOptions){0});
}

static const char *const plants = "archive \"p.zip\" { folder \"plants\" }";

static void samples_are_those_of_the_folder(void **state)
{
    (void)state;
    for (int zip64 = 0; zip64 < 2; zip64++) {
        static const char *const names[] = {"p.zip/plants/ash/0.png", "p.zip/plants/ash/1.png",
                                            "p.zip/plants/oak/a/a.png", "p.zip/plants/oak/b.png"};
        Writer writer = {.zip64 = zip64};
        add_classes(&writer);
        write_zip(&writer, "p.zip");
        Opened opened = open_good(plants);
        assert_int_equal(cnn_data_classes(opened.data), 2);
        assert_string_equal(cnn_data_class_name(opened.data, 1), "oak");
        assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 4);
        for (int i = 0; i < 4; i++) {
            char name[512];
            float expected[48];
            for (int j = 0; j < 48; j++)
                expected[j] = 10.0f * (float)(i + 1);
            assert_sample(opened.data, i, 48, expected, 0);
            cnn_data_name(opened.data, PART_TRAIN, i, name, sizeof name);
            assert_string_equal(name, names[i]);
        }
        close_data(opened);
    }
}

static void a_table_names_pictures_beside_it(void **state)
{
    (void)state;
    static const char table[] = "f,c\n1.png,x\na/b.png,y\nlost.png,y\n";
    static const char grouped[] =
        "archive \"p.zip\" { list \"t/l.csv\", image=\"f\", label=\"c\" }\nsplit validation=20%, by=\"c\"";
    static const char wrong[] = "f,c\n1.png,x\n/tmp/1.png,y\n";
    static const char text[] =
        "archive \"p.zip\" { list \"t/l.csv\", image=\"f\", label=\"c\", channels=auto }";
    Writer writer = {0};
    add_member(&writer, "t/l.csv", table, sizeof table - 1, (MemberOptions){.deflated = true});
    add_picture(&writer, "t/1.png", 10, (MemberOptions){0});
    add_picture(&writer, "t/a/b.png", 20, (MemberOptions){.deflated = true});
    write_zip(&writer, "p.zip");
    Opened opened = open_good(text);
    float expected[48];
    for (int i = 0; i < 48; i++)
        expected[i] = 20;
    assert_sample(opened.data, 1, 48, expected, 0);
    assert_unreadable(opened.data, 2, "'p.zip/t/lost.png' is not in the archive");
    close_data(opened);
    assert_refused(grouped, "'split' leaves no sample for the validation part: there are only 3, in groups");
    Writer other = {0};
    add_member(&other, "t/l.csv", wrong, sizeof wrong - 1, (MemberOptions){0});
    write_zip(&other, "p.zip");
    assert_refused(text, "p.zip/t/l.csv:3: '/tmp/1.png' begins with '/', which leads out of the archive");
}

static void parts_and_channels_are_found_at_the_top(void **state)
{
    (void)state;
    Writer writer = {0};
    const char *const names[] = {"train/a/1.png", "train/b/1.png", "test/b/1.png", "train/a-b/1.png"};
    for (int i = 0; i < 4; i++)
        add_picture(&writer, names[i], 10 * i, (MemberOptions){.deflated = true});
    write_zip(&writer, "p.zip");
    Opened opened = open_good("archive \"p.zip\" { folder \".\", channels=auto }");
    assert_int_equal(cnn_data_classes(opened.data), 3);
    assert_string_equal(cnn_data_class_name(opened.data, 1), "a-b");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 3);
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 1);
    assert_int_equal(cnn_data_shape(opened.data).value[2], 3);
    close_data(opened);
    assert_cached("archive \"p.zip\" { folder \".\" }", "p.zip");
    opened = open_good("archive \"p.zip\" { folder \"./train/\" }");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 3);
    close_data(opened);
    assert_refused("archive \"p.zip\" { folder \"tra\" }", "'p.zip/tra' is not in the archive");
    assert_refused("archive \"p.zip\" { folder \"../d\" }", "'p.zip/../d' is not in the archive");
    assert_refused("archive \"p.zip\" { folder \"train/a\" }", "'p.zip/train/a' holds no folders");
    assert_refused("archive \"p.zip\" { folder \".\" -> idx \"train\" }",
                   "'archive' takes one source in { }, not 2");
}

/* The four files: stored, deflated, and compressed by themselves. */
static void idx_files_are_read_in_their_place(void **state)
{
    (void)state;
    unsigned char bytes[512];
    Writer writer = {0};
    size_t size = make_idx(bytes, 3, (int[]){6, 2, 3});
    add_member(&writer, "m/train-images.idx3-ubyte", bytes, size, (MemberOptions){.deflated = true});
    size = make_idx(bytes, 1, (int[]){6});
    add_member(&writer, "m/train-labels-idx1-ubyte", bytes, size, (MemberOptions){0});
    size = make_idx(bytes, 3, (int[]){2, 2, 3});
    write_gzip("scratch.gz", bytes, size);
    size = read_bytes("scratch.gz", bytes, sizeof bytes);
    add_member(&writer, "m/t10k-images-idx3-ubyte.gz", bytes, size, (MemberOptions){0});
    size = make_idx(bytes, 1, (int[]){2});
    add_member(&writer, "m/t10k-labels-idx1-ubyte", bytes, size, (MemberOptions){.deflated = true});
    write_zip(&writer, "p.zip");
    Opened opened = open_good("archive \"p.zip\" { idx \"m\" }");
    float values[6];
    char name[128];
    CnnError error = {0};
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 6);
    assert_sample(opened.data, 2, 6, (const float[]){12, 13, 14, 15, 16, 17}, 0);
    assert_int_equal(get_sample(opened.data, PART_TEST, 1, 0, values, &error), CNN_OK);
    assert_true(values[0] == 6 && values[5] == 11);
    cnn_data_name(opened.data, PART_TEST, 1, name, sizeof name);
    assert_string_equal(name, "p.zip/m/t10k-images-idx3-ubyte.gz[1]");
    close_data(opened);
    assert_cached("archive \"p.zip\" { idx \"m\" }", "p.zip");
    assert_refused("archive \"p.zip\" { idx \".\" }",
                   "there is no train-images-idx3-ubyte, nor with .gz, in p.zip");
}

static void scenes_and_their_labels_are_read_in_their_place(void **state)
{
    (void)state;
    static const unsigned char scene[24] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                            12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
    static const char points[] = "row,column,label\n1,2,4\n0,1,3\n";
    unsigned char bytes[NPY_ROOM], grey[12] = {[1] = 3, [6] = 4};
    for (int deflated = 0; deflated < 2; deflated++) {
        Writer writer = {0};
        MemberOptions options = {.deflated = deflated};
        size_t size = make_npy(bytes, "|u1", false, "(3, 4, 2)", scene, sizeof scene);
        add_member(&writer, "s/scene.npy", bytes, size, options);
        write_png("scratch.png", 4, 3, PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE, grey);
        add_member(&writer, "s/mask.png", bytes, read_bytes("scratch.png", bytes, sizeof bytes), options);
        add_member(&writer, "s/points.csv", points, sizeof points - 1, options);
        write_zip(&writer, "p.zip");
        Opened opened =
            open_good("archive \"p.zip\" { multiband \"s/scene.npy\", tile=1x2, mask=\"s/mask.png\" }");
        assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 2);
        assert_string_equal(cnn_data_class_name(opened.data, 1), "4");
        assert_sample(opened.data, 0, 4, (const float[]){0, 1, 2, 3}, 0);
        assert_sample(opened.data, 1, 4, (const float[]){10, 11, 12, 13}, 0);
        close_data(opened);
        opened =
            open_good("archive \"p.zip\" { multiband \"s/scene.npy\", tile=1x2, points=\"s/points.csv\" }");
        assert_sample(opened.data, 0, 4, (const float[]){10, 11, 12, 13}, 0);
        close_data(opened);
        assert_refused("archive \"p.zip\" { multiband \"s/scene.npy\", tile=1x2, mask=\"mask.png\" }",
                       "'p.zip/mask.png' is not in the archive");
    }
}

static void archives_that_cannot_be_trusted_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"../a.png", "/etc/a.png", "plants/../../a.png", "plants\\a.png"};
    char expected[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Writer writer = {0};
        add_classes(&writer);
        add_member(&writer, names[i], "x", 1, (MemberOptions){0});
        write_zip(&writer, "p.zip");
        snprintf(expected, sizeof expected, "p.zip/%s: a name that leads out of the archive, or is none",
                 names[i]);
        assert_refused(plants, expected);
    }
    Writer writer = {0};
    add_classes(&writer);
    add_picture(&writer, "plants/ash/0.png", 1, (MemberOptions){0});
    write_zip(&writer, "p.zip");
    assert_refused(plants, "p.zip/plants/ash/0.png: the archive holds this name twice");
    cut_file("p.zip", file_size("p.zip") - 30);
    assert_refused(plants, "p.zip: not a zip archive, or one that is cut short: no directory is at its end");
    cut_file("p.zip", 0);
    assert_refused(plants,
                   "p.zip: no archive that is known; .zip, .tar, .tar.gz, .tar.bz2, .tar.xz and .tar.zst");
    write_bytes("p.zip", "Rar!\x1a\7\1\0", 8);
    assert_refused(plants, "p.zip: a RAR archive; .zip, .tar");
    write_bytes("p.zip", "7z\xbc\xaf\x27\x1c", 6);
    assert_refused(plants, "p.zip: a 7z archive; .zip");
    assert_refused("archive \"q.zip\" { folder \".\" }", "'q.zip' is neither in the model's folder");
}

static void members_that_cannot_be_read_are_told_of(void **state)
{
    (void)state;
    static const struct {
        MemberOptions options;
        const char *expected;
    } cases[] = {
        {{.encrypted = true}, "p.zip/plants/ash/x.png: encrypted, which is not read"},
        {{.link = true}, "x.png: a symbolic link, which is not followed in an archive"},
        {{.method = 14}, "x.png: packed by a method other than deflate: pack it anew with `zip`"},
        {{.claimed = 1 << 20}, "x.png: damaged: its size does not agree with its packed size"},
        {{.deflated = true, .claimed = 1 << 20},
         "x.png: damaged: its size does not agree with its packed size"},
        {{.deflated = true, .claimed = (size_t)3 << 30}, "x.png: larger than the limit of 1 GiB"},
        {{.deflated = true, .claimed = 10}, "x.png: damaged: it unpacks to more bytes than it says"},
        {{.deflated = true, .claimed = 1000}, "x.png: damaged: it cannot be unpacked"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Writer writer = {0};
        add_classes(&writer);
        add_picture(&writer, "plants/ash/x.png", 1, cases[i].options);
        write_zip(&writer, "p.zip");
        Opened opened = open_good(plants);
        assert_unreadable(opened.data, 2, cases[i].expected);
        close_data(opened);
    }
    Writer writer = {0};
    add_classes(&writer);
    writer.file[writer.used - 1] ^= 1; /* the last byte of oak/a/a.png */
    write_zip(&writer, "p.zip");
    Opened opened = open_good(plants);
    assert_unreadable(opened.data, 2, "p.zip/plants/oak/a/a.png: damaged: its check sum is wrong");
    cut_file("p.zip", 100); /* while in use */
    assert_unreadable(opened.data, 2, "p.zip");
    close_data(opened);
}

/* Whatever the bytes are, an archive is read or refused with a message. */
static void changed_bytes_never_crash(void **state)
{
    (void)state;
    static unsigned char good[65536], bytes[65536];
    for (int zip64 = 0; zip64 < 2; zip64++) {
        Writer writer = {.zip64 = zip64};
        add_classes(&writer);
        write_zip(&writer, "p.zip");
        size_t size = read_bytes("p.zip", good, sizeof good), tail = size - writer.used;
        for (uint32_t seed = 0; seed < 800; seed++) {
            Bytes out = {0};
            Zip zip;
            CnnError error = {0};
            memcpy(bytes, good, size);
            mutate(seed % 2 ? bytes : bytes + writer.used, seed % 2 ? size : tail, seed);
            write_bytes("m.zip", bytes, size - (seed % 7 == 0 ? seed % size : 0));
            CnnStatus status = zip_open("m.zip", &zip, &error);
            for (size_t i = 0; status == CNN_OK && i < zip.count; i++) {
                CnnError cause = {0};
                if (zip_load(&zip, &zip.members[i], &out, &cause) != CNN_OK)
                    assert_true(cause.text[0]);
            }
            if (status == CNN_OK)
                zip_close(&zip);
            else
                assert_true(status == CNN_BAD_INPUT && error.text[0]);
            bytes_free(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(samples_are_those_of_the_folder, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_table_names_pictures_beside_it, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(parts_and_channels_are_found_at_the_top, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(idx_files_are_read_in_their_place, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(scenes_and_their_labels_are_read_in_their_place, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(archives_that_cannot_be_trusted_are_refused, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(members_that_cannot_be_read_are_told_of, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(changed_bytes_never_crash, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
