/* What a sweep varies: the ranges of the command line, the points that they make, and figures over several
 * trainings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/base/text.h"
#include "compiler/commands/series.h"
#include "compiler/commands/statistics.h"
#include "compiler/commands/sweep_points.h"
#include "tests/unit/arena_test.h"

/* The values of an axis, separated by blanks. */
static const char *values_text(const SweepAxis *axis)
{
    Text text = {.arena = arena};
    for (size_t i = 0; i < axis->values.count; i++)
        text_printf(&text, "%s%s", i ? " " : "", axis->values.items[i]);
    return text_string(&text);
}

static void check_values(const char *flag, const char *expected)
{
    SweepAxis axis;
    CnnError error = {0};
    assert_int_equal(sweep_axis_read(arena, "-D", flag, false, &axis, &error), CNN_OK);
    assert_string_equal(values_text(&axis), expected);
}

static void values_are_read(void **state)
{
    (void)state;
    SweepAxis axis;
    CnnError error = {0};
    check_values("width=0.5,1", "0.5 1");
    check_values("width= 0.5 , 1 ", "0.5 1");
    check_values("n=3", "3");
    check_values("range=0..1", "0..1"); /* a value of the language */
    check_values("text=\"a,b\",f(1,2)", "\"a,b\" f(1,2)");
    check_values("text=\"a:b\"", "\"a:b\"");
    assert_int_equal(
        sweep_axis_read(arena, "--set", "train.optimizer.rate=1e-4..1e-2:log:5", false, &axis, &error),
        CNN_OK);
    assert_string_equal(axis.flag, "--set");
    assert_string_equal(axis.name, "train.optimizer.rate");
    assert_true(axis.logarithmic);
    assert_true(sweep_axis_varies(&axis));
    assert_string_equal(values_text(&axis), "1e-4 0.0003162 0.001 0.003162 1e-2");
    assert_int_equal(sweep_axis_read(arena, "--set", "train.metrics=top5,f1", false, &axis, &error), CNN_OK);
    assert_string_equal(values_text(&axis), "top5,f1");
    assert_false(sweep_axis_varies(&axis));
}

static void ranges_of_numbers(void **state)
{
    (void)state;
    check_values("x=0.0..1:linear:5", "0.0 0.25 0.5 0.75 1");
    check_values("x=1..0.5:linear:2", "1 0.5");
    check_values("x=16..256:log:5", "16 32 64 128 256");
    check_values("x=10..100:log:3", "10 32 100");
    check_values("x=10.0..100:log:3", "10.0 31.62 100");
    check_values("x=10%..50%:linear:3", "10% 30% 50%");
    check_values("x=0,1..4:linear:4", "0 1 2 3 4");
}

static void check_error(const char *flag, bool random, const char *expected)
{
    SweepAxis axis;
    CnnError error = {0};
    assert_int_equal(sweep_axis_read(arena, "-D", flag, random, &axis, &error), CNN_BAD_USAGE);
    if (!strstr(error.text, expected))
        fail_msg("%s: \"%s\" does not say \"%s\"", flag, error.text, expected);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const char *const no_ranges[] = {
        "1e-4..1e-2:log:0", "1e-4..1e-2:log:1", "1..2:log:1001", "1..2:log:x", "1..2:log:",
        "1..2:log:5:6",     "1..2:lin:5",       "1..2:",         "..2:log:5",  "1..:log:5",
        "a..b:log:5",       "1%..2:log:5",      "1:log:5",       "1..2log5:"};
    for (size_t i = 0; i < COUNT(no_ranges); i++)
        check_error(arena_printf(arena, "x=%s", no_ranges[i]), true, "is no range: A..B:linear:N");
    check_error("width", false, "-D takes NAME=VALUE,VALUE,..., not 'width'");
    check_error("=1", false, "-D takes NAME=VALUE,VALUE,..., not '=1'");
    check_error("width=", false, "-D width: a value is missing in ''");
    check_error("width=1,,2", false, "-D width: a value is missing in '1,,2'");
    check_error("width=1,2,", false, "a value is missing in '1,2,'");
    check_error("width=1,0.5,1.0", false, "the value '1.0' stands twice");
    check_error("width=a,a", false, "the value 'a' stands twice");
    check_error("x=1..3:linear:5", false, "the value '2' stands twice");
    check_error("x=0..1:log:3", false, "'0..1:log:3' is not above 0");
    check_error("x=-1..-2:log:3", false, "is not above 0");
    check_error("x=2..2.0:linear:3", false, "begins and ends at the same value");
    check_error("x=1..2:log", false, "has no number of values");
    check_error("x=1..2:log,5", true, "stands alone");
}

