#include "compiler/ir/interp.h"

#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "runtime/half.h"
#include "runtime/rng.h"

typedef struct {
    const Computation *computation;
    double *const *tensors;
    const CnnCall *call;
    int64_t at[AXIS_MAX]; /* value of each axis */
    int64_t low[AXIS_MAX], high[AXIS_MAX];
    double acc[64];
    double acc_at[64];
} Run;

enum { ACCS_MOST = 64 };

static int64_t evaluate_affine(const Run *run, const Affine *affine)
{
    int64_t value = affine->base;
    for (int i = 0; i < run->computation->axis_count; i++)
        value += affine->coef[i] * run->at[i];
    return value;
}

static bool guards_hold(const Run *run, int first, int count)
{
    for (int i = 0; i < count; i++) {
        const Guard *guard = &run->computation->guards.items[first + i];
        int64_t value = evaluate_affine(run, &guard->at);
        if (value < 0 || value >= guard->extent)
            return false;
    }
    return true;
}

static double evaluate(const Run *run, ExprId id)
{
    const Expr *expr = &run->computation->exprs.items[id];
    switch (expr->kind) {
    case EXPR_CONST:
        return expr->imm;
    case EXPR_LOAD:
        if (!guards_hold(run, expr->guard_first, expr->guard_count))
            return 0;
        return run->tensors[expr->index][evaluate_affine(run, &expr->at)];
    case EXPR_AXIS:
        return (double)evaluate_affine(run, &expr->at);
    case EXPR_ACC:
        return run->acc[expr->index];
    case EXPR_ACC_AT:
        return run->acc_at[expr->index];
    case EXPR_SCALAR: {
        double value[3] = {0};
        for (int i = 0; i < scalar_table[expr->scalar].arity; i++)
            value[i] = evaluate(run, expr->in[i]);
        return scalar_evaluate(expr->scalar, value[0], value[1], value[2]);
    }
    case EXPR_RANDOM: {
        uint64_t seed = (uint64_t)(uint32_t)(int64_t)evaluate(run, expr->in[0]) |
                        (uint64_t)(uint32_t)(int64_t)evaluate(run, expr->in[1]) << 32;
        uint32_t epoch = (uint32_t)(int64_t)evaluate(run, expr->in[2]);
        uint32_t sample = (uint32_t)(evaluate_affine(run, &expr->at2) + (int64_t)evaluate(run, expr->in[3]));
        uint32_t element = (uint32_t)evaluate_affine(run, &expr->at);
        return cnn_uniform(cnn_random_element(seed, (uint32_t)expr->index, epoch, sample, element));
    }
    }
    BUG("expression of kind %d", (int)expr->kind);
}

static void accumulate(Run *run)
{
    for (size_t i = 0; i < run->computation->accs.count; i++) {
        const Accumulator *acc = &run->computation->accs.items[i];
        if (!guards_hold(run, acc->guard_first, acc->guard_count))
            continue;
        double value = evaluate(run, acc->expr);
        if (acc->kind == ACC_SUM) {
            run->acc[i] += value;
        } else if (value > run->acc[i]) {
            run->acc[i] = value;
            run->acc_at[i] = (double)evaluate_affine(run, &acc->at);
        }
    }
}

/* Advances the axes from `first` on; false when all points have been visited. */
static bool next_point(Run *run, int first, int end)
{
    for (int i = end - 1; i >= first; i--) {
        if (++run->at[i] < run->high[i])
            return true;
        run->at[i] = run->low[i];
    }
    return false;
}

static bool first_point(Run *run, int first, int end)
{
    for (int i = first; i < end; i++) {
        run->at[i] = run->low[i];
        if (run->low[i] >= run->high[i])
            return false;
    }
    return true;
}

/* True at the first point of the axes that the store sums over. */
static bool at_first(const Run *run, const Affine *at, int outputs)
{
    for (int i = 0; i < outputs; i++)
        if (!at->coef[i] && run->at[i] != run->low[i])
            return false;
    return true;
}

