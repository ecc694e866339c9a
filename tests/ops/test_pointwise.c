/* Compiled kernels without sums of their own against the interpreter: pointwise, in all types, with steps and
 * guards, in place; and the scalar functions, to a few units in the last place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ops/kernels_test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointwise_with_broadcasts_types_and_a_random_mask),
        cmocka_unit_test(every_f16_number_is_read_and_rounded_to_alike),
        cmocka_unit_test(loads_and_stores_with_steps_and_guards),
        cmocka_unit_test(sums_over_slices_with_an_update_in_place),
        cmocka_unit_test(vectors_along_the_batch),
        cmocka_unit_test(scalar_functions_are_right_to_a_few_units_in_the_last_place),
    };
    if (!checked_cpu_runs())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
