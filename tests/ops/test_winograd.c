/* Winograd's minimal filtering against the convolutions that it computes, and where it is chosen. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "compiler/ops/window.h"
#include "compiler/ops/winograd.h"
#include "tests/ops/harness.h"

typedef struct {
    const char *name;
    int64_t height, width, channels, filters;
    int64_t top, bottom, left, right;
} Case;

static const Case cases[] = {
    {"whole tiles", 8, 8, 2, 3, 1, 1, 1, 1},
    {"no margins", 6, 10, 1, 2, 0, 0, 0, 0},
    {"tiles past the edge", 7, 5, 3, 2, 1, 1, 1, 1},
    {"one tile", 4, 4, 2, 2, 1, 1, 1, 1},
    {"a pixel", 3, 3, 2, 1, 0, 0, 0, 0},
    {"uneven margins", 6, 7, 2, 2, 0, 2, 2, 1},
    {"wide margins", 5, 4, 1, 2, 2, 2, 2, 2},
};

static WindowAttrs window_of(const Case *c)
{
    return (WindowAttrs){.window_height = 3,
                         .window_width = 3,
                         .stride_y = 1,
                         .stride_x = 1,
                         .dilation_y = 1,
                         .dilation_x = 1,
                         .pad_top = c->top,
                         .pad_bottom = c->bottom,
                         .pad_left = c->left,
                         .pad_right = c->right,
                         .groups = 1,
                         .height = c->height,
                         .width = c->width};
}

static NodeId leaf(Graph *graph, const char *name, Lead lead, int64_t a, int64_t b, int64_t c, int64_t d)
{
    LeafAttrs attrs = {.kind = lead == LEAD_BATCH ? LEAF_INPUT : LEAF_PARAMETER};
    return graph_leaf(graph, (Span){0}, name, type_make(DTYPE_F32, lead, 4, (const int64_t[]){a, b, c, d}),
                      attrs);
}

/* The convolution and its gradients, each directly and in tiles: results "conv2d" and "conv2d in tiles". */
static Graph *build_both(Arena *arena, const Case *c, int64_t tile)
{
    Graph *graph = graph_new(arena, diag_new(arena), BATCH);
    Make make = {.graph = graph};
    WindowAttrs window = window_of(c);
    Side y = side_y(&window), x = side_x(&window);
    NodeId picture = leaf(graph, "x", LEAD_BATCH, BATCH, c->height, c->width, c->channels),
           slope = leaf(graph, "dy", LEAD_BATCH, BATCH, side_outputs(&y), side_outputs(&x), c->filters),
           kernel = leaf(graph, "kernel", LEAD_NONE, 3, 3, c->channels, c->filters),
           swapped = leaf(graph, "swapped", LEAD_NONE, 3, 3, c->filters, c->channels);
    const struct {
        OpId op;
        NodeId a, b;
    } nodes[] = {
        {OP_conv2d, picture, kernel}, {OP_conv2d_dx, slope, swapped}, {OP_conv2d_dw, picture, slope}};
    for (size_t i = 0; i < COUNT(nodes); i++) {
        const char *name = op_table[nodes[i].op]->name;
        add_value(graph, make_op(make, nodes[i].op, &window, (const NodeId[]){nodes[i].a, nodes[i].b}, 2),
                  name);
        add_value(graph, make_winograd(make, nodes[i].op, &window, nodes[i].a, nodes[i].b, tile),
                  arena_printf(arena, "%s in tiles", name));
    }
    graph_verify(graph, "test");
    return slice_sums(graph);
}

static void tiles_give_what_the_convolution_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        const Case *c = &cases[i / 2];
        Arena *arena = arena_new();
        const Graph *graph = build_both(arena, c, i % 2 ? WINOGRAD_TILE_SMALL : WINOGRAD_TILE_LARGE);
        Run run = run_new(arena, graph, true);
        fill_leaves(&run);
        interp_run(run.interp, SAMPLES);
        for (size_t r = 0; r < graph->results.count; r += 2) {
            const Result *direct = &graph->results.items[r], *tiled = &graph->results.items[r + 1];
            const double *want = interp_values(run.interp, direct->node),
                         *have = interp_values(run.interp, tiled->node);
            assert_true(type_equal(graph_type(graph, direct->node), graph_type(graph, tiled->node)));
            for (int64_t e = 0; e < used_elements(graph_type(graph, direct->node)); e++)
                if (!(fabs(have[e] - want[e]) <= 1e-12 * fmax(1, fabs(want[e]))))
                    fail_msg("%s, %s: element %lld is %.15g, expected %.15g", c->name, tiled->name,
                             (long long)e, have[e], want[e]);
        }
        check_fusion(arena, graph, c->name);
        arena_free(arena);
    }
}

