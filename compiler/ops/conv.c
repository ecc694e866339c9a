/* Convolution and its two gradients. With one group, pictures are [n, height, width, channels] and kernels
 * [kh, kw, channels, filters]; with several, the group is a dim of its own before the channel, so that all
 * indices stay affine: [n, height, width, groups, channels] and [kh, kw, channels, groups, filters]: channels
 * and filters of one group. Both are reshapes of what the user sees. The innermost dim of every kernel is the
 * one that the result's vectors run along. */
#include "compiler/ops/make.h"
#include "compiler/ops/index.h"
#include "compiler/ops/pairs.h"
#include "compiler/ops/pool.h"
#include "compiler/ops/window.h"
#include "compiler/ir/op.h"

/* Where the dims of a picture or kernel are: the group's is missing with one group. */
static bool has_group(const WindowAttrs *attrs)
{
    return attrs->groups > 1;
}

static int picture_rank(const WindowAttrs *attrs)
{
    return has_group(attrs) ? 5 : 4;
}

static Index picture_index(const WindowAttrs *attrs, Affine n, Affine y, Affine x, Affine group,
                           Affine channel)
{
    if (has_group(attrs))
        return (Index){5, {n, y, x, group, channel}};
    return (Index){4, {n, y, x, channel}};
}

static Index kernel_index(const WindowAttrs *attrs, Affine ky, Affine kx, Affine in, Affine group, Affine out)
{
    if (has_group(attrs))
        return (Index){5, {ky, kx, in, group, out}};
    return (Index){4, {ky, kx, in, out}};
}

/* The group and the channel of a point of a picture, or the group and the last dim of a kernel. */
static Affine group_at(const WindowAttrs *attrs, const Index *at)
{
    return has_group(attrs) ? at->dim[3] : affine_const(0);
}

static Affine last_at(const Index *at)
{
    return at->dim[at->rank - 1];
}

static int64_t last_dim(const Type *type)
{
    return type->dim[type->rank - 1];
}

/* A picture of this rank, with the groups of the attrs. */
static bool is_picture(const WindowAttrs *attrs, const Type *type)
{
    return type->rank == picture_rank(attrs) && (!has_group(attrs) || type->dim[3] == attrs->groups);
}

static bool has_pairs(const WindowAttrs *attrs, const Type *kernel)
{
    return !has_group(attrs) && pairs_are(kernel, picture_rank(attrs));
}

/* A kernel with the window of the attrs for pictures of so many channels. */
static bool is_kernel(const WindowAttrs *attrs, const Type *kernel, int64_t channels)
{
    bool paired = has_pairs(attrs, kernel);
    return (paired || kernel->rank == picture_rank(attrs)) && kernel->dim[0] == attrs->window_height &&
           kernel->dim[1] == attrs->window_width && (!has_group(attrs) || kernel->dim[3] == attrs->groups) &&
           kernel->dim[2] == (paired ? pairs_of(channels) : channels);
}

/* The channels that it makes (of one group). */
static int64_t kernel_outputs(const WindowAttrs *attrs, const Type *kernel)
{
    return has_pairs(attrs, kernel) ? kernel->dim[3] : last_dim(kernel);
}

static Type picture_type(const WindowAttrs *attrs, const Type *like, int64_t height, int64_t width,
                         int64_t channels)
{
    Type type = {.dtype = DTYPE_F32, .lead = like->lead, .rank = like->rank};
    type.dim[0] = like->dim[0];
    type.dim[1] = height;
    type.dim[2] = width;
    type.dim[3] = attrs->groups;
    type.dim[type.rank - 1] = channels;
    return type;
}

static Type output_type(const WindowAttrs *attrs, const Type *like, int64_t filters)
{
    Side y = side_y(attrs), x = side_x(attrs);
    return picture_type(attrs, like, side_outputs(&y), side_outputs(&x), filters);
}

static const WindowAttrs *window_of(const Node *node)
{
    return node->attrs;
}

/* The kernel with its two channel dims exchanged. */
static NodeId swap_channels(Make make, NodeId kernel)
{
    static const int plain[] = {0, 1, 3, 2}, grouped[] = {0, 1, 4, 3, 2};
    return make_permute(make, kernel, graph_type(make.graph, kernel)->rank == 4 ? plain : grouped);
}

static NodeId make_window(Make make, OpId op, const WindowAttrs *attrs, NodeId a, NodeId b)
{
    return make_op(make, op, attrs, (const NodeId[]){a, b}, 2);
}

