/* Layers of one pointwise formula without a bend: identity, rescale and layer_scale. */
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

typedef struct {
    double initial;
} LayerScaleArgs;

static NodeId layer_scale_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    if (in == POISON)
        return POISON;
    Type type = layer_type(build, in);
    NodeId factors =
        layer_vector(build, "gamma", type.dim[type.rank - 1], ((const LayerScaleArgs *)args)->initial);
    return make_mul(layer_make(build), in, factors);
}

static const Field layer_scale_fields[] = {
    FIELD(LayerScaleArgs, initial, FIELD_REAL, .preset = "1e-6", .doc = "every factor, before it is learnt"),
    FIELDS_END};
const Layer layer_layer_scale = {
    .schema =
        {.word = "layer_scale",
         .doc = "Multiplies each channel by a learnt factor; small ones at the end of a residual's body let "
                "deep networks start as shallow ones. gamma: [channels].",
         .source = "Touvron et al., Going deeper with image transformers, ICCV 2021, section 2",
         .places = IN_MODEL,
         .fields = layer_scale_fields,
         .args_bytes = sizeof(LayerScaleArgs),
         .example = "residual { conv 16, 3x3, pad=same -> layer_scale 1e-6 }"},
    .build = layer_scale_build,
    .samples = (const char *const[]){"input 2x3x3 -> layer_scale 0.5",
                                     "input 3x3x2 -> residual { conv 2, 3x3, pad=same -> layer_scale }",
                                     "input 1x2x3 -> flatten -> layer_scale 1", NULL},
};
