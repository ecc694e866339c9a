/* A budget of time (`time 10 min`): how many updates fit into it, from what those so far took. It is planned
 * anew after each of them, so that a training ends in time whatever its speed becomes. */
#ifndef CNN_TIME_PLAN_H
#define CNN_TIME_PLAN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double limit; /* seconds, from the first step to the end of the test; 0: there is no budget */
    int64_t steps_per_epoch, batch; /* updates of an epoch; samples of an update */
    int64_t validation, test;       /* samples of these parts */
    /* Measured; zeros at first. */
    double step_seconds, step_weight; /* of the updates so far, the older the less */
    int64_t measured;                 /* updates */
    double epoch_seconds; /* of the last epoch beside its updates: validation, files; 0: none has ended */
} TimePlan;

/** To be told of each update: it was number `step`, from 1, and took so many seconds. */
void cnn_time_step(TimePlan *plan, int64_t step, double seconds);

/**
 * The updates of the whole training, of which `step` are done after `elapsed` seconds, and the epoch that
 * they are of is still to be validated: 0 as long as too little is known; at least `step`, which is to say
 * that it ends here.
 */
int64_t cnn_time_total(const TimePlan *plan, int64_t step, double elapsed);

#endif
