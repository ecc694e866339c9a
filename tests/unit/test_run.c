/* What a run folder has: its name, its lock, its checkpoints, its records; and how texts are compared. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/file.h"
#include "runtime/run/difference.h"
#include "runtime/run/events.h"
#include "runtime/run/run_folder.h"
#include "runtime/run/training_state.h"
#include "tests/unit/test_image.h"

static void a_state_is_read_as_it_was_to_the_last_bit(void **state)
{
    (void)state;
    TrainingState wrote = {.epoch = 3, .batches = 17, .replaced = 2, .step = INT64_MAX, .seconds = 0.1};
    wrote.totals = (Totals){.loss = 1.0 / 3, .samples = 544};
    for (int i = 0; i < METRICS_MAX; i++)
        wrote.totals.metric[i] = i ? DBL_MIN / i : -INFINITY;
    wrote.best_epoch = 2, wrote.best_since = 1, wrote.best_value = DBL_TRUE_MIN;
    wrote.rate = (RateState){.best = 1.0 / 7, .epochs = 5, .since = 2, .lowered = 1};
    wrote.rate_factor = 0.125, wrote.returned = 3;
    wrote.scale = (LossScale){.value = 0x1p13, .good = 1999, .skipped = 5, .of_epoch = 2};
    wrote.advice = (Advice){.said = 5,
                            .updates = 9,
                            .done = 3,
                            .all = 30,
                            .epoch = 3,
                            .best = INFINITY,
                            .best_epoch = 1,
                            .loss = 0.7,
                            .falling = 2};
    wrote.advice.start = (Spread){.count = 2, .mean = 1.0 / 3, .squares = 0.1};
    wrote.advice.end = (Spread){.count = 1, .mean = -1.0 / 3};
    wrote.batch = 32, wrote.accumulate = 2, wrote.steps_per_epoch = 9, wrote.total = 27,
    wrote.seed = 1ull << 52;
    TrainingState got = {0};
    CnnError error = {0};
    char *text = cnn_training_state_text(&wrote);
    assert_int_equal(cnn_training_state_read(text, &got, &error), CNN_OK);
    assert_memory_equal(&wrote, &got, sizeof got);
    *strstr(text, "best_value") = 'x';
    assert_int_equal(cnn_training_state_read(text, &got, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "it does not say 'best_value'");
    free(text);
    wrote.batch = 0;
    text = cnn_training_state_text(&wrote);
    error = (CnnError){0};
    assert_int_equal(cnn_training_state_read(text, &got, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "its numbers contradict each other");
    free(text);
}

static void texts_are_compared_line_by_line(void **state)
{
    (void)state;
    char out[64];
    cnn_difference("a\nb\nc\n", "a\nb\nc\n", out, sizeof out);
    assert_string_equal(out, "");
    cnn_difference("a\nb\nc\nd\n", "a\nx\nc\nd\ne\n", out, sizeof out);
    assert_string_equal(out, "\n  - b\n  + x\n  + e");
    cnn_difference("", "one\n", out, sizeof out);
    assert_string_equal(out, "\n  + one");
    cnn_difference("a long line that does not fit here\nanother that does not fit here either\n", "", out,
                   sizeof out);
    assert_string_equal(out, "\n  - a long line that does not fit here\n  ...");
}

static void folders_are_numbered_and_locked(void **state)
{
    (void)state;
    RunFolder first, second, third;
    CnnError error = {0};
    assert_int_equal(cnn_run_folder_make(&test_image, NULL, &first, &error), CNN_OK);
    assert_string_equal(first.path, "runs/Line-1");
    assert_int_equal(mkdir("runs/Line-7", 0777), 0);
    assert_int_equal(mkdir("runs/Lines-9", 0777), 0); /* of another model */
    assert_int_equal(cnn_run_folder_make(&test_image, NULL, &second, &error), CNN_OK);
    assert_string_equal(second.path, "runs/Line-8");
    assert_int_equal(cnn_run_folder_open(&test_image, "runs/Line-1", &third, &error), CNN_NO_RESOURCE);
    char expected[128];
    snprintf(expected, sizeof expected, "another training runs in 'runs/Line-1' (process %ld)",
             (long)getpid());
    assert_string_equal(error.text, expected);
    cnn_run_folder_close(&third);
    cnn_run_folder_close(&first);
    cnn_run_folder_close(&second);
    error = (CnnError){0};
    assert_int_equal(cnn_run_folder_open(&test_image, NULL, &third, &error), CNN_OK);
    assert_string_equal(third.path, "runs/Line-8");
    cnn_run_folder_close(&third);
    assert_int_equal(cnn_run_folder_make(&test_image, "test.txt/x", &third, &error), CNN_NO_RESOURCE);
    cnn_run_folder_close(&third);
    assert_int_equal(system("rm -r runs"), 0);
}

