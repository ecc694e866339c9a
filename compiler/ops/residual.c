/* Composite layers: residual and squeeze_excite. */
#include <inttypes.h>

#include "compiler/ops/layer_args.h"
#include "compiler/ops/layer_parts.h"

/* ---- residual ---- */

typedef enum { PROJECT_NONE, PROJECT_CONV } Project;

typedef struct {
    int project;
    double momentum, eps; /* of the shortcut's batchnorm */
} ResidualArgs;

/* The stride with which a 1x1 window makes `to` of `from` pixels, or 0 when there is none. */
static int64_t stride_between(int64_t from, int64_t to)
{
    int64_t stride = (from + to - 1) / to;
    return (from + stride - 1) / stride == to ? stride : 0;
}

/* The shortcut where the shapes differ: 1x1 convolution and batchnorm. */
static NodeId project(Build *build, const ResidualArgs *args, NodeId in, NodeId value)
{
    Type from = layer_type(build, in), to = layer_type(build, value);
    int64_t high = 0, wide = 0;
    if (from.rank == 4 && to.rank == 4) {
        high = stride_between(from.dim[1], to.dim[1]);
        wide = stride_between(from.dim[2], to.dim[2]);
    }
    if (!high || !wide)
        return build_error(build, NULL, value, "shapes-differ", "no 1x1 convolution makes %s of %s",
                           layer_shape(build, value), layer_shape(build, in));
    const ConvArgs conv = {.filters = to.dim[3],
                           .window = {2, {1, 1}},
                           .stride = {2, {high, wide}},
                           .dilation = {2, {1, 1}},
                           .groups = 1,
                           .bias = BIAS_FALSE};
    const BatchnormArgs norm = {args->momentum, args->eps};
    NodeId shortcut = build_layer(build, &layer_conv, "project", &conv, in);
    return shortcut == POISON ? POISON
                              : build_layer(build, &layer_batchnorm, "project_norm", &norm, shortcut);
}

static bool same_shape(const Type *a, const Type *b)
{
    for (int i = 0; i < a->rank; i++)
        if (a->rank != b->rank || a->dim[i] != b->dim[i])
            return false;
    return true;
}

static NodeId residual_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    const ResidualArgs *args = arguments;
    if (!body)
        return build_error(build, NULL, NODE_NONE, "missing-body", "'residual' needs statements in { }");
    NodeId value = build_body(build, body, in);
    if (in == POISON || value == POISON)
        return POISON;
    Type from = layer_type(build, in), to = layer_type(build, value);
    if (!same_shape(&from, &to)) {
        if (args->project == PROJECT_NONE)
            return build_error(build, NULL, value, "shapes-differ",
                               "the body makes %s of %s, so they cannot be added: 'residual project=conv' "
                               "adapts the shortcut",
                               layer_shape(build, value), layer_shape(build, in));
        in = project(build, args, in, value);
    }
    return in == POISON ? POISON : make_add(layer_make(build), value, in);
}

static const Field residual_fields[] = {
    FIELD(ResidualArgs, project, FIELD_WORD, .preset = "none", .words = "none conv", .named_only = true,
          .doc = "what the shortcut is where the body changes the shape: none (an error), or a 1x1 "
                 "convolution with the stride and "
                 "channels that the body asks for, and a batchnorm"),
    FIELD(ResidualArgs, momentum, FIELD_REAL, .preset = BATCHNORM_MOMENTUM, .least = 0, .most = 1,
          .named_only = true, .doc = "that of the shortcut's batchnorm"),
    FIELD(ResidualArgs, eps, FIELD_REAL, .preset = NORM_EPS, .least = NORM_EPS_LEAST, .most = 1,
          .named_only = true, .doc = "that of the shortcut's batchnorm"),
    FIELDS_END};
