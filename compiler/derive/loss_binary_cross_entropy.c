/* Binary cross entropy of each output's sigmoid. */
#include "compiler/derive/loss_parts.h"

typedef struct {
    double smoothing;
    Reals weights;
} BinaryArgs;

static NodeId build(const void *args, const LossInput *input, const char **complaint)
{
    const BinaryArgs *binary = args;
    if (!input->sigmoid) {
        *complaint = "binary_cross_entropy needs a network that ends in sigmoid";
        return NODE_NONE;
    }
    NodeId target = loss_target(input, complaint);
    if (target == NODE_NONE)
        return NODE_NONE;
    target = loss_smooth(input, target, binary->smoothing, 0.5);
    return loss_weighted(input, loss_row_mean(input->make, loss_binary(input->make, input->logits, target)));
}

const Loss loss_binary_cross_entropy = {
    .schema = {.word = "binary_cross_entropy",
               .doc = "For a network that ends in sigmoid: -(t log p + (1 - t) log(1 - p)), the mean over "
                      "the sample's outputs. With one output t is the label, 0 or 1; with several it is 1 "
                      "for the label's class and 0 for the others.",
               .source = "Goodfellow, Bengio, Courville, \"Deep Learning\", 2016, section 6.2.2.2",
               .places = IN_NOWHERE,
               .fields = (const Field[]){LOSS_SMOOTHING_FIELD(BinaryArgs), LOSS_WEIGHTS_FIELD(BinaryArgs),
                                         FIELDS_END},
               .args_bytes = sizeof(BinaryArgs),
               .example = "loss binary_cross_entropy"},
    .build = build,
};
