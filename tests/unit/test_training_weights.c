/* What a training leaves, when it ends early, too, and what it begins with: weights, checkpoints, the
 * average. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/training_test.h"

/* The weights and the optimizer's state of a checkpoint. */
static void read_checkpoint(const char *path, float *values)
{
    WeightFile *file;
    CnnError error = {0};
    if (cnn_weights_open(path, &file, &error) != CNN_OK)
        fail_msg("%s", error.text);
    memcpy(values, cnn_weights_find(file, "w")->data, WIDTH * sizeof(float));
    memcpy(values + WIDTH, cnn_weights_find(file, "grad.w")->data, WIDTH * sizeof(float));
    cnn_weights_close(file);
}

static void a_signal_ends_it_after_the_step_with_the_weights_saved(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    CnnData data = line_data();
    data.interrupt_at = 4;
    CnnError error;
    assert_int_equal(train(&image, &data, (TrainingOptions){.save = save_path, .log = log_path}, &error),
                     CNN_INTERRUPTED);
    assert_string_equal(error.text, "stopped by Ctrl-C after step 4; the weights are in w.safetensors");
    assert_true(isnan(logged(5, "loss")));
    float stopped[WIDTH], limited[WIDTH];
    read_weights(save_path, stopped);
    data.interrupt_at = 0;
    assert_trains(&image, &data, (TrainingOptions){.save = save_path, .steps = 4});
    read_weights(save_path, limited);
    assert_memory_equal(stopped, limited, sizeof stopped);
}

static void patience_ends_it_with_the_best_weights(void **state)
{
    (void)state;
    static const StopArgs stop = {2, "val_loss", 0};
    float best[WIDTH], kept[WIDTH];
    CnnData data = line_data();
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &thirty);
    assert_trains(&image, &data, (TrainingOptions){.save = save_path, .epochs = 1});
    read_weights(save_path, best);
    data.opposed = true; /* so that every epoch makes the validation worse */
    image = image_with(3, &batch_schema, &tens, &epochs_schema, &thirty, &stop_schema, &stop);
    assert_trains(&image, &data, (TrainingOptions){.save = save_path, .log = log_path});
    read_weights(save_path, kept);
    assert_memory_equal(best, kept, sizeof best);
    assert_true(logged(9, "epoch") == 3 && isnan(logged(10, "loss")));
    data.count[PART_VALIDATION] = 0;
    CnnError error;
    assert_int_equal(train(&image, &data, (TrainingOptions){0}, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text,
                        "test.cnn:7:5: 'stop' watches val_loss, but the data have no validation part (split "
                        "validation=10%)");
}

static void the_newest_checkpoints_are_kept(void **state)
{
    (void)state;
    static const CheckpointArgs every_epoch = {{1, UNIT_EPOCHS}, 2}, every_four = {{4, UNIT_STEPS}, 9};
    CnnImage image =
        image_with(3, &batch_schema, &tens, &epochs_schema, &three, &checkpoint_schema, &every_epoch);
    CnnData data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.out = "run"});
    assert_int_equal(access("run/checkpoint-3.safetensors", F_OK), -1);
    assert_int_equal(access("run/checkpoint-6.safetensors", F_OK), 0);
    WeightFile *file;
    CnnError error = {0};
    assert_int_equal(cnn_weights_open("run/checkpoint-9.safetensors", &file, &error), CNN_OK);
    assert_non_null(cnn_weights_find(file, "grad.w")); /* the optimizer's state too */
    assert_string_equal(cnn_weights_metadata(file, "step"), "9");
    cnn_weights_close(file);
    remove_run("run");
    image = image_with(3, &batch_schema, &tens, &epochs_schema, &three, &checkpoint_schema, &every_four);
    assert_trains(&image, &data, (TrainingOptions){.out = "run"});
    assert_int_equal(access("run/checkpoint-4.safetensors", F_OK), 0);
    assert_int_equal(access("run/checkpoint-8.safetensors", F_OK), 0);
    remove_run("run");
}

static void a_training_goes_on_where_it_was_interrupted(void **state)
{
    (void)state;
    static const BatchArgs two_fives = {5, 2, LAST_KEEP, false};
    CnnImage image = image_with(2, &batch_schema, &two_fives, &epochs_schema, &three);
    CnnData data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.out = "whole", .batch = 5});
    for (int at = 1; at <= 15; at++) { /* 5 batches, 3 updates an epoch */
        CnnError error;
        data = line_data();
        data.interrupt_at = at;
        CnnStatus status = train(&image, &data, (TrainingOptions){.out = "parts", .batch = 5}, &error);
        if (status == CNN_INTERRUPTED) {
            assert_non_null(strstr(error.text, "; --resume=parts goes on from there"));
            data.interrupt_at = 0;
            assert_trains(&image, &data,
                          (TrainingOptions){.resume = "parts", .threads = at % 3 + 1, .batch = 5});
        } else {
            assert_int_equal(status, CNN_OK);
            assert_int_equal(at, 15);
        }
        float whole[2 * WIDTH], parts[2 * WIDTH];
        read_checkpoint("whole/checkpoint-9.safetensors", whole);
        read_checkpoint("parts/checkpoint-9.safetensors", parts);
        assert_memory_equal(whole, parts, sizeof whole);
        remove_run("parts");
    }
    remove_run("whole");
}

