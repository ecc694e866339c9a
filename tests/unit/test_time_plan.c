/* Budgets of time, in trainings whose clock is ours. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "runtime/time_plan.h"

/* How long things take, in seconds. */
typedef struct {
    double step, validation, test;
    double first_epoch; /* what a step of it takes as many times as long */
    double noise;       /* share by which steps differ */
} Speed;

typedef struct {
    int64_t steps, first_total; /* done; planned when a plan was first made */
    int64_t first_step;         /* when that was */
    double seconds;
    double lowest, highest; /* plans of the last half */
} Ended;

static Ended simulate(TimePlan plan, Speed speed, int64_t most)
{
    Ended ended = {0};
    int64_t total = 0;
    while (ended.steps < most && (total == 0 || ended.steps < total)) {
        double phase = speed.noise * sin(12.9898 * (double)ended.steps);
        double seconds =
            speed.step * (1 + phase) * (ended.steps < plan.steps_per_epoch ? speed.first_epoch : 1);
        ended.seconds += seconds;
        cnn_time_step(&plan, ++ended.steps, seconds);
        total = cnn_time_total(&plan, ended.steps, ended.seconds);
        if (total && !ended.first_total) {
            ended.first_total = total;
            ended.first_step = ended.steps;
        }
        if (ended.seconds > plan.limit / 2) {
            ended.lowest = ended.lowest == 0 ? (double)total : fmin(ended.lowest, (double)total);
            ended.highest = fmax(ended.highest, (double)total);
        }
        bool over = total && ended.steps >= total;
        if (ended.steps % plan.steps_per_epoch == 0 || over) {
            ended.seconds += speed.validation;
            plan.epoch_seconds = speed.validation;
        }
    }
    ended.seconds += speed.test;
    return ended;
}

static const TimePlan hundred = {
    .limit = 100, .steps_per_epoch = 40, .batch = 32, .validation = 300, .test = 600};

static void assert_in_time(Ended ended, double limit, double slack)
{
    if (ended.seconds > limit || ended.seconds < limit - slack)
        fail_msg("%g seconds of %g, %lld steps", ended.seconds, limit, (long long)ended.steps);
}

static void a_training_fills_its_time(void **state)
{
    (void)state;
    Ended ended = simulate(hundred, (Speed){0.1, 0.5, 1, 1, 0}, INT64_MAX);
    assert_in_time(ended, 100, 0.7);
    assert_true(ended.first_step <= 20); /* known after 2 seconds */
    assert_true(ended.first_total > 0.85 * (double)ended.steps &&
                ended.first_total < 1.15 * (double)ended.steps);
    assert_true(ended.highest - ended.lowest <= 6); /* and hardly changed in its last half */
    assert_in_time(simulate(hundred, (Speed){0.01, 0, 0, 1, 0}, INT64_MAX), 100, 0.6);
    assert_in_time(simulate(hundred, (Speed){0.1, 12, 24, 1, 0}, INT64_MAX), 100, 13);
}

static void it_follows_a_speed_that_changes(void **state)
{
    (void)state;
    /* A first epoch that decodes what later ones have in memory; steps that differ. */
    Ended ended = simulate(hundred, (Speed){0.1, 0.5, 1, 4, 0.3}, INT64_MAX);
    assert_in_time(ended, 100, 0.8);
    assert_true(ended.highest - ended.lowest <= 0.1 * ended.highest);
}

static void short_epochs_and_slow_steps_end_in_time_too(void **state)
{
    (void)state;
    TimePlan plan = hundred;
    plan.steps_per_epoch = 1;
    plan.validation = 0;
    assert_in_time(simulate(plan, (Speed){1, 0, 7, 1, 0.1}, INT64_MAX), 100, 2.3);
    /* A step that takes longer than there is time: one is made. */
    assert_int_equal(simulate(plan, (Speed){150, 0, 2, 1, 0}, INT64_MAX).steps, 1);
    plan.steps_per_epoch = 40;
    assert_int_equal(simulate(plan, (Speed){150, 0, 2, 1, 0}, INT64_MAX).steps, 1);
}

static void nothing_is_planned_from_the_first_steps(void **state)
{
    (void)state;
    TimePlan plan = hundred;
    cnn_time_step(&plan, 1, 50); /* touches all memory */
    cnn_time_step(&plan, 2, 0.1);
    assert_int_equal(plan.measured, 0);
    assert_int_equal(cnn_time_total(&plan, 2, 50.1), 0);
    cnn_time_step(&plan, 3, 0.1);
    assert_int_equal(cnn_time_total(&plan, 3, 50.2), 0);
    cnn_time_step(&plan, 4, 0.1);
    cnn_time_step(&plan, 5, 0.1);
    int64_t total = cnn_time_total(&plan, 5, 50.4);
    assert_true(total > 400 && total < 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_fills_its_time),
        cmocka_unit_test(it_follows_a_speed_that_changes),
        cmocka_unit_test(short_epochs_and_slow_steps_end_in_time_too),
        cmocka_unit_test(nothing_is_planned_from_the_first_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
