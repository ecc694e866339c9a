/* For the tests of ops and layers: runs graphs by the interpreter in double, each node alone or fused, and
 * holds the gradients that autodiff makes against central differences. */
#ifndef HARNESS_H
#define HARNESS_H

#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/derive/derive.h"
#include "compiler/ir/interp.h"
#include "compiler/ir/op.h"
#include "compiler/ops/make.h"
#include "compiler/schedule/lower.h"
#include "runtime/rng.h"

/* A batch has room for more samples than there are, and more than one slice. */
enum { BATCH = 6, SAMPLES = 5 };
/* f16 rounds to 0.0005; a gradient has been through several of such roundings. */
static const double F16_TOLERANCE = 0.01;

typedef struct {
    const Graph *graph;
    Interp *interp;
} Run;

static inline Run run_new(Arena *arena, const Graph *graph, bool fused)
{
    PlanOptions options = {.cache_bytes = 1 << 20};
    for (int i = 0; i < FUSION_COUNT; i++)
        options.fusions.off[i] = !fused;
    Plan *plan = plan_make(arena, graph, &options);
    plan_verify(plan);
    lower_plan(plan);
    Run run = {graph, interp_new(arena, plan)};
    const CnnScalars scalars = {
        .inverse_count = 1.0f / SAMPLES, .count = SAMPLES, .seed_low = 77, .epoch = 2, .first_sample = 10};
    interp_scalars(run.interp, &scalars);
    return run;
}

/* Deterministic values in [-1, 1), of a tensor by its name. */
static inline double noise_value(const char *name, int64_t index)
{
    return 2 * cnn_uniform(cnn_random4(1234, (uint32_t)index, cnn_hash_name(name), 0, 0).word[0]) - 1;
}

static inline bool is_filled(const Node *node)
{
    const LeafAttrs *leaf = node->op == OP_leaf ? node->attrs : NULL;
    return leaf && leaf->kind != LEAF_SCALAR && leaf->kind != LEAF_TABLE;
}

/* A leaf of `graph` in a run (of another graph with a leaf of the same name); NULL where nothing reads it. */
static inline double *leaf_values(const Run *run, const char *name)
{
    NodeId leaf = graph_find_leaf(run->graph, name);
    return leaf == NODE_NONE ? NULL : interp_values(run->interp, leaf);
}

static inline void fill_leaves(const Run *run)
{
    for (NodeId id = 0; id < run->graph->nodes.count; id++) {
        const Node *node = graph_node(run->graph, id);
        if (!is_filled(node))
            continue;
        double *values = interp_values(run->interp, id);
        /* A running variance must be positive. */
        double offset = strstr(node->name, ".variance") ? 1.5 : 0;
        for (int64_t i = 0; i < type_elements(&node->type); i++)
            values[i] = offset + noise_value(node->name, i);
    }
}

static inline const double *result_values(const Run *run, const char *name)
{
    for (size_t i = 0; i < run->graph->results.count; i++) {
        const Result *result = &run->graph->results.items[i];
        if (result->role == RESULT_VALUE && strcmp(result->name, name) == 0)
            return interp_values(run->interp, result->node);
    }
    BUG("no result '%s'", name);
}

static inline void add_value(Graph *graph, NodeId node, const char *name)
{
    graph_result(graph, (Result){.role = RESULT_VALUE, .node = node, .name = name});
}

/* Elements of a tensor that hold something: of the samples that there are. */
static inline int64_t used_elements(const Type *type)
{
    int64_t elements = type_elements(type);
    return type->lead == LEAD_BATCH ? elements / BATCH * SAMPLES : elements;
}

/* The sum of the output times fixed numbers, as the result "loss". */
static inline NodeId add_loss(Graph *graph, NodeId output)
{
    Make make = make_at(graph, output);
    Type type = *graph_type(graph, output);
    type.dtype = DTYPE_F32;
    NodeId weights = graph_leaf(graph, make.span, "weights", type, (LeafAttrs){.kind = LEAF_INPUT});
    NodeId loss = make_sum(make, make_mul(make, output, weights), (1u << type.rank) - 1);
    loss = make_reshape(make, loss, 0, NULL);
    add_value(graph, loss, "loss");
    return loss;
}

enum { TENSORS_MOST = 32, CHECKED_MOST = 24 };

typedef struct {
    const Graph *forward; /* the loss only */
    const Graph *full;    /* with gradients, as results called as the leaf */
    int count;
    const char *name[TENSORS_MOST];
    Type type[TENSORS_MOST];
} Derived;

