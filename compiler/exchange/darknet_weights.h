/* A darknet .weights file: a header, then 32-bit numbers without names, layer after layer in the order of the
 * .cfg file. */
#ifndef DARKNET_WEIGHTS_H
#define DARKNET_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/status.h"

typedef struct {
    const char *path;           /* for messages */
    const unsigned char *bytes; /* of the caller, little-endian */
    size_t size, at;
    bool transposed; /* dense kernels are [in][out] */
    CnnError *error;
} DarknetWeights;

/** Reads the header. Errors: CNN_BAD_INPUT. */
CnnStatus darknet_weights_begin(DarknetWeights *weights);

/** Copies the next `count` numbers. `what`, "the kernel of [convolutional], net.cfg:12", is for the message
 * where the file ends before. Errors: CNN_BAD_INPUT. */
CnnStatus darknet_weights_take(DarknetWeights *weights, float *out, size_t count, const char *what);

/** Nothing may be left behind the last layer. Errors: CNN_BAD_INPUT. */
CnnStatus darknet_weights_end(const DarknetWeights *weights, const char *last);

#endif
