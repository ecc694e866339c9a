/* Remedies for trainings that go wrong, from their numbers alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "runtime/advice.h"

enum { UPDATES = 240 };

/* An epoch whose loss goes from one value to another, with some noise. The lines that are said; their number.
 */
static int run_epoch(Advice *advice, double from, double to, double noise, EpochEnd end,
                     AdviceLine lines[ADVICE_COUNT])
{
    advice_epoch(advice, UPDATES);
    for (int i = 0; i < UPDATES; i++)
        advice_update(advice, from + (to - from) * i / UPDATES + noise * ((i * 7 % 5) - 2));
    return advice_end(advice, &end, lines);
}

static Advice opened(void)
{
    Advice advice;
    advice_open(&advice, false, false);
    return advice;
}

static const EpochEnd none = {.loss = 2, .validation = NAN, .rate = 0.1};

static void assert_says(const AdviceLine *line, const char *text)
{
    if (!strstr(line->text, text))
        fail_msg("\"%s\" does not say \"%s\"", line->text, text);
}

static void a_training_that_learns_is_left_alone(void **state)
{
    (void)state;
    AdviceLine lines[ADVICE_COUNT];
    Advice advice = opened();
    double loss = 2.3;
    for (int epoch = 0; epoch < 10; epoch++) {
        assert_int_equal(run_epoch(&advice, loss, loss * 0.8, 0.05,
                                   (EpochEnd){.loss = loss, .validation = loss + 0.05, .rate = 0.1}, lines),
                         0);
        loss *= 0.8;
    }
    /* One that has learnt all there is moves no more. */
    assert_int_equal(run_epoch(&advice, loss, loss, 0.05,
                               (EpochEnd){.loss = loss, .validation = loss, .rate = 0.1}, lines),
                     0);
}

static void a_loss_that_does_not_move_is_told_once(void **state)
{
    (void)state;
    AdviceLine lines[ADVICE_COUNT];
    Advice advice = opened();
    assert_int_equal(run_epoch(&advice, 2.303, 2.303, 0.02, none, lines), 1);
    assert_says(&lines[0], "the loss has not moved from 2.303: the rate (0.1)");
    assert_int_equal(run_epoch(&advice, 2.303, 2.302, 0.02, none, lines), 0);
    advice = opened(); /* a fall that may be chance */
    assert_int_equal(run_epoch(&advice, 2.3, 2.27, 0.2, none, lines), 1);
    assert_says(&lines[0], "has not moved");
}

static void a_rate_that_is_too_high_or_too_low_is_told(void **state)
{
    (void)state;
    AdviceLine lines[ADVICE_COUNT];
    Advice advice = opened();
    assert_int_equal(run_epoch(&advice, 2, 4, 0.05, none, lines), 1);
    assert_says(&lines[0], "the rate is too high: try 0.01 in place of 0.1");
    advice = opened();
    assert_int_equal(run_epoch(&advice, 2, 2.06, 0.001, none, lines), 0); /* a warm-up may do that */
    advice = opened();
    assert_int_equal(run_epoch(&advice, 2, 1.97, 0.001, none, lines), 1);
    assert_says(&lines[0], "the rate is too low: try 1 in place of 0.1");
    /* Later epochs may fall slowly, or rise. */
    advice = opened();
    assert_int_equal(run_epoch(&advice, 2, 1, 0.001, none, lines), 0);
    assert_int_equal(run_epoch(&advice, 1, 0.99, 0.001, none, lines), 0);
    assert_int_equal(run_epoch(&advice, 1, 1.5, 0.001, none, lines), 0);
}

static void few_updates_tell_nothing(void **state)
{
    (void)state;
    AdviceLine lines[ADVICE_COUNT];
    Advice advice = opened();
    advice_epoch(&advice, 15);
    for (int i = 0; i < 15; i++)
        advice_update(&advice, i < 8 ? 2 : 4);
    assert_int_equal(advice_end(&advice, &none, lines), 0);
    /* Several short epochs tell together that the loss does not move. */
    advice = opened();
    for (int epoch = 1; epoch <= 5; epoch++) {
        advice_epoch(&advice, 40);
        for (int i = 0; i < 40; i++)
            advice_update(&advice, 2 + 0.01 * (i % 3));
        assert_int_equal(advice_end(&advice, &none, lines), epoch == 5);
    }
}

