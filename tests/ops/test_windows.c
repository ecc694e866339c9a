/* Convolutions and pools against plain loops, with all their options, and their gradients against
 * differences. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "compiler/ops/window.h"
#include "tests/ops/harness.h"

typedef struct {
    const char *name;
    int64_t height, width, channels, filters; /* of one group */
    WindowAttrs window;                       /* without height and width */
} Case;

/* window y, x; stride y, x; dilation y, x; pad top, bottom, left, right; groups */
static const Case cases[] = {
    {"1x1", 3, 4, 2, 3, {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0}},
    {"3x3", 5, 6, 1, 2, {3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0}},
    {"3x2, padded", 4, 5, 3, 2, {3, 2, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0}},
    {"stride 2", 6, 7, 2, 3, {3, 3, 2, 2, 1, 1, 0, 1, 1, 1, 1, 0, 0}},
    {"stride 2x3, rows left over", 8, 9, 2, 2, {2, 2, 2, 3, 1, 1, 0, 0, 0, 0, 1, 0, 0}},
    {"stride larger than the window", 7, 9, 2, 2, {1, 2, 3, 4, 1, 1, 0, 0, 0, 0, 1, 0, 0}},
    {"dilation 2", 7, 6, 2, 2, {3, 2, 1, 1, 2, 2, 2, 1, 0, 1, 1, 0, 0}},
    {"dilation and stride with a common factor", 9, 10, 1, 2, {3, 3, 2, 4, 2, 2, 1, 1, 2, 0, 1, 0, 0}},
    {"dilation and stride without one", 9, 10, 1, 2, {3, 2, 2, 3, 3, 2, 1, 2, 0, 1, 1, 0, 0}},
    {"groups", 4, 5, 2, 3, {3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0, 0}},
    {"depthwise, stride 2", 5, 6, 1, 1, {3, 3, 2, 2, 1, 1, 0, 1, 1, 1, 5, 0, 0}},
    {"depthwise, two filters", 4, 4, 1, 2, {2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 3, 0, 0}},
};

static WindowAttrs window_of(const Case *c)
{
    WindowAttrs window = c->window;
    window.height = c->height;
    window.width = c->width;
    return window;
}

static NodeId leaf(Graph *graph, const char *name, Lead lead, int rank, const int64_t *dim)
{
    LeafAttrs attrs = {.kind = lead == LEAD_BATCH ? LEAF_INPUT : LEAF_PARAMETER};
    return graph_leaf(graph, (Span){0}, name, type_make(DTYPE_F32, lead, rank, dim), attrs);
}

/* [n, h, w, channels], or with a dim of groups before the channels. */
static NodeId picture(Graph *graph, const char *name, int64_t height, int64_t width, int64_t groups,
                      int64_t channels)
{
    if (groups == 1)
        return leaf(graph, name, LEAD_BATCH, 4, (const int64_t[]){BATCH, height, width, channels});
    return leaf(graph, name, LEAD_BATCH, 5, (const int64_t[]){BATCH, height, width, groups, channels});
}

static NodeId kernel(Graph *graph, const WindowAttrs *window, int64_t in, int64_t out)
{
    if (window->groups == 1)
        return leaf(graph, "kernel", LEAD_NONE, 4,
                    (const int64_t[]){window->window_height, window->window_width, in, out});
    return leaf(graph, "kernel", LEAD_NONE, 5,
                (const int64_t[]){window->window_height, window->window_width, in, window->groups, out});
}

static NodeId add_window(Graph *graph, OpId op, const WindowAttrs *window, NodeId a, NodeId b)
{
    return make_op((Make){.graph = graph}, op, window, (const NodeId[]){a, b}, 2);
}

static NodeId add_pool(Graph *graph, OpId op, const WindowAttrs *window, NodeId x)
{
    return make_op((Make){.graph = graph}, op, window, &x, 1);
}

static void assert_near(const char *what, int64_t i, double have, double want)
{
    if (!(fabs(have - want) <= 1e-12 * fmax(1, fabs(want))))
        fail_msg("%s: element %lld is %.15g, expected %.15g", what, (long long)i, have, want);
}

/* Calls visit(out, in, weight) with the flat indices of every term of a convolution: out in [n, oh, ow, g,
 * f], in [n, h, w, g, c], weight [kh, kw, c, g, f]. */
typedef void Visit(void *context, int64_t out, int64_t in, int64_t weight);

