/* `blur 0..2px`: along the rows and then down the columns. Both times it is rows of values that are weighed
 * and added, so that the loops run over memory as it lies. */
#include "runtime/augment/augment.h"

#include <math.h>
#include <string.h>

enum { DEVIATION_MOST = 16, RADIUS_MOST = 3 * DEVIATION_MOST };

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

/* out = weight[0] * in[0] + the sum over k of weight[k] * (in[-k] + in[k]), for `n` values next to each
 * other; in[k] is where before[k] and behind[k] point. */
PIXEL_LOOP
static void values_weigh(const float *weight, int64_t radius, const float *const *before,
                         const float *const *behind, float *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = weight[0] * before[0][i];
    for (int64_t k = 1; k <= radius; k++) {
        const float *a = before[k], *b = behind[k];
        float factor = weight[k];
        for (int64_t i = 0; i < n; i++)
            out[i] += factor * (a[i] + b[i]);
    }
}

/* Along each row of `in`, by way of a copy with the mirrored margins beside it. */
static void blur_rows(const float *weight, int64_t radius, const Picture *in, float *copy, float *out)
{
    const float *before[RADIUS_MOST + 1], *behind[RADIUS_MOST + 1], *row = in->data;
    int64_t channels = in->channels, values = in->width * channels;
    for (int64_t k = 0; k <= radius; k++) {
        before[k] = copy + (radius - k) * channels;
        behind[k] = copy + (radius + k) * channels;
    }
    for (int64_t y = 0; y < in->height; y++, row += values, out += values) {
        memcpy(copy + radius * channels, row, (size_t)values * sizeof *row);
        for (int64_t k = 1; k <= radius; k++)
            for (int64_t c = 0; c < channels; c++) {
                copy[(radius - k) * channels + c] = row[blur_mirror(-k, in->width) * channels + c];
                copy[(radius + in->width - 1 + k) * channels + c] =
                    row[blur_mirror(in->width - 1 + k, in->width) * channels + c];
            }
        values_weigh(weight, radius, before, behind, out, values);
    }
}

/* Down each column. */
static void blur_columns(const float *weight, int64_t radius, const Picture *in, float *out)
{
    const float *before[RADIUS_MOST + 1], *behind[RADIUS_MOST + 1], *rows = in->data;
    int64_t values = in->width * in->channels;
    for (int64_t y = 0; y < in->height; y++) {
        for (int64_t k = 0; k <= radius; k++) {
            before[k] = rows + blur_mirror(y - k, in->height) * values;
            behind[k] = rows + blur_mirror(y + k, in->height) * values;
        }
        values_weigh(weight, radius, before, behind, out + y * values, values);
    }
}

static CnnStatus blur_change(const void *args, Draw *draw, const Layout *layout, Sample *sample,
                             CnnError *error)
{
    (void)layout;
    Range range = ((const BlurArgs *)args)->deviation;
    Picture *picture = sample->now;
    float weight[RADIUS_MOST + 1];
    int64_t radius = blur_weights(draw_between(draw, range.low, range.high), weight);
    if (radius == 0)
        return CNN_OK;
    TRY(bytes_reserve(sample->work,
                      (size_t)((picture->width + 2 * radius) * picture->channels) * sizeof(float), error));
    TRY(picture_reserve(sample->spare, picture->height, picture->width, picture->channels, DTYPE_F32, error));
    blur_rows(weight, radius, picture, (float *)sample->work->data, sample->spare->data);
    blur_columns(weight, radius, sample->spare, picture->data);
    return CNN_OK;
}

const AugmentKind augment_blur = {.schema = &blur_schema, .change = blur_change};
