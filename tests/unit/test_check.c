/* The checker: from a text to forward graphs and a recipe. What its messages look like stands in
 * tests/golden/errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/check/bind.h"
#include "compiler/check/compile_args.h"
#include "compiler/check/program.h"
#include "compiler/check/statements.h"
#include "compiler/ops/layer.h"
#include "runtime/train_args.h"
#include "runtime/training.h"

typedef struct {
    Arena *arena;
    Diag *diag;
    Program *program;
} Checked;

static Checked check_with(const char *text, const CheckOptions *options)
{
    Checked checked = {.arena = arena_new()};
    checked.diag = diag_new(checked.arena);
    checked.program = program_check_text(checked.arena, checked.diag, "test.cnn", text, options);
    return checked;
}

static Checked check(const char *text)
{
    return check_with(text, &(CheckOptions){.without_data = true});
}

/* A text that must be right. */
static Checked check_good(const char *text, const CheckOptions *options)
{
    Checked checked = check_with(text, options);
    if (diag_errors(checked.diag)) {
        diag_print(checked.diag, stderr);
        fail_msg("not accepted: %s", text);
    }
    assert_non_null(checked.program);
    return checked;
}

static void forget(Checked checked)
{
    arena_free(checked.arena);
}

/* All that is said of the text, as it is printed. */
static const char *messages(Checked checked)
{
    char *written = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&written, &length);
    assert_non_null(out);
    diag_print(checked.diag, out);
    fclose(out);
    const char *text = arena_text(checked.arena, written, length);
    free(written);
    return text;
}

static bool has_slug(Checked checked, const char *slug)
{
    for (int i = 0; diag_slug(checked.diag, i); i++)
        if (strcmp(diag_slug(checked.diag, i), slug) == 0)
            return true;
    return false;
}

static int64_t parameters(Checked checked)
{
    int64_t sum = 0;
    for (size_t i = 0; i < checked.program->layers.count; i++)
        sum += checked.program->layers.items[i].parameters;
    return sum;
}

static const LayerRow *find_row(Checked checked, const char *name)
{
    for (size_t i = 0; i < checked.program->layers.count; i++)
        if (strcmp(checked.program->layers.items[i].name, name) == 0)
            return &checked.program->layers.items[i];
    fail_msg("there is no layer %s", name);
    return NULL;
}

static void expect_shape(Checked checked, const char *layer, const char *shape)
{
    const LayerRow *row = find_row(checked, layer);
    assert_string_equal(type_shape(checked.arena, graph_type(checked.program->train, row->node)), shape);
}

static const char FASHION[] = "model Fashion {\n"
                              "    input 28x28x1\n"
                              "    conv 32, 3x3 -> relu\n"
                              "    conv 64, 3x3 -> relu -> maxpool 2 -> dropout 25%\n"
                              "    flatten\n"
                              "    dense 128 -> relu -> dropout 50%\n"
                              "    dense 10 -> softmax\n"
                              "}\n"
                              "train {\n"
                              "    loss cross_entropy, smoothing=10%\n"
                              "    optimizer sgd, rate=0.1, momentum=0.9, nesterov=true\n"
                              "    batch 64, accumulate=2\n"
                              "    epochs 5\n"
                              "    clip norm=1.5\n"
                              "    precision bf16\n"
                              "    metrics accuracy, top5\n"
                              "    schedule { warmup 2 epochs -> cosine to=0 }\n"
                              "}\n";

static void a_model_becomes_layers_with_names_shapes_and_parameters(void **state)
{
    (void)state;
    Checked checked = check_good(FASHION, &(CheckOptions){.without_data = true});
    assert_string_equal(checked.program->name, "Fashion");
    expect_shape(checked, "conv1", "26x26x32");
    expect_shape(checked, "conv2", "24x24x64");
    expect_shape(checked, "maxpool1", "12x12x64");
    expect_shape(checked, "flatten1", "9216");
    expect_shape(checked, "softmax1", "10");
    assert_int_equal(find_row(checked, "conv1")->parameters, 320);
    assert_int_equal(parameters(checked), 1199882); /* as Keras counts the same network */
    forget(checked);
}

