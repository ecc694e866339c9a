/* Normalizing layers: (x - mean) / sqrt(variance + eps) * gamma + beta. They differ in what mean and variance
 * are taken of. Within a sample, the variance is taken of the differences from the mean, in a second pass:
 * E[x^2]
 * - mean^2 would lose all digits where the mean is large. Over a batch a second pass would read everything
 * from memory again, so there both are taken at once, of the differences from the running mean, which is
 * near. */
#include <inttypes.h>

#include "compiler/ops/layer_args.h"
#include "compiler/ops/layer_parts.h"

#define EPS_FIELD(T)                                                                                         \
    FIELD(T, eps, FIELD_REAL, .preset = NORM_EPS, .least = NORM_EPS_LEAST, .most = 1, .named_only = true,    \
          .doc = "added to the variance before its root is taken")

typedef struct {
    NodeId mean, variance; /* with extent 1 in the dims they were taken over */
} Moments;

static Moments take_moments(Make make, NodeId x, unsigned dims)
{
    NodeId mean = make_mean(make, x, dims), difference = make_sub(make, x, mean);
    return (Moments){mean, make_mean(make, make_mul(make, difference, difference), dims)};
}

/* Mean and variance in one pass, of the differences from `near`: the shifted data algorithm of Chan, Golub
 * and LeVeque, "Algorithms for computing the sample variance", 1983, section 3. The variance loses as many
 * digits as the square of (mean - near) / deviation has: a training's first steps, where near is 0, lose one
 * or two. */
static Moments take_moments_near(Make make, NodeId x, NodeId near, unsigned dims)
{
    NodeId difference = make_sub(make, x, near), shift = make_mean(make, difference, dims);
    NodeId square = make_mean(make, make_mul(make, difference, difference), dims);
    NodeId variance = make_sub(make, square, make_mul(make, shift, shift));
    return (Moments){make_add(make, shift, near), make_max(make, variance, make_constant(make, 0))};
}

static NodeId reciprocal_deviation(Make make, NodeId variance, double eps)
{
    return make_unary(make, OP_rsqrt, make_offset(make, variance, eps));
}

static NodeId normalize(Make make, NodeId x, Moments moments, unsigned dims, double eps)
{
    const NodeId in[] = {x, moments.mean, reciprocal_deviation(make, moments.variance, eps)};
    return make_op(make, OP_normalized, &(NormalizedAttrs){dims}, in, 3);
}

/* Of a picture or vector, all dims but the last. */
static unsigned all_but_channels(const Type *type)
{
    return (1u << (type->rank - 1)) - 1;
}

static NodeId scale_and_shift(Build *build, NodeId x, int64_t channels)
{
    Make make = layer_make(build);
    NodeId scaled = make_mul(make, x, layer_vector(build, "gamma", channels, 1));
    return make_add(make, scaled, layer_vector(build, "beta", channels, 0));
}

/* ---- batchnorm ---- */

static void update_running(Build *build, NodeId state, NodeId value, double momentum)
{
    Make make = layer_make(build);
    Type type = layer_type(build, state);
    value = make_reshape(make, value, 1, type.dim);
    build_update(build, state,
                 make_add(make, make_scale(make, state, momentum), make_scale(make, value, 1 - momentum)));
}

static NodeId batchnorm_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const BatchnormArgs *args = arguments;
    if (in == POISON)
        return POISON;
    Make make = layer_make(build);
    Type type = layer_type(build, in);
    int64_t channels = type.dim[type.rank - 1];
    Type vector = type_make(DTYPE_F32, LEAD_NONE, 1, &channels);
    NodeId mean = build_state(build, "mean", vector, INIT_ZEROS, 0);
    NodeId variance = build_state(build, "variance", vector, INIT_ONES, 1);
    if (!build_training(build) || build_is_frozen(build)) {
        /* One multiplication and one addition for each element: the rest is done once for each channel. */
        NodeId factor = make_mul(make, layer_vector(build, "gamma", channels, 1),
                                 reciprocal_deviation(make, variance, args->eps));
        NodeId offset =
            make_sub(make, layer_vector(build, "beta", channels, 0), make_mul(make, mean, factor));
        return make_add(make, make_mul(make, in, factor), offset);
    }
    unsigned dims = all_but_channels(&type);
    Moments moments = take_moments_near(make, in, mean, dims);
    update_running(build, mean, moments.mean, args->momentum);
    update_running(build, variance, moments.variance, args->momentum);
    return scale_and_shift(build, normalize(make, in, moments, dims, args->eps), channels);
}

static OnnxValue batchnorm_onnx(Onnx *onnx, const LayerUse *use)
{
    OnnxValue folded;
    if (onnx_folded(onnx, use, &folded))
        return folded;
    const OnnxValue in[] = {onnx_picture(onnx, use->in), onnx_part(onnx, use->name, "gamma"),
                            onnx_part(onnx, use->name, "beta"), onnx_part(onnx, use->name, "mean"),
                            onnx_part(onnx, use->name, "variance")};
    OnnxValue out = onnx_add(onnx, "BatchNormalization", in[0], in, 5);
    onnx_set_real(onnx, "epsilon", ((const BatchnormArgs *)use->args)->eps);
    return out;
}

