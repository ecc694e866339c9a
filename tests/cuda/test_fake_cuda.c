/* The fake driver behaves as a strict one, and finds what a runtime does wrong. */
#include "fake_test.h"

enum {
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NO_BINARY_FOR_GPU = 209,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
    CAPTURE_UNJOINED = 904,
    COUNT = 40,
    BYTES = COUNT * sizeof(float),
    THREAD = 1 /* mode of a capture */
};

/* A module with the kernel `add`, two arrays of it and a stream. */
static struct {
    Handle module, function, stream;
    Pointer x, y;
    float ones[COUNT];
} with;

static int open_all(void **state)
{
    if (open_context(state))
        return -1;
    with.module = load(kernel_text("add"));
    assert_int_equal(cuda.cuModuleGetFunction(&with.function, with.module, "add"), 0);
    assert_int_equal(cuda.cuStreamCreate(&with.stream, 1), 0);
    for (int i = 0; i < COUNT; i++)
        with.ones[i] = 1;
    with.x = to_device(with.ones, BYTES);
    with.y = to_device(with.ones, BYTES);
    free(take_record());
    return 0;
}

/* All is given back, and the driver agrees. */
static int close_all(void **state)
{
    free(take_record());
    assert_int_equal(cuda.cuMemFree_v2(with.x), 0);
    assert_int_equal(cuda.cuMemFree_v2(with.y), 0);
    assert_int_equal(cuda.cuStreamDestroy_v2(with.stream), 0);
    assert_int_equal(cuda.cuModuleUnload(with.module), 0);
    close_context(state);
    char *record = take_record();
    assert_null(strstr(record, "leak"));
    free(record);
    return 0;
}

static int add(Pointer x, Pointer y, Handle stream)
{
    Pointer guard = 0;
    int samples = COUNT, slices = 1;
    void *arguments[] = {&x, &y, &guard, &samples, &slices};
    return cuda.cuLaunchKernel(with.function, 2, 1, 1, 32, 1, 1, 0, stream, arguments, NULL);
}

static float first_of(Pointer memory)
{
    float value;
    assert_int_equal(cuda.cuMemcpyDtoH_v2(&value, memory, sizeof value), 0);
    return value;
}

static void does_nothing_before_somebody_waits(void **state)
{
    (void)state;
    float *result;
    assert_int_equal(cuda.cuMemAllocHost_v2((void **)&result, BYTES), 0);
    result[COUNT - 1] = 7;
    assert_int_equal(add(with.x, with.y, with.stream), 0);
    assert_int_equal(cuda.cuMemcpyDtoHAsync_v2(result, with.y, BYTES, with.stream), 0);
    assert_float_equal(result[COUNT - 1], 7, 0);
    assert_float_equal(first_of(with.y), 1, 0); /* a copy on the legacy stream does not wait for this one */
    assert_int_equal(cuda.cuStreamSynchronize(with.stream), 0);
    assert_float_equal(result[COUNT - 1], 2, 0);
    assert_int_equal(cuda.cuMemFreeHost(result), 0);
}

static void reads_memory_that_is_not_pinned_at_once(void **state)
{
    (void)state;
    float *pinned, value = 5;
    assert_int_equal(cuda.cuMemAllocHost_v2((void **)&pinned, sizeof *pinned), 0);
    *pinned = 5;
    assert_int_equal(cuda.cuMemcpyHtoDAsync_v2(with.x, &value, sizeof value, with.stream), 0);
    assert_int_equal(cuda.cuMemcpyHtoDAsync_v2(with.y, pinned, sizeof value, with.stream), 0);
    value = *pinned = 6;
    assert_int_equal(cuda.cuCtxSynchronize(), 0);
    assert_float_equal(first_of(with.x), 5, 0);
    assert_float_equal(first_of(with.y), 6, 0);
    assert_int_equal(cuda.cuMemFreeHost(pinned), 0);
}

