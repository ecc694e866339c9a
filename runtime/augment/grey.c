/* `grey 10%`. */
#include "runtime/augment/augment.h"

typedef struct {
    double chance;
} GreyArgs;

static const Field grey_fields[] = {
    FIELD(GreyArgs, chance, FIELD_SHARE, .least = 0, .most = 1,
          .doc = "the chance that a picture loses its colours"),
    FIELDS_END,
};
const Schema grey_schema = {
    .word = "grey",
    .doc = "Makes the picture grey with the given chance; it keeps its three channels.",
    .places = IN_AUGMENT,
    .fields = grey_fields,
    .args_bytes = sizeof(GreyArgs),
    .example = "grey 10%",
};

static CnnStatus grey_change(const void *args, Draw *draw, const Layout *layout, Sample *sample,
                             CnnError *error)
{
    (void)error;
    if (draw_unit(draw) < ((const GreyArgs *)args)->chance)
        picture_saturate(layout, 0, sample->now);
    return CNN_OK;
}

const AugmentKind augment_grey = {
    .schema = &grey_schema, .change = grey_change, .wants_range = true, .wants_colour = true};
