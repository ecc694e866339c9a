/* Files of lines have whole lines only; texts in memory are whole or not there; old checkpoints go when a
 * newer one is safe. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/file.h"
#include "runtime/run/lines_file.h"

static RunFolder folder = {.lock = -1};

static void assert_holds(const char *name, const char *expected)
{
    char *text, *path = cnn_run_folder_file(&folder, name);
    size_t bytes;
    CnnError error = {0};
    assert_int_equal(cnn_file_read(path, &text, &bytes, &error), CNN_OK);
    assert_string_equal(text, expected);
    free(text);
    free(path);
}

static void a_line_that_a_crash_cut_goes(void **state)
{
    (void)state;
    static const char *const before[] = {"", "half", "one\n", "one\ntwo\nha"};
    static const char *const after[] = {"new\n", "new\n", "one\nnew\n", "one\ntwo\nnew\n"};
    char *path = cnn_run_folder_file(&folder, "lines");
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        LinesFile file;
        CnnError error = {0};
        FILE *out = fopen(path, "w");
        fputs(before[i], out);
        fclose(out);
        assert_int_equal(cnn_lines_open(&folder, "lines", &file, &error), CNN_OK);
        fputs("new\n", cnn_lines_out(&file));
        assert_int_equal(cnn_lines_close(&file, &error), CNN_OK);
        assert_holds("lines", after[i]);
    }
    unlink(path);
    free(path);
}

static void lines_that_do_not_fit_are_left_out_whole(void **state)
{
    (void)state;
    LinesFile file;
    CnnError error = {0};
    struct rlimit before, limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 10;
    assert_int_equal(cnn_lines_open(&folder, "lines", &file, &error), CNN_OK);
    fputs("first\n", cnn_lines_out(&file));
    cnn_lines_flush(&file, true); /* few: not yet */
    assert_holds("lines", "");
    cnn_lines_flush(&file, false);
    setrlimit(RLIMIT_FSIZE, &limit);
    fputs("second\n", cnn_lines_out(&file));
    cnn_lines_flush(&file, false);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_holds("lines", "first\n");
    fputs("third\n", cnn_lines_out(&file));
    assert_int_equal(cnn_lines_close(&file, &error), CNN_NO_RESOURCE);
    assert_holds("lines", "first\nthird\n");
    char *path = cnn_run_folder_file(&folder, "lines");
    assert_non_null(strstr(error.text, "lines are missing in '"));
    assert_non_null(strstr(error.text, "/lines': File too large"));
    unlink(path);
    free(path);
}

static void texts_in_memory_grow(void **state)
{
    (void)state;
    TextStream stream;
    size_t length;
    assert_true(cnn_text_open(&stream));
    char *text = cnn_text_close(&stream, NULL);
    assert_string_equal(text, "");
    free(text);
    assert_true(cnn_text_open(&stream));
    for (int i = 0; i < 10000; i++)
        fprintf(stream.out, "%05d", i);
    text = cnn_text_close(&stream, &length);
    assert_int_equal(length, 50000);
    assert_int_equal(strlen(text), length);
    assert_memory_equal(text + 49995, "09999", 5);
    free(text);
}

static void old_checkpoints_go(void **state)
{
    (void)state;
    static const int64_t steps[] = {5, 10, 15, 20, 100}, kept[] = {20, 15};
    CheckpointList list;
    CnnError error = {0};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char *path = cnn_run_folder_checkpoint(&folder, steps[i]);
        fclose(fopen(path, "w"));
        free(path);
    }
    cnn_run_folder_prune(&folder, 20, 2); /* that of step 100 is of what was left behind */
    assert_int_equal(cnn_run_folder_checkpoints(&folder, &list, &error), CNN_OK);
    assert_int_equal(list.count, 2);
    assert_memory_equal(list.steps, kept, sizeof kept);
    free(list.steps);
    cnn_run_folder_prune(&folder, 0, 2); /* all are later */
}

int main(void)
{
    char path[] = "/tmp/cnnc-lines-XXXXXX";
    folder.path = mkdtemp(path);
    if (!folder.path)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_a_crash_cut_goes),
        cmocka_unit_test(lines_that_do_not_fit_are_left_out_whole),
        cmocka_unit_test(texts_in_memory_grow),
        cmocka_unit_test(old_checkpoints_go),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return rmdir(path) != 0 || failed;
}
