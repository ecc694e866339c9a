/* Learning-rate schedules against their formulas. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "runtime/rate.h"
#include "runtime/train_args.h"

static const Duration rest = {0, UNIT_EPOCHS};

/* The rates of a training of 10 epochs of 10 steps with these stages, base rate 0.5. */
static RateSchedule schedule_of(CnnStatement *stages, int count)
{
    static CnnStatement schedule;
    schedule = (CnnStatement){&schedule_schema, NULL, "m.cnn:3:5", {count, stages}};
    CnnRecipe recipe = {.rate = 0.5, .train = {1, &schedule}};
    RateSchedule out;
    CnnError error = {0};
    assert_int_equal(cnn_rate_open(&recipe, 10, 100, &out, &error), CNN_OK);
    return out;
}

static void without_a_schedule_the_rate_stays(void **state)
{
    (void)state;
    CnnRecipe recipe = {.rate = 0.125};
    RateSchedule rates;
    CnnError error = {0};
    assert_int_equal(cnn_rate_open(&recipe, 10, 100, &rates, &error), CNN_OK);
    assert_true(cnn_rate(&rates, 0) == 0.125 && cnn_rate(&rates, 99) == 0.125);
}

static void warmup_rises_to_the_full_rate_and_cosine_falls_from_it(void **state)
{
    (void)state;
    const WarmupArgs warmup = {{2, UNIT_EPOCHS}, 0};
    const DecayArgs cosine = {0.1, rest, 0};
    CnnStatement stages[] = {{&warmup_schema, &warmup, "m", {0, NULL}},
                             {&cosine_schema, &cosine, "m", {0, NULL}}};
    RateSchedule rates = schedule_of(stages, 2);
    assert_float_equal(cnn_rate(&rates, 0), 0.5 / 20, 1e-12); /* the first step learns already */
    assert_float_equal(cnn_rate(&rates, 9), 0.25, 1e-12);
    assert_float_equal(cnn_rate(&rates, 19), 0.5, 1e-12);
    assert_float_equal(cnn_rate(&rates, 20), 0.5, 1e-12);
    assert_float_equal(cnn_rate(&rates, 60), 0.3, 1e-12);
    assert_float_equal(cnn_rate(&rates, 80), 0.1 + 0.4 * (1 + cos(0.75 * 3.14159265358979)) / 2, 1e-12);
    assert_float_equal(cnn_rate(&rates, 99), 0.1 + 0.4 * (1 + cos(79 / 80.0 * 3.14159265358979)) / 2, 1e-12);
    assert_float_equal(cnn_rate(&rates, 100), 0.1, 1e-12);
}

static void warmup_can_start_from_a_share(void **state)
{
    (void)state;
    const WarmupArgs warmup = {{4, UNIT_STEPS}, 0.2};
    CnnStatement stage = {&warmup_schema, &warmup, "m", {0, NULL}};
    RateSchedule rates = schedule_of(&stage, 1);
    assert_float_equal(cnn_rate(&rates, 0), 0.2, 1e-12);
    assert_float_equal(cnn_rate(&rates, 3), 0.5, 1e-12);
    assert_float_equal(cnn_rate(&rates, 50), 0.5, 1e-12); /* behind the last stage its end */
}

static void step_falls_in_steps_and_exponential_smoothly(void **state)
{
    (void)state;
    const StepArgs args = {{3, UNIT_EPOCHS}, rest, 0.1};
    CnnStatement stage = {&step_schema, &args, "m", {0, NULL}};
    RateSchedule rates = schedule_of(&stage, 1);
    assert_float_equal(cnn_rate(&rates, 29), 0.5, 1e-12);
    assert_float_equal(cnn_rate(&rates, 30), 0.05, 1e-12);
    assert_float_equal(cnn_rate(&rates, 99), 0.0005, 1e-12);
    stage.schema = &exponential_schema;
    assert_float_equal(cnn_rate(&rates, 0), 0.5, 1e-12);
    assert_float_equal(cnn_rate(&rates, 15), 0.5 * pow(0.1, 0.5), 1e-12);
    assert_float_equal(cnn_rate(&rates, 30), 0.05, 1e-12);
}

