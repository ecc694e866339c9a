/* Rewrites that change the function learnt: what they make of a network, by the interpreter in double, and
 * where they leave it alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "compiler/rewrite/rewrite.h"
#include "tests/unit/interpret.h"

static Program *check(Arena *arena, const char *layers)
{
    const CheckOptions options = {.without_data = true};
    const char *text = arena_printf(arena, "model T {\n%s\n}\ntrain {\n batch %d\n}\n", layers, BATCH);
    Program *program = program_check_text(arena, diag_new(arena), "test.cnn", text, &options);
    if (!program)
        fail_msg("the model is not valid:\n%s", layers);
    return program;
}

static Program *stride_for_pool(const Program *program, RewritePlaces *places)
{
    RewritePlaces all[REWRITE_COUNT];
    RewriteOptions options = {.on[REWRITE_STRIDE_FOR_POOL] = true};
    Program *rewritten = rewrite_program(program, &options, all);
    *places = all[REWRITE_STRIDE_FOR_POOL];
    return rewritten;
}

/* The training graph on random leaves; the value of `node` can be read then. */
static Interpreted run(Arena *arena, const Program *program, NodeId node_read)
{
    graph_result(program->train, (Result){.role = RESULT_VALUE, .node = node_read});
    Interpreted run = interpret(arena, program->train);
    for (NodeId id = 0; id < program->train->nodes.count; id++) {
        const Node *node = graph_node(program->train, id);
        if (node->op != OP_leaf)
            continue;
        double *values = interp_values(run.interp, id);
        for (int64_t i = 0; i < type_elements(&node->type); i++)
            values[i] = noise_value(strlen(node->name), (int)i);
    }
    CnnScalars scalars = step_scalars(0.1, 1, SAMPLES);
    interp_scalars(run.interp, &scalars);
    interp_run(run.interp, SAMPLES);
    return run;
}

static NodeId node_of(const Program *program, const char *layer)
{
    for (size_t i = 0; i < program->layers.count; i++)
        if (strcmp(program->layers.items[i].name, layer) == 0)
            return program->layers.items[i].node;
    fail_msg("no layer %s", layer);
    return NODE_NONE;
}

typedef struct {
    const char *layers;        /* conv1 … gelu1 -> maxpool1 */
    int64_t first[2], step[2]; /* rows and columns: the pixel of gelu1 that each pixel of the result is */
} Geometry;

static void assert_sampled(const Geometry *geometry)
{
    Arena *arena = arena_new();
    RewritePlaces places;
    Program *program = check(arena, geometry->layers), *rewritten = stride_for_pool(program, &places);
    assert_int_equal(places.count, 1);
    assert_non_null(strstr(places.items[0], " and maxpool1"));
    NodeId from = node_of(program, "gelu1"), to = node_of(rewritten, "maxpool1");
    Interpreted whole = run(arena, program, from), fewer = run(arena, rewritten, to);
    const Type *many = graph_type(program->train, from), *few = graph_type(rewritten->train, to);
    assert_true(type_equal(few, graph_type(program->train, node_of(program, "maxpool1"))));
    const double *wanted = interp_values(whole.interp, from), *values = interp_values(fewer.interp, to);
    int64_t channels = few->dim[3], at = 0;
    for (int64_t n = 0; n < SAMPLES; n++)
        for (int64_t y = 0; y < few->dim[1]; y++)
            for (int64_t x = 0; x < few->dim[2]; x++)
                for (int64_t c = 0; c < channels; c++) {
                    int64_t row = geometry->first[0] + geometry->step[0] * y,
                            column = geometry->first[1] + geometry->step[1] * x;
                    int64_t pixel = (n * many->dim[1] + row) * many->dim[2] + column;
                    assert_close(values[at++], wanted[pixel * channels + c], 1);
                }
    arena_free(arena);
}