static void start_accumulators(Run *run)
{
    const Computation *computation = run->computation;
    for (size_t i = 0; i < computation->accs.count; i++) {
        run->acc[i] = computation->accs.items[i].kind == ACC_SUM ? 0 : -INFINITY;
        run->acc_at[i] = 0;
    }
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        if (store->kind == STORE_ACC && !run->call->first &&
            guards_hold(run, store->guard_first, store->guard_count))
            run->acc[computation->exprs.items[store->expr].index] =
                run->tensors[store->tensor][evaluate_affine(run, &store->at)];
    }
}

/* What a tensor of this type has of a value. */
static double in_memory(Dtype dtype, double value)
{
    return dtype == DTYPE_BF16  ? (double)cnn_bf16_value(cnn_bf16_of((float)value))
           : dtype == DTYPE_F16 ? (double)cnn_f16_value(cnn_f16_of((float)value))
                                : value;
}

static void make_stores(Run *run, int outputs)
{
    enum { STORES_MOST = 64 };
    double values[STORES_MOST];
    const Computation *computation = run->computation;
    if (computation->stores.count > STORES_MOST)
        BUG("%s makes %zu stores", computation->name, computation->stores.count);
    /* All values first: a store may overwrite what another expression loads at this point. */
    for (size_t i = 0; i < computation->stores.count; i++)
        values[i] = evaluate(run, computation->stores.items[i].expr);
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        if (!guards_hold(run, store->guard_first, store->guard_count))
            continue;
        double *place = &run->tensors[store->tensor][evaluate_affine(run, &store->at)];
        bool fresh = store->kind != STORE_ADD ||
                     (run->call->first && !store->continued && at_first(run, &store->at, outputs));
        *place = in_memory(computation->tensors.items[store->tensor].dtype,
                           fresh ? values[i] : *place + values[i]);
    }
}

static void set_bounds(Run *run)
{
    const Computation *computation = run->computation;
    for (int i = 0; i < computation->axis_count; i++) {
        const Axis *axis = &computation->axes[i];
        run->low[i] = 0;
        run->high[i] = axis->extent;
        if (axis->kind == EXTENT_SLICES)
            run->high[i] = run->call->slices;
        else if (axis->kind == EXTENT_BATCH)
            run->high[i] = run->call->samples;
        if (i == computation->parallel || (axis->kind == EXTENT_BATCH && computation->chunked)) {
            run->low[i] = run->call->begin;
            run->high[i] = run->call->end;
        }
    }
}

void interp_computation(const Computation *computation, double *const *tensors, const CnnCall *call)
{
    Run run = {.computation = computation, .tensors = tensors, .call = call};
    if (computation->accs.count > ACCS_MOST)
        BUG("%s has %zu accumulators", computation->name, computation->accs.count);
    set_bounds(&run);
    int outputs = 0;
    while (outputs < computation->axis_count && !computation->axes[outputs].reduced)
        outputs++;
    if (!first_point(&run, 0, outputs))
        return;
    do {
        start_accumulators(&run);
        if (first_point(&run, outputs, computation->axis_count)) {
            do
                accumulate(&run);
            while (next_point(&run, outputs, computation->axis_count));
        }
        make_stores(&run, outputs);
    } while (next_point(&run, 0, outputs));
}

/* ---- A plan with memory in double ---- */

struct Interp {
    Arena *arena;
    const Plan *plan;
    double **values; /* by buffer: where it begins; in a worker's memory, for the first chunk */
};

/* The batch's and a worker's memory are laid out as the plan says, a double for each byte, so that a plan
 * that lets tensors overlap gives wrong results here, too; NaN before anything is written. */
static double *take_slab(Arena *arena, uint64_t bytes)
{
    double *slab = NEW_ARRAY(arena, double, bytes + 1);
    for (uint64_t i = 0; i < bytes; i++)
        slab[i] = NAN;
    return slab;
}

static double *take_leaf(Arena *arena, const Node *node)
{
    double *values = NEW_ARRAY(arena, double, type_elements(&node->type));
    const LeafAttrs *leaf = node->attrs;
    for (int64_t k = 0; leaf->kind == LEAF_TABLE && k < type_elements(&node->type); k++)
        values[k] = (double)leaf->table[k];
    return values;
}