static void both_graphs_have_an_output_and_the_logits_before_it(void **state)
{
    (void)state;
    Checked checked = check_good(FASHION, &(CheckOptions){.without_data = true});
    const Program *program = checked.program;
    assert_true(program->softmax);
    assert_false(program->sigmoid);
    NodeId train = graph_find_result(program->train, RESULT_OUTPUT);
    NodeId eval = graph_find_result(program->eval, RESULT_OUTPUT);
    assert_int_equal(graph_type(program->train, train)->dim[0], 64);
    assert_int_equal(graph_type(program->eval, eval)->dim[1], 10);
    assert_int_not_equal(program->train_logits, NODE_NONE);
    assert_int_not_equal(program->eval_logits, train);
    assert_int_equal(graph_type(program->eval, program->eval_logits)->dim[1], 10);
    /* dropout is there in training only */
    assert_true(program->train->nodes.count > program->eval->nodes.count);
    forget(checked);
}

static void the_recipe_is_resolved(void **state)
{
    (void)state;
    Checked checked = check_good(FASHION, &(CheckOptions){.without_data = true});
    const Program *program = checked.program;
    assert_string_equal(program->loss->schema.word, "cross_entropy");
    assert_string_equal(program->optimizer->schema.word, "sgd");
    assert_true(program->recipe.rate == 0.1);
    assert_int_equal(program->batch, 64);
    assert_int_equal(program->accumulate, 2);
    assert_int_equal(program->precision, PRECISION_BF16);
    assert_true(program->clip_norm == 1.5 && program->clip_value == 0);
    assert_int_equal(program->metrics.count, 2);
    assert_string_equal(program->metrics.value[1], "top5");
    const CnnStatement *schedule = recipe_find(program->recipe.train, &schedule_schema);
    assert_non_null(schedule);
    assert_int_equal(schedule->body.count, 2);
    const WarmupArgs *warmup = schedule->body.items[0].args;
    assert_true(warmup->over.value == 2 && warmup->over.unit == UNIT_EPOCHS);
    assert_string_equal(schedule->where, "test.cnn:17:5");
    forget(checked);
}

static void presets_stand_where_there_is_no_train_section(void **state)
{
    (void)state;
    Checked checked =
        check_good("model A { input 2x2x1 -> flatten -> dense 3 -> softmax }", &(CheckOptions){0});
    assert_true(has_slug(checked, "missing-train") && has_slug(checked, "missing-data"));
    assert_string_equal(checked.program->loss->schema.word, "cross_entropy");
    assert_string_equal(checked.program->optimizer->schema.word, "adam");
    assert_int_equal(checked.program->batch, 32);
    assert_int_equal(checked.program->accumulate, 1);
    assert_null(checked.program->class_weights);
    forget(checked);
}

/* The width of a dense layer of so many units. */
static void expressions_are_computed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {{"2 + 3 * 4", 14},
                 {"(2 + 3) * 4", 20},
                 {"2 ^ 3 ^ 2", 512},
                 {"7 // 2", 3},
                 {"-7 // 2 + 9", 5},
                 {"-7 % 3 + 5", 7},
                 {"7 % -3 + 5", 3},
                 {"-(-7)", 7},
                 {"min(4, 2, 9)", 2},
                 {"max(4, 2, 9)", 9},
                 {"round(2.5)", 3},
                 {"ceil(2.1)", 3},
                 {"multiple(32 * 0.35, 8)", 16}, /* 8 is less than 0.9 * 11.2 */
                 {"multiple(24 * 1.1, 8)", 24},
                 {"multiple(12, 8)", 16},
                 {"multiple(0.5, 8)", 8},
                 {"floor(2.9)", 2},
                 {"round(32 * 0.35)", 11},
                 {"round(64 / 6)", 11},
                 {"max(1, min(5, 3))", 3},
                 {"floor(-7.5 % 2 * 10)", 5},
                 {"width", 24},
                 {"width // 5", 4},
                 {"later * 2", 48},
                 {"round(20 epochs / 8 epochs)", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena *arena = arena_new();
        const char *text = arena_printf(arena,
                                        "let width = half * 2\nlet half = 12\nlet later = width\n"
                                        "model A { input 1x1x2 -> flatten -> dense %s }",
                                        cases[i].text);
        Checked checked = check_good(text, &(CheckOptions){0});
        int64_t units = graph_type(checked.program->train, find_row(checked, "dense1")->node)->dim[1];
        if (units != cases[i].value)
            fail_msg("%s gives %lld", cases[i].text, (long long)units);
        forget(checked);
        arena_free(arena);
    }
}

