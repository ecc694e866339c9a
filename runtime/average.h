/* The moving average of the weights (`average ema=0.999`): a tensor "average.NAME" beside each weight NAME,
 * which the training's steps keep. Evaluations and weight files take it in place of the weights, checkpoints
 * have both. */
#ifndef CNN_AVERAGE_H
#define CNN_AVERAGE_H

#include "runtime/device.h"

/* Begins the names of its tensors. */
#define AVERAGE_PREFIX "average."

typedef struct {
    const CnnImage *image;
    bool used; /* the averages stand where the weights are read, and the weights where the averages belong */
} Average;

/** The tensor in which what evaluations are to read of a weight lies now. */
const CnnTensor *cnn_average_shown(const Average *average, const CnnTensor *tensor);

/** The averages begin as the first weights, for the case that the first update is left out. */
void cnn_average_begin(const Average *average, CnnDevice *device);

/**
 * Puts the averages in the place of the weights, or back; nothing where they stand there already, or there
 * are none.
 */
void cnn_average_use(Average *average, CnnDevice *device, bool use);

#endif
