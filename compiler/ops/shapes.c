/* Layers that move values without changing them: flatten, reshape, pad, crop, shuffle, and upsample (which
 * repeats or blends them). */
#include <inttypes.h>

#include "compiler/ops/layer_parts.h"

static const Field no_fields[] = {FIELDS_END};

/* ---- flatten, reshape ---- */

static int64_t sample_elements(const Type *type)
{
    return type_elements(type) / type->dim[0];
}

static NodeId flatten_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)args, (void)body;
    if (in == POISON)
        return POISON;
    Type type = layer_type(build, in);
    return make_reshape(layer_make(build), in, 2, (const int64_t[]){type.dim[0], sample_elements(&type)});
}

const Layer layer_flatten = {
    .schema = {.word = "flatten",
               .doc = "Makes a vector of a picture: row after row, in each row pixel after pixel, in each "
                      "pixel channel after "
                      "channel.",
               .places = IN_MODEL,
               .fields = no_fields,
               .example = "flatten"},
    .build = flatten_build,
    .samples = (const char *const[]){"input 3x2x2 -> flatten", NULL},
};

typedef struct {
    Dims shape;
} ReshapeArgs;

static NodeId reshape_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    if (in == POISON)
        return POISON;
    const Dims *shape = &((const ReshapeArgs *)arguments)->shape;
    Type type = layer_type(build, in);
    if (shape->count != 1 && shape->count != 3)
        return build_error(build, "shape", NODE_NONE, "reshape-rank",
                           "a shape is height x width x channels, or one number for a vector");
    int64_t dim[RANK_MAX] = {type.dim[0]};
    for (int i = 0; i < shape->count; i++)
        dim[i + 1] = shape->value[i];
    if (!layer_fits(build, "shape", NODE_NONE, shape->count + 1, dim))
        return POISON;
    Type result = type_make(DTYPE_F32, LEAD_BATCH, shape->count + 1, dim);
    if (sample_elements(&result) != sample_elements(&type))
        return build_error(build, "shape", in, "reshape-elements",
                           "%s has %" PRId64 " numbers, the new shape %" PRId64, layer_shape(build, in),
                           sample_elements(&type), sample_elements(&result));
    return make_reshape(layer_make(build), in, shape->count + 1, dim);
}

static const Field reshape_fields[] = {FIELD(ReshapeArgs, shape, FIELD_DIMS, .least = 1, .most = 16777216,
                                             .doc = "height x width x channels, or one number"),
                                       FIELDS_END};
const Layer layer_reshape = {
    .schema = {.word = "reshape",
               .doc = "The same numbers in the same order with another shape.",
               .places = IN_MODEL,
               .fields = reshape_fields,
               .args_bytes = sizeof(ReshapeArgs),
               .example = "reshape 7x7x64"},
    .build = reshape_build,
    .samples = (const char *const[]){"input 2x6x2 -> reshape 4x3x2",
                                     "input 1x1x12 -> flatten -> reshape 2x3x2 -> conv 2, 2x2", NULL},
};

/* ---- pad, crop ---- */

typedef struct {
    Padding margin;
} MarginArgs;

/* The margins of a picture; false after an error. */
static bool resolve_margin(Build *build, const char *word, NodeId in, const Padding *margin,
                           int64_t before[4], int64_t after[4])
{
    if (!layer_needs_picture(build, word, in))
        return false;
    if (margin->mode != PADDING_EXPLICIT || margin->top < 0 || margin->bottom < 0 || margin->left < 0 ||
        margin->right < 0) {
        build_error(build, "margin", NODE_NONE, "margin",
                    "'%s' takes a number of pixels, or [top, bottom, left, right]", word);
        return false;
    }
    before[1] = margin->top;
    before[2] = margin->left;
    after[1] = margin->bottom;
    after[2] = margin->right;
    return true;
}

static NodeId pad_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    int64_t before[4] = {0}, after[4] = {0}, dim[4];
    if (!resolve_margin(build, "pad", in, &((const MarginArgs *)args)->margin, before, after))
        return POISON;
    for (int i = 0; i < 4; i++)
        if (__builtin_add_overflow(layer_type(build, in).dim[i], before[i], &dim[i]) ||
            __builtin_add_overflow(dim[i], after[i], &dim[i]))
            dim[i] = INT64_MAX;
    return layer_fits(build, "margin", in, 4, dim) ? make_pad(layer_make(build), in, before, after) : POISON;
}

