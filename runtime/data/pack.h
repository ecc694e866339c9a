/* Filling the cache of the data without a training. */
#ifndef CNN_PACK_H
#define CNN_PACK_H

#include "runtime/data/examine.h"

typedef struct {
    int64_t samples, unreadable; /* of all parts */
    char reason[2048];           /* of the first that cannot be read */
} Packing;

/**
 * Decodes every sample as far as the cache keeps it. The cache has been opened by cnn_data_cache. A sample
 * that cannot be read is counted, and is the training's to judge.
 */
CnnStatus cnn_data_pack(CnnData *data, const ExamineOptions *options, Packing *out, CnnError *error);

#endif
