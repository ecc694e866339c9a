/* The training loop, on data and a loader made here: batches, accumulation, limits, rates, reports, data that
 * do not fit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "runtime/report.h"
#include "tests/unit/training_test.h"

static void a_training_learns_and_logs_every_step(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &thirty);
    image.recipe.rate = 0.9;
    CnnData data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.save = save_path, .log = log_path});
    float weights[WIDTH];
    read_weights(save_path, weights);
    assert_float_equal(weights[0], 1, 0.01);
    assert_float_equal(weights[1], -2, 0.01);
    assert_true(logged(1, "loss") > 100 * logged(90, "loss"));
    assert_true(logged(1, "epoch") == 1 && logged(90, "epoch") == 30);
    assert_true(logged(2, "samples") == 10 && logged(3, "samples") == 3); /* the last batch is smaller */
    assert_true(isnan(logged(91, "loss")));
    assert_true(logged(90, "accuracy") == 1);
    assert_true((float)logged(90, "rate") == 0.9f);
}

static void the_numbers_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    float first[WIDTH], other[WIDTH];
    for (int threads = 1; threads <= 3; threads++) {
        CnnData data = line_data();
        assert_trains(&image, &data, (TrainingOptions){.save = save_path, .threads = threads});
        read_weights(save_path, threads == 1 ? first : other);
        if (threads > 1)
            assert_memory_equal(first, other, sizeof first);
    }
}

static void accumulated_batches_train_as_one_large_batch(void **state)
{
    (void)state;
    static const BatchArgs halves = {5, 2, LAST_KEEP, false};
    float whole[WIDTH], parts[WIDTH];
    CnnData data = line_data();
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    assert_trains(&image, &data, (TrainingOptions){.save = save_path, .log = log_path});
    read_weights(save_path, whole);
    double loss = logged(9, "loss");
    image = image_with(2, &batch_schema, &halves, &epochs_schema, &three);
    assert_trains(&image, &data, (TrainingOptions){.batch = 5, .save = save_path, .log = log_path});
    read_weights(save_path, parts);
    for (int i = 0; i < WIDTH; i++)
        assert_float_equal(whole[i], parts[i], 1e-6);
    assert_float_equal(logged(9, "loss"), loss, 1e-6); /* nine updates in both */
    assert_true(logged(3, "samples") == 3 && isnan(logged(10, "loss")));
}

static void dropped_last_batches_are_not_trained_on(void **state)
{
    (void)state;
    static const BatchArgs drop = {10, 1, LAST_DROP, false};
    CnnImage image = image_with(1, &batch_schema, &drop);
    CnnData data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.log = log_path});
    assert_true(logged(2, "samples") == 10 && isnan(logged(3, "loss")));
    data.count[PART_TRAIN] = 9;
    CnnError error;
    assert_int_equal(train(&image, &data, (TrainingOptions){0}, &error), CNN_BAD_INPUT);
    assert_non_null(strstr(error.text, "no batch is left"));
}

static void limits_of_the_command_line_replace_those_of_the_recipe(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    CnnData data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.steps = 20, .log = log_path});
    assert_true(logged(20, "epoch") == 7 && isnan(logged(21, "loss")));
    assert_trains(&image, &data, (TrainingOptions){.epochs = 1, .log = log_path});
    assert_true(logged(3, "epoch") == 1 && isnan(logged(4, "loss")));
    assert_trains(&image, &data, (TrainingOptions){.epochs = 1, .batch = 4, .log = log_path});
    assert_true(logged(6, "samples") == 3 && isnan(logged(7, "loss")));
    CnnError error;
    assert_int_equal(train(&image, &data, (TrainingOptions){.batch = 11}, &error), CNN_BAD_USAGE);
}

