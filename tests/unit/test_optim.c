/* Each optimizer's update, through the interpreter, against its formula in plain C; clipping and sums of
 * micro-batches. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "compiler/derive/update.h"
#include "tests/unit/interpret.h"

enum { ELEMENTS = 6, STEPS = 5 };

/* What a formula sees of one element: its weight, gradient and slots, which it changes. */
typedef struct {
    double w, g, slot[3];
} Element;

typedef struct {
    double rate, b1, b2;
    int step;
    Element *element; /* ELEMENTS of them */
} Formula;

static const Optimizer *find_optimizer(const char *word)
{
    for (int i = 0; optimizer_table[i]; i++)
        if (strcmp(optimizer_table[i]->schema.word, word) == 0)
            return optimizer_table[i];
    fail_msg("no optimizer %s", word);
    return NULL;
}

static void *field_of(const Schema *schema, void *args, const char *name)
{
    for (const Field *field = schema->fields; field->name; field++)
        if (strcmp(field->name, name) == 0)
            return (char *)args + field->offset;
    fail_msg("%s has no %s", schema->word, name);
    return NULL;
}

static void set_real(const Schema *schema, void *args, const char *name, double value)
{
    *(double *)field_of(schema, args, name) = value;
}

/* A program with one parameter "w" [3, 2], whose gradient is the leaf "g". */
typedef struct {
    Arena *arena;
    Program program;
    Graph *graph;
    void *args;
} Fixture;

static Fixture fixture_new(const char *word, bool decays)
{
    Fixture fixture = {.arena = arena_new()};
    Diag *diag = diag_new(fixture.arena);
    const Optimizer *optimizer = find_optimizer(word);
    fixture.args = arena_alloc(fixture.arena, optimizer->schema.args_bytes);
    schema_defaults(&optimizer->schema, fixture.args);
    fixture.graph = graph_new(fixture.arena, diag, 8);
    Type type = type_make(DTYPE_F32, LEAD_NONE, 2, (const int64_t[]){3, 2});
    graph_leaf(fixture.graph, (Span){0}, "w", type, (LeafAttrs){.kind = LEAF_PARAMETER, .decays = decays});
    graph_leaf(fixture.graph, (Span){0}, "g", type, (LeafAttrs){.kind = LEAF_STATE});
    fixture.program = (Program){.arena = fixture.arena,
                                .diag = diag,
                                .optimizer = optimizer,
                                .optimizer_args = fixture.args,
                                .accumulate = 1};
    return fixture;
}

static Interpreted fixture_run(Fixture *fixture)
{
    NodeId weight = graph_find_leaf(fixture->graph, "w"), gradient = graph_find_leaf(fixture->graph, "g");
    update_parameters(&fixture->program, fixture->graph, &weight, &gradient, 1);
    graph_verify(fixture->graph, "update");
    return interpret(fixture->arena, fixture->graph);
}

static void assert_near(double have, double want)
{
    if (!(fabs(have - want) <= 1e-10 * (1 + fabs(want))))
        fail_msg("%.15g, expected %.15g", have, want);
}

/* Five steps with gradients of different sizes and a changing rate; the states begin as the graph says. */
static void check_formula(Fixture *fixture, void (*formula)(Formula *), double rate)
{
    Interpreted run = fixture_run(fixture);
    const Optimizer *optimizer = fixture->program.optimizer;
    Element element[ELEMENTS] = {0};
    double *w = leaf_values(&run, "w"), *g = leaf_values(&run, "g");
    for (int i = 0; i < ELEMENTS; i++) {
        element[i].w = w[i] = noise_value(1, i);
        for (int k = 0; k < 3; k++)
            element[i].slot[k] = optimizer->state_init;
    }
    for (NodeId id = 0; id < run.graph->nodes.count; id++) {
        const Node *node = graph_node(run.graph, id);
        const LeafAttrs *leaf = node->attrs;
        if (node->op == OP_leaf && leaf->kind == LEAF_STATE && strcmp(node->name, "g") != 0)
            for (int i = 0; i < ELEMENTS; i++)
                interp_values(run.interp, id)[i] = leaf->init_a;
    }
    for (int step = 1; step <= STEPS; step++) {
        CnnScalars scalars = step_scalars(rate / step, step, 8);
        interp_scalars(run.interp, &scalars);
        for (int i = 0; i < ELEMENTS; i++)
            element[i].g = g[i] = noise_value(2, ELEMENTS * step + i) * pow(10, i - 3);
        formula(&(Formula){.rate = scalars.rate, .step = step, .element = element});
        interp_run(run.interp, 8);
        for (int i = 0; i < ELEMENTS; i++)
            assert_near(w[i], element[i].w);
    }
    arena_free(fixture->arena);
}