static void dead_layers_are_told_with_their_line(void **state)
{
    (void)state;
    AdviceLine lines[ADVICE_COUNT];
    Advice advice = opened();
    EpochEnd end = none;
    assert_true(advice_wants_dead(&advice));
    end.dead = "relu2";
    end.dead_where = "m.cnn:5:20";
    assert_int_equal(run_epoch(&advice, 2, 2, 0.01, end, lines),
                     1); /* not also that the loss does not move */
    assert_says(&lines[0], "relu2 (m.cnn:5:20) gives only zeros");
    assert_false(advice_wants_dead(&advice));
    /* Looked for in the first epoch, then where the loss does not move. */
    advice = opened();
    assert_int_equal(run_epoch(&advice, 2, 1, 0.01, none, lines), 0);
    assert_false(advice_wants_dead(&advice));
    run_epoch(&advice, 1.8771, 1.8771, 0.01, none, lines); /* the mean of the first quarter */
    assert_true(advice_wants_dead(&advice));
}

static void learning_by_heart_is_told_after_three_epochs(void **state)
{
    (void)state;
    static const double validation[] = {1.0, 0.8, 0.82, 0.84, 0.9, 0.95};
    AdviceLine lines[ADVICE_COUNT];
    for (int falls = 0; falls < 2; falls++) {
        Advice advice;
        advice_open(&advice, true, false);
        int told = 0;
        for (int epoch = 0; epoch < 6; epoch++) {
            double loss = falls ? 1 - 0.1 * epoch : 1 + 0.01 * epoch;
            EpochEnd end = {.loss = loss, .validation = validation[epoch], .rate = 0.1};
            int count = run_epoch(&advice, loss + 0.4 - 0.05 * epoch, loss - 0.1 * epoch, 0.001, end, lines);
            told += count;
            assert_int_equal(count, falls && epoch == 4);
        }
        assert_int_equal(told, falls);
    }
    Advice advice;
    advice_open(&advice, true, false);
    for (int epoch = 0; epoch < 5; epoch++)
        run_epoch(&advice, 2 - 0.3 * epoch, 1.7 - 0.3 * epoch, 0.001,
                  (EpochEnd){.loss = 1 - 0.1 * epoch, .validation = validation[epoch], .rate = 0.1}, lines);
    assert_string_equal(
        lines[0].text, "the validation loss has risen from 0.8 in epoch 2 to 0.9, while that of the training "
                       "falls: the samples are learnt by heart: 'augment', 'dropout' or 'decay' help");
}

static void overflows_of_f16_are_told_where_they_are_many(void **state)
{
    (void)state;
    AdviceLine lines[ADVICE_COUNT];
    Advice advice = opened();
    EpochEnd end = none;
    end.scale = 32;
    end.skipped = 11; /* until the scale has come down */
    assert_int_equal(run_epoch(&advice, 2, 1, 0.01, end, lines), 0);
    end.skipped = 17;
    assert_int_equal(run_epoch(&advice, 2, 1, 0.01, end, lines), 1);
    assert_says(&lines[0],
                "gradients have overflowed f16 in 17 of 240 updates of this epoch, and their scale "
                "is down to 32");
    assert_int_equal(run_epoch(&advice, 2, 1, 0.01, end, lines), 0);
    advice = opened();
    end.scale = 1;
    end.skipped = 1;
    assert_int_equal(run_epoch(&advice, 2, 1, 0.01, end, lines), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_that_learns_is_left_alone),
        cmocka_unit_test(a_loss_that_does_not_move_is_told_once),
        cmocka_unit_test(a_rate_that_is_too_high_or_too_low_is_told),
        cmocka_unit_test(few_updates_tell_nothing),
        cmocka_unit_test(dead_layers_are_told_with_their_line),
        cmocka_unit_test(learning_by_heart_is_told_after_three_epochs),
        cmocka_unit_test(overflows_of_f16_are_told_where_they_are_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
