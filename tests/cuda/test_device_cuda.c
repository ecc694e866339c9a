/* The device that is a GPU, behind the fake driver: it computes what the CPU does, asks the driver for
 * nothing that a step need not ask for, and gives everything back whatever fails. */
#include "fake_test.h"

#include "runtime/cuda/gpu.h"
#include "runtime/device.h"
#include "runtime/rng.h"
#include "tests/unit/test_image.h"

static void *code; /* the module of all kernels */
static CnnGpuKernel kernels[8];
static CnnBuffer buffers[14];
static CnnGpu gpu = {"sm_90", kernels};
static CnnImage image;
static float inputs[BATCH * WIDTH], labels[BATCH];

static void make_image(void)
{
    static const char *const names[] = {"product", "errors",     "partial", "sum",
                                        "loss",    "accumulate", "update",  "metric"};
    const CnnGpuExtent one = {1, false, false, 1};
    for (int i = 0; i < 8; i++)
        kernels[i] = (CnnGpuKernel){names[i], 32, {one, one, one}, code, 1};
    kernels[PRODUCT].grid[0] = (CnnGpuExtent){WIDTH, true, false, 32};
    kernels[ERROR].grid[0] = (CnnGpuExtent){1, true, false, 32};
    kernels[PARTIAL].grid[1] = (CnnGpuExtent){1, false, true, 1};
    memcpy(buffers, test_buffers, sizeof buffers);
    buffers[B_PRODUCT].bytes = BATCH * WIDTH * 4; /* the chunk is the batch */
    buffers[B_ERROR].bytes = BATCH * 4;
    buffers[B_ERROR].offset = 256;
    image = test_image;
    image.code = NULL;
    image.gpu = &gpu;
    image.train.buffers = image.eval.buffers = buffers;
    image.train.worker_bytes = image.eval.worker_bytes = 320;
}

/* What the fake NVRTC makes of kernels/line.cu: for the caller to free. */
static void *compile_kernels(void)
{
    Handle program;
    size_t bytes;
    char *text = kernel_text("line");
    const char *const options[] = {"--gpu-architecture=sm_90"};
    assert_int_equal(cuda.nvrtcCreateProgram(&program, text, "line.cu", 0, NULL, NULL), 0);
    assert_int_equal(cuda.nvrtcCompileProgram(program, 1, options), 0);
    assert_int_equal(cuda.nvrtcGetCUBINSize(program, &bytes), 0);
    void *made = malloc(bytes);
    assert_int_equal(cuda.nvrtcGetCUBIN(program, made), 0);
    assert_int_equal(cuda.nvrtcDestroyProgram(&program), 0);
    free(text);
    return made;
}

static int open_test(void **state)
{
    if (open_fake(state))
        return -1;
    code = compile_kernels();
    setenv("CNNC_CUDA_LIB", FAKE_CUDA, 1);
    make_image();
    free(take_record());
    return 0;
}

static int close_test(void **state)
{
    free(code);
    return close_fake(state);
}

static void fill_batch(int step)
{
    for (int i = 0; i < BATCH * WIDTH; i++)
        inputs[i] = (float)(2 * cnn_uniform(cnn_random4(1, (uint32_t)i, (uint32_t)step, 0, 0).word[0]) - 1);
    for (int n = 0; n < BATCH; n++)
        labels[n] = inputs[n * WIDTH] - 2 * inputs[n * WIDTH + 1];
}

static CnnDevice *open_device(const CnnImage *of)
{
    CnnDevice *device = NULL;
    CnnError error = {0};
    cnn_device_open(of, 2, 5, &device, &error);
    assert_string_equal(error.text, "");
    return device;
}

/* Closed with nothing left behind, nothing done that a driver would refuse. */
static void close_device(CnnDevice *device)
{
    CnnError error = {0};
    cnn_device_wait(device, &error);
    assert_string_equal(error.text, "");
    cnn_device_close(device);
    char *record = take_record();
    assert_null(strstr(record, "leak"));
    assert_null(strstr(record, "wrong"));
    free(record);
}

static const CnnScalars scalars_of_all = {
    .rate = 0.9f, .inverse_count = 1.0f / BATCH, .first_micro = 1, .last_micro = 1};

static void step(CnnDevice *device, const CnnImage *of, int number, double *seconds)
{
    int64_t samples = number % 3 == 2 ? 7 : BATCH;
    CnnScalars scalars = scalars_of_all;
    scalars.inverse_count = 1 / (float)samples;
    scalars.last_micro = number % 4 != 1;
    scalars.first_micro = number % 4 != 2;
    fill_batch(number);
    cnn_device_step_timed(device, &of->train, inputs, labels, &scalars, samples, seconds);
    memset(inputs, 0xff, sizeof inputs); /* they are the caller's again */
    memset(labels, 0xff, sizeof labels);
}

