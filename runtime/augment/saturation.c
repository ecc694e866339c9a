/* `saturation 20%`. */
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

static CnnStatus saturation_change(const void *args, Draw *draw, const Layout *layout, Sample *sample,
                                   CnnError *error)
{
    (void)error;
    double amount = ((const SaturationArgs *)args)->amount;
    picture_saturate(layout, (float)draw_between(draw, 1 - amount, 1 + amount), sample->now);
    return CNN_OK;
}

const AugmentKind augment_saturation = {
    .schema = &saturation_schema, .change = saturation_change, .wants_range = true, .wants_colour = true};