static void a_stage_starts_where_the_one_before_it_ended(void **state)
{
    (void)state;
    const DecayArgs linear = {0.3, {20, UNIT_STEPS}, 0}, polynomial = {0, rest, 3};
    const ConstantArgs constant = {{1, UNIT_EPOCHS}};
    CnnStatement stages[] = {{&linear_schema, &linear, "m", {0, NULL}},
                             {&constant_schema, &constant, "m", {0, NULL}},
                             {&polynomial_schema, &polynomial, "m", {0, NULL}}};
    RateSchedule rates = schedule_of(stages, 3);
    assert_float_equal(cnn_rate(&rates, 10), 0.4, 1e-12);
    assert_float_equal(cnn_rate(&rates, 20), 0.3, 1e-12);
    assert_float_equal(cnn_rate(&rates, 29), 0.3, 1e-12);
    assert_float_equal(cnn_rate(&rates, 30), 0.3, 1e-12);
    assert_float_equal(cnn_rate(&rates, 65), 0.3 / 8, 1e-12);
}

static void a_run_shorter_than_its_warmup_is_all_warmup(void **state)
{
    (void)state;
    const WarmupArgs warmup = {{50, UNIT_EPOCHS}, 0};
    const DecayArgs cosine = {0, rest, 0};
    CnnStatement stages[] = {{&warmup_schema, &warmup, "m", {0, NULL}},
                             {&cosine_schema, &cosine, "m", {0, NULL}}};
    RateSchedule rates = schedule_of(stages, 2);
    assert_float_equal(cnn_rate(&rates, 99), 0.5 * 100 / 500, 1e-12);
}

static void what_cannot_be_is_refused_with_its_place(void **state)
{
    (void)state;
    const DecayArgs endless = {0, rest, 0}, seconds = {0, {30, UNIT_SECONDS}, 0};
    CnnStatement stages[] = {{&cosine_schema, &endless, "m.cnn:3:16", {0, NULL}},
                             {&linear_schema, &endless, "m.cnn:3:30", {0, NULL}}};
    CnnStatement schedule = {&schedule_schema, NULL, "m.cnn:3:5", {2, stages}};
    CnnRecipe recipe = {.rate = 0.5, .train = {1, &schedule}};
    RateSchedule rates;
    CnnError error = {0};
    assert_int_equal(cnn_rate_open(&recipe, 10, 100, &rates, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text,
                        "m.cnn:3:16: 'cosine' has no 'over=' and takes the rest of the training, so that "
                        "'linear' is never reached");
    stages[0].args = &seconds;
    error = (CnnError){0};
    assert_int_equal(cnn_rate_open(&recipe, 10, 100, &rates, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "m.cnn:3:16: 'cosine' counts epochs or steps, not seconds");
}

static void durations_are_counted_in_updates(void **state)
{
    (void)state;
    assert_int_equal(cnn_duration_steps((Duration){1.5, UNIT_EPOCHS}, 7), 11);
    assert_int_equal(cnn_duration_steps((Duration){12, UNIT_STEPS}, 7), 12);
    assert_int_equal(cnn_duration_steps((Duration){0.01, UNIT_EPOCHS}, 7), 1);
    assert_int_equal(cnn_duration_steps((Duration){60, UNIT_SECONDS}, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_schedule_the_rate_stays),
        cmocka_unit_test(warmup_rises_to_the_full_rate_and_cosine_falls_from_it),
        cmocka_unit_test(warmup_can_start_from_a_share),
        cmocka_unit_test(step_falls_in_steps_and_exponential_smoothly),
        cmocka_unit_test(a_stage_starts_where_the_one_before_it_ended),
        cmocka_unit_test(a_run_shorter_than_its_warmup_is_all_warmup),
        cmocka_unit_test(what_cannot_be_is_refused_with_its_place),
        cmocka_unit_test(durations_are_counted_in_updates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
