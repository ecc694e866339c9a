/* What the tests of fusion share: small networks as graphs, their gradients, and runs of them under any
 * fusions by the interpreter in double. To be included behind cmocka.h. */
#ifndef FUSE_TEST_H
#define FUSE_TEST_H

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

enum { BATCH = 6, SIDE = 13, CHANNELS = 3, FILTERS = 5, CLASSES = 4, PARAMETERS_MOST = 64 };

static const Span nowhere;

static inline NodeId leaf(Graph *graph, const char *name, LeafKind kind, Lead lead, int rank,
                          const int64_t *dim)
{
    return graph_leaf(graph, nowhere, name, type_make(DTYPE_F32, lead, rank, dim), (LeafAttrs){.kind = kind});
}

#define DIMS(...)                                                                                            \
    (const int64_t[])                                                                                        \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

static inline WindowAttrs window(int64_t side, int64_t stride, int64_t pad, int64_t extent)
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
static inline NodeId layer(Graph *graph, const char *name, NodeId x, int64_t filters, int64_t stride,
                           int64_t pad, bool pool)
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

static inline NodeId classify(Graph *graph, NodeId x)
{
    Make make = {graph, nowhere, "dense1"};
    Type type = *graph_type(graph, x);
    int64_t features = type_elements(&type) / type.dim[0];
    NodeId flat = make_reshape(make, x, 2, DIMS(graph->batch, features));
    NodeId kernel = leaf(graph, "dense1.kernel", LEAF_PARAMETER, LEAD_NONE, 2, DIMS(features, CLASSES));
    return make_matmul(make, flat, kernel, false, false);
}

/* The gradients of the sum of squares of the output, as results; convolutions that can be by Winograd's
 * filtering in tiles of `tile`, unless it is 0. */
static inline Graph *differentiate_by(Graph *graph, int64_t tile)
{
    Make make = {graph, nowhere, NULL};
    NodeId output = graph_find_result(graph, RESULT_OUTPUT);
    NodeId squares = make_mul(make, output, output);
    NodeId loss = make_reshape(make, make_sum(make, squares, 3), 0, NULL);
    NodeId leaves[PARAMETERS_MOST], gradients[PARAMETERS_MOST];
    int count = 0;
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        if (node->op == OP_leaf && ((const LeafAttrs *)node->attrs)->kind == LEAF_PARAMETER)
            leaves[count++] = id;
    }
    autodiff(graph, loss, leaves, count, gradients);
    graph_result(graph, (Result){.role = RESULT_TOTAL, .node = loss});
    for (int i = 0; i < count; i++)
        graph_result(
            graph,
            (Result){.role = RESULT_VALUE, .node = gradients[i], .name = graph_node(graph, leaves[i])->name});
    return slice_sums(tile ? choose_winograd(graph, tile) : graph);
}

static inline Graph *differentiate(Graph *graph)
{
    return differentiate_by(graph, 0);
}

typedef struct {
    const Graph *graph;
    const Plan *plan;
    Interp *interp;
    int kernels;
} Ran;

/* Runs the graph as these fusions plan it. */
static inline Ran run_planned(Arena *arena, const Graph *graph, const FusionOptions *fusions, int64_t samples)
{
    PlanOptions options = {.fusions = *fusions, .cache_bytes = 8 * 1024};
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

static inline Ran run(Arena *arena, const Graph *graph, bool fused, int64_t samples)
{
    FusionOptions fusions;
    for (int i = 0; i < FUSION_COUNT; i++)
        fusions.off[i] = !fused;
    return run_planned(arena, graph, &fusions, samples);
}

static inline NodeId result_node(const Graph *graph, size_t index)
{
    return graph->results.items[index].node;
}

static inline void assert_same_results(const Ran *a, const Ran *b)
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

#endif
