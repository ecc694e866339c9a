/* What speaks for a class (grad-CAM), against differences of a network that begins where the map lies; where
 * that is; the map between the middles of its cells. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "compiler/commands/heat.h"
#include "compiler/derive/derive.h"
#include "tests/unit/interpret.h"

/* The picture that the network gets, what its convolution makes of it, and the classes. */
enum { HEIGHT = 6, WIDTH = 5, BANDS = 2, ROWS = 4, COLUMNS = 3, FILTERS = 3, CLASSES = 3 };
enum { PIXELS = ROWS * COLUMNS, INSIDE = PIXELS * FILTERS };

static const char *const tail_text = "model Tail { input 4x3x3 -> flatten -> dense 4 -> tanh -> dense %d }\n"
                                     "train { loss %s }\n";

static Program *check(Arena *arena, const char *text)
{
    CheckOptions options = {.without_data = true, .batch = BATCH};
    Diag *diag = diag_new(arena);
    Program *program = program_check_text(arena, diag, "test.cnn", text, &options);
    if (!program)
        diag_print(diag, stderr);
    assert_non_null(program);
    return program;
}

static Interpreted explain(Arena *arena, const char *text)
{
    Graph *graph = derive_explanation(check(arena, text));
    assert_non_null(graph);
    return interpret(arena, graph);
}

static void fill_leaf(const Interpreted *run, const char *name)
{
    NodeId leaf = graph_find_leaf(run->graph, name);
    double *values = interp_values(run->interp, leaf);
    uint64_t seed = 7 + strlen(name) + (uint64_t)name[5];
    for (int i = 0; i < type_elements(graph_type(run->graph, leaf)); i++)
        values[i] = noise_value(seed, i);
}

static void fill_dense(const Interpreted *run)
{
    static const char *const names[] = {"dense1.kernel", "dense1.bias", "dense2.kernel", "dense2.bias"};
    for (int i = 0; i < 4; i++)
        fill_leaf(run, names[i]);
}

/* The convolution of a sample, and tanh. */
static void convolve(const Interpreted *run, int sample, double *out)
{
    const double *input = leaf_values(run, "input") + sample * HEIGHT * WIDTH * BANDS,
                 *kernel = leaf_values(run, "conv1.kernel"), *bias = leaf_values(run, "conv1.bias");
    for (int i = 0; i < INSIDE; i++) {
        int filter = i % FILTERS, x = i / FILTERS % COLUMNS, y = i / FILTERS / COLUMNS;
        double sum = bias[filter];
        for (int k = 0; k < 9 * BANDS; k++)
            sum += input[((y + k / BANDS / 3) * WIDTH + x + k / BANDS % 3) * BANDS + k % BANDS] *
                   kernel[k * FILTERS + filter];
        out[i] = tanh(sum);
    }
}

/* The score of a class where the tail of the network gets these values. */
static double tail_score(const Interpreted *tail, const double *inside, int class_index, int columns)
{
    memcpy(leaf_values(tail, "input"), inside, INSIDE * sizeof *inside);
    interp_run(tail->interp, 1);
    return result_values(tail, RESULT_OUTPUT, NULL)[columns == 1 ? 0 : class_index];
}

/* The map as the paper defines it, by central differences. */
static void expected_map(const Interpreted *tail, double *inside, int class_index, int columns, double sign,
                         double *map)
{
    double weight[FILTERS] = {0};
    const double step = 1e-5;
    for (int i = 0; i < INSIDE; i++) {
        double kept = inside[i];
        inside[i] = kept + step;
        double above = tail_score(tail, inside, class_index, columns);
        inside[i] = kept - step;
        double below = tail_score(tail, inside, class_index, columns);
        inside[i] = kept;
        weight[i % FILTERS] += sign * (above - below) / (2 * step) / PIXELS;
    }
    for (int p = 0; p < PIXELS; p++) {
        double sum = 0;
        for (int k = 0; k < FILTERS; k++)
            sum += weight[k] * inside[p * FILTERS + k];
        map[p] = sum > 0 ? sum : 0;
    }
}