static void orders_streams_by_events(void **state)
{
    (void)state;
    Handle other, begin, end;
    float milliseconds = -1;
    assert_int_equal(cuda.cuStreamCreate(&other, 1), 0);
    assert_int_equal(cuda.cuEventCreate(&begin, 0), 0);
    assert_int_equal(cuda.cuEventCreate(&end, 0), 0);
    assert_int_equal(cuda.cuEventElapsedTime(&milliseconds, begin, end), INVALID_HANDLE);
    assert_int_equal(cuda.cuEventRecord(begin, other), 0);
    assert_int_equal(cuda.cuMemsetD8Async(with.x, 0, BYTES, other), 0);
    assert_int_equal(cuda.cuEventRecord(end, other), 0);
    assert_int_equal(cuda.cuEventElapsedTime(&milliseconds, begin, end), NOT_READY);
    assert_int_equal(cuda.cuStreamWaitEvent(with.stream, end, 0), 0);
    assert_int_equal(add(with.x, with.y, with.stream), 0);
    assert_int_equal(cuda.cuStreamSynchronize(with.stream), 0);
    assert_float_equal(first_of(with.y), 1, 0); /* y + 0 */
    assert_int_equal(cuda.cuEventSynchronize(end), 0);
    assert_int_equal(cuda.cuEventElapsedTime(&milliseconds, begin, end), 0);
    assert_true(milliseconds >= 0);
    cuda.cuEventDestroy_v2(begin);
    cuda.cuEventDestroy_v2(end);
    cuda.cuStreamDestroy_v2(other);
}

static void replays_a_graph_with_the_arguments_of_its_capture(void **state)
{
    (void)state;
    Handle graph, replay, other, fork, join;
    assert_int_equal(cuda.cuStreamCreate(&other, 1), 0);
    assert_int_equal(cuda.cuEventCreate(&fork, 2), 0);
    assert_int_equal(cuda.cuEventCreate(&join, 2), 0);
    assert_int_equal(cuda.cuStreamBeginCapture_v2(with.stream, THREAD), 0);
    assert_int_equal(add(with.x, with.y, with.stream), 0);
    assert_int_equal(cuda.cuEventRecord(fork, with.stream), 0);
    assert_int_equal(cuda.cuStreamWaitEvent(other, fork, 0), 0);
    assert_int_equal(cuda.cuMemcpyDtoDAsync_v2(with.x, with.y, BYTES, other), 0);
    assert_int_equal(cuda.cuEventRecord(join, other), 0);
    assert_int_equal(cuda.cuStreamWaitEvent(with.stream, join, 0), 0);
    assert_int_equal(cuda.cuStreamEndCapture(with.stream, &graph), 0);
    assert_int_equal(cuda.cuGraphInstantiateWithFlags(&replay, graph, 0), 0);
    assert_int_equal(cuda.cuGraphDestroy(graph), 0);
    assert_float_equal(first_of(with.y), 1, 0); /* nothing has run */
    for (int i = 0; i < 3; i++)
        assert_int_equal(cuda.cuGraphLaunch(replay, with.stream), 0);
    assert_int_equal(cuda.cuStreamSynchronize(with.stream), 0);
    assert_float_equal(first_of(with.y), 8, 0); /* 1 + 1, then doubled */
    assert_int_equal(cuda.cuGraphExecDestroy(replay), 0);
    cuda.cuEventDestroy_v2(fork);
    cuda.cuEventDestroy_v2(join);
    cuda.cuStreamDestroy_v2(other);
}

static void loses_a_capture_by_what_it_forbids(void **state)
{
    (void)state;
    Handle graph = with.stream, other, event;
    Pointer memory;
    assert_int_equal(cuda.cuStreamBeginCapture_v2(with.stream, THREAD), 0);
    assert_int_equal(cuda.cuMemAlloc_v2(&memory, 16), CAPTURE_UNSUPPORTED);
    assert_int_equal(cuda.cuStreamEndCapture(with.stream, &graph), CAPTURE_INVALIDATED);
    assert_null(graph);
    assert_int_equal(cuda.cuStreamBeginCapture_v2(with.stream, THREAD), 0);
    assert_int_equal(cuda.cuStreamSynchronize(with.stream), CAPTURE_UNSUPPORTED);
    assert_int_equal(cuda.cuStreamEndCapture(with.stream, &graph), CAPTURE_INVALIDATED);
    assert_int_equal(cuda.cuStreamCreate(&other, 1), 0);
    assert_int_equal(cuda.cuEventCreate(&event, 2), 0);
    assert_int_equal(cuda.cuStreamBeginCapture_v2(with.stream, THREAD), 0);
    assert_int_equal(cuda.cuEventRecord(event, with.stream), 0);
    assert_int_equal(cuda.cuStreamWaitEvent(other, event, 0), 0);
    assert_int_equal(add(with.x, with.y, other), 0);
    assert_int_equal(cuda.cuStreamEndCapture(with.stream, &graph), CAPTURE_UNJOINED);
    cuda.cuEventDestroy_v2(event);
    cuda.cuStreamDestroy_v2(other);
}

