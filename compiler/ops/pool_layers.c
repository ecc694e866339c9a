/* Layers that take the maximum or average of windows, or of the whole picture. */
#include "compiler/ops/layer_parts.h"

/* A window position is kept in a byte, and each class of pixels (position modulo stride) is a store of its
 * own in one kernel. */
enum { POOL_WINDOW_MOST = 16, POOL_STRIDE_MOST = 8 };

typedef struct {
    Dims window, stride;
    Padding pad;
} PoolArgs;

static NodeId pool(Build *build, const char *word, OpId op, const PoolArgs *args, NodeId in)
{
    static const Dims one = {2, {1, 1}};
    WindowAttrs attrs;
    if (!layer_needs_picture(build, word, in) ||
        !layer_window(
            build, in,
            &(WindowArgs){args->window, args->stride.count ? args->stride : args->window, one, args->pad},
            &attrs))
        return POISON;
    if (attrs.stride_y > POOL_STRIDE_MOST || attrs.stride_x > POOL_STRIDE_MOST)
        return build_error(build, args->stride.count ? "stride" : "window", in, "pool-stride",
                           "'%s' moves its window by at most %d pixels; 'globalpool' takes the whole picture",
                           word, POOL_STRIDE_MOST);
    return make_op(layer_make(build), op, &attrs, &in, 1);
}

static NodeId maxpool_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    return pool(build, "maxpool", OP_maxpool, args, in);
}

static NodeId avgpool_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    return pool(build, "avgpool", OP_avgpool, args, in);
}

static const Field pool_fields[] = {
    FIELD(PoolArgs, window, FIELD_WINDOW, .preset = "2", .least = 1, .most = POOL_WINDOW_MOST,
          .doc = "height x width of the window"),
    FIELD(PoolArgs, stride, FIELD_WINDOW, .preset = "", .least = 1, .most = POOL_STRIDE_MOST,
          .doc = "pixels from one window to the next; the window's size unless given"),
    FIELD(PoolArgs, pad, FIELD_PADDING, .preset = "valid",
          .doc = "pixels around the input that do not count: valid (none), same (so that the output has "
                 "input / stride pixels), "
                 "N, or [top, bottom, left, right]"),
    FIELDS_END,
};
const Layer layer_maxpool = {
    .schema = {.word = "maxpool",
               .doc = "The largest value of each window, channel by channel. Of equal ones the first gets "
                      "the gradient.",
               .places = IN_MODEL,
               .fields = pool_fields,
               .args_bytes = sizeof(PoolArgs),
               .example = "maxpool 3x3, stride=2, pad=same"},
    .build = maxpool_build,
    .samples = (const char *const[]){"input 6x4x3 -> maxpool 2", "input 7x5x2 -> maxpool 2",
                                     "input 7x8x2 -> maxpool 3x3, stride=2, pad=same",
                                     "input 5x6x3 -> maxpool 2x3, stride=1",
                                     "input 9x9x1 -> maxpool 5x4, stride=3x2, pad=1",
                                     "input 7x7x2 -> maxpool 2, stride=3",
                                     "input 6x6x2 -> conv 3, 3x3 -> relu -> maxpool 2", NULL},
};
const Layer layer_avgpool = {
    .schema = {.word = "avgpool",
               .doc = "The average of each window, channel by channel. Over a padded window real pixels only "
                      "are counted.",
               .places = IN_MODEL,
               .fields = pool_fields,
               .args_bytes = sizeof(PoolArgs),
               .example = "avgpool 2"},
    .build = avgpool_build,
    .samples =
        (const char *const[]){"input 6x4x3 -> avgpool 2", "input 7x5x2 -> avgpool 3x3, stride=2, pad=same",
                              "input 8x6x2 -> avgpool 5x5, stride=2, pad=[2, 1, 0, 2]",
                              "input 7x7x1 -> avgpool 2, stride=3", NULL},
};

typedef enum { GLOBAL_AVG, GLOBAL_MAX } GlobalKind;

typedef struct {
    int kind;
} GlobalArgs;

static NodeId globalpool_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    if (!layer_needs_picture(build, "globalpool", in))
        return POISON;
    enum { ROWS_AND_COLUMNS = 1 << 1 | 1 << 2 };
    Make make = layer_make(build);
    Type type = layer_type(build, in);
    NodeId value = ((const GlobalArgs *)args)->kind == GLOBAL_MAX
                       ? make_maximum_over(make, in, ROWS_AND_COLUMNS)
                       : make_mean(make, in, ROWS_AND_COLUMNS);
    return make_reshape(make, value, 2, (const int64_t[]){type.dim[0], type.dim[3]});
}

static OnnxValue globalpool_onnx(Onnx *onnx, const LayerUse *use)
{
    bool largest = ((const GlobalArgs *)use->args)->kind == GLOBAL_MAX;
    OnnxValue in = onnx_picture(onnx, use->in), pixel = in;
    pixel.dim[2] = pixel.dim[3] = 1;
    pixel = onnx_add(onnx, largest ? "GlobalMaxPool" : "GlobalAveragePool", pixel, &in, 1);
    return onnx_reshape(onnx, pixel, 2, pixel.dim);
}

static const Field globalpool_fields[] = {FIELD(GlobalArgs, kind, FIELD_WORD, .preset = "avg",
                                                .words = "avg max", .doc = "average or largest value"),
                                          FIELDS_END};
const Layer layer_globalpool = {
    .schema = {.word = "globalpool",
               .doc = "The average or the largest value of each channel: a vector with one number for each. "
                      "Equal largest values "
                      "share the gradient.",
               .source = "Lin et al., Network in network, ICLR 2014",
               .places = IN_MODEL,
               .fields = globalpool_fields,
               .args_bytes = sizeof(GlobalArgs),
               .example = "globalpool avg"},
    .build = globalpool_build,
    .onnx = globalpool_onnx,
    .samples = (const char *const[]){"input 4x5x3 -> globalpool", "input 5x4x3 -> globalpool max", NULL},
};