static const Field batchnorm_fields[] = {
    FIELD(BatchnormArgs, momentum, FIELD_REAL, .preset = BATCHNORM_MOMENTUM, .least = 0, .most = 1,
          .named_only = true, .doc = "share of the old value that the running statistics keep in each step"),
    EPS_FIELD(BatchnormArgs),
    FIELDS_END,
};
const Layer layer_batchnorm = {
    .schema = {.word = "batchnorm",
               .doc = "Normalizes each channel over the batch, rows and columns in training, and by running "
                      "averages of mean and "
                      "(biased) variance in evaluation; then scales and shifts it. gamma (ones at first), "
                      "beta (zeros), and the "
                      "averages mean, variance: [channels].",
               .source = "Ioffe, Szegedy, Batch normalization, ICML 2015",
               .places = IN_MODEL,
               .fields = batchnorm_fields,
               .args_bytes = sizeof(BatchnormArgs),
               .example = "batchnorm momentum=0.9"},
    .build = batchnorm_build,
    .onnx = batchnorm_onnx,
    .samples =
        (const char *const[]){"input 3x4x5 -> batchnorm", "input 4x4x2 -> conv 3, 3x3 -> batchnorm -> relu",
                              "input 2x2x3 -> flatten -> batchnorm eps=1e-5", NULL},
};

/* ---- layernorm, groupnorm ---- */

typedef struct {
    double eps;
} LayernormArgs;

static NodeId layernorm_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    if (in == POISON)
        return POISON;
    Make make = layer_make(build);
    Type type = layer_type(build, in);
    unsigned dims = 1u << (type.rank - 1);
    NodeId value =
        normalize(make, in, take_moments(make, in, dims), dims, ((const LayernormArgs *)args)->eps);
    return scale_and_shift(build, value, type.dim[type.rank - 1]);
}

/* Of the last dims, and so with the channels there. */
static OnnxValue layernorm_onnx(Onnx *onnx, const LayerUse *use)
{
    static const int channels_last[RANK_MAX] = {0, 1, 2, 3, 4, 5};
    const OnnxValue in[] = {onnx_in_order(onnx, onnx_value(onnx, use->in), channels_last),
                            onnx_part(onnx, use->name, "gamma"), onnx_part(onnx, use->name, "beta")};
    OnnxValue out = onnx_add(onnx, "LayerNormalization", in[0], in, 3);
    onnx_set_integer(onnx, "axis", -1);
    onnx_set_real(onnx, "epsilon", ((const LayernormArgs *)use->args)->eps);
    return out;
}

static const Field layernorm_fields[] = {EPS_FIELD(LayernormArgs), FIELDS_END};
const Layer layer_layernorm = {
    .schema = {.word = "layernorm",
               .doc = "Normalizes the channels of each pixel (or a vector), then scales and shifts each "
                      "channel, as Keras does. "
                      "gamma (ones at first), beta (zeros): [channels].",
               .source = "Ba et al., Layer normalization, 2016",
               .places = IN_MODEL,
               .fields = layernorm_fields,
               .args_bytes = sizeof(LayernormArgs),
               .example = "layernorm"},
    .build = layernorm_build,
    .onnx = layernorm_onnx,
    .samples = (const char *const[]){"input 2x3x5 -> layernorm",
                                     "input 1x2x4 -> flatten -> layernorm eps=1e-5", NULL},
};

typedef struct {
    int64_t groups;
    double eps;
} GroupnormArgs;

static NodeId groupnorm_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const GroupnormArgs *args = arguments;
    if (!layer_needs_picture(build, "groupnorm", in))
        return POISON;
    Make make = layer_make(build);
    Type type = layer_type(build, in);
    if (type.dim[3] % args->groups)
        return build_error(build, "groups", in, "groups-divide",
                           "%" PRId64 " channels are not divisible by %" PRId64 " groups", type.dim[3],
                           args->groups);
    enum { ALL_OF_A_GROUP = 1 << 1 | 1 << 2 | 1 << 4 };
    const int64_t split[] = {type.dim[0], type.dim[1], type.dim[2], args->groups, type.dim[3] / args->groups};
    NodeId x = make_reshape(make, in, 5, split);
    NodeId value = normalize(make, x, take_moments(make, x, ALL_OF_A_GROUP), ALL_OF_A_GROUP, args->eps);
    return scale_and_shift(build, make_reshape(make, value, 4, type.dim), type.dim[3]);
}

static OnnxValue groupnorm_onnx(Onnx *onnx, const LayerUse *use)
{
    const GroupnormArgs *args = use->args;
    const OnnxValue in[] = {onnx_picture(onnx, use->in), onnx_part(onnx, use->name, "gamma"),
                            onnx_part(onnx, use->name, "beta")};
    OnnxValue out = onnx_add(onnx, "GroupNormalization", in[0], in, 3);
    onnx_set_integer(onnx, "num_groups", args->groups);
    onnx_set_real(onnx, "epsilon", args->eps);
    onnx_needs(onnx, 21); /* before, it had gamma and beta for each group */
    return out;
}

static const Field groupnorm_fields[] = {
    FIELD(GroupnormArgs, groups, FIELD_INTEGER, .preset = "32", .least = 1, .most = 1048576,
          .doc = "groups of channels; 1: all channels together"),
    EPS_FIELD(GroupnormArgs),
    FIELDS_END,
};
const Layer layer_groupnorm = {
    .schema = {.word = "groupnorm",
               .doc = "Normalizes each group of channels of each picture over rows and columns, then scales "
                      "and shifts each "
                      "channel. gamma (ones at first), beta (zeros): [channels].",
               .source = "Wu, He, Group normalization, ECCV 2018",
               .places = IN_MODEL,
               .fields = groupnorm_fields,
               .args_bytes = sizeof(GroupnormArgs),
               .example = "groupnorm 8"},
    .build = groupnorm_build,
    .onnx = groupnorm_onnx,
    .samples = (const char *const[]){"input 2x3x6 -> groupnorm 2", "input 3x2x4 -> groupnorm 1, eps=1e-5",
                                     "input 3x2x3 -> groupnorm 3", NULL},
};
