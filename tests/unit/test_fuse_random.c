/* Fusion on networks that nobody has thought of: with all fusions, with each left out, and with none, they
 * compute the same gradients. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/fuse_test.h"

enum { NETWORKS = 60, LAYERS_MOST = 7, SIDE_LEAST = 4 };

typedef struct {
    Graph *graph;
    uint32_t seed, draws;
    int layers;
    NodeId x;
} Random;

/* 0 … below - 1 */
static int draw(Random *random, int below)
{
    return (int)(cnn_random4(random->seed, random->draws++, 0, 0, 0).word[0] % (uint32_t)below);
}

static Make make_layer(Random *random)
{
    return (Make){random->graph, nowhere, arena_printf(random->graph->arena, "layer%d", random->layers++)};
}

static Type type_here(const Random *random)
{
    return *graph_type(random->graph, random->x);
}

static NodeId parameter(Random *random, Make make, const char *name, int rank, const int64_t *dim)
{
    return leaf(random->graph, arena_printf(random->graph->arena, "%s.%s", make.layer, name), LEAF_PARAMETER,
                LEAD_NONE, rank, dim);
}

static NodeId convolved(Random *random, NodeId x, int64_t filters, int64_t stride, int64_t pad)
{
    Make make = make_layer(random);
    Type type = *graph_type(random->graph, x);
    WindowAttrs attrs = window(3, stride, pad, type.dim[1]);
    NodeId in[] = {x, parameter(random, make, "kernel", 4, DIMS(3, 3, type.dim[3], filters))};
    NodeId y = make_op(make, OP_conv2d, &attrs, in, 2);
    return draw(random, 2) ? y : make_add(make, y, parameter(random, make, "bias", 1, DIMS(filters)));
}

static void convolve(Random *random)
{
    random->x = convolved(random, random->x, 2 + draw(random, 4), 1 + draw(random, 2), draw(random, 2));
}

static void convolve_channels_apart(Random *random)
{
    Make make = make_layer(random);
    Type type = type_here(random);
    int64_t channels = type.dim[3], stride = 1 + draw(random, 2);
    WindowAttrs attrs = window(3, stride, draw(random, 2), type.dim[1]);
    attrs.groups = channels;
    NodeId in[] = {make_reshape(make, random->x, 5, DIMS(type.dim[0], type.dim[1], type.dim[2], channels, 1)),
                   parameter(random, make, "kernel", 5, DIMS(3, 3, 1, channels, 1))};
    NodeId y = make_op(make, OP_conv2d, &attrs, in, 2);
    const int64_t *dim = graph_type(random->graph, y)->dim;
    random->x = make_reshape(make, y, 4, DIMS(dim[0], dim[1], dim[2], channels));
}

static void normalize(Random *random)
{
    enum { ALL_BUT_CHANNELS = 7 };
    Make make = make_layer(random);
    NodeId x = random->x, mean = make_mean(make, x, ALL_BUT_CHANNELS), difference = make_sub(make, x, mean);
    NodeId variance = make_mean(make, make_mul(make, difference, difference), ALL_BUT_CHANNELS);
    NodeId in[] = {x, mean, make_unary(make, OP_rsqrt, make_offset(make, variance, 0.1))};
    NodeId y = make_op(make, OP_normalized, &(NormalizedAttrs){ALL_BUT_CHANNELS}, in, 3);
    int64_t channels = type_here(random).dim[3];
    y = make_mul(make, y, parameter(random, make, "gamma", 1, &channels));
    random->x = make_add(make, y, parameter(random, make, "beta", 1, &channels));
}

static void activate(Random *random)
{
    Make make = make_layer(random);
    NodeId zero = make_constant(make, 0);
    switch (draw(random, 3)) {
    case 0:
        random->x = make_max(make, random->x, zero);
        break;
    case 1:
        random->x = make_min(make, make_max(make, random->x, zero), make_constant(make, 0.3));
        break;
    default:
        random->x = make_unary(make, OP_tanh, random->x);
    }
}

static void drop(Random *random)
{
    Make make = make_layer(random);
    Type type = type_here(random);
    NodeId x = draw(random, 2) ? make_max(make, random->x, make_constant(make, 0)) : random->x;
    random->x =
        make_mul(make, x, make_mask(make, PURPOSE_LAYER + (uint32_t)random->layers, 0.3, 4, type.dim + 1));
}

static void pool(Random *random)
{
    Make make = make_layer(random);
    WindowAttrs attrs = window(2 + draw(random, 2), 2, 0, type_here(random).dim[1]);
    random->x = make_op(make, OP_maxpool, &attrs, &random->x, 1);
}

static void add_residual(Random *random)
{
    int64_t channels = type_here(random).dim[3];
    NodeId y = convolved(random, random->x, channels, 1, 1);
    random->x = make_add(make_layer(random), random->x, y);
}

/* One in five has batches of one sample, which the workers do not divide by samples. */
static Graph *random_network(Arena *arena, uint32_t seed)
{
    int64_t batch = seed % 5 ? BATCH : 1;
    static void (*const layers[])(Random *) = {
        convolve, convolve_channels_apart, normalize, activate, activate, drop, pool, add_residual};
    Random random = {.graph = graph_new(arena, NULL, batch), .seed = seed};
    random.x = leaf(random.graph, "input", LEAF_INPUT, LEAD_BATCH, 4, DIMS(batch, SIDE, SIDE, CHANNELS));
    convolve(&random);
    for (int i = 0; i < LAYERS_MOST && type_here(&random).dim[1] >= SIDE_LEAST; i++)
        layers[draw(&random, (int)(sizeof layers / sizeof *layers))](&random);
    graph_result(random.graph, (Result){.role = RESULT_OUTPUT, .node = classify(random.graph, random.x)});
    NodeId *map = NEW_ARRAY(arena, NodeId, random.graph->nodes.count);
    static const int64_t tiles[] = {0, 0, 2, 4}; /* of Winograd's filtering */
    const Graph *forward = draw(&random, 2) ? rewrite_pool_first(random.graph, map) : random.graph;
    return differentiate_by((Graph *)forward, tiles[draw(&random, 4)]);
}

static void any_choice_of_fusions_computes_the_same(void **state)
{
    (void)state;
    int fewer = 0;
    for (uint32_t seed = 1; seed <= NETWORKS; seed++) {
        Arena *arena = arena_new();
        Graph *graph = random_network(arena, seed);
        int64_t samples = graph->batch == 1 ? 1 : BATCH - (int64_t)(seed % 3);
        Ran unfused = run(arena, graph, false, samples), fused = run(arena, graph, true, samples);
        assert_same_results(&unfused, &fused);
        FusionOptions fusions = {0};
        int left_out = (int)(seed % FUSION_COUNT);
        fusions.off[left_out] = true;
        Ran but_one = run_planned(arena, graph, &fusions, samples);
        assert_same_results(&unfused, &but_one);
        fewer += fused.kernels < but_one.kernels && but_one.kernels < unfused.kernels;
        arena_free(arena);
    }
    assert_true(fewer > NETWORKS / 4); /* that what is left out matters */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_choice_of_fusions_computes_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
