/* What optimizers are made of: the parameters that all of them take, decay, moving averages. */
#ifndef OPTIM_PARTS_H
#define OPTIM_PARTS_H

#include "compiler/optim/optimizer.h"

typedef enum { DECAY_ON_KERNELS, DECAY_ON_ALL } DecayOn;

/* The first member of every optimizer's args. */
typedef struct {
    double rate, decay;
    int decay_on; /* DecayOn */
} OptimizerArgs;

#define OPTIMIZER_FIELDS(rate_preset, decay_preset)                                                          \
    FIELD(OptimizerArgs, rate, FIELD_REAL, .preset = (rate_preset), .least = 1e-30, .most = 1e6,             \
          .doc = "learning rate, before the schedule"),                                                      \
        FIELD(OptimizerArgs, decay, FIELD_REAL, .preset = (decay_preset), .least = 0, .most = 1e3,           \
              .named_only = true,                                                                            \
              .doc = "weight decay, decoupled from the gradient: each step first takes rate * decay * w "    \
                     "from w"),                                                                              \
        FIELD(OptimizerArgs, decay_on, FIELD_WORD, .preset = "kernels", .words = "kernels all",              \
              .named_only = true,                                                                            \
              .doc = "what decays: kernels, or all parameters (biases, scales and shifts too)")

#define OPTIMIZER_SHARE_FIELD(T, member, value, text)                                                        \
    FIELD(T, member, FIELD_REAL, .preset = (value), .least = 0, .most = 0.99999999, .named_only = true,      \
          .doc = (text))

#define OPTIMIZER_EPS_FIELD(T, where)                                                                        \
    FIELD(T, eps, FIELD_REAL, .preset = "1e-7", .least = 1e-30, .most = 1.0, .named_only = true,             \
          .doc = "keeps the division finite; added " where)

/** Optimizer.rate of all of them. */
double optimizer_rate(const void *args);
/** The weight after its decay (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019). */
NodeId optimizer_decayed(const OptimizerArgs *args, const Update *update);
/** share * average + (1 - share) * value. */
NodeId optimizer_average(Make make, NodeId average, NodeId value, double share);
/** 1 - share^step, without cancellation while step is small. */
NodeId optimizer_bias(const Update *update, double share);

#endif
