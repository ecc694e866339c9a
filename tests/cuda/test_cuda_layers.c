/* Every layer with every one of its samples, trained for two steps on the CPU and on a GPU that is none
 * (fake.h): all that is learnt, and all other state, agrees. CNNC_TEST_LAYERS=all runs them all; without it,
 * one in SOME is run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/driver.h"
#include "compiler/ops/layer.h"
#include "runtime/device.h"
#include "runtime/init.h"
#include "runtime/rng.h"

enum { BATCH = 6, STEPS = 2, SOME = 12, SEED = 5 };

static int set_library(void **state)
{
    (void)state;
    return setenv("CNNC_CUDA_LIB", FAKE_CUDA, 0);
}

/* A training of the sample, ready to step. */
typedef struct {
    Session *session;
    Linked linked;
    CnnDevice *device;
} Training;

static Training open_training(const char *text, const char *architecture)
{
    const char *complaint = NULL;
    CnnError error = {0};
    Training training = {.session = session_open()};
    Session *session = training.session;
    session->check = (CheckOptions){.batch = BATCH, .without_data = true};
    session->no_cache = true;
    if (architecture)
        session->gpu = cuda_target(session->arena, architecture, &complaint);
    const Program *program = driver_check_text(session, "sample.cnn", text);
    if (!program || !driver_link(session, program, "", true, &training.linked, &complaint)) {
        diag_print(session->diag, stderr);
        fail_msg("%s: %s", text, complaint ? complaint : "not compiled");
    }
    if (cnn_device_open(training.linked.image, 2, SEED, &training.device, &error) != CNN_OK)
        fail_msg("%s: %s", text, error.text);
    return training;
}

static void close_training(Training *training)
{
    cnn_device_close(training->device);
    driver_unlink(&training->linked);
    session_close(training->session);
}

/* Values in [-1, 1), or small integers, as the type has them. */
static void *noise(Arena *arena, Dtype dtype, int64_t elements, uint32_t purpose)
{
    char *values = arena_alloc(arena, (size_t)elements * dtype_bytes(dtype));
    for (int64_t i = 0; i < elements; i++) {
        double value = cnn_uniform(cnn_random4(SEED, (uint32_t)i, purpose, 0, 0).word[0]);
        if (dtype == DTYPE_F32)
            ((float *)(void *)values)[i] = (float)(2 * value - 1);
        else if (dtype == DTYPE_I32)
            ((int32_t *)(void *)values)[i] = (int32_t)(value * 2);
        else
            ((unsigned char *)values)[i] = (unsigned char)(value * 256);
    }
    return values;
}

/* The last batch is not full. Returns the loss. */
static float step(Training *training, int number)
{
    const CnnImage *image = training->linked.image;
    int64_t samples = number ? BATCH - 1 : BATCH, input = samples;
    for (int d = 0; d < image->input_shape.count; d++)
        input *= image->input_shape.value[d];
    Arena *arena = training->session->arena;
    CnnScalars scalars = {.rate = 0.01f,
                          .step = (float)(number + 1),
                          .inverse_count = 1.0f / (float)samples,
                          .count = (float)samples,
                          .seed_low = SEED,
                          .first_sample = number * BATCH,
                          .first_micro = 1,
                          .last_micro = 1,
                          .loss_scale = 1,
                          .inverse_loss_scale = 1};
    cnn_device_step(training->device, &image->train,
                    noise(arena, image->input_dtype, input, 1 + (uint32_t)number),
                    noise(arena, image->label_dtype, samples * image->label_width, 9), &scalars, samples);
    return *(const float *)cnn_device_buffer(training->device, &image->train, image->train.loss);
}

static void compare_states(Training *cpu, Training *gpu, const char *sample)
{
    const CnnImage *image = cpu->linked.image;
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        const float *a = cnn_device_tensor(cpu->device, tensor),
                    *b = cnn_device_tensor(gpu->device, &gpu->linked.image->tensors[i]);
        assert_string_equal(tensor->name, gpu->linked.image->tensors[i].name);
        if (tensor->dtype != DTYPE_F32)
            continue;
        double scale = 1e-3;
        for (int64_t k = 0; k < cnn_tensor_elements(tensor); k++)
            scale = fmax(scale, fabs((double)a[k]));
        for (int64_t k = 0; k < cnn_tensor_elements(tensor); k++)
            if (!(fabs((double)a[k] - (double)b[k]) <= 2e-4 * scale))
                fail_msg("%s: %s[%lld] is %.9g on a GPU, %.9g on the CPU", sample, tensor->name, (long long)k,
                         (double)b[k], (double)a[k]);
    }
}

static void check_sample(const char *sample, const char *precision)
{
    char text[4096];

    /* Of momentum, so that gradients are held against each other, not their signs alone, as Adam's would be.
     */
    snprintf(text, sizeof text,
             "model Sample {\n%s\nflatten -> dense 3\n}\ntrain { loss mse -> optimizer sgd, rate=0.01, "
             "momentum=0.9\nprecision %s }\n",
             sample, precision);
    Training cpu = open_training(text, NULL), gpu = open_training(text, "sm_90");
    for (int i = 0; i < STEPS; i++) {
        double a = (double)step(&cpu, i), b = (double)step(&gpu, i);
        if (!(fabs(a - b) <= 1e-4 * (1 + fabs(a))))
            fail_msg("%s: the loss is %.9g on a GPU, %.9g on the CPU", sample, b, a);
    }
    compare_states(&cpu, &gpu, sample);
    close_training(&gpu);
    close_training(&cpu);
}

static void layers_train_as_on_the_cpu(void **state)
{
    (void)state;
    const char *which = getenv("CNNC_TEST_LAYERS");
    bool all = which && strcmp(which, "all") == 0;
    int number = 0, run = 0;
    for (const Layer *const *layer = layer_table; *layer; layer++)
        for (const char *const *sample = (*layer)->samples; *sample; sample++)
            if (all || number++ % SOME == 0) {
                check_sample(*sample, "f32");
                run++;
            }
    assert_true(run > 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_train_as_on_the_cpu),
    };
    return cmocka_run_group_tests_name("cuda layers", tests, set_library, NULL);
}
