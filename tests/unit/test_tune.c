/* Tuning: what it chooses is a legal schedule that computes the same bits, and it is remembered. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "compiler/cpu/tune.h"
#include "compiler/cpu/tune_store.h"
#include "tests/ops/computations.h"

static char folder[] = "/tmp/cnnc-tune-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/tuned.sqlite", folder);
    unlink(path);
    return rmdir(folder);
}

static const ConvShape shape = {4, 14, 14, 8, 40, 3, 1, 1, 0, .pool = true};

static void compute(Arena *arena, const CpuTarget *target, Kernel *kernel, const Builder *b, Memory *memory)
{
    const char *symbol, *complaint;
    CpuObject object;
    CnnCode *code;
    CpuCompileOptions options = {.threads = 1};
    assert_true(cpu_compile(target, &kernel, &symbol, 1, &options, arena, &object, &complaint));
    CpuCode *loaded = cpu_load(&object, &symbol, 1, &code, &complaint);
    assert_non_null(loaded);
    *memory = memory_new(arena, b, 3);
    CnnCall call = {.end = shape.batch, .samples = shape.batch, .slices = 1, .first = 1};
    code(memory->stored, &call);
    cpu_unload(loaded);
}

static void a_tuned_kernel_computes_the_same_bits_and_is_remembered(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const CpuTarget *target = cpu_host(arena);
    const char *complaint = NULL;
    Builder b = conv_forward(arena, &shape);
    Kernel plain = {.name = "plain", .computation = b.computation};
    cpu_schedule(target, b.computation, &plain.cpu);
    Kernel tuned = plain, twin = plain, later = plain;
    CpuTuned kernels[2] = {{.kernel = &tuned, .samples = shape.batch, .calls = 1},
                           {.kernel = &twin, .samples = shape.batch, .calls = 1}};
    CpuTuneOptions options = {.cache = folder, .threads = 1, .seconds = 60};
    assert_true(cpu_tune(target, kernels, 2, &options, &complaint));
    assert_true(kernels[0].tried + kernels[1].tried > 5);
    assert_true(kernels[0].tried == 0 || kernels[1].tried == 0); /* the same computation: once */
    assert_true(kernels[0].after > 0 && kernels[0].after <= kernels[0].before);
    assert_memory_equal(&tuned.cpu, &twin.cpu, sizeof tuned.cpu);
    assert_null(cpu_schedule_legal(b.computation, &tuned.cpu, arena));
    Memory before, after;
    compute(arena, target, &plain, &b, &before);
    compute(arena, target, &tuned, &b, &after);
    for (int t = 0; t < before.count; t++)
        assert_memory_equal(before.stored[t], after.stored[t],
                            (size_t)before.elements[t] * dtype_bytes(before.dtype[t]));
    Kernel *list = &later;
    assert_int_equal(cpu_tune_recall(target, folder, &list, 1), 1);
    assert_memory_equal(&later.cpu, &tuned.cpu, sizeof later.cpu);
    kernels[0] = (CpuTuned){.kernel = &later, .samples = shape.batch, .calls = 1};
    assert_true(cpu_tune(target, kernels, 1, &options, &complaint));
    assert_true(kernels[0].remembered && kernels[0].tried == 0);
    arena_free(arena);
}

static void no_time_changes_nothing(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const CpuTarget *target = cpu_host(arena);
    const char *complaint = NULL;
    Builder b = conv_weights(arena, &shape);
    Kernel kernel = {.name = "kernel", .computation = b.computation};
    cpu_schedule(target, b.computation, &kernel.cpu);
    CpuSchedule chosen = kernel.cpu;
    CpuTuned tuned = {.kernel = &kernel, .samples = shape.batch, .calls = 1};
    CpuTuneOptions options = {.threads = 1, .seconds = 0};
    assert_true(cpu_tune(target, &tuned, 1, &options, &complaint));
    assert_memory_equal(&kernel.cpu, &chosen, sizeof chosen);
    assert_int_equal(tuned.tried, 0);
    arena_free(arena);
}

static void a_store_that_cannot_be_opened_remembers_nothing(void **state)
{
    (void)state;
    CpuVariant variant = {0};
    assert_null(tune_store_open("/nowhere/at/all"));
    assert_null(tune_store_open(NULL));
    assert_false(tune_store_get(NULL, (Key){1, 2}, &variant));
    tune_store_put(NULL, (Key){1, 2}, &variant, 1);
    tune_store_close(NULL);
}

static void a_store_keeps_what_was_put_last(void **state)
{
    (void)state;
    TuneStore *store = tune_store_open(folder);
    assert_non_null(store);
    const Key key = {UINT64_MAX, 7}, other = {UINT64_MAX, 8};
    CpuVariant got = {0}, first = {1, 2, 3, 1, 0}, second = {2, 4, 8, 2, 3};
    tune_store_put(store, key, &first, 1e-3);
    tune_store_put(store, key, &second, 1e-4);
    tune_store_close(store);
    store = tune_store_open(folder);
    assert_non_null(store);
    assert_true(tune_store_get(store, key, &got));
    assert_memory_equal(&got, &second, sizeof got);
    assert_false(tune_store_get(store, other, &got));
    tune_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tuned_kernel_computes_the_same_bits_and_is_remembered),
        cmocka_unit_test(no_time_changes_nothing),
        cmocka_unit_test(a_store_that_cannot_be_opened_remembers_nothing),
        cmocka_unit_test(a_store_keeps_what_was_put_last),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
