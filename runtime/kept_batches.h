/* Batches that are read once and held in memory, to be trained on again and again. */
#ifndef CNN_KEPT_BATCHES_H
#define CNN_KEPT_BATCHES_H

#include "runtime/data/loader.h"
#include "runtime/image.h"

typedef struct {
    int64_t count, samples;            /* batches; samples of each */
    uint64_t input_bytes, label_bytes; /* of a batch */
    char *input, *label;
    int64_t *first; /* position in the epoch of each batch's first sample */
} KeptBatches;

/**
 * Reads up to `wanted` batches from the start of the loader's first epoch, all of the size of the first: ends
 * before a smaller one, and at `most_bytes` of pictures. The loader is stopped.
 *
 * Errors  CNN_BAD_INPUT: there is none; CNN_NO_RESOURCE; the loader's. What was read must be freed then, too.
 */
CnnStatus cnn_batches_keep(const CnnImage *image, CnnLoader *loader, int64_t wanted, uint64_t most_bytes,
                           KeptBatches *out, CnnError *error);
void cnn_batches_free(KeptBatches *batches);

/** Batch number `number`, from 0. */
Batch cnn_batches_get(const KeptBatches *batches, int64_t number);

#endif
