/* Each op that is not a window: its gradient against differences, fused against not fused, in f16 against
 * f32, and what a few of them are against plain loops. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ops/harness.h"

static NodeId leaf(Make make, const char *name, Lead lead, int rank, const int64_t *dim)
{
    LeafAttrs attrs = {.kind = lead == LEAD_BATCH ? LEAF_INPUT : LEAF_PARAMETER};
    return graph_leaf(make.graph, make.span, name, type_make(DTYPE_F32, lead, rank, dim), attrs);
}

static NodeId batched(Make make, const char *name)
{
    return leaf(make, name, LEAD_BATCH, 4, (const int64_t[]){BATCH, 2, 3, 4});
}

/* Positive numbers, for roots and logarithms. */
static NodeId positive(Make make, const char *name)
{
    return make_offset(make, batched(make, name), 1.5);
}

typedef NodeId Formula(Make make);

static void check_formula(const char *what, Formula *formula)
{
    Arena *arena = arena_new();
    Graph *graph = graph_new(arena, diag_new(arena), BATCH);
    Derived derived = derive_gradients(graph, formula((Make){.graph = graph}));
    check_differences(arena, &derived, what);
    check_variants(arena, derived.full, what);
    arena_free(arena);
}

/* ---- Pointwise ---- */

static NodeId unary_positive(Make make, OpId op)
{
    return make_unary(make, op, positive(make, "x"));
}

static void gradients_of_functions_of_one_number(void **state)
{
    (void)state;
    static const OpId ops[] = {OP_neg, OP_abs,   OP_sqrt, OP_rsqrt,   OP_exp, OP_expm1,
                               OP_log, OP_log1p, OP_tanh, OP_sigmoid, OP_erf};
    for (size_t i = 0; i < COUNT(ops); i++) {
        Arena *arena = arena_new();
        Make make = {.graph = graph_new(arena, diag_new(arena), BATCH)};
        bool any = ops[i] != OP_sqrt && ops[i] != OP_rsqrt && ops[i] != OP_log && ops[i] != OP_log1p;
        NodeId y = any ? make_unary(make, ops[i], batched(make, "x")) : unary_positive(make, ops[i]);
        Derived derived = derive_gradients(make.graph, y);
        check_differences(arena, &derived, op_table[ops[i]]->name);
        check_variants(arena, derived.full, op_table[ops[i]]->name);
        arena_free(arena);
    }
}

static void gradients_of_functions_of_two_numbers(void **state)
{
    (void)state;
    static const OpId ops[] = {OP_add, OP_sub, OP_mul, OP_div, OP_maximum, OP_minimum, OP_power};
    /* Of the same shape, and with each kind of broadcast. */
    static const int64_t shapes[][4] = {{BATCH, 2, 3, 4}, {1, 1, 3, 4}, {1, 2, 1, 4}, {1, 1, 1, 1}};
    for (size_t i = 0; i < COUNT(ops) * COUNT(shapes) * 2; i++) {
        Arena *arena = arena_new();
        Make make = {.graph = graph_new(arena, diag_new(arena), BATCH)};
        OpId op = ops[i / 2 / COUNT(shapes)];
        const int64_t *shape = shapes[i / 2 % COUNT(shapes)];
        NodeId a = positive(make, "a");
        NodeId b = make_offset(make, leaf(make, "b", shape[0] > 1 ? LEAD_BATCH : LEAD_NONE, 4, shape), 2.5);
        NodeId y = make_pointwise(make, op, i % 2 ? (const NodeId[]){a, b} : (const NodeId[]){b, a}, 2);
        Derived derived = derive_gradients(make.graph, y);
        check_differences(arena, &derived, op_table[op]->name);
        check_variants(arena, derived.full, op_table[op]->name);
        arena_free(arena);
    }
}

static NodeId selected(Make make)
{
    NodeId a = batched(make, "a"), b = leaf(make, "b", LEAD_NONE, 1, (const int64_t[]){4});
    NodeId condition = make_greater(make, make_mul(make, a, b), make_constant(make, 0.1));
    NodeId sign = make_equal(make, make_unary(make, OP_sign, a), make_constant(make, 1));
    return make_select(make, condition, make_mul(make, a, a), make_add(make, b, make_mul(make, sign, b)));
}

static NodeId stopped(Make make)
{
    NodeId a = batched(make, "a");
    return make_add(make, a, make_mul(make, a, make_stop(make, make_constant(make, 3))));
}

static void gradients_pass_through_choices_and_stop_at_stop(void **state)
{
    (void)state;
    check_formula("select", selected);
    check_formula("stop", stopped);
    Arena *arena = arena_new();
    Make make = {.graph = graph_new(arena, diag_new(arena), BATCH)};
    NodeId a = batched(make, "a"), sum = make_sum(make, make_stop(make, a), 15), gradient;
    autodiff(make.graph, sum, &a, 1, &gradient);
    assert_int_equal(gradient, NODE_NONE);
    arena_free(arena);
}

