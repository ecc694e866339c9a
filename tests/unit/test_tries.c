/* What `cnnc run --overfit`, `--find-rate` and `--find-batch` make of their numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "compiler/commands/find_batch.h"
#include "compiler/commands/overfit.h"
#include "compiler/commands/rate_curve.h"

static Arena *arena;

/* ---- --overfit ---- */

static Overfit overfit_of(const double *losses, size_t count, double accuracy)
{
    Overfit overfit = {.batches = 1,
                       .samples = 8,
                       .classes = 10,
                       .steps = (int64_t)count,
                       .most = 500,
                       .rate = 0.1,
                       .accuracy = accuracy,
                       .look = {.least = 0, .most = 1, .classes = 5}};
    for (size_t i = 0; i < count; i++)
        *vec_push(arena, &overfit.losses) = losses[i];
    return overfit;
}

/* Whether one of the hints has this text. */
static bool hints_say(const Overfit *overfit, const char *text)
{
    const char *hints[OVERFIT_HINTS];
    int count = overfit_hints(overfit, arena, hints);
    for (int i = 0; i < count; i++)
        if (strstr(hints[i], text))
            return true;
    return false;
}

static void a_loss_near_zero_is_learnt(void **state)
{
    (void)state;
    const double losses[] = {2.4, 0.5, 0.02};
    Overfit overfit = overfit_of(losses, 3, 1);
    assert_true(fabs(overfit_near_zero(&overfit) - 0.01 * log(10)) < 1e-12);
    assert_int_equal(overfit_verdict(&overfit), OVERFIT_LEARNS);
    assert_int_equal(overfit_hints(&overfit, arena, (const char *[OVERFIT_HINTS]){0}), 0);
    overfit.accuracy = 0.875; /* an answer is wrong yet */
    assert_int_equal(overfit_verdict(&overfit), OVERFIT_SLOWLY);
    overfit.accuracy = NAN;
    assert_int_equal(overfit_verdict(&overfit), OVERFIT_LEARNS);
    overfit.look.classes = 1;
    assert_true(hints_say(&overfit, "of one class"));
}

/* A first loss far above what any constant answer has is no measure. */
static void a_wild_start_does_not_make_it_easy(void **state)
{
    (void)state;
    const double losses[] = {400, 30, 2};
    Overfit overfit = overfit_of(losses, 3, NAN);
    assert_int_equal(overfit_verdict(&overfit), OVERFIT_NOT);
    overfit.classes = 0;
    overfit.look.variance = 250;
    assert_int_equal(overfit_verdict(&overfit), OVERFIT_LEARNS);
    overfit.absolute = true;
    overfit.look.spread = 12;
    assert_int_equal(overfit_verdict(&overfit), OVERFIT_SLOWLY);
}

static void a_loss_that_stays_is_not_learnt(void **state)
{
    (void)state;
    const double losses[] = {2.31, 2.30, 2.29};
    Overfit overfit = overfit_of(losses, 3, 0.25);
    assert_int_equal(overfit_verdict(&overfit), OVERFIT_NOT);
    assert_true(hints_say(&overfit, "too low or too high"));
    assert_false(hints_say(&overfit, "scale 0..1"));
    overfit.look.most = 255;
    overfit.look.contradictions = 1;
    overfit.dead = "relu1";
    overfit.dead_where = "m.cnn:4:2";
    assert_true(hints_say(&overfit, "from 0 to 255"));
    assert_true(hints_say(&overfit, "1 of the samples is an earlier one"));
    assert_true(hints_say(&overfit, "relu1 (m.cnn:4:2) gives only zeros"));
    overfit.look.least = overfit.look.most = 0;
    assert_true(hints_say(&overfit, "all values that the network is given are 0"));
    const char *hints[OVERFIT_HINTS];
    assert_true(overfit_hints(&overfit, arena, hints) <= OVERFIT_HINTS);
}

