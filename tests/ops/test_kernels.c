/* Compiled kernels against the interpreter: every kind of computation, under the chosen schedule and others,
 * for this machine and for plainer ones; and the same bits for all of them that fuse multiply-adds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "tests/ops/emulator.h"

/* Of this machine; of a named processor, run here or by an emulator. */
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

static void say(const char *name, const CpuTarget *target, const CpuSchedule *schedule, const char *what)
{
    print_error("%s on %s, vectors %d of axis %d, rows %d of axis %d, spread %d, unroll %d: %s\n", name,
                target->cpu, schedule->vectors, schedule->vector_axis, schedule->rows, schedule->row_axis,
                schedule->spread_axis, schedule->unroll, what);
}

/* Every loop in the order of the axes, one point at a time. */
static CpuSchedule plain_schedule(const Computation *computation)
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

static int all_schedules(const CpuTarget *target, const Computation *computation, CpuSchedule *schedules)
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
static void run_all(Arena *arena, const CpuTarget *target, const Builder *b, const CpuSchedule *schedules,
                    int count, const Check *check, Memory *memories)
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

static bool near_exact(const Memory *got, const Memory *exact, const Builder *b, double tolerance)
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

static bool same_bits(const Memory *a, const Memory *b)
{
    for (int t = 0; t < a->count; t++)
        if (memcmp(a->stored[t], b->stored[t], (size_t)a->elements[t] * dtype_bytes(a->dtype[t])) != 0)
            return false;
    return true;
}

static void check_on(Arena *arena, const CpuTarget *target, const Builder *b, const Check *check,
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
static const CpuTarget *checked_cpu(Arena *arena)
{
    const char *complaint, *name = getenv("CNNC_TEST_CPU");
    const CpuTarget *target = cpu_target(arena, name ? name : "native", &complaint);
    if (!target)
        fail_msg("%s", complaint);
    return target;
}

static bool checked_cpu_runs(void)
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
static void check_with(Arena *arena, Builder b, Check check)
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
static Check whole(int64_t end, int64_t samples)
{
    return (Check){
        .call = {.end = end, .samples = samples, .slices = 3, .first = 1}, .tolerance = 1e-5, .seed = 7};
}

/* ---- Convolutions ---- */

static const ConvShape shapes[] = {
    {2, 6, 9, 1, 5, 3, 1, 1, 0, .bias = false},
    {2, 7, 20, 3, 16, 3, 1, 1, 0, .bias = true},
    {3, 8, 17, 4, 33, 3, 1, 1, 1, .bias = true},
    {2, 9, 9, 2, 18, 3, 2, 1, 1, .bias = false},
    {1, 9, 11, 3, 7, 3, 1, 2, 2, .bias = false},
    {2, 5, 4, 17, 20, 5, 1, 1, 2, .bias = false},
    {2, 9, 13, 3, 16, 3, 1, 1, 0, .pool = true},
    {2, 8, 8, 2, 19, 3, 1, 1, 1, .pool = true},
    {1, 6, 34, 5, 32, 1, 1, 1, 0, .bias = true},
    {2, 6, 9, 3, 24, 3, 1, 1, 1, .bias = true, .dtype = DTYPE_BF16},
    {2, 6, 9, 3, 24, 3, 1, 1, 1, .bias = true, .dtype = DTYPE_F16},
};

static void convolutions_forward(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        Arena *arena = arena_new();
        check_with(arena, conv_forward(arena, &shapes[i]), whole(shapes[i].batch, shapes[i].batch));
        arena_free(arena);
    }
}

static void convolutions_of_a_part_of_the_batch_leave_the_rest_alone(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    ConvShape shape = shapes[1];
    shape.batch = 5;
    Check check = whole(4, 5);
    check.call.begin = 2;
    check_with(arena, conv_forward(arena, &shape), check);
    arena_free(arena);
}

static void convolutions_weight_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int64_t first = 0; first < 2; first++) {
            Arena *arena = arena_new();
            Check check = whole(shapes[i].batch, shapes[i].batch);
            check.call.first = first;
            check_with(arena, conv_weights(arena, &shapes[i]), check);
            arena_free(arena);
        }
    }
}

