/* The list of all statements of `data { }` and `augment { }`, those that are only planned too. */
#include "runtime/data/balance.h"
#include "runtime/data/cache.h"
#include "runtime/data/split.h"

static const Field no_fields[] = {FIELDS_END};

/* One line of a .def file is enough for a statement that is known and refused. */
#define PLANNED_AT(word_, doc_, message_, places_, body_)                                                    \
    static const Schema planned_##word_ = {.word = #word_,                                                   \
                                           .doc = doc_,                                                      \
                                           .places = places_,                                                \
                                           .body = body_,                                                    \
                                           .fields = no_fields,                                              \
                                           .example = #word_,                                                \
                                           .planned = message_};

#define SOURCE(name)                extern const Schema name##_schema;
#define TRANSFORM(name)             extern const Schema name##_schema;
#define AUGMENT(name)               extern const Schema name##_schema;
#define PLANNED(word, doc, message) PLANNED_AT(word, doc, message, IN_DATA | IN_SOURCE, IN_SOURCE)
#include "runtime/data/formats.def"
#undef PLANNED
#define PLANNED(word, doc, message) PLANNED_AT(word, doc, message, IN_DATA, IN_NOWHERE)
#include "runtime/transform/transforms.def"
#undef PLANNED
#define PLANNED(word, doc, message) PLANNED_AT(word, doc, message, IN_AUGMENT, IN_NOWHERE)
#include "runtime/augment/augments.def"
#undef PLANNED
#undef SOURCE
#undef TRANSFORM
#undef AUGMENT
PLANNED_AT(
    validation, "A source of its own for the validation part.",
    "a source of its own for validation is not built yet: use 'split', or folders train and validation",
    IN_DATA, IN_SOURCE)

#define SOURCE(name)                &name##_schema,
#define TRANSFORM(name)             &name##_schema,
#define AUGMENT(name)               &name##_schema,
#define PLANNED(word, doc, message) &planned_##word,
const Schema *const data_schemas[] = {
#include "runtime/data/formats.def"
    &split_schema, &balance_schema, &shuffle_schema, &bad_schema, &cache_schema, &planned_validation,
#include "runtime/transform/transforms.def"
#include "runtime/augment/augments.def"
    NULL,
};
