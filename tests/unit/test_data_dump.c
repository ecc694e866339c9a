/* `cnnc data dump`: its file holds, bit for bit, what the loader puts into a batch. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "compiler/commands/command.h"
#include "runtime/data/npy.h"
#include "runtime/rng.h"
#include "tests/unit/data_test.h"

enum { SEED = 7, EPOCH = 2, BATCH = 5, VALUES_MOST = 8 * 8 * 3 };

/* Noise of several sizes, in two classes. */
static void make_noise(void)
{
    unsigned char rows[16 * 16 * 3];
    char path[32];
    for (uint32_t i = 0; i < 24; i++) {
        int width = 8 + (int)(i % 5), height = 8 + (int)(i % 3);
        for (uint32_t k = 0; k < sizeof rows; k++)
            rows[k] = (unsigned char)cnn_random4(3, i, k, 0, 1).word[0];
        snprintf(path, sizeof path, "d/%u/%03u.png", i % 2, i);
        write_png(path, width, height, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, rows);
    }
}

static void write_model(const char *data)
{
    char text[1024];
    int length = snprintf(text, sizeof text,
                          "data {\n%s\n}\nmodel T { input data.shape -> flatten -> dense 2 -> softmax }\n"
                          "train { loss cross_entropy -> optimizer sgd, rate=0.1\n seed %d\n batch 5 }\n",
                          data, SEED);
    write_bytes("m.cnn", text, (size_t)length);
}

/* The sample's values, as the file that the command writes has them. */
static void dump(const char *sample, bool augmented, Dims shape, float *values)
{
    char number[8];
    char *words[] = {"cnnc", "data",  "dump",      "m.cnn",   "--sample", (char *)sample,
                     "-o",   "x.npy", "--augment", "--epoch", number,     NULL};
    Npy npy;
    Extent file;
    CnnError error = {0};
    snprintf(number, sizeof number, "%d", EPOCH + 1);
    assert_int_equal(command_main(augmented ? 11 : 8, words), CNN_OK);
    assert_int_equal(extent_open("x.npy", &file, &error), CNN_OK);
    assert_int_equal(npy_open(&file, &npy, &error), CNN_OK);
    assert_int_equal(npy.type, NPY_F4);
    assert_int_equal(npy.shape.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(npy.shape.value[i], shape.value[i]);
    assert_int_equal(npy_read(&npy, 0, npy.count, values, &error), CNN_OK);
    npy_close(&npy);
}

static int64_t sample_at(const CnnData *data, Part part, int64_t position)
{
    if (part != PART_TRAIN)
        return position;
    return (int64_t)cnn_permute((uint64_t)position, (uint64_t)cnn_data_count(data, part), SEED,
                                PURPOSE_SHUFFLE, EPOCH);
}

static void check_part(CnnData *data, Part part)
{
    LoaderOptions options = {.batch = BATCH, .shuffle = true, .threads = 2, .ahead = 2};
    CnnLoader *loader;
    Batch batch;
    CnnError error = {0};
    float values[VALUES_MOST];
    Dims shape = cnn_data_shape(data);
    size_t count = (size_t)(shape.value[0] * shape.value[1] * shape.value[2]);
    int64_t seen = 0;
    assert_true(count <= VALUES_MOST);
    assert_int_equal(cnn_loader_open(data, part, &options, &loader, &error), CNN_OK);
    assert_int_equal(cnn_loader_start(loader, EPOCH, 0, &error), CNN_OK);
    while (cnn_loader_next(loader, &batch, &error) == CNN_OK && batch.samples > 0)
        for (int64_t i = 0; i < batch.samples; i++, seen++) {
            char name[NAME_BYTES];
            cnn_data_name(data, part, sample_at(data, part, batch.first + i), name, sizeof name);
            dump(name, part == PART_TRAIN, shape, values);
            assert_memory_equal(values, batch.input + (size_t)i * count, count * sizeof *values);
        }
    assert_int_equal(seen, cnn_data_count(data, part));
    cnn_loader_close(loader);
}

static void check_data(const char *text)
{
    CnnError error = {0};
    write_model(text);
    Opened opened = open_good(text);
    cnn_data_set_seed(opened.data, SEED);
    assert_int_equal(cnn_data_prepare(opened.data, 1, &error), CNN_OK);
    check_part(opened.data, PART_TRAIN);
    check_part(opened.data, PART_VALIDATION);
    close_data(opened);
}

static void test_dumps_what_a_batch_holds(void **state)
{
    (void)state;
    make_noise();
    check_data("folder \"d\"\nsplit validation=25%\nresize 8x8\nscale 0..1\n"
               "augment { rotate 20deg -> flip horizontal -> brightness 20% -> noise 2% }\nstandardize");
    check_data("folder \"d\", channels=1\nsplit validation=25%\nresize 8x8\n"
               "augment { crop random=4x4, scale=30%..100% }\nnormalize");
    check_data("folder \"d\"\nsplit validation=25%\nresize 4x4\nscale -1..1\npca 3");
}

/* A training sample that is not augmented is what a part without augmentation would give of it. */
static void test_dumps_training_samples_as_evaluated(void **state)
{
    (void)state;
    float with[VALUES_MOST], without[VALUES_MOST];
    Dims shape = {3, {8, 8, 3}};
    make_noise();
    write_model("folder \"d\"\nresize 8x8\naugment { rotate 20deg -> noise 2% }\nscale 0..1");
    dump("d/0/004.png", false, shape, with);
    write_model("folder \"d\"\nresize 8x8\nscale 0..1");
    dump("0/004.png", false, shape, without);
    assert_memory_equal(with, without, sizeof with);
    dump("2", false, shape, without); /* the source's number of it */
    assert_memory_equal(with, without, sizeof with);
    write_model("folder \"d\"\nresize 8x8\nscale 0..1\naugment { mixup 0.2 }"); /* done to batches */
    dump("2", true, shape, with);
    assert_memory_equal(with, without, sizeof with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dumps_what_a_batch_holds, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_dumps_training_samples_as_evaluated, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
