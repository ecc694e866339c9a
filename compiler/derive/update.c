/* The weights' update. In this order: micro-batches are summed, the sum is clipped, the optimizer makes its
 * step (which begins with decay), the average follows, as Keras does. */
#include "compiler/derive/update.h"

#include <float.h>

#include "compiler/check/learnt.h"
#include "compiler/optim/parts.h"
#include "runtime/average.h"

static void add_update(Graph *graph, NodeId target, NodeId node, bool on_update)
{
    graph_result(graph,
                 (Result){.role = RESULT_UPDATE, .node = node, .target = target, .on_update = on_update});
}

static const char *leaf_name(const Graph *graph, NodeId leaf)
{
    return graph_node(graph, leaf)->name;
}

/* A state of the shape of `parameter`. */
static NodeId add_state(Graph *graph, NodeId parameter, const char *name, double init)
{
    Node node = *graph_node(graph, parameter);
    LeafAttrs attrs = {.kind = LEAF_STATE, .init = init == 0 ? INIT_ZEROS : INIT_CONSTANT, .init_a = init};
    return graph_leaf(graph, node.span, name, node.type, attrs);
}

/* The sum of the gradients of the micro-batches so far. */
static NodeId accumulate(Graph *graph, NodeId parameter, NodeId gradient)
{
    Make make = make_at(graph, parameter);
    const char *name = arena_printf(graph->arena, "grad.%s", leaf_name(graph, parameter));
    NodeId state = add_state(graph, parameter, name, 0.0);
    /* Chosen, not multiplied by 0: what a diverged step left there must not come back. */
    NodeId sum =
        make_select(make, make_scalar(make, "first_micro"), gradient, make_add(make, state, gradient));
    add_update(graph, state, sum, false);
    return sum;
}

/* The sum of the squares of all gradients; NODE_NONE: there are none. */
static NodeId squares_of_all(Graph *graph, const NodeId *gradients, int count)
{
    NodeId total = NODE_NONE;
    for (int i = 0; i < count; i++) {
        if (gradients[i] == NODE_NONE)
            continue;
        Make make = make_at(graph, gradients[i]);
        int rank = graph_type(graph, gradients[i])->rank;
        NodeId squares = make_sum(make, make_mul(make, gradients[i], gradients[i]), (1u << rank) - 1);
        NodeId sum = make_reshape(make, squares, 0, NULL);
        total = total == NODE_NONE ? sum : make_add(make, total, sum);
    }
    return total;
}

/* What each gradient is multiplied by so that the norm of all together is at most `most`. */
static NodeId clip_factor(Graph *graph, const NodeId *gradients, int count, double most)
{
    NodeId total = squares_of_all(graph, gradients, count);
    if (total == NODE_NONE)
        return NODE_NONE;
    Make make = {.graph = graph};
    NodeId limit = make_constant(make, most);
    return make_div(make, limit, make_max(make, make_unary(make, OP_sqrt, total), limit));
}

/* A comparison with what is not a number is false. */
static NodeId is_finite(Make make, NodeId size)
{
    return make_greater(make, make_constant(make, (double)FLT_MAX), size);
}

static NodeId loss_size(Make make)
{
    return make_unary(make, OP_abs, graph_find_result(make.graph, RESULT_LOSS));
}

/* Whether loss and gradients are finite: the sum of their sizes says it of all. */
static NodeId all_finite(Graph *graph, const NodeId *gradients, int count)
{
    Make make = {.graph = graph};
    NodeId size = loss_size(make), total = squares_of_all(graph, gradients, count);
    return is_finite(make, total == NODE_NONE ? size : make_add(make, size, total));
}

/* The updates among results number `first` to `end` keep the old value where `finite` is false. */
static void guard_updates(Graph *graph, NodeId finite, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        const Result *result = &graph->results.items[i];
        if (result->role != RESULT_UPDATE)
            continue;
        Make make = make_at(graph, result->target);
        Type type = *graph_type(graph, result->node);
        NodeId old = make_reshape(make, result->target, type.rank, type.dim);
        NodeId kept = make_select(make, finite, result->node, old);
        graph->results.items[i].node = kept;
    }
}

