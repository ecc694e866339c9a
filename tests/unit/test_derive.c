/* The steps that are derived: losses and their gradients and metrics against formulas, through the
 * interpreter in double; storage in 16 bits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "compiler/derive/derive.h"
#include "runtime/augment/mix.h"
#include "tests/unit/interpret.h"

enum { CLASSES = 7 };

/* ---- Losses ---- */

typedef struct {
    const char *loss;
    int columns; /* outputs of the network */
    OpId last;   /* OP_sigmoid, OP_exp (stands for softmax), OP_leaf (nothing) */
    bool balance;
    double smoothing, gamma, alpha;
    const float *weights;
    Precision precision;
    bool top5, mixed; /* mixed: labels of `mixup` */
} Setting;

static const Loss *find_loss(const char *word)
{
    for (int i = 0; loss_table[i]; i++)
        if (strcmp(loss_table[i]->schema.word, word) == 0)
            return loss_table[i];
    fail_msg("no loss %s", word);
    return NULL;
}

static void *loss_args(Arena *arena, const Setting *setting)
{
    const Schema *schema = &find_loss(setting->loss)->schema;
    char *args = arena_alloc(arena, schema->args_bytes);
    schema_defaults(schema, args);
    for (const Field *field = schema->fields; field->name; field++) {
        if (strcmp(field->name, "smoothing") == 0)
            *(double *)(args + field->offset) = setting->smoothing;
        if (strcmp(field->name, "gamma") == 0)
            *(double *)(args + field->offset) = setting->gamma;
        if (strcmp(field->name, "alpha") == 0)
            *(double *)(args + field->offset) = setting->alpha;
        if (strcmp(field->name, "balance") == 0)
            *(bool *)(args + field->offset) = setting->balance;
    }
    return args;
}

static NodeId last_layer(Make make, OpId last, NodeId logits)
{
    if (last == OP_leaf)
        return logits;
    if (last == OP_sigmoid)
        return make_unary(make, OP_sigmoid, logits);
    NodeId power = make_unary(make, OP_exp, make_sub(make, logits, make_maximum_over(make, logits, 2u)));
    return make_div(make, power, make_sum(make, power, 2u));
}

static const CnnStatement mixup = {.schema = &mixup_schema, .args = &(double){0.2}};
static const CnnStatement mixing = {.schema = &augment_schema, .body = {1, &mixup}};

/* A program whose network is x [batch, columns] times `w`, and its last layer; optimizer sgd with rate 1, so
 * that what the weight loses in a step is its gradient. */
static Program *new_program(Arena *arena, const Setting *setting)
{
    Program *program = NEW(arena, Program);
    Make make = new_graph(arena);
    NodeId x = add_leaf(make, "input", LEAF_INPUT, batched(setting->columns));
    NodeId w = add_leaf(make, "w", LEAF_PARAMETER, plain(1, setting->columns, 0));
    NodeId logits = make_mul(make, x, w);
    NodeId output = last_layer(make, setting->last, logits);
    graph_result(make.graph, (Result){.role = RESULT_OUTPUT, .node = output});
    program->arena = arena;
    program->diag = make.graph->diag;
    program->train = program->eval = make.graph;
    program->train_logits = program->eval_logits = setting->last == OP_leaf ? NODE_NONE : logits;
    program->softmax = setting->last == OP_exp;
    program->sigmoid = setting->last == OP_sigmoid;
    program->loss = find_loss(setting->loss);
    program->loss_args = loss_args(arena, setting);
    program->class_weights = setting->weights;
    program->optimizer = optimizer_table[0];
    void *args = arena_alloc(arena, program->optimizer->schema.args_bytes);
    schema_defaults(&program->optimizer->schema, args);
    program->optimizer_args = args;
    program->accumulate = 1;
    program->batch = BATCH;
    program->precision = setting->precision;
    static const char *const top5 = "top5";
    program->metrics = setting->top5 ? (Names){1, &top5} : (Names){0};
    if (setting->mixed)
        program->recipe.data = (CnnStatements){1, &mixing};
    return program;
}

