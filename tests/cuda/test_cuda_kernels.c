/* Kernels for a GPU against the interpreter: every kind of computation, in each form that fits it, its text
 * compiled and run by the fake NVRTC and driver; or by real ones, where CNNC_CUDA_LIB names their folder. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "compiler/cuda/cuda.h"
#include "runtime/cuda/driver.h"
#include "tests/ops/computations.h"

enum { SAMPLES_OF_SLICE = 2, FORMS = 3 };
static CudaDriver driver;

static void expect(int result, const char *call)
{
    CnnError error = {0};
    if (cuda_result(&driver, result, call, &error) != CNN_OK)
        fail_msg("%s", error.text);
}

static int open_driver(void **state)
{
    (void)state;
    setenv("CNNC_CUDA_LIB", FAKE_CUDA, 0);
    CnnError error = {0};
    CudaContext context;
    if (cuda_driver_open(&driver, &error) != CNN_OK) {
        print_error("%s\n", error.text);
        return -1;
    }
    return driver.cuDevicePrimaryCtxRetain(&context, 0) || driver.cuCtxSetCurrent(context);
}

static int close_driver(void **state)
{
    (void)state;
    return driver.cuDevicePrimaryCtxRelease(0);
}

/* ---- Launches ---- */

static unsigned blocks(const CnnGpuExtent *extent, int samples, int slices)
{
    int64_t points = extent->points * (extent->of_samples ? samples : 1) * (extent->of_slices ? slices : 1);
    return (unsigned)((points + extent->tile - 1) / extent->tile);
}

static void launch(const CnnGpuKernel *kernel, Memory *memory, const float *loss, int samples, int slices)
{
    CudaModule module;
    CudaFunction function;
    CudaPointer tensors[TENSORS_MOST], guard = 0;
    void *arguments[TENSORS_MOST + 3];
    expect(driver.cuModuleLoadData(&module, kernel->module), "cuModuleLoadData");
    expect(driver.cuModuleGetFunction(&function, module, kernel->symbol), "cuModuleGetFunction");
    for (int t = 0; t < memory->count; t++) {
        size_t bytes = (size_t)memory->elements[t] * dtype_bytes(memory->dtype[t]);
        expect(driver.cuMemAlloc(&tensors[t], bytes), "cuMemAlloc");
        expect(driver.cuMemcpyHtoD(tensors[t], memory->stored[t], bytes), "cuMemcpyHtoD");
        arguments[t] = &tensors[t];
    }
    if (loss) {
        expect(driver.cuMemAlloc(&guard, sizeof *loss), "cuMemAlloc");
        expect(driver.cuMemcpyHtoD(guard, loss, sizeof *loss), "cuMemcpyHtoD");
    }
    arguments[memory->count] = &guard;
    arguments[memory->count + 1] = &samples;
    arguments[memory->count + 2] = &slices;
    expect(driver.cuLaunchKernel(function, blocks(&kernel->grid[0], samples, slices),
                                 blocks(&kernel->grid[1], samples, slices),
                                 blocks(&kernel->grid[2], samples, slices), (unsigned)kernel->threads, 1, 1,
                                 0, NULL, arguments, NULL),
           kernel->symbol);
    for (int t = 0; t < memory->count; t++) {
        size_t bytes = (size_t)memory->elements[t] * dtype_bytes(memory->dtype[t]);
        expect(driver.cuMemcpyDtoH(memory->stored[t], tensors[t], bytes), "cuMemcpyDtoH");
        expect(driver.cuMemFree(tensors[t]), "cuMemFree");
    }
    if (loss)
        expect(driver.cuMemFree(guard), "cuMemFree");
    expect(driver.cuModuleUnload(module), "cuModuleUnload");
}

/* ---- Forms ---- */

