/* Layers of convolutions: conv, depthwise, separable, transposed. The kernels that users see have four dims;
 * with groups they are reshaped to the five of conv.c, which moves nothing. */
#include <inttypes.h>
#include <string.h>

#include "compiler/ops/layer_args.h"
#include "compiler/ops/layer_parts.h"

#define FILTERS_MOST 1048576

/* ---- conv ---- */

/* x convolved with a kernel [kh, kw, channels of a group, filters], whose filters of one group stand
 * together. */
static NodeId convolve(Build *build, WindowAttrs *attrs, int64_t groups, NodeId x, NodeId kernel)
{
    Make make = layer_make(build);
    attrs->groups = groups;
    if (groups == 1)
        return make_op(make, OP_conv2d, attrs, (const NodeId[]){x, kernel}, 2);
    const Type in = layer_type(build, x), weights = layer_type(build, kernel);
    int64_t filters =
        type_elements(&weights) / (attrs->window_height * attrs->window_width * (in.dim[3] / groups));
    x = make_reshape(make, x, 5,
                     (const int64_t[]){in.dim[0], in.dim[1], in.dim[2], groups, in.dim[3] / groups});
    kernel = make_reshape(make, kernel, 5,
                          (const int64_t[]){attrs->window_height, attrs->window_width, in.dim[3] / groups,
                                            groups, filters / groups});
    NodeId y = make_op(make, OP_conv2d, attrs, (const NodeId[]){x, kernel}, 2);
    const Type out = layer_type(build, y);
    return make_reshape(make, y, 4, (const int64_t[]){out.dim[0], out.dim[1], out.dim[2], filters});
}

/* The result's size, before it is made. */
static bool result_fits(Build *build, const char *argument, NodeId in, const WindowAttrs *attrs,
                        int64_t channels)
{
    Side y = side_y(attrs), x = side_x(attrs);
    const int64_t dim[] = {layer_type(build, in).dim[0], side_outputs(&y), side_outputs(&x), channels};
    return layer_fits(build, argument, in, 4, dim);
}

static NodeId conv_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const ConvArgs *args = arguments;
    WindowAttrs attrs;
    if (!layer_needs_picture(build, "conv", in))
        return POISON;
    int64_t channels = layer_type(build, in).dim[3];
    if (channels % args->groups)
        return build_error(build, "groups", in, "groups-divide",
                           "%" PRId64 " input channels are not divisible by %" PRId64 " groups", channels,
                           args->groups);
    if (args->filters % args->groups)
        return build_error(build, "groups", NODE_NONE, "groups-divide",
                           "%" PRId64 " filters are not divisible by %" PRId64 " groups", args->filters,
                           args->groups);
    if (!layer_window(build, in, &(WindowArgs){args->window, args->stride, args->dilation, args->pad},
                      &attrs) ||
        !result_fits(build, "filters", in, &attrs, args->filters))
        return POISON;
    const int64_t dim[] = {attrs.window_height, attrs.window_width, channels / args->groups, args->filters};
    NodeId kernel = layer_kernel(build, "kernel", 4, dim, args->init);
    if (kernel == NODE_NONE)
        return POISON;
    return layer_add_bias(build, convolve(build, &attrs, args->groups, in, kernel), args->bias);
}

