/* What the stages have in common: the two pictures of a sample, and changes of each value by itself. */
#include "runtime/transform/transform.h"

#include <stdlib.h>

enum { POINTWISE_REPEAT = 16, REPEAT_BELOW = 64 };

void sample_swap(Sample *sample)
{
    Picture *now = sample->now;
    sample->now = sample->spare;
    sample->spare = now;
}

PIXEL_LOOP
static void floats_of_bytes(const unsigned char *in, float *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = (float)in[i];
}

CnnStatus sample_to_float(Sample *sample, CnnError *error)
{
    const Picture *in = sample->now;
    if (in->dtype == DTYPE_F32)
        return CNN_OK;
    TRY(picture_reserve(sample->spare, in->height, in->width, in->channels, DTYPE_F32, error));
    floats_of_bytes(in->data, sample->spare->data, in->height * in->width * in->channels);
    sample_swap(sample);
    return CNN_OK;
}

CnnStatus pointwise_open(Pointwise *pointwise, int64_t channels, CnnError *error)
{
    pointwise->channels = channels;
    pointwise->period = channels < REPEAT_BELOW ? channels * POINTWISE_REPEAT : channels;
    pointwise->multiply = calloc((size_t)pointwise->period, sizeof(float));
    pointwise->add = calloc((size_t)pointwise->period, sizeof(float));
    if (!pointwise->multiply || !pointwise->add)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld channels", (long long)channels);
    return CNN_OK;
}

void pointwise_close(Pointwise *pointwise)
{
    free(pointwise->multiply);
    free(pointwise->add);
    *pointwise = (Pointwise){0};
}

void pointwise_set(Pointwise *pointwise, int64_t channel, double multiply, double add)
{
    for (int64_t i = channel; i < pointwise->period; i += pointwise->channels) {
        pointwise->multiply[i] = (float)multiply;
        pointwise->add[i] = (float)add;
    }
}

PIXEL_LOOP
static void pointwise_bytes(const Pointwise *pointwise, const unsigned char *in, float *out, int64_t count)
{
    const float *multiply = pointwise->multiply, *add = pointwise->add;
    for (int64_t first = 0, period = pointwise->period; first < count; first += period) {
        int64_t block = count - first < period ? count - first : period;
        for (int64_t i = 0; i < block; i++)
            out[first + i] = (float)in[first + i] * multiply[i] + add[i];
    }
}

PIXEL_LOOP
static void pointwise_floats(const Pointwise *pointwise, const float *in, float *out, int64_t count)
{
    const float *multiply = pointwise->multiply, *add = pointwise->add;
    for (int64_t first = 0, period = pointwise->period; first < count; first += period) {
        int64_t block = count - first < period ? count - first : period;
        for (int64_t i = 0; i < block; i++)
            out[first + i] = in[first + i] * multiply[i] + add[i];
    }
}

void pointwise_apply(const Pointwise *pointwise, const Picture *in, float *out)
{
    int64_t count = in->height * in->width * in->channels;
    if (in->dtype == DTYPE_U8)
        pointwise_bytes(pointwise, in->data, out, count);
    else
        pointwise_floats(pointwise, in->data, out, count);
}