/* What the scheduler chooses; a thread for each point; several threads for each point. */
static int all_schedules(Arena *arena, const Computation *computation, CudaSchedule schedules[FORMS])
{
    const char *complaint;
    int count = 0;
    cuda_schedule(cuda_target(arena, "sm_90", &complaint), computation, SAMPLES_OF_SLICE,
                  &schedules[count++]);
    CudaSchedule other = {.form = CUDA_POINTS, .threads = 64, .slice = schedules[0].slice};
    schedules[count++] = other;
    if (computation->accs.count == 0)
        return count;
    other = (CudaSchedule){.form = CUDA_REDUCE,
                           .threads = 128,
                           .slice = schedules[0].slice,
                           .reducers = 16,
                           .neighbors = schedules[0].form != CUDA_REDUCE || !schedules[0].neighbors};
    schedules[count++] = other;
    return count;
}

static void compare(const Builder *b, const Memory *got, const Memory *exact, double tolerance, int form)
{
    for (int t = 0; t < got->count; t++) {
        bool small = got->dtype[t] == DTYPE_BF16 || got->dtype[t] == DTYPE_F16;
        for (int64_t i = 0; i < b->elements[t]; i++) {
            double want = exact->exact[t][i], have = memory_get(got, t, i);
            if (!(fabs(want - have) <= fmax(tolerance, small ? 0.005 : 0) * (1 + fabs(want))))
                fail_msg("%s in form %d: t%d[%lld] is %.9g, should be %.9g", b->computation->name, form, t,
                         (long long)i, have, want);
        }
    }
}

/* What the computation stores for `samples`, slice by slice where it writes parts for slices. */
static void interpret(const Builder *b, Memory *exact, int samples, int slices)
{
    const Computation *computation = b->computation;
    bool sliced = false;
    for (size_t t = 0; t < computation->tensors.count; t++)
        sliced |= computation->tensors.items[t].slice > 0;
    CnnCall call = {.end = samples, .samples = samples, .slices = slices, .first = 1};
    if (computation->axes[computation->parallel].kind == EXTENT_FIXED)
        call.end = computation->axes[computation->parallel].extent;
    for (int s = 0; s < (sliced ? slices : 1); s++) {
        double *tensors[TENSORS_MOST];
        for (int t = 0; t < exact->count; t++)
            tensors[t] = exact->exact[t] + s * computation->tensors.items[t].slice;
        if (sliced) {
            call.begin = s * SAMPLES_OF_SLICE;
            call.end = call.begin + SAMPLES_OF_SLICE < samples ? call.begin + SAMPLES_OF_SLICE : samples;
        }
        interp_computation(computation, tensors, &call);
    }
}

/* All forms; tolerance: relative. */
static void check(Builder b, int samples, double tolerance)
{
    computation_verify(b.computation, "test");
    Arena *arena = b.arena;
    int slices = (samples + SAMPLES_OF_SLICE - 1) / SAMPLES_OF_SLICE;
    CudaSchedule schedules[FORMS];
    Kernel kernels[FORMS], *list[FORMS];
    const char *symbols[FORMS] = {"first", "second", "third"}, *complaint = NULL;
    int count = all_schedules(arena, b.computation, schedules);
    for (int i = 0; i < count; i++) {
        kernels[i] =
            (Kernel){.name = b.computation->name, .computation = b.computation, .cuda = schedules[i]};
        list[i] = &kernels[i];
    }
    CudaBuildCounts counts;
    const CnnGpu *gpu = cuda_build(cuda_target(arena, "sm_90", &complaint), list, symbols, count, NULL, 2,
                                   arena, &counts, &complaint);
    if (!gpu)
        fail_msg("%s", complaint);
    assert_int_equal(counts.compiled, count);
    Memory exact = memory_new(arena, &b, 7);
    interpret(&b, &exact, samples, slices);
    for (int i = 0; i < count; i++) {
        Memory memory = memory_new(arena, &b, 7);
        launch(&gpu->kernels[i], &memory, NULL, samples, slices);
        compare(&b, &memory, &exact, tolerance, schedules[i].form);
        assert_true(memory_margins_whole(&memory));
    }
    /* Behind a loss that is not finite nothing is done. */
    const float loss = NAN;
    Memory memory = memory_new(arena, &b, 7), before = memory_new(arena, &b, 7);
    launch(&gpu->kernels[0], &memory, &loss, samples, slices);
    for (int t = 0; t < memory.count; t++)
        assert_memory_equal(memory.stored[t], before.stored[t],
                            (size_t)memory.elements[t] * dtype_bytes(memory.dtype[t]));
    arena_free(arena);
}