static void each_term(const Case *c, int64_t high, int64_t wide, Visit *visit, void *context)
{
    const WindowAttrs *w = &c->window;
    for (int64_t n = 0; n < SAMPLES; n++)
        for (int64_t i = 0; i < high; i++)
            for (int64_t j = 0; j < wide; j++)
                for (int64_t ky = 0; ky < w->window_height; ky++)
                    for (int64_t kx = 0; kx < w->window_width; kx++) {
                        int64_t y = i * w->stride_y + ky * w->dilation_y - w->pad_top;
                        int64_t x = j * w->stride_x + kx * w->dilation_x - w->pad_left;
                        if (y < 0 || y >= c->height || x < 0 || x >= c->width)
                            continue;
                        for (int64_t g = 0; g < w->groups; g++)
                            for (int64_t k = 0; k < c->channels; k++)
                                for (int64_t f = 0; f < c->filters; f++)
                                    visit(context,
                                          (((n * high + i) * wide + j) * w->groups + g) * c->filters + f,
                                          (((n * c->height + y) * c->width + x) * w->groups + g) *
                                                  c->channels +
                                              k,
                                          (((ky * w->window_width + kx) * c->channels + k) * w->groups + g) *
                                                  c->filters +
                                              f);
                    }
}

typedef struct {
    double *out, *in, *weight;
} Terms;

static void add_forward(void *context, int64_t out, int64_t in, int64_t weight)
{
    Terms *terms = context;
    terms->out[out] += terms->in[in] * terms->weight[weight];
}

static void add_transposed(void *context, int64_t out, int64_t in, int64_t weight)
{
    Terms *terms = context;
    terms->in[in] += terms->out[out] * terms->weight[weight];
}

static void outputs_of(const WindowAttrs *window, int64_t *high, int64_t *wide)
{
    Side y = side_y(window), x = side_x(window);
    *high = side_outputs(&y);
    *wide = side_outputs(&x);
}

static void convolution_is_the_sum_over_its_windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const Case *c = &cases[i];
        Arena *arena = arena_new();
        Graph *graph = graph_new(arena, diag_new(arena), BATCH);
        WindowAttrs window = window_of(c);
        int64_t high, wide;
        outputs_of(&window, &high, &wide);
        NodeId x = picture(graph, "x", c->height, c->width, window.groups, c->channels);
        NodeId y = add_window(graph, OP_conv2d, &window, x, kernel(graph, &window, c->channels, c->filters));
        assert_int_equal(graph_type(graph, y)->dim[1], high);
        assert_int_equal(graph_type(graph, y)->dim[2], wide);
        add_value(graph, y, "y");
        Run run = run_new(arena, graph, false);
        fill_leaves(&run);
        interp_run(run.interp, SAMPLES);
        int64_t elements = used_elements(graph_type(graph, y));
        double *wanted = NEW_ARRAY(arena, double, elements);
        each_term(c, high, wide, add_forward,
                  &(Terms){wanted, leaf_values(&run, "x"), leaf_values(&run, "kernel")});
        for (int64_t e = 0; e < elements; e++)
            assert_near(c->name, e, result_values(&run, "y")[e], wanted[e]);
        arena_free(arena);
    }
}

/* conv2d_dx used forward takes the kernel [kh, kw, channels of its input, groups, of its output]. */
static void transposed_convolution_adds_its_windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const Case *c = &cases[i];
        Arena *arena = arena_new();
        Graph *graph = graph_new(arena, diag_new(arena), BATCH);
        WindowAttrs window = window_of(c);
        int64_t high, wide;
        outputs_of(&window, &high, &wide);
        NodeId weights = kernel(graph, &window, c->channels, c->filters);
        static const int plain[] = {0, 1, 3, 2}, grouped[] = {0, 1, 4, 3, 2};
        NodeId swapped = make_permute((Make){.graph = graph}, weights, window.groups == 1 ? plain : grouped);
        NodeId y = picture(graph, "y", high, wide, window.groups, c->filters);
        NodeId x = add_window(graph, OP_conv2d_dx, &window, y, swapped);
        add_value(graph, x, "x");
        Run run = run_new(arena, graph, false);
        fill_leaves(&run);
        interp_run(run.interp, SAMPLES);
        int64_t elements = used_elements(graph_type(graph, x));
        double *wanted = NEW_ARRAY(arena, double, elements);
        each_term(c, high, wide, add_transposed,
                  &(Terms){leaf_values(&run, "y"), wanted, leaf_values(&run, "kernel")});
        for (int64_t e = 0; e < elements; e++)
            assert_near(c->name, e, result_values(&run, "x")[e], wanted[e]);
        arena_free(arena);
    }
}

static void gradients_of_convolutions_are_their_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        const Case *c = &cases[i / 2];
        Arena *arena = arena_new();
        Graph *graph = graph_new(arena, diag_new(arena), BATCH);
        WindowAttrs window = window_of(c);
        int64_t high, wide;
        outputs_of(&window, &high, &wide);
        NodeId result;
        if (i % 2) {
            NodeId y = picture(graph, "y", high, wide, window.groups, c->filters);
            result =
                add_window(graph, OP_conv2d_dx, &window, y, kernel(graph, &window, c->filters, c->channels));
        } else {
            NodeId x = picture(graph, "x", c->height, c->width, window.groups, c->channels);
            result =
                add_window(graph, OP_conv2d, &window, x, kernel(graph, &window, c->channels, c->filters));
        }
        Derived derived = derive_gradients(graph, result);
        check_differences(arena, &derived, c->name);
        check_variants(arena, derived.full, c->name);
        arena_free(arena);
    }
}