static const Field window_fields[] = {WINDOW_FIELDS};

/* Pictures of ONNX have one dim for the channels of all groups, and so have kernels. */
static OnnxValue joined_channels(Onnx *onnx, const WindowAttrs *attrs, OnnxValue value, int first)
{
    int64_t dim[RANK_MAX];
    for (int i = 0, k = 0; i < value.rank; i++) {
        if (i == first)
            dim[k++] = value.dim[i] * value.dim[i + 1];
        else if (i != first + 1)
            dim[k++] = value.dim[i];
    }
    return has_group(attrs) ? onnx_reshape(onnx, value, value.rank - 1, dim) : value;
}

/* `op` of the picture and the kernel, whose dims stand in these orders without groups, and with them. */
static OnnxValue convolve_onnx(Onnx *onnx, const char *op, NodeId id, const int kernel_plain[4],
                               const int kernel_grouped[5])
{
    static const int plain[] = {0, 3, 1, 2}, grouped[] = {0, 3, 4, 1, 2};
    const Node *node = graph_node(onnx_source(onnx), id);
    const WindowAttrs *attrs = window_of(node);
    const int *order = has_group(attrs) ? grouped : plain;
    OnnxValue x = onnx_in_order(onnx, onnx_value(onnx, node->in[0]), order);
    OnnxValue kernel =
        onnx_in_order(onnx, onnx_value(onnx, node->in[1]), has_group(attrs) ? kernel_grouped : kernel_plain);
    const OnnxValue in[] = {joined_channels(onnx, attrs, x, 1), joined_channels(onnx, attrs, kernel, 0)};
    OnnxValue like = onnx_like(onnx, id, order), all = like;
    if (has_group(attrs))
        all = (OnnxValue){.rank = 4,
                          .dim = {like.dim[0], like.dim[1] * like.dim[2], like.dim[3], like.dim[4]},
                          .order = {0, 1, 2, 3},
                          .batch = true};
    OnnxValue y = onnx_add(onnx, op, all, in, 2);
    window_set_onnx(onnx, attrs);
    onnx_set_integers(onnx, "dilations", (const int64_t[]){attrs->dilation_y, attrs->dilation_x}, 2);
    onnx_set_integer(onnx, "group", attrs->groups);
    return y;
}

/* The result with its groups apart, as the graph has it. */
static OnnxValue apart_channels(Onnx *onnx, NodeId id, OnnxValue y)
{
    static const int grouped[] = {0, 3, 4, 1, 2};
    if (!has_group(window_of(graph_node(onnx_source(onnx), id))))
        return y;
    OnnxValue like = onnx_like(onnx, id, grouped), apart = onnx_reshape(onnx, y, like.rank, like.dim);
    memcpy(apart.order, like.order, sizeof apart.order);
    return apart;
}

/* ---- conv2d ---- */

static bool conv2d_infer(const Graph *graph, Node *node)
{
    const WindowAttrs *attrs = window_of(node);
    const Type *x = graph_type(graph, node->in[0]), *kernel = graph_type(graph, node->in[1]);
    if (!is_picture(attrs, x) || !is_kernel(attrs, kernel, last_dim(x)) || x->dim[1] != attrs->height ||
        x->dim[2] != attrs->width)
        return false;
    node->type = output_type(attrs, x, kernel_outputs(attrs, kernel));
    return node->type.dim[1] > 0 && node->type.dim[2] > 0;
}

static void conv2d_grad(Graph *graph, NodeId id, NodeId dy, NodeId *din)
{
    const Node node = *graph_node(graph, id);
    Make make = make_at(graph, id);
    din[0] = make_window(make, OP_conv2d_dx, node.attrs, dy, swap_channels(make, node.in[1]));
    din[1] = make_window(make, OP_conv2d_dw, node.attrs, node.in[0], dy);
}

