/* Metrics as graph ops: sums over the batch's samples that the runtime divides by their number. */
#ifndef METRICS_H
#define METRICS_H

#include "compiler/derive/loss.h"

/**
 * The number of samples that the network gets right, as a scalar. The answer is the first of the largest
 * outputs, or, with one output, whether it is above one half. NODE_NONE for a regression: there is no right
 * and wrong.
 */
NodeId metric_accuracy(const LossInput *input);
/** The number of samples with fewer than `most` outputs above that of their class. NODE_NONE likewise, and
 * with one output. */
NodeId metric_top(const LossInput *input, int most);

/** Whether the labels are classes, so that there are right and wrong answers, tables and scores of them. */
bool metric_has_classes(const LossInput *input);

#endif