static float buffer(CnnDevice *device, const CnnProgram *program, int index)
{
    return *(const float *)cnn_device_buffer(device, program, index);
}

/* ---- What it computes ---- */

static void it_computes_what_the_cpu_does(void **state)
{
    (void)state;
    CnnDevice *cpu = open_device(&test_image), *device = open_device(&image);
    assert_string_equal(cnn_device_name(device), "Fake GPU 9.0");
    assert_null(cnn_device_name(cpu));
    for (int i = 0; i < 40; i++) {
        step(cpu, &test_image, i, NULL);
        step(device, &image, i, NULL);
        assert_float_equal(buffer(device, &image.train, B_LOSS), buffer(cpu, &test_image.train, B_LOSS),
                           1e-5);
        assert_float_equal(buffer(device, &image.train, B_METRIC), buffer(cpu, &test_image.train, B_METRIC),
                           0);
        assert_float_equal(buffer(device, &image.train, B_OUTPUT), buffer(cpu, &test_image.train, B_OUTPUT),
                           1e-5);
    }
    for (int t = 0; t < 2; t++) {
        const float *of_cpu = cnn_device_read(cpu, &test_tensors[t]),
                    *of_gpu = cnn_device_read(device, &test_tensors[t]);
        for (int i = 0; i < WIDTH; i++)
            assert_float_equal(of_gpu[i], of_cpu[i], 1e-5);
    }
    cnn_device_close(cpu);
    close_device(device);
}

static void state_begins_with_the_bits_of_the_cpu(void **state)
{
    (void)state;
    CnnDevice *cpu = open_device(&test_image), *device = open_device(&image);
    assert_memory_equal(cnn_device_read(cpu, &test_tensors[0]), cnn_device_read(device, &test_tensors[0]),
                        WIDTH * sizeof(float));
    fill_batch(0);
    CnnScalars scalars = scalars_of_all;
    cnn_device_step(cpu, &test_image.eval, inputs, labels, &scalars, BATCH);
    cnn_device_step(device, &image.eval, inputs, labels, &scalars, BATCH);
    const float *first = cnn_device_buffer(cpu, &test_image.eval, B_OUTPUT);
    const float *second = cnn_device_buffer(device, &image.eval, B_OUTPUT);
    for (int n = 0; n < BATCH; n++)
        assert_float_equal(first[n], second[n], 1e-6);
    cnn_device_close(cpu);
    close_device(device);
}

static void a_loss_that_is_not_finite_changes_no_state(void **state)
{
    (void)state;
    CnnDevice *device = open_device(&image);
    float before[2][WIDTH];
    for (int t = 0; t < 2; t++)
        memcpy(before[t], cnn_device_read(device, &test_tensors[t]), sizeof before[t]);
    fill_batch(0);
    labels[7] = NAN;
    cnn_device_step(device, &image.train, inputs, labels, &scalars_of_all, BATCH);
    assert_true(isnan(buffer(device, &image.train, B_LOSS)));
    for (int t = 0; t < 2; t++)
        assert_memory_equal(before[t], cnn_device_read(device, &test_tensors[t]), sizeof before[t]);
    close_device(device);
}

/* ---- Tensors ---- */