static ExprId conv2d_lower(Lowering *lowering, const Node *node, const Index *at)
{
    const WindowAttrs *attrs = window_of(node);
    const Graph *graph = lowering_graph(lowering);
    Side side[2] = {side_y(attrs), side_x(attrs)};
    Affine ky = lower_reduce_axis(lowering, "ky", EXTENT_FIXED, side[0].window);
    Affine kx = lower_reduce_axis(lowering, "kx", EXTENT_FIXED, side[1].window);
    Affine y = side_input(&side[0], &at->dim[1], &ky), x = side_input(&side[1], &at->dim[2], &kx);
    Guard guards[3] = {0};
    int count = side_guard(&side[0], &y, guards, 0);
    count = side_guard(&side[1], &x, guards, count);
    PairSum c = pairs_reduce(lowering, "k", last_dim(graph_type(graph, node->in[0])),
                             has_pairs(attrs, graph_type(graph, node->in[1])), guards, &count);
    Affine group = group_at(attrs, at);
    Index pixel = picture_index(attrs, at->dim[0], y, x, group, c.at);
    Index weight = kernel_index(attrs, ky, kx, c.at, group, last_at(at));
    weight = pairs_index(&c, &weight);
    ExprId product = lower_scalar(lowering, SCALAR_mul, lower_read(lowering, node->in[0], &pixel),
                                  lower_read(lowering, node->in[1], &weight), 0);
    return lower_sum(lowering, product, guards, count, true);
}

static OnnxValue conv2d_onnx(Onnx *onnx, NodeId id)
{
    static const int plain[] = {3, 2, 0, 1}, grouped[] = {3, 4, 2, 0, 1};
    return apart_channels(onnx, id, convolve_onnx(onnx, "Conv", id, plain, grouped));
}

const Op op_conv2d = {
    .name = "conv2d",
    .doc = "y[n,i,j,f] = sum over ky, kx, c of x[n, i stride + ky dilation - pad, j stride + kx dilation - "
           "pad, c] k[ky,kx,c,f]",
    .class = OP_CONTRACT,
    .arity = 2,
    .attrs = window_fields,
    .attrs_bytes = sizeof(WindowAttrs),
    .infer = conv2d_infer,
    .grad = conv2d_grad,
    .lower = conv2d_lower,
    .onnx = conv2d_onnx,
};

/* ---- conv2d_dx: the gradient of conv2d with respect to x, from dy and the kernel [kh, kw, filters,
 * (groups,) channels] ---- */

static bool conv2d_dx_infer(const Graph *graph, Node *node)
{
    const WindowAttrs *attrs = window_of(node);
    const Type *dy = graph_type(graph, node->in[0]), *kernel = graph_type(graph, node->in[1]);
    if (!is_picture(attrs, dy) || !is_kernel(attrs, kernel, last_dim(dy)))
        return false;
    node->type = picture_type(attrs, dy, attrs->height, attrs->width, kernel_outputs(attrs, kernel));
    Type expected = output_type(attrs, dy, last_dim(dy));
    return expected.dim[1] == dy->dim[1] && expected.dim[2] == dy->dim[2];
}

static void conv2d_dx_grad(Graph *graph, NodeId id, NodeId dz, NodeId *din)
{
    const Node node = *graph_node(graph, id);
    Make make = make_at(graph, id);
    din[0] = make_window(make, OP_conv2d, node.attrs, dz, swap_channels(make, node.in[1]));
    din[1] = swap_channels(make, make_window(make, OP_conv2d_dw, node.attrs, dz, node.in[0]));
}

static int64_t stride_of(const Node *node, int dim)
{
    return dim == 1 ? window_of(node)->stride_y : dim == 2 ? window_of(node)->stride_x : 1;
}

static int class_direction(const WindowAttrs *attrs, int dim)
{
    const Side side = dim == 1 ? side_y(attrs) : side_x(attrs);
    return side_class_direction(&side);
}

/* Where a channel is the sum of few terms, memory is what a gradient waits for: the classes are made side by
 * side, so that each line of it comes once. */
static int joint_direction(const Graph *graph, const Node *node, int dim)
{
    const WindowAttrs *attrs = window_of(node);
    bool joint = (attrs->stride_y > 1 || attrs->stride_x > 1) && has_group(attrs) &&
                 last_dim(graph_type(graph, node->in[0])) == 1 && class_direction(attrs, 1) &&
                 class_direction(attrs, 2);
    return joint ? class_direction(attrs, dim) : 0;
}

/* Taps that classes with fewer have no use for are skipped, but are counted among a kernel's operations. */
static double joint_plain(const Graph *graph, const Node *node)
{
    const WindowAttrs *attrs = window_of(node);
    if (!joint_direction(graph, node, 1))
        return 1;
    int64_t rows = (attrs->window_height + attrs->stride_y - 1) / attrs->stride_y * attrs->stride_y,
            columns = (attrs->window_width + attrs->stride_x - 1) / attrs->stride_x * attrs->stride_x;
    return (double)(attrs->window_height * attrs->window_width) / (double)(rows * columns);
}