/* In caches of every size: few rows of the picture at a time fit, and where the padding writes the rows out,
 * one. */
static void weight_gradients_in_blocks_of_rows(void **state)
{
    (void)state;
    static const ConvShape pictures[] = {{2, 12, 10, 3, 20, 3, 1, 1, 0, .bias = false},
                                         {2, 7, 10, 3, 20, 3, 1, 1, 1, .bias = false}};
    int blocked = 0;
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        Arena *arena = arena_new();
        Builder b = conv_weights(arena, &pictures[i]);
        CpuTarget small = *checked_cpu(arena);
        Memory exact = memory_new(arena, &b, 7), first;
        Check check = whole(2, 2);
        interp_computation(b.computation, exact.exact, &check.call);
        bool have_first = false;
        int before = blocked;
        for (small.l2_bytes = 1 << 20; small.l2_bytes > 2000; small.l2_bytes /= 3) {
            CpuSchedule schedule;
            cpu_schedule(&small, b.computation, &schedule);
            for (int a = 0; a < b.computation->axis_count; a++)
                blocked += schedule.block[a] > (schedule.unrolled[a] ? 0 : 1);
            check_on(arena, &small, &b, &check, &exact, &first, &have_first);
        }
        assert_true(blocked - before > 1 ||
                    small.lanes < 8); /* with few lanes, blocks are not worth it in both */
        arena_free(arena);
    }
    assert_true(blocked > 0);
}

static void convolutions_input_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].stride > 1 || shapes[i].dilation > 1)
            continue;
        Arena *arena = arena_new();
        check_with(arena, conv_inputs(arena, &shapes[i]), whole(shapes[i].batch, shapes[i].batch));
        arena_free(arena);
    }
}

/* ---- Dense ---- */

static void dense_with_every_tail(void **state)
{
    (void)state;
    for (int64_t columns = 1; columns <= 33; columns += columns < 8 ? 3 : 5) {
        Arena *arena = arena_new();
        check_with(arena, dense(arena, 7, columns, 19, false, false, 'm'), whole(7, 7));
        check_with(arena, dense(arena, 13, columns, 6, true, false, 'k'), whole(0, 6));
        check_with(arena, dense(arena, 5, columns, 21, false, true, 'm'), whole(5, 5));
        arena_free(arena);
    }
}

/* Long enough for blocks; the batch is not full, and its samples are no multiple of a block. */
static void dense_in_blocks_of_terms(void **state)
{
    (void)state;
    int before = kept_count;
    Arena *arena = arena_new();
    check_with(arena, dense(arena, 9, 40, 300, false, false, 'm'), whole(8, 8));
    check_with(arena, dense(arena, 30, 40, 130, true, false, 'k'), whole(0, 117));
    assert_true(kept_count > before + 4);
    arena_free(arena);
}

/* A product with a transposed matrix of many columns: vectors lie along the samples, whose operand is packed,
 * and the result is turned in registers. The batch is not full. */
static void dense_that_reads_weights_as_they_lie(void **state)
{
    (void)state;
    for (int64_t columns = 64; columns < 100; columns += 17) {
        Arena *arena = arena_new();
        Builder b = dense(arena, 40, columns, 21, false, true, 'm');
        CpuSchedule schedule;
        cpu_schedule(checked_cpu(arena), b.computation, &schedule);
        assert_true(schedule.packed != 0);
        Check check = whole(b.computation->parallel == 0 ? 37 : columns, 37);
        check_with(arena, b, check);
        arena_free(arena);
    }
}

static void copies_are_turned_in_registers(void **state)
{
    (void)state;
    for (int64_t rows = 15; rows < 40; rows += 12) {
        Arena *arena = arena_new();
        Builder b = builder_new(arena, "permute");
        int a = builder_axis(&b, "a", false, EXTENT_FIXED, 37),
            c = builder_axis(&b, "c", false, EXTENT_FIXED, rows);
        int from = builder_tensor(&b, DTYPE_F32, false, rows * 37),
            to = builder_tensor(&b, DTYPE_F32, true, rows * 37);
        builder_store(&b, STORE_WRITE, to, affine(0, 2, X(a, rows), X(c, 1)),
                      builder_load(&b, from, affine(0, 2, X(c, 37), X(a, 1))));
        simplify(b.computation);
        check_with(arena, b, whole(37, 37));
        arena_free(arena);
    }
}

