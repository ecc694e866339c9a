/* `blur 0..2px`: rows and then columns are weighed in place; what was overwritten and is still needed is kept
 * in a ring. */
#include "runtime/augment/augment.h"

#include <math.h>

enum { DEVIATION_MOST = 16, RADIUS_MOST = 3 * DEVIATION_MOST, RING = 64 };
_Static_assert(RING > RADIUS_MOST && (RING & (RING - 1)) == 0, "the ring holds what a value is made of");

typedef struct {
    Range deviation;
} BlurArgs;

static const Field blur_fields[] = {
    FIELD(BlurArgs, deviation, FIELD_RANGE, .least = 0, .most = DEVIATION_MOST,
          .doc = "range of the standard deviation, in pixels"),
    FIELDS_END,
};
const Schema blur_schema = {
    .word = "blur",
    .doc = "Blurs the picture by a Gaussian whose standard deviation is uniform in the range, cut off at "
           "three deviations; beyond the edges the picture is mirrored around its outermost pixels.",
    .source = "torchvision, GaussianBlur",
    .places = IN_AUGMENT,
    .fields = blur_fields,
    .args_bytes = sizeof(BlurArgs),
    .example = "blur 0..2px",
};

/* weight[k] of the values at distance k on both sides; all of them sum to 1. Returns the radius. */
static int64_t blur_weights(double deviation, float weight[RADIUS_MOST + 1])
{
    int64_t radius = (int64_t)ceil(3 * deviation);
    double sum = 1;
    for (int64_t k = 1; k <= radius; k++)
        sum += 2 * exp(-0.5 * (double)(k * k) / (deviation * deviation));
    weight[0] = (float)(1 / sum);
    for (int64_t k = 1; k <= radius; k++)
        weight[k] = (float)(exp(-0.5 * (double)(k * k) / (deviation * deviation)) / sum);
    return radius;
}

/* Position i mirrored into 0 … n-1: c b | a b c | b a. */
static int64_t blur_mirror(int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return i;
    if (n == 1)
        return 0;
    i = (i % (2 * n - 2) + 2 * n - 2) % (2 * n - 2);
    return i < n ? i : 2 * n - 2 - i;
}

/* `n` values, `step` apart. No value reads another that lies further back than the radius. */
static void blur_line(const float *weight, int64_t radius, float *line, int64_t n, int64_t step)
{
    float before[RING]; /* before[j % RING]: value j as it was, for the last RING of j <= i */
    for (int64_t i = 0; i < n; i++) {
        before[i % RING] = line[i * step];
        float sum = weight[0] * line[i * step];
        for (int64_t k = 1; k <= radius; k++) {
            int64_t a = blur_mirror(i - k, n), b = blur_mirror(i + k, n);
            sum += weight[k] * ((a <= i ? before[a % RING] : line[a * step]) +
                                (b <= i ? before[b % RING] : line[b * step]));
        }
        line[i * step] = sum;
    }
}

static void blur_change(const void *args, Draw *draw, const Layout *layout, Picture *picture)
{
    (void)layout;
    Range range = ((const BlurArgs *)args)->deviation;
    float weight[RADIUS_MOST + 1], *value = picture->data;
    int64_t radius = blur_weights(draw_between(draw, range.low, range.high), weight);
    int64_t height = picture->height, width = picture->width, channels = picture->channels;
    for (int64_t y = 0; y < height && radius > 0; y++)
        for (int64_t c = 0; c < channels; c++)
            blur_line(weight, radius, value + y * width * channels + c, width, channels);
    for (int64_t i = 0; i < width * channels && radius > 0; i++)
        blur_line(weight, radius, value + i, height, width * channels);
}

const AugmentKind augment_blur = {.schema = &blur_schema, .change = blur_change};