static ExprId conv2d_dx_lower(Lowering *lowering, const Node *node, const Index *at)
{
    static const char *const names[2] = {"ky", "kx"};
    const WindowAttrs *attrs = window_of(node);
    const Side side[2] = {side_y(attrs), side_x(attrs)};
    const Graph *graph = lowering_graph(lowering);
    bool paired = has_pairs(attrs, graph_type(graph, node->in[1]));
    Affine tap[2], output[2];
    Guard guards[5] = {0};
    int count = 0;
    for (int d = 0; d < 2; d++) {
        Taps taps = side_taps(&side[d], &at->dim[d + 1]);
        if (taps.count == 0)
            return lower_const(lowering, 0);
        Affine i = lower_reduce_axis(lowering, names[d], EXTENT_FIXED, taps.count);
        if (paired) /* so that pixels of dy and rows of the turned kernel both rise */
            i = affine_add(affine_const(taps.count - 1), affine_scale(i, -1));
        tap[d] = affine_add(taps.first, affine_scale(i, taps.step));
        output[d] = side_output(&side[d], &at->dim[d + 1], &tap[d]);
        if (!taps.inside)
            guards[count++] = (Guard){output[d], taps.outputs};
        if (taps.beyond)
            guards[count++] = (Guard){tap[d], side[d].window};
    }
    PairSum f = pairs_reduce(lowering, "k", last_dim(graph_type(graph, node->in[0])), paired, guards, &count);
    for (int d = 0; d < 2 && paired; d++)
        tap[d] = affine_add(affine_const(side[d].window - 1), affine_scale(tap[d], -1));
    Affine group = group_at(attrs, at);
    Index pixel = picture_index(attrs, at->dim[0], output[0], output[1], group, f.at);
    Index weight = kernel_index(attrs, tap[0], tap[1], f.at, group, last_at(at));
    weight = pairs_index(&f, &weight);
    ExprId product = lower_scalar(lowering, SCALAR_mul, lower_read(lowering, node->in[0], &pixel),
                                  lower_read(lowering, node->in[1], &weight), 0);
    return lower_sum(lowering, product, guards, count, true);
}

/* What ONNX would make too small: rows and columns that no window reaches. */
static OnnxValue conv2d_dx_onnx(Onnx *onnx, NodeId id)
{
    static const int plain[] = {2, 3, 0, 1}, grouped[] = {3, 2, 4, 0, 1};
    const Node *node = graph_node(onnx_source(onnx), id);
    const Type *dy = graph_type(onnx_source(onnx), node->in[0]);
    const Side side[] = {side_y(window_of(node)), side_x(window_of(node))};
    OnnxValue y = convolve_onnx(onnx, "ConvTranspose", id, plain, grouped);
    int64_t missing[2];
    for (int d = 0; d < 2; d++)
        missing[d] =
            side[d].extent - ((dy->dim[1 + d] - 1) * side[d].stride +
                              (side[d].window - 1) * side[d].dilation + 1 - side[d].before - side[d].after);
    onnx_set_integers(onnx, "output_padding", missing, 2);
    return apart_channels(onnx, id, y);
}

const Op op_conv2d_dx = {
    .name = "conv2d_dx",
    .doc = "x[n,y,x,c] = sum over the i, j, ky, kx with i stride + ky dilation - pad = y (x likewise) and f "
           "of dy[n,i,j,f] k[ky,kx,f,c]; where k holds pairs, its window is turned",
    .source = "Dumoulin, Visin, A guide to convolution arithmetic for deep learning, 2016, section 4",
    .class = OP_CONTRACT,
    .arity = 2,
    .attrs = window_fields,
    .attrs_bytes = sizeof(WindowAttrs),
    .infer = conv2d_dx_infer,
    .grad = conv2d_dx_grad,
    .lower = conv2d_dx_lower,
    .onnx = conv2d_dx_onnx,
    .period = stride_of,
    .joint_direction = joint_direction,
    .plain = joint_plain,
};

/* ---- conv2d_dw: the gradient of conv2d with respect to the kernel, from x and dy ---- */

