/* Rows of the matrix are added, each times one value of the vector: loops that need no order of a sum
 * changed. */
#include "runtime/transform/projection.h"

#include <stdlib.h>
#include <string.h>

CnnStatus projection_open(Projection *projection, int64_t in, int64_t out, const float *mean, CnnError *error)
{
    *projection = (Projection){in, out, mean, calloc((size_t)(in * out), sizeof(float))};
    if (!projection->matrix)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a map of %lld to %lld values",
                        (long long)in, (long long)out);
    return CNN_OK;
}

void projection_close(Projection *projection)
{
    free(projection->matrix);
    *projection = (Projection){0};
}

PIXEL_LOOP
static void project(const Projection *projection, const float *from, float *to)
{
    int64_t in = projection->in, out = projection->out;
    memset(to, 0, (size_t)out * sizeof *to);
    for (int64_t j = 0; j < in; j++) {
        const float *row = projection->matrix + j * out;
        float value = from[j] - projection->mean[j];
        for (int64_t k = 0; k < out; k++)
            to[k] += value * row[k];
    }
}

CnnStatus projection_apply(const Projection *projection, Sample *sample, int64_t height, int64_t width,
                           CnnError *error)
{
    TRY(sample_to_float(sample, error));
    int64_t values = sample->now->height * sample->now->width * sample->now->channels,
            vectors = values / projection->in, channels = vectors * projection->out / (height * width);
    TRY(picture_reserve(sample->spare, height, width, channels, DTYPE_F32, error));
    const float *from = sample->now->data;
    float *to = sample->spare->data;
    for (int64_t i = 0; i < vectors; i++)
        project(projection, from + i * projection->in, to + i * projection->out);
    sample_swap(sample);
    return CNN_OK;
}