/* ---- Computations ---- */

static const ConvShape shapes[] = {
    {3, 8, 17, 4, 33, 3, 1, 1, 1, .bias = true},
    {2, 9, 9, 2, 18, 3, 2, 1, 1, .bias = false},
    {2, 9, 13, 3, 16, 3, 1, 1, 0, .pool = true},
    {1, 6, 34, 5, 32, 1, 1, 1, 0, .bias = true},
    {2, 6, 9, 3, 24, 3, 1, 1, 1, .bias = true, .dtype = DTYPE_F16},
};
/* Of numbers of bf16, which the tensor cores multiply; weights and pictures are exact in them. */
static const ConvShape small_shapes[] = {
    {2, 6, 9, 8, 24, 3, 1, 1, 1, .bias = true, .dtype = DTYPE_BF16},
    {3, 9, 13, 3, 40, 3, 1, 1, 0, .pool = true, .dtype = DTYPE_BF16},
};

static void convolutions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check(conv_forward(arena_new(), &shapes[i]), (int)shapes[i].batch, 1e-5);
        check(conv_weights(arena_new(), &shapes[i]), (int)shapes[i].batch, 1e-5);
        if (shapes[i].stride == 1)
            check(conv_inputs(arena_new(), &shapes[i]), (int)shapes[i].batch, 1e-5);
    }
}

static void convolutions_by_tensor_cores(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof small_shapes / sizeof *small_shapes; i++) {
        Builder b = conv_forward(arena_new(), &small_shapes[i]);
        CudaSchedule schedule[FORMS];
        all_schedules(b.arena, b.computation, schedule);
        assert_true(schedule[0].matrix);
        check(b, (int)small_shapes[i].batch, 1e-5);
        b = conv_weights(arena_new(), &small_shapes[i]);
        for (int t = 0; t < 2; t++)
            b.computation->tensors.items[t].dtype = DTYPE_BF16;
        all_schedules(b.arena, b.computation, schedule);
        assert_true(schedule[0].matrix);
        check(b, (int)small_shapes[i].batch, 1e-5);
    }
}

static void convolutions_of_a_batch_that_is_not_full(void **state)
{
    (void)state;
    ConvShape shape = shapes[0];
    shape.batch = 5;
    check(conv_forward(arena_new(), &shape), 3, 1e-5);
}

static void weight_gradients_by_slices(void **state)
{
    (void)state;
    ConvShape shape = shapes[0];
    shape.batch = 5;
    int64_t slices = (shape.batch + SAMPLES_OF_SLICE - 1) / SAMPLES_OF_SLICE;
    Builder b = conv_weights(arena_new(), &shape);
    for (size_t t = 0; t < b.computation->tensors.count; t++) {
        KernelTensor *tensor = &b.computation->tensors.items[t];
        if (!tensor->written)
            continue;
        tensor->slice = b.elements[t];
        b.elements[t] *= slices;
    }
    check(b, (int)shape.batch, 1e-5);
}

static void products_of_matrices(void **state)
{
    (void)state;
    check(dense(arena_new(), 13, 33, 19, false, false, 'm'), 13, 1e-5);
    check(dense(arena_new(), 13, 40, 70, true, false, 'k'), 67, 1e-5);
    check(dense(arena_new(), 40, 81, 21, false, true, 'm'), 37, 1e-5);
    check(dense(arena_new(), 3, 5, 900, false, false, 'm'), 3, 1e-5);
}

