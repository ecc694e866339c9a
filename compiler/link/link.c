#include "compiler/link/link.h"

#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/check/learnt.h"
#include "compiler/ir/op.h"
#include "compiler/ir/parts.h"
#include "runtime/rng.h"
#include "runtime/scores.h"

enum { ALIGNMENT = 64, VECTOR_POINTS = 16 /* of the widest vectors: a multiple of all */ };

typedef struct {
    Arena *arena;
    const Program *program;
    CnnImage *image;
    VEC(CnnTensor) tensors;
    VEC(float) table;
} Linking;

Kernel **link_kernels(Arena *arena, const Plan *plan, int *count)
{
    VEC(Kernel *) kernels = {0};
    for (size_t g = 0; g < plan->groups.count; g++)
        for (size_t k = 0; k < plan->groups.items[g].kernels.count; k++)
            *vec_push(arena, &kernels) = plan->groups.items[g].kernels.items[k];
    *count = (int)kernels.count;
    return kernels.items;
}

static const CnnTensor *find_tensor(const Linking *linking, const char *name)
{
    for (size_t i = 0; i < linking->tensors.count; i++)
        if (strcmp(linking->tensors.items[i].name, name) == 0)
            return &linking->tensors.items[i];
    return NULL;
}

/* The tensor of a parameter or state; the evaluation finds those of the training. */
static const CnnTensor *add_tensor(Linking *linking, const Node *node)
{
    const LeafAttrs *leaf = node->attrs;
    const CnnTensor *known = find_tensor(linking, node->name);
    if (known)
        return known;
    CnnTensor *tensor = vec_push(linking->arena, &linking->tensors);
    *tensor = (CnnTensor){.name = node->name,
                          .dtype = node->type.dtype,
                          .rank = node->type.rank,
                          .offset = linking->image->state_bytes,
                          .trainable = leaf->kind == LEAF_PARAMETER &&
                                       !learnt_is_frozen(&linking->program->recipe, node->name),
                          .in_weights = leaf->kind == LEAF_PARAMETER || leaf->in_weights,
                          .init = leaf->init,
                          .init_a = leaf->init_a,
                          .init_key = cnn_hash_name(node->name)};
    memcpy(tensor->dim, node->type.dim, sizeof tensor->dim);
    uint64_t bytes = (uint64_t)type_elements(&node->type) * dtype_bytes(node->type.dtype);
    linking->image->state_bytes += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return tensor;
}

static uint64_t add_table(Linking *linking, const Node *node)
{
    const LeafAttrs *leaf = node->attrs;
    while (linking->table.count % (ALIGNMENT / sizeof(float)))
        *vec_push(linking->arena, &linking->table) = 0;
    uint64_t offset = linking->table.count * sizeof(float);
    for (int64_t i = 0; i < type_elements(&node->type); i++)
        *vec_push(linking->arena, &linking->table) = leaf->table[i];
    return offset;
}

static uint64_t leaf_offset(Linking *linking, const Node *node)
{
    const LeafAttrs *leaf = node->attrs;
    switch (leaf->kind) {
    case LEAF_INPUT:
    case LEAF_LABEL:
        return 0;
    case LEAF_PARAMETER:
    case LEAF_STATE:
        return add_tensor(linking, node)->offset;
    case LEAF_SCALAR:
        return 4 * (uint64_t)leaf->scalar;
    case LEAF_TABLE:
        return add_table(linking, node);
    }
    BUG("leaf of kind %d", (int)leaf->kind);
}

static CnnBuffer *link_buffers(Linking *linking, const Plan *plan)
{
    CnnBuffer *buffers = NEW_ARRAY(linking->arena, CnnBuffer, plan->buffers.count);
    const StepPart *part = graph_parts(linking->arena, plan->graph);
    for (size_t i = 0; i < plan->buffers.count; i++) {
        const Buffer *from = &plan->buffers.items[i];
        const Node *node = graph_node(plan->graph, from->node);
        buffers[i] = (CnnBuffer){.name = node->name ? node->name : node_op(node)->name,
                                 .segment = from->segment,
                                 .dtype = node->type.dtype,
                                 .lead = node->type.lead,
                                 .offset = node->op == OP_leaf ? leaf_offset(linking, node) : from->offset,
                                 .bytes = from->bytes,
                                 .lead_bytes = from->lead_bytes,
                                 .part = part[from->node],
                                 .where = diag_where(linking->program->diag, node->span)};
    }
    return buffers;
}

