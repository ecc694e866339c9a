/* The scale of f16's gradients: how it grows and falls, and what is counted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/loss_scale.h"

static LossScale opened(void)
{
    LossScale scale;
    loss_scale_open(&scale);
    return scale;
}

static void good_updates(LossScale *scale, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        assert_true(loss_scale_update(scale, true));
}

static void it_doubles_after_2000_good_updates_and_halves_with_each_bad_one(void **state)
{
    (void)state;
    LossScale scale = opened();
    assert_true(scale.value == 65536);
    good_updates(&scale, LOSS_SCALE_GOOD - 1);
    assert_true(loss_scale_update(&scale, false));
    assert_true(scale.value == 32768);
    good_updates(&scale, LOSS_SCALE_GOOD - 1); /* counted anew */
    assert_true(scale.value == 32768);
    good_updates(&scale, 1);
    assert_true(scale.value == 65536 && scale.good == 0);
    assert_true(loss_scale_update(&scale, false) && loss_scale_update(&scale, false));
    assert_true(scale.value == 16384);
    assert_int_equal(scale.skipped, 3);
    assert_int_equal(scale.of_epoch, 3);
}

static void it_has_bounds(void **state)
{
    (void)state;
    LossScale scale = opened();
    for (int i = 0; i < 16; i++)
        assert_true(loss_scale_update(&scale, false));
    assert_true(scale.value == LOSS_SCALE_LEAST);
    assert_false(loss_scale_update(&scale, false));
    assert_true(scale.value == LOSS_SCALE_LEAST);
    assert_int_equal(scale.skipped, 16); /* the last is for `nan` to judge */
    scale.value = LOSS_SCALE_MOST;
    scale.good = 0;
    good_updates(&scale, LOSS_SCALE_GOOD);
    assert_true(scale.value == LOSS_SCALE_MOST);
}

static void kernels_read_it_and_its_reciprocal(void **state)
{
    (void)state;
    LossScale scale = opened();
    CnnScalars scalars;
    loss_scale_set(&scale, &scalars);
    assert_true(scalars.loss_scale == 65536 && scalars.inverse_loss_scale == 0x1p-16f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_after_2000_good_updates_and_halves_with_each_bad_one),
        cmocka_unit_test(it_has_bounds),
        cmocka_unit_test(kernels_read_it_and_its_reciprocal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
