/* Compiled kernels with sums against the interpreter: convolutions, dense layers, reductions; the same bits
 * from all schedules, and on all processors, that fuse multiply-adds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ops/kernels_test.h"

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
        cmocka_unit_test(reductions_were_cut_into_blocks),
        cmocka_unit_test(brief_schedules_were_among_them),
    };
    if (!checked_cpu_runs())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
