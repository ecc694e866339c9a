/* Differentiation against central differences through the interpreter in double; sums by slices. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/derive/derive.h"
#include "tests/unit/interpret.h"

static void fill(const Interpreted *run, NodeId leaf, uint64_t seed)
{
    double *values = interp_values(run->interp, leaf);
    for (int i = 0; i < type_elements(graph_type(run->graph, leaf)); i++)
        values[i] = noise_value(seed, i);
}

static double loss_of(const Interpreted *run)
{
    interp_run(run->interp, SAMPLES);
    return *result_values(run, RESULT_LOSS, NULL);
}

/* Compares the gradient of RESULT_LOSS with respect to `leaf` (kept as RESULT_VALUE `name`) with central
 * differences. */
static void check_gradient(const Interpreted *run, NodeId leaf, const char *name)
{
    int64_t elements = type_elements(graph_type(run->graph, leaf));
    if (graph_type(run->graph, leaf)->lead == LEAD_BATCH)
        elements = elements / BATCH * SAMPLES;
    double *values = interp_values(run->interp, leaf),
           *gradient = test_malloc((size_t)elements * sizeof *gradient);
    loss_of(run);
    memcpy(gradient, result_values(run, RESULT_VALUE, name), (size_t)elements * sizeof *gradient);
    for (int i = 0; i < elements; i++) {
        const double kept = values[i], step = 1e-5;
        values[i] = kept + step;
        double above = loss_of(run);
        values[i] = kept - step;
        double below = loss_of(run);
        values[i] = kept;
        assert_close(gradient[i], (above - below) / (2 * step), 1 + fabs(gradient[i]));
    }
    test_free(gradient);
}

/* Differentiates `loss` with respect to the leaves and compares. */
static void check_gradients(Make make, NodeId loss, const NodeId *leaves, int count)
{
    NodeId gradients[8];
    autodiff(make.graph, loss, leaves, count, gradients);
    graph_result(make.graph, (Result){.role = RESULT_LOSS, .node = loss});
    for (int i = 0; i < count; i++) {
        assert_true(gradients[i] != NODE_NONE);
        assert_true(type_equal(graph_type(make.graph, gradients[i]), graph_type(make.graph, leaves[i])));
        graph_result(make.graph, (Result){.role = RESULT_VALUE,
                                          .node = gradients[i],
                                          .name = graph_node(make.graph, leaves[i])->name});
    }
    graph_verify(make.graph, "autodiff");
    Interpreted run = interpret(make.graph->arena, make.graph);
    CnnScalars scalars = step_scalars(0.1, 1, SAMPLES);
    interp_scalars(run.interp, &scalars);
    for (int i = 0; i < count; i++)
        fill(&run, leaves[i], (uint64_t)i + 1);
    for (int i = 0; i < count; i++)
        check_gradient(&run, leaves[i], graph_node(make.graph, leaves[i])->name);
    arena_free(make.graph->arena);
}

static NodeId total(Make make, NodeId value)
{
    int rank = graph_type(make.graph, value)->rank;
    return make_reshape(make, make_sum(make, value, (1u << rank) - 1), 0, NULL);
}

static void a_value_used_many_times_sums_its_gradients(void **state)
{
    (void)state;
    Make make = new_graph(arena_new());
    NodeId x = add_leaf(make, "x", LEAF_INPUT, batched(5));
    NodeId y = make_unary(make, OP_tanh, x);
    NodeId z = make_add(make, make_mul(make, y, y), make_mul(make, x, make_unary(make, OP_exp, y)));
    check_gradients(make, total(make, make_add(make, z, make_mul(make, z, x))), &x, 1);
}

static void broadcast_operands_get_sums(void **state)
{
    (void)state;
    Make make = new_graph(arena_new());
    NodeId leaves[] = {add_leaf(make, "x", LEAF_INPUT, batched(5)),
                       add_leaf(make, "row", LEAF_PARAMETER, plain(1, 5, 0)),
                       add_leaf(make, "one_row", LEAF_PARAMETER, plain(2, 1, 5)),
                       add_leaf(make, "number", LEAF_PARAMETER, plain(0, 0, 0))};
    NodeId y = make_mul(make, make_add(make, leaves[0], leaves[1]), leaves[2]);
    y = make_unary(make, OP_sigmoid, make_mul(make, y, leaves[3]));
    check_gradients(make, total(make, make_mul(make, y, y)), leaves, 4);
}

static void two_dense_layers_and_softmax_are_differentiated(void **state)
{
    (void)state;
    Make make = new_graph(arena_new());
    NodeId leaves[] = {add_leaf(make, "x", LEAF_INPUT, batched(3)),
                       add_leaf(make, "first", LEAF_PARAMETER, plain(2, 3, 4)),
                       add_leaf(make, "second", LEAF_PARAMETER, plain(2, 4, 5))};
    NodeId hidden = make_unary(make, OP_tanh, make_matmul(make, leaves[0], leaves[1], false, false));
    NodeId logits = make_matmul(make, hidden, leaves[2], false, false);
    NodeId shifted = make_sub(make, logits, make_maximum_over(make, logits, 2u));
    NodeId power = make_unary(make, OP_exp, shifted);
    NodeId chance = make_div(make, power, make_sum(make, power, 2u));
    NodeId column = make_iota(make, chance, 1);
    check_gradients(make, total(make, make_mul(make, make_mul(make, chance, chance), column)), leaves, 3);
}

