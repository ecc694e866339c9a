/* For tests: runs a graph, each node alone, by the interpreter in double. */
#ifndef INTERPRET_H
#define INTERPRET_H

#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ir/interp.h"
#include "compiler/schedule/lower.h"
#include "runtime/rng.h"

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
                        .last_micro = 1};
}

/* Deterministic values in [-1, 1). */
static inline double noise_value(uint64_t seed, int index)
{
    return 2.0 * cnn_uniform(cnn_random4(seed, (uint32_t)index, 0, 0, 0).word[0]) - 1.0;
}

#endif
