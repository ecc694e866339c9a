/* Convolutions of 3x3 by the minimal filtering of Winograd: the picture is cut into tiles, each tile and each
 * kernel is brought into another space by a linear transform, where the convolution is a product point by
 * point; all products of one point, over tiles and channels, are one product of matrices. For tiles of 2x2
 * results it takes 16 products in place of 36, for 4x4 36 in place of 144. Its sums have other terms than the
 * convolution's, so its rounding errors are larger (some 10 times for 4x4). Points are numbered row by row.
 *
 * Source of all ops here: Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016,
 * section 4. */
#include "compiler/ops/winograd_matrix.h"

#include "compiler/ir/op.h"
#include "compiler/ops/index.h"

enum { WINDOW = WINOGRAD_WINDOW };

static const WinogradAttrs *attrs_of(const Node *node)
{
    return node->attrs;
}

static int which(const Node *node)
{
    return attrs_of(node)->tile == WINOGRAD_TILE_SMALL ? 0 : 1;
}

static int64_t side_of(const WinogradAttrs *attrs)
{
    return attrs->tile + WINDOW - 1;
}

static int64_t points_of(const WinogradAttrs *attrs)
{
    return winograd_points(attrs->tile);
}

static int64_t tiles_along(const WinogradAttrs *attrs, int64_t extent)
{
    return (extent + attrs->tile - 1) / attrs->tile;
}

typedef struct {
    Lowering *lowering;
    const Node *node;
    const Index *at;
} Reading;

/* The plain algorithm has no transforms. */
static double transform_plain(const Graph *graph, const Node *node)
{
    (void)graph;
    (void)node;
    return 0;
}

/* ---- The kernel and its gradient ---- */

static ExprId read_kernel(void *context, int i, int j)
{
    const Reading *reading = context;
    bool turned = attrs_of(reading->node)->turned;
    Index at = {4,
                {affine_const(turned ? WINDOW - 1 - i : i), affine_const(turned ? WINDOW - 1 - j : j),
                 reading->at->dim[1], reading->at->dim[2]}};
    return lower_read(reading->lowering, reading->node->in[0], &at);
}

static ExprId read_kernel_point(void *context, int i, int j)
{
    const Reading *reading = context;
    Index at = {
        3,
        {affine_const(i * side_of(attrs_of(reading->node)) + j), reading->at->dim[2], reading->at->dim[3]}};
    return lower_read(reading->lowering, reading->node->in[0], &at);
}

static bool kernel_infer(const Graph *graph, Node *node)
{
    const Type *kernel = graph_type(graph, node->in[0]);
    int64_t dim[] = {points_of(attrs_of(node)), kernel->dim[2], kernel->dim[3]};
    node->type = type_make(DTYPE_F32, LEAD_NONE, 3, dim);
    return kernel->rank == 4 && kernel->lead == LEAD_NONE && kernel->dim[0] == WINDOW &&
           kernel->dim[1] == WINDOW;
}

static bool kernel_dw_infer(const Graph *graph, Node *node)
{
    const Type *points = graph_type(graph, node->in[0]);
    int64_t dim[] = {WINDOW, WINDOW, points->dim[1], points->dim[2]};
    node->type = type_make(DTYPE_F32, LEAD_NONE, 4, dim);
    return points->rank == 3 && points->lead == LEAD_NONE && points->dim[0] == points_of(attrs_of(node));
}

/* Of a node whose dim 1 (dim 0 of a kernel) counts the points: which point it is. */
static ExprId lower_point(Lowering *lowering, const Node *node, const Index *at, int dim,
                          const WinogradMatrix *matrix, WinogradRead *read)
{
    int64_t point = affine_class(&at->dim[dim], points_of(attrs_of(node))), side = side_of(attrs_of(node));
    Reading reading = {lowering, node, at};
    return winograd_sandwich(lowering, matrix, point / side, point % side, read, &reading);
}

static ExprId kernel_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return lower_point(lowering, node, at, 0, &winograd_kernel[which(node)], read_kernel);
}