#define EACH_ELEMENT(formula, e) for (Element *e = (formula)->element; e < (formula)->element + ELEMENTS; e++)

static void sgd_formula(Formula *f)
{
    EACH_ELEMENT(f, e) e->w -= f->rate * e->g;
}

static void sgd_follows_the_gradient(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("sgd", true);
    check_formula(&fixture, sgd_formula, 0.1);
}

static void momentum_formula(Formula *f)
{
    EACH_ELEMENT(f, e)
    {
        e->slot[0] = 0.75 * e->slot[0] - f->rate * e->g;
        e->w += e->slot[0];
    }
}

static void sgd_with_momentum_keeps_a_velocity(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("sgd", true);
    set_real(&fixture.program.optimizer->schema, fixture.args, "momentum", 0.75);
    check_formula(&fixture, momentum_formula, 0.1);
}

static void nesterov_formula(Formula *f)
{
    EACH_ELEMENT(f, e)
    {
        e->w -= f->rate * 0.25 * e->w;
        e->slot[0] = 0.75 * e->slot[0] - f->rate * e->g;
        e->w += 0.75 * e->slot[0] - f->rate * e->g;
    }
}

static void nesterov_looks_ahead_and_decay_comes_first(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("sgd", true);
    const Schema *schema = &fixture.program.optimizer->schema;
    set_real(schema, fixture.args, "momentum", 0.75);
    set_real(schema, fixture.args, "decay", 0.25);
    *(bool *)field_of(schema, fixture.args, "nesterov") = true;
    check_formula(&fixture, nesterov_formula, 0.1);
}

static void adam_step(Formula *f, double decay)
{
    double correction = sqrt(1 - pow(0.999, f->step)) / (1 - pow(0.9, f->step));
    EACH_ELEMENT(f, e)
    {
        e->w -= f->rate * decay * e->w;
        e->slot[0] = 0.9 * e->slot[0] + 0.1 * e->g;
        e->slot[1] = 0.999 * e->slot[1] + 0.001 * e->g * e->g;
        e->w -= f->rate * correction * e->slot[0] / (sqrt(e->slot[1]) + 1e-7);
    }
}

static void adam_formula(Formula *f)
{
    adam_step(f, 0);
}

static void adam_corrects_its_moments(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("adam", true);
    check_formula(&fixture, adam_formula, 0.01);
}

static void adamw_formula(Formula *f)
{
    adam_step(f, 0.004);
}

static void adamw_decays_kernels(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("adamw", true);
    check_formula(&fixture, adamw_formula, 0.01);
}

static void adamw_leaves_biases_alone_unless_all_decay(void **state)
{
    (void)state;
    Fixture bias = fixture_new("adamw", false);
    check_formula(&bias, adam_formula, 0.01);
    Fixture all = fixture_new("adamw", false);
    const Schema *schema = &all.program.optimizer->schema;
    *(int *)field_of(schema, all.args, "decay_on") = words_find("kernels all", "all");
    check_formula(&all, adamw_formula, 0.01);
}

static void rmsprop_formula(Formula *f)
{
    EACH_ELEMENT(f, e)
    {
        e->slot[0] = 0.9 * e->slot[0] + 0.1 * e->g * e->g;
        e->w -= f->rate * e->g / sqrt(e->slot[0] + 1e-7);
    }
}

static void rmsprop_divides_by_the_root_mean_square(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("rmsprop", true);
    check_formula(&fixture, rmsprop_formula, 0.01);
}