static void conditions_choose(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool value;
    } cases[] = {{"1 < 2", true},
                 {"1 == 1.0", true},
                 {"not (1 < 2)", false},
                 {"true and 2 >= 3 or 1 != 2", true},
                 {"false and 1 // 0 == 1", false},
                 {"kind == max", true},
                 {"kind != max", false},
                 {"kind == avg", false},
                 {"size == 3x3", true},
                 {"20% < 30%", true},
                 {"\"a\" == \"a\"", true},
                 {"9007199254740993 > 9007199254740992", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena *arena = arena_new();
        const char *text = arena_printf(
            arena,
            "block b(kind, size) { if %s { dense 7 } else if false { dense 9 } else { dense 8 } }\n"
            "model A { input 1x1x2 -> flatten -> b max, 3x3 }",
            cases[i].text);
        Checked checked = check_good(text, &(CheckOptions){0});
        int64_t units = graph_type(checked.program->train, find_row(checked, "b1.dense1")->node)->dim[1];
        if ((units == 7) != cases[i].value)
            fail_msg("%s chooses %lld", cases[i].text, (long long)units);
        forget(checked);
        arena_free(arena);
    }
}

static void blocks_have_parameters_presets_and_names_of_their_own(void **state)
{
    (void)state;
    Checked checked = check_good("let base = 4\n"
                                 "block unit(channels, window=channels + 1, act=true) {\n"
                                 "    conv channels, window, pad=same\n"
                                 "    if act { relu }\n"
                                 "}\n"
                                 "block twice(n) { repeat n as i { unit base * 2 ^ i } }\n"
                                 "model A {\n"
                                 "    input 8x8x1\n"
                                 "    twice 2\n"
                                 "    unit 3, act=false, name=\"last\" -> unit 5, window=1\n"
                                 "    flatten -> dense 2 -> softmax\n"
                                 "}\n",
                                 &(CheckOptions){0});
    expect_shape(checked, "twice1.unit1.conv1", "8x8x4");
    expect_shape(checked, "twice1.unit2.conv1", "8x8x8");
    expect_shape(checked, "twice1.unit2.relu1", "8x8x8");
    expect_shape(checked, "last.conv1", "8x8x3");
    assert_int_equal(find_row(checked, "last.conv1")->parameters, 4 * 4 * 8 * 3 + 3);
    assert_int_equal(find_row(checked, "unit1.conv1")->parameters, 1 * 3 * 5 + 5);
    forget(checked);
}

static void named_values_and_joins_make_any_graph(void **state)
{
    (void)state;
    Checked checked =
        check_good("block half() { conv in.channels // 2, 1x1 -> concat in }\n"
                   "model A {\n"
                   "    input 8x8x4\n"
                   "    stem = conv 6, 3x3 -> relu\n"
                   "    skip = from stem -> conv 5, 1x1\n"
                   "    from stem -> conv 5, 3x3, pad=same -> add skip\n"
                   "    concat { branch { conv 3, 1x1 }\n"
                   "             repeat 2 as i { branch { conv 4, 2 * i + 1, pad=same } } }\n"
                   "    residual { conv stem.channels + skip.channels, 1x1 }\n"
                   "    half\n"
                   "    residual project=conv { conv 20, 3x3, stride=2, pad=same -> batchnorm }\n"
                   "    relu6 -> globalpool avg -> dense 2 -> softmax\n"
                   "}\n",
                   &(CheckOptions){0});
    expect_shape(checked, "add1", "6x6x5");
    expect_shape(checked, "concat1", "6x6x11");
    expect_shape(checked, "half1.concat1", "6x6x16");
    expect_shape(checked, "residual2", "3x3x20");
    expect_shape(checked, "relu6_1", "3x3x20");
    assert_int_equal(find_row(checked, "residual2")->parameters, 16 * 20 + 2 * 20);
    assert_int_equal(diag_warnings(checked.diag), 2); /* no data, no train: nothing else */
    forget(checked);
}

