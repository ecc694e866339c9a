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

static CnnStatus contrast_change(const void *args, Draw *draw, const Layout *layout, Sample *sample,
                                 CnnError *error)
{
    double amount = ((const ContrastArgs *)args)->amount;
    TRY(bytes_reserve(sample->work, (size_t)layout->channels * sizeof(float), error));
    float *mean = (float *)sample->work->data;
    picture_means(sample->now, mean);
    picture_stretch(layout, mean, (float)draw_between(draw, 1 - amount, 1 + amount), sample->now);
    return CNN_OK;
}

const AugmentKind augment_contrast = {
    .schema = &contrast_schema, .change = contrast_change, .wants_range = true};