static const Field conv_fields[] = {
    FIELD(ConvArgs, filters, FIELD_INTEGER, .least = 1, .most = FILTERS_MOST,
          .doc = "channels of the output"),
    WINDOW_FIELD(ConvArgs),
    STRIDE_FIELD(ConvArgs),
    PAD_FIELD(ConvArgs),
    DILATION_FIELD(ConvArgs),
    FIELD(
        ConvArgs, groups, FIELD_INTEGER, .preset = "1", .least = 1, .most = FILTERS_MOST, .named_only = true,
        .doc =
            "the channels fall into this many groups, each convolved with its own filters / groups filters"),
    BIAS_FIELD(ConvArgs),
    INIT_FIELD(ConvArgs),
    FIELDS_END,
};
const Layer layer_conv = {
    .schema = {.word = "conv",
               .doc = "Convolution (cross-correlation) with learnt filters. Kernel: [height, width, channels "
                      "/ groups, "
                      "filters]; bias: [filters], zeros at first.",
               .source =
                   "LeCun et al., Gradient-based learning applied to document recognition, Proc. IEEE 1998",
               .places = IN_MODEL,
               .fields = conv_fields,
               .args_bytes = sizeof(ConvArgs),
               .example = "conv 32, 3x3, stride=2, pad=same"},
    .build = conv_build,
    .samples =
        (const char *const[]){"input 6x5x1 -> conv 3, 3x3", "input 7x6x3 -> conv 5, 3x3, stride=2, pad=same",
                              "input 8x9x2 -> conv 17, 3x2, stride=2x3, pad=[1, 0, 1, 1]",
                              "input 9x8x2 -> conv 3, 3x3, dilation=2, pad=same, bias=false",
                              "input 9x9x3 -> conv 2, 3x3, dilation=2, stride=2, pad=2",
                              "input 9x9x2 -> conv 2, 2x3, dilation=3x2, stride=2x3",
                              "input 5x5x6 -> conv 4, 3x3, groups=2, pad=1",
                              "input 5x4x4 -> conv 4, 3x3, groups=4, stride=2, pad=same",
                              "input 3x3x33 -> conv 7, 1x1", "input 4x4x3 -> conv 33, 1x1, stride=2",
                              "input 2x2x3 -> conv 2, 3x3, pad=same, init=he_normal", NULL},
};

/* ---- depthwise ---- */

static NodeId depthwise_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const DepthwiseArgs *args = arguments;
    WindowAttrs attrs;
    if (!layer_needs_picture(build, "depthwise", in) ||
        !layer_window(build, in, &(WindowArgs){args->window, args->stride, args->dilation, args->pad},
                      &attrs))
        return POISON;
    int64_t channels = layer_type(build, in).dim[3];
    if (!result_fits(build, "multiplier", in, &attrs, channels * args->multiplier))
        return POISON;
    const int64_t dim[] = {attrs.window_height, attrs.window_width, channels, args->multiplier};
    NodeId kernel = layer_kernel(build, "kernel", 4, dim, args->init);
    if (kernel == NODE_NONE)
        return POISON;
    return layer_add_bias(build, convolve(build, &attrs, channels, in, kernel), args->bias);
}

static const Field depthwise_fields[] = {
    WINDOW_FIELD(DepthwiseArgs),
    FIELD(DepthwiseArgs, multiplier, FIELD_INTEGER, .preset = "1", .least = 1, .most = 1024,
          .doc = "filters of each channel"),
    STRIDE_FIELD(DepthwiseArgs),
    PAD_FIELD(DepthwiseArgs),
    DILATION_FIELD(DepthwiseArgs),
    BIAS_FIELD(DepthwiseArgs),
    INIT_FIELD(DepthwiseArgs),
    FIELDS_END,
};
const Layer layer_depthwise = {
    .schema = {.word = "depthwise",
               .doc =
                   "Convolution of each channel with filters of its own. Output channel c * multiplier + m "
                   "is filter m of "
                   "channel c. Kernel: [height, width, channels, multiplier]; bias: [channels * multiplier].",
               .source = "Howard et al., MobileNets, 2017",
               .places = IN_MODEL,
               .fields = depthwise_fields,
               .args_bytes = sizeof(DepthwiseArgs),
               .example = "depthwise 3x3, stride=2, pad=same"},
    .build = depthwise_build,
    .samples = (const char *const[]){"input 6x5x3 -> depthwise 3x3",
                                     "input 7x6x5 -> depthwise 3x3, stride=2, pad=same",
                                     "input 8x6x9 -> depthwise 3x3, stride=2, pad=same",
                                     "input 6x8x9 -> depthwise 3x3, stride=2, pad=1",
                                     "input 6x6x3 -> depthwise 5x3, stride=2x3, pad=[2, 0, 1, 1]",
                                     "input 5x5x3 -> depthwise 3x3, multiplier=2, pad=1",
                                     "input 6x6x1 -> depthwise 2x2, multiplier=3, dilation=2",
                                     "input 3x3x17 -> depthwise 3x3, pad=same, bias=false", NULL},
};

