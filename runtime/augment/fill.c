/* `fill reflect`. */
#include "runtime/augment/augment.h"

static const Field fill_fields[] = {
    FIELD(FillArgs, mode, FIELD_WORD, .preset = "nearest", .words = "nearest reflect wrap constant",
          .doc =
              "what lies outside: the nearest pixel, the picture mirrored, the picture again, or a constant"),
    FIELD(FillArgs, value, FIELD_REAL, .preset = "0", .named_only = true,
          .doc = "the constant, in the values that samples have at this stage"),
    FIELDS_END,
};
const Schema fill_schema = {
    .word = "fill",
    .doc = "What the changes of place find outside the picture.",
    .source = "Keras, ImageDataGenerator, fill_mode",
    .places = IN_AUGMENT,
    .fields = fill_fields,
    .args_bytes = sizeof(FillArgs),
    .example = "fill reflect",
};

const AugmentKind augment_fill = {.schema = &fill_schema};