static double label_of(int sample, int columns)
{
    return sample * 3 % (columns > 1 ? columns : 2);
}

/* Of mixed labels: the other class, which may be the same, and its share. */
static double other_of(int sample, int columns)
{
    return (sample + 1) % (columns > 1 ? columns : 2);
}

static double share_of(int sample)
{
    return sample / (2.0 * SAMPLES);
}

/* What the label, or the mixed ones, say of a column. */
static double target_of(const Setting *setting, int sample, int column)
{
    double label = label_of(sample, setting->columns), other = other_of(sample, setting->columns);
    double share = setting->mixed ? share_of(sample) : 0;
    if (setting->columns == 1)
        return (1 - share) * label + share * other;
    return (1 - share) * (column == label) + share * (column == other);
}

/* The weight of a sample. */
static double weight_of(const Setting *setting, int sample)
{
    double share = setting->mixed ? share_of(sample) : 0;
    return (1 - share) * (double)setting->weights[(int)label_of(sample, setting->columns)] +
           share * (double)setting->weights[(int)other_of(sample, setting->columns)];
}

/* A sample's loss by its formula, in probabilities; target: of each column. */
static double formula(const Setting *setting, const double *z, const double *target)
{
    int columns = setting->columns;
    double p[CLASSES], t[CLASSES], sum = 0, loss = 0;
    for (int i = 0; i < columns; i++)
        sum += exp(z[i]);
    for (int i = 0; i < columns; i++) {
        p[i] = setting->last == OP_leaf      ? z[i]
               : setting->last == OP_sigmoid ? 1 / (1 + exp(-z[i]))
                                             : exp(z[i]) / sum;
        t[i] = target[i];
    }
    double share = setting->last == OP_sigmoid ? 0.5 : 1.0 / columns;
    for (int i = 0; i < columns; i++) {
        double s = (1 - setting->smoothing) * t[i] + setting->smoothing * share, mean = 1.0 / columns;
        double binary = -s * log(p[i]) - (1 - s) * log(1 - p[i]), truth = s * p[i] + (1 - s) * (1 - p[i]);
        double side = setting->balance ? s * setting->alpha + (1 - s) * (1 - setting->alpha) : 1;
        if (strcmp(setting->loss, "mse") == 0)
            loss += mean * (p[i] - t[i]) * (p[i] - t[i]);
        else if (strcmp(setting->loss, "mae") == 0)
            loss += mean * fabs(p[i] - t[i]);
        else if (strcmp(setting->loss, "cross_entropy") == 0)
            loss -= s * log(p[i]);
        else if (strcmp(setting->loss, "binary_cross_entropy") == 0)
            loss += mean * binary;
        else if (setting->last == OP_sigmoid)
            loss += mean * side * pow(1 - truth, setting->gamma) * binary;
        else
            loss -= setting->alpha * pow(1 - p[i], setting->gamma) * s * log(p[i]);
    }
    return loss;
}

static double expected_loss(const Setting *setting, const double *z, int sample)
{
    double target[CLASSES];
    for (int i = 0; i < setting->columns; i++)
        target[i] = target_of(setting, sample, i);
    return formula(setting, z, target) * (setting->weights ? weight_of(setting, sample) : 1);
}