static void a_name_stands_once(void **state)
{
    (void)state;
    SweepAxes axes;
    CnnError error = {0};
    const FlagList twice = {2, {"x=1,2", "x=3"}}, once = {1, {"x=1,2"}}, other = {1, {"x=3"}};
    assert_int_equal(sweep_axes_read(arena, &twice, &other, false, &axes, &error), CNN_BAD_USAGE);
    assert_non_null(strstr(error.text, "-D x stands twice"));
    error = (CnnError){0};
    assert_int_equal(sweep_axes_read(arena, &once, &other, false, &axes, &error), CNN_OK);
    assert_int_equal(axes.count, 2);
}

/* ---- Points ---- */

static SweepAxes axes_of(const FlagList *defines, bool random)
{
    SweepAxes axes;
    CnnError error = {0};
    const FlagList none = {0};
    assert_int_equal(sweep_axes_read(arena, defines, &none, random, &axes, &error), CNN_OK);
    return axes;
}

static void a_grid_has_all_points(void **state)
{
    (void)state;
    SweepPoints points;
    CnnError error = {0};
    const FlagList flags = {3, {"a=1,2", "n=7", "b=x,y,z"}};
    const SweepAxes axes = axes_of(&flags, false);
    assert_int_equal(sweep_points_make(arena, &axes, 0, 1, &points, &error), CNN_OK);
    assert_int_equal(points.count, 6);
    assert_string_equal(sweep_point_text(arena, &axes, &points.items[0]), "a=1, b=x");
    assert_string_equal(sweep_point_text(arena, &axes, &points.items[1]), "a=1, b=y");
    assert_string_equal(sweep_point_text(arena, &axes, &points.items[5]), "a=2, b=z");
}

static void points_are_drawn(void **state)
{
    (void)state;
    SweepPoints points, more, others;
    CnnError error = {0};
    const FlagList flags = {2, {"rate=1e-4..1e-2:log", "batch=16,32"}};
    const SweepAxes axes = axes_of(&flags, true);
    assert_int_equal(sweep_points_make(arena, &axes, 20, 1, &points, &error), CNN_OK);
    assert_int_equal(sweep_points_make(arena, &axes, 40, 1, &more, &error), CNN_OK);
    assert_int_equal(sweep_points_make(arena, &axes, 20, 2, &others, &error), CNN_OK);
    int below = 0, different = 0;
    for (size_t i = 0; i < points.count; i++) {
        double rate = strtod(points.items[i].values[0], NULL);
        assert_true(rate >= 1e-4 && rate <= 1e-2);
        below += rate < 1e-3;
        assert_string_equal(points.items[i].values[0], more.items[i].values[0]);
        assert_string_equal(points.items[i].values[1], more.items[i].values[1]);
        different += strcmp(points.items[i].values[0], others.items[i].values[0]) != 0;
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(sweep_point_text(arena, &axes, &points.items[i]),
                                    sweep_point_text(arena, &axes, &points.items[k]));
    }
    assert_in_range(below, 4, 16); /* half of them, by their logarithms */
    assert_true(different > 10);
}

