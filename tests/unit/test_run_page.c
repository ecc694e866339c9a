/* What the page of a run is made of: text and pictures in HTML, curves in SVG. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "compiler/commands/curves.h"
#include "compiler/commands/html.h"
#include "tests/unit/arena_test.h"

static void text_is_escaped(void **state)
{
    (void)state;
    Text out = {.arena = arena};
    html_text(&out, "<b class=\"x\">&\x01\xff"
                    "ä\xe2\x82");
    assert_string_equal(
        text_string(&out),
        "&lt;b class=&quot;x&quot;&gt;&amp;\xef\xbf\xbd\xef\xbf\xbdä\xef\xbf\xbd\xef\xbf\xbd");
}

static void axes_have_round_ticks(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3}, y[] = {0.31, NAN, 0.97};
    CurveChart chart = {
        .title = "", .of = "epoch", .x = x, .count = 3, .curves = {{"", y}}, .curve_count = 1};
    CurveAxes axes = curves_axes(&chart);
    assert_true(fabs(axes.y_step - 0.2) < 1e-12);
    assert_true(fabs(axes.y_low - 0.2) < 1e-12);
    assert_true(fabs(axes.y_high - 1) < 1e-12);
    assert_true(axes.x_low == 1 && axes.x_high == 3 && axes.x_step == 1);
}

/* Of one epoch, of none that is finite, of the same value: no division by zero, no endless axis. */
static void charts_of_little_are_drawn(void **state)
{
    (void)state;
    const double x[] = {7}, nothing[] = {NAN}, zero[] = {0}, same[] = {-3};
    const double *const all[] = {nothing, zero, same};
    for (int i = 0; i < 3; i++)
        for (int stacked = 0; stacked < 2; stacked++) {
            Text out = {.arena = arena};
            CurveChart chart = {.title = "t",
                                .of = "epoch",
                                .x = x,
                                .count = 1,
                                .curves = {{"n", all[i]}},
                                .curve_count = 1,
                                .stacked = stacked};
            curves_svg(&chart, &out);
            assert_null(strstr(text_string(&out), "nan"));
            assert_null(strstr(text_string(&out), "inf"));
            assert_true(out.length < 4000);
        }
}

static void curves_have_gaps(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4}, y[] = {1, 2, NAN, 1};
    Text out = {.arena = arena};
    CurveChart chart = {
        .title = "a < b", .of = "step", .x = x, .count = 4, .curves = {{"c", y}}, .curve_count = 1};
    curves_svg(&chart, &out);
    assert_non_null(strstr(text_string(&out), "<title>a &lt; b</title>"));
    assert_non_null(strstr(text_string(&out), "d=\"M64.0 250.0L250.7 12.0M624.0 250.0\""));
    assert_non_null(strstr(text_string(&out), "<title>c, step 2: 2</title>"));
}

static void pictures_stand_in_the_page(void **state)
{
    (void)state;
    Text out = {.arena = arena};
    const uint32_t pixels[] = {0xff0000, 0x00ff00};
    const float curve[] = {0, 1};
    SheetCell cell = {.height = 1, .width = 2, .pixels = pixels};
    html_cell(&out, &cell, "\"x\"");
    assert_non_null(
        strstr(text_string(&out), "<img alt=\"&quot;x&quot;\" src=\"data:image/png;base64,iVBORw0KGgo"));
    out = (Text){.arena = arena};
    cell = (SheetCell){.height = 1, .width = 2, .curve = curve};
    html_cell(&out, &cell, "y");
    assert_non_null(strstr(text_string(&out), "points=\"0.0,96.0 96.0,0.0 \""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(axes_have_round_ticks),
        cmocka_unit_test(charts_of_little_are_drawn),
        cmocka_unit_test(curves_have_gaps),
        cmocka_unit_test(pictures_stand_in_the_page),
    };
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
