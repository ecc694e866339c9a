/* Mean squared error. */
#include "compiler/derive/loss_parts.h"

typedef struct {
    Reals weights;
} MseArgs;

static NodeId build(const void *args, const LossInput *input, const char **complaint)
{
    (void)args;
    Make make = input->make;
    NodeId difference = loss_difference(input, complaint);
    if (difference == NODE_NONE)
        return NODE_NONE;
    return loss_weighted(input, loss_row_mean(make, make_mul(make, difference, difference)));
}

const Loss loss_mse = {
    .schema = {.word = "mse",
               .doc = "The square of the difference between output and label, the mean over the sample's "
                      "outputs. Where the labels are classes and the outputs several, the label is 1 for "
                      "its class and 0 for the others.",
               .places = IN_NOWHERE,
               .fields = (const Field[]){LOSS_WEIGHTS_FIELD(MseArgs), FIELDS_END},
               .args_bytes = sizeof(MseArgs),
               .example = "loss mse"},
    .build = build,
};