static void centered_formula(Formula *f)
{
    EACH_ELEMENT(f, e)
    {
        e->slot[0] = 0.9 * e->slot[0] + 0.1 * e->g * e->g;
        e->slot[2] = 0.9 * e->slot[2] + 0.1 * e->g;
        double change = f->rate * e->g / sqrt(e->slot[0] - e->slot[2] * e->slot[2] + 1e-7);
        e->slot[1] = 0.5 * e->slot[1] + change;
        e->w -= e->slot[1];
    }
}

static void rmsprop_can_be_centered_and_have_momentum(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("rmsprop", true);
    const Schema *schema = &fixture.program.optimizer->schema;
    set_real(schema, fixture.args, "momentum", 0.5);
    *(bool *)field_of(schema, fixture.args, "centered") = true;
    check_formula(&fixture, centered_formula, 0.01);
}

static void adagrad_formula(Formula *f)
{
    EACH_ELEMENT(f, e)
    {
        e->slot[0] += e->g * e->g;
        e->w -= f->rate * e->g / sqrt(e->slot[0] + 1e-7);
    }
}

static void adagrad_begins_with_a_tenth(void **state)
{
    (void)state;
    assert_true(find_optimizer("adagrad")->state_init == 0.1);
    Fixture fixture = fixture_new("adagrad", true);
    check_formula(&fixture, adagrad_formula, 0.1);
}

static void lamb_formula(Formula *f)
{
    double direction[ELEMENTS], length = 0, step_length = 0;
    for (int i = 0; i < ELEMENTS; i++) {
        Element *e = &f->element[i];
        e->w -= f->rate * 0.5 * e->w;
        e->slot[0] = 0.9 * e->slot[0] + 0.1 * e->g;
        e->slot[1] = 0.999 * e->slot[1] + 0.001 * e->g * e->g;
        double m = e->slot[0] / (1 - pow(0.9, f->step)), v = e->slot[1] / (1 - pow(0.999, f->step));
        direction[i] = m / (sqrt(v) + 1e-7);
        length += e->w * e->w;
        step_length += direction[i] * direction[i];
    }
    for (int i = 0; i < ELEMENTS; i++)
        f->element[i].w -= f->rate * sqrt(length) / sqrt(step_length) * direction[i];
}

static void lamb_makes_steps_as_long_as_the_weight(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("lamb", true);
    set_real(&fixture.program.optimizer->schema, fixture.args, "decay", 0.5);
    check_formula(&fixture, lamb_formula, 0.01);
}

static void lamb_moves_weights_that_are_zero(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("lamb", true);
    Interpreted run = fixture_run(&fixture);
    CnnScalars scalars = step_scalars(0.5, 1, 8);
    interp_scalars(run.interp, &scalars);
    double *w = leaf_values(&run, "w"), *g = leaf_values(&run, "g");
    for (int i = 0; i < ELEMENTS; i++)
        g[i] = i == 0 ? 4.0 : 0.0;
    interp_run(run.interp, 8);
    assert_true(fabs(w[0] + 0.5) < 1e-6);
    assert_true(w[1] == 0.0);
    arena_free(fixture.arena);
}

static void lion_formula(Formula *f)
{
    EACH_ELEMENT(f, e)
    {
        double direction = 0.9 * e->slot[0] + 0.1 * e->g;
        e->slot[0] = 0.99 * e->slot[0] + 0.01 * e->g;
        e->w -= f->rate * ((direction > 0) - (direction < 0));
    }
}

static void lion_takes_the_sign(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("lion", true);
    check_formula(&fixture, lion_formula, 0.01);
}

static void clipping_bounds_the_norm_then_each_value(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("sgd", true);
    fixture.program.clip_norm = 2.5;
    fixture.program.clip_value = 1.75;
    Interpreted run = fixture_run(&fixture);
    CnnScalars scalars = step_scalars(1.0, 1, 8);
    interp_scalars(run.interp, &scalars);
    double *w = leaf_values(&run, "w"), *g = leaf_values(&run, "g");
    g[0] = 3;
    g[1] = -4; /* norm 5: halved to 1.5 and -2, which is cut to -1.75 */
    interp_run(run.interp, 8);
    assert_near(w[0], -1.5);
    assert_near(w[1], 1.75);
    w[0] = w[1] = 0;
    g[0] = 0.5;
    g[1] = 0; /* short enough: left alone */
    interp_run(run.interp, 8);
    assert_near(w[0], -0.5);
    arena_free(fixture.arena);
}