Interp *interp_new(Arena *arena, const Plan *plan)
{
    Interp *interp = NEW(arena, Interp);
    interp->arena = arena;
    interp->plan = plan;
    interp->values = NEW_ARRAY(arena, double *, plan->buffers.count);
    double *batch = take_slab(arena, plan->batch_bytes), *worker = take_slab(arena, plan->worker_bytes);
    for (size_t i = 0; i < plan->buffers.count; i++) {
        const Buffer *buffer = &plan->buffers.items[i];
        const Node *node = graph_node(plan->graph, buffer->node);
        if (node->op == OP_leaf)
            interp->values[i] = take_leaf(arena, node);
        else
            interp->values[i] = (buffer->segment == SEGMENT_WORKER ? worker : batch) + buffer->offset;
    }
    return interp;
}

double *interp_values(Interp *interp, NodeId node)
{
    int buffer = interp->plan->buffer_of[node];
    if (buffer < 0)
        BUG("%%%u is not stored", node);
    return interp->values[buffer];
}

void interp_scalars(Interp *interp, const CnnScalars *scalars)
{
    const Graph *graph = interp->plan->graph;
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        const LeafAttrs *leaf = node->op == OP_leaf ? node->attrs : NULL;
        if (!leaf || leaf->kind != LEAF_SCALAR || interp->plan->buffer_of[id] < 0)
            continue;
        const char *member = (const char *)scalars + 4 * (size_t)leaf->scalar;
        float real;
        int32_t integer;
        memcpy(&real, member, 4);
        memcpy(&integer, member, 4);
        *interp_values(interp, id) = node->type.dtype == DTYPE_I32 ? (double)integer : (double)real;
    }
}

static void run_kernel(Interp *interp, const Kernel *kernel, CnnCall call, int64_t slice)
{
    const Computation *computation = kernel->computation;
    double *tensors[64];
    if (computation->tensors.count > 64)
        BUG("%s has %zu tensors", computation->name, computation->tensors.count);
    for (size_t i = 0; i < computation->tensors.count; i++) {
        const KernelTensor *tensor = &computation->tensors.items[i];
        const Type *type = graph_type(interp->plan->graph, tensor->node);
        int64_t lead = type->lead == LEAD_NONE ? 0 : type_elements(type) / type->dim[0];
        tensors[i] = interp_values(interp, tensor->node);
        if (computation->chunked && type->lead == LEAD_SLICE)
            tensors[i] += slice * lead;
        else if (interp->plan->buffers.items[interp->plan->buffer_of[tensor->node]].segment == SEGMENT_WORKER)
            tensors[i] -= call.begin * lead;
    }
    if (!computation->chunked) {
        const Axis *axis = &computation->axes[computation->parallel];
        call.begin = 0;
        call.end = axis->kind == EXTENT_BATCH    ? call.samples
                   : axis->kind == EXTENT_SLICES ? call.slices
                                                 : axis->extent;
    }
    interp_computation(computation, tensors, &call);
}

static void run_group(Interp *interp, const Group *group, CnnCall call, int64_t slice)
{
    for (size_t k = 0; k < group->kernels.count; k++)
        run_kernel(interp, group->kernels.items[k], call, slice);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void interp_run(Interp *interp, int64_t samples)
{
    const Plan *plan = interp->plan;
    int64_t slice = plan->graph->slice;
    CnnCall call = {.samples = samples, .slices = (samples + slice - 1) / slice, .first = 1};
    for (size_t p = 0; p < plan->phases.count; p++) {
        const Phase *phase = &plan->phases.items[p];
        const Group *groups = plan->groups.items + phase->first_group;
        if (phase->kind == PHASE_WHOLE) {
            for (int g = 0; g < phase->group_count; g++)
                run_group(interp, &groups[g], call, 0);
            continue;
        }
        for (int64_t s = 0; s < call.slices; s++) {
            int64_t end = least((s + 1) * slice, samples);
            for (int64_t n = s * slice; n < end; n += phase->chunk) {
                CnnCall part = call;
                part.begin = n;
                part.end = least(n + phase->chunk, end);
                part.first = n == s * slice;
                for (int g = 0; g < phase->group_count; g++)
                    run_group(interp, &groups[g], part, s);
            }
        }
    }
}