static ExprId kernel_dw_lower(Lowering *lowering, const Node *node, const Index *at)
{
    WinogradMatrix matrix = winograd_transposed(&winograd_kernel[which(node)]);
    Reading reading = {lowering, node, at};
    return winograd_sandwich(lowering, &matrix, affine_class(&at->dim[0], WINDOW),
                             affine_class(&at->dim[1], WINDOW), read_kernel_point, &reading);
}

static int64_t point_period(const Node *node, int dim)
{
    return dim == (node->type.rank == 3 ? 0 : 1) ? points_of(attrs_of(node)) : 1;
}

static int64_t window_period(const Node *node, int dim)
{
    (void)node;
    return dim < 2 ? WINDOW : 1;
}

static const Field winograd_fields[] = {
    ATTR(WinogradAttrs, tile, FIELD_INTEGER),     ATTR(WinogradAttrs, turned, FIELD_INTEGER),
    ATTR(WinogradAttrs, again, FIELD_INTEGER),    ATTR(WinogradAttrs, pad_top, FIELD_INTEGER),
    ATTR(WinogradAttrs, pad_left, FIELD_INTEGER), ATTR(WinogradAttrs, height, FIELD_INTEGER),
    ATTR(WinogradAttrs, width, FIELD_INTEGER),    FIELDS_END};

const Op op_winograd_kernel = {
    .name = "winograd_kernel",
    .doc = "u[p,c,f] = G k[.,.,c,f] G^T at point p, for tiles of tile x tile; where said, the window of k is "
           "turned first",
    .class = OP_TRANSFORM,
    .arity = 1,
    .attrs = winograd_fields,
    .attrs_bytes = sizeof(WinogradAttrs),
    .infer = kernel_infer,
    .lower = kernel_lower,
    .period = point_period,
    .plain = transform_plain,
};

const Op op_winograd_kernel_dw = {
    .name = "winograd_kernel_dw",
    .doc = "the gradient of winograd_kernel: k[.,.,c,f] = G^T u[.,c,f] G",
    .class = OP_TRANSFORM,
    .arity = 1,
    .attrs = winograd_fields,
    .attrs_bytes = sizeof(WinogradAttrs),
    .infer = kernel_dw_infer,
    .lower = kernel_dw_lower,
    .period = window_period,
    .plain = transform_plain,
};

/* ---- The picture ---- */

/* [n, points, tiles down, tiles across, channels] for a result of the attrs' height and width. */
static Type tiles_type(const WinogradAttrs *attrs, const Type *picture)
{
    int64_t dim[] = {picture->dim[0], points_of(attrs), tiles_along(attrs, attrs->height),
                     tiles_along(attrs, attrs->width), picture->dim[3]};
    return type_make(DTYPE_F32, picture->lead, 5, dim);
}

static bool input_infer(const Graph *graph, Node *node)
{
    const Type *picture = graph_type(graph, node->in[0]);
    node->type = tiles_type(attrs_of(node), picture);
    return picture->rank == 4;
}

/* The pixel (i, j) of a tile that begins `before` pixels before its results; zero outside. */
static ExprId read_pixel(const Reading *reading, int64_t i, int64_t j)
{
    const WinogradAttrs *attrs = attrs_of(reading->node);
    const Type *picture = graph_type(lowering_graph(reading->lowering), reading->node->in[0]);
    Index at = {4,
                {reading->at->dim[0], affine_scale(reading->at->dim[2], attrs->tile),
                 affine_scale(reading->at->dim[3], attrs->tile), reading->at->dim[4]}};
    at.dim[1] = affine_add(at.dim[1], affine_const(i));
    at.dim[2] = affine_add(at.dim[2], affine_const(j));
    const int64_t tiles[2] = {tiles_along(attrs, attrs->height), tiles_along(attrs, attrs->width)},
                  first[2] = {i, j};
    Guard guards[2];
    int count = 0;
    for (int d = 0; d < 2; d++)
        if (first[d] < 0 || first[d] + (tiles[d] - 1) * attrs->tile >= picture->dim[d + 1])
            guards[count++] = (Guard){at.dim[d + 1], picture->dim[d + 1]};
    return lower_read_guarded(reading->lowering, reading->node->in[0], &at, guards, count);
}