static void a_plateau_lowers_the_rate_of_the_epochs_after_it(void **state)
{
    (void)state;
    static const PlateauArgs args = {1, "val_loss", 0, 0.25, 0, {0, UNIT_EPOCHS}};
    static const CnnStatement plateau = {&plateau_schema, &args, "test.cnn:8:5", {0, NULL}};
    CnnImage image =
        image_with(3, &batch_schema, &tens, &epochs_schema, &three, &schedule_schema, (const void *)NULL);
    statements[2].body = (CnnStatements){1, &plateau};
    CnnData data = line_data();
    data.opposed = true; /* so that every epoch makes the validation worse */
    char line[256] = "";
    FILE *report = tmpfile();
    assert_trains(&image, &data, (TrainingOptions){.log = log_path, .report = report});
    assert_true(logged(6, "rate") == logged(1, "rate"));
    assert_float_equal(logged(7, "rate"), logged(1, "rate") / 4, 1e-9);
    rewind(report);
    while (fgets(line, sizeof line, report) && !strstr(line, "from now on"))
        ;
    assert_string_equal(line, "val_loss has not become better for 1 epoch: the rate is 0.025 from now on\n");
    fclose(report);
}

static void paths_that_cannot_be_written_are_refused_before_the_first_step(void **state)
{
    (void)state;
    static const char *const paths[] = {".", "/dev/null", "/nowhere/w", "", "model.cnn"};
    CnnImage image = image_with(1, &batch_schema, &tens);
    image.recipe.model_path = "./model.cnn";
    fclose(fopen("model.cnn", "w"));
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        CnnData data = line_data();
        CnnError error;
        assert_int_equal(train(&image, &data, (TrainingOptions){.save = paths[i]}, &error), CNN_BAD_USAGE);
        assert_int_equal(train(&image, &data, (TrainingOptions){.log = paths[i]}, &error), CNN_BAD_USAGE);
        assert_int_equal(data.batches, 0);
    }
}

static void data_of_another_shape_are_refused(void **state)
{
    (void)state;
    CnnImage image = image_with(1, &batch_schema, &tens);
    CnnData data = line_data();
    data.shape.value[0] = 2;
    CnnError error;
    assert_int_equal(train(&image, &data, (TrainingOptions){0}, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "the network takes samples of 1x6x1, the data have 2x6x1");
}

static void data_with_labels_of_another_form_are_refused(void **state)
{
    (void)state;
    CnnImage image = image_with(1, &batch_schema, &tens);
    CnnData data = line_data();
    CnnError error;
    image.label_width = 3;
    assert_int_equal(train(&image, &data, (TrainingOptions){0}, &error), CNN_BAD_INPUT);
    assert_string_equal(
        error.text,
        "the network was compiled with 'mixup' or 'cutmix' in 'augment', and the data have neither");
    image.label_width = 1;
    data.label_width = 3;
    assert_int_equal(train(&image, &data, (TrainingOptions){0}, &error), CNN_BAD_INPUT);
    assert_string_equal(
        error.text,
        "the network was compiled without 'mixup' or 'cutmix' in 'augment', and the data have one of them");
}

static void an_evaluation_writes_the_outputs_of_the_test_part(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &thirty);
    image.recipe.rate = 0.9;
    CnnData data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.save = save_path});
    FILE *report = fopen("report.txt", "w+");
    EvaluationOptions options = {.weights = save_path, .outputs = "out.npy", .threads = 2, .report = report};
    CnnError error = {0};
    assert_int_equal(cnn_evaluate(&image, &data, &options, &error), CNN_OK);
    rewind(report);
    char line[256] = "";
    assert_non_null(fgets(line, sizeof line, report));
    assert_int_equal(strncmp(line, "test  loss 0.00", 15), 0);
    assert_non_null(strstr(line, "accuracy 1.0000  5 images"));
    fclose(report);
    FILE *file = fopen("out.npy", "rb");
    char header[128];
    float outputs[6];
    assert_int_equal(fread(header, 1, sizeof header, file), 128);
    assert_memory_equal(
        header, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (5, 1), }", 67);
    assert_int_equal(header[127], '\n');
    assert_int_equal(fread(outputs, sizeof(float), 6, file), 5);
    fclose(file);
    double x0 = 2 * cnn_uniform(cnn_random4(2, 4, 0, PART_TEST, 0).word[0]) - 1;
    double x1 = 2 * cnn_uniform(cnn_random4(2, 4, 1, PART_TEST, 0).word[0]) - 1;
    assert_float_equal(outputs[4], x0 - 2 * x1, 0.05);
    data.count[PART_TEST] = data.count[PART_VALIDATION] = 0;
    assert_int_equal(cnn_evaluate(&image, &data, &options, &error), CNN_BAD_INPUT);
}