static bool conv2d_dw_infer(const Graph *graph, Node *node)
{
    const WindowAttrs *attrs = window_of(node);
    const Type *x = graph_type(graph, node->in[0]), *dy = graph_type(graph, node->in[1]);
    if (!is_picture(attrs, x) || !is_picture(attrs, dy) || x->lead != dy->lead)
        return false;
    Type type = {.dtype = DTYPE_F32, .rank = x->rank};
    type.dim[0] = attrs->window_height;
    type.dim[1] = attrs->window_width;
    type.dim[2] = last_dim(x);
    type.dim[3] = attrs->groups;
    type.dim[type.rank - 1] = last_dim(dy);
    node->type = type;
    Type expected = output_type(attrs, x, last_dim(dy));
    return expected.dim[1] == dy->dim[1] && expected.dim[2] == dy->dim[2];
}

/* Where dy stands in the sum: its index, and its element. */
typedef struct {
    Affine n, i, j;
    ExprId slope;
} SlopeTerm;

static SlopeTerm read_slope(Lowering *lowering, const Node *node, const Index *at)
{
    const Type *dy = graph_type(lowering_graph(lowering), node->in[1]);
    SlopeTerm term = {.n = lower_reduce_dim(lowering, "n", dy, 0),
                      .i = lower_reduce_dim(lowering, "i", dy, 1),
                      .j = lower_reduce_dim(lowering, "j", dy, 2)};
    const WindowAttrs *attrs = window_of(node);
    Index slope = picture_index(attrs, term.n, term.i, term.j, group_at(attrs, at), last_at(at));
    term.slope = lower_read(lowering, node->in[1], &slope);
    return term;
}

/* dy is the gradient of a max-pool, which nobody has stored: the sum runs over the pool's windows and, for
 * each, over its taps, of which one counts. */
static SlopeTerm pull_slope_through_pool(Lowering *lowering, const Node *node, const Index *at)
{
    const Graph *graph = lowering_graph(lowering);
    const Node *spread = graph_node(graph, node->in[1]);
    const WindowAttrs *pool = window_of(spread);
    const Type *pooled = graph_type(graph, spread->in[0]);
    Affine n = lower_reduce_dim(lowering, "n", pooled, 0), i = lower_reduce_dim(lowering, "i", pooled, 1),
           j = lower_reduce_dim(lowering, "j", pooled, 2);
    Affine di = lower_reduce_axis(lowering, "di", EXTENT_FIXED, pool->window_height),
           dj = lower_reduce_axis(lowering, "dj", EXTENT_FIXED, pool->window_width);
    Affine tap = affine_add(affine_scale(di, pool->window_width), dj);
    Index output = {4, {n, i, j, last_at(at)}};
    return (SlopeTerm){.n = n,
                       .i = affine_add(affine_scale(i, pool->window_height), di),
                       .j = affine_add(affine_scale(j, pool->window_width), dj),
                       .slope = maxpool_dx_tap(lowering, spread, &output, &tap)};
}

static ExprId conv2d_dw_lower(Lowering *lowering, const Node *node, const Index *result)
{
    const WindowAttrs *attrs = window_of(node);
    const Graph *graph = lowering_graph(lowering);
    Index at = index_without_slice(graph, node, result);
    Side side[2] = {side_y(attrs), side_x(attrs)};
    bool pooled =
        lower_computes(lowering, node->in[1]) && graph_node(graph, node->in[1])->op == OP_maxpool_dx;
    SlopeTerm term = pooled ? pull_slope_through_pool(lowering, node, &at) : read_slope(lowering, node, &at);
    Affine y = side_input(&side[0], &term.i, &at.dim[0]), x = side_input(&side[1], &term.j, &at.dim[1]);
    Guard guards[2] = {0};
    int count = side_guard(&side[0], &y, guards, 0);
    count = side_guard(&side[1], &x, guards, count);
    Index pixel = picture_index(attrs, term.n, y, x, group_at(attrs, &at), at.dim[2]);
    ExprId product =
        lower_scalar(lowering, SCALAR_mul, lower_read(lowering, node->in[0], &pixel), term.slope, 0);
    return lower_sum(lowering, product, guards, count, true);
}

const Op op_conv2d_dw = {
    .name = "conv2d_dw",
    .doc = "k[ky,kx,c,f] = sum over n, i, j of x[n, i stride + ky dilation - pad, j stride + kx dilation - "
           "pad, c] dy[n,i,j,f]",
    .class = OP_CONTRACT,
    .arity = 2,
    .attrs = window_fields,
    .attrs_bytes = sizeof(WindowAttrs),
    .infer = conv2d_dw_infer,
    .lower = conv2d_dw_lower,
};
