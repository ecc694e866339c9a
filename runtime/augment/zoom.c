/* `zoom 80%..120%`. */
#include "runtime/augment/augment.h"

typedef struct {
    Range factor;
} ZoomArgs;

static const Field zoom_fields[] = {
    FIELD(ZoomArgs, factor, FIELD_RANGE, .least = 0.01, .most = 100,
          .doc = "range of the part of the picture that is seen: below 1 enlarges, above 1 reduces"),
    FIELDS_END,
};
const Schema zoom_schema = {
    .word = "zoom",
    .doc = "Height and width of the part that is seen are each multiplied by a factor of its own, uniform in "
           "the range.",
    .source = "Keras, ImageDataGenerator, zoom_range",
    .places = IN_AUGMENT,
    .fields = zoom_fields,
    .args_bytes = sizeof(ZoomArgs),
    .example = "zoom 80%..120%",
};

static void zoom_map(const void *args, Draw *draw, AugmentMap *map)
{
    Range factor = ((const ZoomArgs *)args)->factor;
    double rows = draw_between(draw, factor.low, factor.high),
           columns = draw_between(draw, factor.low, factor.high);
    map_compose(map, (const double[2][3]){{rows, 0, 0}, {0, columns, 0}});
}

const AugmentKind augment_zoom = {.schema = &zoom_schema, .map = zoom_map};
