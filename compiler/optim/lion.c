/* Lion: steps of equal length, in the direction of the sign of an average of the gradients. */
#include "compiler/optim/parts.h"

typedef struct {
    OptimizerArgs common;
    double beta1, beta2;
} LionArgs;

static NodeId step(const void *args, Update *update)
{
    const LionArgs *lion = args;
    Make make = update->make;
    NodeId weight = optimizer_decayed(&lion->common, update);
    NodeId direction =
        make_unary(make, OP_sign, optimizer_average(make, update->state[0], update->gradient, lion->beta1));
    update->state[0] = optimizer_average(make, update->state[0], update->gradient, lion->beta2);
    return make_sub(make, weight, make_mul(make, update->rate, direction));
}

const Optimizer optimizer_lion = {
    .schema = {.word = "lion",
               .doc = "Lion: w -= rate sign(beta1 m + (1 - beta1) g); then m = beta2 m + (1 - beta2) g.",
               .source = "Chen et al., \"Symbolic discovery of optimization algorithms\", NeurIPS 2023",
               .places = IN_NOWHERE,
               .fields =
                   (const Field[]){
                       OPTIMIZER_FIELDS("0.001", "0.0"),
                       OPTIMIZER_SHARE_FIELD(LionArgs, beta1, "0.9",
                                             "share of the old mean in the direction of a step"),
                       OPTIMIZER_SHARE_FIELD(LionArgs, beta2, "0.99", "share of the old mean that is kept"),
                       FIELDS_END},
               .args_bytes = sizeof(LionArgs),
               .example = "optimizer lion, rate=1e-4, decay=0.1"},
    .states = {"m"},
    .step = step,
    .rate = optimizer_rate,
};
