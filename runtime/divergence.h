/* What becomes of a training when its numbers are no longer finite: the statement `nan`. */
#ifndef CNN_DIVERGENCE_H
#define CNN_DIVERGENCE_H

#include "runtime/data/loader.h"
#include "runtime/device.h"
#include "runtime/report.h"
#include "runtime/train_args.h"

typedef struct {
    NanArgs args;
    const CnnImage *image;
    int64_t row;      /* NAN_SKIP: updates in a row that were left out */
    int64_t left_out; /* NAN_SKIP: updates of this epoch */
    int64_t returned; /* NAN_BACK: times that the training went back */
    double factor;    /* what the rate is multiplied by */
    char *copy;       /* NAN_BACK: all state, one tensor after another */
    int64_t copied;   /* updates done when it was made; -1: never */
    char note[1024];  /* what the user is to be told */
} Divergence;

/* A micro-batch that has been trained on. */
typedef struct {
    CnnDevice *device;
    const CnnData *data;
    const CnnLoader *loader;
    const Batch *batch;
    const CnnScalars *scalars;
    int64_t step, epoch; /* from 1 */
} TrainedBatch;

/** Errors: CNN_NO_RESOURCE, no memory for the copy of `nan back`. */
CnnStatus divergence_open(const CnnImage *image, Divergence *out, CnnError *error);
void divergence_close(Divergence *divergence);

/** Whether what the step has computed is finite: its loss, and under `skip` and `back` its gradients, unless
 * they are scaled (runtime/loss_scale.h). Where it is not, the weights are as before, under these two all
 * other state as well. */
bool divergence_is_finite(const Divergence *divergence, CnnDevice *device);

/** An update has been made, so the next trouble is not in a row with the last. */
void divergence_passed(Divergence *divergence);

/** Before the next step: copies the state where `nan back` needs it and the last copy is an epoch or
 * DIVERGENCE_COPY_STEPS updates old. */
enum { DIVERGENCE_COPY_STEPS = 1000 };
void divergence_keep(Divergence *divergence, CnnDevice *device, bool epoch_begins, int64_t step);

/**
 * After a micro-batch that is not finite: does what the policy says. CNN_OK: the training goes on with the
 * next update, and this one is not made; divergence->note tells it, if it is to be told. Before an error the
 * batch's samples are reported.
 *
 * Errors  CNN_DIVERGED: the training is to end. The first value that is not finite is named, by its layer and
 *         line, and the sample.
 */
CnnStatus divergence_handle(Divergence *divergence, const TrainedBatch *trained, Report *report,
                            CnnError *error);

/** At the end of an epoch: whether updates of it were left out; how many, in divergence->note. */
bool divergence_left_out(Divergence *divergence);

/** The loss of the validation after an epoch is not finite: CNN_DIVERGED, with the weight that is to blame.
 */
CnnStatus divergence_of_validation(const Divergence *divergence, CnnDevice *device, int64_t epoch,
                                   CnnError *error);

#endif
