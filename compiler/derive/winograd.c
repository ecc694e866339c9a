/* Which convolutions are computed by Winograd's minimal filtering (ops/winograd.c), and with which tiles. */
#include "compiler/derive/copy.h"
#include "compiler/derive/derive.h"
#include "compiler/ir/op.h"
#include "compiler/ops/winograd.h"

typedef struct {
    const Graph *from;
    Graph *to;
    NodeId *map;
    int64_t tile;  /* 0: by cost */
    bool training; /* else transformed kernels are kept from batch to batch */
} Choosing;

/* A convolution, or the gradient of one: of pictures of `in` channels to pictures of `out` channels. */
typedef struct {
    int64_t in, out, height, width; /* of the result */
    int64_t samples;
} Shape;

static Shape shape_of(const Graph *graph, const Node *node)
{
    const Type *picture = graph_type(graph, node->in[0]), *result = &node->type;
    if (node->op == OP_conv2d_dw)
        result = graph_type(graph, node->in[1]);
    return (Shape){.in = picture->dim[3],
                   .out = result->dim[3],
                   .height = result->dim[1],
                   .width = result->dim[2],
                   .samples = result->dim[0]};
}

static double tiles_of(const Shape *shape, int64_t tile)
{
    return (double)((shape->height + tile - 1) / tile * ((shape->width + tile - 1) / tile));
}

/* Time beside that of the direct convolution's products. */
static double cost(const Choosing *choosing, const Shape *shape, int64_t tile)
{
    /* To transform an element of a tile, store it and read it again takes as long as so many products; so
     * does an element of the kernel, once for all samples of a training step. */
    static const double MOVED = 30, KERNEL = 30;
    double points = (double)winograd_points(tile), tiles = tiles_of(shape, tile),
           pairs = (double)(shape->in * shape->out);
    double direct = WINOGRAD_WINDOW * WINOGRAD_WINDOW * (double)(shape->height * shape->width) * pairs;
    double moved = tiles * (double)(shape->in + shape->out),
           kernel = choosing->training ? KERNEL / (double)shape->samples : 0;
    return points * (tiles * pairs + MOVED * moved + kernel * pairs) / direct;
}

static bool is_f32(const Graph *graph, const Node *node)
{
    bool all = node->type.dtype == DTYPE_F32;
    for (int k = 0; k < node->in_count; k++)
        all = all && graph_type(graph, node->in[k])->dtype == DTYPE_F32;
    return all;
}

/* 0: the direct convolution is as good, or the only way. */
static int64_t choose_tile(const Choosing *choosing, NodeId id)
{
    static const double WORTH_IT = 0.8;
    const Graph *graph = choosing->from;
    const Node *node = graph_node(graph, id);
    if ((node->op != OP_conv2d && node->op != OP_conv2d_dx && node->op != OP_conv2d_dw) ||
        !winograd_fits(node->attrs) || !is_f32(graph, node))
        return 0;
    if (choosing->tile)
        return choosing->tile;
    Shape shape = shape_of(graph, node);
    double small = cost(choosing, &shape, WINOGRAD_TILE_SMALL),
           large = cost(choosing, &shape, WINOGRAD_TILE_LARGE);
    if (small > WORTH_IT && large > WORTH_IT)
        return 0;
    return large < small ? WINOGRAD_TILE_LARGE : WINOGRAD_TILE_SMALL;
}

static NodeId rebuild(const Choosing *choosing, NodeId id, int64_t tile)
{
    const Node *node = graph_node(choosing->from, id);
    Make make = {choosing->to, node->span, node->name};
    return make_winograd(make, node->op, node->attrs, choosing->map[node->in[0]], choosing->map[node->in[1]],
                         tile);
}

Graph *choose_winograd(const Graph *graph, int64_t tile)
{
    Choosing choosing = {graph, copy_start(graph), NEW_ARRAY(graph->arena, NodeId, graph->nodes.count), tile,
                         graph_find_result(graph, RESULT_UPDATE) != NODE_NONE};
    const bool *live = copy_live(graph);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        choosing.map[id] = NODE_NONE;
        if (!live[id])
            continue;
        int64_t chosen = choose_tile(&choosing, id);
        choosing.map[id] =
            chosen ? rebuild(&choosing, id, chosen) : copy_node(choosing.to, graph, id, choosing.map);
    }
    copy_results(choosing.to, graph, choosing.map, -1);
    return choosing.to;
}