static void the_mean_over_a_batch_counts_its_samples(void **state)
{
    (void)state;
    Make make = new_graph(arena_new());
    NodeId x = add_leaf(make, "x", LEAF_INPUT, batched(3));
    NodeId away = make_sub(make, x, make_mean(make, x, 1u));
    check_gradients(make, total(make, make_mul(make, away, make_mul(make, away, away))), &x, 1);
}

static void what_the_loss_does_not_depend_on_has_no_gradient(void **state)
{
    (void)state;
    Make make = new_graph(arena_new());
    NodeId leaves[] = {add_leaf(make, "used", LEAF_PARAMETER, plain(1, 3, 0)),
                       add_leaf(make, "stopped", LEAF_PARAMETER, plain(1, 3, 0)),
                       add_leaf(make, "compared", LEAF_PARAMETER, plain(1, 3, 0)),
                       add_leaf(make, "beside", LEAF_PARAMETER, plain(1, 3, 0))};
    NodeId value = make_mul(make, leaves[0], make_stop(make, leaves[1]));
    NodeId loss = total(make, make_mul(make, value, make_greater(make, leaves[2], leaves[0])));
    NodeId after = make_add(make, leaves[3], leaves[0]);
    assert_true(after > loss);
    NodeId gradients[4];
    autodiff(make.graph, loss, leaves, 4, gradients);
    assert_true(gradients[0] != NODE_NONE);
    for (int i = 1; i < 4; i++)
        assert_true(gradients[i] == NODE_NONE);
    arena_free(make.graph->arena);
}

/* ---- Slices ---- */

static void sums_over_the_batch_are_made_of_slices_unless_they_are_large(void **state)
{
    (void)state;
    Make make = new_graph(arena_new());
    NodeId x = add_leaf(make, "x", LEAF_INPUT, batched(500)),
           y = add_leaf(make, "y", LEAF_INPUT, batched(200));
    graph_result(make.graph, (Result){.role = RESULT_VALUE, .node = make_sum(make, x, 1u), .name = "column"});
    NodeId wide = make_matmul(make, x, x, true, false); /* 500 x 500 */
    graph_result(make.graph, (Result){.role = RESULT_VALUE, .node = wide, .name = "wide"});
    NodeId narrow = make_matmul(make, x, y, true, false); /* 500 x 200 */
    graph_result(make.graph, (Result){.role = RESULT_VALUE, .node = narrow, .name = "narrow"});
    NodeId rows = make_sum(make, x, 2u);
    graph_result(make.graph, (Result){.role = RESULT_VALUE, .node = rows, .name = "rows"});
    make_unary(make, OP_exp, x); /* nobody needs it */
    Graph *sliced = slice_sums(make.graph);
    graph_verify(sliced, "slice");
    int partial = 0;
    for (NodeId id = 0; id < sliced->nodes.count; id++) {
        const Node *node = graph_node(sliced, id);
        assert_true(node->op != OP_exp);
        if (node->type.lead == LEAD_SLICE) {
            assert_int_equal(node->type.dim[0], 2);
            partial++;
        }
        if (node->op == OP_matmul && node->type.lead == LEAD_NONE)
            assert_int_equal(node->type.dim[1], 500);
    }
    assert_int_equal(partial, 2);
    Interpreted before = interpret(make.graph->arena, make.graph),
                after = interpret(make.graph->arena, sliced);
    const Interpreted *runs[] = {&before, &after};
    for (int i = 0; i < 2; i++) {
        fill(runs[i], graph_find_leaf(runs[i]->graph, "x"), 5);
        fill(runs[i], graph_find_leaf(runs[i]->graph, "y"), 6);
        CnnScalars scalars = step_scalars(1.0, 1, SAMPLES);
        interp_scalars(runs[i]->interp, &scalars);
        interp_run(runs[i]->interp, SAMPLES);
    }
    static const char *const names[] = {"column", "wide", "narrow", "rows"};
    static const int elements[] = {300, 300 * 300, 300 * 200, SAMPLES};
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < elements[k]; i++)
            assert_close(result_values(&after, RESULT_VALUE, names[k])[i],
                         result_values(&before, RESULT_VALUE, names[k])[i], 1);
    arena_free(make.graph->arena);
}

static void a_maximum_over_the_batch_is_a_bug(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        Make make = new_graph(arena_new());
        NodeId x = add_leaf(make, "x", LEAF_INPUT, batched(3));
        graph_result(make.graph, (Result){.role = RESULT_VALUE, .node = make_maximum_over(make, x, 1u)});
        slice_sums(make.graph);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_used_many_times_sums_its_gradients),
        cmocka_unit_test(broadcast_operands_get_sums),
        cmocka_unit_test(two_dense_layers_and_softmax_are_differentiated),
        cmocka_unit_test(the_mean_over_a_batch_counts_its_samples),
        cmocka_unit_test(what_the_loss_does_not_depend_on_has_no_gradient),
        cmocka_unit_test(sums_over_the_batch_are_made_of_slices_unless_they_are_large),
        cmocka_unit_test(a_maximum_over_the_batch_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