/* Products of more small matrices than a grid has blocks along z. */
static void products_of_many_matrices(void **state)
{
    (void)state;
    enum { MANY = 66000, ROWS = 8, COLUMNS = 4, TERMS = 8 };
    Builder b = builder_new(arena_new(), "many");
    int n = builder_axis(&b, "n", false, EXTENT_FIXED, MANY),
        m = builder_axis(&b, "m", false, EXTENT_FIXED, ROWS),
        c = builder_axis(&b, "c", false, EXTENT_FIXED, COLUMNS),
        k = builder_axis(&b, "k", true, EXTENT_FIXED, TERMS);
    int ta = builder_tensor(&b, DTYPE_F32, false, MANY * ROWS * TERMS),
        tb = builder_tensor(&b, DTYPE_F32, false, MANY * TERMS * COLUMNS),
        tc = builder_tensor(&b, DTYPE_F32, true, MANY * ROWS * COLUMNS);
    b.computation->parallel = n;
    ExprId left = builder_load(&b, ta, affine(0, 3, X(n, ROWS * TERMS), X(m, TERMS), X(k, 1))),
           right = builder_load(&b, tb, affine(0, 3, X(n, TERMS * COLUMNS), X(k, COLUMNS), X(c, 1)));
    ExprId sum = builder_sum(&b, builder_scalar(&b, SCALAR_mul, left, right, 0), NULL, 0);
    builder_store(&b, STORE_WRITE, tc, affine(0, 3, X(n, ROWS * COLUMNS), X(m, COLUMNS), X(c, 1)), sum);
    CudaSchedule schedule;
    const char *complaint;
    const CudaTarget *target = cuda_target(b.arena, "sm_90", &complaint);
    cuda_schedule(target, b.computation, 1, &schedule);
    assert_int_not_equal(schedule.form, CUDA_TILES);
    b.computation->axes[n].extent = 60000;
    cuda_schedule(target, b.computation, 1, &schedule);
    assert_int_equal(schedule.form, CUDA_TILES);
    arena_free(b.arena);
}

static void maxima_and_where_they_were_met(void **state)
{
    (void)state;
    enum { ROWS = 21, TERMS = 150 };
    Builder b = builder_new(arena_new(), "maxima");
    int n = builder_axis(&b, "n", false, EXTENT_FIXED, ROWS),
        k = builder_axis(&b, "k", true, EXTENT_FIXED, TERMS);
    /* Bytes of ten values: most maxima are met more than once. */
    int tx = builder_tensor(&b, DTYPE_U8, false, ROWS * TERMS),
        tm = builder_tensor(&b, DTYPE_F32, true, ROWS), ta = builder_tensor(&b, DTYPE_F32, true, ROWS);
    b.computation->parallel = n;
    ExprId x = builder_load(&b, tx, affine(0, 2, X(n, TERMS), X(k, 1)));
    *vec_push(b.arena, &b.computation->accs) =
        (Accumulator){.kind = ACC_MAX, .expr = x, .at = affine(3, 2, X(k, 2), X(n, 1))};
    builder_store(&b, STORE_WRITE, tm, affine(0, 1, X(n, 1)), builder_expr(&b, (Expr){.kind = EXPR_ACC}));
    builder_store(&b, STORE_WRITE, ta, affine(0, 1, X(n, 1)), builder_expr(&b, (Expr){.kind = EXPR_ACC_AT}));
    check(b, 1, 0);
}

/* Stores whose guards fail at points that lie outside the tensors. */
static void stores_behind_guards(void **state)
{
    (void)state;
    Builder b = builder_new(arena_new(), "guards");
    int y = builder_axis(&b, "y", false, EXTENT_FIXED, 9), x = builder_axis(&b, "x", false, EXTENT_FIXED, 37);
    int ta = builder_tensor(&b, DTYPE_F32, false, 7 * 37), tb = builder_tensor(&b, DTYPE_F32, true, 7 * 37);
    b.computation->parallel = y;
    Affine at = affine(-37, 2, X(y, 37), X(x, 1));
    Guard inside[1] = {{affine(-1, 1, X(y, 1)), 7}};
    ExprId value = builder_load(&b, ta, at);
    Store *store = builder_store(&b, STORE_WRITE, tb, at, value);
    store->guard_first = b.computation->exprs.items[value].guard_first = builder_guards(&b, inside, 1);
    store->guard_count = b.computation->exprs.items[value].guard_count = 1;
    check(b, 1, 0);
}

