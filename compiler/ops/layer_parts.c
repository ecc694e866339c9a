/* Checks, parameters and windows of layers. */
#include "compiler/ops/layer_parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Elements of one tensor: far more than any machine has, and few enough that products with a batch do not
 * overflow. */
#define ELEMENTS_MOST ((int64_t)1 << 42)

Make layer_make(Build *build)
{
    return (Make){build_graph(build), build_span(build), build_layer_name(build)};
}

Type layer_type(Build *build, NodeId id)
{
    return *graph_type(build_graph(build), id);
}

const char *layer_shape(Build *build, NodeId id)
{
    Graph *graph = build_graph(build);
    return type_shape(graph->arena, graph_type(graph, id));
}

bool layer_needs_picture(Build *build, const char *word, NodeId in)
{
    if (in == POISON)
        return false;
    if (layer_type(build, in).rank == 4)
        return true;
    build_error(build, NULL, in, "needs-picture",
                "'%s' needs a picture (height x width x channels), this is a vector of %s", word,
                layer_shape(build, in));
    return false;
}

bool layer_needs_vector(Build *build, const char *word, NodeId in)
{
    if (in == POISON)
        return false;
    if (layer_type(build, in).rank == 2)
        return true;
    build_error(build, NULL, in, "needs-vector",
                "'%s' needs a vector, this is %s: use 'flatten' or 'globalpool' first", word,
                layer_shape(build, in));
    return false;
}

bool layer_fits(Build *build, const char *argument, NodeId in, int rank, const int64_t *dim)
{
    int64_t elements = 1;
    for (int i = 0; i < rank; i++) {
        if (__builtin_mul_overflow(elements, dim[i], &elements) || elements > ELEMENTS_MOST) {
            build_error(build, argument, in, "too-large",
                        "this makes a tensor of more than %" PRId64 " numbers", ELEMENTS_MOST);
            return false;
        }
    }
    return true;
}

/* ---- Parameters ---- */

/* Half width of the uniform range, or deviation of the normal distribution before it is cut at two
 * deviations, so that the variance is 1 / (mean of fans), 2 / fan in, or 1 / fan in: Glorot and Bengio,
 * AISTATS 2010; He et al., ICCV 2015; LeCun et al., 1998. */
static double init_size(int init, double fan_in, double fan_out)
{
    static const double gains[3] = {2, 2, 1};
    double fan = init % 3 == 0 ? fan_in + fan_out : fan_in;
    double variance = gains[init % 3] / fan;
    /* The deviation of a normal distribution cut at two deviations, as Keras corrects for it. */
    return init < 3 ? sqrt(3 * variance) : sqrt(variance) / 0.87962566103423978;
}

NodeId layer_kernel(Build *build, const char *part, int rank, const int64_t *dim, int init)
{
    if (!layer_fits(build, NULL, NODE_NONE, rank, dim))
        return NODE_NONE;
    double window = 1;
    for (int i = 0; i < rank - 2; i++)
        window *= (double)dim[i];
    double size = init_size(init, window * (double)dim[rank - 2], window * (double)dim[rank - 1]);
    Type type = type_make(DTYPE_F32, LEAD_NONE, rank, dim);
    return build_parameter(build, part, type, init < 3 ? INIT_UNIFORM : INIT_TRUNCATED_NORMAL, size, true);
}

NodeId layer_vector(Build *build, const char *part, int64_t channels, double value)
{
    Type type = type_make(DTYPE_F32, LEAD_NONE, 1, &channels);
    return build_parameter(build, part, type, value == 0 ? INIT_ZEROS : INIT_CONSTANT, value, false);
}

Bias layer_bias_choice(const Build *build, int bias)
{
    if (bias == BIAS_AUTO)
        return build_next_is(build, "batchnorm") ? BIAS_FALSE : BIAS_TRUE;
    return (Bias)bias;
}

NodeId layer_add_bias(Build *build, NodeId value, int bias)
{
    if (value == POISON || layer_bias_choice(build, bias) == BIAS_FALSE)
        return value;
    Type type = layer_type(build, value);
    return make_add(layer_make(build), value, layer_vector(build, "bias", type.dim[type.rank - 1], 0));
}

/* ---- Windows ---- */

/* Pads of one direction; false after an error. */
static bool resolve_side(Build *build, NodeId in, const Padding *pad, bool vertical, Side *side)
{
    const char *direction = vertical ? "high" : "wide";
    int64_t span = (side->window - 1) * side->dilation + 1;
    if (pad->mode == PADDING_EXPLICIT) {
        side->before = vertical ? pad->top : pad->left;
        side->after = vertical ? pad->bottom : pad->right;
    }
    if (pad->mode == PADDING_SAME)
        side_pad_same(side);
    if (pad->mode == PADDING_EXPLICIT &&
        (side->before < 0 || side->after < 0 || side->before >= span || side->after >= span)) {
        build_error(build, "pad", in, "pad-range",
                    "the padding must be at least 0 and less than the window, which is %" PRId64 " pixels %s",
                    span, direction);
        return false;
    }
    if (side_outputs(side) >= 1)
        return true;
    build_error(build, "window", in, "window-too-large",
                "the window is %" PRId64 " pixels %s, its input has only %" PRId64 "%s", span, direction,
                side->extent + side->before + side->after,
                side->before + side->after ? " with the padding" : "");
    return false;
}

bool layer_window(Build *build, NodeId in, const WindowArgs *args, WindowAttrs *attrs)
{
    Type type = layer_type(build, in);
    Side side[2];
    memset(attrs, 0, sizeof *attrs);
    for (int d = 0; d < 2; d++) {
        side[d] = (Side){.window = args->window.value[d],
                         .stride = args->stride.value[d],
                         .dilation = args->dilation.value[d],
                         .extent = type.dim[d + 1]};
        if (!resolve_side(build, in, &args->pad, d == 0, &side[d]))
            return false;
    }
    *attrs = (WindowAttrs){
        .window_height = side[0].window,
        .window_width = side[1].window,
        .stride_y = side[0].stride,
        .stride_x = side[1].stride,
        .dilation_y = side[0].dilation,
        .dilation_x = side[1].dilation,
        .pad_top = side[0].before,
        .pad_bottom = side[0].after,
        .pad_left = side[1].before,
        .pad_right = side[1].after,
        .groups = 1,
        .height = type.dim[1],
        .width = type.dim[2],
    };
    return true;
}
