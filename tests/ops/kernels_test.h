/* What the tests of compiled kernels share: a computation under the chosen schedule and others, for this
 * machine or one that CNNC_TEST_CPU names and for plainer ones, against the interpreter. To be included
 * behind cmocka.h. */
#ifndef KERNELS_TEST_H
#define KERNELS_TEST_H

#include <math.h>
#include <stdlib.h>

#include "tests/ops/emulator.h"

/* Operations for which code made without effort is too slow, but shorter code may not be. */
static const double BRIEF_FLOPS = 5e6;
enum { SCHEDULES_MOST = 16, NAMED_SCHEDULES = 7, EMULATED_SCHEDULES = 3 };

static int brief_count[EFFORTS]; /* schedules seen that are brief */
static int kept_count;           /* schedules seen whose sums wait between blocks */

typedef struct {
    CnnCall call;
    double tolerance; /* relative to 1 + |exact| */
    uint32_t seed;
    void (*fill)(Memory *memory); /* NULL: as memory_new does */
} Check;

static inline void say(const char *name, const CpuTarget *target, const CpuSchedule *schedule,
                       const char *what)
{
    print_error("%s on %s, vectors %d of axis %d, rows %d of axis %d, spread %d, unroll %d: %s\n", name,
                target->cpu, schedule->vectors, schedule->vector_axis, schedule->rows, schedule->row_axis,
                schedule->spread_axis, schedule->unroll, what);
}

/* Every loop in the order of the axes, one point at a time. */
static inline CpuSchedule plain_schedule(const Computation *computation)
{
    CpuSchedule schedule = {
        .vector_axis = -1, .vectors = 1, .row_axis = -1, .rows = 1, .spread_axis = -1, .unroll = 1};
    for (int a = 0; a < computation->axis_count; a++) {
        if (computation->axes[a].reduced)
            schedule.reduce[schedule.reduce_count++] = a;
        else
            schedule.order[schedule.order_count++] = a;
    }
    return schedule;
}

static inline int all_schedules(const CpuTarget *target, const Computation *computation,
                                CpuSchedule *schedules)
{
    static const int tiles[][3] = {{1, 1, 1}, {2, 3, 2}, {5, 1, 3}, {3, 2, 8}};
    cpu_schedule(target, computation, &schedules[0]);
    schedules[1] = plain_schedule(computation);
    int count = 2;
    for (int i = 0; i < 2; i++) {
        if (cpu_schedule_brief(target, computation, &schedules[0], i ? BRIEF_FLOPS : 0, &schedules[count]))
            brief_count[schedules[count++].effort]++;
    }
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        schedules[count] = schedules[0];
        schedules[count].rows = schedules[0].row_axis < 0 ? 1 : tiles[i][0];
        schedules[count].vectors = tiles[i][1];
        schedules[count].rows_looped = i == 2 && schedules[0].row_axis >= 0 && schedules[0].spread_axis < 0;
        schedules[count++].unroll = tiles[i][2];
    }
    /* Caches so small that reductions are cut into blocks. */
    for (int i = 0; i < 6; i++) {
        CpuTarget small = *target;
        small.l1_bytes = 512;
        small.l2_bytes = (uint64_t)2048 << (2 * (i / 2));
        CpuVariant variant = {.order = i % 2 ? ORDER_VECTORS_INSIDE : ORDER_CHOSEN};
        assert_true(cpu_schedule_variant(&small, computation, &variant, &schedules[count]));
        kept_count += schedules[count].kept;
        if (schedules[count].kept)
            count++;
    }
    return count;
}

/* Runs the computation under all schedules, each on memory of its own. */
static inline void run_all(Arena *arena, const CpuTarget *target, const Builder *b,
                           const CpuSchedule *schedules, int count, const Check *check, Memory *memories)
{
    Kernel kernels[SCHEDULES_MOST], *list[SCHEDULES_MOST] = {0};
    const char *symbols[SCHEDULES_MOST], *complaint = NULL;
    CpuObject objects[SCHEDULES_MOST];
    CpuCompileOptions options = {.threads = 2};
    for (int i = 0; i < count; i++) {
        kernels[i] =
            (Kernel){.name = b->computation->name, .computation = b->computation, .cpu = schedules[i]};
        list[i] = &kernels[i];
    }
    assert_true(cpu_compile(target, list, symbols, count, &options, arena, objects, &complaint));
    for (int i = 0; i < count; i++)
        memories[i] = memory_new(arena, b, check->seed);
    for (int i = 0; i < count && check->fill; i++)
        check->fill(&memories[i]);
    run_objects(arena, target, objects, symbols, count, memories, &check->call);
}

