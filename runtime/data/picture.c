/* The memory of decoded samples. */
#include "runtime/data/decode.h"

#include <stdlib.h>

#include "runtime/memory.h"

CnnStatus picture_reserve(Picture *picture, int64_t height, int64_t width, int64_t channels, Dtype dtype,
                          CnnError *error)
{
    uint64_t bytes;
    if (height < 1 || width < 1 || channels < 1 || !cnn_multiply((uint64_t)height, (uint64_t)width, &bytes) ||
        !cnn_multiply(bytes, (uint64_t)channels, &bytes) ||
        !cnn_multiply(bytes, dtype_bytes(dtype), &bytes) || bytes > SIZE_MAX / 2)
        return cnn_fail(error, CNN_BAD_INPUT, "a picture of %lld x %lld x %lld is not possible",
                        (long long)height, (long long)width, (long long)channels);
    if (bytes > picture->capacity) {
        void *data =
            malloc(bytes + sizeof(float)); /* what reads four floats at a time may go beyond by one */
        if (!data)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a picture of %lld x %lld",
                            (long long)height, (long long)width);
        free(picture->data);
        picture->data = data;
        picture->capacity = bytes;
    }
    picture->height = height;
    picture->width = width;
    picture->channels = channels;
    picture->dtype = dtype;
    return CNN_OK;
}

void picture_free(Picture *picture)
{
    free(picture->data);
    decoder_free(picture->decoder);
    *picture = (Picture){0};
}
