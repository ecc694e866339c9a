/* `shift 20%, 20%`. */
#include "runtime/augment/augment.h"

typedef struct {
    Length across, down;
} ShiftArgs;

static const Field shift_fields[] = {
    FIELD(ShiftArgs, across, FIELD_LENGTH, .least = 0, .most = 16384,
          .doc = "the most to the left and right: pixels, or a share of the width"),
    FIELD(ShiftArgs, down, FIELD_LENGTH, .least = 0, .most = 16384,
          .doc = "the most up and down: pixels, or a share of the height"),
    FIELDS_END,
};
const Schema shift_schema = {
    .word = "shift",
    .doc = "Moves the picture by lengths that are uniform between minus and plus the given ones.",
    .source = "Keras, ImageDataGenerator, width_shift_range and height_shift_range",
    .places = IN_AUGMENT,
    .fields = shift_fields,
    .args_bytes = sizeof(ShiftArgs),
    .example = "shift 20%, 20%",
};

static double shift_pixels(const Length *length, int64_t extent)
{
    return length->share ? length->value * (double)extent : length->value;
}

static void shift_map(const void *args, Draw *draw, AugmentMap *map)
{
    const ShiftArgs *shift = args;
    double down = draw_between(draw, -1, 1) * shift_pixels(&shift->down, map->height);
    double across = draw_between(draw, -1, 1) * shift_pixels(&shift->across, map->width);
    map_compose(map, (const double[2][3]){{1, 0, down}, {0, 1, across}});
}

const AugmentKind augment_shift = {.schema = &shift_schema, .map = shift_map};
