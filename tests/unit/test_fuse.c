/* Fused and unfused plans of the same graphs compute the same, and fusion does what it promises. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/derive/derive.h"
#include "compiler/ir/interp.h"
#include "compiler/ir/op.h"
#include "compiler/ops/make.h"
#include "compiler/rewrite/rewrite.h"
#include "compiler/schedule/lower.h"
#include "runtime/rng.h"

enum { BATCH = 6, SIDE = 13, CHANNELS = 3, FILTERS = 5, CLASSES = 4 };

static const Span nowhere;

static NodeId leaf(Graph *graph, const char *name, LeafKind kind, Lead lead, int rank, const int64_t *dim)
{
    return graph_leaf(graph, nowhere, name, type_make(DTYPE_F32, lead, rank, dim), (LeafAttrs){.kind = kind});
}

#define DIMS(...)                                                                                            \
    (const int64_t[])                                                                                        \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

static WindowAttrs window(int64_t side, int64_t stride, int64_t pad, int64_t extent)
{
    return (WindowAttrs){.window_height = side,
                         .window_width = side,
                         .stride_y = stride,
                         .stride_x = stride,
                         .dilation_y = 1,
                         .dilation_x = 1,
                         .pad_top = pad,
                         .pad_bottom = pad,
                         .pad_left = pad,
                         .pad_right = pad,
                         .groups = 1,
                         .height = extent,
                         .width = extent};
}

/* conv + bias + relu, with a max-pool where `pool`; `stride` of the convolution. */
static NodeId layer(Graph *graph, const char *name, NodeId x, int64_t filters, int64_t stride, int64_t pad,
                    bool pool)
{
    Make make = {graph, nowhere, name};
    Type type = *graph_type(graph, x);
    NodeId kernel = leaf(graph, arena_printf(graph->arena, "%s.kernel", name), LEAF_PARAMETER, LEAD_NONE, 4,
                         DIMS(3, 3, type.dim[3], filters));
    NodeId bias =
        leaf(graph, arena_printf(graph->arena, "%s.bias", name), LEAF_PARAMETER, LEAD_NONE, 1, DIMS(filters));
    WindowAttrs conv = window(3, stride, pad, type.dim[1]);
    NodeId in[] = {x, kernel};
    NodeId y = graph_add(graph, OP_conv2d, nowhere, &conv, in, 2);
    y = make_max(make, make_add(make, y, bias), make_constant(make, 0));
    if (!pool)
        return y;
    WindowAttrs pooled = window(2, 2, 0, graph_type(graph, y)->dim[1]);
    return graph_add(graph, OP_maxpool, nowhere, &pooled, &y, 1);
}

static NodeId classify(Graph *graph, NodeId x)
{
    Make make = {graph, nowhere, "dense1"};
    Type type = *graph_type(graph, x);
    int64_t features = type_elements(&type) / type.dim[0];
    NodeId flat = make_reshape(make, x, 2, DIMS(BATCH, features));
    NodeId kernel = leaf(graph, "dense1.kernel", LEAF_PARAMETER, LEAD_NONE, 2, DIMS(features, CLASSES));
    return make_matmul(make, flat, kernel, false, false);
}

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

static const char *const parameters[] = {"conv1.kernel", "conv1.bias", "conv2.kernel", "conv2.bias",
                                         "conv3.kernel", "conv3.bias", "dense1.kernel"};
enum { PARAMETERS = sizeof parameters / sizeof parameters[0] };

/* The gradients of the sum of squares of the output, as results. */
static Graph *differentiate(Graph *graph)
{
    Make make = {graph, nowhere, NULL};
    NodeId output = graph_find_result(graph, RESULT_OUTPUT);
    NodeId squares = make_mul(make, output, output);
    NodeId loss = make_reshape(make, make_sum(make, squares, 3), 0, NULL);
    NodeId leaves[PARAMETERS], gradients[PARAMETERS];
    for (int i = 0; i < PARAMETERS; i++)
        leaves[i] = graph_find_leaf(graph, parameters[i]);
    autodiff(graph, loss, leaves, PARAMETERS, gradients);
    graph_result(graph, (Result){.role = RESULT_TOTAL, .node = loss});
    for (int i = 0; i < PARAMETERS; i++)
        graph_result(graph, (Result){.role = RESULT_VALUE, .node = gradients[i], .name = parameters[i]});
    return slice_sums(graph);
}

typedef struct {
    const Graph *graph;
    const Plan *plan;
    Interp *interp;
    int kernels;
} Ran;

static Ran run(Arena *arena, const Graph *graph, bool fused, int64_t samples)
{
    PlanOptions options = {.cache_bytes = 8 * 1024};
    for (int i = 0; i < FUSION_COUNT; i++)
        options.fusions.off[i] = !fused;
    Plan *plan = plan_make(arena, graph, &options);
    lower_plan(plan);
    Ran ran = {graph, plan, interp_new(arena, plan), 0};
    for (size_t g = 0; g < plan->groups.count; g++)
        ran.kernels += (int)plan->groups.items[g].kernels.count;
    uint32_t counter = 0;
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        const LeafAttrs *attrs = node->op == OP_leaf ? node->attrs : NULL;
        if (!attrs || attrs->kind == LEAF_SCALAR || plan->buffer_of[id] < 0)
            continue;
        double *values = interp_values(ran.interp, id);
        for (int64_t i = 0; i < type_elements(&node->type); i++)
            values[i] = cnn_uniform(cnn_random4(1, counter++, cnn_hash_name(node->name), 0, 0).word[0]) - 0.5;
    }
    interp_scalars(ran.interp, &(CnnScalars){.inverse_count = 1.0f / (float)samples,
                                             .count = (float)samples,
                                             .seed_low = 5,
                                             .epoch = 3,
                                             .first_sample = 40});
    interp_run(ran.interp, samples);
    return ran;
}

static NodeId result_node(const Graph *graph, size_t index)
{
    return graph->results.items[index].node;
}

static void assert_same_results(const Ran *a, const Ran *b)
{
    for (size_t r = 0; r < a->graph->results.count; r++) {
        if (a->graph->results.items[r].role == RESULT_OUTPUT)
            continue;
        NodeId left = result_node(a->graph, r), right = result_node(b->graph, r);
        const double *x = interp_values(a->interp, left), *y = interp_values(b->interp, right);
        for (int64_t i = 0; i < type_elements(graph_type(a->graph, left)); i++) {
            if (fabs(x[i] - y[i]) > 1e-11 * (1 + fabs(x[i])))
                fail_msg("result %zu (%s) element %lld: %.15g and %.15g", r, a->graph->results.items[r].name,
                         (long long)i, x[i], y[i]);
        }
    }
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