static void the_middle_pixel_of_each_window_is_computed(void **state)
{
    (void)state;
    static const Geometry rows[] = {
        {"input 12x10x2 -> conv 4, 3x3 -> gelu -> maxpool 2", {0, 0}, {2, 2}},
        {"input 13x12x2 -> conv 4, 3x3 -> gelu -> maxpool 2", {0, 0}, {2, 2}}, /* the last row is not used */
        {"input 8x9x2 -> conv 4, 3x3, pad=same -> gelu -> maxpool 2", {0, 0}, {2, 2}},
        {"input 9x9x2 -> conv 4, 3x3, pad=same -> gelu -> maxpool 3, stride=2, pad=1", {0, 0}, {2, 2}},
        {"input 13x11x2 -> conv 4, 3x3 -> gelu -> maxpool 3, stride=2", {1, 1}, {2, 2}},
        {"input 17x16x1 -> conv 4, 3x2, stride=2 -> gelu -> maxpool 2x3", {0, 1}, {2, 3}},
        {"input 14x14x2 -> conv 4, 3x3, dilation=2 -> gelu -> maxpool 2, stride=3x2", {0, 0}, {3, 2}},
        {"input 8x8x4 -> conv 4, 3x3, groups=2, bias=false -> gelu -> maxpool 2", {0, 0}, {2, 2}},
        {"input 8x8x4 -> depthwise 3x3, pad=1 -> gelu -> maxpool 4", {1, 1}, {4, 4}},
        {"input 8x8x2 -> separable 3, 3x3 -> gelu -> maxpool 2", {0, 0}, {2, 2}},
        {"input 9x9x2 -> conv 4, 1x1 -> layernorm -> gelu -> maxpool 3", {1, 1}, {3, 3}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        Geometry geometry = rows[i];
        char layers[300];
        snprintf(layers, sizeof layers, "%s -> flatten -> dense 3 -> softmax", rows[i].layers);
        geometry.layers = layers;
        assert_sampled(&geometry);
    }
}

/* A sum over the pixels counts each of those that are left for as many as there were. */
static void statistics_are_means_of_the_pixels_that_are_left(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    RewritePlaces places;
    Program *program =
        check(arena, "input 10x10x2 -> conv 3, 3x3 -> batchnorm momentum=0 -> relu -> maxpool 2 "
                     "-> flatten -> dense 3 -> softmax");
    Program *rewritten = stride_for_pool(program, &places);
    assert_int_equal(places.count, 1);
    NodeId conv = node_of(rewritten, "conv1");
    Interpreted step = run(arena, rewritten, conv);
    assert_int_equal(graph_type(rewritten->train, conv)->dim[1], 4);
    const double *values = interp_values(step.interp, conv), *mean = NULL;
    for (size_t i = 0; i < rewritten->train->results.count; i++) {
        const Result *result = &rewritten->train->results.items[i];
        if (result->role == RESULT_UPDATE &&
            strcmp(graph_node(rewritten->train, result->target)->name, "batchnorm1.mean") == 0)
            mean = interp_values(step.interp, result->node);
    }
    assert_non_null(mean);
    for (int c = 0; c < 3; c++) {
        double sum = 0;
        for (int i = 0; i < SAMPLES * 16; i++)
            sum += values[3 * i + c];
        assert_close(mean[c], sum / (SAMPLES * 16), 1);
    }
    arena_free(arena);
}

static void what_needs_all_pixels_is_left_alone(void **state)
{
    (void)state;
    static const char *const models[] = {
        "input 8x8x2 -> maxpool 2 -> flatten -> dense 3",
        "input 8x8x2 -> conv 4, 3x3 -> relu -> avgpool 2 -> flatten -> dense 3",
        "input 8x8x2 -> conv 4, 3x3 -> relu -> maxpool 3, stride=1 -> flatten -> dense 3",
        "input 8x8x2 -> conv 4, 3x3 -> relu -> conv 4, 3x3, pad=same -> add { branch { maxpool 2 }\n branch "
        "{ avgpool "
        "2 } } -> flatten -> dense 3",
        "input 9x9x2 -> conv 4, 3x3 -> relu -> dropout 50% -> maxpool 2 -> flatten -> dense 3",
        "input 8x8x2\n a = conv 4, 3x3, pad=same\n from a -> relu -> maxpool 2 -> globalpool\n b = dense 2\n "
        "from a "
        "-> relu -> maxpool 4 -> flatten -> dense 2 -> add b",
        "input 8x8x2\n a = conv 4, 3x3, pad=same\n b = from a -> conv 4, 3x3, pad=same\n from a -> add b -> "
        "maxpool 2 "
        "-> flatten -> dense 3",
    };
    for (size_t i = 0; i < COUNT(models); i++) {
        Arena *arena = arena_new();
        RewritePlaces places;
        Program *program = check(arena, models[i]), *rewritten = stride_for_pool(program, &places);
        if (places.count)
            fail_msg("model %zu: %s", i, places.items[0]);
        assert_ptr_equal(rewritten->train, program->train);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_middle_pixel_of_each_window_is_computed),
        cmocka_unit_test(statistics_are_means_of_the_pixels_that_are_left),
        cmocka_unit_test(what_needs_all_pixels_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
