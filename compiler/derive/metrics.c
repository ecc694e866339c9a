/* Metrics. They compare logits where there are any: softmax and sigmoid keep the order, and logits do not
 * round to ties. */
#include "compiler/derive/metrics.h"

#include "compiler/derive/loss_parts.h"

static NodeId count_samples(Make make, NodeId right)
{
    return make_reshape(make, make_sum(make, right, 3u), 0, NULL);
}

static NodeId scores(const LossInput *input)
{
    return input->logits != NODE_NONE ? input->logits : input->output;
}

bool metric_has_classes(const LossInput *input)
{
    return graph_type(input->make.graph, input->label)->dtype == DTYPE_I32;
}

/* Whether the one output says class 1, [batch, 1]; labels may be the reals 0 and 1. */
static NodeId right_side(const LossInput *input)
{
    Make make = input->make;
    NodeId border = make_constant(make, input->logits != NODE_NONE ? 0.0 : 0.5);
    NodeId answer = make_greater(make, scores(input), border);
    return make_equal(make, answer, make_greater(make, loss_larger(input), make_constant(make, 0.5)));
}

NodeId metric_accuracy(const LossInput *input)
{
    Make make = input->make;
    if (loss_outputs(input) == 1)
        return metric_has_classes(input) || input->sigmoid ? count_samples(make, right_side(input))
                                                           : NODE_NONE;
    if (!metric_has_classes(input))
        return NODE_NONE;
    /* The first of the largest is the maximum of -column over them. */
    NodeId score = scores(input);
    NodeId largest = make_equal(make, score, make_maximum_over(make, score, 2u));
    NodeId column = make_iota(make, score, 1);
    NodeId none = make_constant(make, -(double)loss_outputs(input));
    NodeId candidates = make_select(make, largest, make_unary(make, OP_neg, column), none);
    NodeId answer = make_unary(make, OP_neg, make_maximum_over(make, candidates, 2u));
    return count_samples(make, make_equal(make, answer, loss_larger(input)));
}

NodeId metric_top(const LossInput *input, int most)
{
    if (loss_outputs(input) == 1 || !metric_has_classes(input))
        return NODE_NONE;
    Make make = input->make;
    NodeId score = scores(input);
    NodeId own = loss_row_sum(make, make_select(make, loss_one_hot(input), score, make_constant(make, 0.0)));
    NodeId above = loss_row_sum(make, make_greater(make, score, own));
    return count_samples(make, make_greater(make, make_constant(make, most), above));
}