/* ---- separable ---- */

typedef struct {
    int64_t filters;
    Dims window, stride;
    Padding pad;
    Dims dilation;
    int64_t multiplier;
    int bias, init;
} SeparableArgs;

static NodeId separable_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const SeparableArgs *args = arguments;
    if (!layer_needs_picture(build, "separable", in))
        return POISON;
    const DepthwiseArgs depthwise = {.window = args->window,
                                     .multiplier = args->multiplier,
                                     .stride = args->stride,
                                     .pad = args->pad,
                                     .dilation = args->dilation,
                                     .bias = BIAS_FALSE,
                                     .init = args->init};
    const ConvArgs pointwise = {.filters = args->filters,
                                .window = {2, {1, 1}},
                                .stride = {2, {1, 1}},
                                .dilation = {2, {1, 1}},
                                .groups = 1,
                                .bias = layer_bias_choice(build, args->bias),
                                .init = args->init};
    NodeId value = build_layer(build, &layer_depthwise, "depthwise", &depthwise, in);
    return value == POISON ? POISON : build_layer(build, &layer_conv, "pointwise", &pointwise, value);
}

static const Field separable_fields[] = {
    FIELD(SeparableArgs, filters, FIELD_INTEGER, .least = 1, .most = FILTERS_MOST,
          .doc = "channels of the output"),
    WINDOW_FIELD(SeparableArgs),
    STRIDE_FIELD(SeparableArgs),
    PAD_FIELD(SeparableArgs),
    DILATION_FIELD(SeparableArgs),
    FIELD(SeparableArgs, multiplier, FIELD_INTEGER, .preset = "1", .least = 1, .most = 1024,
          .named_only = true, .doc = "depthwise filters of each channel"),
    BIAS_FIELD(SeparableArgs),
    INIT_FIELD(SeparableArgs),
    FIELDS_END,
};
const Layer layer_separable = {
    .schema =
        {.word = "separable",
         .doc =
             "A depthwise convolution and a 1x1 convolution: NAME.depthwise.kernel, NAME.pointwise.kernel, "
             "NAME.pointwise.bias.",
         .source = "Chollet, Xception, CVPR 2017",
         .places = IN_MODEL,
         .fields = separable_fields,
         .args_bytes = sizeof(SeparableArgs),
         .example = "separable 64, 3x3, pad=same"},
    .build = separable_build,
    .samples =
        (const char *const[]){"input 6x5x3 -> separable 4, 3x3",
                              "input 7x7x2 -> separable 3, 3x3, stride=2, pad=same, multiplier=2", NULL},
};

/* ---- transposed ---- */

typedef struct {
    int64_t filters;
    Dims window, stride;
    Padding pad;
    int bias, init;
} TransposedArgs;

/* The output's extent: the largest whose convolution has `extent` outputs with pad=same, else just what the
 * windows cover. */
static int64_t transposed_extent(int64_t extent, int64_t window, int64_t stride, PaddingMode mode,
                                 int64_t pads)
{
    if (mode == PADDING_SAME)
        return extent * stride;
    int64_t gap = mode == PADDING_VALID && stride > window ? stride - window : 0;
    return (extent - 1) * stride + window + gap - pads;
}

