/* The training loop, on data and a loader made here: batches, accumulation, limits, files, signals,
 * divergence. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/data/loader.h"
#include "runtime/data/loose.h"
#include "runtime/report.h"
#include "runtime/rng.h"
#include "runtime/train_args.h"
#include "runtime/training.h"
#include "runtime/weights.h"
#include "tests/unit/test_image.h"

/* ---- Data and a loader in place of the real ones ---- */

struct CnnData {
    int64_t count[PART_COUNT];
    Dims shape;
    int64_t label_width;
    int64_t bad_at;       /* batch of the training in which a label is not a number, from 1; 0: none */
    int64_t bad_until;    /* and the last batch with one, if that is later */
    int64_t interrupt_at; /* batch in which Ctrl-C is pressed */
    int64_t batches;      /* lent to the training so far */
    bool opposed;         /* the validation part wants the opposite of the training part */
    Measured measured;
    bool set_measured;
};

struct CnnLoader {
    CnnData *data;
    Part part;
    LoaderOptions options;
    int64_t at;
    float *input, *label;
};

static float mean_value;

Dims cnn_data_shape(const CnnData *data)
{
    return data->shape;
}

int64_t cnn_data_classes(const CnnData *data)
{
    (void)data;
    return 0;
}

const char *cnn_data_class_name(const CnnData *data, int64_t class_index)
{
    (void)data, (void)class_index;
    return "";
}

void cnn_data_form_text(const CnnData *data, char out[SAMPLE_FORM_BYTES])
{
    snprintf(out, SAMPLE_FORM_BYTES, "%lldx%lldx%lld", (long long)data->shape.value[0],
             (long long)data->shape.value[1], (long long)data->shape.value[2]);
}

char *cnn_data_names_text(const CnnData *data)
{
    (void)data;
    return strdup("");
}

const char *const data_part_names[PART_COUNT] = {"training", "validation", "test"};

void cnn_data_name(const CnnData *data, Part part, int64_t index, char *out, size_t bytes)
{
    (void)data, (void)part;
    snprintf(out, bytes, "sample %lld", (long long)index);
}

Dtype cnn_data_label_dtype(const CnnData *data)
{
    (void)data;
    return DTYPE_F32;
}

int64_t cnn_data_label_width(const CnnData *data)
{
    return data->label_width;
}

const char *cnn_data_unpacked(const CnnData *data, uint64_t *bytes)
{
    (void)data;
    (void)bytes;
    return NULL;
}

int64_t cnn_data_count(const CnnData *data, Part part)
{
    return data->count[part];
}

int64_t cnn_data_epoch_count(const CnnData *data, Part part)
{
    return data->count[part];
}

char *cnn_data_identity(const CnnData *data)
{
    char *text;
    return asprintf(&text, "%lld samples\n", (long long)data->count[PART_TRAIN]) < 0 ? NULL : text;
}

bool cnn_data_split_text(const CnnData *data, char *out, size_t bytes)
{
    (void)data, (void)out, (void)bytes;
    return false;
}

bool cnn_data_balance_text(const CnnData *data, char *out, size_t bytes)
{
    (void)data, (void)out, (void)bytes;
    return false;
}

bool cnn_data_measured_text(const CnnData *data, char *out, size_t bytes)
{
    (void)data, (void)out, (void)bytes;
    return false;
}

CnnStatus cnn_data_prepare(CnnData *data, int threads, CnnError *error)
{
    (void)threads, (void)error;
    if (!data->set_measured)
        mean_value = 0.25f;
    return CNN_OK;
}

int cnn_data_measured_count(const CnnData *data)
{
    (void)data;
    return 1;
}

Measured *cnn_data_measured(CnnData *data, int index)
{
    (void)index;
    data->measured = (Measured){"data.mean", 1, &mean_value};
    return &data->measured;
}

void cnn_data_set_measured(CnnData *data)
{
    data->set_measured = true;
}

void cnn_data_test_all(CnnData *data)
{
    for (int part = 0; part < PART_TEST; part++) {
        data->count[PART_TEST] += data->count[part];
        data->count[part] = 0;
    }
}

void cnn_data_set_seed(CnnData *data, uint64_t seed)
{
    (void)data, (void)seed;
}

CnnStatus cnn_data_cache(CnnData *data, CacheMode mode, CacheUse *use, CnnError *error)
{
    (void)data, (void)mode, (void)error;
    *use = (CacheUse){0};
    return CNN_OK;
}

