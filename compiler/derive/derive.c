/* From the forward graph to the graph of a whole step. The scores (the logits, or the output of a network
 * that has none) divide it: all that the loss and the metrics know of the network goes through them, so the
 * gradient is taken in two parts, and the nodes of the first part, few numbers a sample, keep their
 * precision. */
#include "compiler/derive/derive.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/check/learnt.h"
#include "compiler/derive/copy.h"
#include "compiler/derive/loss_parts.h"
#include "compiler/derive/metrics.h"
#include "compiler/derive/update.h"
#include "compiler/ir/op.h"

typedef struct {
    const Program *program;
    Graph *graph;
    LossInput input;
    NodeId scores, loss;
    NodeId forward_end, loss_end; /* nodes before the first are the network's; those before the second the
                                     loss's, with its gradient */
} Derivation;

/* The forward graph, as the beginning of a new one. RESULT_OUTPUT is left out of a training step, which
 * nobody reads it from. */
static void copy_forward(Derivation *derivation, const Graph *forward, NodeId logits, bool training)
{
    derivation->graph = copy_start(forward);
    NodeId *map = NEW_ARRAY(forward->arena, NodeId, forward->nodes.count);
    for (NodeId id = 0; id < forward->nodes.count; id++)
        map[id] = copy_node(derivation->graph, forward, id, map);
    copy_results(derivation->graph, forward, map, training ? RESULT_OUTPUT : -1);
    derivation->input.output = map[graph_find_result(forward, RESULT_OUTPUT)];
    derivation->input.logits = logits == NODE_NONE ? NODE_NONE : map[logits];
    derivation->scores = logits == NODE_NONE ? derivation->input.output : derivation->input.logits;
    derivation->forward_end = (NodeId)derivation->graph->nodes.count;
}

static Dtype label_dtype(const Program *program, int64_t outputs)
{
    if (program->data)
        return cnn_data_label_dtype(program->data);
    return program->loss->needs_classes || program->sigmoid || outputs > 1 ? DTYPE_I32 : DTYPE_F32;
}

/* False after an error: the labels are not what the loss needs. */
static bool add_label(Derivation *derivation)
{
    const Program *program = derivation->program;
    Graph *graph = derivation->graph;
    const Type *output = graph_type(graph, derivation->input.output);
    if (output->rank != 2)
        BUG("the output has %d dims", output->rank);
    Dtype dtype = label_dtype(program, output->dim[1]);
    if (program->loss->needs_classes && dtype != DTYPE_I32) {
        diag_error(program->diag, program->loss_span, "loss-labels",
                   "%s needs classes as labels, and those of the data are real numbers",
                   program->loss->schema.word);
        return false;
    }
    if (program->class_weights && output->dim[1] == 1 && !program->sigmoid) {
        diag_error(program->diag, program->loss_span, "loss-labels",
                   "'weights' needs classes: an output for each, or one that ends in sigmoid");
        diag_note(program->diag, program->output_span, "the network ends here");
        return false;
    }
    int64_t dims[2] = {graph->batch, cnn_label_width(program->recipe.data, dtype)};
    Type type = type_make(dtype, LEAD_BATCH, dims[1] == 1 ? 1 : 2, dims);
    NodeId label = graph_leaf(graph, program->loss_span, "label", type, (LeafAttrs){.kind = LEAF_LABEL});
    loss_set_label(&derivation->input, label);
    return true;
}

static void add_metric(Graph *graph, NodeId node, const char *name)
{
    graph_result(graph, (Result){.role = RESULT_METRIC, .node = node, .name = name});
}

/* Those that are sums over samples, as results; the others are the runtime's (runtime/scores.h). False after
 * an error: the labels are not what they need. */
static bool add_metrics(Derivation *derivation)
{
    const Program *program = derivation->program;
    const LossInput *input = &derivation->input;
    NodeId accuracy = metric_accuracy(input);
    if (accuracy != NODE_NONE)
        add_metric(derivation->graph, accuracy, "accuracy");
    for (int i = 0; i < program->metrics.count; i++) {
        const char *name = program->metrics.value[i];
        bool top = strncmp(name, "top", 3) == 0, is_accuracy = strcmp(name, "accuracy") == 0;
        NodeId node = top ? metric_top(input, atoi(name + 3)) : NODE_NONE;
        if (node != NODE_NONE)
            add_metric(derivation->graph, node, name);
        if (top ? node != NODE_NONE : is_accuracy ? accuracy != NODE_NONE : metric_has_classes(input))
            continue;
        diag_error(program->diag, program->metrics_span, "metric-labels", "'%s' needs classes as labels%s",
                   name, top ? ", and an output for each" : "");
        return false;
    }
    return true;
}

