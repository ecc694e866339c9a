#include "compiler/exchange/darknet_weights.h"

#include <string.h>

static int32_t integer_at(const DarknetWeights *weights, size_t at)
{
    const unsigned char *bytes = weights->bytes + at;
    return (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                     (uint32_t)bytes[3] << 24);
}

/* Major, minor and revision, then how many pictures the network has seen: in 64 bits since version 0.2. */
CnnStatus darknet_weights_begin(DarknetWeights *weights)
{
    enum { VERSION_BYTES = 12, LARGE = 1000 };
    if (weights->size < VERSION_BYTES)
        return cnn_fail(weights->error, CNN_BAD_INPUT,
                        "'%s' has %zu bytes; a darknet weight file begins with a header of 16 or 20",
                        weights->path, weights->size);
    int32_t major = integer_at(weights, 0), minor = integer_at(weights, 4);
    bool sane = major >= 0 && minor >= 0 && major <= 2 * LARGE && minor <= 2 * LARGE;
    if (!sane)
        return cnn_fail(weights->error, CNN_BAD_INPUT,
                        "'%s' is no darknet weight file: it begins with version %d.%d", weights->path,
                        (int)major, (int)minor);
    bool wide = major * 10 + minor >= 2 && major < LARGE && minor < LARGE;
    weights->transposed = major > LARGE || minor > LARGE;
    weights->at = VERSION_BYTES + (wide ? 8 : 4);
    if (weights->size < weights->at)
        return cnn_fail(weights->error, CNN_BAD_INPUT, "'%s' ends in its header, after %zu bytes",
                        weights->path, weights->size);
    if ((weights->size - weights->at) % sizeof(float) != 0)
        return cnn_fail(weights->error, CNN_BAD_INPUT,
                        "'%s' has %zu bytes, which are no whole number of weights: it was cut off",
                        weights->path, weights->size);
    return CNN_OK;
}

CnnStatus darknet_weights_take(DarknetWeights *weights, float *out, size_t count, const char *what)
{
    size_t left = (weights->size - weights->at) / sizeof *out;
    if (count > left)
        return cnn_fail(
            weights->error, CNN_BAD_INPUT,
            "'%s' ends in %s: %zu numbers are there, and it needs %zu. Is it of another network, or cut off?",
            weights->path, what, left, count);
    for (size_t i = 0; i < count; i++, weights->at += sizeof *out) {
        int32_t bits = integer_at(weights, weights->at);
        memcpy(&out[i], &bits, sizeof bits);
    }
    return CNN_OK;
}

CnnStatus darknet_weights_end(const DarknetWeights *weights, const char *last)
{
    size_t left = (weights->size - weights->at) / sizeof(float);
    if (left == 0)
        return CNN_OK;
    return cnn_fail(
        weights->error, CNN_BAD_INPUT,
        "'%s' has %zu numbers more than the network takes, behind %s, the last. Is it of another network?",
        weights->path, left, last);
}