/* The gradients of the loss with respect to every leaf that is not an integer. */
static inline Derived derive_gradients(Graph *graph, NodeId output)
{
    Derived derived = {0};
    NodeId loss = add_loss(graph, output), leaf[TENSORS_MOST], gradient[TENSORS_MOST];
    derived.forward = slice_sums(graph);
    for (NodeId id = 0; id <= loss; id++) {
        const Node *node = graph_node(graph, id);
        const LeafAttrs *attrs = node->op == OP_leaf ? node->attrs : NULL;
        if (!is_filled(node) || node->type.dtype != DTYPE_F32 || attrs->kind == LEAF_STATE ||
            strcmp(node->name, "weights") == 0)
            continue;
        if (derived.count == TENSORS_MOST)
            BUG("more than %d leaves", TENSORS_MOST);
        leaf[derived.count] = id;
        derived.name[derived.count] = node->name;
        derived.type[derived.count++] = node->type;
    }
    autodiff(graph, loss, leaf, derived.count, gradient);
    for (int i = 0; i < derived.count; i++) {
        if (gradient[i] == NODE_NONE)
            fail_msg("the loss does not depend on %s", derived.name[i]);
        add_value(graph, gradient[i], derived.name[i]);
    }
    graph_verify(graph, "derive_gradients");
    derived.full = slice_sums(graph);
    graph_verify(derived.full, "slice_sums");
    return derived;
}

static inline double run_loss(const Run *run)
{
    interp_run(run->interp, SAMPLES);
    return *result_values(run, "loss");
}

/* Central difference of the loss at one element. */
static inline double difference(const Run *forward, double *element)
{
    const double step = 1e-5, value = *element;
    *element = value + step;
    double above = run_loss(forward);
    *element = value - step;
    double below = run_loss(forward);
    *element = value;
    return (above - below) / (2 * step);
}

/* Holds the gradients against differences: to 1e-6 of the largest of the tensor, at up to CHECKED_MOST
 * elements spread over it. */
static inline void check_differences(Arena *arena, const Derived *derived, const char *what)
{
    Run forward = run_new(arena, derived->forward, false), full = run_new(arena, derived->full, false);
    fill_leaves(&forward);
    fill_leaves(&full);
    run_loss(&full);
    for (int t = 0; t < derived->count; t++) {
        const double *gradient = result_values(&full, derived->name[t]);
        double *values = leaf_values(&forward, derived->name[t]);
        int64_t elements = used_elements(&derived->type[t]);
        double scale = 1e-3;
        for (int64_t i = 0; i < elements; i++)
            scale = fmax(scale, fabs(gradient[i]));
        int64_t step = elements <= CHECKED_MOST ? 1 : elements / CHECKED_MOST;
        for (int64_t i = 0; i < elements; i += step) {
            double wanted = difference(&forward, &values[i]);
            if (!(fabs(gradient[i] - wanted) <= 1e-6 * scale))
                fail_msg("%s: gradient of %s[%lld] is %.12g, differences give %.12g", what, derived->name[t],
                         (long long)i, gradient[i], wanted);
        }
    }
}

/* Two runs on the same leaves. */
static inline void run_alike(Run *one, Run *other)
{
    fill_leaves(one);
    fill_leaves(other);
    interp_run(one->interp, SAMPLES);
    interp_run(other->interp, SAMPLES);
}

/* Every result of the graph is nearly the same where what the batch is made into is stored as f16. */
static inline void check_small(Arena *arena, const Graph *graph, bool fused, const char *what)
{
    const bool *keep = NEW_ARRAY(arena, bool, graph->nodes.count);
    const Graph *small = store_small(graph, DTYPE_F16, keep);
    Run exact = run_new(arena, graph, fused), rounded = run_new(arena, small, fused);
    run_alike(&exact, &rounded);
    for (size_t r = 0; r < graph->results.count; r++) {
        NodeId node = graph->results.items[r].node;
        const double *a = interp_values(exact.interp, node),
                     *b = interp_values(rounded.interp, small->results.items[r].node);
        double scale = 1;
        int64_t elements = used_elements(graph_type(graph, node));
        for (int64_t i = 0; i < elements; i++)
            scale = fmax(scale, fabs(a[i]));
        for (int64_t i = 0; i < elements; i++)
            if (!(fabs(a[i] - b[i]) <= F16_TOLERANCE * scale))
                fail_msg("%s: %s[%lld] is %.7g by f16 and %.7g by f32", what, graph->results.items[r].name,
                         (long long)i, b[i], a[i]);
    }
}

/* Every result of the graph is the same, fused or not. */
static inline void check_fusion(Arena *arena, const Graph *graph, const char *what)
{
    Run alone = run_new(arena, graph, false), fused = run_new(arena, graph, true);
    run_alike(&alone, &fused);
    for (size_t r = 0; r < graph->results.count; r++) {
        const Result *result = &graph->results.items[r];
        const Type *type = graph_type(graph, result->node);
        const double *a = interp_values(alone.interp, result->node),
                     *b = interp_values(fused.interp, result->node);
        for (int64_t i = 0; i < used_elements(type); i++)
            if (!(fabs(a[i] - b[i]) <= 1e-10 * fmax(1, fabs(a[i]))))
                fail_msg("%s: %s[%lld] is %.12g fused and %.12g not fused", what,
                         result->name ? result->name : "result", (long long)i, b[i], a[i]);
    }
}

/* The same; and, if less exactly, with storage as f16. */
static inline void check_variants(Arena *arena, const Graph *graph, const char *what)
{
    check_fusion(arena, graph, what);
    check_small(arena, graph, false, what);
    check_small(arena, graph, true, what);
}

#endif