/* ---- Where it is chosen ---- */

typedef struct {
    int64_t batch, side, channels, filters, window, stride, pool; /* pool: of a max-pool behind it; 0: none */
} Layer;

/* How many nodes of a convolution and its gradients are still computed directly, of three. updates: the
 * kernel is trained, so that it changes with every batch. */
static int count_direct(const Layer *layer, Dtype dtype, bool updates)
{
    Arena *arena = arena_new();
    Graph *graph = graph_new(arena, diag_new(arena), layer->batch);
    Make make = {.graph = graph};
    Case c = {"", layer->side, layer->side, layer->channels, layer->filters, 1, 1, 1, 1};
    WindowAttrs window = window_of(&c);
    window.window_height = window.window_width = layer->window;
    window.stride_y = window.stride_x = layer->stride;
    NodeId x = leaf(graph, "x", LEAD_BATCH, layer->batch, c.height, c.width, c.channels), leaves[2], din[2];
    leaves[0] = x;
    leaves[1] = leaf(graph, "kernel", LEAD_NONE, layer->window, layer->window, c.channels, c.filters);
    graph->nodes.items[x].type.dtype = dtype;
    NodeId y = make_op(make, OP_conv2d, &window, leaves, 2);
    if (layer->pool) {
        WindowAttrs pool = window;
        pool.pad_top = pool.pad_bottom = pool.pad_left = pool.pad_right = 0;
        pool.window_height = pool.window_width = pool.stride_y = pool.stride_x = layer->pool;
        y = make_op(make, OP_maxpool, &pool, &y, 1);
    }
    NodeId loss = make_reshape(make, make_sum(make, make_mul(make, y, y), 15), 0, NULL);
    autodiff(graph, loss, leaves, 2, din);
    add_value(graph, loss, "loss");
    for (int i = 0; i < 2; i++)
        add_value(graph, din[i], i ? "dw" : "dx");
    if (updates)
        graph_result(graph, (Result){.role = RESULT_UPDATE, .node = din[1], .target = leaves[1]});
    const Graph *chosen = choose_winograd(graph, 0);
    graph_verify(chosen, "choose_winograd");
    int direct = 0;
    for (NodeId id = 0; id < chosen->nodes.count; id++) {
        OpId op = graph_node(chosen, id)->op;
        direct += op == OP_conv2d || op == OP_conv2d_dx || op == OP_conv2d_dw;
    }
    arena_free(arena);
    return direct;
}

static void it_is_chosen_where_it_pays(void **state)
{
    (void)state;
    const struct {
        Layer layer;
        int direct;
    } wanted[] = {
        {{32, 32, 64, 64, 3, 1, 0}, 0}, {{128, 4, 512, 512, 3, 1, 0}, 0},
        {{32, 32, 4, 64, 3, 1, 0}, 3},  /* few channels: the transforms cost more than the products */
        {{32, 32, 64, 64, 3, 2, 0}, 3}, /* strided */
        {{32, 32, 64, 64, 1, 1, 0}, 3}, /* no window of 3x3 */
        {{1, 4, 512, 512, 3, 1, 0}, 3}, /* the kernel's transform would serve one sample */
        {{32, 32, 64, 64, 3, 1, 2}, 0},
    };
    for (size_t i = 0; i < COUNT(wanted); i++) {
        int direct = count_direct(&wanted[i].layer, DTYPE_F32, true);
        if (direct != wanted[i].direct)
            fail_msg("case %zu: %d are computed directly, expected %d", i, direct, wanted[i].direct);
    }
    /* A kernel that does not change is transformed once. */
    assert_int_equal(count_direct(&(Layer){1, 4, 512, 512, 3, 1, 0}, DTYPE_F32, false), 0);
    /* bf16 has instructions of its own. */
    assert_int_equal(count_direct(&wanted[0].layer, DTYPE_BF16, true), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_give_what_the_convolution_is),
        cmocka_unit_test(it_is_chosen_where_it_pays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