static void refuses_memory_that_is_not_what_it_should_be(void **state)
{
    (void)state;
    assert_int_equal(cuda.cuMemcpyHtoD_v2((Pointer)(uintptr_t)with.ones, with.ones, 4), INVALID_VALUE);
    expect_noted("copied to: 0x");
    assert_int_equal(cuda.cuMemcpyHtoD_v2(with.x, (const void *)(uintptr_t)with.y, 4), INVALID_VALUE);
    expect_noted("copied from: byte 0 of an allocation of 160 bytes in memory of the GPU");
    assert_int_equal(cuda.cuMemcpyHtoD_v2(with.x + 8, with.ones, BYTES), INVALID_VALUE);
    expect_noted("copied to: 160 bytes from byte 8 of an allocation of 160 bytes");
    assert_int_equal(add((Pointer)(uintptr_t)with.ones, with.y, with.stream), ILLEGAL_ADDRESS);
    expect_noted("kernel add, argument 0: 0x");
    Pointer freed = to_device(with.ones, BYTES);
    assert_int_equal(cuda.cuMemFree_v2(freed), 0);
    assert_int_equal(add(freed, with.y, with.stream), ILLEGAL_ADDRESS);
    expect_noted("kernel add, argument 0: memory of the GPU that has been freed");
    assert_int_equal(cuda.cuMemFree_v2(freed), INVALID_VALUE);
    assert_int_equal(cuda.cuMemFree_v2(with.x + 8), INVALID_VALUE);
    assert_int_equal(cuda.cuMemAlloc_v2(&freed, (size_t)5 << 30), OUT_OF_MEMORY);
}

