/* Layers of one pointwise formula without a bend: identity and rescale. */
#include "compiler/ops/layer_parts.h"

static NodeId identity_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)build, (void)args, (void)body;
    return in;
}

static const Field no_fields[] = {FIELDS_END};
const Layer layer_identity = {
    .schema = {.word = "identity",
               .doc = "The value itself: a branch that changes nothing.",
               .places = IN_MODEL,
               .fields = no_fields,
               .example = "identity"},
    .build = identity_build,
    .samples = (const char *const[]){"input 2x2x2 -> relu -> identity", NULL},
};

typedef struct {
    double scale, offset;
} RescaleArgs;

static NodeId rescale_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const RescaleArgs *args = arguments;
    if (in == POISON)
        return POISON;
    Make make = layer_make(build);
    return make_offset(make, make_scale(make, in, args->scale), args->offset);
}

static const Field rescale_fields[] = {
    FIELD(RescaleArgs, scale, FIELD_REAL, .doc = "factor"),
    FIELD(RescaleArgs, offset, FIELD_REAL, .preset = "0", .doc = "added after the multiplication"),
    FIELDS_END,
};
const Layer layer_rescale = {
    .schema = {.word = "rescale",
               .doc = "x * scale + offset.",
               .places = IN_MODEL,
               .fields = rescale_fields,
               .args_bytes = sizeof(RescaleArgs),
               .example = "rescale 0.00392156862745098"},
    .build = rescale_build,
    .samples = (const char *const[]){"input 2x3x2 -> rescale 0.5", "input 2x3x2 -> rescale -2, 0.25", NULL},
};
