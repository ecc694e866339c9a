/* `shear 20deg`. */
#include "runtime/augment/augment.h"

#include <math.h>

typedef struct {
    double angle;
} ShearArgs;

static const Field shear_fields[] = {
    FIELD(ShearArgs, angle, FIELD_ANGLE, .least = 0, .most = 80,
          .doc = "the most that a picture is sheared, to either side"),
    FIELDS_END,
};
const Schema shear_schema = {
    .word = "shear",
    .doc =
        "Shears the picture by an angle that is uniform between minus and plus the given one: its rows are "
        "moved against each other.",
    .source = "Keras, ImageDataGenerator, shear_range",
    .places = IN_AUGMENT,
    .fields = shear_fields,
    .args_bytes = sizeof(ShearArgs),
    .example = "shear 20deg",
};

static void shear_map(const void *args, Draw *draw, AugmentMap *map)
{
    double angle =
        draw_between(draw, -1, 1) * ((const ShearArgs *)args)->angle * (3.14159265358979323846 / 180);
    map_compose(map, (const double[2][3]){{cos(angle), 0, 0}, {-sin(angle), 1, 0}});
}

const AugmentKind augment_shear = {.schema = &shear_schema, .map = shear_map};