static ExprId read_input(void *context, int i, int j)
{
    const Reading *reading = context;
    return read_pixel(reading, i - attrs_of(reading->node)->pad_top, j - attrs_of(reading->node)->pad_left);
}

static ExprId read_slope(void *context, int i, int j)
{
    return read_pixel(context, i, j);
}

static ExprId input_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return lower_point(lowering, node, at, 1, &winograd_picture[which(node)], read_input);
}

const Op op_winograd_input = {
    .name = "winograd_input",
    .doc = "v[n,p,i,j,c] = B^T d B at point p, where d is the tile (i, j) of x[n,.,.,c] with the window's "
           "margin",
    .class = OP_TRANSFORM,
    .arity = 1,
    .attrs = winograd_fields,
    .attrs_bytes = sizeof(WinogradAttrs),
    .infer = input_infer,
    .lower = input_lower,
    .period = point_period,
    .plain = transform_plain,
};

/* ---- The result and its gradient ---- */

static bool output_infer(const Graph *graph, Node *node)
{
    const Type *points = graph_type(graph, node->in[0]);
    const WinogradAttrs *attrs = attrs_of(node);
    int64_t dim[] = {points->dim[0], attrs->height, attrs->width, points->dim[4]};
    node->type = type_make(DTYPE_F32, points->lead, 4, dim);
    return points->rank == 5 && points->dim[1] == points_of(attrs) &&
           points->dim[2] == tiles_along(attrs, attrs->height) &&
           points->dim[3] == tiles_along(attrs, attrs->width);
}

static Affine tile_at(const WinogradAttrs *attrs, const Affine *at)
{
    return affine_divide(affine_add(*at, affine_const(-affine_class(at, attrs->tile))), attrs->tile);
}

static ExprId read_point(void *context, int i, int j)
{
    const Reading *reading = context;
    const WinogradAttrs *attrs = attrs_of(reading->node);
    const Affine *dim = reading->at->dim;
    Index at = {5,
                {dim[0], affine_const(i * side_of(attrs) + j), tile_at(attrs, &dim[1]),
                 tile_at(attrs, &dim[2]), dim[3]}};
    return lower_read(reading->lowering, reading->node->in[0], &at);
}

static ExprId output_lower(Lowering *lowering, const Node *node, const Index *at)
{
    int64_t tile = attrs_of(node)->tile;
    Reading reading = {lowering, node, at};
    return winograd_sandwich(lowering, &winograd_result[which(node)], affine_class(&at->dim[1], tile),
                             affine_class(&at->dim[2], tile), read_point, &reading);
}

static int64_t tile_period(const Node *node, int dim)
{
    return dim == 1 || dim == 2 ? attrs_of(node)->tile : 1;
}

const Op op_winograd_output = {
    .name = "winograd_output",
    .doc = "y[n,.,.,f] = A^T m[n,.,i,j,f] A in the tile (i, j)",
    .class = OP_TRANSFORM,
    .arity = 1,
    .attrs = winograd_fields,
    .attrs_bytes = sizeof(WinogradAttrs),
    .infer = output_infer,
    .lower = output_lower,
    .period = tile_period,
    .plain = transform_plain,
};

static ExprId slope_lower(Lowering *lowering, const Node *node, const Index *at)
{
    WinogradMatrix matrix = winograd_transposed(&winograd_result[which(node)]);
    return lower_point(lowering, node, at, 1, &matrix, read_slope);
}

const Op op_winograd_slope = {
    .name = "winograd_slope",
    .doc = "the gradient of winograd_output: m[n,p,i,j,f] = A dy A^T at point p, where dy is the tile (i, j)",
    .class = OP_TRANSFORM,
    .arity = 1,
    .attrs = winograd_fields,
    .attrs_bytes = sizeof(WinogradAttrs),
    .infer = input_infer,
    .lower = slope_lower,
    .period = point_period,
    .plain = transform_plain,
};