/* ---- Reductions ---- */

static void sums_over_samples_rows_and_columns(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Builder b = builder_new(arena, "statistics");
    int c = builder_axis(&b, "c", false, EXTENT_FIXED, 21), n = builder_axis(&b, "n", true, EXTENT_BATCH, 4);
    int y = builder_axis(&b, "y", true, EXTENT_FIXED, 9);
    int tx = builder_tensor(&b, DTYPE_F32, false, 4 * 9 * 21), ts = builder_tensor(&b, DTYPE_F32, true, 21);
    int tq = builder_tensor(&b, DTYPE_F32, true, 21);
    b.computation->chunked = true;
    b.computation->parallel = n;
    ExprId x = builder_load(&b, tx, affine(0, 3, X(n, 9 * 21), X(y, 21), X(c, 1)));
    ExprId sum = builder_sum(&b, x, NULL, 0);
    b.computation->accs.items[0].contraction = false;
    ExprId squares = builder_sum(&b, builder_scalar(&b, SCALAR_mul, x, x, 0), NULL, 0);
    builder_store(&b, STORE_ACC, ts, affine(0, 1, X(c, 1)), sum);
    builder_store(&b, STORE_ACC, tq, affine(0, 1, X(c, 1)), squares);
    Check check = whole(3, 4);
    check.call.begin = 1;
    check_with(arena, b, check);
    check.call.first = 0;
    check_with(arena, b, check);
    arena_free(arena);
}

/* exp(x - max) / sum exp(x - max), the sums along the innermost axis. */
static void softmax_rows(void **state)
{
    (void)state;
    for (int64_t classes = 3; classes <= 40; classes += 37) {
        Arena *arena = arena_new();
        Builder b = builder_new(arena, "row sums");
        int n = builder_axis(&b, "n", false, EXTENT_BATCH, 37),
            k = builder_axis(&b, "k", true, EXTENT_FIXED, classes);
        int tx = builder_tensor(&b, DTYPE_F32, false, 37 * classes),
            tm = builder_tensor(&b, DTYPE_F32, false, 37);
        int ts = builder_tensor(&b, DTYPE_F32, true, 37), tl = builder_tensor(&b, DTYPE_F32, true, 37);
        b.computation->parallel = n;
        ExprId x = builder_load(&b, tx, affine(0, 2, X(n, classes), X(k, 1)));
        ExprId moved = builder_scalar(&b, SCALAR_sub, x, builder_load(&b, tm, affine(0, 1, X(n, 1))), 0);
        ExprId sum = builder_sum(&b, builder_scalar(&b, SCALAR_exp, moved, 0, 0), NULL, 0);
        builder_store(&b, STORE_WRITE, ts, affine(0, 1, X(n, 1)), sum);
        builder_store(&b, STORE_WRITE, tl, affine(0, 1, X(n, 1)), builder_scalar(&b, SCALAR_log, sum, 0, 0));
        check_with(arena, b, whole(37, 37));
        arena_free(arena);
    }
}

static void maxima_with_their_positions(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Builder b = builder_new(arena, "max-pool");
    int n = builder_axis(&b, "n", false, EXTENT_BATCH, 2), y = builder_axis(&b, "y", false, EXTENT_FIXED, 5);
    int c = builder_axis(&b, "c", false, EXTENT_FIXED, 18), k = builder_axis(&b, "k", true, EXTENT_FIXED, 3);
    int tx = builder_tensor(&b, DTYPE_U8, false, 2 * 9 * 18),
        tm = builder_tensor(&b, DTYPE_F32, true, 2 * 5 * 18);
    int tw = builder_tensor(&b, DTYPE_U8, true, 2 * 5 * 18);
    b.computation->parallel = n;
    Affine row = affine(-1, 2, X(y, 2), X(k, 1)); /* the first and last windows reach over the edge */
    ExprId x = builder_load(&b, tx, affine_add(affine_scale(row, 18), affine(0, 2, X(n, 9 * 18), X(c, 1))));
    Guard guard = {row, 9};
    ExprId most = builder_sum(&b, x, &guard, 1);
    b.computation->accs.items[0].kind = ACC_MAX;
    b.computation->accs.items[0].at = affine(0, 1, X(k, 1));
    ExprId where = builder_expr(&b, (Expr){.kind = EXPR_ACC_AT, .index = 0});
    Affine at = affine(0, 3, X(n, 5 * 18), X(y, 18), X(c, 1));
    builder_store(&b, STORE_WRITE, tm, at, most);
    builder_store(&b, STORE_WRITE, tw, at, where);
    check_with(arena, b, whole(2, 2));
    arena_free(arena);
}