/* Where equal numbers meet, the second operand of maximum and minimum gets the gradient. */
static void relu_has_no_slope_at_zero(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Make make = {.graph = graph_new(arena, diag_new(arena), BATCH)};
    NodeId x = batched(make, "x"), gradient;
    NodeId y = make_sum(make, make_max(make, x, make_constant(make, 0)), 15);
    autodiff(make.graph, y, &x, 1, &gradient);
    add_value(make.graph, gradient, "x");
    Run run = run_new(arena, make.graph, false);
    const double values[] = {-1, 0, 1};
    memcpy(leaf_values(&run, "x"), values, sizeof values);
    interp_run(run.interp, SAMPLES);
    assert_true(result_values(&run, "x")[0] == 0);
    assert_true(result_values(&run, "x")[1] == 0);
    assert_true(result_values(&run, "x")[2] == 1);
    arena_free(arena);
}

/* ---- Reductions, views, products ---- */

static NodeId sums(Make make)
{
    NodeId x = batched(make, "x");
    NodeId all = make_sum(make, make_mul(make, x, x), 7), rows = make_sum(make, make_mul(make, x, all), 4);
    return make_mul(make, make_mean(make, rows, 10), make_mean(make, x, 15));
}

static NodeId maxima(Make make)
{
    NodeId x = batched(make, "x");
    return make_mul(make, make_maximum_over(make, x, 8), make_sub(make, x, make_maximum_over(make, x, 6)));
}

static NodeId views(Make make)
{
    static const int64_t before[] = {0, 1, 0, 2}, after[] = {0, 0, 2, 1}, cut[] = {0, 1, 0, 3},
                         more[] = {0, 0, 1, 1};
    NodeId x = batched(make, "x");
    NodeId padded = make_pad(make, make_mul(make, x, x), before, after);
    NodeId moved = make_permute(make, padded, (const int[]){0, 3, 1, 2});
    NodeId flat = make_reshape(make, moved, 2, (const int64_t[]){BATCH, 7 * 3 * 5});
    NodeId cropped =
        make_crop(make, make_reshape(make, make_mul(make, flat, flat), 4, (const int64_t[]){BATCH, 5, 3, 7}),
                  cut, more);
    const Type wide = type_make(DTYPE_F32, LEAD_BATCH, 4, (const int64_t[]){BATCH, 4, 2, 3});
    NodeId edge = make_crop(make, cropped, (const int64_t[]){0, 0, 0, 2}, (const int64_t[]){0, 0, 0, 0});
    return make_mul(make, cropped, make_broadcast(make, edge, &wide));
}

static NodeId neighbours(Make make)
{
    NodeId x = batched(make, "x"), w = leaf(make, "w", LEAD_NONE, 2, (const int64_t[]){3, 4});
    NodeId left =
        make_pad(make, make_crop(make, x, (const int64_t[]){0, 0, 1, 0}, (const int64_t[]){0, 0, 0, 0}),
                 (const int64_t[]){0, 0, 0, 0}, (const int64_t[]){0, 0, 1, 0});
    return make_mul(make, make_add(make, left, make_mul(make, x, w)), make_index(make, 4, 2, 3));
}

static void gradients_of_reductions_and_views(void **state)
{
    (void)state;
    check_formula("sums", sums);
    check_formula("maxima", maxima);
    check_formula("views", views);
    check_formula("neighbours", neighbours);
}

static NodeId product(Make make, bool transpose_a, bool transpose_b)
{
    NodeId a = leaf(make, "a", LEAD_NONE, 2, transpose_a ? (const int64_t[]){5, 3} : (const int64_t[]){3, 5});
    NodeId b = leaf(make, "b", LEAD_NONE, 2, transpose_b ? (const int64_t[]){7, 5} : (const int64_t[]){5, 7});
    return make_matmul(make, a, b, transpose_a, transpose_b);
}

static NodeId product_nn(Make make)
{
    return product(make, false, false);
}

static NodeId product_nt(Make make)
{
    return product(make, false, true);
}

static NodeId product_tn(Make make)
{
    return product(make, true, false);
}

static NodeId product_tt(Make make)
{
    return product(make, true, true);
}

static NodeId dense_layers(Make make)
{
    NodeId x = leaf(make, "x", LEAD_BATCH, 2, (const int64_t[]){BATCH, 5});
    NodeId first =
        make_matmul(make, x, leaf(make, "w1", LEAD_NONE, 2, (const int64_t[]){5, 3}), false, false);
    NodeId second = leaf(make, "w2", LEAD_NONE, 2, (const int64_t[]){4, 3});
    return make_matmul(make, make_unary(make, OP_tanh, first), second, false, true);
}