static void clip(const Program *program, Graph *graph, NodeId *gradients, int count)
{
    NodeId factor =
        program->clip_norm > 0 ? clip_factor(graph, gradients, count, program->clip_norm) : NODE_NONE;
    for (int i = 0; i < count; i++) {
        if (gradients[i] == NODE_NONE)
            continue;
        Make make = make_at(graph, gradients[i]);
        if (factor != NODE_NONE)
            gradients[i] = make_mul(make, gradients[i], factor);
        if (program->clip_value > 0) {
            NodeId most = make_constant(make, program->clip_value),
                   least = make_constant(make, -program->clip_value);
            gradients[i] = make_min(make, make_max(make, gradients[i], least), most);
        }
    }
}

/* The moving average of a parameter that becomes `next`, from its first value on. */
static void average(const Program *program, Graph *graph, NodeId parameter, NodeId next)
{
    Make make = make_at(graph, parameter);
    const char *name = arena_printf(graph->arena, AVERAGE_PREFIX "%s", leaf_name(graph, parameter));
    NodeId state = add_state(graph, parameter, name, 0.0);
    NodeId later = make_greater(make, make_scalar(make, "step"), make_constant(make, 1.0));
    NodeId moved = optimizer_average(make, state, next, program->average);
    add_update(graph, state, make_select(make, later, moved, next), program->accumulate > 1);
}

static void step(const Program *program, Graph *graph, NodeId parameter, NodeId gradient)
{
    const Optimizer *optimizer = program->optimizer;
    Make make = make_at(graph, parameter);
    Update update = {.make = make,
                     .weight = parameter,
                     .gradient = gradient,
                     .rate = make_scale(make, make_scalar(make, "rate"),
                                        learnt_rate_factor(&program->recipe, leaf_name(graph, parameter))),
                     .step = make_scalar(make, "step"),
                     .decays = ((const LeafAttrs *)graph_node(graph, parameter)->attrs)->decays};
    NodeId states[OPTIMIZER_STATES_MAX];
    int state_count = 0;
    while (state_count < OPTIMIZER_STATES_MAX && optimizer->states[state_count])
        state_count++;
    if (optimizer->state_count)
        state_count = optimizer->state_count(program->optimizer_args);
    for (int i = 0; i < state_count; i++) {
        const char *name = arena_printf(graph->arena, "%s.%s.%s", optimizer->schema.word,
                                        optimizer->states[i], leaf_name(graph, parameter));
        states[i] = update.state[i] = add_state(graph, parameter, name, optimizer->state_init);
    }
    NodeId next = optimizer->step(program->optimizer_args, &update);
    bool on_update = program->accumulate > 1;
    for (int i = 0; i < state_count; i++)
        if (update.state[i] != states[i])
            add_update(graph, states[i], update.state[i], on_update);
    add_update(graph, parameter, next, on_update);
    if (program->average > 0)
        average(program, graph, parameter, next);
}

void update_parameters(const Program *program, Graph *graph, const NodeId *parameters,
                       const NodeId *gradients, int count)
{
    NodeId *summed = NEW_ARRAY(graph->arena, NodeId, count),
           *clipped = NEW_ARRAY(graph->arena, NodeId, count);
    size_t running = graph->results.count;
    for (int i = 0; i < count; i++) {
        bool sums = program->accumulate > 1 && gradients[i] != NODE_NONE;
        clipped[i] = summed[i] = sums ? accumulate(graph, parameters[i], gradients[i]) : gradients[i];
    }
    size_t sums_end = graph->results.count;
    clip(program, graph, clipped, count);
    for (int i = 0; i < count; i++)
        if (clipped[i] != NODE_NONE)
            step(program, graph, parameters[i], clipped[i]);
    bool scaled = program->precision == PRECISION_F16;
    if (!program->guarded && !scaled)
        return;
    Make make = {.graph = graph};
    NodeId finite = all_finite(graph, summed, count);
    /* Gradients that overflow because of their scale say nothing against the forward pass, nor against the
     * gradients of a single micro-batch. */
    if (program->guarded) /* running statistics */
        guard_updates(graph, scaled ? is_finite(make, loss_size(make)) : finite, 0, running);
    guard_updates(graph, finite, sums_end, graph->results.count); /* not the sums, which begin anew */
    finite = make_select(make, finite, make_constant(make, 1.0), make_constant(make, 0.0));
    graph_result(graph, (Result){.role = RESULT_FINITE,
                                 .node = finite,
                                 .name = "finite",
                                 .on_update = scaled && program->accumulate > 1});
}
