/* Fused and unfused plans of the same graphs compute the same, and fusion does what it promises. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "compiler/check/program.h"
#include "tests/unit/fuse_test.h"

/* A network with everything that fuses: pools, strides, padding, a residual, a dropout mask, concatenation.
 */
static Graph *build(Arena *arena)
{
    Graph *graph = graph_new(arena, NULL, BATCH);
    NodeId x = leaf(graph, "input", LEAF_INPUT, LEAD_BATCH, 4, DIMS(BATCH, SIDE, SIDE, CHANNELS));
    NodeId a = layer(graph, "conv1", x, FILTERS, 1, 0, true);
    Make make = {graph, nowhere, "drop"};
    NodeId mask = make_greater(make, make_random(make, a, PURPOSE_LAYER + 7), make_constant(make, 0.25));
    a = make_scale(make, make_mul(make, a, mask), 1 / 0.75);
    NodeId b = layer(graph, "conv2", a, FILTERS, 1, 1, false);
    b = make_add(make, a, b);
    NodeId c = layer(graph, "conv3", b, FILTERS + 1, 2, 1, false);
    graph_result(graph, (Result){.role = RESULT_OUTPUT, .node = classify(graph, c)});
    return graph;
}

static void fused_and_unfused_plans_compute_the_same(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Graph *graph = differentiate(build(arena));
    for (int64_t samples = BATCH; samples >= BATCH - 2; samples--) {
        Ran unfused = run(arena, graph, false, samples), fused = run(arena, graph, true, samples);
        assert_true(fused.kernels < unfused.kernels);
        assert_same_results(&unfused, &fused);
    }
    arena_free(arena);
}

static void pooling_before_the_activation_changes_no_result(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Graph *forward = build(arena);
    NodeId *map = NEW_ARRAY(arena, NodeId, forward->nodes.count);
    Graph *moved = differentiate(rewrite_pool_first(forward, map));
    Graph *plain = differentiate(forward);
    Ran a = run(arena, plain, false, BATCH), b = run(arena, moved, true, BATCH);
    assert_same_results(&a, &b);
    arena_free(arena);
}

static bool has_op(const Graph *graph, const Group *group, OpId op)
{
    for (size_t i = 0; i < group->members.count; i++)
        if (graph_node(graph, group->members.items[i])->op == op)
            return true;
    return false;
}

static void convolution_bias_pool_and_activation_are_one_kernel(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Graph *forward = build(arena);
    NodeId *map = NEW_ARRAY(arena, NodeId, forward->nodes.count);
    Graph *graph = differentiate(rewrite_pool_first(forward, map));
    Ran ran = run(arena, graph, true, BATCH);
    const Group *first = NULL;
    for (size_t g = 0; g < ran.plan->groups.count && !first; g++)
        if (has_op(graph, &ran.plan->groups.items[g], OP_conv2d))
            first = &ran.plan->groups.items[g];
    assert_non_null(first);
    assert_true(has_op(graph, first, OP_maxpool));
    assert_true(has_op(graph, first, OP_maxpool_choice));
    assert_true(has_op(graph, first, OP_maximum));
    assert_true(has_op(graph, first, OP_random));
    arena_free(arena);
}

/* Where one fusion is left out, the gradient of a normalization reads its old scale in a group that waits for
 * the sums of which the new scale is made. */
static void no_weight_is_overwritten_by_what_its_readers_wait_for(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const CheckOptions options = {.batch = BATCH, .without_data = true};
    const char *text =
        "model A {\ninput 5x4x2 -> residual project=conv { conv 3, 3x3, pad=1 -> batchnorm }\n"
        "flatten -> dense 3\n}\ntrain { loss mse -> optimizer sgd, rate=0.01, momentum=0.9 }\n";
    Program *program = program_check_text(arena, diag_new(arena), "a.cnn", text, &options);
    assert_non_null(program);
    Graph *graph = slice_sums(derive_training(program));
    for (int fusion = 0; fusion < FUSION_COUNT; fusion++) {
        PlanOptions plan = {.cache_bytes = 1 << 20};
        plan.fusions.off[fusion] = true;
        plan_verify(plan_make(arena, graph, &plan));
    }
    arena_free(arena);
}

/* What is made of weights alone is kept from step to step, but not what reads it from a kernel that makes
 * something else, too. */
static void what_is_kept_reads_nothing_that_changes(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Graph *graph = graph_new(arena, NULL, BATCH);
    Make make = {graph, nowhere, "kept"};
    NodeId weights = leaf(graph, "weights", LEAF_PARAMETER, LEAD_NONE, 1, DIMS(8));
    NodeId given = leaf(graph, "given", LEAF_INPUT, LEAD_NONE, 1, DIMS(8));
    NodeId twice = make_scale(make, weights, 2);
    graph_result(graph,
                 (Result){.role = RESULT_VALUE, .node = make_add(make, twice, given), .name = "changing"});
    graph_result(graph, (Result){.role = RESULT_VALUE, .node = make_sum(make, twice, 1u), .name = "sum"});
    const PlanOptions options = {.cache_bytes = 1 << 20};
    Plan *plan = plan_make(arena, graph, &options);
    assert_int_equal(plan->groups.count, 2);
    for (size_t g = 0; g < 2; g++)
        assert_int_equal(plan->groups.items[g].when, WHEN_ALWAYS);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fused_and_unfused_plans_compute_the_same),
        cmocka_unit_test(pooling_before_the_activation_changes_no_result),
        cmocka_unit_test(convolution_bias_pool_and_activation_are_one_kernel),
        cmocka_unit_test(no_weight_is_overwritten_by_what_its_readers_wait_for),
        cmocka_unit_test(what_is_kept_reads_nothing_that_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
