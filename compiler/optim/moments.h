/* The first two moments of the gradient, as adam and lamb keep them. */
#ifndef MOMENTS_H
#define MOMENTS_H

#include "compiler/optim/parts.h"

/* The args of the optimizers that keep both moments. */
typedef struct {
    OptimizerArgs common;
    double beta1, beta2, eps;
} MomentsArgs;

#define MOMENTS_FIELDS                                                                                       \
    OPTIMIZER_SHARE_FIELD(MomentsArgs, beta1, "0.9", "share of the old mean of the gradient that is kept"),  \
        OPTIMIZER_SHARE_FIELD(MomentsArgs, beta2, "0.999",                                                   \
                              "share of the old mean of its square that is kept"),                           \
        OPTIMIZER_EPS_FIELD(MomentsArgs, "to the root of the mean square")

/** Moves states 0 and 1 on: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2. */
void moments_update(const MomentsArgs *args, Update *update);

#endif