/* The loss of a step, its sum over the samples, and the gradient, all against the formula. */
static void check_loss(Setting setting)
{
    Arena *arena = arena_new();
    const Program *program = new_program(arena, &setting);
    Graph *graph = slice_sums(derive_training(program));
    graph_verify(graph, "slice");
    assert_int_equal(diag_errors(program->diag), 0);
    Interpreted run = interpret(arena, graph);
    CnnScalars scalars = step_scalars(1.0, 1, SAMPLES);
    interp_scalars(run.interp, &scalars);
    const int columns = setting.columns;
    double *x = leaf_values(&run, "input"), *w = leaf_values(&run, "w"), *label = leaf_values(&run, "label");
    double start[CLASSES], losses = 0;
    for (int i = 0; i < columns; i++)
        start[i] = w[i] = 1.5 + noise_value(4, i);
    for (int n = 0; n < SAMPLES; n++) {
        double z[CLASSES];
        double *own = label + n * (setting.mixed ? 3 : 1);
        own[0] = label_of(n, columns);
        if (setting.mixed) {
            own[1] = other_of(n, columns);
            own[2] = share_of(n) * MIXED_LABEL_ONE;
        }
        for (int i = 0; i < columns; i++)
            z[i] = (x[n * columns + i] = 2 * noise_value(3, n * columns + i)) * w[i];
        losses += expected_loss(&setting, z, n);
    }
    interp_run(run.interp, SAMPLES);
    double inverse = (double)scalars.inverse_count;
    assert_close(*result_values(&run, RESULT_TOTAL, "loss"), losses, 1 + losses);
    assert_close(*result_values(&run, RESULT_LOSS, NULL), losses * inverse, 1 + losses);
    for (int k = 0; k < columns; k++) {
        double slope = 0, step = 1e-5;
        for (int side = -1; side <= 1; side += 2)
            for (int n = 0; n < SAMPLES; n++) {
                double z[CLASSES];
                for (int i = 0; i < columns; i++)
                    z[i] = x[n * columns + i] * (start[i] + (i == k ? side * step : 0));
                slope += side * expected_loss(&setting, z, n) / (2 * step);
            }
        assert_close(start[k] - w[k], slope * inverse, 1 + fabs(slope));
    }
    arena_free(arena);
}

static const float weights[CLASSES] = {0.5f, 2.0f, 1.0f, 0.25f, 3.0f, 1.5f, 1.0f};

static void cross_entropy_is_that_of_the_softmax(void **state)
{
    (void)state;
    check_loss((Setting){.loss = "cross_entropy", .columns = 5, .last = OP_exp});
    check_loss((Setting){.loss = "cross_entropy", .columns = 5, .last = OP_exp, .smoothing = 0.1});
    check_loss((Setting){.loss = "cross_entropy", .columns = 5, .last = OP_exp, .weights = weights});
}

static void binary_cross_entropy_is_that_of_the_sigmoid(void **state)
{
    (void)state;
    check_loss((Setting){.loss = "binary_cross_entropy", .columns = 1, .last = OP_sigmoid});
    check_loss(
        (Setting){.loss = "binary_cross_entropy", .columns = 1, .last = OP_sigmoid, .weights = weights});
    check_loss((Setting){.loss = "binary_cross_entropy", .columns = 4, .last = OP_sigmoid, .smoothing = 0.2});
}

static void focal_loss_fades_what_is_known(void **state)
{
    (void)state;
    check_loss((Setting){.loss = "focal", .columns = 5, .last = OP_exp, .gamma = 2, .alpha = 0.25});
    check_loss(
        (Setting){.loss = "focal", .columns = 5, .last = OP_exp, .gamma = 0, .alpha = 1, .weights = weights});
    check_loss((Setting){.loss = "focal", .columns = 1, .last = OP_sigmoid, .gamma = 2, .alpha = 0.25});
    check_loss((Setting){
        .loss = "focal", .columns = 1, .last = OP_sigmoid, .gamma = 1.5, .alpha = 0.25, .balance = true});
}

static void errors_are_means_over_the_outputs(void **state)
{
    (void)state;
    check_loss((Setting){.loss = "mse", .columns = 1, .last = OP_leaf});
    check_loss((Setting){.loss = "mae", .columns = 1, .last = OP_leaf});
    check_loss((Setting){.loss = "mse", .columns = 4, .last = OP_exp, .weights = weights});
    check_loss((Setting){.loss = "mae", .columns = 4, .last = OP_sigmoid});
}

