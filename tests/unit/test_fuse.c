/* Fused and unfused plans of the same graphs compute the same, and fusion does what it promises. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fused_and_unfused_plans_compute_the_same),
        cmocka_unit_test(pooling_before_the_activation_changes_no_result),
        cmocka_unit_test(convolution_bias_pool_and_activation_are_one_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
