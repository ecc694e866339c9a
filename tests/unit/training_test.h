/* What the tests of the training loop share: data and a loader in place of the real ones, and trainings of
 * the test image on them. To be included behind cmocka.h. */
#ifndef TRAINING_TEST_H
#define TRAINING_TEST_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/data/loader.h"
#include "runtime/data/loose.h"
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

static inline CnnData line_data(void)
{
    return (CnnData){.count = {23, 12, 5}, .shape = {3, {1, WIDTH, 1}}, .label_width = 1};
}

/* The test image with these statements. */
static inline CnnImage image_with(int count, ...)
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

static inline CnnStatus train(const CnnImage *image, CnnData *data, TrainingOptions options, CnnError *error)
{
    *error = (CnnError){0};
    if (!options.threads)
        options.threads = 2;
    options.no_out = !options.out && !options.resume;
    return cnn_train(image, data, &options, error);
}

static inline void assert_trains(const CnnImage *image, CnnData *data, TrainingOptions options)
{
    CnnError error;
    CnnStatus status = train(image, data, options, &error);
    if (status != CNN_OK)
        fail_msg("%s", error.text);
}

static inline void read_weights(const char *path, float *weights)
{
    WeightFile *file;
    CnnError error = {0};
    assert_int_equal(cnn_weights_open(path, &file, &error), CNN_OK);
    memcpy(weights, cnn_weights_find(file, "w")->data, WIDTH * sizeof(float));
    cnn_weights_close(file);
}

/* A number of line `step` (from 1) of the log; NAN: not there. */
static inline double logged(int step, const char *key)
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

/* Removes a run folder and what is in it. */
static inline void remove_run(const char *path)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

/* Each program works in a folder of its own. */
static char folder[] = "/tmp/test_training.XXXXXX";

static inline int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? chdir(folder) : -1;
}

static inline int remove_folder(void **state)
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

#endif