static void a_loss_that_rises_wants_a_lower_rate(void **state)
{
    (void)state;
    const double rising[] = {2.3, 5}, infinite[] = {2.3, INFINITY};
    Overfit overfit = overfit_of(rising, 2, 0.1);
    assert_true(hints_say(&overfit, "the rate, 0.1, is too high"));
    overfit = overfit_of(infinite, 2, 0.1);
    assert_int_equal(overfit_verdict(&overfit), OVERFIT_DIVERGED);
    assert_true(hints_say(&overfit, "the rate, 0.1, is too high"));
}

static void batches_are_looked_at(void **state)
{
    (void)state;
    /* Two samples of two values in each of two batches; the first is the last with another label. */
    float input[] = {1, 2, 3, -4, 0, 0, 1, 2};
    int32_t label[] = {0, 1, 1, 1};
    int64_t first[] = {0, 2};
    KeptBatches batches = {2, 2, 4 * sizeof *input, 2 * sizeof *label, (char *)input, (char *)label, first};
    CnnImage image = {.label_width = 1, .input_dtype = DTYPE_F32, .label_dtype = DTYPE_I32};
    OverfitLook look = overfit_look(arena, &image, &batches);
    assert_true(look.least == -4 && look.most == 3);
    assert_int_equal(look.classes, 2);
    assert_int_equal(look.contradictions, 1);
    label[0] = 1;
    look = overfit_look(arena, &image, &batches);
    assert_int_equal(look.classes, 1);
    assert_int_equal(look.contradictions, 0);
    float numbers[] = {1, 3, 1, 3};
    batches.label = (char *)numbers;
    image.label_dtype = DTYPE_F32;
    look = overfit_look(arena, &image, &batches);
    assert_true(look.variance == 1 && look.spread == 1 && look.classes == 0);
}

/* ---- --find-rate ---- */

enum { STEPS = 100 };

/* A loss that stays up to one rate, falls up to another, and explodes from there on. */
static RateCurve curve_of(double falls, double explodes, double noise)
{
    RateCurve curve = {0};
    double loss = 2.3;
    for (int64_t i = 0; i < STEPS && !curve.exploded; i++) {
        double rate = rate_curve_rate(i, STEPS);
        loss *= rate > explodes ? 2 : rate > falls ? 0.93 : 1;
        rate_curve_add(arena, &curve, rate, loss + noise * (double)(i * 7 % 5 - 2));
    }
    return curve;
}

static void rates_grow_by_the_same_factor(void **state)
{
    (void)state;
    double factor = rate_curve_rate(1, STEPS) / rate_curve_rate(0, STEPS);
    for (int64_t i = 1; i < STEPS; i++)
        assert_true(fabs(rate_curve_rate(i, STEPS) / rate_curve_rate(i - 1, STEPS) / factor - 1) < 1e-9);
    assert_true(fabs(rate_curve_rate(0, STEPS) / 1e-7 - 1) < 1e-9);
    assert_true(fabs(rate_curve_rate(STEPS - 1, STEPS) / 10 - 1) < 1e-9);
}

static void a_rate_is_found_where_the_loss_falls(void **state)
{
    (void)state;
    for (int noisy = 0; noisy < 2; noisy++) {
        RateCurve curve = curve_of(1e-4, 0.1, noisy * 0.05);
        RateSuggestion read = rate_curve_read(&curve);
        assert_true(curve.exploded && curve.points.count < STEPS);
        assert_true(read.found);
        assert_true(read.rate > 1e-4 && read.rate < 0.1);
        assert_true(curve.points.items[read.steepest].rate > 1e-4);
        assert_true(curve.points.items[read.lowest].rate >= 0.08);
        double power = pow(10, floor(log10(read.rate)));
        assert_true(fabs(read.rate / power - round(read.rate / power)) < 1e-6);
    }
}