static void a_report_into_a_file_has_one_line_an_epoch(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    CnnData data = line_data();
    FILE *report = fopen("report.txt", "w+");
    assert_trains(&image, &data, (TrainingOptions){.report = report});
    rewind(report);
    char text[4096] = "", line[512];
    int epochs = 0;
    while (fgets(line, sizeof line, report)) {
        epochs += strncmp(line, "epoch ", 6) == 0;
        strncat(text, line, sizeof text - strlen(text) - 1);
    }
    fclose(report);
    assert_int_equal(epochs, 3);
    assert_int_equal(
        strncmp(text, "a line\n23 training, 12 validation, 5 test samples; batch 10, 3 steps an epoch;", 77),
        0);
    assert_non_null(strstr(text, "epoch 3/3  loss "));
    assert_non_null(strstr(text, "  val_accuracy "));
    assert_non_null(strstr(text, "\ntest  loss "));
    assert_null(strchr(text, '\r'));
}

static void the_loader_has_as_many_threads_as_asked_for(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    CnnData data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.threads = 1, .loader_threads = 3});
    assert_int_equal(loader_threads, 3);
    data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.threads = 2});
    assert_int_equal(loader_threads, 2);
}

static void waiting_for_data_is_advised_on_once(void **state)
{
    (void)state;
    FILE *file = fopen("advice.txt", "w+");
    CnnProgram program = {0};
    Totals totals = {.samples = 10};
    Progress progress = {.epoch = 1, .epochs = 2, .seconds = 20, .program = &program, .totals = &totals};
    Report report;
    report_open(&report, file);
    progress.waited = 0.98; /* 4.9 % */
    report_epoch(&report, &progress, 10);
    assert_false(report.advised);
    progress.waited = 1.02;
    progress.cached = true; /* it is being filled */
    report_epoch(&report, &progress, 10);
    assert_false(report.advised);
    progress.cached = false;
    report_epoch(&report, &progress, 10);
    report_epoch(&report, &progress, 10);
    rewind(file);
    char line[512];
    int advice = 0, lines = 0;
    for (; fgets(line, sizeof line, file); lines++)
        advice += strncmp(line, "the data are the bound: 'cache memory', ", 40) == 0;
    fclose(file);
    assert_int_equal(advice, 1);
    assert_int_equal(lines, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_learns_and_logs_every_step),
        cmocka_unit_test(the_numbers_do_not_depend_on_the_threads),
        cmocka_unit_test(accumulated_batches_train_as_one_large_batch),
        cmocka_unit_test(dropped_last_batches_are_not_trained_on),
        cmocka_unit_test(limits_of_the_command_line_replace_those_of_the_recipe),
        cmocka_unit_test(a_plateau_lowers_the_rate_of_the_epochs_after_it),
        cmocka_unit_test(paths_that_cannot_be_written_are_refused_before_the_first_step),
        cmocka_unit_test(data_of_another_shape_are_refused),
        cmocka_unit_test(data_with_labels_of_another_form_are_refused),
        cmocka_unit_test(an_evaluation_writes_the_outputs_of_the_test_part),
        cmocka_unit_test(a_report_into_a_file_has_one_line_an_epoch),
        cmocka_unit_test(the_loader_has_as_many_threads_as_asked_for),
        cmocka_unit_test(waiting_for_data_is_advised_on_once),
    };
    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
