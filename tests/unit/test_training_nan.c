/* Trainings whose loss is not a number: they end, leave updates out, or go back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/training_test.h"

static void a_loss_that_is_not_finite_ends_it_and_writes_nothing(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    CnnData data = line_data();
    data.bad_at = 5;
    unlink(save_path);
    CnnError error;
    assert_int_equal(train(&image, &data, (TrainingOptions){.save = save_path, .log = log_path}, &error),
                     CNN_DIVERGED);
    assert_non_null(strstr(error.text, "not a number at step 5 (epoch 2)"));
    assert_int_equal(access(save_path, F_OK), -1);
    assert_true(logged(5, "step") == 5);
}

static void what_is_not_finite_is_named_with_its_sample(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    CnnData data = line_data();
    data.bad_at = 5;
    CnnError error;
    assert_int_equal(train(&image, &data, (TrainingOptions){0}, &error), CNN_DIVERGED);
    /* Batch 5 is the second of the epoch; of its 10 samples, number 1 is that which the loader calls 18. */
    assert_string_equal(error.text,
                        "the loss is not a number at step 5 (epoch 2): the label of sample 18 is not "
                        "finite; no weights were written");
    data = line_data();
    image.recipe.rate = 1e30;
    assert_int_equal(train(&image, &data, (TrainingOptions){0}, &error), CNN_DIVERGED);
    assert_non_null(strstr(error.text,
                           "the loss is infinite at step 2 (epoch 1): the first value that is not "
                           "finite is one of"));
    assert_non_null(strstr(error.text, "(test.cnn:3:5) in the forward pass"));
    assert_non_null(strstr(error.text, "A lower learning rate (now 1e+30) or clip norm=1 may help"));
}

static void updates_that_are_not_finite_are_left_out(void **state)
{
    (void)state;
    static const NanArgs skip = {NAN_SKIP, 2, 0.5};
    CnnImage image = image_with(3, &batch_schema, &tens, &epochs_schema, &three, &nan_schema, &skip);
    CnnData data = line_data();
    data.bad_at = 5;
    data.bad_until = 6;
    FILE *report = fopen("report.txt", "w+");
    assert_trains(&image, &data, (TrainingOptions){.log = log_path, .report = report});
    assert_true(logged(5, "loss") == 0 && logged(6, "loss") == 0 && logged(7, "loss") > 0); /* null */
    assert_true(logged(9, "step") == 9);
    char text[4096] = {0};
    rewind(report);
    assert_true(fread(text, 1, sizeof text - 1, report) > 0);
    fclose(report);
    assert_non_null(strstr(text, "warning: the loss is not a number at step 5: the label of sample 18 is not "
                                 "finite; this update is left out\n"));
    assert_null(strstr(text, "at step 6"));
    assert_non_null(
        strstr(text, "\n2 updates of this epoch were left out, as the numbers were not finite\n"));
    data = line_data();
    data.bad_at = 5;
    data.bad_until = 7;
    CnnError error;
    assert_int_equal(train(&image, &data, (TrainingOptions){0}, &error), CNN_DIVERGED);
    assert_non_null(strstr(error.text, "at step 7 (epoch 3), after leaving out 2 in a row: "));
}

/* The rest of an accumulation that is not finite is not trained on. */
static void an_accumulation_is_left_out_as_a_whole(void **state)
{
    (void)state;
    static const NanArgs skip = {NAN_SKIP, 2, 0.5};
    static const BatchArgs twice = {5, 2, LAST_KEEP, false};
    float before[WIDTH], after[WIDTH];
    CnnImage image = image_with(3, &batch_schema, &twice, &epochs_schema, &three, &nan_schema, &skip);
    image.train.batch = 5;
    for (int bad = 0; bad < 2; bad++) {
        CnnData data = line_data();
        data.bad_at = bad ? 5 : 0; /* the first of the third update of an epoch */
        assert_trains(&image, &data, (TrainingOptions){.save = save_path, .steps = bad ? 3 : 2});
        read_weights(save_path, bad ? after : before);
    }
    assert_memory_equal(before, after, sizeof before);
}

static void the_training_goes_back_with_a_lower_rate(void **state)
{
    (void)state;
    static const NanArgs back = {NAN_BACK, 1, 0.25};
    float before[WIDTH], after[WIDTH];
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    CnnData data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.save = save_path, .steps = 3});
    read_weights(save_path, before);
    image = image_with(3, &batch_schema, &tens, &epochs_schema, &three, &nan_schema, &back);
    data = line_data();
    data.bad_at = 5; /* the second of an epoch: back to its begin */
    assert_trains(&image, &data, (TrainingOptions){.save = save_path, .log = log_path, .steps = 5});
    read_weights(save_path, after);
    assert_memory_equal(before, after, sizeof before);
    data = line_data();
    data.bad_at = 5;
    assert_trains(&image, &data, (TrainingOptions){.log = log_path});
    assert_float_equal(logged(6, "rate"), 0.25 * logged(5, "rate"), 1e-9);
    data = line_data();
    data.bad_at = 5;
    data.bad_until = 6;
    CnnError error;
    assert_int_equal(train(&image, &data, (TrainingOptions){0}, &error), CNN_DIVERGED);
    assert_non_null(strstr(error.text, "at step 6 (epoch 2), after going back 1 time: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_that_is_not_finite_ends_it_and_writes_nothing),
        cmocka_unit_test(what_is_not_finite_is_named_with_its_sample),
        cmocka_unit_test(updates_that_are_not_finite_are_left_out),
        cmocka_unit_test(an_accumulation_is_left_out_as_a_whole),
        cmocka_unit_test(the_training_goes_back_with_a_lower_rate),
    };
    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
