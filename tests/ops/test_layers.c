/* What layers compute, against plain loops over the user's layout of pictures and kernels. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "compiler/check/program.h"
#include "tests/ops/harness.h"

typedef struct {
    Arena *arena;
    Program *program;
    Run run;
    const double *in, *out;
    Type in_type, out_type;
} Layered;

/* Runs the training or evaluation graph of a model's body on the noise of harness.h. A network ends with a
 * vector, so flatten follows; the shape is that before it. */
static Layered run_body(const char *body, bool training)
{
    Layered layered = {.arena = arena_new()};
    Arena *arena = layered.arena;
    const CheckOptions options = {.batch = BATCH, .without_data = true};
    Diag *diag = diag_new(arena);
    const char *text = arena_printf(arena, "model Sample {\n%s\nflatten\n}\ntrain { loss mse }\n", body);
    layered.program = program_check_text(arena, diag, "sample.cnn", text, &options);
    if (!layered.program || diag_errors(diag)) {
        diag_print(diag, stderr);
        fail_msg("'%s' does not compile", body);
    }
    const Graph *graph = slice_sums(training ? layered.program->train : layered.program->eval);
    layered.run = run_new(arena, graph, false);
    fill_leaves(&layered.run);
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        const LeafAttrs *attrs = node->op == OP_leaf ? node->attrs : NULL;
        if (attrs && attrs->kind == LEAF_INPUT) {
            layered.in = interp_values(layered.run.interp, id);
            layered.in_type = node->type;
        }
    }
    interp_run(layered.run.interp, SAMPLES);
    NodeId output = graph_find_result(graph, RESULT_OUTPUT);
    layered.out = interp_values(layered.run.interp, output);
    const LayerRow *last = &layered.program->layers.items[layered.program->layers.count - 2];
    layered.out_type = *graph_type(layered.program->train, last->node);
    return layered;
}

static void assert_near(double have, double want)
{
    if (!(fabs(have - want) <= 1e-7 * fmax(1, fabs(want))))
        fail_msg("%.15g, expected %.15g", have, want);
}

static void assert_shape(const Layered *layered, const char *shape)
{
    assert_string_equal(type_shape(layered->arena, &layered->out_type), shape);
}

static int64_t flat(const Type *type, int64_t n, int64_t y, int64_t x, int64_t c)
{
    return ((n * type->dim[1] + y) * type->dim[2] + x) * type->dim[3] + c;
}

/* The element, zero outside. */
static double pixel(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    if (y < 0 || y >= l->in_type.dim[1] || x < 0 || x >= l->in_type.dim[2])
        return 0;
    return l->in[flat(&l->in_type, n, y, x, c)];
}

typedef double Expected(const Layered *layered, int64_t n, int64_t y, int64_t x, int64_t c);

static void check_pixels(const char *body, bool training, const char *shape, Expected *expected)
{
    Layered layered = run_body(body, training);
    const Type *out = &layered.out_type;
    assert_shape(&layered, shape);
    for (int64_t n = 0; n < SAMPLES; n++)
        for (int64_t y = 0; y < out->dim[1]; y++)
            for (int64_t x = 0; x < out->dim[2]; x++)
                for (int64_t c = 0; c < out->dim[3]; c++)
                    assert_near(layered.out[flat(out, n, y, x, c)], expected(&layered, n, y, x, c));
    arena_free(layered.arena);
}

/* ---- Convolutions: kernels as the user sees them ---- */

/* 3x3, stride 2, pad=same of 6x7: no row above, one below; one column at each side. Three groups of 2
 * channels and 3 filters. */
static double grouped(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t f)
{
    const double *kernel = leaf_values(&l->run, "conv1.kernel");
    double sum = leaf_values(&l->run, "conv1.bias")[f];
    for (int64_t ky = 0; ky < 3; ky++)
        for (int64_t kx = 0; kx < 3; kx++)
            for (int64_t k = 0; k < 2; k++)
                sum += pixel(l, n, 2 * y + ky, 2 * x + kx - 1, f / 3 * 2 + k) *
                       kernel[((ky * 3 + kx) * 2 + k) * 9 + f];
    return sum;
}

