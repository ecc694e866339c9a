/* Adam and AdamW, which differ in their default decay only: decay is decoupled in both. */
#include "compiler/optim/moments.h"

void moments_update(const MomentsArgs *args, Update *update)
{
    Make make = update->make;
    NodeId gradient = update->gradient, square = make_mul(make, gradient, gradient);
    update->state[0] = optimizer_average(make, update->state[0], gradient, args->beta1);
    update->state[1] = optimizer_average(make, update->state[1], square, args->beta2);
}

static NodeId step(const void *args, Update *update)
{
    const MomentsArgs *adam = args;
    Make make = update->make;
    NodeId weight = optimizer_decayed(&adam->common, update);
    moments_update(adam, update);
    NodeId root_bias = make_unary(make, OP_sqrt, optimizer_bias(update, adam->beta2));
    NodeId rate =
        make_mul(make, update->rate, make_div(make, root_bias, optimizer_bias(update, adam->beta1)));
    NodeId root = make_offset(make, make_unary(make, OP_sqrt, update->state[1]), adam->eps);
    return make_sub(make, weight, make_div(make, make_mul(make, rate, update->state[0]), root));
}

#define ADAM_DOC                                                                                             \
    "m and v are moving averages of g and g^2; w -= rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + "  \
    "eps)."

const Optimizer optimizer_adam = {
    .schema = {.word = "adam",
               .doc = "Adam: " ADAM_DOC,
               .source =
                   "Kingma, Ba, \"Adam: a method for stochastic optimization\", ICLR 2015, end of section 2",
               .places = IN_NOWHERE,
               .fields = (const Field[]){OPTIMIZER_FIELDS("0.001", "0.0"), MOMENTS_FIELDS, FIELDS_END},
               .args_bytes = sizeof(MomentsArgs),
               .example = "optimizer adam, rate=0.001"},
    .states = {"m", "v"},
    .step = step,
    .rate = optimizer_rate,
};

const Optimizer optimizer_adamw = {
    .schema = {.word = "adamw",
               .doc = "Adam with weight decay: " ADAM_DOC " Before it w -= rate decay w.",
               .source = "Loshchilov, Hutter, \"Decoupled weight decay regularization\", ICLR 2019",
               .places = IN_NOWHERE,
               .fields = (const Field[]){OPTIMIZER_FIELDS("0.001", "0.004"), MOMENTS_FIELDS, FIELDS_END},
               .args_bytes = sizeof(MomentsArgs),
               .example = "optimizer adamw, rate=1e-3, decay=0.01"},
    .states = {"m", "v"},
    .step = step,
    .rate = optimizer_rate,
};
