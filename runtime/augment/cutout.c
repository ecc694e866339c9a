/* `cutout 8px`. */
#include "runtime/augment/augment.h"

#include <math.h>

typedef struct {
    Length side;
} CutoutArgs;

static const Field cutout_fields[] = {
    FIELD(CutoutArgs, side, FIELD_LENGTH, .least = 0, .most = 16384,
          .doc = "side of the square: pixels, or a share of the shorter side"),
    FIELDS_END,
};
const Schema cutout_schema = {
    .word = "cutout",
    .doc = "Sets a square around a random pixel to 0, as far as it lies in the picture: black after scale "
           "0..1, the mean after standardize.",
    .source = "DeVries and Taylor, arXiv:1708.04552",
    .places = IN_AUGMENT,
    .fields = cutout_fields,
    .args_bytes = sizeof(CutoutArgs),
    .example = "cutout 8px",
};

/* The positions first … *end-1 of 0 … extent-1 that a random square of this side covers. */
static int64_t cutout_span(Draw *draw, int64_t side, int64_t extent, int64_t *end)
{
    int64_t first = (int64_t)(draw_unit(draw) * (double)extent) - side / 2;
    *end = first + side < extent ? first + side : extent;
    return first > 0 ? first : 0;
}

static CnnStatus cutout_change(const void *args, Draw *draw, const Layout *layout, Sample *sample,
                               CnnError *error)
{
    (void)layout;
    (void)error;
    Picture *picture = sample->now;
    Length length = ((const CutoutArgs *)args)->side;
    int64_t shorter = picture->height < picture->width ? picture->height : picture->width, bottom, right;
    int64_t side = (int64_t)round(length.share ? length.value * (double)shorter : length.value);
    int64_t top = cutout_span(draw, side, picture->height, &bottom);
    int64_t left = cutout_span(draw, side, picture->width, &right);
    float *value = picture->data;
    for (int64_t y = top; y < bottom; y++)
        for (int64_t i = left * picture->channels; i < right * picture->channels; i++)
            value[y * picture->width * picture->channels + i] = 0;
    return CNN_OK;
}

const AugmentKind augment_cutout = {.schema = &cutout_schema, .change = cutout_change};
