/* `flip horizontal`. */
#include "runtime/augment/augment.h"

typedef enum { FLIP_HORIZONTAL, FLIP_VERTICAL, FLIP_BOTH } FlipDirection;

typedef struct {
    int direction; /* FlipDirection */
} FlipArgs;

static const Field flip_fields[] = {
    FIELD(FlipArgs, direction, FIELD_WORD, .words = "horizontal vertical both",
          .doc = "horizontal exchanges left and right, vertical exchanges top and bottom"),
    FIELDS_END,
};
const Schema flip_schema = {
    .word = "flip",
    .doc = "Mirrors the picture with a chance of one half; with both, the two directions are drawn each by "
           "itself.",
    .source = "Keras, ImageDataGenerator, horizontal_flip and vertical_flip",
    .places = IN_AUGMENT,
    .fields = flip_fields,
    .args_bytes = sizeof(FlipArgs),
    .example = "flip horizontal",
};

static void flip_map(const void *args, Draw *draw, AugmentMap *map)
{
    int direction = ((const FlipArgs *)args)->direction;
    double rows = draw_unit(draw) < 0.5 && direction != FLIP_HORIZONTAL ? -1 : 1;
    double columns = draw_unit(draw) < 0.5 && direction != FLIP_VERTICAL ? -1 : 1;
    map_compose(map, (const double[2][3]){{rows, 0, 0}, {0, columns, 0}});
}

const AugmentKind augment_flip = {.schema = &flip_schema, .map = flip_map};
