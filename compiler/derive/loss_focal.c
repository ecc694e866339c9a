/* Focal loss: cross entropy in which samples that are right already count less. */
#include "compiler/derive/loss_parts.h"

typedef struct {
    double gamma, alpha;
    bool balance;
    double smoothing;
    Reals weights;
} FocalArgs;

/* loss * wrong^gamma, where wrong is 1 - p. Clamped as Keras does, so that a gamma below 1 has a finite
 * gradient at p = 1. */
static NodeId focused(Make make, NodeId loss, NodeId wrong, double gamma)
{
    if (gamma == 0)
        return loss;
    NodeId base = make_max(make, wrong, make_constant(make, 1e-7));
    NodeId power = graph_add(make.graph, OP_power, make.span, NULL,
                             (const NodeId[]){base, make_constant(make, gamma)}, 2);
    return make_mul(make, power, loss);
}

static NodeId build_softmax(const FocalArgs *focal, const LossInput *input, const char **complaint)
{
    Make make = input->make;
    NodeId logits = input->softmax ? input->logits : input->output;
    NodeId target = loss_target(input, complaint);
    if (target == NODE_NONE)
        return NODE_NONE;
    target = loss_smooth(input, target, focal->smoothing, 1.0 / (double)loss_outputs(input));
    NodeId log_chance = loss_log_softmax(make, logits);
    NodeId wrong = make_unary(make, OP_neg, make_unary(make, OP_expm1, log_chance));
    NodeId entropy = make_unary(make, OP_neg, make_mul(make, target, log_chance));
    return loss_row_sum(make, make_scale(make, focused(make, entropy, wrong, focal->gamma), focal->alpha));
}

static NodeId build_sigmoid(const FocalArgs *focal, const LossInput *input, const char **complaint)
{
    Make make = input->make;
    NodeId target = loss_target(input, complaint);
    if (target == NODE_NONE)
        return NODE_NONE;
    target = loss_smooth(input, target, focal->smoothing, 0.5);
    NodeId entropy = loss_binary(make, input->logits, target);
    /* 1 - (t p + (1 - t)(1 - p)) = p + t - 2 t p */
    NodeId chance = make_unary(make, OP_sigmoid, input->logits);
    NodeId product = make_mul(make, target, chance);
    NodeId wrong = make_sub(make, make_add(make, chance, target), make_scale(make, product, 2.0));
    NodeId losses = focused(make, entropy, wrong, focal->gamma);
    if (focal->balance) {
        NodeId side =
            make_offset(make, make_scale(make, target, 2.0 * focal->alpha - 1.0), 1.0 - focal->alpha);
        losses = make_mul(make, side, losses);
    }
    return loss_row_mean(make, losses);
}

static NodeId build(const void *args, const LossInput *input, const char **complaint)
{
    const FocalArgs *focal = args;
    if (!input->sigmoid && loss_outputs(input) < 2) {
        *complaint = "focal needs a network that ends in softmax over the classes, or in sigmoid";
        return NODE_NONE;
    }
    NodeId losses =
        input->sigmoid ? build_sigmoid(focal, input, complaint) : build_softmax(focal, input, complaint);
    return losses == NODE_NONE ? NODE_NONE : loss_weighted(input, losses);
}

const Loss loss_focal = {
    .schema = {.word = "focal",
               .doc = "Cross entropy times (1 - p)^gamma, where p is the probability given to the truth: "
                      "what the network knows already counts less. After softmax the loss is also times "
                      "alpha; after sigmoid only with balance=true, where samples of class 1 count alpha "
                      "and those of class 0 count 1 - alpha. As in Keras.",
               .source = "Lin et al., \"Focal loss for dense object detection\", ICCV 2017",
               .places = IN_NOWHERE,
               .fields =
                   (const Field[]){
                       FIELD(FocalArgs, gamma, FIELD_REAL, .preset = "2.0", .least = 0, .most = 100,
                             .named_only = true, .doc = "how much less; 0 gives cross entropy times alpha"),
                       FIELD(FocalArgs, alpha, FIELD_REAL, .preset = "0.25", .least = 0, .most = 1,
                             .named_only = true, .doc = "factor of the loss"),
                       FIELD(FocalArgs, balance, FIELD_BOOLEAN, .preset = "false", .named_only = true,
                             .doc = "after sigmoid: weigh the two classes by alpha and 1 - alpha"),
                       LOSS_SMOOTHING_FIELD(FocalArgs), LOSS_WEIGHTS_FIELD(FocalArgs), FIELDS_END},
               .args_bytes = sizeof(FocalArgs),
               .example = "loss focal, gamma=2.0, alpha=0.25"},
    .build = build,
    .takes_logits = true,
};
