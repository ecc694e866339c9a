/* Pools over [n, height, width, channels]. Windows of few elements are written out, so that a pool can be
 * taken in the registers of what makes its input; larger ones are accumulators. Padding is nothing: neither a
 * maximum nor an average sees it. */
#include "compiler/ops/pool.h"

#include "compiler/ops/make.h"
#include "compiler/ops/window.h"
#include "compiler/ir/op.h"

/* Elements of a window that is written out. */
enum { WRITTEN_OUT_MOST = 16 };

static const WindowAttrs *window_of(const Node *node)
{
    return node->attrs;
}

static const Field window_fields[] = {WINDOW_FIELDS};

static bool is_padded(const WindowAttrs *attrs)
{
    return attrs->pad_top || attrs->pad_bottom || attrs->pad_left || attrs->pad_right;
}

static bool is_small(const WindowAttrs *attrs)
{
    return attrs->window_height * attrs->window_width <= WRITTEN_OUT_MOST;
}

static bool pool_infer(const Graph *graph, Node *node)
{
    const WindowAttrs *attrs = window_of(node);
    Type type = *graph_type(graph, node->in[0]);
    if (type.rank != 4 || type.dim[1] != attrs->height || type.dim[2] != attrs->width)
        return false;
    Side y = side_y(attrs), x = side_x(attrs);
    type.dtype = DTYPE_F32;
    type.dim[1] = side_outputs(&y);
    type.dim[2] = side_outputs(&x);
    node->type = type;
    return type.dim[1] > 0 && type.dim[2] > 0;
}

/* Of the input's shape, from operands of the output's. */
static bool pool_dx_infer(const Graph *graph, Node *node)
{
    const WindowAttrs *attrs = window_of(node);
    Type type = *graph_type(graph, node->in[0]);
    Side y = side_y(attrs), x = side_x(attrs);
    if (type.rank != 4 || type.dim[1] != side_outputs(&y) || type.dim[2] != side_outputs(&x))
        return false;
    type.dtype = DTYPE_F32;
    type.dim[1] = attrs->height;
    type.dim[2] = attrs->width;
    node->type = type;
    return true;
}

/* The input's index under tap (ky, kx) of the window at `at`, and the guards that it lies inside. */
static Index pixel_index(const WindowAttrs *attrs, const Index *at, const Affine *ky, const Affine *kx,
                         Guard guards[2], int *count)
{
    Side side[2] = {side_y(attrs), side_x(attrs)};
    Index index = *at;
    index.dim[1] = side_input(&side[0], &at->dim[1], ky);
    index.dim[2] = side_input(&side[1], &at->dim[2], kx);
    *count = side_guard(&side[0], &index.dim[1], guards, 0);
    *count = side_guard(&side[1], &index.dim[2], guards, *count);
    return index;
}

/* The element under a tap that is a number: zero outside. */
static ExprId read_tap(Lowering *lowering, const Node *node, const Index *at, int64_t ky, int64_t kx)
{
    Affine y = affine_const(ky), x = affine_const(kx);
    Guard guards[2] = {0};
    int count;
    Index index = pixel_index(window_of(node), at, &y, &x, guards, &count);
    return count ? lower_read_guarded(lowering, node->in[0], &index, guards, count)
                 : lower_read(lowering, node->in[0], &index);
}

/* ---- maxpool and its choice ---- */

/* The largest of the window by accumulators; *where (where may be NULL): its position in the window,
 * row by row. */
static ExprId accumulate_max(Lowering *lowering, const Node *node, const Index *at, ExprId *where)
{
    const WindowAttrs *attrs = window_of(node);
    Affine ky = lower_reduce_axis(lowering, "ky", EXTENT_FIXED, attrs->window_height);
    Affine kx = lower_reduce_axis(lowering, "kx", EXTENT_FIXED, attrs->window_width);
    Guard guards[2] = {0};
    int count;
    Index index = pixel_index(attrs, at, &ky, &kx, guards, &count);
    Affine position = affine_add(affine_scale(ky, attrs->window_width), kx);
    return lower_max(lowering, lower_read(lowering, node->in[0], &index), guards, count, &position, where);
}

/* The largest of the window, which is the first of equal ones, and where it is (where may be NULL). */
static ExprId choose_max(Lowering *lowering, const Node *node, const Index *at, ExprId *where)
{
    const WindowAttrs *attrs = window_of(node);
    if (!is_small(attrs) || is_padded(attrs))
        return accumulate_max(lowering, node, at, where);
    ExprId best = read_tap(lowering, node, at, 0, 0);
    if (where)
        *where = lower_const(lowering, 0);
    for (int64_t i = 1; i < attrs->window_height * attrs->window_width; i++) {
        ExprId value = read_tap(lowering, node, at, i / attrs->window_width, i % attrs->window_width);
        if (where) {
            ExprId larger = lower_scalar(lowering, SCALAR_greater, value, best, 0);
            *where = lower_scalar(lowering, SCALAR_select, larger, lower_const(lowering, (double)i), *where);
        }
        best = lower_scalar(lowering, SCALAR_max, value, best, 0);
    }
    return best;
}