static NodeId crop_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    int64_t before[4] = {0}, after[4] = {0};
    if (!resolve_margin(build, "crop", in, &((const MarginArgs *)args)->margin, before, after))
        return POISON;
    Type type = layer_type(build, in);
    for (int i = 1; i < 3; i++)
        if (before[i] >= type.dim[i] || after[i] >= type.dim[i] - before[i])
            return build_error(build, "margin", in, "crop-too-large", "nothing is left of %s",
                               layer_shape(build, in));
    return make_crop(layer_make(build), in, before, after);
}

static const Field margin_fields[] = {
    FIELD(MarginArgs, margin, FIELD_PADDING, .doc = "pixels at each edge: N, or [top, bottom, left, right]"),
    FIELDS_END};
const Layer layer_pad = {
    .schema = {.word = "pad",
               .doc = "Adds rows and columns of zeros at the edges.",
               .places = IN_MODEL,
               .fields = margin_fields,
               .args_bytes = sizeof(MarginArgs),
               .example = "pad [0, 1, 0, 1]"},
    .build = pad_build,
    .samples = (const char *const[]){"input 3x2x2 -> pad 1",
                                     "input 3x4x2 -> relu -> pad [0, 1, 2, 0] -> conv 2, 2x2", NULL},
};
const Layer layer_crop = {
    .schema = {.word = "crop",
               .doc = "Takes rows and columns off at the edges.",
               .places = IN_MODEL,
               .fields = margin_fields,
               .args_bytes = sizeof(MarginArgs),
               .example = "crop [0, 1, 0, 1]"},
    .build = crop_build,
    .samples = (const char *const[]){"input 4x5x2 -> crop 1",
                                     "input 4x5x2 -> tanh -> crop [0, 1, 2, 0] -> conv 2, 2x2", NULL},
};

/* ---- shuffle ---- */

typedef struct {
    int64_t groups;
} ShuffleArgs;

static NodeId shuffle_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    if (!layer_needs_picture(build, "shuffle", in))
        return POISON;
    int64_t groups = ((const ShuffleArgs *)args)->groups;
    Type type = layer_type(build, in);
    if (type.dim[3] % groups)
        return build_error(build, "groups", in, "groups-divide",
                           "%" PRId64 " channels are not divisible by %" PRId64 " groups", type.dim[3],
                           groups);
    Make make = layer_make(build);
    const int64_t split[] = {type.dim[0], type.dim[1], type.dim[2], groups, type.dim[3] / groups};
    const int order[] = {0, 1, 2, 4, 3};
    return make_reshape(make, make_permute(make, make_reshape(make, in, 5, split), order), 4, type.dim);
}

static const Field shuffle_fields[] = {FIELD(ShuffleArgs, groups, FIELD_INTEGER, .least = 1, .most = 1048576,
                                             .doc = "groups that are interleaved"),
                                       FIELDS_END};
const Layer layer_shuffle = {
    .schema = {.word = "shuffle",
               .doc = "Interleaves the channels of `groups` groups: the first of each group, then the second "
                      "of each, and so on.",
               .source = "Zhang et al., ShuffleNet, CVPR 2018",
               .places = IN_MODEL,
               .fields = shuffle_fields,
               .args_bytes = sizeof(ShuffleArgs),
               .example = "shuffle 4"},
    .build = shuffle_build,
    .samples = (const char *const[]){"input 2x3x6 -> shuffle 2",
                                     "input 2x2x6 -> relu -> shuffle 3 -> conv 2, 1x1", NULL},
};

/* ---- upsample ---- */

typedef enum { UPSAMPLE_NEAREST, UPSAMPLE_BILINEAR } UpsampleMethod;

typedef struct {
    Dims factor;
    int method;
} UpsampleArgs;

static NodeId repeat(Make make, NodeId x, const Type *type, int64_t high, int64_t wide)
{
    const int64_t apart[] = {type->dim[0], type->dim[1], 1, type->dim[2], 1, type->dim[3]};
    const int64_t shape[] = {type->dim[0], type->dim[1], high, type->dim[2], wide, type->dim[3]};
    const Type repeated = type_make(DTYPE_F32, LEAD_BATCH, 6, shape);
    const int64_t joined[] = {type->dim[0], type->dim[1] * high, type->dim[2] * wide, type->dim[3]};
    return make_reshape(make, make_broadcast(make, make_reshape(make, x, 6, apart), &repeated), 4, joined);
}

/* The neighbours before (or after) along `dim`; the edge is its own neighbour. */
static NodeId neighbour(Make make, NodeId x, const Type *type, int dim, bool before)
{
    int64_t last = type->dim[dim] - 1, none[RANK_MAX] = {0}, one[RANK_MAX] = {0}, rest[RANK_MAX] = {0};
    if (last == 0)
        return x;
    one[dim] = 1;
    rest[dim] = last;
    NodeId inner = before ? make_pad(make, make_crop(make, x, none, one), one, none)
                          : make_pad(make, make_crop(make, x, one, none), none, one);
    NodeId edge = before ? make_pad(make, make_crop(make, x, none, rest), none, rest)
                         : make_pad(make, make_crop(make, x, rest, none), rest, none);
    return make_add(make, inner, edge);
}

