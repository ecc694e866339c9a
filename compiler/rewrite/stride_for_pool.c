/* A strided convolution in place of a convolution and its max-pool. Between the two may stand what treats all
 * pixels alike (bias, activation) or takes statistics of all of them (batchnorm); it is then done on the
 * fewer pixels, and the sums are scaled to the number of pixels that they were taken of before. */
#include <string.h>

#include "compiler/derive/copy.h"
#include "compiler/ir/op.h"
#include "compiler/ops/make.h"
#include "compiler/ops/window.h"
#include "compiler/rewrite/rewrite.h"

enum { ROWS = 1, COLUMNS = 2, PIXELS = 1 << ROWS | 1 << COLUMNS, STRIDE_MOST = 16 };

/* A convolution, the pool that follows it, and the convolution in their place. */
typedef struct {
    NodeId conv, pool;
    bool *member; /* by node: the convolution, and what is between it and the pool */
    WindowAttrs attrs;
    int64_t before[2], after[2]; /* rows and columns of the picture that it does not reach: cut off */
} Region;

/* ---- The strided convolution ---- */

static const WindowAttrs *window_of(const Graph *graph, NodeId id)
{
    return graph_node(graph, id)->attrs;
}

/* One direction: *side becomes that of a convolution which computes, of each window of the pool, the pixel
 * in the middle (of two, the first). False where that would lie outside. */
static bool stride_side(Side *side, const Side *pool, int64_t *before, int64_t *after)
{
    int64_t outputs = side_outputs(pool), middle = (pool->window - 1) / 2 - pool->before;
    int64_t last = middle + (outputs - 1) * pool->stride;
    if (middle < 0 || last >= side_outputs(side))
        return false;
    int64_t first_row = middle * side->stride - side->before;
    int64_t last_row = last * side->stride - side->before + (side->window - 1) * side->dilation;
    *before = first_row > 0 ? first_row : 0;
    *after = 0;
    side->before = first_row < 0 ? -first_row : 0;
    side->after = last_row >= side->extent ? last_row - side->extent + 1 : 0;
    side->extent -= *before;
    side->stride *= pool->stride;
    if (side_outputs(side) > outputs) {
        *after = *before + side->extent - 1 - last_row;
        side->extent -= *after;
    }
    return side->stride <= STRIDE_MOST && side_outputs(side) == outputs;
}

static bool combine(const Graph *graph, Region *region)
{
    WindowAttrs *attrs = &region->attrs;
    *attrs = *window_of(graph, region->conv);
    const WindowAttrs *pool = window_of(graph, region->pool);
    Side y = side_y(attrs), x = side_x(attrs), pool_y = side_y(pool), pool_x = side_x(pool);
    if (pool->stride_y * pool->stride_x == 1 ||
        !stride_side(&y, &pool_y, &region->before[0], &region->after[0]) ||
        !stride_side(&x, &pool_x, &region->before[1], &region->after[1]))
        return false;
    attrs->stride_y = y.stride;
    attrs->stride_x = x.stride;
    attrs->pad_top = y.before;
    attrs->pad_bottom = y.after;
    attrs->pad_left = x.before;
    attrs->pad_right = x.after;
    attrs->height = y.extent;
    attrs->width = x.extent;
    return true;
}

/* ---- Regions ---- */

/* The same for all pixels of a sample. Dims are counted from the last, as operands are broadcast. */
static bool ignores_pixels(const Type *type, int rank)
{
    for (int dim = ROWS; dim <= COLUMNS; dim++) {
        int own = dim - (rank - type->rank);
        if (own >= 0 && type->dim[own] != 1)
            return false;
    }
    return true;
}

static bool is_reduction(const Node *node)
{
    return node->op == OP_reduce_sum || node->op == OP_reduce_max;
}

static unsigned reduced_pixels(const Node *node)
{
    return (unsigned)((const ReduceAttrs *)node->attrs)->dims & PIXELS;
}

/* A node that reads members: whether it treats all pixels alike. */
static bool keeps_pixels(const Graph *graph, const Node *node, const bool *member)
{
    const Type *in = graph_type(graph, node->in[0]);
    if (is_reduction(node))
        return reduced_pixels(node) == 0;
    if (node->op == OP_reshape)
        return node->type.rank > COLUMNS && node->type.dim[ROWS] == in->dim[ROWS] &&
               node->type.dim[COLUMNS] == in->dim[COLUMNS];
    if (node_op(node)->class != OP_POINTWISE)
        return false;
    for (int i = 0; i < node->in_count; i++)
        if (!member[node->in[i]] && !ignores_pixels(graph_type(graph, node->in[i]), node->type.rank))
            return false;
    return true;
}