static ExprId maxpool_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return choose_max(lowering, node, at, NULL);
}

static ExprId maxpool_choice_lower(Lowering *lowering, const Node *node, const Index *at)
{
    ExprId where;
    choose_max(lowering, node, at, &where);
    return where;
}

static void maxpool_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    const Node node = *graph_node(graph, y);
    Make make = make_at(graph, y);
    NodeId choice = make_op(make, OP_maxpool_choice, node.attrs, node.in, 1);
    din[0] = make_op(make, OP_maxpool_dx, node.attrs, (const NodeId[]){dy, choice}, 2);
}

static bool maxpool_choice_infer(const Graph *graph, Node *node)
{
    const WindowAttrs *attrs = window_of(node);
    bool fits = pool_infer(graph, node);
    node->type.dtype = DTYPE_U8;
    return fits && attrs->window_height * attrs->window_width <= 256;
}

/* ---- Gradients: the sum over the windows that hold a pixel ---- */

static int64_t stride_of(const Node *node, int dim)
{
    return dim == 1 ? window_of(node)->stride_y : dim == 2 ? window_of(node)->stride_x : 1;
}

/* What the window at `output` gives to the pixel under its tap (ky, kx). */
typedef ExprId WindowShare(Lowering *lowering, const Node *node, const Index *output, int64_t ky, int64_t kx,
                           const Guard *guards, int count);

static ExprId sum_windows(Lowering *lowering, const Node *node, const Index *at, WindowShare *share)
{
    const Side side[2] = {side_y(window_of(node)), side_x(window_of(node))};
    const Taps taps[2] = {side_taps(&side[0], &at->dim[1]), side_taps(&side[1], &at->dim[2])};
    ExprId sum = lower_const(lowering, 0);
    bool first = true;
    for (int64_t i = 0; i < taps[0].count; i++) {
        for (int64_t j = 0; j < taps[1].count; j++) {
            const int64_t tap[2] = {taps[0].first.base + i * taps[0].step,
                                    taps[1].first.base + j * taps[1].step};
            Index output = *at;
            Guard guards[2] = {0};
            int count = 0;
            for (int d = 0; d < 2; d++) {
                Affine number = affine_const(tap[d]);
                output.dim[d + 1] = side_output(&side[d], &at->dim[d + 1], &number);
                if (!taps[d].inside)
                    guards[count++] = (Guard){output.dim[d + 1], taps[d].outputs};
            }
            ExprId term = share(lowering, node, &output, tap[0], tap[1], guards, count);
            sum = first ? term : lower_scalar(lowering, SCALAR_add, sum, term, 0);
            first = false;
        }
    }
    return sum;
}

static ExprId read_guarded(Lowering *lowering, NodeId id, const Index *at, const Guard *guards, int count)
{
    return count ? lower_read_guarded(lowering, id, at, guards, count) : lower_read(lowering, id, at);
}

static ExprId max_share(Lowering *lowering, const Node *node, const Index *output, int64_t ky, int64_t kx,
                        const Guard *guards, int count)
{
    ExprId slope = read_guarded(lowering, node->in[0], output, guards, count);
    ExprId choice = read_guarded(lowering, node->in[1], output, guards, count);
    ExprId tap = lower_const(lowering, (double)(ky * window_of(node)->window_width + kx));
    ExprId chosen = lower_scalar(lowering, SCALAR_equal, choice, tap, 0);
    return lower_scalar(lowering, SCALAR_select, chosen, slope, lower_const(lowering, 0));
}

ExprId maxpool_dx_tap(Lowering *lowering, const Node *node, const Index *output, const Affine *tap)
{
    ExprId choice = lower_read(lowering, node->in[1], output);
    ExprId chosen = lower_scalar(lowering, SCALAR_equal, choice, lower_axis(lowering, tap), 0);
    return lower_scalar(lowering, SCALAR_select, chosen, lower_read(lowering, node->in[0], output),
                        lower_const(lowering, 0));
}

static ExprId maxpool_dx_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return sum_windows(lowering, node, at, max_share);
}

/* ---- avgpool ---- */

/* The real pixels of the window at output position `at` along one direction, at least 1. */
static ExprId count_pixels(Lowering *lowering, const Side *side, const Affine *at)
{
    if (!side->before && !side->after)
        return lower_const(lowering, (double)side->window);
    Affine begin = affine_add(affine_scale(*at, side->stride), affine_const(-side->before));
    Affine end = affine_add(begin, affine_const(side->window));
    ExprId low =
        lower_scalar(lowering, SCALAR_max, lower_axis(lowering, &begin), lower_const(lowering, 0), 0);
    ExprId high = lower_scalar(lowering, SCALAR_min, lower_axis(lowering, &end),
                               lower_const(lowering, (double)side->extent), 0);
    return lower_scalar(lowering, SCALAR_max, lower_scalar(lowering, SCALAR_sub, high, low, 0),
                        lower_const(lowering, 1), 0);
}

