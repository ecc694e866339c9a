/* The device: what it passes to kernels written by hand, and the same bits for any number of threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/device.h"
#include "runtime/init.h"
#include "runtime/rng.h"
#include "tests/unit/test_image.h"

static float inputs[BATCH * WIDTH], labels[BATCH];

static void fill_batch(int step)
{
    for (int i = 0; i < BATCH * WIDTH; i++)
        inputs[i] = (float)(2 * cnn_uniform(cnn_random4(1, (uint32_t)i, (uint32_t)step, 0, 0).word[0]) - 1);
    for (int n = 0; n < BATCH; n++)
        labels[n] = inputs[n * WIDTH] - 2 * inputs[n * WIDTH + 1];
}

static CnnDevice *open_device(const CnnImage *image, int threads)
{
    CnnDevice *device = NULL;
    CnnError error = {0};
    cnn_device_open(image, threads, 5, &device, &error);
    assert_string_equal(error.text, "");
    return device;
}

/* The weights after 30 steps of changing sizes, and the sum of the losses. */
static float train(CnnDevice *device, float *weights)
{
    float total = 0;
    for (int step = 0; step < 30; step++) {
        int64_t samples = step % 3 == 2 ? 7 : BATCH;
        fill_batch(step);
        CnnScalars scalars = {
            .rate = 0.9f, .inverse_count = 1 / (float)samples, .first_micro = 1, .last_micro = 1};
        cnn_device_step(device, &test_image.train, inputs, labels, &scalars, samples);
        total += *(const float *)cnn_device_buffer(device, &test_image.train, B_LOSS);
    }
    memcpy(weights, cnn_device_tensor(device, &test_tensors[0]), WIDTH * sizeof(float));
    return total;
}

static void a_step_computes_what_the_kernels_say(void **state)
{
    (void)state;
    CnnDevice *device = open_device(&test_image, 2);
    float *weights = cnn_device_tensor(device, &test_tensors[0]), before[WIDTH], gradient[WIDTH] = {0},
          loss = 0;
    memcpy(before, weights, sizeof before);
    fill_batch(0);
    CnnScalars scalars = {.rate = 0.25f, .inverse_count = 1 / 7.0f, .first_micro = 1, .last_micro = 1};
    cnn_device_step(device, &test_image.train, inputs, labels, &scalars, 7);
    for (int n = 0; n < 7; n++) {
        float error = -labels[n];
        for (int i = 0; i < WIDTH; i++)
            error += before[i] * inputs[n * WIDTH + i];
        for (int i = 0; i < WIDTH; i++)
            gradient[i] += error * inputs[n * WIDTH + i];
        loss += error * error;
        const float *output = cnn_device_buffer(device, &test_image.train, B_OUTPUT);
        assert_float_equal(output[n], error + labels[n], 1e-5);
    }
    assert_float_equal(*(const float *)cnn_device_buffer(device, &test_image.train, B_LOSS), loss, 1e-4);
    for (int i = 0; i < WIDTH; i++)
        assert_float_equal(weights[i], before[i] - 0.25f / 7 * gradient[i], 1e-5);
    cnn_device_close(device);
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    float first[WIDTH], other[WIDTH], loss = 0;
    for (int threads = 1; threads <= 5; threads++) {
        CnnDevice *device = open_device(&test_image, threads);
        assert_int_equal(cnn_device_threads(device), threads);
        float now = train(device, threads == 1 ? first : other);
        if (threads == 1) {
            loss = now;
        } else {
            assert_memory_equal(&now, &loss, sizeof now);
            assert_memory_equal(first, other, sizeof first);
        }
        cnn_device_close(device);
    }
    assert_float_equal(first[0], 1, 0.05);
    assert_float_equal(first[1], -2, 0.05);
}

static void updates_wait_for_the_last_micro_batch(void **state)
{
    (void)state;
    CnnDevice *device = open_device(&test_image, 3);
    float *weights = cnn_device_tensor(device, &test_tensors[0]), before = weights[0];
    fill_batch(0);
    CnnScalars scalars = {.rate = 0.1f, .inverse_count = 0.05f, .first_micro = 1, .last_micro = 0};
    cnn_device_step(device, &test_image.train, inputs, labels, &scalars, BATCH);
    assert_memory_equal(&weights[0], &before, sizeof before);
    const float *total = cnn_device_tensor(device, &test_tensors[1]);
    float once = total[0];
    scalars.first_micro = 0;
    scalars.last_micro = 1;
    cnn_device_step(device, &test_image.train, inputs, labels, &scalars, BATCH);
    assert_float_equal(total[0], 2 * once, 1e-6);
    assert_float_equal(weights[0], before - 0.1f * 0.05f * total[0], 1e-6);
    cnn_device_close(device);
}