static void micro_batches_are_summed_and_a_new_sum_starts_afresh(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("sgd", true);
    fixture.program.accumulate = 2;
    Interpreted run = fixture_run(&fixture);
    double *sum = leaf_values(&run, "grad.w"), *g = leaf_values(&run, "g");
    sum[0] = NAN; /* left by a step that diverged */
    for (int micro = 0; micro < 2; micro++) {
        CnnScalars scalars = step_scalars(1.0, 1, 8);
        scalars.first_micro = micro == 0;
        scalars.last_micro = micro == 1;
        interp_scalars(run.interp, &scalars);
        g[0] = micro + 1.0;
        interp_run(run.interp, 8);
    }
    assert_near(sum[0], 3.0);
    for (size_t i = 0; i < run.graph->results.count; i++) {
        const Result *result = &run.graph->results.items[i];
        bool parameter = result->target == graph_find_leaf(run.graph, "w");
        assert_int_equal(result->on_update, parameter);
    }
    arena_free(fixture.arena);
}

static void the_average_begins_with_the_first_weights_and_follows_them(void **state)
{
    (void)state;
    Fixture fixture = fixture_new("sgd", true);
    fixture.program.average = 0.75;
    Interpreted run = fixture_run(&fixture);
    double *w = leaf_values(&run, "w"), *g = leaf_values(&run, "g"), *kept = leaf_values(&run, "average.w");
    double expected = 0;
    w[0] = 8;
    kept[0] = NAN; /* nothing of what was there stays */
    for (int step = 1; step <= STEPS; step++) {
        CnnScalars scalars = step_scalars(0.5, step, 8);
        interp_scalars(run.interp, &scalars);
        g[0] = step;
        interp_run(run.interp, 8);
        expected = step == 1 ? w[0] : 0.75 * expected + 0.25 * w[0];
        assert_near(kept[0], expected);
    }
    assert_near(w[0], 8 - 0.5 * STEPS * (STEPS + 1) / 2);
    arena_free(fixture.arena);
}

static void every_schema_is_documented_and_its_presets_are_in_range(void **state)
{
    (void)state;
    for (int i = 0; optimizer_table[i]; i++) {
        const Schema *schema = &optimizer_table[i]->schema;
        assert_non_null(schema->doc);
        assert_non_null(schema->source);
        assert_non_null(schema->example);
        char *args = test_calloc(1, schema->args_bytes);
        schema_defaults(schema, args);
        for (const Field *field = schema->fields; field->name; field++) {
            assert_non_null(field->doc);
            assert_true(field->offset + field_bytes(field->kind) <= schema->args_bytes);
            double value = field->kind == FIELD_REAL ? *(double *)(args + field->offset) : field->least;
            assert_true(value >= field->least && value <= field->most);
        }
        assert_true(optimizer_table[i]->rate(args) > 0);
        test_free(args);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_follows_the_gradient),
        cmocka_unit_test(sgd_with_momentum_keeps_a_velocity),
        cmocka_unit_test(nesterov_looks_ahead_and_decay_comes_first),
        cmocka_unit_test(adam_corrects_its_moments),
        cmocka_unit_test(adamw_decays_kernels),
        cmocka_unit_test(adamw_leaves_biases_alone_unless_all_decay),
        cmocka_unit_test(rmsprop_divides_by_the_root_mean_square),
        cmocka_unit_test(rmsprop_can_be_centered_and_have_momentum),
        cmocka_unit_test(adagrad_begins_with_a_tenth),
        cmocka_unit_test(lamb_makes_steps_as_long_as_the_weight),
        cmocka_unit_test(lamb_moves_weights_that_are_zero),
        cmocka_unit_test(lion_takes_the_sign),
        cmocka_unit_test(clipping_bounds_the_norm_then_each_value),
        cmocka_unit_test(micro_batches_are_summed_and_a_new_sum_starts_afresh),
        cmocka_unit_test(the_average_begins_with_the_first_weights_and_follows_them),
        cmocka_unit_test(every_schema_is_documented_and_its_presets_are_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