/* Loss and metrics; false after an error. */
static bool add_loss(Derivation *derivation)
{
    const Program *program = derivation->program;
    if (!add_label(derivation))
        return false;
    const char *complaint = NULL;
    NodeId losses = program->loss->build(program->loss_args, &derivation->input, &complaint);
    if (losses == NODE_NONE) {
        diag_error(program->diag, program->loss_span, "loss-output", "%s", complaint);
        diag_note(program->diag, program->output_span, "the network ends here");
        return false;
    }
    Make make = derivation->input.make;
    NodeId total = make_reshape(make, make_sum(make, losses, 3u), 0, NULL);
    derivation->loss = make_mul(make, total, make_scalar(make, "inverse_count"));
    graph_result(derivation->graph, (Result){.role = RESULT_TOTAL, .node = total, .name = "loss"});
    return add_metrics(derivation);
}

static NodeId scale_by(Graph *graph, NodeId node, const char *scalar)
{
    Make make = make_at(graph, node);
    return make_mul(make, node, make_scalar(make, scalar));
}

/* What f16 holds of small gradients would be zero: from the scores on, all are multiplied by the scale of the
 * loss, and each parameter's divided by it (Micikevicius et al., Mixed precision training, 2018, 3.2). */
static void add_backward(Derivation *derivation)
{
    Graph *graph = derivation->graph;
    graph_result(graph, (Result){.role = RESULT_LOSS, .node = derivation->loss, .name = "loss"});
    NodeId *parameters = NEW_ARRAY(graph->arena, NodeId, derivation->forward_end);
    NodeId *gradients = NEW_ARRAY(graph->arena, NodeId, derivation->forward_end);
    int count = 0;
    for (NodeId id = 0; id < derivation->forward_end; id++) {
        const Node *node = graph_node(graph, id);
        if (node->op == OP_leaf && ((const LeafAttrs *)node->attrs)->kind == LEAF_PARAMETER &&
            !learnt_is_frozen(&derivation->program->recipe, node->name))
            parameters[count++] = id;
    }
    NodeId from_scores;
    autodiff(graph, derivation->loss, &derivation->scores, 1, &from_scores);
    if (from_scores == NODE_NONE)
        BUG("the loss %s does not depend on the network", derivation->program->loss->schema.word);
    bool scaled = derivation->program->precision == PRECISION_F16;
    if (scaled)
        from_scores = scale_by(graph, from_scores, "loss_scale");
    derivation->loss_end = (NodeId)graph->nodes.count;
    autodiff_from(graph, derivation->scores, from_scores, parameters, count, gradients);
    for (int i = 0; scaled && i < count; i++)
        if (gradients[i] != NODE_NONE)
            gradients[i] = scale_by(graph, gradients[i], "inverse_loss_scale");
    update_parameters(derivation->program, graph, parameters, gradients, count);
}

/* The nodes that mixed precision leaves alone: the scores, what is computed from them in the network, the
 * loss and its gradient. */
static bool *keep_f32(const Derivation *derivation)
{
    const Graph *graph = derivation->graph;
    bool *keep = NEW_ARRAY(graph->arena, bool, graph->nodes.count);
    keep[derivation->scores] = true;
    for (NodeId id = derivation->scores + 1; id < derivation->loss_end; id++) {
        const Node *node = graph_node(graph, id);
        keep[id] = id >= derivation->forward_end;
        for (int k = 0; k < node->in_count; k++)
            keep[id] |= keep[node->in[k]];
    }
    return keep;
}

static Graph *derive(const Program *program, bool training)
{
    const Graph *forward = training ? program->train : program->eval;
    Derivation derivation = {.program = program};
    copy_forward(&derivation, forward, training ? program->train_logits : program->eval_logits, training);
    LossInput *input = &derivation.input;
    input->make = (Make){derivation.graph, program->loss_span, "loss"};
    input->softmax = program->softmax;
    input->sigmoid = program->sigmoid;
    /* As in Keras, class weights change what is learnt, not how it is judged. */
    input->class_weights = training ? program->class_weights : NULL;
    if (!add_loss(&derivation))
        return NULL;
    derivation.loss_end = (NodeId)derivation.graph->nodes.count;
    if (training)
        add_backward(&derivation);
    Graph *graph = derivation.graph;
    if (program->precision != PRECISION_F32)
        graph = store_small(graph, program->precision == PRECISION_F16 ? DTYPE_F16 : DTYPE_BF16,
                            keep_f32(&derivation));
    graph_verify(graph, training ? "derive" : "derive for evaluation");
    return graph;
}