/* Until the loss is known to be finite, nothing that is kept is changed: a step can be run again. */
static void a_loss_that_is_not_finite_changes_no_state(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        CnnDevice *device = open_device(&test_image, threads);
        char *kept = cnn_device_tensor(device, &test_tensors[0]), before[192 - 64];
        memcpy(before, kept, sizeof before); /* the weights and the sums of gradients behind them */
        fill_batch(0);
        labels[7] = NAN;
        CnnScalars scalars = {.rate = 0.25f, .inverse_count = 0.1f, .first_micro = 1, .last_micro = 1};
        cnn_device_step(device, &test_image.train, inputs, labels, &scalars, BATCH);
        assert_true(isnan(*(const float *)cnn_device_buffer(device, &test_image.train, B_LOSS)));
        assert_memory_equal(kept, before, sizeof before);
        fill_batch(0);
        cnn_device_step(device, &test_image.train, inputs, labels, &scalars, BATCH);
        assert_memory_not_equal(kept, before, WIDTH * sizeof(float));
        cnn_device_close(device);
    }
}

/* The calls of each step; ends the run after call number `last`. */
typedef struct {
    int calls[8], count, last;
} Watched;

static bool count_call(void *context, const DeviceCall *call)
{
    Watched *watched = context;
    watched->calls[call->step]++;
    return ++watched->count != watched->last;
}

static void a_watched_step_is_the_same_step(void **state)
{
    (void)state;
    float weights[2][WIDTH];
    for (int watch = 0; watch < 2; watch++) {
        CnnDevice *device = open_device(&test_image, 3);
        CnnScalars scalars = {.rate = 0.25f, .inverse_count = 0.1f, .first_micro = 1, .last_micro = 1};
        Watched watched = {.last = -1}, ended = {.last = 5};
        fill_batch(0);
        if (watch)
            cnn_device_step_watched(device, &test_image.train, inputs, labels, &scalars, BATCH, count_call,
                                    &watched);
        else
            cnn_device_step(device, &test_image.train, inputs, labels, &scalars, BATCH);
        memcpy(weights[watch], cnn_device_tensor(device, &test_tensors[0]), sizeof weights[0]);
        if (watch) { /* three slices of 4, 4 and 2 samples, in chunks of at most 3 */
            assert_int_equal(watched.calls[PRODUCT], 5);
            assert_int_equal(watched.calls[LOSS], 1);
            assert_int_equal(watched.calls[7], 1); /* the update */
            cnn_device_step_watched(device, &test_image.train, inputs, labels, &scalars, BATCH, count_call,
                                    &ended);
            assert_int_equal(ended.count, 5);
        }
        cnn_device_close(device);
    }
    assert_memory_equal(weights[0], weights[1], sizeof weights[0]);
}

static int counted;

static void code_count(void *const *buffers, const CnnCall *call)
{
    (void)buffers;
    (void)call;
    counted++;
}

static const CnnStep prepare_step = STEP(8, "prepare", 1, USES(B_WEIGHTS), .extent = 1);

/* An evaluation that begins with a step which is needed only after a change. */
static CnnImage image_that_prepares(CnnStep steps[7], CnnCode *code[9])
{
    static const CnnPhase phases[] = {{PHASE_WHOLE, WHEN_CHANGED, 0, 1, 0},
                                      {PHASE_CHUNKED, WHEN_ALWAYS, 1, 3, CHUNK},
                                      {PHASE_WHOLE, WHEN_ALWAYS, 4, 3, 0}};
    CnnImage image = test_image;
    memcpy(code, test_code, sizeof test_code);
    code[8] = code_count;
    steps[0] = prepare_step;
    memcpy(steps + 1, test_train_steps, 6 * sizeof *steps);
    image.code = code;
    image.code_count = 9;
    image.eval.steps = steps;
    image.eval.step_count = 7;
    image.eval.phases = phases;
    image.eval.phase_count = 3;
    return image;
}

static void what_is_made_of_weights_is_made_after_a_change(void **state)
{
    (void)state;
    CnnStep steps[7];
    CnnCode *code[9];
    CnnImage image = image_that_prepares(steps, code);
    CnnDevice *device = open_device(&image, 2);
    CnnScalars scalars = {.rate = 0.1f, .inverse_count = 0.05f, .first_micro = 1, .last_micro = 1};
    fill_batch(0);
    counted = 0;
    for (int i = 0; i < 3; i++)
        cnn_device_step(device, &image.eval, inputs, labels, &scalars, BATCH);
    assert_int_equal(counted, 1);
    cnn_device_step(device, &image.train, inputs, labels, &scalars, BATCH);
    assert_int_equal(counted, 1);
    for (int i = 0; i < 3; i++)
        cnn_device_step(device, &image.eval, inputs, labels, &scalars, BATCH);
    assert_int_equal(counted, 2);
    cnn_device_tensor(device, &image.tensors[0]); /* weights may be read from a file */
    for (int i = 0; i < 3; i++)
        cnn_device_step(device, &image.eval, inputs, labels, &scalars, BATCH);
    assert_int_equal(counted, 3);
    cnn_device_close(device);
}