/* Large logits neither overflow nor lose the gradient. */
static void losses_stay_finite_for_any_logits(void **state)
{
    (void)state;
    const Setting settings[] = {{.loss = "cross_entropy", .columns = 2, .last = OP_exp},
                                {.loss = "focal", .columns = 2, .last = OP_exp, .gamma = 0.5, .alpha = 1},
                                {.loss = "binary_cross_entropy", .columns = 1, .last = OP_sigmoid},
                                {.loss = "focal", .columns = 1, .last = OP_sigmoid, .gamma = 0.5}};
    for (size_t k = 0; k < COUNT(settings); k++) {
        Arena *arena = arena_new();
        Interpreted run = interpret(arena, slice_sums(derive_training(new_program(arena, &settings[k]))));
        CnnScalars scalars = step_scalars(1.0, 1, SAMPLES);
        interp_scalars(run.interp, &scalars);
        double *x = leaf_values(&run, "input");
        static const double large[] = {1e4, -1e4, 0, 1e-300, 90, -90};
        for (int i = 0; i < SAMPLES * settings[k].columns; i++)
            x[i] = large[i % 6];
        double *w = leaf_values(&run, "w");
        w[0] = 1;
        interp_run(run.interp, SAMPLES);
        assert_true(isfinite(*result_values(&run, RESULT_LOSS, NULL)));
        assert_true(isfinite(w[0]));
        arena_free(arena);
    }
}

/* A step of a network of three columns, from inputs and weights that are the same each time. Returns the
 * weights. */
static double *step_of_three(Interpreted *run, const CnnScalars *scalars)
{
    double *x = leaf_values(run, "input"), *w = leaf_values(run, "w");
    for (int i = 0; i < SAMPLES * 3; i++)
        x[i] = noise_value(3, i);
    for (int i = 0; i < 3; i++)
        w[i] = 1 + noise_value(4, i);
    interp_scalars(run->interp, scalars);
    interp_run(run->interp, SAMPLES);
    return w;
}

/* `nan skip` and `back`: an update is made as without them, or not at all. */
static void guarded_updates_need_finite_numbers(void **state)
{
    (void)state;
    const Setting setting = {.loss = "cross_entropy", .columns = 3, .last = OP_exp};
    double kept[3][3];
    for (int guarded = 0; guarded < 2; guarded++) {
        Arena *arena = arena_new();
        Program *program = new_program(arena, &setting);
        program->guarded = guarded;
        Interpreted run = interpret(arena, slice_sums(derive_training(program)));
        CnnScalars scalars = step_scalars(1.0, 1, SAMPLES);
        double *w = step_of_three(&run, &scalars);
        memcpy(kept[guarded], w, sizeof kept[0]);
        if (guarded) {
            assert_true(*result_values(&run, RESULT_FINITE, NULL) == 1);
            leaf_values(&run, "input")[4] = NAN;
            interp_run(run.interp, SAMPLES);
            assert_true(*result_values(&run, RESULT_FINITE, NULL) == 0);
            memcpy(kept[2], w, sizeof kept[0]);
        } else {
            assert_true(graph_find_result(run.graph, RESULT_FINITE) == NODE_NONE);
        }
        arena_free(arena);
    }
    assert_memory_equal(kept[1], kept[0], sizeof kept[0]);
    assert_memory_equal(kept[2], kept[1], sizeof kept[0]);
}

static void an_output_that_does_not_fit_the_loss_is_refused(void **state)
{
    (void)state;
    const Setting settings[] = {{.loss = "cross_entropy", .columns = 1, .last = OP_leaf},
                                {.loss = "cross_entropy", .columns = 4, .last = OP_sigmoid},
                                {.loss = "binary_cross_entropy", .columns = 1, .last = OP_leaf},
                                {.loss = "focal", .columns = 1, .last = OP_leaf},
                                {.loss = "mse", .columns = 1, .last = OP_leaf, .weights = weights}};
    for (size_t k = 0; k < COUNT(settings); k++) {
        Arena *arena = arena_new();
        const Program *program = new_program(arena, &settings[k]);
        assert_null(derive_training(program));
        assert_true(diag_errors(program->diag) > 0);
        arena_free(arena);
    }
}

