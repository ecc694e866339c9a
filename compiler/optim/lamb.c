/* LAMB: Adam's step for each parameter, made as long as the parameter is. As in Keras, decay is decoupled and
 * comes first. */
#include "compiler/optim/moments.h"

/* The Euclidean norm of all elements, as a scalar. */
static NodeId norm(Make make, NodeId tensor)
{
    int rank = graph_type(make.graph, tensor)->rank;
    NodeId sum = make_sum(make, make_mul(make, tensor, tensor), (1u << rank) - 1);
    return make_unary(make, OP_sqrt, make_reshape(make, sum, 0, NULL));
}

static NodeId step(const void *args, Update *update)
{
    const MomentsArgs *lamb = args;
    Make make = update->make;
    NodeId weight = optimizer_decayed(&lamb->common, update);
    moments_update(lamb, update);
    NodeId mean = make_div(make, update->state[0], optimizer_bias(update, lamb->beta1));
    NodeId square = make_div(make, update->state[1], optimizer_bias(update, lamb->beta2));
    NodeId direction = make_div(make, mean, make_offset(make, make_unary(make, OP_sqrt, square), lamb->eps));
    NodeId length = norm(make, weight), step_length = norm(make, direction);
    /* Parameters that are all zero (fresh biases) and steps of no length are taken as they are. */
    NodeId one = make_constant(make, 1.0), zero = make_constant(make, 0.0);
    NodeId ratio =
        make_select(make, make_greater(make, step_length, zero), make_div(make, length, step_length), one);
    NodeId trust = make_select(make, make_greater(make, length, zero), ratio, one);
    return make_sub(make, weight, make_mul(make, make_mul(make, trust, update->rate), direction));
}

const Optimizer optimizer_lamb = {
    .schema =
        {.word = "lamb",
         .doc = "LAMB, for large batches: d = m' / (sqrt(v') + eps) with Adam's corrected means m' and v'; "
                "w -= rate |w| / |d| d, where norms are over one tensor and |w| / |d| is 1 if either is 0.",
         .source = "You et al., \"Large batch optimization for deep learning\", ICLR 2020, algorithm 2",
         .places = IN_NOWHERE,
         .fields = (const Field[]){OPTIMIZER_FIELDS("0.001", "0.0"), MOMENTS_FIELDS, FIELDS_END},
         .args_bytes = sizeof(MomentsArgs),
         .example = "optimizer lamb, rate=0.002, decay=0.01"},
    .states = {"m", "v"},
    .step = step,
    .rate = optimizer_rate,
};
