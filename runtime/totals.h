/* Sums over the samples of several batches: what an epoch or an evaluation reports. */
#ifndef CNN_TOTALS_H
#define CNN_TOTALS_H

#include "runtime/device.h"

typedef struct {
    double loss,
        metric[METRICS_MAX]; /* sums; in double, so that their rounding does not grow with the data */
    bool whole[METRICS_MAX]; /* metric[i] is no sum, but the value over all samples: totals_set */
    int64_t samples;
} Totals;

/** Adds what the last step of `program` left in its buffers: nothing to metrics that have none. */
void totals_add(Totals *totals, CnnDevice *device, const CnnProgram *program, int64_t samples);

/** The mean loss. */
double totals_loss(const Totals *totals);
/** Gives metric i, which is no sum, its value over all samples. */
void totals_set(Totals *totals, int i, double value);
/** The mean of metric i, or the value that was set. */
double totals_metric(const Totals *totals, int i);

#endif
