/* Units of steps: their pieces cover each point once, and barriers stand where one needs what another makes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/units.h"

enum { POINTS_MOST = 100, THREADS = 3 };
static const double SMALL = 100, LARGE = 1e7;

static void pieces_take_each_point_once(void **state)
{
    (void)state;
    for (int shares = 1; shares <= 5; shares++)
        for (int halvings = 0; halvings <= 3; halvings++)
            for (int64_t extent = 1; extent <= POINTS_MOST; extent += 3)
                for (int64_t grain = 1; grain <= 17; grain += 4) {
                    CnnUnit unit = {.step_count = 1, .shares = shares, .halvings = halvings};
                    int64_t next = 0;
                    for (int64_t piece = 0; piece < cnn_unit_pieces(&unit); piece++) {
                        CnnRange range = cnn_unit_piece(&unit, piece, extent, grain);
                        if (range.begin >= range.end)
                            continue;
                        assert_int_equal(range.begin, next);
                        assert_int_equal(range.begin % grain, 0);
                        next = range.end;
                    }
                    assert_int_equal(next, extent);
                }
}

static void later_pieces_are_smaller(void **state)
{
    (void)state;
    CnnUnit unit = {.step_count = 1, .shares = 2, .halvings = 2};
    static const int64_t ends[] = {16, 32, 40, 48, 56, 64};
    assert_int_equal(cnn_unit_pieces(&unit), 6);
    for (int64_t piece = 0; piece < 6; piece++)
        assert_int_equal(cnn_unit_piece(&unit, piece, 64, 1).end, ends[piece]);
}

enum { B_LOSS, B_WEIGHTS, B_SUM, B_OVER_SUM, B_OTHER, B_WORKER, BUFFERS };

#define BUFFER(place, from, length)                                                                          \
    {                                                                                                        \
        .segment = (place), .offset = (from), .bytes = (length)                                              \
    }
static const CnnBuffer buffers[BUFFERS] = {
    [B_LOSS] = BUFFER(SEGMENT_BATCH, 0, 4),      [B_WEIGHTS] = BUFFER(SEGMENT_STATE, 0, 512),
    [B_SUM] = BUFFER(SEGMENT_BATCH, 64, 256),    [B_OVER_SUM] = BUFFER(SEGMENT_BATCH, 256, 128),
    [B_OTHER] = BUFFER(SEGMENT_BATCH, 1024, 64), [B_WORKER] = BUFFER(SEGMENT_WORKER, 0, 4096),
};

/* A step that reads one buffer and writes another. */
static CnnStep step_of(const int both[2], double flops)
{
    return (CnnStep){.flops = flops,
                     .buffer_count = 2,
                     .buffers = both,
                     .write_count = 1,
                     .writes = both + 1,
                     .extent = 64,
                     .grain = 1};
}

/* The units of a whole phase of these steps; returns their number. */
static int units_of(const CnnStep *steps, int count, const bool *guarded, CnnUnit *units)
{
    CnnPhase phase = {PHASE_WHOLE, WHEN_ALWAYS, 0, count, 1};
    CnnProgram program = {.batch = 8,
                          .slice = 4,
                          .buffer_count = BUFFERS,
                          .buffers = buffers,
                          .step_count = count,
                          .steps = steps,
                          .phase_count = 1,
                          .phases = &phase,
                          .loss = B_LOSS};
    return cnn_units(&program, guarded, THREADS, units);
}

static void only_what_needs_another_waits(void **state)
{
    (void)state;
    static const struct {
        int first[2], second[2];
        bool waits;
    } cases[] = {
        {{B_WEIGHTS, B_SUM}, {B_SUM, B_OTHER}, true},      /* reads what was written */
        {{B_WEIGHTS, B_SUM}, {B_OTHER, B_OVER_SUM}, true}, /* writes into the same memory */
        {{B_SUM, B_OTHER}, {B_LOSS, B_OVER_SUM}, true},    /* writes what is read */
        {{B_WEIGHTS, B_SUM}, {B_WEIGHTS, B_OTHER}, false}, /* both read */
        {{B_WEIGHTS, B_SUM}, {B_OTHER, B_LOSS}, false},    /* nothing in common */
        {{B_WORKER, B_SUM}, {B_LOSS, B_WORKER}, false},    /* each worker has its own */
    };
    static const bool none[2] = {false, false}, second[2] = {false, true};
    CnnUnit units[3];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CnnStep steps[] = {step_of(cases[i].first, LARGE), step_of(cases[i].second, LARGE)};
        assert_int_equal(units_of(steps, 2, none, units), 2);
        assert_false(units[0].waits);
        assert_int_equal(units[1].waits, cases[i].waits);
    }
    CnnStep steps[] = {step_of((int[]){B_OTHER, B_LOSS}, LARGE), step_of((int[]){B_SUM, B_WEIGHTS}, LARGE)};
    units_of(steps, 2, none, units);
    assert_false(units[1].waits);
    units_of(steps, 2, second, units);
    assert_true(units[1].waits); /* for the loss, on which it depends whether it is done */
}

static void one_barrier_is_enough_for_several(void **state)
{
    (void)state;
    static const bool none[3] = {false};
    static const int make[] = {B_WEIGHTS, B_SUM}, use[] = {B_SUM, B_OTHER}, again[] = {B_SUM, B_LOSS};
    CnnStep steps[] = {step_of(make, LARGE), step_of(use, LARGE), step_of(again, LARGE)};
    CnnUnit units[4];
    assert_int_equal(units_of(steps, 3, none, units), 3);
    assert_true(units[1].waits);
    assert_false(units[2].waits);
}

static void small_steps_are_one_workers(void **state)
{
    (void)state;
    static const bool none[4] = {false};
    static const int make[] = {B_WEIGHTS, B_SUM}, use[] = {B_SUM, B_OTHER}, other[] = {B_WEIGHTS, B_LOSS};
    CnnStep steps[] = {step_of(make, SMALL), step_of(use, SMALL), step_of(other, LARGE),
                       step_of(other, SMALL)};
    CnnUnit units[5];
    assert_int_equal(units_of(steps, 4, none, units), 3);
    assert_int_equal(units[0].step_count, 2);
    assert_int_equal(cnn_unit_pieces(&units[0]), 1);
    assert_true(cnn_unit_pieces(&units[1]) > THREADS);
    assert_int_equal(units[2].first_step, 3);
    assert_true(units[2].waits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_take_each_point_once),   cmocka_unit_test(later_pieces_are_smaller),
        cmocka_unit_test(only_what_needs_another_waits), cmocka_unit_test(one_barrier_is_enough_for_several),
        cmocka_unit_test(small_steps_are_one_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