static void sums_joined_to_an_epilogue(void **state)
{
    (void)state;
    for (int64_t first = 0; first < 2; first++) {
        Arena *arena = arena_new();
        ConvShape shape = {3, 6, 11, 3, 21, 3, 1, 1, 1, .bias = false};
        Builder b = conv_inputs(arena, &shape);
        const Store *store = &b.computation->stores.items[0];
        int c = b.computation->axis_count - 1;
        while (b.computation->axes[c].reduced || store->at.coef[c] != 1)
            c--;
        int sums = builder_tensor(&b, DTYPE_F32, true, 3);
        builder_store(&b, STORE_ADD, sums, affine(0, 1, X(c, 1)), store->expr);
        Check check = whole(3, 3);
        check.call.begin = 1;
        check.call.first = first;
        check_with(arena, b, check);
        arena_free(arena);
    }
}

/* ---- Pointwise ---- */

static void pointwise_with_broadcasts_types_and_a_random_mask(void **state)
{
    (void)state;
    for (int64_t columns = 1; columns <= 35; columns += 17) {
        Arena *arena = arena_new();
        Builder b = builder_new(arena, "dropout");
        int n = builder_axis(&b, "n", false, EXTENT_BATCH, 5),
            c = builder_axis(&b, "c", false, EXTENT_FIXED, columns);
        int tx = builder_tensor(&b, DTYPE_BF16, false, 5 * columns),
            tb = builder_tensor(&b, DTYPE_F32, false, columns);
        int ts = builder_tensor(&b, DTYPE_I32, false, 4), tn = builder_tensor(&b, DTYPE_F32, false, 5);
        int ty = builder_tensor(&b, DTYPE_F32, true, 5 * columns),
            th = builder_tensor(&b, DTYPE_BF16, true, 5 * columns);
        int tu = builder_tensor(&b, DTYPE_U8, true, 5 * columns);
        b.computation->parallel = n;
        Affine at = affine(0, 2, X(n, columns), X(c, 1));
        ExprId x = builder_load(&b, tx, at);
        ExprId y = builder_scalar(&b, SCALAR_add, x, builder_load(&b, tb, affine(0, 1, X(c, 1))), 0);
        y = builder_scalar(&b, SCALAR_mul, y, builder_load(&b, tn, affine(0, 1, X(n, 1))), 0);
        Expr random = {.kind = EXPR_RANDOM,
                       .index = 0x40001234,
                       .at = affine(3, 1, X(c, 1)),
                       .at2 = affine(0, 1, X(n, 1))};
        for (int i = 0; i < 4; i++)
            random.in[i] = builder_load(&b, ts, affine(i, 0));
        ExprId uniform = builder_expr(&b, random);
        ExprId keep = builder_scalar(&b, SCALAR_greater, builder_const(&b, 0.7), uniform, 0);
        y = builder_scalar(&b, SCALAR_select, keep, y, uniform);
        y = builder_scalar(&b, SCALAR_add, y,
                           builder_expr(&b, (Expr){.kind = EXPR_AXIS, .at = affine(2, 1, X(c, -3))}), 0);
        builder_store(&b, STORE_WRITE, ty, at, y);
        builder_store(&b, STORE_WRITE, th, at,
                      builder_scalar(&b, SCALAR_mul, y, builder_const(&b, 1.2345), 0));
        builder_store(&b, STORE_WRITE, tu, at,
                      builder_scalar(&b, SCALAR_mul, keep, builder_const(&b, 255), 0));
        Check check = whole(5, 5);
        check.call.begin = 1;
        check_with(arena, b, check);
        arena_free(arena);
    }
}