static inline bool near_exact(const Memory *got, const Memory *exact, const Builder *b, double tolerance)
{
    for (int t = 0; t < got->count; t++) {
        bool small = got->dtype[t] == DTYPE_BF16 || got->dtype[t] == DTYPE_F16;
        for (int64_t i = 0; i < b->elements[t]; i++) {
            double want = exact->exact[t][i], have = memory_get(got, t, i);
            double allowed = (small ? 0.005 : tolerance) * (1 + fabs(want));
            if (!(fabs(want - have) <= allowed)) {
                print_error("t%d[%lld] is %.9g, should be %.9g\n", t, (long long)i, have, want);
                return false;
            }
        }
    }
    return true;
}

static inline bool same_bits(const Memory *a, const Memory *b)
{
    for (int t = 0; t < a->count; t++)
        if (memcmp(a->stored[t], b->stored[t], (size_t)a->elements[t] * dtype_bytes(a->dtype[t])) != 0)
            return false;
    return true;
}

static inline void check_on(Arena *arena, const CpuTarget *target, const Builder *b, const Check *check,
                            const Memory *exact, Memory *first, bool *have_first)
{
    CpuSchedule schedules[SCHEDULES_MOST];
    Memory memories[SCHEDULES_MOST];
    /* The tiles are tried on this machine; that other targets compute the same is seen from two. */
    int count = all_schedules(target, b->computation, schedules);
    CnnError error = {0};
    if (*have_first)
        count = 2;
    else if (getenv("CNNC_TEST_CPU"))
        count = cpu_runs_here(target, &error) == CNN_OK ? (count < NAMED_SCHEDULES ? count : NAMED_SCHEDULES)
                                                        : EMULATED_SCHEDULES;
    for (int i = 0; i < count; i++) {
        const char *complaint = cpu_schedule_legal(b->computation, &schedules[i], arena);
        if (complaint) {
            say(b->computation->name, target, &schedules[i], complaint);
            fail();
        }
    }
    run_all(arena, target, b, schedules, count, check, memories);
    for (int i = 0; i < count; i++) {
        if (!near_exact(&memories[i], exact, b, check->tolerance)) {
            say(b->computation->name, target, &schedules[i], "not what the interpreter computes");
            fail();
        }
        if (!memory_margins_whole(&memories[i])) {
            say(b->computation->name, target, &schedules[i], "wrote outside a tensor");
            fail();
        }
        if (!target->fma)
            continue;
        if (*have_first && !same_bits(first, &memories[i])) {
            say(b->computation->name, target, &schedules[i],
                "other bits than with another schedule or target");
            fail();
        }
        *first = memories[i];
        *have_first = true;
    }
}

/* The processor on which all schedules are tried: this machine, or one that CNNC_TEST_CPU names,
 * which an emulator may be. */
static inline const CpuTarget *checked_cpu(Arena *arena)
{
    const char *complaint, *name = getenv("CNNC_TEST_CPU");
    const CpuTarget *target = cpu_target(arena, name ? name : "native", &complaint);
    if (!target)
        fail_msg("%s", complaint);
    return target;
}

static inline bool checked_cpu_runs(void)
{
    Arena *arena = arena_new();
    CnnError error = {0};
    const CpuTarget *target = checked_cpu(arena);
    bool runs = cpu_runs_here(target, &error) == CNN_OK || emulator_found(target);
    if (!runs)
        print_message("skipped: %s, and no emulator is installed (Debian: gcc-aarch64-linux-gnu, "
                      "libc6-dev-arm64-cross, qemu-user-static)\n",
                      error.text);
    arena_free(arena);
    return runs;
}

/* The computation under all schedules on all targets. tolerance: relative. */
static inline void check_with(Arena *arena, Builder b, Check check)
{
    computation_verify(b.computation, "test");
    const Axis *parallel = &b.computation->axes[b.computation->parallel];
    if (parallel->kind == EXTENT_FIXED)
        check.call.end = parallel->extent;
    Memory exact = memory_new(arena, &b, check.seed), first;
    interp_computation(b.computation, exact.exact, &check.call);
    bool have_first = false;
    const CpuTarget *host = checked_cpu(arena);
    check_on(arena, host, &b, &check, &exact, &first, &have_first);
    static const char *const others[] = {"x86-64", "x86-64-v3"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *complaint;
        CnnError error = {0};
        const CpuTarget *target = cpu_target(arena, others[i], &complaint);
        assert_non_null(target);
        bool compared = !getenv("CNNC_TEST_CPU") || (target->fma && host->fma);
        if (compared && cpu_runs_here(target, &error) == CNN_OK && strcmp(target->cpu, host->cpu) != 0)
            check_on(arena, target, &b, &check, &exact, &first, &have_first);
    }
}

/* Of a kernel whose parallel axis is the batch; where it has a fixed extent, all of it is done. */
static inline Check whole(int64_t end, int64_t samples)
{
    return (Check){
        .call = {.end = end, .samples = samples, .slices = 3, .first = 1}, .tolerance = 1e-5, .seed = 7};
}

#endif