static int count_of(const char *record, const char *text)
{
    int count = 0;
    for (const char *at = record; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static void tensors_are_sent_only_when_they_may_have_changed(void **state)
{
    (void)state;
    CnnDevice *device = open_device(&image);
    step(device, &image, 0, NULL);
    free(take_record());
    cnn_device_read(device, &test_tensors[0]);
    cnn_device_read(device, &test_tensors[0]);
    step(device, &image, 0, NULL);
    char *record = take_record();
    assert_int_equal(count_of(record, "cuMemcpyDtoH_v2 "), 1); /* once, though asked for twice */
    assert_int_equal(count_of(record, "cuMemcpyHtoD_v2 "), 0);
    free(record);
    float *weights = cnn_device_tensor(device, &test_tensors[0]);
    for (int i = 0; i < WIDTH; i++)
        weights[i] = (float)i;
    CnnScalars scalars = {.rate = 0, .first_micro = 1, .last_micro = 1};
    fill_batch(0);
    float output = 0;
    for (int i = 0; i < WIDTH; i++)
        output += (float)i * inputs[i];
    cnn_device_step(device, &image.train, inputs, labels, &scalars, BATCH);
    assert_float_equal(buffer(device, &image.train, B_OUTPUT), output, 1e-5);
    record = take_record();
    assert_int_equal(count_of(record, "cuMemcpyHtoD_v2 "), 1);
    free(record);
    close_device(device);
}

/* ---- Watched, timed ---- */

typedef struct {
    int count, last;
    float loss, product;
} Watched;

static bool watch(void *context, const DeviceCall *call)
{
    Watched *watched = context;
    assert_int_equal(call->kind, PHASE_WHOLE);
    if (call->step == 0)
        watched->product = ((const float *)call->buffers[2])[BATCH * WIDTH - 1];
    if (call->step == 4)
        watched->loss = *(const float *)call->buffers[1];
    return ++watched->count != watched->last;
}

static void a_watched_step_is_the_same_step(void **state)
{
    (void)state;
    float weights[2][WIDTH], loss = 0;
    for (int watched = 0; watched < 2; watched++) {
        CnnDevice *device = open_device(&image);
        Watched seen = {.last = -1}, ended = {.last = 5};
        float last = ((const float *)cnn_device_read(device, &test_tensors[0]))[WIDTH - 1];
        fill_batch(0);
        if (watched) {
            cnn_device_step_watched(device, &image.train, inputs, labels, &scalars_of_all, BATCH, watch,
                                    &seen);
            assert_int_equal(seen.count, 8);
            assert_float_equal(seen.loss, loss, 1e-6);
            assert_float_equal(seen.product, inputs[BATCH * WIDTH - 1] * last, 1e-6);
        } else {
            cnn_device_step(device, &image.train, inputs, labels, &scalars_of_all, BATCH);
            loss = buffer(device, &image.train, B_LOSS);
        }
        memcpy(weights[watched], cnn_device_read(device, &test_tensors[0]), sizeof weights[0]);
        cnn_device_step_watched(device, &image.train, inputs, labels, &scalars_of_all, BATCH, watch, &ended);
        assert_int_equal(ended.count, 5);
        close_device(device);
    }
    assert_memory_equal(weights[0], weights[1], sizeof weights[0]);
}

static void a_timed_step_tells_of_each_kernel(void **state)
{
    (void)state;
    CnnDevice *device = open_device(&image);
    double seconds[16] = {0};
    step(device, &image, 0, seconds);
    for (int s = 0; s < 8; s++)
        assert_true(seconds[s] > 0);
    for (int s = 8; s < 16; s++) /* the second worker's, of which there is none */
        assert_true(seconds[s] == 0);
    assert_true(isfinite(buffer(device, &image.train, B_LOSS)));
    close_device(device);
}

/* ---- What it asks of the driver ---- */

static void a_step_is_one_graph_and_takes_nothing(void **state)
{
    (void)state;
    CnnDevice *device = open_device(&image);
    for (int i = 0; i < 24; i++)
        step(device, &image, i, NULL);
    cnn_device_buffer(device, &image.train, B_LOSS);
    free(take_record());
    for (int i = 24; i < 36; i++) {
        step(device, &image, i, NULL);
        cnn_device_buffer(device, &image.train, B_LOSS);
        cnn_device_buffer(device, &image.train, B_METRIC);
    }
    char *record = take_record();
    static const char *const never[] = {
        "Alloc",  "Instantiate",         "Capture",         "cuLaunchKernel", "Create",
        "Module", "cuStreamSynchronize", "cuMemcpyDtoH_v2", "cuMemcpyHtoD_v2"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(record, never[i]))
            fail_msg("a step called %s", never[i]);
    assert_int_equal(count_of(record, "cuGraphLaunch "), 12);
    assert_int_equal(count_of(record, "cuMemcpyHtoDAsync_v2 "), 24); /* the batch, and the scalars */
    free(record);
    close_device(device);
}

/* What is expected is copied before the step; what comes in its place, or has other contents since something
 * else was expected, is computed all the same. */
static void an_expected_batch_is_copied_ahead(void **state)
{
    (void)state;
    CnnDevice *device = open_device(&image);
    CnnScalars scalars = {.rate = 0, .first_micro = 1, .last_micro = 1};
    float weights[WIDTH], others[BATCH * WIDTH];
    memcpy(weights, cnn_device_read(device, &test_tensors[0]), sizeof weights);
    static const int copies[] = {2, 4, 3, 3}; /* the scalars' is one of them */
    assert_true(cnn_device_expects(device));
    for (int kind = 0; kind < 4; kind++) {
        fill_batch(kind);
        memcpy(others, inputs, sizeof others);
        free(take_record());
        cnn_device_expect(device, inputs, labels, BATCH);
        inputs[0] += 100; /* for whoever looks again */
        if (kind == 1)
            cnn_device_expect(device, others, labels, BATCH);
        if (kind == 2)
            cnn_device_expect(device, NULL, NULL, 0);
        const float *given = kind == 3 ? others : inputs;
        cnn_device_step(device, &image.train, given, labels, &scalars, BATCH);
        float output = 0;
        for (int i = 0; i < WIDTH; i++)
            output += weights[i] * (kind == 0 ? others : given)[i];
        assert_float_equal(buffer(device, &image.train, B_OUTPUT), output, 1e-4);
        char *record = take_record();
        assert_int_equal(count_of(record, "cuMemcpyHtoDAsync_v2 "), copies[kind]);
        free(record);
    }
    close_device(device);
}

/* More kinds of steps than graphs are kept. */
static void graphs_that_are_not_used_make_room(void **state)
{
    (void)state;
    CnnDevice *device = open_device(&image), *cpu = open_device(&test_image);
    for (int i = 0; i < 100; i++) {
        int64_t samples = i % BATCH + 1;
        CnnScalars scalars = scalars_of_all;
        scalars.last_micro = i % 7 < 4;
        fill_batch(i);
        cnn_device_step(device, i % 4 ? &image.train : &image.eval, inputs, labels, &scalars, samples);
        cnn_device_step(cpu, i % 4 ? &test_image.train : &test_image.eval, inputs, labels, &scalars, samples);
        assert_float_equal(buffer(device, i % 4 ? &image.train : &image.eval, B_LOSS),
                           buffer(cpu, i % 4 ? &test_image.train : &test_image.eval, B_LOSS), 1e-4);
    }
    cnn_device_close(cpu);
    close_device(device);
}

/* ---- What fails ---- */

static void expect_refusal(const CnnImage *of, const char *text)
{
    CnnDevice *device = NULL;
    CnnError error = {0};
    assert_int_equal(cnn_device_open(of, 1, 5, &device, &error), CNN_NO_RESOURCE);
    assert_null(device);
    if (!strstr(error.text, text))
        fail_msg("not in the message: %s\n%s", text, error.text);
}

static void what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    setenv("CNNC_FAKE_CUDA_MEMORY", "1000", 1);
    expect_refusal(
        &image, "bytes of the GPU's memory (0.0 GiB: weights and optimizer 0.0, batch 0.0), and 0.0 GiB of "
                "0.0 are free: a smaller batch needs less");
    unsetenv("CNNC_FAKE_CUDA_MEMORY");
    setenv("CNNC_FAKE_CUDA_ARCH", "8.0", 1);
    expect_refusal(&image, "the code is for a GPU of kind sm_90, and the Fake GPU 8.0 is of kind sm_80");
    unsetenv("CNNC_FAKE_CUDA_ARCH");
    setenv("CNNC_FAKE_CUDA_DEVICES", "0", 1);
    expect_refusal(&image, "the NVIDIA driver finds no GPU");
    unsetenv("CNNC_FAKE_CUDA_DEVICES");
    setenv("CNNC_FAKE_CUDA_FAIL", "cuInit:1:34", 1);
    expect_refusal(&image, "is CUDA's stub to link with, not an NVIDIA driver");
    unsetenv("CNNC_FAKE_CUDA_FAIL");
    CnnGpuExtent before = kernels[PRODUCT].grid[1];
    kernels[PRODUCT].grid[1] = (CnnGpuExtent){65536, false, false, 1};
    expect_refusal(&image, "kernel 'product' has more blocks than a GPU takes");
    kernels[PRODUCT].grid[1] = before;
    free(take_record());
}

/* Some of everything. Returns whether nothing failed. */
static bool use_device(CnnError *error)
{
    CnnDevice *device;
    double seconds[16] = {0};
    Watched seen = {.last = -1};
    if (cnn_device_open(&image, 1, 5, &device, error) != CNN_OK)
        return false;
    for (int i = 0; i < 3; i++) {
        step(device, &image, i, NULL);
        cnn_device_expect(device, inputs, labels, BATCH);
    }
    buffer(device, &image.train, B_LOSS);
    step(device, &image, 0, seconds);
    fill_batch(0);
    cnn_device_step_watched(device, &image.train, inputs, labels, &scalars_of_all, BATCH, watch, &seen);
    cnn_device_tensor(device, &test_tensors[0]);
    step(device, &image, 0, NULL);
    float loss = buffer(device, &image.train, B_LOSS);
    float weight = *(const float *)cnn_device_read(device, &test_tensors[0]);
    CnnStatus status = cnn_device_wait(device, error);
    assert_true(status != CNN_OK || (isfinite(loss) && isfinite(weight)));
    weight = *(const float *)cnn_device_read(device, &test_tensors[0]);
    assert_true(status == CNN_OK || (isnan(weight) && isnan(buffer(device, &image.train, B_LOSS))));
    cnn_device_close(device);
    return status == CNN_OK;
}

static void whatever_fails_is_told_and_gives_all_back(void **state)
{
    (void)state;
    static const char *const names[] = {
#define DRIVER(name, symbol, arguments) #name,
#include "runtime/cuda/driver.def"
#undef DRIVER
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        /* Of cuGetError… only the words are lost; a driver ends a capture whatever it says of it, and this
         * one does not. */
        bool done = strncmp(names[i], "cuGetError", 10) == 0 || strcmp(names[i], "cuStreamEndCapture") == 0;
        for (int nth = 1; !done && nth < 40; nth++) {
            char what[64];
            CnnError error = {0};
            snprintf(what, sizeof what, "%s:%d", names[i], nth);
            setenv("CNNC_FAKE_CUDA_FAIL", what, 1);
            done = use_device(&error);
            unsetenv("CNNC_FAKE_CUDA_FAIL");
            char *record = take_record();
            bool failed = strstr(record, "-> 999");
            /* What is given back may fail, too: then it is the driver that keeps it. */
            bool gives = strstr(names[i], "Free") || strstr(names[i], "Destroy") ||
                         strstr(names[i], "Unload") || strstr(names[i], "Release");
            if (!done && (!strstr(error.text, names[i]) || !strstr(error.text, "failed: unknown error")))
                fail_msg("%s: '%s'", what, error.text);
            if (!gives && strstr(record, "leak"))
                fail_msg("%s: %s", what, record);
            done = done && !failed;
            free(record);
        }
    }
}

/* A step that goes wrong on the GPU: what is read behind it is no number. */
static void a_fault_of_a_kernel_ends_all(void **state)
{
    (void)state;
    CnnDevice *device = open_device(&image);
    step(device, &image, 0, NULL);
    CnnError error = {0};
    setenv("CNNC_FAKE_CUDA_FAIL", "cuGraphLaunch:1:700", 1);
    step(device, &image, 3, NULL);
    step(device, &image, 3, NULL);
    unsetenv("CNNC_FAKE_CUDA_FAIL");
    assert_true(isnan(buffer(device, &image.train, B_LOSS)));
    assert_true(isnan(*(const float *)cnn_device_read(device, &test_tensors[0])));
    assert_int_equal(cnn_device_wait(device, &error), CNN_NO_RESOURCE);
    assert_non_null(strstr(error.text, "cuGraphLaunch of the GPU's driver failed"));
    cnn_device_close(device);
    free(take_record());
}

static void the_machine_s_gpus_are_told(void **state)
{
    (void)state;
    CudaGpu gpus[2];
    CnnError error = {0};
    int count;
    setenv("CNNC_FAKE_CUDA_DEVICES", "3", 1);
    assert_int_equal(cnn_gpu_find(gpus, 2, &count, &error), CNN_OK);
    unsetenv("CNNC_FAKE_CUDA_DEVICES");
    assert_int_equal(count, 3);
    assert_string_equal(gpus[1].name, "Fake GPU 9.0");
    assert_string_equal(gpus[1].architecture, "sm_90");
    assert_int_equal(gpus[1].driver_major, 13);
    assert_int_equal(gpus[1].multiprocessors, 4);
    assert_int_equal(gpus[1].memory, 4294967296);
    free(take_record());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_computes_what_the_cpu_does),
        cmocka_unit_test(state_begins_with_the_bits_of_the_cpu),
        cmocka_unit_test(a_loss_that_is_not_finite_changes_no_state),
        cmocka_unit_test(tensors_are_sent_only_when_they_may_have_changed),
        cmocka_unit_test(a_watched_step_is_the_same_step),
        cmocka_unit_test(a_timed_step_tells_of_each_kernel),
        cmocka_unit_test(a_step_is_one_graph_and_takes_nothing),
        cmocka_unit_test(an_expected_batch_is_copied_ahead),
        cmocka_unit_test(graphs_that_are_not_used_make_room),
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(whatever_fails_is_told_and_gives_all_back),
        cmocka_unit_test(a_fault_of_a_kernel_ends_all),
        cmocka_unit_test(the_machine_s_gpus_are_told),
    };
    return cmocka_run_group_tests(tests, open_test, close_test);
}