Graph *derive_training(const Program *program)
{
    return derive(program, true);
}

Graph *derive_evaluation(const Program *program)
{
    return derive(program, false);
}

/* ---- Explanation ---- */

static bool is_picture(const Type *type)
{
    return type->rank == 4 && type->dim[1] * type->dim[2] > 1;
}

/* What the scores are computed from. */
static bool *find_needed(const Graph *graph, NodeId scores)
{
    bool *needed = NEW_ARRAY(graph->arena, bool, graph->nodes.count);
    needed[scores] = true;
    for (NodeId id = scores + 1; id-- > 0;)
        for (int k = 0; needed[id] && k < graph_node(graph, id)->in_count; k++)
            needed[graph_node(graph, id)->in[k]] = true;
    return needed;
}

/* Where the map is taken; NODE_NONE: nowhere. */
static NodeId find_mapped(const Graph *graph, NodeId scores)
{
    const bool *needed = find_needed(graph, scores);
    bool *follows = NEW_ARRAY(graph->arena, bool, graph->nodes.count);
    NodeId mapped = NODE_NONE;
    for (NodeId id = 0; id <= scores; id++)
        if (needed[id] && graph_node(graph, id)->op == OP_conv2d && is_picture(graph_type(graph, id)))
            mapped = id;
    if (mapped == NODE_NONE)
        return NODE_NONE;
    const Type *type = graph_type(graph, mapped);
    follows[mapped] = true;
    for (NodeId id = mapped + 1; id <= scores; id++) {
        const Node *node = graph_node(graph, id);
        for (int k = 0; k < node->in_count; k++)
            follows[id] |= follows[node->in[k]];
        if (follows[id] && needed[id] && type_equal(&node->type, type))
            mapped = id;
    }
    return mapped;
}

/* The gradient that is asked about, with respect to the scores. */
static NodeId score_seed(const Derivation *derivation)
{
    const LossInput *input = &derivation->input;
    Make make = input->make;
    const Type scores = *graph_type(derivation->graph, derivation->scores);
    bool single = scores.dim[1] == 1;
    NodeId one = make_constant(make, 1), none = make_constant(make, 0);
    if (label_dtype(derivation->program, scores.dim[1]) != DTYPE_I32)
        return make_broadcast(make, one, &scores);
    NodeId own = single ? make_greater(make, loss_larger(input), none) : loss_one_hot(input);
    return make_select(make, own, one, single ? make_constant(make, -1) : none);
}

static Graph *nothing_to_map(const Program *program)
{
    diag_error(program->diag, program->output_span, "nothing-to-map",
               "what speaks for a class is drawn over the last convolution of more than one pixel, and this "
               "network has none that its output depends on");
    return NULL;
}

Graph *derive_explanation(const Program *program)
{
    Derivation derivation = {.program = program};
    copy_forward(&derivation, program->eval, program->eval_logits, false);
    Graph *graph = derivation.graph;
    LossInput *input = &derivation.input;
    NodeId mapped = find_mapped(graph, derivation.scores), gradient;
    if (mapped == NODE_NONE)
        return nothing_to_map(program);
    input->make = make_at(graph, mapped);
    if (!add_label(&derivation))
        return NULL;
    Make make = input->make;
    NodeId seed = score_seed(&derivation);
    autodiff_from(graph, derivation.scores, seed, &mapped, 1, &gradient);
    if (gradient == NODE_NONE)
        return nothing_to_map(program);
    NodeId weights = make_mean(make, gradient, 1u << 1 | 1u << 2);
    NodeId sum = make_sum(make, make_mul(make, mapped, weights), 1u << 3);
    NodeId map = make_max(make, sum, make_constant(make, 0));
    NodeId total = make_reshape(make, make_sum(make, make_mul(make, seed, derivation.scores), 3u), 0, NULL);
    graph_result(graph, (Result){.role = RESULT_VALUE, .node = map, .name = "map"});
    graph_result(graph, (Result){.role = RESULT_TOTAL, .node = total, .name = "score"});
    graph_verify(graph, "derive for explanation");
    return graph;
}