/* A network of `columns` outputs behind `last`, of which classes are asked about by turns. */
static void check_map(int columns, const char *last, const char *loss, bool numbers)
{
    Arena *arena = arena_new();
    Interpreted run = explain(
        arena, arena_printf(arena,
                            "model Whole { input 6x5x2 -> conv 3, 3x3 -> tanh -> flatten -> dense 4 -> tanh\n"
                            "dense %d %s }\ntrain { loss %s }\n",
                            columns, last, loss));
    Interpreted tail =
        interpret(arena, derive_evaluation(check(arena, arena_printf(arena, tail_text, columns, "mse"))));
    fill_leaf(&run, "input");
    fill_leaf(&run, "conv1.kernel");
    fill_leaf(&run, "conv1.bias");
    fill_dense(&run);
    fill_dense(&tail);
    int classes = columns == 1 ? 2 : columns;
    for (int i = 0; i < SAMPLES && !numbers; i++)
        leaf_values(&run, "label")[i] = i % classes;
    CnnScalars scalars = step_scalars(0, 1, SAMPLES), one = step_scalars(0, 1, 1);
    interp_scalars(run.interp, &scalars);
    interp_scalars(tail.interp, &one);
    interp_run(run.interp, SAMPLES);
    double total = 0, largest = 0;
    for (int i = 0; i < SAMPLES; i++) {
        double inside[INSIDE], map[PIXELS], sign = !numbers && columns == 1 && i % classes == 0 ? -1 : 1;
        convolve(&run, i, inside);
        total += sign * tail_score(&tail, inside, i % classes, columns);
        expected_map(&tail, inside, i % classes, columns, sign, map);
        for (int p = 0; p < PIXELS; p++) {
            assert_close(result_values(&run, RESULT_VALUE, "map")[i * PIXELS + p], map[p], 1);
            largest = fmax(largest, map[p]);
        }
    }
    assert_true(largest > 1e-3); /* something speaks for them */
    assert_close(*result_values(&run, RESULT_TOTAL, NULL), total, 10);
    arena_free(arena);
}

static void maps_are_those_of_the_paper(void **state)
{
    (void)state;
    check_map(3, "-> softmax", "cross_entropy", false);
    check_map(3, "", "cross_entropy", false);
    check_map(1, "-> sigmoid", "binary_cross_entropy", false);
    check_map(1, "", "mse", true);
}

/* The dims of the map of a network. */
static void check_place(const char *layers, int rows, int columns, const char *layer)
{
    Arena *arena = arena_new();
    Program *program =
        check(arena, arena_printf(arena, "model A { %s -> dense 3 -> softmax }\ntrain { loss cross_entropy }",
                                  layers));
    Graph *graph = derive_explanation(program);
    assert_non_null(graph);
    const Node *map = graph_node(graph, graph_find_result(graph, RESULT_VALUE));
    assert_int_equal(map->type.rank, 4);
    assert_int_equal(map->type.dim[1], rows);
    assert_int_equal(map->type.dim[2], columns);
    assert_int_equal(map->type.dim[3], 1);
    assert_string_equal(map->name, layer);
    arena_free(arena);
}

static void the_map_lies_behind_the_last_convolution(void **state)
{
    (void)state;
    check_place("input 8x8x1 -> conv 2, 3x3 -> relu -> flatten", 6, 6, "relu1");
    check_place("input 8x8x1 -> conv 2, 3x3 -> batchnorm -> relu -> maxpool 2 -> flatten", 6, 6, "relu1");
    /* one of a single pixel is passed over; what is added belongs to it */
    check_place("input 8x8x1 -> conv 2, 3x3 -> relu -> maxpool 2 -> conv 4, 3x3 -> relu -> flatten", 6, 6,
                "relu1");
    check_place(
        "input 8x8x1 -> conv 2, 3x3 -> relu -> residual { conv 2, 3x3, pad=same } -> relu -> globalpool", 6,
        6, "relu2");
}

static void without_a_convolution_there_is_none(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Program *program = check(arena, "model A { input 8x8x1 -> flatten -> dense 3 -> softmax }\n"
                                    "train { loss cross_entropy }");
    assert_null(derive_explanation(program));
    assert_int_equal(diag_errors(program->diag), 1);
    bool told = false;
    for (int i = 0; diag_slug(program->diag, i); i++)
        told |= strcmp(diag_slug(program->diag, i), "nothing-to-map") == 0;
    assert_true(told);
    arena_free(arena);
}

static void heat_is_linear_between_the_middles(void **state)
{
    (void)state;
    const float map[] = {0, 4, 2, 1}, nothing[4] = {0};
    Heat heat = {.map = map, .rows = 2, .columns = 2};
    assert_close(heat_at(&heat, 0, 0), 0, 1);       /* as the middle of the first cell */
    assert_close(heat_at(&heat, 0.25, 0.75), 1, 1); /* the largest */
    assert_close(heat_at(&heat, 0.25, 0.5), 0.5, 1);
    assert_close(heat_at(&heat, 0.5, 0.5), 7.0 / 16, 1);
    assert_close(heat_at(&heat, 1, 1), 0.25, 1);
    heat.map = nothing;
    assert_close(heat_at(&heat, 0.5, 0.5), 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_those_of_the_paper),
        cmocka_unit_test(the_map_lies_behind_the_last_convolution),
        cmocka_unit_test(without_a_convolution_there_is_none),
        cmocka_unit_test(heat_is_linear_between_the_middles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
