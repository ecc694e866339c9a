/* Learning-rate schedules against their formulas, and against PyTorch. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "runtime/rate.h"
#include "runtime/train_args.h"
#include "tests/unit/rates_expected.h"

static const Duration rest = {0, UNIT_EPOCHS};

/* An image whose recipe has these stages, base rate 0.5. */
static CnnImage image_of(const CnnStatement *stages, int count)
{
    static CnnStatement schedule;
    schedule = (CnnStatement){&schedule_schema, NULL, "m.cnn:3:5", {count, stages}};
    static const CnnMetric accuracy = {"accuracy", 0};
    return (CnnImage){.recipe = {.rate = 0.5, .train = {1, &schedule}},
                      .train = {.metric_count = 1, .metrics = &accuracy},
                      .eval = {.metric_count = 1, .metrics = &accuracy}};
}

/* The rates of a training of 10 epochs of 10 steps with these stages. */
static RateSchedule schedule_of(CnnStatement *stages, int count)
{
    CnnImage image = image_of(stages, count);
    RateSchedule out;
    CnnError error = {0};
    if (cnn_rate_open(&image, true, 10, 100, &out, &error) != CNN_OK)
        fail_msg("%s", error.text);
    return out;
}

static void without_a_schedule_the_rate_stays(void **state)
{
    (void)state;
    CnnImage image = {.recipe = {.rate = 0.125}};
    RateSchedule rates;
    CnnError error = {0};
    assert_int_equal(cnn_rate_open(&image, false, 10, 100, &rates, &error), CNN_OK);
    assert_true(cnn_rate(&rates, 0) == 0.125 && cnn_rate(&rates, 99) == 0.125);
}

static void warmup_rises_to_the_full_rate_and_cosine_falls_from_it(void **state)
{
    (void)state;
    const WarmupArgs warmup = {{2, UNIT_EPOCHS}, 0};
    const DecayArgs cosine = {.to = 0.1};
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
    const DecayArgs linear = {.to = 0.3, .over = {20, UNIT_STEPS}}, polynomial = {.power = 3};
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
    const DecayArgs cosine = {0};
    CnnStatement stages[] = {{&warmup_schema, &warmup, "m", {0, NULL}},
                             {&cosine_schema, &cosine, "m", {0, NULL}}};
    RateSchedule rates = schedule_of(stages, 2);
    assert_float_equal(cnn_rate(&rates, 99), 0.5 * 100 / 500, 1e-12);
}

/* Every update's rate, as PyTorch has it. */
static void assert_rates(const RateSchedule *rates, const double *expected, int count)
{
    for (int step = 0; step < count; step++)
        if (fabs(cnn_rate(rates, step) - expected[step]) > 1e-11 * expected[step])
            fail_msg("step %d: %.12g, expected %.12g", step, cnn_rate(rates, step), expected[step]);
}
#define ASSERT_RATES(rates, expected) assert_rates(rates, expected, sizeof(expected) / sizeof *(expected))

static void onecycle_is_that_of_pytorch(void **state)
{
    (void)state;
    OnecycleArgs args = {0.8, 0.3, 25, 1e4, {40, UNIT_STEPS}};
    CnnStatement stage = {&onecycle_schema, &args, "m", {0, NULL}};
    RateSchedule rates = schedule_of(&stage, 1);
    ASSERT_RATES(&rates, rates_onecycle);
    assert_float_equal(cnn_rate(&rates, 40), 0.8 / 25e4, 1e-12);
    args = (OnecycleArgs){0, 0.45, 10, 100, {40, UNIT_STEPS}}; /* up to the rate of the optimizer */
    ASSERT_RATES(&rates, rates_onecycle_options);
    args.rise = 1;
    assert_float_equal(cnn_rate(&rates, 39), 0.5, 1e-12);
    args.rise = 0;
    assert_true(cnn_rate(&rates, 0) < 0.5 && cnn_rate(&rates, 0) > 0.49);
}

static void cosine_restarts_as_in_pytorch(void **state)
{
    (void)state;
    DecayArgs args = {.to = 0.01, .restarts = {8, UNIT_STEPS}, .multiplier = 1};
    CnnStatement stages[] = {{&cosine_schema, &args, "m", {0, NULL}},
                             {&constant_schema, &(ConstantArgs){rest}, "m", {0, NULL}}};
    RateSchedule rates = schedule_of(stages, 1);
    ASSERT_RATES(&rates, rates_restarts);
    args = (DecayArgs){.restarts = {0.5, UNIT_EPOCHS}, .multiplier = 2};
    ASSERT_RATES(&rates, rates_restarts_longer);
    args.over = (Duration){35, UNIT_STEPS}; /* the end of the third period */
    rates = schedule_of(stages, 2);
    assert_float_equal(cnn_rate(&rates, 34), rates_restarts_longer[34], 1e-12);
    assert_float_equal(cnn_rate(&rates, 35), 0, 1e-12); /* is not followed by a fourth */
}

/* As WATCHED in tests/reference/rates_torch.py. */
static const double watched_values[20] = {2, 1.5, 1.2, 1.2, 1.19, 1,   1.1, 1.1, 1,   0.99,
                                          1, 1.2, 0.5, 0.6, 0.6,  0.6, 0.6, 0.6, 0.6, 0.6};

