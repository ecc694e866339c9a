/* `rotate 20deg`. */
#include "runtime/augment/augment.h"

#include <math.h>

typedef struct {
    double angle;
} RotateArgs;

static const Field rotate_fields[] = {
    FIELD(RotateArgs, angle, FIELD_ANGLE, .least = 0, .most = 180,
          .doc = "the most that a picture is turned, to either side"),
    FIELDS_END,
};
const Schema rotate_schema = {
    .word = "rotate",
    .doc = "Turns the picture by an angle that is uniform between minus and plus the given one, around its "
           "middle.",
    .source = "Keras, ImageDataGenerator, rotation_range",
    .places = IN_AUGMENT,
    .fields = rotate_fields,
    .args_bytes = sizeof(RotateArgs),
    .example = "rotate 20deg",
};

static void rotate_map(const void *args, Draw *draw, AugmentMap *map)
{
    double angle =
        draw_between(draw, -1, 1) * ((const RotateArgs *)args)->angle * (3.14159265358979323846 / 180);
    map_compose(map, (const double[2][3]){{cos(angle), -sin(angle), 0}, {sin(angle), cos(angle), 0}});
}

const AugmentKind augment_rotate = {.schema = &rotate_schema, .map = rotate_map};