static bool reads_member(const Node *node, const bool *member)
{
    for (int i = 0; i < node->in_count; i++)
        if (member[node->in[i]])
            return true;
    return false;
}

/* Whether all that becomes of the convolution's pixels goes through one pool. */
static bool find_pool(const Graph *graph, Region *region)
{
    region->member = NEW_ARRAY(graph->arena, bool, graph->nodes.count);
    region->member[region->conv] = true;
    region->pool = NODE_NONE;
    for (NodeId id = region->conv + 1; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        if (!reads_member(node, region->member) || (is_reduction(node) && reduced_pixels(node) == PIXELS))
            continue;
        if (node->op == OP_maxpool && region->pool == NODE_NONE)
            region->pool = id;
        else if (keeps_pixels(graph, node, region->member))
            region->member[id] = true;
        else
            return false;
    }
    for (size_t i = 0; i < graph->results.count; i++)
        if (region->member[graph->results.items[i].node])
            return false;
    return region->pool != NODE_NONE;
}

static bool find_region(const Graph *graph, NodeId conv, Region *region)
{
    region->conv = conv;
    return graph_node(graph, conv)->op == OP_conv2d && find_pool(graph, region) && combine(graph, region);
}

static const char *place_of(const Graph *graph, const Region *region)
{
    return arena_printf(graph->arena, "%s and %s", graph_node(graph, region->conv)->name,
                        graph_node(graph, region->pool)->name);
}

void rewrite_find_stride_for_pool(const Graph *graph, RewritePlaces *places)
{
    Region region;
    for (NodeId id = 0; id < graph->nodes.count; id++)
        if (find_region(graph, id, &region))
            *vec_push(graph->arena, places) = place_of(graph, &region);
}

/* ---- The new graph ---- */

static NodeId strided(Graph *to, const Graph *from, const Region *region, const NodeId *map)
{
    const Node *conv = graph_node(from, region->conv);
    Make make = {to, conv->span, conv->name};
    NodeId in[2] = {map[conv->in[0]], map[conv->in[1]]};
    int64_t before[RANK_MAX] = {[ROWS] = region->before[0], [COLUMNS] = region->before[1]};
    int64_t after[RANK_MAX] = {[ROWS] = region->after[0], [COLUMNS] = region->after[1]};
    in[0] = make_crop(make, in[0], before, after);
    return make_op(make, OP_conv2d, &region->attrs, in, 2);
}

/* The same for pixels of which there are fewer. */
static NodeId copy_member(Graph *to, const Graph *from, const Node *node, const NodeId *map)
{
    Make make = {to, node->span, node->name};
    NodeId in[NODE_IN_MAX];
    for (int i = 0; i < node->in_count; i++)
        in[i] = map[node->in[i]];
    if (node->op == OP_reshape) {
        Type type = node->type;
        const Type *pixels = graph_type(to, in[0]);
        type.dim[ROWS] = pixels->dim[ROWS];
        type.dim[COLUMNS] = pixels->dim[COLUMNS];
        return make_reshape(make, in[0], type.rank, type.dim);
    }
    NodeId copy = make_op(make, node->op, node->attrs, in, node->in_count);
    if (node->op != OP_reduce_sum || reduced_pixels(node) == 0)
        return copy;
    const Type *many = graph_type(from, node->in[0]), *few = graph_type(to, in[0]);
    return make_scale(make, copy,
                      (double)(many->dim[ROWS] * many->dim[COLUMNS]) /
                          (double)(few->dim[ROWS] * few->dim[COLUMNS]));
}

static bool is_wanted(const Graph *graph, const Region *region, const RewritePlaces *places)
{
    const char *place = place_of(graph, region);
    for (size_t i = 0; i < places->count; i++)
        if (strcmp(places->items[i], place) == 0)
            return true;
    return false;
}

Graph *rewrite_apply_stride_for_pool(const Graph *graph, const RewritePlaces *places, NodeId *map)
{
    Graph *to = copy_start(graph);
    const Region **region_of = NEW_ARRAY(graph->arena, const Region *, graph->nodes.count);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        Region *region = NEW(graph->arena, Region);
        if (find_region(graph, id, region) && is_wanted(graph, region, places)) {
            region_of[id] = region;
            map[id] = strided(to, graph, region, map);
            continue;
        }
        for (int i = 0; i < node->in_count && !region_of[id]; i++)
            region_of[id] = region_of[node->in[i]];
        const Region *own = region_of[id];
        if (own && id == own->pool)
            map[id] = map[node->in[0]];
        else
            map[id] = own ? copy_member(to, graph, node, map) : copy_node(to, graph, id, map);
        if (own && !own->member[id])
            region_of[id] = NULL;
    }
    copy_results(to, graph, map, -1);
    return to;
}