static bool transposed_window(Build *build, NodeId in, const TransposedArgs *args, WindowAttrs *attrs)
{
    Type type = layer_type(build, in);
    const int64_t *window = args->window.value, *stride = args->stride.value;
    const Padding *pad = &args->pad;
    bool given = pad->mode == PADDING_EXPLICIT;
    int64_t height =
        transposed_extent(type.dim[1], window[0], stride[0], pad->mode, given ? pad->top + pad->bottom : 0);
    int64_t width =
        transposed_extent(type.dim[2], window[1], stride[1], pad->mode, given ? pad->left + pad->right : 0);
    if (height < 1 || width < 1) {
        build_error(build, "pad", in, "pad-range",
                    "nothing is left of the output when this padding is taken off");
        return false;
    }
    Side side[2] = {{window[0], stride[0], 1, given ? pad->top : 0, given ? pad->bottom : 0, height},
                    {window[1], stride[1], 1, given ? pad->left : 0, given ? pad->right : 0, width}};
    for (int d = 0; d < 2; d++) {
        if (pad->mode == PADDING_SAME)
            side_pad_same(&side[d]);
        if (side[d].before < 0 || side[d].after < 0 || side[d].before >= window[d] ||
            side[d].after >= window[d]) {
            build_error(build, "pad", in, "pad-range",
                        "the padding must be at least 0 and less than the window");
            return false;
        }
    }
    memset(attrs, 0, sizeof *attrs);
    *attrs =
        (WindowAttrs){window[0],     window[1],      stride[0],     stride[1], 1,      1,    side[0].before,
                      side[0].after, side[1].before, side[1].after, 1,         height, width};
    return true;
}

static NodeId transposed_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const TransposedArgs *args = arguments;
    WindowAttrs attrs;
    if (!layer_needs_picture(build, "transposed", in) || !transposed_window(build, in, args, &attrs))
        return POISON;
    const int64_t result[] = {layer_type(build, in).dim[0], attrs.height, attrs.width, args->filters};
    const int64_t dim[] = {attrs.window_height, attrs.window_width, layer_type(build, in).dim[3],
                           args->filters};
    if (!layer_fits(build, "filters", in, 4, result))
        return POISON;
    NodeId kernel = layer_kernel(build, "kernel", 4, dim, args->init);
    if (kernel == NODE_NONE)
        return POISON;
    NodeId value = make_op(layer_make(build), OP_conv2d_dx, &attrs, (const NodeId[]){in, kernel}, 2);
    return layer_add_bias(build, value, args->bias);
}

static const Field transposed_fields[] = {
    FIELD(TransposedArgs, filters, FIELD_INTEGER, .least = 1, .most = FILTERS_MOST,
          .doc = "channels of the output"),
    WINDOW_FIELD(TransposedArgs),
    STRIDE_FIELD(TransposedArgs),
    FIELD(TransposedArgs, pad, FIELD_PADDING, .preset = "valid",
          .doc = "what is taken off the output: valid (nothing), same (so that the output has input * stride "
                 "pixels), N, or "
                 "[top, bottom, left, right]"),
    BIAS_FIELD(TransposedArgs),
    INIT_FIELD(TransposedArgs),
    FIELDS_END,
};
const Layer layer_transposed = {
    .schema = {.word = "transposed",
               .doc = "Transposed convolution (deconvolution): each input pixel adds its filters, scaled, to "
                      "a window of the "
                      "output. Kernel: [height, width, channels, filters]; bias: [filters].",
               .source =
                   "Dumoulin, Visin, A guide to convolution arithmetic for deep learning, 2016, section 4",
               .places = IN_MODEL,
               .fields = transposed_fields,
               .args_bytes = sizeof(TransposedArgs),
               .example = "transposed 32, 2x2, stride=2"},
    .build = transposed_build,
    .samples = (const char *const[]){"input 3x4x3 -> transposed 2, 3x3",
                                     "input 3x4x2 -> transposed 3, 3x3, stride=2, pad=same",
                                     "input 3x3x2 -> transposed 2, 2x2, stride=3x2",
                                     "input 4x4x3 -> transposed 2, 4x4, stride=2, pad=1", NULL},
};