/* `mixup` and `cutmix`: every loss takes labels that are two classes in shares. */
static void mixed_labels_count_in_their_shares(void **state)
{
    (void)state;
    static const char *const of_softmax[] = {"cross_entropy", "focal", "mse", "mae"};
    static const char *const of_sigmoid[] = {"binary_cross_entropy", "focal"};
    for (int i = 0; i < 4; i++)
        check_loss((Setting){.loss = of_softmax[i],
                             .columns = 5,
                             .last = OP_exp,
                             .gamma = 2,
                             .alpha = 0.25,
                             .weights = i ? NULL : weights,
                             .mixed = true});
    for (int i = 0; i < 2; i++)
        for (int columns = 1; columns <= 3; columns += 2)
            check_loss((Setting){.loss = of_sigmoid[i],
                                 .columns = columns,
                                 .last = OP_sigmoid,
                                 .gamma = 2,
                                 .alpha = 0.25,
                                 .balance = i == 1,
                                 .mixed = true});
    check_loss(
        (Setting){.loss = "cross_entropy", .columns = 5, .last = OP_exp, .smoothing = 0.1, .mixed = true});
}

/* ---- Metrics and the evaluation step ---- */

static Interpreted evaluate(Arena *arena, const Setting *setting, const double *outputs, const double *labels)
{
    Interpreted run = interpret(arena, slice_sums(derive_evaluation(new_program(arena, setting))));
    CnnScalars scalars = step_scalars(1.0, 1, SAMPLES);
    interp_scalars(run.interp, &scalars);
    memcpy(leaf_values(&run, "input"), outputs, (size_t)(SAMPLES * setting->columns) * sizeof *outputs);
    memcpy(leaf_values(&run, "label"), labels, (size_t)(SAMPLES * (setting->mixed ? 3 : 1)) * sizeof *labels);
    for (int i = 0; i < setting->columns; i++)
        leaf_values(&run, "w")[i] = 1;
    interp_run(run.interp, SAMPLES);
    return run;
}

static void accuracy_takes_the_first_of_equal_outputs(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Setting setting = {.loss = "cross_entropy", .columns = 3, .last = OP_exp, .weights = weights};
    const double outputs[SAMPLES * 3] = {1,  2,  0,  /* 1 */ 2, 2, 1, /* 0 */ 0, 0, 0, /* 0 */
                                         -3, -2, -2, /* 1 */ 5, 6, 7, /* 2 */ 1, 0, 0 /* 0 */};
    const double labels[SAMPLES] = {1, 0, 1, 2, 2, 0};
    Interpreted run = evaluate(arena, &setting, outputs, labels);
    assert_true(*result_values(&run, RESULT_METRIC, "accuracy") == 4);
    double losses = 0;
    for (int n = 0; n < SAMPLES; n++)
        losses += formula(&(Setting){.loss = "cross_entropy", .columns = 3, .last = OP_exp}, outputs + 3 * n,
                          (const double[]){labels[n] == 0, labels[n] == 1, labels[n] == 2});
    /* Class weights do not count in an evaluation. */
    assert_close(*result_values(&run, RESULT_TOTAL, NULL), losses, losses);
    assert_close(result_values(&run, RESULT_OUTPUT, NULL)[1], exp(2) / (exp(1) + exp(2) + exp(0)), 1);
    for (size_t i = 0; i < run.graph->results.count; i++)
        assert_true(run.graph->results.items[i].role != RESULT_UPDATE);
    arena_free(arena);
}

static void accuracy_of_mixed_labels_is_that_of_the_larger_share(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Setting setting = {
        .loss = "cross_entropy", .columns = 7, .last = OP_exp, .top5 = true, .mixed = true};
    const double third = MIXED_LABEL_ONE / 3, outputs[SAMPLES * 7] = {[1] = 1, [7 + 1] = 1, [14 + 2] = 1};
    const double labels[SAMPLES * 3] = {1, 2, third, 2, 1, third, 2, 2, 0,
                                        0, 6, third, 1, 0, third, 6, 0, third};
    Interpreted run = evaluate(arena, &setting, outputs, labels);
    assert_true(*result_values(&run, RESULT_METRIC, "accuracy") == 3); /* the first, third and fourth */
    assert_true(*result_values(&run, RESULT_METRIC, "top5") == 6);
    arena_free(arena);
}