const Layer layer_residual = {
    .schema = {.word = "residual",
               .doc = "The value that enters plus what the body makes of it. A shortcut with project=conv "
                      "has NAME.project.kernel and "
                      "NAME.project_norm.gamma, .beta, .mean, .variance.",
               .source = "He et al., Deep residual learning for image recognition, CVPR 2016",
               .places = IN_MODEL,
               .body = IN_MODEL,
               .fields = residual_fields,
               .args_bytes = sizeof(ResidualArgs),
               .example = "residual project=conv { conv 64, 3x3, stride=2, pad=same -> batchnorm -> relu }"},
    .build = residual_build,
    .samples =
        (const char *const[]){
            "input 3x4x2 -> residual { conv 2, 3x3, pad=same -> relu }",
            "input 5x4x2 -> residual project=conv { conv 3, 3x3, stride=2, pad=same -> batchnorm } -> relu",
            "input 5x4x2 -> residual project=conv, momentum=0.9, eps=1e-5 { conv 3, 3x3, pad=1 -> batchnorm "
            "}",
            NULL},
};

/* ---- squeeze_excite ---- */

typedef enum { INNER_RELU, INNER_SILU } Inner;
typedef enum { GATE_SIGMOID, GATE_HSIGMOID } Gate;

typedef struct {
    int64_t ratio, units; /* units: 0: as the ratio says */
    int activation, gate; /* Inner, Gate */
} SqueezeArgs;

/* A layer without parameters of its own, as a part of this one. */
static NodeId activate(Build *build, const Layer *layer, NodeId in)
{
    return in == POISON ? POISON : build_layer(build, layer, layer->schema.word, NULL, in);
}

static NodeId squeeze_excite_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const SqueezeArgs *args = arguments;
    if (!layer_needs_picture(build, "squeeze_excite", in))
        return POISON;
    enum { ROWS_AND_COLUMNS = 1 << 1 | 1 << 2 };
    Make make = layer_make(build);
    Type type = layer_type(build, in);
    int64_t channels = type.dim[3], share = channels > args->ratio ? channels / args->ratio : 1;
    const DenseArgs reduce = {.units = args->units ? args->units : share, .bias = BIAS_TRUE};
    const DenseArgs expand = {.units = channels, .bias = BIAS_TRUE};
    NodeId gate = make_reshape(make, make_mean(make, in, ROWS_AND_COLUMNS), 2,
                               (const int64_t[]){type.dim[0], channels});
    gate = build_layer(build, &layer_dense, "reduce", &reduce, gate);
    gate = activate(build, args->activation == INNER_SILU ? &layer_silu : &layer_relu, gate);
    if (gate == POISON)
        return POISON;
    gate = build_layer(build, &layer_dense, "expand", &expand, gate);
    gate = activate(build, args->gate == GATE_HSIGMOID ? &layer_hsigmoid : &layer_sigmoid, gate);
    if (gate == POISON)
        return POISON;
    gate = make_reshape(make, gate, 4, (const int64_t[]){type.dim[0], 1, 1, channels});
    return make_mul(make, in, gate);
}

static const Field squeeze_fields[] = {
    FIELD(SqueezeArgs, ratio, FIELD_INTEGER, .preset = "16", .least = 1, .most = 1048576,
          .doc = "channels / numbers of the inner vector, which has at least one"),
    FIELD(SqueezeArgs, units, FIELD_INTEGER, .preset = "", .least = 1, .most = 1048576, .named_only = true,
          .doc = "numbers of the inner vector, in place of a ratio"),
    FIELD(SqueezeArgs, activation, FIELD_WORD, .preset = "relu", .words = "relu silu", .named_only = true,
          .doc = "of the inner vector"),
    FIELD(SqueezeArgs, gate, FIELD_WORD, .preset = "sigmoid", .words = "sigmoid hsigmoid", .named_only = true,
          .doc = "what makes a number between 0 and 1 of each output"),
    FIELDS_END};
const Layer layer_squeeze_excite = {
    .schema = {.word = "squeeze_excite",
               .doc =
                   "Weighs each channel by a number between 0 and 1 that a small network (dense, activation, "
                   "dense, gate) makes of the "
                   "channels' averages. NAME.reduce.kernel, .bias; NAME.expand.kernel, .bias.",
               .source = "Hu et al., Squeeze-and-excitation networks, CVPR 2018",
               .places = IN_MODEL,
               .fields = squeeze_fields,
               .args_bytes = sizeof(SqueezeArgs),
               .example = "squeeze_excite 4"},
    .build = squeeze_excite_build,
    .samples =
        (const char *const[]){"input 3x2x4 -> squeeze_excite 2", "input 3x2x3 -> squeeze_excite",
                              "input 3x2x4 -> squeeze_excite units=3, activation=silu, gate=hsigmoid", NULL},
};
