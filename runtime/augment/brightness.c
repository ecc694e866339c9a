/* `brightness 20%`. */
#include "runtime/augment/augment.h"

typedef struct {
    double amount;
} BrightnessArgs;

static const Field brightness_fields[] = {
    FIELD(BrightnessArgs, amount, FIELD_SHARE, .least = 0, .most = 1,
          .doc = "the most that values are multiplied by more or less"),
    FIELDS_END,
};
const Schema brightness_schema = {
    .word = "brightness",
    .doc = "Multiplies the picture, counted from black, by a factor that is uniform between 1 - amount and 1 "
           "+ amount; no value gets beyond black or white.",
    .source = "Keras, ImageDataGenerator, brightness_range",
    .places = IN_AUGMENT,
    .fields = brightness_fields,
    .args_bytes = sizeof(BrightnessArgs),
    .example = "brightness 20%",
};

static void brightness_change(const void *args, Draw *draw, const Layout *layout, Picture *picture)
{
    double amount = ((const BrightnessArgs *)args)->amount;
    float factor = (float)draw_between(draw, 1 - amount, 1 + amount), *value = picture->data;
    int64_t pixels = picture->height * picture->width, channels = picture->channels;
    for (int64_t i = 0; i < pixels; i++, value += channels)
        for (int64_t c = 0; c < channels; c++)
            value[c] = channel_clip(layout, c, layout->black[c] + (value[c] - layout->black[c]) * factor);
}

const AugmentKind augment_brightness = {
    .schema = &brightness_schema, .change = brightness_change, .wants_range = true};