static double depthwise(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t f)
{
    const double *kernel = leaf_values(&l->run, "depthwise1.kernel");
    double sum = leaf_values(&l->run, "depthwise1.bias")[f];
    for (int64_t ky = 0; ky < 2; ky++)
        for (int64_t kx = 0; kx < 3; kx++)
            sum += pixel(l, n, y + ky, x + kx, f / 2) * kernel[((ky * 3 + kx) * 3 + f / 2) * 2 + f % 2];
    return sum;
}

/* Output y takes input i at tap ky where 2 i + ky - 1 = y. */
static double transposed(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t f)
{
    const double *kernel = leaf_values(&l->run, "transposed1.kernel");
    double sum = leaf_values(&l->run, "transposed1.bias")[f];
    for (int64_t ky = 0; ky < 4; ky++)
        for (int64_t kx = 0; kx < 4; kx++)
            for (int64_t k = 0; k < 3; k++)
                if ((y + 1 - ky) % 2 == 0 && (x + 1 - kx) % 2 == 0)
                    sum += pixel(l, n, (y + 1 - ky) / 2, (x + 1 - kx) / 2, k) *
                           kernel[((ky * 4 + kx) * 3 + k) * 2 + f];
    return sum;
}

static void convolutions_take_the_kernels_that_docs_describe(void **state)
{
    (void)state;
    check_pixels("input 6x7x6 -> conv 9, 3x3, stride=2, pad=same, groups=3", true, "3x4x9", grouped);
    check_pixels("input 5x6x3 -> depthwise 2x3, multiplier=2", true, "4x4x6", depthwise);
    check_pixels("input 3x4x3 -> transposed 2, 4x4, stride=2, pad=same", true, "6x8x2", transposed);
}

/* ---- Norms ---- */

typedef struct {
    double mean, variance;
} Moments;

/* Of channels [low, high) of samples [first, last) and rows and columns [y, y1) x [x, x1). */
static Moments moments(const Layered *l, const int64_t first[4], const int64_t last[4])
{
    double sum = 0, squares = 0, count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t n = first[0]; n < last[0]; n++)
            for (int64_t y = first[1]; y < last[1]; y++)
                for (int64_t x = first[2]; x < last[2]; x++)
                    for (int64_t c = first[3]; c < last[3]; c++) {
                        double value = pixel(l, n, y, x, c);
                        if (pass == 0)
                            sum += value, count++;
                        else
                            squares += (value - sum / count) * (value - sum / count);
                    }
    return (Moments){sum / count, squares / count};
}

static double normalized(const Layered *l, const char *layer, Moments m, int64_t n, int64_t y, int64_t x,
                         int64_t c)
{
    const char *gamma = arena_printf(l->arena, "%s.gamma", layer),
               *beta = arena_printf(l->arena, "%s.beta", layer);
    return (pixel(l, n, y, x, c) - m.mean) / sqrt(m.variance + 1e-3) * leaf_values(&l->run, gamma)[c] +
           leaf_values(&l->run, beta)[c];
}

static Moments channel_moments(const Layered *l, int64_t c)
{
    return moments(l, (const int64_t[]){0, 0, 0, c},
                   (const int64_t[]){SAMPLES, l->in_type.dim[1], l->in_type.dim[2], c + 1});
}

static double batchnorm(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    return normalized(l, "batchnorm1", channel_moments(l, c), n, y, x, c);
}

static double batchnorm_eval(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    Moments running = {leaf_values(&l->run, "batchnorm1.mean")[c],
                       leaf_values(&l->run, "batchnorm1.variance")[c]};
    return normalized(l, "batchnorm1", running, n, y, x, c);
}

static double layernorm(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    Moments m =
        moments(l, (const int64_t[]){n, y, x, 0}, (const int64_t[]){n + 1, y + 1, x + 1, l->in_type.dim[3]});
    return normalized(l, "layernorm1", m, n, y, x, c);
}

