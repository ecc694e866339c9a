/* An image goes to bytes and comes back the same; bytes that were changed, cut or made up never get through.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <zlib.h>

#include "runtime/device.h"
#include "runtime/image_io.h"
#include "runtime/rng.h"
#include "runtime/train_args.h"
#include "tests/unit/test_image.h"

static const BatchArgs batch_args = {10, 3, LAST_DROP, false};
static const CheckpointArgs checkpoint_args = {{2.5, UNIT_EPOCHS}, 4};
static const char *const metric_names[] = {"accuracy", "top5"};
static const MetricsArgs metrics_args = {{2, metric_names}};
static const WarmupArgs warmup_args = {{5, UNIT_STEPS}, 0.25};
static const DecayArgs cosine_args = {1e-6, {0, UNIT_EPOCHS}, 0, {2, UNIT_EPOCHS}, 3};
static const CnnStatement stages[] = {{&warmup_schema, &warmup_args, "test.cnn:9:16", {0, NULL}},
                                      {&cosine_schema, &cosine_args, "test.cnn:9:30", {0, NULL}}};
static const CnnStatement statements[] = {
    {&batch_schema, &batch_args, "test.cnn:7:5", {0, NULL}},
    {&checkpoint_schema, &checkpoint_args, "test.cnn:8:5", {0, NULL}},
    {&schedule_schema, NULL, "test.cnn:9:5", {2, stages}},
    {&metrics_schema, &metrics_args, "test.cnn:10:5", {0, NULL}},
};

static unsigned char *bytes;
static size_t length;

static CnnStatus read_image(const void *from, size_t count, CnnImage **out)
{
    CnnError error = {0};
    CnnStatus status = cnn_image_read(from, count, test_code, 8, out, &error);
    assert_true((status == CNN_OK) == (*error.text == '\0'));
    return status;
}

static void an_image_comes_back_as_it_was(void **state)
{
    (void)state;
    CnnImage *image;
    assert_int_equal(read_image(bytes, length, &image), CNN_OK);
    assert_string_equal(image->recipe.model_name, "Line");
    assert_true(image->recipe.rate == 0.1);
    assert_int_equal(image->recipe.data.count, 0);
    CnnStatements train = image->recipe.train;
    assert_int_equal(train.count, 4);
    assert_string_equal(train.items[3].where, "test.cnn:10:5");
    const BatchArgs *batch = recipe_find(train, &batch_schema)->args;
    assert_true(batch->size == 10 && batch->accumulate == 3 && batch->last == LAST_DROP);
    const CheckpointArgs *checkpoint = recipe_find(train, &checkpoint_schema)->args;
    assert_true(checkpoint->every.value == 2.5 && checkpoint->every.unit == UNIT_EPOCHS &&
                checkpoint->keep == 4);
    CnnStatements body = recipe_find(train, &schedule_schema)->body;
    assert_int_equal(body.count, 2);
    assert_true(((const WarmupArgs *)body.items[0].args)->start == 0.25);
    const Names *names = &((const MetricsArgs *)recipe_find(train, &metrics_schema)->args)->names;
    assert_int_equal(names->count, 2);
    assert_string_equal(names->value[1], "top5");
    assert_memory_equal(image->table, test_table, sizeof test_table);
    assert_memory_equal(image->train.phases, test_train_phases, sizeof test_train_phases);
    assert_int_equal(image->tensors[0].init_key, 7);
    for (int s = 0; s < image->train.step_count; s++)
        assert_memory_equal(image->train.steps[s].buffers, test_train_steps[s].buffers,
                            (size_t)test_train_steps[s].buffer_count * sizeof(int));
    cnn_image_free(image);
}

/* The weights after a step. */
static void train_once(const CnnImage *image, float *weights)
{
    float inputs[BATCH * WIDTH], labels[BATCH] = {1, -1, 1};
    for (int i = 0; i < BATCH * WIDTH; i++)
        inputs[i] = (float)cnn_uniform(cnn_random4(1, (uint32_t)i, 0, 0, 0).word[0]);
    CnnDevice *device = NULL;
    CnnError error = {0};
    assert_int_equal(cnn_device_open(image, 2, 3, &device, &error), CNN_OK);
    CnnScalars scalars = {.rate = 0.1f, .inverse_count = 0.1f, .first_micro = 1, .last_micro = 1};
    cnn_device_step(device, &image->train, inputs, labels, &scalars, BATCH);
    memcpy(weights, cnn_device_tensor(device, &image->tensors[0]), WIDTH * sizeof(float));
    cnn_device_close(device);
}

static void an_image_that_was_read_trains_to_the_same_bits(void **state)
{
    (void)state;
    float written[WIDTH], read[WIDTH];
    CnnImage *image;
    assert_int_equal(read_image(bytes, length, &image), CNN_OK);
    train_once(&test_image, written);
    train_once(image, read);
    assert_memory_equal(written, read, sizeof written);
    cnn_image_free(image);
}

static void every_changed_or_missing_byte_is_found(void **state)
{
    (void)state;
    unsigned char *copy = malloc(length);
    CnnImage *image;
    for (size_t i = 0; i < length; i++) {
        memcpy(copy, bytes, length);
        copy[i] ^= 0x10;
        assert_int_equal(read_image(copy, length, &image), CNN_BAD_INPUT);
        assert_null(image);
        memcpy(copy, bytes, i); /* in a block of its own, so that a sanitizer sees reading beyond it */
        unsigned char *cut = malloc(i + 1);
        memcpy(cut, bytes, i);
        assert_int_equal(read_image(cut, i, &image), CNN_BAD_INPUT);
        free(cut);
    }
    free(copy);
}

/* Sets the checksum right, so that only the structure can give a change away. */
static void forge(unsigned char *image, size_t size)
{
    uLong crc = crc32_z(crc32_z(0, NULL, 0), image + 24, size - 24);
    for (int i = 0; i < 4; i++)
        image[12 + i] = (unsigned char)(crc >> (8 * i));
}

static void forged_bytes_do_no_harm(void **state)
{
    (void)state;
    static const unsigned char values[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};
    unsigned char *copy = malloc(length);
    int refused = 0;
    for (size_t i = 24; i < length; i++)
        for (size_t v = 0; v < sizeof values; v++) {
            memcpy(copy, bytes, length);
            copy[i] = values[v];
            forge(copy, length);
            CnnImage *image;
            refused += read_image(copy, length, &image) != CNN_OK;
            cnn_image_free(image); /* what was let through holds together: cnn_image_verify has seen it */
        }
    assert_true(refused > (int)length); /* of 5 * length */
    free(copy);
}

static void an_image_without_its_code_is_refused(void **state)
{
    (void)state;
    CnnImage *image;
    CnnError error = {0};
    assert_int_equal(cnn_image_read(bytes, length, test_code, 7, &image, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "damaged image: it does not belong to this code");
}

static int write_image(void **state)
{
    (void)state;
    CnnImage image = test_image;
    image.recipe.train = (CnnStatements){4, statements};
    CnnError error = {0};
    void *written;
    CnnStatus status = cnn_image_write(&image, &written, &length, &error);
    bytes = written;
    return status;
}

static int free_image(void **state)
{
    (void)state;
    free(bytes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_comes_back_as_it_was),
        cmocka_unit_test(an_image_that_was_read_trains_to_the_same_bits),
        cmocka_unit_test(every_changed_or_missing_byte_is_found),
        cmocka_unit_test(forged_bytes_do_no_harm),
        cmocka_unit_test(an_image_without_its_code_is_refused),
    };
    return cmocka_run_group_tests(tests, write_image, free_image);
}