static void accuracy_of_one_output_is_on_the_right_side_of_one_half(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Setting setting = {.loss = "binary_cross_entropy", .columns = 1, .last = OP_sigmoid};
    const double outputs[SAMPLES] = {3, -3, 0.1, -0.1, 0, 2}, labels[SAMPLES] = {1, 0, 0, 1, 0, 1};
    Interpreted run = evaluate(arena, &setting, outputs, labels);
    assert_true(*result_values(&run, RESULT_METRIC, "accuracy") == 4);
    arena_free(arena);
}

static void top5_counts_labels_among_the_five_largest(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Setting setting = {.loss = "cross_entropy", .columns = CLASSES, .last = OP_exp, .top5 = true};
    double outputs[SAMPLES * CLASSES];
    for (int i = 0; i < SAMPLES * CLASSES; i++)
        outputs[i] = i % CLASSES; /* the last column is the largest */
    const double labels[SAMPLES] = {0, 1, 2, 3, 6, 5};
    Interpreted run = evaluate(arena, &setting, outputs, labels);
    assert_true(*result_values(&run, RESULT_METRIC, "top5") == 4);
    assert_true(*result_values(&run, RESULT_METRIC, "accuracy") == 1);
    arena_free(arena);
}

static void a_regression_has_no_accuracy(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Setting setting = {.loss = "mse", .columns = 1, .last = OP_leaf};
    assert_true(graph_find_result(derive_evaluation(new_program(arena, &setting)), RESULT_METRIC) ==
                NODE_NONE);
    arena_free(arena);
}

/* ---- Precision ---- */

static void check_storage(Precision precision, Dtype dtype)
{
    Arena *arena = arena_new();
    const Setting setting = {.loss = "cross_entropy", .columns = 5, .last = OP_exp, .precision = precision};
    Program *program = new_program(arena, &setting);
    Make make = {.graph = program->train, .layer = "hidden"};
    /* x * w -> tanh -> folded, times w again, plus the folded x, unfolded: the logits. */
    const int64_t fold[] = {BATCH, 1, 5};
    NodeId hidden = make_unary(make, OP_tanh, program->train_logits);
    NodeId size = make_unary(make, OP_abs, make_reshape(make, hidden, 3, fold));
    NodeId product = make_mul(make, size, graph_find_leaf(make.graph, "w"));
    NodeId sum = make_add(make, product, make_reshape(make, graph_find_leaf(make.graph, "input"), 3, fold));
    NodeId logits = make_reshape(make, sum, 2, (const int64_t[]){BATCH, 5});
    program->train->results.count = 0;
    graph_result(make.graph, (Result){.role = RESULT_OUTPUT, .node = last_layer(make, OP_exp, logits)});
    program->train_logits = logits;
    const Graph *graph = slice_sums(derive_training(program));
    int stored_small = 0;
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        bool small = node->type.dtype == dtype;
        stored_small += small;
        if (small)
            assert_int_equal(node->type.lead, LEAD_BATCH);
        if (node->op == OP_tanh || node->op == OP_sign)
            assert_true(small);
        if (node->op == OP_leaf || node->op == OP_log || node->op == OP_exp || node->op == OP_reduce_sum)
            assert_false(small);
        if (node->op == OP_reduce_max) /* of the logits */
            assert_int_equal(graph_type(graph, node->in[0])->dtype, DTYPE_F32);
        if (node->op == OP_reshape)
            assert_int_equal(node->type.dtype, graph_type(graph, node->in[0])->dtype);
    }
    assert_true(stored_small >= 6);
    arena_free(arena);
}