static double groupnorm(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    Moments m = moments(l, (const int64_t[]){n, 0, 0, c / 2 * 2},
                        (const int64_t[]){n + 1, l->in_type.dim[1], l->in_type.dim[2], c / 2 * 2 + 2});
    return normalized(l, "groupnorm1", m, n, y, x, c);
}

static void norms_take_their_statistics_of_the_right_dims(void **state)
{
    (void)state;
    check_pixels("input 3x4x5 -> batchnorm", true, "3x4x5", batchnorm);
    check_pixels("input 3x4x5 -> batchnorm", false, "3x4x5", batchnorm_eval);
    check_pixels("input 3x4x5 -> layernorm", true, "3x4x5", layernorm);
    check_pixels("input 3x4x6 -> groupnorm 3", true, "3x4x6", groupnorm);
}

static void running_statistics_move_by_the_momentum(void **state)
{
    (void)state;
    Layered l = run_body("input 3x4x2 -> batchnorm momentum=0.9", true);
    int found = 0;
    for (size_t i = 0; i < l.run.graph->results.count; i++) {
        const Result *result = &l.run.graph->results.items[i];
        if (result->role != RESULT_UPDATE)
            continue;
        bool is_mean = strstr(graph_node(l.run.graph, result->target)->name, ".mean");
        for (int64_t c = 0; c < 2; c++) {
            Moments m = channel_moments(&l, c);
            /* What fill_leaves gave it. */
            double old =
                is_mean ? noise_value("batchnorm1.mean", c) : 1.5 + noise_value("batchnorm1.variance", c);
            assert_near(interp_values(l.run.interp, result->node)[c],
                        0.9 * old + 0.1 * (is_mean ? m.mean : m.variance));
        }
        found++;
    }
    assert_int_equal(found, 2);
    arena_free(l.arena);
}

/* ---- Shapes ---- */

static double nearest(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    return pixel(l, n, y / 2, x / 3, c);
}

static int64_t clamped(int64_t i, int64_t extent)
{
    return i < 0 ? 0 : i >= extent ? extent - 1 : i;
}

/* Pixel centres at half, edges repeated: what Keras and PyTorch (align_corners=False) do. */
static double bilinear(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    double v = ((double)y + 0.5) / 2 - 0.5, h = ((double)x + 0.5) / 3 - 0.5;
    int64_t top = (int64_t)floor(v), left = (int64_t)floor(h);
    double sum = 0;
    for (int64_t i = 0; i < 2; i++)
        for (int64_t j = 0; j < 2; j++)
            sum += (i ? v - (double)top : 1 - v + (double)top) *
                   (j ? h - (double)left : 1 - h + (double)left) *
                   pixel(l, n, clamped(top + i, l->in_type.dim[1]), clamped(left + j, l->in_type.dim[2]), c);
    return sum;
}

static double shuffled(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    return pixel(l, n, y, x, c % 2 * 3 + c / 2);
}

static double padded(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    return pixel(l, n, y - 1, x - 3, c);
}

static double cropped(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    return pixel(l, n, y + 1, x + 3, c);
}

static double joined(const Layered *l, int64_t n, int64_t y, int64_t x, int64_t c)
{
    double value = pixel(l, n, y, x, c % 3);
    return c < 3 ? value : c < 6 ? fmax(value, 0) : tanh(value);
}

static void shapes_move_pixels_where_they_belong(void **state)
{
    (void)state;
    check_pixels("input 3x2x2 -> upsample 2x3", true, "6x6x2", nearest);
    check_pixels("input 3x4x2 -> upsample 2x3, bilinear", true, "6x12x2", bilinear);
    check_pixels("input 2x3x6 -> shuffle 2", true, "2x3x6", shuffled);
    check_pixels("input 2x3x2 -> pad [1, 2, 3, 0]", true, "5x6x2", padded);
    check_pixels("input 4x5x2 -> crop [1, 2, 3, 0]", true, "1x2x2", cropped);
    check_pixels("input 2x2x3 -> concat { branch { identity }\nbranch { relu }\nbranch { tanh } }", true,
                 "2x2x9", joined);
}

