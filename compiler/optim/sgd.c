/* Stochastic gradient descent, with momentum and Nesterov's look ahead. */
#include "compiler/optim/parts.h"

typedef struct {
    OptimizerArgs common;
    double momentum;
    bool nesterov;
} SgdArgs;

static int state_count(const void *args)
{
    return ((const SgdArgs *)args)->momentum == 0 ? 0 : 1;
}

static NodeId step(const void *args, Update *update)
{
    const SgdArgs *sgd = args;
    Make make = update->make;
    NodeId weight = optimizer_decayed(&sgd->common, update);
    NodeId change = make_mul(make, update->rate, update->gradient);
    if (sgd->momentum == 0)
        return make_sub(make, weight, change);
    NodeId velocity = make_sub(make, make_scale(make, update->state[0], sgd->momentum), change);
    update->state[0] = velocity;
    if (sgd->nesterov)
        velocity = make_sub(make, make_scale(make, velocity, sgd->momentum), change);
    return make_add(make, weight, velocity);
}

const Optimizer optimizer_sgd = {
    .schema = {.word = "sgd",
               .doc = "Stochastic gradient descent: v = momentum v - rate g; w += v. With nesterov w += "
                      "momentum v - rate g.",
               .source = "Sutskever, Martens, Dahl, Hinton, \"On the importance of initialization and "
                         "momentum in deep learning\", ICML 2013",
               .places = IN_NOWHERE,
               .fields =
                   (const Field[]){OPTIMIZER_FIELDS("0.01", "0.0"),
                                   OPTIMIZER_SHARE_FIELD(SgdArgs, momentum, "0.0",
                                                         "share of the last change that is kept"),
                                   FIELD(SgdArgs, nesterov, FIELD_BOOLEAN, .preset = "false",
                                         .named_only = true,
                                         .doc = "take the gradient's step from where the momentum leads"),
                                   FIELDS_END},
               .args_bytes = sizeof(SgdArgs),
               .example = "optimizer sgd, rate=0.1, momentum=0.9, nesterov=true, decay=5e-4"},
    .states = {"velocity"},
    .state_count = state_count,
    .step = step,
    .rate = optimizer_rate,
};