static void assert_plateau(const PlateauArgs *args, const double *expected)
{
    CnnStatement stage = {&plateau_schema, args, "m", {0, NULL}};
    RateSchedule rates = schedule_of(&stage, 1);
    for (int epoch = 0; epoch < 20; epoch++) {
        double before = cnn_rate(&rates, 10 * epoch);
        if (fabs(before - expected[epoch]) > 1e-11 * expected[epoch])
            fail_msg("epoch %d: %.12g, expected %.12g", epoch, before, expected[epoch]);
        /* What a checkpoint keeps is enough to go on from. */
        RateState kept = rates.state;
        rates = schedule_of(&stage, 1);
        rates.state = kept;
        bool lowered = cnn_rate_epoch(&rates, 10 * epoch + 10, watched_values[epoch]);
        assert_int_equal(lowered, cnn_rate(&rates, 10 * epoch + 10) < before);
    }
}

static void plateau_is_that_of_pytorch(void **state)
{
    (void)state;
    assert_plateau(&(PlateauArgs){2, "val_loss", 0, 0.2, 0, {1000, UNIT_EPOCHS}}, rates_plateau);
    assert_plateau(&(PlateauArgs){3, "loss", 0.05, 0.5, 0.2, {1000, UNIT_EPOCHS}}, rates_plateau_options);
    assert_plateau(&(PlateauArgs){4, "val_accuracy", 0, 0.5, 0, {1000, UNIT_EPOCHS}}, rates_plateau_accuracy);
}

static void plateau_watches_only_its_own_epochs(void **state)
{
    (void)state;
    const WarmupArgs warmup = {{20, UNIT_STEPS}, 0};
    const PlateauArgs plateau = {1, "val_loss", 0, 0.1, 0, {2, UNIT_EPOCHS}};
    const DecayArgs linear = {0};
    CnnStatement stages[] = {{&warmup_schema, &warmup, "m", {0, NULL}},
                             {&plateau_schema, &plateau, "m", {0, NULL}},
                             {&linear_schema, &linear, "m", {0, NULL}}};
    RateSchedule rates = schedule_of(stages, 3);
    assert_false(cnn_rate_epoch(&rates, 10, 1));
    assert_false(cnn_rate_epoch(&rates, 20, 2)); /* still of the warm-up */
    assert_false(cnn_rate_epoch(&rates, 30, 3)); /* the first that is watched */
    assert_true(cnn_rate_epoch(&rates, 40, 3));
    assert_false(cnn_rate_epoch(&rates, 50, 3)); /* behind it */
    assert_float_equal(cnn_rate(&rates, 40), 0.05, 1e-12);
    assert_float_equal(cnn_rate(&rates, 70), 0.025, 1e-12);
}

static void assert_refused(const CnnStatement *stages, int count, bool validation, const char *text)
{
    CnnImage image = image_of(stages, count);
    RateSchedule rates;
    CnnError error = {0};
    assert_int_equal(cnn_rate_open(&image, validation, 10, 100, &rates, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, text);
}

static void what_cannot_be_is_refused_with_its_place(void **state)
{
    (void)state;
    const DecayArgs endless = {0}, seconds = {.over = {30, UNIT_SECONDS}},
                    restarts = {.restarts = {30, UNIT_SECONDS}, .multiplier = 1};
    CnnStatement stages[] = {{&cosine_schema, &endless, "m.cnn:3:16", {0, NULL}},
                             {&linear_schema, &endless, "m.cnn:3:30", {0, NULL}}};
    assert_refused(stages, 2, true,
                   "m.cnn:3:16: 'cosine' has no 'over=' and takes the rest of the training, so that 'linear' "
                   "is never reached");
    stages[0].args = &seconds;
    assert_refused(stages, 2, true, "m.cnn:3:16: 'cosine' counts epochs or steps, not seconds");
    stages[0].args = &restarts;
    assert_refused(stages, 1, true, "m.cnn:3:16: 'cosine' counts epochs or steps, not seconds");
    const PlateauArgs plateau = {2, "val_loss", 0, 0.1, 0, {2, UNIT_EPOCHS}};
    stages[0] = (CnnStatement){&plateau_schema, &plateau, "m.cnn:3:16", {0, NULL}};
    stages[1] = (CnnStatement){&plateau_schema, &plateau, "m.cnn:3:40", {0, NULL}};
    assert_refused(stages, 2, true, "m.cnn:3:40: a schedule has one 'plateau'");
    assert_refused(stages, 1, false,
                   "m.cnn:3:16: 'plateau' watches val_loss, but the data have no validation part (split "
                   "validation=10%)");
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
        cmocka_unit_test(onecycle_is_that_of_pytorch),
        cmocka_unit_test(cosine_restarts_as_in_pytorch),
        cmocka_unit_test(plateau_is_that_of_pytorch),
        cmocka_unit_test(plateau_watches_only_its_own_epochs),
        cmocka_unit_test(what_cannot_be_is_refused_with_its_place),
        cmocka_unit_test(durations_are_counted_in_updates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