static void too_little_memory_is_said_with_the_number_of_bytes(void **state)
{
    (void)state;
    CnnImage image = test_image;
    image.state_bytes = UINT64_C(1) << 60;
    CnnDevice *device = NULL;
    CnnError error = {0};
    assert_int_equal(cnn_device_open(&image, 2, 1, &device, &error), CNN_NO_RESOURCE);
    assert_non_null(strstr(error.text, "11529215046068"));
    assert_null(device);
    image.train.worker_bytes = UINT64_MAX - 10;
    error = (CnnError){0};
    assert_int_equal(cnn_device_open(&image, 2, 1, &device, &error), CNN_NO_RESOURCE);
}

static void an_image_that_does_not_hold_together_is_refused(void **state)
{
    (void)state;
    CnnImage image = test_image;
    CnnBuffer buffers[14];
    memcpy(buffers, test_buffers, sizeof buffers);
    buffers[B_OUTPUT].offset = 384;
    image.train.buffers = buffers;
    CnnDevice *device = NULL;
    CnnError error = {0};
    assert_int_equal(cnn_device_open(&image, 1, 1, &device, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "damaged image: buffer 'output' lies outside its segment");
}

/* Mean and deviation of what an initialiser gives, and its largest magnitude. */
static void measure(InitKind kind, double *mean, double *deviation, double *largest)
{
    enum { COUNT = 40000 };
    static float values[COUNT];
    CnnTensor tensor = {.name = "t",
                        .dtype = DTYPE_F32,
                        .rank = 2,
                        .dim = {200, 200},
                        .init = kind,
                        .init_a = 0.5,
                        .init_key = 3};
    assert_int_equal(cnn_tensor_bytes(&tensor), sizeof values);
    cnn_init_tensor(&tensor, 11, values, 0, COUNT / 2);
    cnn_init_tensor(&tensor, 11, values, COUNT / 2, COUNT); /* whatever the pieces */
    double sum = 0, squares = 0;
    *largest = 0;
    for (int i = 0; i < COUNT; i++) {
        sum += values[i];
        squares += (double)values[i] * values[i];
        if (fabs(values[i]) > *largest)
            *largest = fabs(values[i]);
    }
    *mean = sum / COUNT;
    *deviation = sqrt(squares / COUNT - *mean * *mean);
}

static void initial_values_have_the_moments_they_should(void **state)
{
    (void)state;
    double mean, deviation, largest;
    measure(INIT_UNIFORM, &mean, &deviation, &largest);
    assert_float_equal(mean, 0, 0.005);
    assert_float_equal(deviation, 0.5 / sqrt(3), 0.005);
    assert_true(largest <= 0.5);
    measure(INIT_NORMAL, &mean, &deviation, &largest);
    assert_float_equal(mean, 0, 0.01);
    assert_float_equal(deviation, 0.5, 0.01);
    assert_true(largest > 1.5);
    measure(INIT_TRUNCATED_NORMAL, &mean, &deviation, &largest);
    assert_float_equal(mean, 0, 0.01);
    assert_float_equal(deviation, 0.5 * 0.87962566, 0.01); /* of a normal distribution cut at 2 deviations */
    assert_true(largest <= 1.0 && largest > 0.99);
}

static void half_precision_and_whole_numbers_are_initialised_too(void **state)
{
    (void)state;
    uint16_t half[2];
    int32_t whole[2];
    CnnTensor tensor = {
        .name = "t", .dtype = DTYPE_BF16, .rank = 1, .dim = {2}, .init = INIT_CONSTANT, .init_a = 1.00390625};
    cnn_init_tensor(&tensor, 1, half, 0, 2);
    assert_int_equal(half[0], 0x3F80); /* 1 + 2^-8 lies in the middle: to even */
    tensor.dtype = DTYPE_I32;
    tensor.init = INIT_ONES;
    cnn_init_tensor(&tensor, 1, whole, 0, 2);
    assert_int_equal(whole[1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_computes_what_the_kernels_say),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(updates_wait_for_the_last_micro_batch),
        cmocka_unit_test(a_loss_that_is_not_finite_changes_no_state),
        cmocka_unit_test(a_watched_step_is_the_same_step),
        cmocka_unit_test(what_is_made_of_weights_is_made_after_a_change),
        cmocka_unit_test(too_little_memory_is_said_with_the_number_of_bytes),
        cmocka_unit_test(an_image_that_does_not_hold_together_is_refused),
        cmocka_unit_test(initial_values_have_the_moments_they_should),
        cmocka_unit_test(half_precision_and_whole_numbers_are_initialised_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
