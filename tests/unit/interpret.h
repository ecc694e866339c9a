/* For tests: runs a graph, each node alone, by the interpreter in double. */
#ifndef INTERPRET_H
#define INTERPRET_H

#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ir/interp.h"
#include "compiler/ops/make.h"
#include "compiler/schedule/lower.h"
#include "runtime/rng.h"

/* A batch of the tests: less than what a graph has room for. */
enum { BATCH = 8, SAMPLES = 6 };

static inline Type batched(int64_t columns)
{
    return type_make(DTYPE_F32, LEAD_BATCH, 2, (const int64_t[]){BATCH, columns});
}

static inline Type plain(int rank, int64_t a, int64_t b)
{
    return type_make(DTYPE_F32, LEAD_NONE, rank, (const int64_t[]){a, b});
}

static inline Make new_graph(Arena *arena)
{
    return (Make){.graph = graph_new(arena, diag_new(arena), BATCH)};
}

static inline NodeId add_leaf(Make make, const char *name, LeafKind kind, Type type)
{
    return graph_leaf(make.graph, make.span, name, type, (LeafAttrs){.kind = kind, .decays = true});
}

typedef struct {
    const Graph *graph;
    Interp *interp;
} Interpreted;

static inline Interpreted interpret(Arena *arena, const Graph *graph)
{
    PlanOptions options = {.cache_bytes = 1 << 20};
    for (int i = 0; i < FUSION_COUNT; i++)
        options.fusions.off[i] = true;
    Plan *plan = plan_make(arena, graph, &options);
    lower_plan(plan);
    return (Interpreted){graph, interp_new(arena, plan)};
}

/* The values of the leaf `name`. */
static inline double *leaf_values(const Interpreted *run, const char *name)
{
    NodeId leaf = graph_find_leaf(run->graph, name);
    if (leaf == NODE_NONE)
        BUG("no leaf '%s'", name);
    return interp_values(run->interp, leaf);
}

static inline void set_leaf(const Interpreted *run, const char *name, const double *values)
{
    int64_t elements = type_elements(graph_type(run->graph, graph_find_leaf(run->graph, name)));
    memcpy(leaf_values(run, name), values, (size_t)elements * sizeof *values);
}

/* The values of the result called `name` (NULL: the first) of a role. */
static inline double *result_values(const Interpreted *run, ResultRole role, const char *name)
{
    for (size_t i = 0; i < run->graph->results.count; i++) {
        const Result *result = &run->graph->results.items[i];
        if (result->role == role && (!name || (result->name && strcmp(result->name, name) == 0)))
            return interp_values(run->interp, result->node);
    }
    BUG("no result '%s'", name ? name : "");
}

/* The scalars of a step on `samples` samples. */
static inline CnnScalars step_scalars(double rate, int step, int64_t samples)
{
    return (CnnScalars){.rate = (float)rate,
                        .step = (float)step,
                        .inverse_count = 1.0f / (float)samples,
                        .count = (float)samples,
                        .first_micro = 1,
                        .last_micro = 1,
                        .loss_scale = 1,
                        .inverse_loss_scale = 1};
}

/* Equal to 1e-7 of `scale`. */
static inline void assert_close(double have, double want, double scale)
{
    if (!(fabs(have - want) <= 1e-7 * scale))
        fail_msg("%.12g, expected %.12g", have, want);
}

/* Deterministic values in [-1, 1). */
static inline double noise_value(uint64_t seed, int index)
{
    return 2.0 * cnn_uniform(cnn_random4(seed, (uint32_t)index, 0, 0, 0).word[0]) - 1.0;
}

#endif
