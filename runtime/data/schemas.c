/* The list of all statements of `data { }` and `augment { }`. */
#include "runtime/data/balance.h"
#include "runtime/data/cache.h"
#include "runtime/data/held_out.h"
#include "runtime/data/split.h"

#define SOURCE(name)    extern const Schema name##_schema;
#define TRANSFORM(name) extern const Schema name##_schema;
#define AUGMENT(name)   extern const Schema name##_schema;
#include "runtime/augment/augments.def"
#include "runtime/data/formats.def"
#include "runtime/transform/transforms.def"
#undef SOURCE
#undef TRANSFORM
#undef AUGMENT

#define SOURCE(name)    &name##_schema,
#define TRANSFORM(name) &name##_schema,
#define AUGMENT(name)   &name##_schema,
const Schema *const data_schemas[] = {
#include "runtime/data/formats.def"
    &split_schema, &validation_schema, &balance_schema, &shuffle_schema, &bad_schema, &cache_schema,
#include "runtime/transform/transforms.def"
#include "runtime/augment/augments.def"
    NULL,
};