/* ---- The products ---- */

/* The window's products for each result, in place of one for each point of a tile. */
static double product_plain(const Graph *graph, const Node *node)
{
    const WinogradAttrs *attrs = attrs_of(node);
    const Type *tiles = graph_type(graph, node->in[0]);
    return (double)(WINDOW * WINDOW * attrs->height * attrs->width) /
           (double)(tiles->dim[1] * tiles->dim[2] * tiles->dim[3]);
}

static bool product_infer(const Graph *graph, Node *node)
{
    const Type *tiles = graph_type(graph, node->in[0]), *kernel = graph_type(graph, node->in[1]);
    node->type = *tiles;
    node->type.dim[4] = kernel->dim[2];
    return tiles->rank == 5 && kernel->rank == 3 && tiles->dim[1] == kernel->dim[0] &&
           tiles->dim[4] == kernel->dim[1];
}

static ExprId product_lower(Lowering *lowering, const Node *node, const Index *at)
{
    const Type *tiles = graph_type(lowering_graph(lowering), node->in[0]);
    Affine c = lower_reduce_dim(lowering, "k", tiles, 4);
    Index left = *at, right = {3, {at->dim[1], c, at->dim[4]}};
    left.dim[4] = c;
    ExprId product = lower_scalar(lowering, SCALAR_mul, lower_read(lowering, node->in[0], &left),
                                  lower_read(lowering, node->in[1], &right), 0);
    return lower_sum(lowering, product, NULL, 0, true);
}

const Op op_winograd_product = {
    .name = "winograd_product",
    .doc = "m[n,p,i,j,f] = sum over c of v[n,p,i,j,c] u[p,c,f]",
    .class = OP_CONTRACT,
    .arity = 2,
    .attrs = winograd_fields,
    .attrs_bytes = sizeof(WinogradAttrs),
    .infer = product_infer,
    .lower = product_lower,
    .plain = product_plain,
};

static bool product_dw_infer(const Graph *graph, Node *node)
{
    const Type *tiles = graph_type(graph, node->in[0]), *slope = graph_type(graph, node->in[1]);
    int64_t dim[] = {tiles->dim[1], tiles->dim[4], slope->dim[4]};
    node->type = type_make(DTYPE_F32, LEAD_NONE, 3, dim);
    bool fits = tiles->rank == 5 && slope->rank == 5 && tiles->lead == slope->lead;
    for (int d = 0; d < 4; d++)
        fits = fits && tiles->dim[d] == slope->dim[d];
    return fits;
}

static ExprId product_dw_lower(Lowering *lowering, const Node *node, const Index *result)
{
    const Graph *graph = lowering_graph(lowering);
    const Type *tiles = graph_type(graph, node->in[0]);
    Index at = index_without_slice(graph, node, result);
    Affine n = lower_reduce_dim(lowering, "n", tiles, 0), i = lower_reduce_dim(lowering, "i", tiles, 2),
           j = lower_reduce_dim(lowering, "j", tiles, 3);
    Index left = {5, {n, at.dim[0], i, j, at.dim[1]}}, right = {5, {n, at.dim[0], i, j, at.dim[2]}};
    ExprId product = lower_scalar(lowering, SCALAR_mul, lower_read(lowering, node->in[0], &left),
                                  lower_read(lowering, node->in[1], &right), 0);
    return lower_sum(lowering, product, NULL, 0, true);
}

const Op op_winograd_product_dw = {
    .name = "winograd_product_dw",
    .doc = "u[p,c,f] = sum over n, i, j of v[n,p,i,j,c] m[n,p,i,j,f]",
    .class = OP_CONTRACT,
    .arity = 2,
    .attrs = winograd_fields,
    .attrs_bytes = sizeof(WinogradAttrs),
    .infer = product_dw_infer,
    .lower = product_dw_lower,
    .plain = product_plain,
};
