/* `contrast 20%`. */
#include "runtime/augment/augment.h"

typedef struct {
    double amount;
} ContrastArgs;

static const Field contrast_fields[] = {
    FIELD(ContrastArgs, amount, FIELD_SHARE, .least = 0, .most = 1,
          .doc = "the most that differences are multiplied by more or less"),
    FIELDS_END,
};
const Schema contrast_schema = {
    .word = "contrast",
    .doc = "Multiplies the difference of each value from the mean of its channel in this picture by a factor "
           "that is uniform between 1 - amount and 1 + amount; no value gets beyond black or white.",
    .source = "Keras, RandomContrast",
    .places = IN_AUGMENT,
    .fields = contrast_fields,
    .args_bytes = sizeof(ContrastArgs),
    .example = "contrast 20%",
};

static void contrast_change(const void *args, Draw *draw, const Layout *layout, Picture *picture)
{
    double amount = ((const ContrastArgs *)args)->amount;
    float factor = (float)draw_between(draw, 1 - amount, 1 + amount), *value = picture->data;
    int64_t channels = picture->channels, count = picture->height * picture->width * channels;
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int64_t i = c; i < count; i += channels)
            sum += value[i];
        float mean = (float)(sum / (double)(count / channels));
        for (int64_t i = c; i < count; i += channels)
            value[i] = channel_clip(layout, c, mean + (value[i] - mean) * factor);
    }
}

const AugmentKind augment_contrast = {
    .schema = &contrast_schema, .change = contrast_change, .wants_range = true};