/* Of what a kernel writes point by point: one for each class of a strided gradient's pixels writes no
 * others'.
 */
static double written_bytes(const Computation *computation, int tensor)
{
    double points = 0, of_axes = 1;
    for (int a = 0; a < computation->axis_count; a++)
        if (!computation->axes[a].reduced &&
            !(computation->chunked && computation->axes[a].kind == EXTENT_BATCH))
            of_axes *= (double)computation->axes[a].extent;
    for (size_t s = 0; s < computation->stores.count; s++)
        if (computation->stores.items[s].tensor == tensor)
            points += of_axes;
    return points * (double)dtype_bytes(computation->tensors.items[tensor].dtype);
}

double link_moved_bytes(const Plan *plan, const Computation *computation, int tensor)
{
    const Buffer *buffer = &plan->buffers.items[plan->buffer_of[computation->tensors.items[tensor].node]];
    Lead lead = graph_type(plan->graph, computation->tensors.items[tensor].node)->lead;
    double whole = (double)(computation->chunked && lead == LEAD_BATCH ? buffer->lead_bytes : buffer->bytes);
    if (!computation->chunked || lead == LEAD_BATCH)
        return computation->tensors.items[tensor].written ? fmin(whole, written_bytes(computation, tensor))
                                                          : whole;
    double bytes = lead == LEAD_SLICE ? 2 * (double)buffer->lead_bytes : (double)buffer->bytes;
    return bytes / (double)computation->chunk;
}

static double kernel_bytes(const Plan *plan, const Computation *computation)
{
    double bytes = 0;
    for (size_t i = 0; i < computation->tensors.count; i++)
        bytes += link_moved_bytes(plan, computation, (int)i);
    return bytes;
}

static double kernel_flops(const Plan *plan, const Computation *computation)
{
    double flops = computation_flops(computation);
    if (!computation->chunked)
        return flops;
    return flops / (double)plan->graph->batch;
}

/* Points of the parallel axis that one tile takes. A GPU does all in one call. */
static int64_t grain_of(const Kernel *kernel)
{
    int parallel = kernel->computation->parallel;
    if (kernel->cuda.threads)
        return 1;
    if (kernel->cpu.row_axis == parallel)
        return kernel->cpu.rows;
    return kernel->cpu.vector_axis == parallel ? (int64_t)kernel->cpu.vectors * VECTOR_POINTS : 1;
}

static CnnStep link_step(const Linking *linking, const Plan *plan, const Kernel *kernel, int code)
{
    const Computation *computation = kernel->computation;
    int *buffers = NEW_ARRAY(linking->arena, int, computation->tensors.count);
    int *writes = NEW_ARRAY(linking->arena, int, computation->tensors.count);
    int write_count = 0;
    for (size_t i = 0; i < computation->tensors.count; i++) {
        buffers[i] = plan->buffer_of[computation->tensors.items[i].node];
        if (computation->tensors.items[i].written)
            writes[write_count++] = buffers[i];
    }
    const Axis *parallel = &computation->axes[computation->parallel];
    return (CnnStep){.name = kernel->name,
                     .label = kernel->name,
                     .where = diag_where(linking->program->diag, kernel->span),
                     .flops = kernel_flops(plan, computation),
                     .bytes = kernel_bytes(plan, computation),
                     .code = code,
                     .buffer_count = (int)computation->tensors.count,
                     .buffers = buffers,
                     .write_count = write_count,
                     .writes = writes,
                     .extent = parallel->kind == EXTENT_BATCH ? 0 : parallel->extent,
                     .grain = grain_of(kernel)};
}

static void link_steps(Linking *linking, const LinkedPlan *linked, CnnProgram *program)
{
    const Plan *plan = linked->plan;
    int count;
    Kernel **kernels = link_kernels(linking->arena, plan, &count);
    CnnStep *steps = NEW_ARRAY(linking->arena, CnnStep, count);
    for (int k = 0; k < count; k++)
        steps[k] = link_step(linking, plan, kernels[k], linked->code[k]);
    CnnPhase *phases = NEW_ARRAY(linking->arena, CnnPhase, plan->phases.count);
    int step = 0;
    for (size_t p = 0; p < plan->phases.count; p++) {
        const Phase *phase = &plan->phases.items[p];
        phases[p] =
            (CnnPhase){.kind = phase->kind, .when = phase->when, .first_step = step, .chunk = phase->chunk};
        for (int g = 0; g < phase->group_count; g++)
            phases[p].step_count += (int)plan->groups.items[phase->first_group + g].kernels.count;
        step += phases[p].step_count;
    }
    program->steps = steps;
    program->step_count = count;
    program->phases = phases;
    program->phase_count = (int)plan->phases.count;
}