static void refuses_launches_that_no_gpu_would_take(void **state)
{
    (void)state;
    Pointer guard = 0;
    int one = 1;
    void *arguments[] = {&with.x, &with.y, &guard, &one, &one};
    static const unsigned wrong[][4] = {
        {0, 1, 1, 32}, {1, 65536, 1, 32}, {1, 1, 70000, 32}, {1, 1, 1, 1025}, {1, 1, 1, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(cuda.cuLaunchKernel(with.function, wrong[i][0], wrong[i][1], wrong[i][2],
                                             wrong[i][3], 1, 1, 0, with.stream, arguments, NULL),
                         INVALID_VALUE);
    Handle function;
    assert_int_equal(cuda.cuModuleGetFunction(&function, with.module, "subtract"), NOT_FOUND);
    assert_int_equal(cuda.cuModuleGetFunction(&function, with.stream, "add"), INVALID_HANDLE);
}

static void fails_the_call_that_it_is_told_to(void **state)
{
    (void)state;
    Pointer memory;
    setenv("CNNC_FAKE_CUDA_FAIL", "cuMemsetD8:2:2,cuMemcpyHtoD:1", 1);
    assert_int_equal(cuda.cuMemsetD8_v2(with.x, 0, 4), 0);
    assert_int_equal(cuda.cuMemsetD8_v2(with.x, 0, 4), OUT_OF_MEMORY);
    assert_int_equal(cuda.cuMemsetD8_v2(with.x, 0, 4), 0);
    expect_noted("cuMemsetD8_v2 bytes=4 -> 2\n");
    assert_int_equal(cuda.cuMemcpyHtoDAsync_v2(with.x, with.ones, 4, with.stream), 0);
    unsetenv("CNNC_FAKE_CUDA_FAIL");
    assert_int_equal(cuda.cuMemAlloc_v2(&memory, 0), INVALID_VALUE);
}

static void loads_code_for_its_own_architecture_only(void **state)
{
    (void)state;
    setenv("CNNC_FAKE_CUDA_ARCH", "8.6", 1);
    char *text = kernel_text("add"), *code;
    Handle program, module;
    size_t bytes;
    const char *const options[] = {"--gpu-architecture=sm_90"};
    int major = 0;
    assert_int_equal(cuda.cuDeviceGetAttribute(&major, 75, 0), 0);
    assert_int_equal(major, 8);
    assert_int_equal(cuda.nvrtcCreateProgram(&program, text, "add.cu", 0, NULL, NULL), 0);
    assert_int_equal(cuda.nvrtcCompileProgram(program, 1, options), 0);
    assert_int_equal(cuda.nvrtcGetCUBINSize(program, &bytes), 0);
    code = malloc(bytes);
    assert_int_equal(cuda.nvrtcGetCUBIN(program, code), 0);
    assert_int_equal(cuda.cuModuleLoadData(&module, code), NO_BINARY_FOR_GPU);
    unsetenv("CNNC_FAKE_CUDA_ARCH");
    assert_int_equal(cuda.cuModuleLoadData(&module, code), 0);
    cuda.cuModuleUnload(module);
    cuda.nvrtcDestroyProgram(&program);
    free(code);
    free(text);
}

static void tells_what_is_wrong_in_a_text(void **state)
{
    (void)state;
    char *text = replace(kernel_text("add"), "y[i] += x[i]", "y[i] += z[i]");
    Handle program;
    size_t bytes;
    char log[4096];
    assert_int_equal(cuda.nvrtcCreateProgram(&program, text, "add.cu", 0, NULL, NULL), 0);
    const char *const unknown[] = {"--gpu-architecture=sm_90", "--fast"};
    assert_int_equal(cuda.nvrtcCompileProgram(program, 2, unknown), 5);
    assert_int_equal(cuda.nvrtcCompileProgram(program, 1, unknown), 6);
    assert_int_equal(cuda.nvrtcGetProgramLogSize(program, &bytes), 0);
    assert_in_range(bytes, 1, sizeof log);
    assert_int_equal(cuda.nvrtcGetProgramLog(program, log), 0);
    assert_non_null(strstr(log, "undeclared"));
    cuda.nvrtcDestroyProgram(&program);
    free(text);
}

static void tells_what_is_not_given_back(void **state)
{
    (void)state;
    Pointer memory;
    Handle context, stream;
    assert_int_equal(cuda.cuDevicePrimaryCtxRetain(&context, 0), 0);
    assert_int_equal(cuda.cuCtxSetCurrent(context), 0);
    assert_int_equal(cuda.cuMemAlloc_v2(&memory, 100), 0);
    assert_int_equal(cuda.cuStreamCreate(&stream, 0), 0);
    assert_int_equal(cuda.cuMemsetD8Async(memory, 0, 100, stream), 0);
    free(take_record());
    assert_int_equal(cuda.cuDevicePrimaryCtxRelease_v2(0), 0);
    char *record = take_record();
    assert_non_null(strstr(record, "leak: 100 bytes of memory of the GPU"));
    assert_non_null(strstr(record, "leak: a stream"));
    free(record);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(does_nothing_before_somebody_waits),
        TEST(reads_memory_that_is_not_pinned_at_once),
        TEST(orders_streams_by_events),
        TEST(replays_a_graph_with_the_arguments_of_its_capture),
        TEST(loses_a_capture_by_what_it_forbids),
        TEST(refuses_memory_that_is_not_what_it_should_be),
        TEST(refuses_launches_that_no_gpu_would_take),
        TEST(fails_the_call_that_it_is_told_to),
        TEST(loads_code_for_its_own_architecture_only),
        TEST(tells_what_is_wrong_in_a_text),
        cmocka_unit_test(tells_what_is_not_given_back),
    };
    return cmocka_run_group_tests(tests, open_fake, close_fake);
}
