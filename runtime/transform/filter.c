/* Filters with `antialias` are stretched by the factor of a reduction, so that every pixel of a larger
 * picture counts: what Pillow's BILINEAR and BICUBIC, torch's antialias=True and TensorFlow's antialias=True
 * do. Without, they are TensorFlow's and Keras' (half-pixel centres). Beyond the edges of the picture nothing
 * is weighed. */
#include "runtime/transform/filter.h"

#include <math.h>

double span_scale(const Span *span)
{
    return span->extent / (double)span->out_extent;
}

/* How far from its place a pixel of the result reads, in pixels of the picture. */
static double filter_reach(FilterMethod method, bool antialias, double scale)
{
    double stretch = antialias ? fmax(scale, 1) : 1;
    switch (method) {
    case FILTER_BILINEAR:
        return stretch;
    case FILTER_BICUBIC:
        return 2 * stretch;
    case FILTER_AREA:
        return scale / 2 + 0.5; /* as pixels count in part, by centres half a pixel away */
    case FILTER_NEAREST:
        break;
    }
    return 0.5;
}

static int64_t filter_most(FilterMethod method, bool antialias, const Span *span)
{
    return 2 * (int64_t)ceil(filter_reach(method, antialias, span_scale(span))) + 1;
}

size_t filter_bytes(FilterMethod method, bool antialias, const Span *span)
{
    size_t weights = (size_t)filter_most(method, antialias, span) * sizeof(float);
    return (size_t)span->out_extent * (2 * sizeof(int32_t) + weights);
}

/* Keys' cubic convolution with a = -0.5. */
static double cubic(double x)
{
    if (x < 1)
        return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/* What a pixel counts whose centre is `distance` away. */
static double filter_weight(FilterMethod method, double distance, double reach, double scale)
{
    switch (method) {
    case FILTER_BILINEAR:
        return fmax(1 - distance / reach, 0);
    case FILTER_BICUBIC:
        return cubic(2 * distance / reach);
    case FILTER_AREA: /* what both cover: pixels are 1 wide, those of the result `scale` */
        return fmax(fmin(fmin(1, scale), reach - distance), 0);
    case FILTER_NEAREST:
        break;
    }
    return 1;
}

/* The pixels of 0 … extent-1 that one of the result at `centre` may read: *first … the returned end - 1. */
static int64_t filter_taps(FilterMethod method, double centre, double reach, int64_t extent, int64_t *first)
{
    if (method == FILTER_NEAREST) {
        *first = (int64_t)fmin(floor(centre), (double)(extent - 1));
        return *first + 1;
    }
    *first = (int64_t)fmax(floor(centre - reach + 0.5), 0);
    return (int64_t)fmin(floor(centre + reach + 0.5), (double)extent);
}

Filter filter_make(FilterMethod method, bool antialias, const Span *span, int64_t extent, unsigned char **at)
{
    Filter filter = {.out = span->out_extent, .most = filter_most(method, antialias, span)};
    filter.first = (int32_t *)*at;
    filter.taps = filter.first + filter.out;
    filter.weight = (float *)(filter.taps + filter.out);
    *at += filter_bytes(method, antialias, span);
    double scale = span_scale(span), reach = filter_reach(method, antialias, scale);
    for (int64_t i = 0; i < filter.out; i++) {
        double centre = span->from + ((double)i + 0.5) * scale, sum = 0;
        int64_t first, end = filter_taps(method, centre, reach, extent, &first);
        float *weight = filter.weight + i * filter.most;
        for (int64_t j = first; j < end; j++)
            sum += filter_weight(method, fabs((double)j + 0.5 - centre), reach, scale);
        for (int64_t j = first; j < end; j++)
            weight[j - first] =
                (float)(filter_weight(method, fabs((double)j + 0.5 - centre), reach, scale) / sum);
        filter.first[i] = (int32_t)first;
        filter.taps[i] = (int32_t)(end - first);
    }
    return filter;
}