/* ---- Pools ---- */

static const Case pools[] = {
    {"2x2", 4, 6, 3, 0, {2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 1, 0, 0}},
    {"2x2, odd sizes", 5, 7, 2, 0, {2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 1, 0, 0}},
    {"3x3 stride 2, padded", 7, 8, 2, 0, {3, 3, 2, 2, 1, 1, 1, 1, 0, 1, 1, 0, 0}},
    {"overlapping 2x3", 5, 6, 2, 0, {2, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0}},
    {"5x5, padded", 9, 8, 1, 0, {5, 5, 2, 3, 1, 1, 2, 1, 1, 2, 1, 0, 0}},
    {"6x5, not padded", 9, 8, 1, 0, {6, 5, 1, 3, 1, 1, 0, 0, 0, 0, 1, 0, 0}},
    {"stride larger than the window", 8, 9, 1, 0, {2, 2, 3, 4, 1, 1, 0, 0, 0, 0, 1, 0, 0}},
};

typedef struct {
    double largest, sum;
    int64_t where, count;
} Pooled;

/* One window by plain loops. */
static Pooled pool_one(const Case *c, const double *x, int64_t n, int64_t i, int64_t j, int64_t k)
{
    const WindowAttrs *w = &c->window;
    Pooled pooled = {.largest = -INFINITY};
    for (int64_t ky = 0; ky < w->window_height; ky++)
        for (int64_t kx = 0; kx < w->window_width; kx++) {
            int64_t row = i * w->stride_y + ky - w->pad_top, column = j * w->stride_x + kx - w->pad_left;
            if (row < 0 || row >= c->height || column < 0 || column >= c->width)
                continue;
            double value = x[((n * c->height + row) * c->width + column) * c->channels + k];
            pooled.sum += value;
            pooled.count++;
            if (value > pooled.largest) {
                pooled.largest = value;
                pooled.where = ky * w->window_width + kx;
            }
        }
    return pooled;
}

static void pools_take_real_pixels_only(void **state)
{
    (void)state;
    for (size_t p = 0; p < COUNT(pools); p++) {
        const Case *c = &pools[p];
        Arena *arena = arena_new();
        Graph *graph = graph_new(arena, diag_new(arena), BATCH);
        WindowAttrs window = window_of(c);
        int64_t high, wide;
        outputs_of(&window, &high, &wide);
        NodeId x = picture(graph, "x", c->height, c->width, 1, c->channels);
        add_value(graph, add_pool(graph, OP_maxpool, &window, x), "max");
        add_value(graph, add_pool(graph, OP_maxpool_choice, &window, x), "choice");
        add_value(graph, add_pool(graph, OP_avgpool, &window, x), "avg");
        Run run = run_new(arena, graph, false);
        fill_leaves(&run);
        double *values = leaf_values(&run, "x");
        /* Equal values, of which the first is chosen. */
        for (int64_t e = 0; e < used_elements(graph_type(graph, x)); e++)
            values[e] = round(4 * values[e]) / 4 - 2;
        interp_run(run.interp, SAMPLES);
        for (int64_t n = 0; n < SAMPLES; n++)
            for (int64_t i = 0; i < high; i++)
                for (int64_t j = 0; j < wide; j++)
                    for (int64_t k = 0; k < c->channels; k++) {
                        Pooled wanted = pool_one(c, values, n, i, j, k);
                        int64_t e = ((n * high + i) * wide + j) * c->channels + k;
                        assert_near(c->name, e, result_values(&run, "max")[e], wanted.largest);
                        assert_near(c->name, e, result_values(&run, "choice")[e], (double)wanted.where);
                        assert_near(c->name, e, result_values(&run, "avg")[e],
                                    wanted.sum / (double)wanted.count);
                    }
        arena_free(arena);
    }
}

static void gradients_of_pools_are_their_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(pools); i++) {
        const Case *c = &pools[i / 2];
        Arena *arena = arena_new();
        Graph *graph = graph_new(arena, diag_new(arena), BATCH);
        WindowAttrs window = window_of(c);
        NodeId x = picture(graph, "x", c->height, c->width, 1, c->channels);
        Derived derived =
            derive_gradients(graph, add_pool(graph, i % 2 ? OP_avgpool : OP_maxpool, &window, x));
        check_differences(arena, &derived, c->name);
        check_variants(arena, derived.full, c->name);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_is_the_sum_over_its_windows),
        cmocka_unit_test(transposed_convolution_adds_its_windows),
        cmocka_unit_test(gradients_of_convolutions_are_their_differences),
        cmocka_unit_test(pools_take_real_pixels_only),
        cmocka_unit_test(gradients_of_pools_are_their_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