static void checkpoints_are_found_the_newest_first(void **state)
{
    (void)state;
    RunFolder folder;
    CnnError error = {0};
    CheckpointList list;
    assert_int_equal(cnn_run_folder_make(&test_image, "run", &folder, &error), CNN_OK);
    assert_int_equal(cnn_run_folder_checkpoints(&folder, &list, &error), CNN_OK);
    assert_int_equal(list.count, 0);
    assert_int_equal(system("touch run/checkpoint-9.safetensors run/checkpoint-100.safetensors "
                            "run/checkpoint-20.safetensors.tmp run/checkpoint-x.safetensors"),
                     0);
    assert_int_equal(cnn_run_folder_checkpoints(&folder, &list, &error), CNN_OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.steps[0], 100);
    assert_int_equal(list.steps[1], 9);
    free(list.steps);
    cnn_run_folder_close(&folder);
    assert_int_equal(system("rm -r run"), 0);
}

/* One epoch's event, told to the listeners. */
static void tell_epoch(const RunListeners *listeners, int64_t epoch)
{
    Totals training = {.loss = 8, .metric = {2}, .samples = 4}, validation = {.loss = NAN, .samples = 4};
    RunEvent event = {.kind = EVENT_EPOCH,
                      .epoch = epoch,
                      .step = 10 * epoch,
                      .seconds = 1.5,
                      .rate = 0.25,
                      .training = &training,
                      .other = epoch == 1 ? &validation : NULL,
                      .evaluated = &test_image.eval,
                      .took = 1,
                      .trained = 0.75,
                      .waited = 0.5,
                      .best = epoch == 1};
    cnn_listeners_tell(listeners, &event);
}

static char *read_text(const char *path)
{
    char *text;
    size_t bytes;
    CnnError error = {0};
    assert_int_equal(cnn_file_read(path, &text, &bytes, &error), CNN_OK);
    return text;
}

static void epochs_are_kept_as_a_table_and_as_events(void **state)
{
    (void)state;
    RunFolder folder;
    CnnError error = {0};
    RunListeners listeners = {.program = &test_image.train};
    assert_int_equal(cnn_run_folder_make(&test_image, "run", &folder, &error), CNN_OK);
    for (int part = 0; part < 2; part++) { /* the second goes on after one of two epochs */
        assert_int_equal(cnn_metrics_file_open(&folder, &test_image, part, &listeners, &error), CNN_OK);
        assert_int_equal(cnn_events_file_open(&folder, &listeners, &error), CNN_OK);
        for (int epoch = 1 + part; epoch <= 2; epoch++)
            tell_epoch(&listeners, epoch);
        assert_int_equal(cnn_listeners_close(&listeners, &error), CNN_OK);
    }
    char *text = read_text("run/metrics.csv");
    assert_string_equal(text, "epoch,step,loss,accuracy,val_loss,val_accuracy,rate,seconds,epoch_seconds,"
                              "train_seconds,wait_seconds\n"
                              "1,10,2,0.5,nan,0,0.25,1.500,1.000,0.750,0.500\n"
                              "2,20,2,0.5,,,0.25,1.500,1.000,0.750,0.500\n");
    free(text);
    text = read_text("run/events.jsonl");
    static const char first[] =
        "{\"event\": \"epoch\", \"seconds\": 1.5, \"epoch\": 1, \"step\": 10, \"loss\": 2, \"accuracy\": "
        "0.5, "
        "\"val_loss\": null, \"val_accuracy\": 0, \"rate\": 0.25, \"samples\": 4, \"epoch_seconds\": 1, "
        "\"train_seconds\": 0.75, \"wait_seconds\": 0.5, \"best\": true}\n";
    assert_memory_equal(text, first, sizeof first - 1);
    free(text);
    cnn_run_folder_close(&folder);
    assert_int_equal(system("rm -r run"), 0);
}

int main(void)
{
    char folder[] = "/tmp/cnnc-run-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_is_read_as_it_was_to_the_last_bit),
        cmocka_unit_test(texts_are_compared_line_by_line),
        cmocka_unit_test(folders_are_numbered_and_locked),
        cmocka_unit_test(checkpoints_are_found_the_newest_first),
        cmocka_unit_test(epochs_are_kept_as_a_table_and_as_events),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return chdir("/") != 0 || rmdir(folder) != 0 || failed;
}