enum { HALVES_ROWS = 256, HALVES_COLUMNS = 259, HALVES = HALVES_ROWS * HALVES_COLUMNS };

/* Tensor 0: every number of f16. Tensor 1: floats near them, of all bits. */
static void fill_halves(Memory *memory)
{
    uint32_t seed = 1;
    for (int i = 0; i < HALVES; i++) {
        ((uint16_t *)memory->stored[0])[i] = (uint16_t)i;
        uint32_t near = cnn_float_bits(cnn_f16_value((uint16_t)i)), more = next_random(&seed) & 0x3FFF;
        ((float *)memory->stored[1])[i] = cnn_float_of_bits(near + (i % 3 ? more & 0x3001 : more));
    }
}

static void check_halves(Arena *arena, const CpuTarget *target, const Builder *b)
{
    CpuSchedule schedules[2];
    Memory memories[2];
    cpu_schedule(target, b->computation, &schedules[0]);
    schedules[1] = plain_schedule(b->computation);
    const Check check = {.call = {.end = HALVES_ROWS, .samples = 1, .slices = 1, .first = 1},
                         .fill = fill_halves};
    run_all(arena, target, b, schedules, 2, &check, memories);
    for (int m = 0; m < 2; m++) {
        const uint16_t *half = memories[m].stored[0], *made = memories[m].stored[3];
        const float *near = memories[m].stored[1], *read = memories[m].stored[2];
        for (int i = 0; i < HALVES; i++) {
            float value = cnn_f16_value(half[i]);
            uint16_t wanted = cnn_f16_of(near[i]);
            if (isnan(value) ? !isnan(read[i]) : cnn_float_bits(read[i]) != cnn_float_bits(value))
                fail_msg("%s: f16 %04x is read as %a, not %a", target->cpu, half[i], (double)read[i],
                         (double)value);
            if (isnan(near[i]) ? !isnan(cnn_f16_value(made[i])) : made[i] != wanted)
                fail_msg("%s: %a becomes f16 %04x, not %04x", target->cpu, (double)near[i], made[i], wanted);
        }
    }
}

static void every_f16_number_is_read_and_rounded_to_alike(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Builder b = builder_new(arena, "halves");
    int y = builder_axis(&b, "y", false, EXTENT_FIXED, HALVES_ROWS),
        x = builder_axis(&b, "x", false, EXTENT_FIXED, HALVES_COLUMNS);
    int half = builder_tensor(&b, DTYPE_F16, false, HALVES),
        near = builder_tensor(&b, DTYPE_F32, false, HALVES),
        read = builder_tensor(&b, DTYPE_F32, true, HALVES),
        made = builder_tensor(&b, DTYPE_F16, true, HALVES);
    b.computation->parallel = y;
    Affine at = affine(0, 2, X(y, HALVES_COLUMNS), X(x, 1));
    builder_store(&b, STORE_WRITE, read, at, builder_load(&b, half, at));
    builder_store(&b, STORE_WRITE, made, at, builder_load(&b, near, at));
    const CpuTarget *host = checked_cpu(arena);
    check_halves(arena, host, &b);
    static const char *const others[] = {"x86-64", "x86-64-v3"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *complaint;
        CnnError error = {0};
        const CpuTarget *target = cpu_target(arena, others[i], &complaint);
        if (cpu_runs_here(target, &error) == CNN_OK && strcmp(target->cpu, host->cpu) != 0)
            check_halves(arena, target, &b);
    }
    arena_free(arena);
}

