/* What several losses are made of. */
#ifndef LOSS_PARTS_H
#define LOSS_PARTS_H

#include "compiler/derive/loss.h"

/** Numbers that the network gives for each sample. */
int64_t loss_outputs(const LossInput *input);
/** Sets the labels of the input: label is the batch's, [batch, cnn_data_label_width]. */
void loss_set_label(LossInput *input, NodeId label);
/** The labels as numbers, [batch, 1]; where classes are mixed, their mean. */
NodeId loss_label(const LossInput *input);
/** The same; where classes are mixed, those with the larger share. */
NodeId loss_larger(const LossInput *input);
/** 1 in the label's column, else 0: [batch, outputs]. Where classes are mixed, the one with the larger share.
 */
NodeId loss_one_hot(const LossInput *input);
/** What the outputs should be: as loss_one_hot, but mixed classes each have their share. */
NodeId loss_classes(const LossInput *input);
/** What the outputs should be, [batch, outputs]: the label itself for one output, else 1 for the label's
 * class and 0 for the others, or their shares. NODE_NONE with a complaint where the labels are real numbers
 * and the outputs several. */
NodeId loss_target(const LossInput *input, const char **complaint);
/** output - target, [batch, outputs]; NODE_NONE with a complaint as loss_target. */
NodeId loss_difference(const LossInput *input, const char **complaint);
/** (1 - smoothing) target + smoothing share. */
NodeId loss_smooth(const LossInput *input, NodeId target, double smoothing, double share);
/** losses [batch, 1], each times the weight of its class. */
NodeId loss_weighted(const LossInput *input, NodeId losses);
/** Logarithms of the softmax of each row, without overflow. */
NodeId loss_log_softmax(Make make, NodeId logits);
/** log(1 + e^z), without overflow; its gradient is the sigmoid everywhere. */
NodeId loss_softplus(Make make, NodeId z);
/** The binary cross entropy of each of the logits with its target. */
NodeId loss_binary(Make make, NodeId logits, NodeId target);
/** Sum and mean over each row: [batch, 1]. */
NodeId loss_row_sum(Make make, NodeId values);
NodeId loss_row_mean(Make make, NodeId values);

/* Parameters that several losses take. */
#define LOSS_SMOOTHING_FIELD(T)                                                                              \
    FIELD(T, smoothing, FIELD_SHARE, .preset = "0%", .least = 0, .most = 0.999, .named_only = true,          \
          .doc = "label smoothing: this share of the target is spread evenly over all classes")
#define LOSS_WEIGHTS_FIELD(T)                                                                                \
    FIELD(T, weights, FIELD_REALS, .preset = "", .words = "balanced", .least = 0, .most = 1e6,               \
          .named_only = true,                                                                                \
          .doc = "weight of the samples of each class, in the order of the classes; `balanced`: samples / "  \
                 "(classes * samples of the class)")

#endif
