/* What `cnnc data check` finds in the samples, and that it does not depend on the threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/data/examine.h"
#include "tests/unit/data_test.h"

typedef struct {
    int64_t calls, done, all;
} Progressed;

static void note_progress(void *context, int64_t done, int64_t all)
{
    Progressed *progressed = context;
    assert_true(done > progressed->done && done <= all);
    *progressed = (Progressed){progressed->calls + 1, done, all};
}

static Examination examine(Opened opened, int threads)
{
    Progressed progressed = {0};
    Examination out;
    CnnError error = {0};
    ExamineOptions options = {.threads = threads, .progress = note_progress, .context = &progressed};
    if (cnn_data_examine(opened.data, &options, &out, &error) != CNN_OK)
        fail_msg("%s", error.text);
    assert_true(threads > 1 || (progressed.calls == out.samples && progressed.all == out.samples));
    return out;
}

/* Finding `i` is of this sample, and its reason contains `part_of_reason`. */
static void assert_finding(Opened opened, const Examination *found, int64_t i, FindingKind kind, Part part,
                           const char *name, const char *part_of_reason)
{
    char has[NAME_BYTES];
    assert_true(i < found->count);
    const Finding *finding = &found->findings[i];
    cnn_data_name(opened.data, finding->sample.part, finding->sample.index, has, sizeof has);
    assert_string_equal(has, name);
    assert_int_equal(finding->kind, kind);
    assert_int_equal(finding->sample.part, part);
    assert_contains(finding->reason, part_of_reason);
}

static const char *const folder = "folder \"d\" -> resize 4x4";

static void good_samples_have_nothing_said_of_them(void **state)
{
    (void)state;
    char path[32];
    for (int i = 0; i < 12; i++) {
        snprintf(path, sizeof path, "d/%c/%d.png", "ab"[i % 2], i);
        write_plain_png(path, 20 + i, 10, 10 * i, 0, 0);
    }
    Opened opened = open_good(folder);
    Examination found = examine(opened, 1);
    assert_int_equal(found.count, 0);
    assert_int_equal(found.samples, 12);
    assert_int_equal(found.height, 10);
    assert_int_equal(found.width, 26);
    cnn_examination_free(&found);
    close_data(opened);
}

static void each_kind_of_wrong_sample_is_found(void **state)
{
    (void)state;
    write_plain_png("d/train/a/0.png", 8, 8, 1, 1, 1);
    write_plain_png("d/train/a/1.png", 8, 8, 2, 2, 2);
    write_plain_png("d/train/a/2.png", 8, 8, 1, 1, 1);
    write_plain_png("d/train/a/3.png", 8, 33, 3, 3, 3);
    write_plain_png("d/train/a/4.png", 8, 32, 4, 4, 4);
    write_plain_png("d/train/a/5.png", 1, 8, 5, 5, 5);
    write_bytes("d/train/a/6.png", "", 0);
    write_plain_png("d/train/a/7.png", 8, 8, 7, 7, 7);
    cut_file("d/train/a/7.png", 50);
    write_bytes("d/train/a/8.jpg", "<html>", 6);
    write_plain_png("d/train/b/0.png", 8, 8, 2, 2, 2);
    write_plain_png("d/train/b/1.png", 8, 8, 9, 9, 9);
    write_plain_png("d/validation/a/0.png", 8, 8, 1, 1, 1);
    write_plain_png("d/validation/b/0.png", 8, 8, 10, 10, 10);
    write_plain_png("d/test/b/0.png", 8, 8, 10, 10, 10);
    write_plain_png("d/test/a/0.png", 8, 8, 9, 9, 9);
    Opened opened = open_good(folder);
    for (int threads = 1; threads <= 4; threads += 3) {
        Examination found = examine(opened, threads);
        assert_int_equal(found.samples, 15);
        assert_int_equal(found.unusable, 3);
        assert_int_equal(found.count, 10);
        assert_int_equal(found.counts[FINDING_LEAK], 3);
        assert_finding(opened, &found, 0, FINDING_UNREADABLE, PART_TRAIN, "d/train/a/6.png", "an empty file");
        assert_string_equal(found.findings[1].reason, "truncated PNG"); /* without the name */
        assert_finding(opened, &found, 2, FINDING_UNREADABLE, PART_TRAIN, "d/train/a/8.jpg", "a web page");
        assert_finding(opened, &found, 3, FINDING_SIZE, PART_TRAIN, "d/train/a/3.png",
                       "33 x 8 (height x width), usual are 8 x 8");
        assert_finding(opened, &found, 4, FINDING_SIZE, PART_TRAIN, "d/train/a/5.png", "8 x 1 ");
        assert_finding(opened, &found, 5, FINDING_DUPLICATE, PART_TRAIN, "d/train/a/2.png",
                       "the same content as d/train/a/0.png");
        assert_finding(opened, &found, 6, FINDING_DUPLICATE, PART_TRAIN, "d/train/b/0.png",
                       "d/train/a/1.png, with another label");
        assert_finding(opened, &found, 7, FINDING_LEAK, PART_VALIDATION, "d/validation/a/0.png",
                       "the same content as d/train/a/0.png of the training part");
        assert_finding(opened, &found, 8, FINDING_LEAK, PART_TEST, "d/test/a/0.png",
                       "d/train/b/1.png of the training part, with another label");
        assert_finding(opened, &found, 9, FINDING_LEAK, PART_TEST, "d/test/b/0.png",
                       "d/validation/b/0.png of the validation part");
        assert_null(strstr(found.findings[5].reason, "label"));
        cnn_examination_free(&found);
    }
    close_data(opened);
}

/* Where nothing resizes, a training would end at the first sample of another size. */
static void without_resize_another_size_is_an_error(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        char path[32];
        snprintf(path, sizeof path, "d/%c/%d.png", "ab"[i % 2], i);
        write_plain_png(path, i == 0 ? 5 : 4, 4, 10 * i, 0,
                        0); /* the odd one is what the data learn the size of */
    }
    Opened opened = open_good("folder \"d\"");
    Examination found = examine(opened, 2);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.unusable, 1);
    assert_finding(opened, &found, 0, FINDING_SIZE, PART_TRAIN, "d/a/0.png",
                   "'resize' brings them to one size");
    cnn_examination_free(&found);
    close_data(opened);
}

static void arrays_are_compared_by_their_values(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4, 1, 2, 0, 0, 3, 4};
    const int64_t y[] = {0, 1, 1, 0, 1};
    write_npy("x.npy", "<f4", false, "(5, 2)", x, sizeof x);
    write_npy("y.npy", "<i8", false, "(5,)", y, sizeof y);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"");
    Examination found = examine(opened, 1);
    assert_int_equal(found.count, 2);
    assert_finding(opened, &found, 0, FINDING_DUPLICATE, PART_TRAIN, "x.npy[2]",
                   "x.npy[0], with another label");
    assert_finding(opened, &found, 1, FINDING_DUPLICATE, PART_TRAIN, "x.npy[4]", "x.npy[1]");
    cnn_examination_free(&found);
    cut_file("x.npy", 140); /* while in use */
    found = examine(opened, 1);
    assert_int_equal(found.unusable, 4);
    assert_int_equal(found.counts[FINDING_UNREADABLE], 4);
    cnn_examination_free(&found);
    close_data(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_samples_have_nothing_said_of_them, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(each_kind_of_wrong_sample_is_found, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(without_resize_another_size_is_an_error, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(arrays_are_compared_by_their_values, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