static void loads_and_stores_with_steps_and_guards(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Builder b = builder_new(arena, "gather");
    int y = builder_axis(&b, "y", false, EXTENT_FIXED, 6), x = builder_axis(&b, "x", false, EXTENT_FIXED, 37);
    int ta = builder_tensor(&b, DTYPE_F32, false, 6 * 37), tt = builder_tensor(&b, DTYPE_F32, false, 37 * 6);
    int td = builder_tensor(&b, DTYPE_F32, true, 6 * 37), te = builder_tensor(&b, DTYPE_F32, true, 6 * 80);
    b.computation->parallel = y;
    ExprId left = builder_load(&b, ta, affine(-1, 2, X(y, 37), X(x, 1))); /* shifted by one, zero beyond */
    Guard guard = {affine(-1, 1, X(x, 1)), 37};
    b.computation->exprs.items[left].guard_first = builder_guards(&b, &guard, 1);
    b.computation->exprs.items[left].guard_count = 1;
    ExprId turned = builder_load(&b, tt, affine(0, 2, X(x, 6), X(y, 1)));
    ExprId up = builder_load(&b, ta, affine(2 * 37, 2, X(y, 37), X(x, 1)));
    Guard above = {affine(2, 1, X(y, 1)), 6};
    b.computation->exprs.items[up].guard_first = builder_guards(&b, &above, 1);
    b.computation->exprs.items[up].guard_count = 1;
    ExprId sum = builder_scalar(&b, SCALAR_add, builder_scalar(&b, SCALAR_add, left, turned, 0), up, 0);
    builder_store(&b, STORE_WRITE, td, affine(0, 2, X(y, 37), X(x, 1)), sum);
    Store *store = builder_store(&b, STORE_WRITE, te, affine(0, 2, X(y, 80), X(x, 2)), turned);
    Guard inside[2] = {{affine(0, 1, X(x, 2)), 60}, {affine(-1, 1, X(y, 1)), 4}};
    store->guard_first = builder_guards(&b, inside, 2);
    store->guard_count = 2;
    check_with(arena, b, whole(0, 1));
    arena_free(arena);
}

static void sums_over_slices_with_an_update_in_place(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Builder b = builder_new(arena, "update");
    int o = builder_axis(&b, "o", false, EXTENT_FIXED, 3), c = builder_axis(&b, "c", false, EXTENT_FIXED, 29);
    int s = builder_axis(&b, "s", true, EXTENT_SLICES, 5);
    int tg = builder_tensor(&b, DTYPE_F32, false, 5 * 3 * 29),
        tw = builder_tensor(&b, DTYPE_F32, true, 3 * 29);
    int tr = builder_tensor(&b, DTYPE_F32, false, 1);
    b.computation->parallel = o;
    ExprId gradient =
        builder_sum(&b, builder_load(&b, tg, affine(0, 3, X(s, 87), X(o, 29), X(c, 1))), NULL, 0);
    b.computation->accs.items[0].contraction = false;
    Affine at = affine(0, 2, X(o, 29), X(c, 1));
    ExprId rate = builder_load(&b, tr, affine(0, 0));
    ExprId decay = builder_scalar(&b, SCALAR_exp, rate, 0, 0); /* the same everywhere: computed once */
    ExprId step = builder_scalar(&b, SCALAR_mul, builder_scalar(&b, SCALAR_mul, rate, decay, 0), gradient, 0);
    builder_store(&b, STORE_WRITE, tw, at, builder_scalar(&b, SCALAR_sub, builder_load(&b, tw, at), step, 0));
    check_with(arena, b, whole(0, 1));
    arena_free(arena);
}

static void vectors_along_the_batch(void **state)
{
    (void)state;
    for (int64_t end = 1; end <= 70; end += 23) {
        Arena *arena = arena_new();
        Builder b = builder_new(arena, "losses");
        int n = builder_axis(&b, "n", false, EXTENT_BATCH, 80);
        int tx = builder_tensor(&b, DTYPE_F32, false, 80), tl = builder_tensor(&b, DTYPE_I32, false, 80);
        int ty = builder_tensor(&b, DTYPE_F32, true, 80);
        b.computation->parallel = n;
        Affine at = affine(0, 1, X(n, 1));
        ExprId product =
            builder_scalar(&b, SCALAR_mul, builder_load(&b, tx, at), builder_load(&b, tl, at), 0);
        builder_store(&b, STORE_WRITE, ty, at, builder_scalar(&b, SCALAR_sigmoid, product, 0, 0));
        Check check = whole(end, 80);
        check.call.begin = end / 3;
        check_with(arena, b, check);
        arena_free(arena);
    }
}

/* ---- Scalar functions ---- */

typedef struct {
    double low, high, ulps;
} Inputs;