static void a_loss_that_never_falls_gives_no_rate(void **state)
{
    (void)state;
    RateCurve curve = curve_of(1, 1e-3, 0.02), still = curve_of(100, 100, 0.05), none = {0};
    assert_true(curve.exploded);
    assert_false(rate_curve_read(&curve).found);
    assert_false(still.exploded);
    assert_false(rate_curve_read(&still).found);
    assert_false(rate_curve_read(&none).found);
}

static void a_loss_that_is_no_number_ends_the_curve(void **state)
{
    (void)state;
    RateCurve curve = curve_of(1e-4, 100, 0), broken = {0};
    rate_curve_add(arena, &curve, 20, NAN);
    assert_true(curve.exploded);
    assert_true(rate_curve_read(&curve).found);
    rate_curve_add(arena, &broken, 1e-7, INFINITY);
    assert_true(broken.exploded);
    assert_false(rate_curve_read(&broken).found);
}

/* The average as fastai has it: corrected for its start from zero. */
static void losses_are_smoothed(void **state)
{
    (void)state;
    RateCurve curve = {0};
    rate_curve_add(arena, &curve, 1e-7, 2);
    rate_curve_add(arena, &curve, 2e-7, 1);
    assert_true(fabs(curve.points.items[0].smooth - 2) < 1e-12);
    assert_true(fabs(curve.points.items[1].smooth - (0.98 * 0.02 * 2 + 0.02) / (1 - 0.98 * 0.98)) < 1e-12);
}

/* ---- --find-batch ---- */

static void the_smallest_batch_that_is_fast_is_suggested(void **state)
{
    (void)state;
    const BatchRow rows[] = {{8, 1, 1000}, {16, 2, 1900}, {32, 3, 2400}, {64, 4, 2500}, {128, 5, 0}};
    BatchChoice choice = batch_choose(rows, 5, 16);
    assert_int_equal(choice.fastest, 3);
    assert_int_equal(choice.suggested, 2);
    assert_int_equal(batch_choose(rows, 5, 64).suggested, 3); /* the model's own is as good */
    assert_int_equal(batch_choose(rows + 4, 1, 16).suggested, -1);
}

static void measuring_ends_where_nothing_becomes_faster(void **state)
{
    (void)state;
    const BatchRow rows[] = {{8, 1, 1000},  {16, 2, 1500},  {32, 3, 1510},
                             {64, 4, 1700}, {128, 5, 1690}, {256, 6, 1720}};
    for (int count = 1; count < 6; count++)
        assert_true(batch_goes_on(rows, count));
    assert_false(batch_goes_on(rows, 6));
}

static void batches_are_powers_of_two_and_the_models(void **state)
{
    (void)state;
    const int64_t expected[] = {8, 16, 32, 50, 64, 100};
    int64_t batch = expected[0];
    for (int i = 1; i < 6; i++) {
        batch = batch_next(batch, 50, 100);
        assert_int_equal(batch, expected[i]);
    }
}

static int open_arena(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_near_zero_is_learnt),
        cmocka_unit_test(a_wild_start_does_not_make_it_easy),
        cmocka_unit_test(a_loss_that_stays_is_not_learnt),
        cmocka_unit_test(a_loss_that_rises_wants_a_lower_rate),
        cmocka_unit_test(batches_are_looked_at),
        cmocka_unit_test(rates_grow_by_the_same_factor),
        cmocka_unit_test(a_rate_is_found_where_the_loss_falls),
        cmocka_unit_test(a_loss_that_never_falls_gives_no_rate),
        cmocka_unit_test(a_loss_that_is_no_number_ends_the_curve),
        cmocka_unit_test(losses_are_smoothed),
        cmocka_unit_test(the_smallest_batch_that_is_fast_is_suggested),
        cmocka_unit_test(measuring_ends_where_nothing_becomes_faster),
        cmocka_unit_test(batches_are_powers_of_two_and_the_models),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
