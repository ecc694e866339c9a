/* What several losses are made of. Maxima that only keep numbers in range are stopped: the gradient that
 * flows through them cancels, and left in would be noise. */
#include "compiler/derive/loss_parts.h"

#include "runtime/data/data.h"

int64_t loss_outputs(const LossInput *input)
{
    return graph_type(input->make.graph, input->output)->dim[1];
}

void loss_set_label(LossInput *input, NodeId label)
{
    Make make = input->make;
    input->label = label;
    input->other = input->share = NODE_NONE;
    if (graph_type(make.graph, label)->rank == 1)
        return;
    input->label = make_crop(make, label, (const int64_t[]){0, 0}, (const int64_t[]){0, 2});
    input->other = make_crop(make, label, (const int64_t[]){0, 1}, (const int64_t[]){0, 1});
    NodeId share = make_crop(make, label, (const int64_t[]){0, 2}, (const int64_t[]){0, 0});
    input->share = make_scale(make, share, 1.0 / MIXED_LABEL_ONE);
}

/* What belongs to the label, and what to the other class, in their shares. */
static NodeId loss_mix(const LossInput *input, NodeId of_label, NodeId of_other)
{
    NodeId rest = make_offset(input->make, make_scale(input->make, input->share, -1.0), 1.0);
    return make_add(input->make, make_mul(input->make, of_label, rest),
                    make_mul(input->make, of_other, input->share));
}

NodeId loss_larger(const LossInput *input)
{
    return make_reshape(input->make, input->label, 2, (const int64_t[]){input->make.graph->batch, 1});
}

NodeId loss_label(const LossInput *input)
{
    NodeId larger = loss_larger(input);
    return input->share == NODE_NONE ? larger : loss_mix(input, larger, input->other);
}

NodeId loss_one_hot(const LossInput *input)
{
    return make_equal(input->make, make_iota(input->make, input->output, 1), loss_larger(input));
}

NodeId loss_classes(const LossInput *input)
{
    Make make = input->make;
    NodeId one_hot = loss_one_hot(input);
    if (input->share == NODE_NONE)
        return one_hot;
    return loss_mix(input, one_hot, make_equal(make, make_iota(make, input->output, 1), input->other));
}

NodeId loss_target(const LossInput *input, const char **complaint)
{
    Make make = input->make;
    if (loss_outputs(input) == 1)
        return loss_label(input);
    if (graph_type(make.graph, input->label)->dtype != DTYPE_I32) {
        *complaint = "the labels are one real number for each sample: the network must give one number too";
        return NODE_NONE;
    }
    return loss_classes(input);
}

NodeId loss_difference(const LossInput *input, const char **complaint)
{
    NodeId target = loss_target(input, complaint);
    return target == NODE_NONE ? NODE_NONE : make_sub(input->make, input->output, target);
}

NodeId loss_smooth(const LossInput *input, NodeId target, double smoothing, double share)
{
    if (smoothing == 0)
        return target;
    return make_offset(input->make, make_scale(input->make, target, 1.0 - smoothing), smoothing * share);
}

NodeId loss_weighted(const LossInput *input, NodeId losses)
{
    if (!input->class_weights)
        return losses;
    Make make = input->make;
    const float *weights = input->class_weights;
    if (loss_outputs(input) == 1) {
        NodeId rise = make_scale(make, loss_label(input), (double)weights[1] - (double)weights[0]);
        return make_mul(make, losses, make_offset(make, rise, weights[0]));
    }
    Type type = type_make(DTYPE_F32, LEAD_NONE, 2, (const int64_t[]){1, loss_outputs(input)});
    NodeId table = graph_leaf(make.graph, make.span, "loss.class_weights", type,
                              (LeafAttrs){.kind = LEAF_TABLE, .table = weights});
    return make_mul(make, losses, loss_row_sum(make, make_mul(make, loss_classes(input), table)));
}

NodeId loss_log_softmax(Make make, NodeId logits)
{
    NodeId shifted = make_sub(make, logits, make_stop(make, make_maximum_over(make, logits, 2u)));
    NodeId sum = loss_row_sum(make, make_unary(make, OP_exp, shifted));
    return make_sub(make, shifted, make_unary(make, OP_log, sum));
}

NodeId loss_softplus(Make make, NodeId z)
{
    /* m + log(e^(z-m) + e^-m) with m = max(z, 0): max(z, 0) + log1p(e^-|z|) would have a kink at 0, where
     * freshly started networks stand. */
    NodeId m = make_stop(make, make_max(make, z, make_constant(make, 0.0)));
    NodeId sum = make_add(make, make_unary(make, OP_exp, make_sub(make, z, m)),
                          make_unary(make, OP_exp, make_unary(make, OP_neg, m)));
    return make_add(make, m, make_unary(make, OP_log, sum));
}

NodeId loss_binary(Make make, NodeId logits, NodeId target)
{
    return make_sub(make, loss_softplus(make, logits), make_mul(make, logits, target));
}

NodeId loss_row_sum(Make make, NodeId values)
{
    return make_sum(make, values, 2u);
}

NodeId loss_row_mean(Make make, NodeId values)
{
    return make_mean(make, values, 2u);
}
