/* What optimizers are made of. */
#include "compiler/optim/parts.h"

#include <math.h>

double optimizer_rate(const void *args)
{
    return ((const OptimizerArgs *)args)->rate;
}

NodeId optimizer_decayed(const OptimizerArgs *args, const Update *update)
{
    if (args->decay == 0 || (!update->decays && args->decay_on != DECAY_ON_ALL))
        return update->weight;
    NodeId share = make_scale(update->make, update->rate, args->decay);
    return make_sub(update->make, update->weight, make_mul(update->make, share, update->weight));
}

NodeId optimizer_average(Make make, NodeId average, NodeId value, double share)
{
    return make_add(make, make_scale(make, average, share), make_scale(make, value, 1.0 - share));
}

NodeId optimizer_bias(const Update *update, double share)
{
    if (share == 0)
        return make_constant(update->make, 1.0);
    NodeId exponent = make_scale(update->make, update->step, log(share));
    return make_unary(update->make, OP_neg, make_unary(update->make, OP_expm1, exponent));
}