static void points_that_cannot_be_made(void **state)
{
    (void)state;
    SweepPoints points;
    CnnError error = {0};
    const FlagList alone = {1, {"n=7"}}, two = {2, {"a=1,2", "b=1,2"}},
                   many = {2, {"a=1..1000:linear:1000", "b=1..100:linear:100"}};
    const SweepAxes nothing = axes_of(&alone, false), four = axes_of(&two, false),
                    grid = axes_of(&many, false);
    assert_int_equal(sweep_points_make(arena, &nothing, 0, 1, &points, &error), CNN_BAD_USAGE);
    assert_non_null(strstr(error.text, "nothing is varied"));
    error = (CnnError){0};
    assert_int_equal(sweep_points_make(arena, &four, 5, 1, &points, &error), CNN_BAD_USAGE);
    assert_non_null(strstr(error.text, "--random 5: there are no more than 4 different points"));
    error = (CnnError){0};
    assert_int_equal(sweep_points_make(arena, &four, 4, 1, &points, &error), CNN_OK);
    assert_int_equal(sweep_points_make(arena, &grid, 0, 1, &points, &error), CNN_BAD_USAGE);
    assert_non_null(strstr(error.text, "the grid has 100000 points"));
}

/* ---- Figures ---- */

static void deviations_are_those_of_a_sample(void **state)
{
    (void)state;
    const double values[] = {2, 4, 4, NAN, 4, 5, 5, 7, 9};
    Statistics of = statistics_of(values, COUNT(values));
    assert_int_equal(of.count, 8);
    assert_true(of.mean == 5 && of.least == 2 && of.most == 9);
    assert_true(fabs(of.deviation - sqrt(32.0 / 7)) < 1e-12);
    const double apart[] = {1e9 + 1, 1e9 + 2, 1e9 + 3};
    assert_true(fabs(statistics_of(apart, 3).deviation - 1) < 1e-6);
}

static void too_few_values_have_no_figures(void **state)
{
    (void)state;
    const double values[] = {3, INFINITY};
    Statistics one = statistics_of(values, COUNT(values)), none = statistics_of(values + 1, 1);
    assert_int_equal(one.count, 1);
    assert_true(one.mean == 3 && isnan(one.deviation));
    assert_int_equal(none.count, 0);
    assert_true(isnan(none.mean) && isnan(none.least) && isnan(none.most) && isnan(none.deviation));
}

static JsonObject object_of(const char *text)
{
    JsonObject object;
    JsonReader *reader = json_reader_open();
    assert_true(json_object_read(reader, arena, text, strlen(text), &object));
    json_reader_close(reader);
    return object;
}

static SeriesRun finished_run(const char *best, const char *test)
{
    SeriesRun run = {.state = SERIES_TRAINED, .recorded = true, .why = ""};
    run.record.best = object_of(best);
    run.record.test = object_of(test);
    return run;
}

static void results_are_those_of_finished_runs(void **state)
{
    (void)state;
    SeriesRun runs[] = {
        finished_run("{\"epoch\": 2, \"loss\": 9, \"val_loss\": 1, \"val_f1\": 0.5, \"rate\": 1}",
                     "{\"test_loss\": 2, \"samples\": 5}"),
        finished_run("{\"epoch\": 2, \"loss\": 9, \"val_loss\": 3, \"val_f1\": 0.7}", "{\"test_loss\": 4}"),
        finished_run("{\"val_loss\": 100}", "{\"test_loss\": 100}"),
    };
    runs[2].status = CNN_DIVERGED;
    const SeriesResults results = series_results(arena, runs, COUNT(runs));
    assert_int_equal(results.count, 3);
    assert_string_equal(results.items[0].key, "val_loss");
    assert_string_equal(results.items[1].key, "val_f1");
    assert_true(results.items[0].of.mean == 2 && results.items[0].of.count == 2);
    assert_true(series_result(&results, "test_loss")->of.mean == 3);
    assert_null(series_result(&results, "loss"));
    assert_string_equal(series_watched(runs, COUNT(runs)), "val_f1");
    assert_int_equal(series_count_finished(runs, COUNT(runs)), 2);
    assert_int_equal(series_status(runs, COUNT(runs)), CNN_DIVERGED);
    assert_true(series_falls("val_loss") && series_falls("loss") && !series_falls("val_f1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(ranges_of_numbers),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(a_name_stands_once),
        cmocka_unit_test(a_grid_has_all_points),
        cmocka_unit_test(points_are_drawn),
        cmocka_unit_test(points_that_cannot_be_made),
        cmocka_unit_test(deviations_are_those_of_a_sample),
        cmocka_unit_test(too_few_values_have_no_figures),
        cmocka_unit_test(results_are_those_of_finished_runs),
    };
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