/* All scalar functions, at values where each is defined. */
static void scalar_functions(void **state)
{
    (void)state;
    Builder b = builder_new(arena_new(), "functions");
    int n = builder_axis(&b, "n", false, EXTENT_BATCH, 300);
    int ta = builder_tensor(&b, DTYPE_F32, false, 300), tb = builder_tensor(&b, DTYPE_F32, false, 300);
    b.computation->parallel = n;
    Affine at = affine(0, 1, X(n, 1));
    ExprId a = builder_load(&b, ta, at), c = builder_load(&b, tb, at);
    ExprId positive =
        builder_scalar(&b, SCALAR_add, builder_scalar(&b, SCALAR_abs, a, 0, 0), builder_const(&b, 0.25), 0);
    for (int id = 0; id < SCALAR_COUNT && id < TENSORS_MOST - 3; id++) {
        bool wants_positive = id == SCALAR_sqrt || id == SCALAR_rsqrt || id == SCALAR_log || id == SCALAR_div;
        int to = builder_tensor(&b, DTYPE_F32, true, 300);
        builder_store(&b, STORE_WRITE, to, at,
                      builder_scalar(&b, (ScalarId)id, wants_positive ? positive : a,
                                     id == SCALAR_div ? positive : c, a));
    }
    check(b, 290, 1e-6);
    b = builder_new(arena_new(), "more functions");
    n = builder_axis(&b, "n", false, EXTENT_BATCH, 300);
    ta = builder_tensor(&b, DTYPE_F32, false, 300);
    tb = builder_tensor(&b, DTYPE_F32, false, 300);
    b.computation->parallel = n;
    a = builder_load(&b, ta, at);
    c = builder_load(&b, tb, at);
    positive =
        builder_scalar(&b, SCALAR_add, builder_scalar(&b, SCALAR_abs, a, 0, 0), builder_const(&b, 0.25), 0);
    for (int id = TENSORS_MOST - 3; id < SCALAR_COUNT; id++) {
        int to = builder_tensor(&b, DTYPE_F32, true, 300);
        bool wants_positive = id == SCALAR_power || id == SCALAR_log1p;
        builder_store(&b, STORE_WRITE, to, at,
                      builder_scalar(&b, (ScalarId)id, wants_positive ? positive : a, c, a));
    }
    check(b, 290, 1e-6);
}

/* The same numbers as runtime/rng.h, on which dropout and resuming rest. */
static void random_numbers(void **state)
{
    (void)state;
    Builder b = builder_new(arena_new(), "random");
    int n = builder_axis(&b, "n", false, EXTENT_BATCH, 40),
        c = builder_axis(&b, "c", false, EXTENT_FIXED, 13);
    int keys = builder_tensor(&b, DTYPE_I32, false, 4), to = builder_tensor(&b, DTYPE_F32, true, 40 * 13);
    b.computation->parallel = n;
    Expr expr = {.kind = EXPR_RANDOM, .index = 77, .at = affine(5, 1, X(c, 1)), .at2 = affine(0, 1, X(n, 1))};
    for (int i = 0; i < 4; i++)
        expr.in[i] = builder_load(&b, keys, affine(i, 0));
    builder_store(&b, STORE_WRITE, to, affine(0, 2, X(n, 13), X(c, 1)), builder_expr(&b, expr));
    check(b, 40, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),
        cmocka_unit_test(convolutions_by_tensor_cores),
        cmocka_unit_test(convolutions_of_a_batch_that_is_not_full),
        cmocka_unit_test(weight_gradients_by_slices),
        cmocka_unit_test(products_of_matrices),
        cmocka_unit_test(products_of_many_matrices),
        cmocka_unit_test(maxima_and_where_they_were_met),
        cmocka_unit_test(stores_behind_guards),
        cmocka_unit_test(scalar_functions),
        cmocka_unit_test(random_numbers),
    };
    return cmocka_run_group_tests_name("cuda kernels", tests, open_driver, close_driver);
}
