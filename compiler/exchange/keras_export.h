/* A checked network and its weights for Keras: its layers as a Functional model, made of the graph of the
 * evaluation. Channels come last here as there, so that nothing is turned. */
#ifndef KERAS_EXPORT_H
#define KERAS_EXPORT_H

#include "compiler/exchange/fold.h"

typedef struct {
    const TensorSet *weights; /* of the program, after the fold */
    const Fold *fold;         /* NULL: nothing was folded */
    bool logits;              /* without a last softmax or sigmoid */
    bool bare;                /* no stage of the data section is part of it */
    bool weights_alone;       /* a .weights.h5 file in place of a .keras one */
} KerasOptions;

/**
 * Writes a file that Keras loads: a .keras file by keras.models.load_model, a .weights.h5 file by
 * load_weights of a model with the same layers. *before as of onnx_export; *tensors: how many were written.
 * Only where cnnc was built with libhdf5 and cJSON, and for .keras with libarchive.
 *
 * Errors  CNN_BAD_INPUT: a layer that Keras has not, by its name; CNN_NO_RESOURCE: it cannot be written.
 */
CnnStatus keras_export(const Program *program, const KerasOptions *options, const char *path,
                       const char **before, int *tensors, CnnError *error);

#endif
