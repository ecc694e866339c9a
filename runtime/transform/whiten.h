/* Private to whiten*.c. */
#ifndef CNN_WHITEN_H
#define CNN_WHITEN_H

#include "runtime/transform/transform.h"

typedef struct {
    double epsilon;
    int64_t components;
} WhitenArgs;

/** The stage for samples of more than COVARIANCE_MOST values. */
CnnStatus whiten_long_plan(const WhitenArgs *args, const Layout *in, Transform **out, CnnError *error);

#endif
