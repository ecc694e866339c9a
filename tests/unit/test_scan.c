/* Looking through a step: where the first value that is not finite stands, and what gives only zeros. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/scan.h"
#include "tests/unit/test_image.h"

static float inputs[BATCH * WIDTH], labels[BATCH];
static const CnnScalars scalars = {.rate = 0.25f, .inverse_count = 0.1f, .first_micro = 1, .last_micro = 1};
static const Batch batch = {inputs, labels, BATCH, 0, true};
static CnnImage image;
static CnnDevice *device;
static float *weights;

static int open_device(void **state)
{
    (void)state;
    CnnError error = {0};
    image = test_image;
    for (int i = 0; i < BATCH * WIDTH; i++)
        inputs[i] = 0.125f * (float)(1 + i % 7);
    for (int n = 0; n < BATCH; n++)
        labels[n] = (float)n;
    if (cnn_device_open(&image, 2, 5, &device, &error) != CNN_OK)
        return -1;
    weights = cnn_device_tensor(device, &test_tensors[0]);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    cnn_device_close(device);
    return 0;
}

static NotFinite found(void)
{
    cnn_device_step(device, &image.train, inputs, labels, &scalars, BATCH);
    return scan_not_finite(device, &image, &batch, &scalars);
}

static void samples_and_labels_are_looked_at_first(void **state)
{
    (void)state;
    labels[3] = INFINITY;
    NotFinite label = found();
    assert_true(label.place == NOT_FINITE_LABEL && label.sample == 3);
    inputs[8 * WIDTH + 2] = NAN;
    NotFinite input = found();
    assert_true(input.place == NOT_FINITE_INPUT && input.sample == 8);
}

static void a_weight_is_to_blame_for_what_follows(void **state)
{
    (void)state;
    weights[2] = NAN;
    NotFinite weight = found();
    assert_int_equal(weight.place, NOT_FINITE_STATE);
    assert_string_equal(weight.name, "w");
    assert_string_equal(weight.where, "test.cnn:3:5");
    assert_ptr_equal(scan_state(device, &image), &test_tensors[0]);
}

/* Sample 6 is of the second slice, of its first chunk of 3. */
static void the_first_that_is_computed_is_found_with_its_sample(void **state)
{
    (void)state;
    weights[1] = 3e38f;
    for (int n = 0; n < BATCH; n++)
        inputs[n * WIDTH + 1] = n >= 6 ? 2.0f : 1e-30f;
    NotFinite value = found();
    assert_int_equal(value.place, NOT_FINITE_COMPUTED);
    assert_string_equal(value.name, "product");
    assert_true(value.part == STEP_FORWARD && value.sample == 6);
    assert_null(scan_state(device, &image)); /* the loss is not finite, and nothing has changed */
}

static void numbers_that_are_finite_are_found_nowhere(void **state)
{
    (void)state;
    assert_int_equal(found().place, NOT_FINITE_NOWHERE);
}

static void a_layer_that_gives_only_zeros_is_dead(void **state)
{
    (void)state;
    CnnError error = {0};
    const CnnBuffer *dead;
    assert_int_equal(scan_dead(device, &image, &batch, &scalars, &dead, &error), CNN_OK);
    assert_null(dead);
    memset(weights, 0, WIDTH * sizeof *weights);
    assert_int_equal(scan_dead(device, &image, &batch, &scalars, &dead, &error), CNN_OK);
    assert_ptr_equal(dead, &test_buffers[B_PRODUCT]);
    weights[3] = 1; /* one that is not 0, in the last sample, is enough */
    for (int n = 0; n < BATCH; n++)
        inputs[n * WIDTH + 3] = n == BATCH - 1;
    assert_int_equal(scan_dead(device, &image, &batch, &scalars, &dead, &error), CNN_OK);
    assert_null(dead);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_device, close_device)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(samples_and_labels_are_looked_at_first),
        TEST(a_weight_is_to_blame_for_what_follows),
        TEST(the_first_that_is_computed_is_found_with_its_sample),
        TEST(numbers_that_are_finite_are_found_nowhere),
        TEST(a_layer_that_gives_only_zeros_is_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