static void a_changed_training_is_gone_on_with_only_when_told(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    CnnData data = line_data();
    CnnError error;
    assert_trains(&image, &data, (TrainingOptions){.out = "run", .steps = 4});
    image.recipe_text = "model Line\nwider\n";
    data.count[PART_TRAIN] = 21;
    assert_int_equal(train(&image, &data, (TrainingOptions){.resume = "run"}, &error), CNN_BAD_INPUT);
    assert_non_null(strstr(error.text, "the model has changed:\n  + wider\nthe data have changed:\n  - 23 "
                                       "samples\n  + 21 samples\n--anyway"));
    assert_int_equal(train(&image, &data, (TrainingOptions){.resume = "run", .anyway = true}, &error),
                     CNN_OK);
    assert_int_equal(access("run/checkpoint-9.safetensors", F_OK), 0);
    assert_int_equal(train(&image, &data, (TrainingOptions){.out = "run"}, &error), CNN_BAD_USAGE);
    assert_non_null(strstr(error.text, "the folder 'run' is not empty; --resume=run goes on"));
    remove_run("run");
    assert_int_equal(train(&image, &data, (TrainingOptions){.resume = "run"}, &error), CNN_BAD_USAGE);
    assert_string_equal(error.text, "--resume: there is no folder 'run'");
}

static void the_average_is_saved_and_the_weights_go_on(void **state)
{
    (void)state;
    float first[WIDTH], plain[WIDTH], saved[WIDTH], kept[WIDTH];
    CnnData data = line_data();
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    assert_trains(&image, &data, (TrainingOptions){.save = save_path});
    read_weights(save_path, plain);
    image.recipe.rate = 0;
    assert_trains(&image, &data, (TrainingOptions){.save = save_path, .steps = 1});
    read_weights(save_path, first);
    /* An average that no kernel changes: it stays as it begins, as the first weights. */
    image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    const CnnTensor tensors[] = {
        test_tensors[0],
        test_tensors[1],
        {"average.w", DTYPE_F32, 2, {WIDTH, 1}, 192, false, false, INIT_CONSTANT, 0.5, 0}};
    image.tensors = tensors;
    image.tensor_count = 3;
    image.state_bytes = 256;
    assert_trains(&image, &data, (TrainingOptions){.out = "run", .save = save_path, .steps = 4});
    assert_trains(&image, &data, (TrainingOptions){.resume = "run", .save = save_path, .steps = 9});
    read_weights("run/checkpoint-9.safetensors", kept);
    assert_memory_equal(kept, plain,
                        sizeof plain); /* validated in between, they went on from where they were */
    static const char *const files[] = {"w.safetensors", "run/best.safetensors", "run/last.safetensors"};
    for (int f = 0; f < 3; f++) {
        read_weights(files[f], saved);
        for (int i = 0; i < WIDTH; i++)
            if (saved[i] != first[i])
                fail_msg("%s has %g", files[f], (double)saved[i]);
    }
    /* Whoever reads the checkpoint for its weights gets the average. */
    image = image_with(2, &batch_schema, &tens, &epochs_schema, &three);
    image.recipe.rate = 0;
    assert_trains(&image, &data,
                  (TrainingOptions){.start = "run/checkpoint-9.safetensors", .save = save_path, .steps = 1});
    read_weights(save_path, kept);
    assert_memory_equal(kept, saved, sizeof saved);
    remove_run("run");
}

static void a_training_starts_from_a_file_and_takes_its_measured_values(void **state)
{
    (void)state;
    CnnImage image = image_with(2, &batch_schema, &tens, &epochs_schema, &thirty);
    CnnData data = line_data();
    assert_trains(&image, &data, (TrainingOptions){.save = save_path});
    float saved[WIDTH], after[WIDTH];
    read_weights(save_path, saved);
    mean_value = 0;
    image.recipe.rate = 0;
    assert_trains(&image, &data,
                  (TrainingOptions){.start = save_path, .save = "again.safetensors", .steps = 2});
    read_weights("again.safetensors", after);
    assert_memory_equal(saved, after, sizeof saved);
    assert_true(data.set_measured && mean_value == 0.25f);
}

static void a_file_of_another_network_is_refused_with_both_shapes(void **state)
{
    (void)state;
    float values[8] = {0};
    NamedTensor other[] = {{"w", DTYPE_F32, 2, {4, 2}, values}};
    CnnError error = {0};
    CnnImage image = image_with(1, &batch_schema, &tens);
    CnnData data = line_data();
    assert_int_equal(cnn_weights_save("other.safetensors", other, 1, NULL, &error), CNN_OK);
    assert_int_equal(train(&image, &data, (TrainingOptions){.start = "other.safetensors"}, &error),
                     CNN_BAD_INPUT);
    assert_string_equal(
        error.text, "'other.safetensors' belongs to another network: its 'w' is f32 4x2, this network's is "
                    "f32 6x1; 'start' with new=\"w\" learns this layer anew");
    other[0].name = "v";
    error = (CnnError){0};
    assert_int_equal(cnn_weights_save("other.safetensors", other, 1, NULL, &error), CNN_OK);
    assert_int_equal(train(&image, &data, (TrainingOptions){.start = "other.safetensors"}, &error),
                     CNN_BAD_INPUT);
    assert_string_equal(error.text, "'other.safetensors' has none of this network's tensors (w)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_ends_it_after_the_step_with_the_weights_saved),
        cmocka_unit_test(patience_ends_it_with_the_best_weights),
        cmocka_unit_test(the_newest_checkpoints_are_kept),
        cmocka_unit_test(a_training_goes_on_where_it_was_interrupted),
        cmocka_unit_test(a_changed_training_is_gone_on_with_only_when_told),
        cmocka_unit_test(the_average_is_saved_and_the_weights_go_on),
        cmocka_unit_test(a_training_starts_from_a_file_and_takes_its_measured_values),
        cmocka_unit_test(a_file_of_another_network_is_refused_with_both_shapes),
    };
    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
