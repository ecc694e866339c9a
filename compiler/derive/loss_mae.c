/* Mean absolute error. */
#include "compiler/derive/loss_parts.h"

typedef struct {
    Reals weights;
} MaeArgs;

static NodeId build(const void *args, const LossInput *input, const char **complaint)
{
    (void)args;
    Make make = input->make;
    NodeId difference = loss_difference(input, complaint);
    if (difference == NODE_NONE)
        return NODE_NONE;
    return loss_weighted(input, loss_row_mean(make, make_unary(make, OP_abs, difference)));
}

const Loss loss_mae = {
    .schema = {.word = "mae",
               .doc = "The absolute difference between output and label, the mean over the sample's "
                      "outputs. Where the labels are classes and the outputs several, the label is 1 for "
                      "its class and 0 for the others.",
               .places = IN_NOWHERE,
               .fields = (const Field[]){LOSS_WEIGHTS_FIELD(MaeArgs), FIELDS_END},
               .args_bytes = sizeof(MaeArgs),
               .example = "loss mae"},
    .build = build,
};