static void small_numbers_are_for_activations_and_not_for_scores_losses_and_weights(void **state)
{
    (void)state;
    check_storage(PRECISION_BF16, DTYPE_BF16);
    check_storage(PRECISION_F16, DTYPE_F16);
}

/* What a step makes of the weights of tanh(x * w) * factor, with this scale of the gradients; `finite`: they
 * have not overflowed. */
static void scaled_step(Precision precision, bool guarded, float scale, double factor, double after[3],
                        bool *finite)
{
    Arena *arena = arena_new();
    const Setting setting = {.loss = "cross_entropy", .columns = 3, .last = OP_exp, .precision = precision};
    Program *program = new_program(arena, &setting);
    Make make = {.graph = program->train, .layer = "hidden"};
    program->train_logits = make_scale(make, make_unary(make, OP_tanh, program->train_logits), factor);
    program->train->results.count = 0;
    graph_result(make.graph,
                 (Result){.role = RESULT_OUTPUT, .node = last_layer(make, OP_exp, program->train_logits)});
    program->guarded = guarded;
    Interpreted run = interpret(arena, slice_sums(derive_training(program)));
    CnnScalars scalars = step_scalars(1.0, 1, SAMPLES);
    scalars.loss_scale = scale;
    scalars.inverse_loss_scale = 1 / scale;
    double *w = step_of_three(&run, &scalars);
    memcpy(after, w, 3 * sizeof *w);
    if (finite)
        *finite = *result_values(&run, RESULT_FINITE, NULL) == 1;
    arena_free(arena);
}

/* Gradients far below what f16 can hold are learnt from, where their scale is large; those above leave the
 * weights alone. */
static void f16_scales_its_gradients(void **state)
{
    (void)state;
    double exact[3], made[3];
    bool finite;
    for (int guarded = 0; guarded < 2; guarded++) {
        scaled_step(PRECISION_F32, false, 1, 1, exact, NULL);
        scaled_step(PRECISION_F16, guarded, 1024, 1, made, &finite);
        assert_true(finite);
        for (int i = 0; i < 3; i++)
            assert_true(fabs(made[i] - exact[i]) < 1e-3);
        scaled_step(PRECISION_F16, guarded, 0x1p24f, 1, made, &finite);
        assert_false(finite);
        for (int i = 0; i < 3; i++)
            assert_true(made[i] == 1 + noise_value(4, i));
    }
    scaled_step(PRECISION_F32, false, 1, 1e-7, exact, NULL);
    for (int large = 0; large < 2; large++) {
        scaled_step(PRECISION_F16, false, large ? 0x1p20f : 1, 1e-7, made, &finite);
        assert_true(finite);
        for (int i = 0; i < 3; i++) {
            double start = 1 + noise_value(4, i);
            assert_true(large ? fabs(made[i] - exact[i]) < 0.02 * fabs(exact[i] - start) : made[i] == start);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_entropy_is_that_of_the_softmax),
        cmocka_unit_test(binary_cross_entropy_is_that_of_the_sigmoid),
        cmocka_unit_test(focal_loss_fades_what_is_known),
        cmocka_unit_test(errors_are_means_over_the_outputs),
        cmocka_unit_test(losses_stay_finite_for_any_logits),
        cmocka_unit_test(guarded_updates_need_finite_numbers),
        cmocka_unit_test(an_output_that_does_not_fit_the_loss_is_refused),
        cmocka_unit_test(accuracy_takes_the_first_of_equal_outputs),
        cmocka_unit_test(accuracy_of_one_output_is_on_the_right_side_of_one_half),
        cmocka_unit_test(mixed_labels_count_in_their_shares),
        cmocka_unit_test(accuracy_of_mixed_labels_is_that_of_the_larger_share),
        cmocka_unit_test(top5_counts_labels_among_the_five_largest),
        cmocka_unit_test(a_regression_has_no_accuracy),
        cmocka_unit_test(small_numbers_are_for_activations_and_not_for_scores_losses_and_weights),
        cmocka_unit_test(f16_scales_its_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
