/* Looks through the tensors of a step, one call of compiled code after another. */
#ifndef CNN_SCAN_H
#define CNN_SCAN_H

#include "runtime/data/loader.h"
#include "runtime/device.h"

typedef enum {
    NOT_FINITE_NOWHERE,
    NOT_FINITE_INPUT,   /* a sample of the batch */
    NOT_FINITE_LABEL,   /* its label */
    NOT_FINITE_STATE,   /* a weight, or other state, before the step: the update before it made it so */
    NOT_FINITE_COMPUTED /* in the step */
} NotFinitePlace;

/* The first value of a step that is not finite. */
typedef struct {
    NotFinitePlace place;
    const char *name;  /* of the layer or tensor: "relu1", "conv1.kernel" */
    const char *where; /* the layer's line, "model.cnn:5:20"; "": it has none */
    StepPart part;     /* of NOT_FINITE_COMPUTED */
    int64_t sample;    /* of the batch; -1: it belongs to no single one */
} NotFinite;

/**
 * Runs the training step once more on the batch, alone and until the first value that is not finite, in the
 * order in which they are computed. What the step has changed must still be as before it (see
 * cnn_device_step).
 */
NotFinite scan_not_finite(CnnDevice *device, const CnnImage *image, const Batch *batch,
                          const CnnScalars *scalars);

/** Whether all parameters and states are finite; of those that are not the first, or NULL. */
const CnnTensor *scan_state(CnnDevice *device, const CnnImage *image);

/**
 * Evaluates the batch, and finds the first layer whose outputs are all 0 for all of its samples. NULL: there
 * is none. Only what the evaluation stores is seen: a layer that is computed within the next is known by what
 * that stores.
 *
 * Errors  CNN_NO_RESOURCE
 */
CnnStatus scan_dead(CnnDevice *device, const CnnImage *image, const Batch *batch, const CnnScalars *scalars,
                    const CnnBuffer **dead, CnnError *error);

#endif
