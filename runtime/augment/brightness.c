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

static CnnStatus brightness_change(const void *args, Draw *draw, const Layout *layout, Sample *sample,
                                   CnnError *error)
{
    (void)error;
    double amount = ((const BrightnessArgs *)args)->amount;
    picture_stretch(layout, layout->black, (float)draw_between(draw, 1 - amount, 1 + amount), sample->now);
    return CNN_OK;
}

const AugmentKind augment_brightness = {
    .schema = &brightness_schema, .change = brightness_change, .wants_range = true};