/* value / number of real pixels of the window at `at`. */
static ExprId divide_by_pixels(Lowering *lowering, const WindowAttrs *attrs, ExprId value, const Index *at)
{
    Side side[2] = {side_y(attrs), side_x(attrs)};
    ExprId pixels = lower_scalar(lowering, SCALAR_mul, count_pixels(lowering, &side[0], &at->dim[1]),
                                 count_pixels(lowering, &side[1], &at->dim[2]), 0);
    ExprId share = lower_scalar(lowering, SCALAR_div, lower_const(lowering, 1), pixels, 0);
    return lower_scalar(lowering, SCALAR_mul, value, share, 0);
}

static ExprId avgpool_lower(Lowering *lowering, const Node *node, const Index *at)
{
    const WindowAttrs *attrs = window_of(node);
    ExprId sum;
    if (is_small(attrs)) {
        sum = read_tap(lowering, node, at, 0, 0);
        for (int64_t i = 1; i < attrs->window_height * attrs->window_width; i++) {
            ExprId value = read_tap(lowering, node, at, i / attrs->window_width, i % attrs->window_width);
            sum = lower_scalar(lowering, SCALAR_add, sum, value, 0);
        }
    } else {
        Affine ky = lower_reduce_axis(lowering, "ky", EXTENT_FIXED, attrs->window_height);
        Affine kx = lower_reduce_axis(lowering, "kx", EXTENT_FIXED, attrs->window_width);
        Guard guards[2] = {0};
        int count;
        Index index = pixel_index(attrs, at, &ky, &kx, guards, &count);
        sum = lower_sum(lowering, lower_read(lowering, node->in[0], &index), guards, count, false);
    }
    return divide_by_pixels(lowering, attrs, sum, at);
}

static void avgpool_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    din[0] = make_op(make_at(graph, y), OP_avgpool_dx, graph_node(graph, y)->attrs, &dy, 1);
}

static ExprId average_share(Lowering *lowering, const Node *node, const Index *output, int64_t ky, int64_t kx,
                            const Guard *guards, int count)
{
    (void)ky, (void)kx;
    ExprId slope = read_guarded(lowering, node->in[0], output, guards, count);
    return divide_by_pixels(lowering, window_of(node), slope, output);
}

static ExprId avgpool_dx_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return sum_windows(lowering, node, at, average_share);
}

static OnnxValue pool_onnx(Onnx *onnx, const char *op, NodeId id)
{
    static const int channels_first[] = {0, 3, 1, 2};
    const Node *node = graph_node(onnx_source(onnx), id);
    OnnxValue in = onnx_in_order(onnx, onnx_value(onnx, node->in[0]), channels_first);
    OnnxValue out = onnx_add(onnx, op, onnx_like(onnx, id, channels_first), &in, 1);
    window_set_onnx(onnx, window_of(node));
    return out;
}

static OnnxValue maxpool_onnx(Onnx *onnx, NodeId id)
{
    return pool_onnx(onnx, "MaxPool", id);
}

/* Without saying so, pixels around the picture do not count. */
static OnnxValue avgpool_onnx(Onnx *onnx, NodeId id)
{
    return pool_onnx(onnx, "AveragePool", id);
}

/* ---- The ops ---- */

#define POOL_OP(op, inputs, infer_type, gradient, classes, translation, formula)                             \
    const Op op_##op = {.name = #op,                                                                         \
                        .doc = formula,                                                                      \
                        .class = OP_WINDOW,                                                                  \
                        .arity = inputs,                                                                     \
                        .attrs = window_fields,                                                              \
                        .attrs_bytes = sizeof(WindowAttrs),                                                  \
                        .infer = infer_type,                                                                 \
                        .grad = gradient,                                                                    \
                        .lower = op##_lower,                                                                 \
                        .period = classes,                                                                   \
                        .onnx = translation};

POOL_OP(maxpool, 1, pool_infer, maxpool_grad, NULL, maxpool_onnx, "y = largest real pixel of the window")
POOL_OP(maxpool_choice, 1, maxpool_choice_infer, NULL, NULL, NULL,
        "y = where in the window, row by row, the largest real pixel is: the first of equal ones")
POOL_OP(maxpool_dx, 2, pool_dx_infer, NULL, stride_of, NULL,
        "x = sum of dy over the windows whose choice the pixel is, from dy and the choice")
POOL_OP(avgpool, 1, pool_infer, avgpool_grad, NULL, avgpool_onnx,
        "y = average of the real pixels of the window")
POOL_OP(avgpool_dx, 1, pool_dx_infer, NULL, stride_of, NULL,
        "x = sum over the windows that hold the pixel of dy / real pixels of the window")