static int result_buffer(const Plan *plan, ResultRole role)
{
    NodeId node = graph_find_result(plan->graph, role);
    return node == NODE_NONE ? -1 : plan->buffer_of[node];
}

/* Those of the graph; in an evaluation then those that the runtime makes of all answers. */
static void link_metrics(Linking *linking, const Plan *plan, bool evaluation, CnnProgram *program)
{
    VEC(CnnMetric) metrics = {0};
    const Names *names = &linking->program->metrics;
    for (size_t i = 0; i < plan->graph->results.count; i++) {
        const Result *result = &plan->graph->results.items[i];
        if (result->role == RESULT_METRIC)
            *vec_push(linking->arena, &metrics) =
                (CnnMetric){.name = result->name, .buffer = plan->buffer_of[result->node]};
    }
    for (int i = 0; i < names->count && evaluation; i++)
        if (scores_know(names->value[i]))
            *vec_push(linking->arena, &metrics) = (CnnMetric){.name = names->value[i], .buffer = -1};
    program->metrics = metrics.items;
    program->metric_count = (int)metrics.count;
}

static CnnProgram link_program(Linking *linking, const LinkedPlan *linked, bool evaluation)
{
    const Plan *plan = linked->plan;
    CnnProgram program = {.batch = plan->graph->batch,
                          .slice = plan->graph->slice,
                          .buffer_count = (int)plan->buffers.count,
                          .batch_bytes = plan->batch_bytes,
                          .worker_bytes = plan->worker_bytes,
                          .loss = result_buffer(plan, RESULT_TOTAL),
                          .logits = result_buffer(plan, RESULT_OUTPUT),
                          .finite = result_buffer(plan, RESULT_FINITE),
                          .scaled = graph_find_leaf(plan->graph, "loss_scale") != NODE_NONE};
    program.buffers = link_buffers(linking, plan);
    link_steps(linking, linked, &program);
    link_metrics(linking, plan, evaluation, &program);
    return program;
}

static void set_interface(CnnImage *image, const Graph *graph)
{
    const Type *output = graph_type(graph, graph_find_result(graph, RESULT_OUTPUT));
    image->classes = output->dim[output->rank - 1];
    image->label_dtype = DTYPE_I32;
    image->label_width = 1;
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        const LeafAttrs *leaf = node->op == OP_leaf ? node->attrs : NULL;
        if (leaf && leaf->kind == LEAF_LABEL) {
            image->label_dtype = node->type.dtype;
            image->label_width = node->type.rank > 1 ? node->type.dim[1] : 1;
        }
        if (!leaf || leaf->kind != LEAF_INPUT)
            continue;
        image->input_dtype = node->type.dtype;
        image->input_shape.count = node->type.rank - 1;
        for (int d = 1; d < node->type.rank; d++)
            image->input_shape.value[d - 1] = node->type.dim[d];
    }
}

CnnImage *link_image(Arena *arena, const Program *program, const LinkedPlan *train, const LinkedPlan *eval,
                     const char *summary)
{
    CnnImage *image = NEW(arena, CnnImage);
    Linking linking = {.arena = arena, .program = program, .image = image};
    image->recipe = program->recipe;
    image->summary = summary;
    image->recipe_text = program_recipe_text(program);
    image->source_count = (int)program->sources.count;
    image->sources = program->sources.items;
    image->output = program->softmax || program->sigmoid ? OUTPUT_SHARES
                    : program->loss->takes_logits        ? OUTPUT_LOGITS
                                                         : OUTPUT_VALUES;
    set_interface(image, eval->plan->graph);
    image->train = link_program(&linking, train, false);
    image->eval = link_program(&linking, eval, true);
    image->tensors = linking.tensors.items;
    image->tensor_count = (int)linking.tensors.count;
    image->table = linking.table.items;
    image->table_bytes = linking.table.count * sizeof(float);
    return image;
}