/* Along dim 1 or 2, each pixel becomes `factor` ones. Number p of them lies (p + 1/2) / factor - 1/2 pixels
 * behind the pixel and is blended of it and the neighbour on that side. */
static NodeId blend(Make make, NodeId x, int dim, int64_t factor)
{
    const Type type = *graph_type(make.graph, x);
    int64_t apart[5], joined[4];
    for (int i = 0; i < 4; i++) {
        apart[i + (i > dim)] = type.dim[i];
        joined[i] = type.dim[i] * (i == dim ? factor : 1);
    }
    apart[dim + 1] = 1;
    NodeId here = make_reshape(make, x, 5, apart);
    NodeId before = make_reshape(make, neighbour(make, x, &type, dim, true), 5, apart);
    NodeId after = make_reshape(make, neighbour(make, x, &type, dim, false), 5, apart);
    NodeId offset = make_index(make, 5, dim + 1, factor);
    offset = make_offset(make, make_scale(make, offset, 1.0 / (double)factor), 0.5 / (double)factor - 0.5);
    NodeId zero = make_constant(make, 0);
    NodeId back = make_max(make, make_unary(make, OP_neg, offset), zero),
           forth = make_max(make, offset, zero);
    NodeId own = make_sub(make, make_constant(make, 1), make_add(make, back, forth));
    NodeId sum = make_add(make, make_mul(make, before, back), make_mul(make, here, own));
    return make_reshape(make, make_add(make, sum, make_mul(make, after, forth)), 4, joined);
}

static NodeId upsample_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const UpsampleArgs *args = arguments;
    if (!layer_needs_picture(build, "upsample", in))
        return POISON;
    Type type = layer_type(build, in);
    int64_t high = args->factor.value[0], wide = args->factor.value[1];
    if (!layer_fits(build, "factor", in, 6,
                    (const int64_t[]){type.dim[0], type.dim[1], high, type.dim[2], wide, type.dim[3]}))
        return POISON;
    Make make = layer_make(build);
    if (args->method == UPSAMPLE_NEAREST)
        return repeat(make, in, &type, high, wide);
    NodeId value = high > 1 ? blend(make, in, 1, high) : in;
    return wide > 1 ? blend(make, value, 2, wide) : value;
}

static OnnxValue upsample_onnx(Onnx *onnx, const LayerUse *use)
{
    static const int channels_first[] = {0, 3, 1, 2};
    const UpsampleArgs *args = use->args;
    bool nearest = args->method == UPSAMPLE_NEAREST;
    const double scale[] = {1, 1, (double)args->factor.value[0], (double)args->factor.value[1]};
    const OnnxValue in[] = {onnx_picture(onnx, use->in), {0}, onnx_vector(onnx, scale, 4)};
    OnnxValue out = onnx_add(onnx, "Resize", onnx_like(onnx, use->out, channels_first), in, 3);
    onnx_set_text(onnx, "mode", nearest ? "nearest" : "linear");
    onnx_set_text(onnx, "coordinate_transformation_mode", nearest ? "asymmetric" : "half_pixel");
    if (nearest)
        onnx_set_text(onnx, "nearest_mode", "floor");
    return out;
}

static const Field upsample_fields[] = {
    FIELD(UpsampleArgs, factor, FIELD_WINDOW, .preset = "2", .least = 1, .most = 64,
          .doc = "pixels that each pixel becomes, height x width"),
    FIELD(UpsampleArgs, method, FIELD_WORD, .preset = "nearest", .words = "nearest bilinear",
          .doc =
              "nearest repeats pixels; bilinear blends neighbours (pixel centres at half, edges repeated)"),
    FIELDS_END};
const Layer layer_upsample = {
    .schema = {.word = "upsample",
               .doc = "Makes a picture larger by a whole factor.",
               .places = IN_MODEL,
               .fields = upsample_fields,
               .args_bytes = sizeof(UpsampleArgs),
               .example = "upsample 2, bilinear"},
    .build = upsample_build,
    .onnx = upsample_onnx,
    .samples = (const char *const[]){"input 2x3x2 -> upsample 2", "input 3x2x2 -> upsample 3x1",
                                     "input 3x4x2 -> upsample 2, bilinear",
                                     "input 1x3x2 -> upsample 4x3, bilinear", NULL},
};
