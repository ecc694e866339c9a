/* Cross entropy between the label's class and the softmax of the logits. */
#include "compiler/derive/loss_parts.h"

typedef struct {
    double smoothing;
    Reals weights;
} CrossEntropyArgs;

static NodeId build(const void *args, const LossInput *input, const char **complaint)
{
    const CrossEntropyArgs *cross_entropy = args;
    Make make = input->make;
    if (loss_outputs(input) < 2) {
        *complaint = "cross_entropy needs an output for each class; for one output use binary_cross_entropy";
        return NODE_NONE;
    }
    if (input->sigmoid) {
        *complaint =
            "cross_entropy needs a network that ends in softmax; after sigmoid use binary_cross_entropy";
        return NODE_NONE;
    }
    NodeId logits = input->softmax ? input->logits : input->output;
    NodeId target =
        loss_smooth(input, loss_classes(input), cross_entropy->smoothing, 1.0 / (double)loss_outputs(input));
    NodeId products = make_mul(make, target, loss_log_softmax(make, logits));
    return loss_weighted(input, make_unary(make, OP_neg, loss_row_sum(make, products)));
}

const Loss loss_cross_entropy = {
    .schema = {.word = "cross_entropy",
               .doc = "Minus the logarithm of the probability that the network gives to the label's class. "
                      "The network ends in softmax (its logits are used, so nothing overflows); one that "
                      "ends in a plain dense layer gives logits.",
               .source = "Goodfellow, Bengio, Courville, \"Deep Learning\", 2016, section 6.2.2.3; "
                         "smoothing: Szegedy et al., \"Rethinking the inception architecture for computer "
                         "vision\", CVPR 2016",
               .places = IN_NOWHERE,
               .fields = (const Field[]){LOSS_SMOOTHING_FIELD(CrossEntropyArgs),
                                         LOSS_WEIGHTS_FIELD(CrossEntropyArgs), FIELDS_END},
               .args_bytes = sizeof(CrossEntropyArgs),
               .example = "loss cross_entropy, smoothing=10%"},
    .build = build,
    .needs_classes = true,
    .takes_logits = true,
};
