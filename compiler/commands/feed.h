/* Batches of a model's data, fed to steps or to nobody for some seconds: the one place where commands measure
 * the loader. */
#ifndef FEED_H
#define FEED_H

#include "runtime/data/loader.h"
#include "runtime/image.h"

typedef struct {
    CnnLoader *loader;
    void (*step)(void *context, const Batch *batch); /* NULL: nobody takes the batches */
    void *context;
    double seconds;  /* at least, and one batch */
    int64_t batches; /* that are read of each epoch, its first ones; 0: all */
    bool once;       /* one epoch is enough, though the seconds are not over */
} Feed;

typedef struct {
    double seconds, waited; /* of these for the loader */
    double cores;           /* seconds of all threads together, the steps' too */
    int64_t images, batches;
} Fed;

/** Epoch after epoch. The first batch is not counted: the time before it is the start of the threads. Errors:
 * what the loader says; CNN_BAD_INPUT: there are no samples; CNN_INTERRUPTED, where signals are noted. */
CnnStatus feed_for(const Feed *feed, Fed *fed, CnnError *error);

/** The scalars of step `number` (from 1), which is an update of its own. */
CnnScalars feed_scalars(double rate, int64_t number, int64_t samples);

enum { FEED_SEED = 1 };

#endif