static double ulps_between(double exact, float got)
{
    if (isnan(exact) || isnan(got))
        return isnan(exact) && isnan(got) ? 0 : INFINITY;
    float near = (float)exact;
    if (near == got)
        return 0;
    if (isinf(near) || isinf(got))
        return INFINITY;
    double unit = fmax(fabs((double)nextafterf(near, INFINITY) - (double)near), 1.4e-45);
    return fabs(exact - (double)got) / unit;
}

static void check_function(const CpuTarget *target, ScalarId id, Inputs range)
{
    enum { POINTS = 40000 };
    static const double edges[] = {0,      -0.0,  1,        -1,   INFINITY, -INFINITY, 1e-30,
                                   -1e-30, 1e-40, 88.72283, 88.8, -87.4,    -103,      1e30};
    Arena *arena = arena_new();
    Builder b = builder_new(arena, scalar_table[id].name);
    int n = builder_axis(&b, "n", false, EXTENT_FIXED, 1),
        c = builder_axis(&b, "c", false, EXTENT_FIXED, POINTS);
    int ta = builder_tensor(&b, DTYPE_F32, false, POINTS), tb = builder_tensor(&b, DTYPE_F32, false, POINTS);
    int tc = builder_tensor(&b, DTYPE_F32, false, POINTS), ty = builder_tensor(&b, DTYPE_F32, true, POINTS);
    b.computation->parallel = n;
    Affine at = affine(0, 1, X(c, 1));
    ExprId a = builder_load(&b, ta, at), e = builder_load(&b, tb, at), f = builder_load(&b, tc, at);
    builder_store(&b, STORE_WRITE, ty, at, builder_scalar(&b, id, a, e, f));
    Memory memory = memory_new(arena, &b, 3);
    for (int64_t i = 0; i < POINTS; i++) {
        double share = (memory_get(&memory, ta, i) + 1) / 2;
        memory_set(&memory, ta, i, range.low + share * (range.high - range.low));
    }
    bool edged = range.ulps > 0;
    for (size_t i = 0; i < sizeof edges / sizeof *edges && edged; i++)
        memory_set(&memory, ta, (int64_t)i * 17, edges[i]);
    memory_set(&memory, ta, 5, NAN);
    CpuSchedule schedules[2] = {plain_schedule(b.computation)};
    cpu_schedule(target, b.computation, &schedules[1]);
    for (int s = 0; s < 2; s++) {
        Kernel kernel = {.name = "function", .computation = b.computation, .cpu = schedules[s]};
        Kernel *kernels[1] = {&kernel};
        const char *symbol, *complaint;
        CpuObject object;
        CpuCompileOptions options = {.threads = 1};
        assert_true(cpu_compile(target, kernels, &symbol, 1, &options, arena, &object, &complaint));
        CnnCall call = {.end = 1, .samples = 1, .slices = 1, .first = 1};
        run_objects(arena, target, &object, &symbol, 1, &memory, &call);
        double worst = 0, at_worst = 0;
        for (int64_t i = 0; i < POINTS; i++) {
            double x = memory_get(&memory, ta, i), y = memory_get(&memory, tb, i),
                   z = memory_get(&memory, tc, i);
            if (id == SCALAR_power && x < 0)
                continue;
            double error = ulps_between(scalar_evaluate(id, x, y, z), (float)memory_get(&memory, ty, i));
            if (error > worst) {
                worst = error;
                at_worst = x;
            }
        }
        if (worst > fmax(range.ulps, 0.5)) {
            print_error("%s on %s: %.2f units in the last place at %.9g\n", scalar_table[id].name,
                        target->cpu, worst, at_worst);
            fail();
        }
    }
    arena_free(arena);
}