bool cnn_data_cache_trouble(CnnData *data, char *text, size_t bytes)
{
    (void)data, (void)text, (void)bytes;
    return false;
}

bool cnn_loader_bytes(const CnnData *data, const LoaderOptions *options, uint64_t *bytes)
{
    (void)data;
    *bytes = (uint64_t)options->batch * (WIDTH + 1) * sizeof(float);
    return true;
}

/* The one that has the memory which the loaders share. */
static const CnnLoader *running;
static int loader_threads; /* of the loader opened last */

CnnStatus cnn_loader_open(CnnData *data, Part part, const LoaderOptions *options, CnnLoader **out,
                          CnnError *error)
{
    (void)error;
    CnnLoader *loader = calloc(1, sizeof *loader);
    loader_threads = options->threads;
    *loader = (CnnLoader){data,
                          part,
                          *options,
                          0,
                          calloc((size_t)options->batch, WIDTH * sizeof(float)),
                          calloc((size_t)options->batch, sizeof(float))};
    *out = loader;
    return CNN_OK;
}

void cnn_loader_close(CnnLoader *loader)
{
    cnn_loader_stop(loader);
    free(loader->input);
    free(loader->label);
    free(loader);
}

CnnStatus cnn_loader_start(CnnLoader *loader, int64_t epoch, int64_t first_batch, CnnError *error)
{
    (void)epoch, (void)error;
    assert_true(!loader->options.memory || !running || running == loader);
    running = loader;
    loader->at = first_batch * loader->options.batch;
    return CNN_OK;
}

void cnn_loader_stop(CnnLoader *loader)
{
    if (running == loader)
        running = NULL;
}

int64_t cnn_loader_replaced(const CnnLoader *loader)
{
    (void)loader;
    return 0;
}

void cnn_loader_set_replaced(CnnLoader *loader, int64_t replaced)
{
    (void)loader;
    assert_int_equal(replaced, 0);
}

int64_t cnn_loader_batches(const CnnLoader *loader)
{
    int64_t count = loader->data->count[loader->part], batch = loader->options.batch;
    return loader->options.drop_last ? count / batch : (count + batch - 1) / batch;
}

CnnStatus cnn_loader_next(CnnLoader *loader, Batch *batch, CnnError *error)
{
    (void)error;
    CnnData *data = loader->data;
    int64_t count = data->count[loader->part], left = count - loader->at;
    *batch = (Batch){loader->input, loader->label,
                     left < loader->options.batch ? left : loader->options.batch, loader->at, false};
    if (loader->options.drop_last && left < loader->options.batch)
        batch->samples = 0;
    for (int64_t n = 0; n < batch->samples; n++) {
        float *x = loader->input + n * WIDTH;
        for (int i = 0; i < WIDTH; i++)
            x[i] = (float)(2 * cnn_uniform(
                                   cnn_random4(2, (uint32_t)(loader->at + n), (uint32_t)i, loader->part, 0)
                                       .word[0]) -
                           1);
        float sign = data->opposed && loader->part == PART_VALIDATION ? -1 : 1;
        loader->label[n] = sign * (x[0] - 2 * x[1]);
    }
    loader->at += batch->samples;
    batch->last =
        loader->at == count || (loader->options.drop_last && count - loader->at < loader->options.batch);
    if (loader->part == PART_TRAIN && batch->samples > 0) {
        data->batches++;
        if (data->batches == data->bad_at ||
            (data->batches > data->bad_at && data->batches <= data->bad_until))
            loader->label[1] = NAN;
        if (data->batches == data->interrupt_at)
            raise(SIGINT);
    }
    return CNN_OK;
}

int64_t cnn_loader_sample(const CnnLoader *loader, int64_t i)
{
    return loader->at - 1 - i; /* any order */
}

int64_t cnn_loader_skipped(const CnnLoader *loader)
{
    (void)loader;
    return 0;
}

int64_t cnn_loader_skipped_sample(const CnnLoader *loader, int64_t i)
{
    (void)loader;
    return i;
}

const char *cnn_loader_skipped_reason(const CnnLoader *loader, int64_t i)
{
    (void)loader, (void)i;
    return "";
}

double cnn_loader_waited(const CnnLoader *loader)
{
    (void)loader;
    return 0;
}

