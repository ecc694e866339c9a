/* `saturation 20%`, and what `grey` shares with it. */
#include "runtime/augment/augment.h"

typedef struct {
    double amount;
} SaturationArgs;

static const Field saturation_fields[] = {
    FIELD(SaturationArgs, amount, FIELD_SHARE, .least = 0, .most = 1,
          .doc = "the most that saturation is multiplied by more or less"),
    FIELDS_END,
};
const Schema saturation_schema = {
    .word = "saturation",
    .doc = "Multiplies the difference of each pixel from its grey (0.299 red + 0.587 green + 0.114 blue) by "
           "a factor that is uniform between 1 - amount and 1 + amount.",
    .source = "ITU-R BT.601-7, section 2.5.1",
    .places = IN_AUGMENT,
    .fields = saturation_fields,
    .args_bytes = sizeof(SaturationArgs),
    .example = "saturation 20%",
};

/* Colours are mixed as shares of the
 * way from black to white, since channels may have been standardized differently. */
void pixel_saturate(const Layout *layout, float factor, float *value)
{
    float extent[3], share[3];
    for (int c = 0; c < 3; c++) {
        extent[c] = layout->white[c] - layout->black[c];
        share[c] = (value[c] - layout->black[c]) / extent[c];
    }
    float grey = 0.299f * share[0] + 0.587f * share[1] + 0.114f * share[2];
    for (int c = 0; c < 3; c++)
        value[c] =
            channel_clip(layout, c, layout->black[c] + (grey + (share[c] - grey) * factor) * extent[c]);
}

static void saturation_change(const void *args, Draw *draw, const Layout *layout, Picture *picture)
{
    double amount = ((const SaturationArgs *)args)->amount;
    float factor = (float)draw_between(draw, 1 - amount, 1 + amount), *value = picture->data;
    for (int64_t i = 0; i < picture->height * picture->width; i++)
        pixel_saturate(layout, factor, value + 3 * i);
}

const AugmentKind augment_saturation = {
    .schema = &saturation_schema, .change = saturation_change, .wants_range = true, .wants_colour = true};
