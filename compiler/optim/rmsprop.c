/* RMSprop, as Keras does it: eps stands under the root. */
#include "compiler/optim/parts.h"

typedef struct {
    OptimizerArgs common;
    double rho, momentum, eps;
    bool centered;
} RmspropArgs;

/* The first so many are needed; without momentum, centered leaves its place unused. */
static int state_count(const void *args)
{
    const RmspropArgs *rmsprop = args;
    return rmsprop->centered ? 3 : rmsprop->momentum != 0 ? 2 : 1;
}

static NodeId step(const void *args, Update *update)
{
    const RmspropArgs *rmsprop = args;
    Make make = update->make;
    NodeId gradient = update->gradient;
    NodeId square = make_mul(make, gradient, gradient);
    NodeId spread = update->state[0] = optimizer_average(make, update->state[0], square, rmsprop->rho);
    if (rmsprop->centered) {
        NodeId mean = update->state[2] = optimizer_average(make, update->state[2], gradient, rmsprop->rho);
        spread = make_sub(make, spread, make_mul(make, mean, mean));
    }
    NodeId root = make_unary(make, OP_sqrt, make_offset(make, spread, rmsprop->eps));
    NodeId change = make_div(make, make_mul(make, update->rate, gradient), root);
    if (rmsprop->momentum != 0)
        change = update->state[1] =
            make_add(make, make_scale(make, update->state[1], rmsprop->momentum), change);
    return make_sub(make, optimizer_decayed(&rmsprop->common, update), change);
}

const Optimizer optimizer_rmsprop = {
    .schema =
        {.word = "rmsprop",
         .doc = "RMSprop: v is a moving average of g^2; w -= rate g / sqrt(v + eps). With momentum the "
                "change is a moving sum; centered takes the square of the mean gradient from v.",
         .source = "Tieleman, Hinton, \"Lecture 6.5: rmsprop\", COURSERA 2012; centered: Graves, arXiv "
                   "1308.0850, section 4.2",
         .places = IN_NOWHERE,
         .fields =
             (const Field[]){
                 OPTIMIZER_FIELDS("0.001", "0.0"),
                 OPTIMIZER_SHARE_FIELD(RmspropArgs, rho, "0.9", "share of the old mean square that is kept"),
                 OPTIMIZER_SHARE_FIELD(RmspropArgs, momentum, "0.0", "share of the last change that is kept"),
                 OPTIMIZER_EPS_FIELD(RmspropArgs, "under the root"),
                 FIELD(RmspropArgs, centered, FIELD_BOOLEAN, .preset = "false", .named_only = true,
                       .doc = "divide by the deviation in place of the root mean square"),
                 FIELDS_END},
         .args_bytes = sizeof(RmspropArgs),
         .example = "optimizer rmsprop, rate=0.001, momentum=0.9"},
    .states = {"v", "velocity", "mean"},
    .state_count = state_count,
    .step = step,
    .rate = optimizer_rate,
};
