/* Adagrad, as Keras does it: the sum of squares begins with 0.1, and eps stands under the root. */
#include "compiler/optim/parts.h"

typedef struct {
    OptimizerArgs common;
    double eps;
} AdagradArgs;

static NodeId step(const void *args, Update *update)
{
    const AdagradArgs *adagrad = args;
    Make make = update->make;
    NodeId gradient = update->gradient;
    NodeId sum = update->state[0] = make_add(make, update->state[0], make_mul(make, gradient, gradient));
    NodeId root = make_unary(make, OP_sqrt, make_offset(make, sum, adagrad->eps));
    NodeId change = make_div(make, make_mul(make, update->rate, gradient), root);
    return make_sub(make, optimizer_decayed(&adagrad->common, update), change);
}

const Optimizer optimizer_adagrad = {
    .schema = {.word = "adagrad",
               .doc = "Adagrad: s is 0.1 plus the sum of all g^2 so far; w -= rate g / sqrt(s + eps).",
               .source = "Duchi, Hazan, Singer, \"Adaptive subgradient methods\", JMLR 12, 2011",
               .places = IN_NOWHERE,
               .fields = (const Field[]){OPTIMIZER_FIELDS("0.001", "0.0"),
                                         OPTIMIZER_EPS_FIELD(AdagradArgs, "under the root"), FIELDS_END},
               .args_bytes = sizeof(AdagradArgs),
               .example = "optimizer adagrad, rate=0.01"},
    .states = {"sum"},
    .state_init = 0.1,
    .step = step,
    .rate = optimizer_rate,
};