/* ---- Activations ---- */

static double normal_share(double x)
{
    return 0.5 * (1 + erf(x / sqrt(2)));
}

static double hard(double x)
{
    return fmin(fmax(x + 3, 0), 6) / 6;
}

static double activated(const char *word, double x)
{
    const struct {
        const char *word;
        double value;
    } table[] = {
        {"relu", fmax(x, 0)},
        {"relu6", fmin(fmax(x, 0), 6)},
        {"leaky", x > 0 ? x : 0.3 * x},
        {"leaky 0.1", x > 0 ? x : 0.1 * x},
        {"elu", x > 0 ? x : exp(x) - 1},
        {"elu 2", x > 0 ? x : 2 * (exp(x) - 1)},
        {"gelu", x * normal_share(x)},
        {"silu", x / (1 + exp(-x))},
        {"mish", x * tanh(log1p(exp(x)))},
        {"hswish", x * hard(x)},
        {"hsigmoid", hard(x)},
        {"sigmoid", 1 / (1 + exp(-x))},
        {"tanh", tanh(x)},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        if (strcmp(table[i].word, word) == 0)
            return table[i].value;
    fail_msg("no reference for '%s'", word);
    return 0;
}

static void activations_are_those_of_keras(void **state)
{
    (void)state;
    static const char *const words[] = {"relu", "relu6",  "leaky",    "leaky 0.1", "elu",  "elu 2", "gelu",
                                        "silu", "hswish", "hsigmoid", "sigmoid",   "tanh", "mish"};
    for (size_t i = 0; i < COUNT(words); i++) {
        char body[100];
        snprintf(body, sizeof body, "input 3x4x5 -> rescale 8 -> %s", words[i]);
        Layered l = run_body(body, true);
        for (int64_t e = 0; e < used_elements(&l.out_type); e++)
            assert_near(l.out[e], activated(words[i], 8 * l.in[e]));
        arena_free(l.arena);
    }
}

static void softmax_adds_up_to_one_and_does_not_overflow(void **state)
{
    (void)state;
    Layered l = run_body("input 1x1x5 -> flatten -> rescale 2000 -> softmax", true);
    for (int64_t n = 0; n < SAMPLES; n++) {
        double sum = 0, total = 0, largest = -INFINITY;
        for (int64_t c = 0; c < 5; c++)
            largest = fmax(largest, 2000 * l.in[n * 5 + c]);
        for (int64_t c = 0; c < 5; c++)
            total += exp(2000 * l.in[n * 5 + c] - largest);
        for (int64_t c = 0; c < 5; c++) {
            assert_near(l.out[n * 5 + c], exp(2000 * l.in[n * 5 + c] - largest) / total);
            sum += l.out[n * 5 + c];
        }
        assert_near(sum, 1);
    }
    arena_free(l.arena);
}

static void dropout_is_for_training_only(void **state)
{
    (void)state;
    for (int training = 0; training < 2; training++) {
        Layered l = run_body("input 8x8x8 -> rescale 1, 3 -> dropout 25%", training);
        int64_t elements = used_elements(&l.out_type), dropped = 0;
        for (int64_t e = 0; e < elements; e++) {
            dropped += l.out[e] == 0;
            if (l.out[e] != 0)
                assert_near(l.out[e], (l.in[e] + 3) / (training ? 0.75 : 1));
        }
        double wanted = training ? 0.25 * (double)elements : 0;
        assert_true(fabs((double)dropped - wanted) <= (training ? 5 * sqrt(0.1875 * (double)elements) : 0));
        arena_free(l.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_take_the_kernels_that_docs_describe),
        cmocka_unit_test(norms_take_their_statistics_of_the_right_dims),
        cmocka_unit_test(running_statistics_move_by_the_momentum),
        cmocka_unit_test(shapes_move_pixels_where_they_belong),
        cmocka_unit_test(activations_are_those_of_keras),
        cmocka_unit_test(softmax_adds_up_to_one_and_does_not_overflow),
        cmocka_unit_test(dropout_is_for_training_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
