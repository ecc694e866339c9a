/* An optimizer: how a parameter changes, written as graph ops, so that it is compiled and fuses with the
 * gradient. One file each; optims.def lists them. */
#ifndef OPTIMIZER_H
#define OPTIMIZER_H

#include "compiler/ops/make.h"
#include "runtime/schema.h"

enum { OPTIMIZER_STATES_MAX = 3 };

typedef struct {
    Make make;
    NodeId weight, gradient;            /* the gradient after clipping */
    NodeId rate;                        /* scalar: learning rate of this step */
    NodeId step;                        /* scalar: 1 for the first update */
    bool decays;                        /* weight decay applies to this parameter */
    NodeId state[OPTIMIZER_STATES_MAX]; /* in: the leaves; the step function puts their next values here */
} Update;

typedef struct Optimizer {
    Schema schema;
    const char *states[OPTIMIZER_STATES_MAX + 1]; /* names of the state tensors, of the weight's shape */
    /** Which of the states are used with these args (sgd without momentum has none). NULL: all. */
    int (*state_count)(const void *args);
    double state_init; /* their first value */
    /** The weight's next value. */
    NodeId (*step)(const void *args, Update *update);
    double (*rate)(const void *args); /* the base learning rate */
} Optimizer;

extern const Optimizer *const optimizer_table[]; /* NULL-terminated */

#endif