/* ---- Helpers ---- */

enum { STATEMENTS_MAX = 8 };
static CnnStatement statements[STATEMENTS_MAX];
static char save_path[] = "w.safetensors", log_path[] = "log.jsonl";

static CnnData line_data(void)
{
    return (CnnData){.count = {23, 12, 5}, .shape = {3, {1, WIDTH, 1}}, .label_width = 1};
}

/* The test image with these statements. */
static CnnImage image_with(int count, ...)
{
    CnnImage image = test_image;
    va_list list;
    va_start(list, count);
    for (int i = 0; i < count; i++) {
        const Schema *schema = va_arg(list, const Schema *);
        statements[i] = (CnnStatement){schema, va_arg(list, const void *), "test.cnn:7:5", {0, NULL}};
    }
    va_end(list);
    image.recipe.train = (CnnStatements){count, statements};
    return image;
}

static CnnStatus train(const CnnImage *image, CnnData *data, TrainingOptions options, CnnError *error)
{
    *error = (CnnError){0};
    if (!options.threads)
        options.threads = 2;
    options.no_out = !options.out && !options.resume;
    return cnn_train(image, data, &options, error);
}

static void assert_trains(const CnnImage *image, CnnData *data, TrainingOptions options)
{
    CnnError error;
    CnnStatus status = train(image, data, options, &error);
    if (status != CNN_OK)
        fail_msg("%s", error.text);
}

static void read_weights(const char *path, float *weights)
{
    WeightFile *file;
    CnnError error = {0};
    assert_int_equal(cnn_weights_open(path, &file, &error), CNN_OK);
    memcpy(weights, cnn_weights_find(file, "w")->data, WIDTH * sizeof(float));
    cnn_weights_close(file);
}

/* A number of line `step` (from 1) of the log; NAN: not there. */
static double logged(int step, const char *key)
{
    FILE *file = fopen(log_path, "r");
    char line[512], quoted[32];
    double value = NAN;
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    for (int i = 1; file && fgets(line, sizeof line, file); i++)
        if (i == step && strstr(line, quoted))
            value = strtod(strstr(line, quoted) + strlen(quoted), NULL);
    if (file)
        fclose(file);
    return value;
}

static const BatchArgs tens = {10, 1, LAST_KEEP, false};
static const CountArgs three = {3}, thirty = {30};

/* ---- Tests ---- */

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

/* Removes a run folder and what is in it. */
static void remove_run(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
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

static char folder[] = "/tmp/test_training.XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? chdir(folder) : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {
        "w.safetensors", "again.safetensors", "other.safetensors", "log.jsonl",
        "model.cnn",     "out.npy",           "report.txt",        "advice.txt",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(names[i]);
    return chdir("/") == 0 ? rmdir(folder)
                           : -1; /* fails when a test left another file, a temporary one say */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_learns_and_logs_every_step),
        cmocka_unit_test(the_numbers_do_not_depend_on_the_threads),
        cmocka_unit_test(accumulated_batches_train_as_one_large_batch),
        cmocka_unit_test(dropped_last_batches_are_not_trained_on),
        cmocka_unit_test(limits_of_the_command_line_replace_those_of_the_recipe),
        cmocka_unit_test(a_loss_that_is_not_finite_ends_it_and_writes_nothing),
        cmocka_unit_test(what_is_not_finite_is_named_with_its_sample),
        cmocka_unit_test(updates_that_are_not_finite_are_left_out),
        cmocka_unit_test(an_accumulation_is_left_out_as_a_whole),
        cmocka_unit_test(the_training_goes_back_with_a_lower_rate),
        cmocka_unit_test(a_signal_ends_it_after_the_step_with_the_weights_saved),
        cmocka_unit_test(patience_ends_it_with_the_best_weights),
        cmocka_unit_test(a_plateau_lowers_the_rate_of_the_epochs_after_it),
        cmocka_unit_test(the_newest_checkpoints_are_kept),
        cmocka_unit_test(a_training_goes_on_where_it_was_interrupted),
        cmocka_unit_test(a_changed_training_is_gone_on_with_only_when_told),
        cmocka_unit_test(the_average_is_saved_and_the_weights_go_on),
        cmocka_unit_test(a_training_starts_from_a_file_and_takes_its_measured_values),
        cmocka_unit_test(a_file_of_another_network_is_refused_with_both_shapes),
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