static NodeId normalized(Make make)
{
    enum { DIMS = 7 };
    NodeId x = batched(make, "x"), mean = make_mean(make, x, DIMS), difference = make_sub(make, x, mean);
    NodeId variance = make_mean(make, make_mul(make, difference, difference), DIMS);
    NodeId rstd = make_unary(make, OP_rsqrt, make_offset(make, variance, 1e-3));
    return make_op(make, OP_normalized, &(NormalizedAttrs){DIMS}, (const NodeId[]){x, mean, rstd}, 3);
}

static void gradients_of_products_and_of_normalized(void **state)
{
    (void)state;
    check_formula("a b", product_nn);
    check_formula("a b^T", product_nt);
    check_formula("a^T b", product_tn);
    check_formula("a^T b^T", product_tt);
    check_formula("two dense layers", dense_layers);
    check_formula("normalized", normalized);
}

/* ---- Values ---- */

static void masks_keep_their_share_and_depend_on_the_sample(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Make make = {.graph = graph_new(arena, diag_new(arena), BATCH)};
    enum { ELEMENTS = 4000 };
    NodeId like = leaf(make, "x", LEAD_BATCH, 2, (const int64_t[]){BATCH, ELEMENTS});
    NodeId mask = make_mask(make, 99, 0.2, 2, (const int64_t[]){ELEMENTS});
    add_value(make.graph, make_mul(make, mask, make_constant(make, 2)), "mask");
    add_value(make.graph, make_mul(make, make_random(make, like, 99), make_constant(make, 2)), "random");
    Run run = run_new(arena, make.graph, false);
    interp_run(run.interp, SAMPLES);
    const double *values = result_values(&run, "mask"), *numbers = result_values(&run, "random");
    int kept = 0, same = 0;
    for (int i = 0; i < SAMPLES * ELEMENTS; i++) {
        assert_true(values[i] == (numbers[i] < 0.4 ? 0 : 2.5));
        kept += values[i] != 0;
        same += i >= ELEMENTS && values[i] == values[i - ELEMENTS];
    }
    /* Within five deviations. */
    assert_true(fabs(kept - 0.8 * SAMPLES * ELEMENTS) < 5 * sqrt(0.16 * SAMPLES * ELEMENTS));
    assert_true(fabs(same - 0.68 * (SAMPLES - 1) * ELEMENTS) < 5 * sqrt(0.25 * SAMPLES * ELEMENTS));
    /* The number is a function of the sample's place in the epoch: the batch begins at sample 10 (run_new).
     */
    double wanted = cnn_uniform(cnn_random_element(77, 99, 2, 10 + 3, 7));
    assert_true(numbers[3 * ELEMENTS + 7] == 2 * wanted);
    arena_free(arena);
}

static void trivial_nodes_are_not_made(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Make make = {.graph = graph_new(arena, diag_new(arena), BATCH)};
    NodeId x = batched(make, "x");
    assert_int_equal(make_offset(make, x, 0), x);
    assert_int_equal(make_scale(make, x, 1), x);
    assert_int_equal(make_sub(make, x, make_constant(make, 0)), x);
    assert_int_equal(make_div(make, x, make_constant(make, 1)), x);
    assert_int_equal(make_permute(make, x, (const int[]){0, 1, 2, 3}), x);
    NodeId flat = make_reshape(make, x, 2, (const int64_t[]){BATCH, 24});
    assert_int_equal(make_reshape(make, flat, 4, graph_type(make.graph, x)->dim), x);
    assert_int_equal(make_add(make, make_constant(make, 2), make_constant(make, 3)), make_constant(make, 5));
    assert_int_equal(make_sum(make, make_sum(make, x, 2), 2), make_sum(make, x, 2));
    assert_int_equal(make_sum_to(make, x, x), x);
    arena_free(arena);
}

/* ---- The table ---- */

static void every_op_says_what_it_is(void **state)
{
    (void)state;
    for (int id = 0; id < OP_COUNT; id++) {
        const Op *op = op_table[id];
        if (!op || !op->name || !op->doc || !op->infer)
            fail_msg("op %d lacks a name, a doc or a type", id);
        bool stored = op->class == OP_LEAF || op->class == OP_ALIAS;
        if (stored != !op->lower)
            fail_msg("%s: a lowering is for what is computed", op->name);
        if ((op->attrs != NULL) != (op->attrs_bytes != 0) && id != OP_leaf)
            fail_msg("%s: attrs need fields and a size", op->name);
        for (int other = 0; other < id; other++)
            assert_string_not_equal(op_table[other]->name, op->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_functions_of_one_number),
        cmocka_unit_test(gradients_of_functions_of_two_numbers),
        cmocka_unit_test(gradients_pass_through_choices_and_stop_at_stop),
        cmocka_unit_test(relu_has_no_slope_at_zero),
        cmocka_unit_test(gradients_of_reductions_and_views),
        cmocka_unit_test(gradients_of_products_and_of_normalized),
        cmocka_unit_test(masks_keep_their_share_and_depend_on_the_sample),
        cmocka_unit_test(trivial_nodes_are_not_made),
        cmocka_unit_test(every_op_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