static void a_bias_is_left_out_where_a_batchnorm_follows_at_once(void **state)
{
    (void)state;
    Checked checked =
        check_good("let norm = true\n"
                   "block bare() { conv 4, 1x1 }\n"
                   "block normed() { batchnorm }\n"
                   "model A {\n"
                   "    input 8x8x4\n"
                   "    conv 4, 1x1 -> batchnorm\n"                   /* conv1: off */
                   "    conv 4, 1x1\n    batchnorm\n"                 /* conv2: off */
                   "    conv 4, 1x1 -> relu -> batchnorm\n"           /* conv3: on */
                   "    conv 4, 1x1\n    if norm { batchnorm }\n"     /* conv4: off */
                   "    conv 4, 1x1\n    if not norm { batchnorm }\n" /* conv5: on, as conv6 follows */
                   "    conv 4, 1x1 -> normed\n"                      /* conv6: off */
                   "    bare -> batchnorm\n"                          /* bare1.conv1: off */
                   "    bare -> relu\n"                               /* bare2.conv1: on */
                   "    repeat 2 { batchnorm -> conv 4, 1x1 }\n"      /* conv7: off, conv8: on */
                   "    conv 4, 1x1, bias=true -> batchnorm\n"        /* conv9: on */
                   "    flatten -> dense 2 -> softmax\n"
                   "}\n",
                   &(CheckOptions){0});
    static const struct {
        const char *layer;
        bool bias;
    } cases[] = {{"conv1", false}, {"conv2", false}, {"conv3", true},        {"conv4", false},
                 {"conv5", true},  {"conv6", false}, {"bare1.conv1", false}, {"bare2.conv1", true},
                 {"conv7", false}, {"conv8", true},  {"conv9", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (find_row(checked, cases[i].layer)->parameters != (cases[i].bias ? 20 : 16))
            fail_msg("the bias of %s is wrong", cases[i].layer);
    forget(checked);
}

static void the_standard_library_has_mobilenet_as_published(void **state)
{
    (void)state;
    static const char text[] =
        "import \"mobilenet\"\n"
        "model M(width=1.0) { input 224x224x3 -> mobilenet_v2 width\n dense 1000 -> softmax }";
    Checked checked = check_good(text, &(CheckOptions){0});
    assert_int_equal(parameters(checked),
                     3504872); /* Sandler et al., table 4: 3.4 M; Keras, trainable: 3,504,872 */
    forget(checked);
    const char *defines[] = {"width=1.4"};
    checked = check_good(text, &(CheckOptions){.defines = defines, .define_count = 1});
    assert_true(parameters(checked) > 6000000 &&
                parameters(checked) < 7000000); /* 6.9 M with batchnorm's statistics */
    forget(checked);
}

static void the_command_line_has_the_last_word(void **state)
{
    (void)state;
    const char *defines[] = {"width=8"};
    const char *sets[] = {"train.optimizer.rate=1e-4", "train.optimizer=adam", "train.epochs=7",
                          "train.precision.type=f32"};
    Checked checked = check_good(
        "let width = 4\n"
        "model A { input 1x1x1 -> flatten -> dense width -> dense 2 }\n"
        "train { optimizer sgd, rate=0.5\n precision bf16\n batch 8\n epochs 3 }",
        &(CheckOptions){.defines = defines, .define_count = 1, .sets = sets, .set_count = 4, .batch = 5});
    assert_int_equal(graph_type(checked.program->train, find_row(checked, "dense1")->node)->dim[1], 8);
    assert_string_equal(checked.program->optimizer->schema.word, "adam");
    assert_true(checked.program->recipe.rate == 1e-4);
    assert_int_equal(checked.program->precision, PRECISION_F32);
    assert_int_equal(checked.program->batch, 5);
    CountArgs none;
    const CountArgs *epochs = recipe_args(checked.program->recipe.train, &epochs_schema, &none);
    assert_int_equal(epochs->count, 7);
    forget(checked);
}

static void a_setting_that_does_not_fit_is_reported(void **state)
{
    (void)state;
    static const struct {
        const char *define, *set, *message;
    } cases[] = {
        {"widht=3", NULL, "did you mean 'width'?"},
        {"width", NULL, "-D takes NAME=VALUE, not 'width'"},
        {"width=1 2", NULL, "-D:1:"},
        {"width=true", NULL, "'units' of 'dense' takes an integer"},
        {"width=3\nmodel B { }\n", NULL, "[bad-setting]"},
        {NULL, "train.bach=3", "--set:1:9: error: there is no statement 'bach' in 'train'"},
        {NULL, "train.batch.sise=3", "did you mean 'size'?"},
        {NULL, "train.batch=0", "--set:1:15: error: 'size' of 'batch' takes an integer from 1"},
        {NULL, "trian.batch=3", "--set takes a section data, train or compile"},
        {NULL, "train.batch", "--set takes SECTION.STATEMENT=VALUE"},
        {NULL, "train.a.b.c=3", "--set takes SECTION.STATEMENT=VALUE"},
        {NULL, "train.batch=3 } train {", "[bad-setting]"},
        {NULL, "train.batch=3 -> epochs 2", "[bad-setting]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CheckOptions options = {.defines = &cases[i].define,
                                .define_count = cases[i].define != NULL,
                                .sets = &cases[i].set,
                                .set_count = cases[i].set != NULL};
        Checked checked = check_with(
            "let width = 4\nmodel A { input 1x1x1 -> flatten -> dense width -> dense 2 }", &options);
        const char *text = messages(checked);
        assert_null(checked.program);
        if (!strstr(text, cases[i].message))
            fail_msg("expected \"%s\", found:\n%s", cases[i].message, text);
        forget(checked);
    }
}

static void class_weights_are_one_for_each_class(void **state)
{
    (void)state;
    static const char form[] =
        "model A { input 1x1x4 -> flatten -> dense 3 -> softmax }\ntrain { loss cross_entropy, weights=%s }";
    char text[200];
    snprintf(text, sizeof text, form, "[1, 0.5, 2]");
    Checked checked = check_good(text, &(CheckOptions){0});
    assert_true(checked.program->class_weights[1] == 0.5f && checked.program->class_weights[2] == 2);
    forget(checked);
    static const char *const wrong[] = {"[1, 2]", "[0, 0, 0]", "[1, -1, 2]", "3", "equal"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, form, wrong[i]);
        checked = check(text);
        assert_null(checked.program);
        assert_int_equal(diag_errors(checked.diag), 1);
        forget(checked);
    }
}

static void a_mistake_is_reported_once_and_leads_to_no_other(void **state)
{
    (void)state;
    static const struct {
        const char *body, *slug;
    } cases[] = {
        {"input 8x8x1\n stem = conv 4, 3x3, strides=2\n from stem -> add stem -> flatten\n dense 3",
         "unknown-parameter"},
        {"input 8x8x1\n repeat 5 { conv 4, 3x3, strides=2 }\n flatten -> dense 3", "unknown-parameter"},
        {"input 8x8x1\n conv 4, 9x9 -> conv 4, 9x9 -> flatten\n dense 3", "window-too-large"},
        {"input 8x8x1\n let n = 1 // 0\n conv n, 3x3 -> flatten\n dense n + 1", "division-by-zero"},
        {"input data.shape\n conv data.classes, 3x3 -> flatten\n dense data.classes", "unknown-data"},
        {"conv 4, 3x3 -> flatten\n dense 3", "missing-input"},
        {"input 4x4x1\n convv 4, 3x3 -> flatten\n dense 3", "unknown-statement"},
        {"input 4x4x1\n from nothing -> flatten\n dense 3", "unknown-name"},
        {"input 4x4x1\n if 1 { relu }\n flatten -> dense 3", "wrong-type"},
        {"input 4x4x1\n residual { conv 4, 5x5 -> conv 1, 1x1 } -> flatten\n dense 3", "window-too-large"},
        {"input 4x4x1\n concat { branch { conv 4, 5x5 }\n branch { relu } } -> flatten\n dense 3",
         "window-too-large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena *arena = arena_new();
        Checked checked = check(arena_printf(arena, "model A {\n %s -> softmax\n}", cases[i].body));
        bool once = diag_errors(checked.diag) == 1 || strcmp(cases[i].slug, "unknown-data") == 0;
        if (!once || !has_slug(checked, cases[i].slug) || checked.program) {
            diag_print(checked.diag, stderr);
            fail_msg("%s: not one '%s'", cases[i].body, cases[i].slug);
        }
        forget(checked);
        arena_free(arena);
    }
}

static void a_mistake_in_a_block_shows_the_calls_that_led_there(void **state)
{
    (void)state;
    Checked checked =
        check("block inner(n) { conv n, 9 }\nblock outer() { inner 3 }\nmodel A { input 8x8x1\n outer }");
    const char *text = messages(checked);
    const char *error = strstr(text, "test.cnn:1:26: error: the window is 9 pixels high");
    const char *inner = strstr(text, "test.cnn:2:17: note: in block 'inner', called here");
    const char *outer = strstr(text, "test.cnn:4:2: note: in block 'outer', called here");
    assert_true(error && inner && outer && error < inner && inner < outer);
    assert_non_null(strstr(text, "test.cnn:3:11: note: the input is 8x8x1"));
    forget(checked);
}

static void odd_models_are_warned_of(void **state)
{
    (void)state;
    Checked checked =
        check_good("model A {\n input 8x8x1\n stem = conv 4, 3x3 -> relu\n side = conv 8, 3x3 -> relu\n"
                   " from stem -> flatten -> dense 10 -> softmax -> softmax\n}",
                   &(CheckOptions){0});
    assert_true(has_slug(checked, "unused-value"));
    assert_true(has_slug(checked, "softmax-twice"));
    assert_int_equal(diag_warnings(checked.diag), 4);
    forget(checked);
}

static void any_text_costs_a_bounded_amount(void **state)
{
    (void)state;
    Checked checked =
        check("block nothing() { repeat 1000000000000 { let a = 1 } }\nmodel A { input 2x2x1\n nothing }");
    assert_true(has_slug(checked, "too-large") && diag_errors(checked.diag) == 1);
    forget(checked);
    checked = check(
        "model A { input 2x2x1\n repeat 60 { concat { branch { identity }\n branch { relu } } }\n flatten }");
    assert_true(has_slug(checked, "too-large"));
    forget(checked);
    /* 40 blocks that call the one before twice */
    Arena *arena = arena_new();
    Text text = {.arena = arena};
    text_printf(&text, "block b0() { relu }\n");
    for (int i = 1; i < 40; i++)
        text_printf(&text, "block b%d() { b%d -> b%d }\n", i, i - 1, i - 1);
    text_printf(&text, "model A { input 2x2x1\n b39\n flatten -> dense 2 }\n");
    checked = check(text_string(&text));
    assert_true(has_slug(checked, "too-large") && diag_errors(checked.diag) == 1);
    forget(checked);
    /* 1000 blocks, each calling the next; constants likewise */
    text = (Text){.arena = arena};
    for (int i = 0; i < 1000; i++)
        text_printf(&text, "let c%d = c%d + 1\nblock b%d() { b%d }\n", i, i + 1, i, i + 1);
    text_printf(
        &text, "let c1000 = 1\nblock b1000() { relu }\nmodel A { input 2x2x1\n b0\n flatten -> dense c0 }\n");
    checked = check(text_string(&text));
    assert_true(has_slug(checked, "too-deep") && diag_errors(checked.diag) == 1);
    forget(checked);
    arena_free(arena);
}

static void a_thousand_layers_are_checked_in_order(void **state)
{
    (void)state;
    Checked checked = check_good(
        "model A { input 2x2x1\n repeat 5000 { conv 2, 1x1 -> relu }\n flatten -> dense 2 -> softmax }",
        &(CheckOptions){0});
    assert_int_equal(checked.program->layers.count, 10003);
    expect_shape(checked, "conv5000", "2x2x2");
    forget(checked);
}

/* What program_print writes of a model without joins is a model: the same program. */
static void a_printed_program_is_the_same_program(void **state)
{
    (void)state;
    Checked first = check_good(FASHION, &(CheckOptions){.without_data = true});
    Text once = {.arena = first.arena}, twice = {.arena = first.arena};
    program_print(first.program, &once);
    Checked second = check_good(text_string(&once), &(CheckOptions){.without_data = true});
    program_print(second.program, &twice);
    assert_string_equal(text_string(&once), text_string(&twice));
    assert_int_equal(parameters(first), parameters(second));
    assert_non_null(strstr(text_string(&once), "optimizer sgd, rate=0.1, decay=0"));
    forget(second);
    forget(first);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* What a file imports it does not pass on. */
static void files_import_the_names_of_others(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_check_XXXXXX", path[300];
    assert_non_null(mkdtemp(folder));
    write_file(folder, "deep.cnn", "let deep = 3\nblock low(n) { dense n + deep }\n");
    write_file(folder, "parts.cnn",
               "import \"./deep.cnn\"\nlet base = deep + 1\nblock high(n) { low n -> dense base }\n"
               "model Unused { input 1x1x1 }\n");
    write_file(folder, "good.cnn",
               "import \"./parts.cnn\"\nimport \"./parts.cnn\"\n"
               "model A { input 1x1x1 -> flatten -> high base }\n");
    write_file(folder, "wrong.cnn",
               "import \"./parts.cnn\"\nmodel A { input 1x1x1 -> flatten -> low deep }\n");
    write_file(folder, "twice.cnn",
               "import \"./parts.cnn\"\nlet base = 2\nmodel A { input 1x1x1 -> flatten -> high 2 }\n");
    static const struct {
        const char *name, *slug;
    } cases[] = {{"good.cnn", NULL}, {"wrong.cnn", "unknown-statement"}, {"twice.cnn", "duplicate-name"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Checked checked = {.arena = arena_new()};
        checked.diag = diag_new(checked.arena);
        snprintf(path, sizeof path, "%s/%s", folder, cases[i].name);
        checked.program = program_check(checked.arena, checked.diag, path, &(CheckOptions){0});
        assert_int_equal(checked.program != NULL, cases[i].slug == NULL);
        if (cases[i].slug)
            assert_true(has_slug(checked, cases[i].slug));
        else
            expect_shape(checked, "high1.low1.dense1", "7");
        forget(checked);
    }
    static const char *const names[] = {"deep.cnn", "parts.cnn", "good.cnn", "wrong.cnn", "twice.cnn"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void check_examples(const Schema *const *schemas, SchemaPlace place, const char *form)
{
    for (; *schemas; schemas++) {
        if (!((*schemas)->places & place) || (*schemas)->planned)
            continue;
        Arena *arena = arena_new();
        Text text = {.arena = arena};
        text_printf(&text, form, (*schemas)->example);
        Checked checked = check_with(text_string(&text), &(CheckOptions){.without_data = true});
        if (diag_errors(checked.diag)) {
            diag_print(checked.diag, stderr);
            fail_msg("the example of '%s' is wrong", (*schemas)->word);
        }
        forget(checked);
        arena_free(arena);
    }
}

#define MODEL "model A { input 8x8x4\n conv 2, 3x3 -> flatten -> dense 2 -> softmax }\n"

static void the_examples_of_all_schemas_are_accepted(void **state)
{
    (void)state;
    check_examples(data_schemas, IN_DATA, MODEL "data {\n%s\n}");
    check_examples(data_schemas, IN_AUGMENT, MODEL "data { augment {\n%s\n} }");
    check_examples(train_schemas, IN_TRAIN, MODEL "train {\n%s\n}");
    check_examples(train_schemas, IN_SCHEDULE, MODEL "train { schedule {\n%s\n} }");
    check_examples(train_schemas, IN_RATES, MODEL "train { rates {\n%s\n} }");
    check_examples(compile_schemas, IN_COMPILE, MODEL "compile {\n%s\n}");
    for (const Optimizer *const *optimizer = optimizer_table; *optimizer; optimizer++)
        check_examples((const Schema *const[]){&(*optimizer)->schema, NULL},
                       (SchemaPlace)(*optimizer)->schema.places, MODEL "train {\n%s\n}");
    for (const Loss *const *loss = loss_table; *loss; loss++)
        check_examples((const Schema *const[]){&(*loss)->schema, NULL}, (SchemaPlace)(*loss)->schema.places,
                       MODEL "train {\n%s\n}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_becomes_layers_with_names_shapes_and_parameters),
        cmocka_unit_test(both_graphs_have_an_output_and_the_logits_before_it),
        cmocka_unit_test(the_recipe_is_resolved),
        cmocka_unit_test(presets_stand_where_there_is_no_train_section),
        cmocka_unit_test(expressions_are_computed),
        cmocka_unit_test(conditions_choose),
        cmocka_unit_test(blocks_have_parameters_presets_and_names_of_their_own),
        cmocka_unit_test(named_values_and_joins_make_any_graph),
        cmocka_unit_test(a_bias_is_left_out_where_a_batchnorm_follows_at_once),
        cmocka_unit_test(the_standard_library_has_mobilenet_as_published),
        cmocka_unit_test(the_command_line_has_the_last_word),
        cmocka_unit_test(a_setting_that_does_not_fit_is_reported),
        cmocka_unit_test(class_weights_are_one_for_each_class),
        cmocka_unit_test(a_mistake_is_reported_once_and_leads_to_no_other),
        cmocka_unit_test(a_mistake_in_a_block_shows_the_calls_that_led_there),
        cmocka_unit_test(odd_models_are_warned_of),
        cmocka_unit_test(any_text_costs_a_bounded_amount),
        cmocka_unit_test(a_thousand_layers_are_checked_in_order),
        cmocka_unit_test(a_printed_program_is_the_same_program),
        cmocka_unit_test(files_import_the_names_of_others),
        cmocka_unit_test(the_examples_of_all_schemas_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