static void scalar_functions_are_right_to_a_few_units_in_the_last_place(void **state)
{
    (void)state;
    static const struct {
        ScalarId id;
        Inputs ranges[3];
        int count;
    } rows[] = {
        {SCALAR_add, {{-3, 3, 0.5}}, 1},
        {SCALAR_sub, {{-3, 3, 0.5}}, 1},
        {SCALAR_mul, {{-3, 3, 0.5}}, 1},
        {SCALAR_div, {{-3, 3, 0.5}}, 1},
        {SCALAR_max, {{-3, 3, 0}}, 1},
        {SCALAR_min, {{-3, 3, 0}}, 1},
        {SCALAR_neg, {{-3, 3, 0}}, 1},
        {SCALAR_abs, {{-3, 3, 0}}, 1},
        {SCALAR_sqrt, {{0, 3, 0.5}}, 1},
        {SCALAR_rsqrt, {{1e-3, 3, 1.5}}, 1},
        {SCALAR_exp, {{-104, 89, 2}, {-1, 1, 2}}, 2},
        {SCALAR_expm1, {{-20, 89, 3}, {-1, 1, 3}, {-1e-3, 1e-3, 3}}, 3},
        {SCALAR_log, {{1e-38, 1e3, 2}, {0.5, 2, 2}, {-1, 1e-37, 2}}, 3},
        {SCALAR_log1p, {{-0.999, 1e3, 3}, {-0.1, 0.1, 3}, {-1e-4, 1e-4, 3}}, 3},
        {SCALAR_tanh, {{-12, 12, 4}, {-0.1, 0.1, 4}}, 2},
        {SCALAR_sigmoid, {{-80, 80, 3}, {-1, 1, 3}}, 2},
        {SCALAR_erf, {{-5, 5, 2}, {-1, 1, 2}}, 2},
        {SCALAR_sign, {{-3, 3, 0}}, 1},
        {SCALAR_greater, {{-3, 3, 0}}, 1},
        {SCALAR_equal, {{-3, 3, 0}}, 1},
        {SCALAR_select, {{-3, 3, 0}}, 1},
        {SCALAR_power, {{0, 1, 2}, {0, 1e3, 2}}, 2},
    };
    assert_int_equal(sizeof rows / sizeof *rows, SCALAR_COUNT);
    Arena *arena = arena_new();
    const CpuTarget *host = checked_cpu(arena);
    const char *complaint;
    const CpuTarget *plain = cpu_target(arena, "x86-64", &complaint);
    CnnError error = {0};
    if (cpu_runs_here(plain, &error) != CNN_OK || !host->fma)
        plain = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < rows[i].count; k++) {
            Inputs range = rows[i].ranges[k];
            range.ulps *= host->fma ? 1 : 2; /* without fused multiply-adds */
            check_function(host, rows[i].id, range);
            range.ulps *= 2;
            if (plain)
                check_function(plain, rows[i].id, range);
        }
    }
    arena_free(arena);
}

static void reductions_were_cut_into_blocks(void **state)
{
    (void)state;
    assert_true(kept_count > 20);
}

static void brief_schedules_were_among_them(void **state)
{
    (void)state;
    assert_true(brief_count[EFFORT_NONE] > 20 && brief_count[EFFORT_SOME] > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_with_every_tail),
        cmocka_unit_test(dense_in_blocks_of_terms),
        cmocka_unit_test(dense_that_reads_weights_as_they_lie),
        cmocka_unit_test(copies_are_turned_in_registers),
        cmocka_unit_test(convolutions_forward),
        cmocka_unit_test(convolutions_of_a_part_of_the_batch_leave_the_rest_alone),
        cmocka_unit_test(convolutions_weight_gradients),
        cmocka_unit_test(weight_gradients_in_blocks_of_rows),
        cmocka_unit_test(convolutions_input_gradients),
        cmocka_unit_test(sums_over_samples_rows_and_columns),
        cmocka_unit_test(softmax_rows),
        cmocka_unit_test(maxima_with_their_positions),
        cmocka_unit_test(sums_joined_to_an_epilogue),
        cmocka_unit_test(pointwise_with_broadcasts_types_and_a_random_mask),
        cmocka_unit_test(every_f16_number_is_read_and_rounded_to_alike),
        cmocka_unit_test(loads_and_stores_with_steps_and_guards),
        cmocka_unit_test(sums_over_slices_with_an_update_in_place),
        cmocka_unit_test(vectors_along_the_batch),
        cmocka_unit_test(scalar_functions_are_right_to_a_few_units_in_the_last_place),
        cmocka_unit_test(reductions_were_cut_into_blocks),
        cmocka_unit_test(brief_schedules_were_among_them),
    };
    if (!checked_cpu_runs())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
