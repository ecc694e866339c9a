/* The table of stages that change pixels. */
#include "runtime/transform/transform.h"

#define PLANNED(word, doc, message)

#define TRANSFORM(name) extern const TransformKind transform_##name;
#include "runtime/transform/transforms.def"
#undef TRANSFORM

#define TRANSFORM(name) &transform_##name,
const TransformKind *const transform_kinds[] = {
#include "runtime/transform/transforms.def"
    NULL,
};
