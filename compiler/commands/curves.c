#include "compiler/commands/curves.h"

#include <math.h>
#include <stdio.h>

#include "compiler/commands/chart.h"
#include "compiler/commands/html.h"
#ifdef CNNC_CAIRO
#include "compiler/commands/curves_cairo.h"
#endif

enum { WIDTH = 640, HEIGHT = 280, LEFT = 64, RIGHT = 16, TOP = 12, BOTTOM = 30, TICKS = 5, DOTS = 60 };

double curves_top(const CurveChart *chart, int curve, int i)
{
    double top = chart->curves[curve].y[i];
    for (int below = 0; chart->stacked && below < curve; below++)
        top += chart->curves[below].y[i];
    return top;
}

CurveAxes curves_axes(const CurveChart *chart)
{
    CurveAxes axes = {.x_low = chart->x[0], .x_high = chart->x[chart->count - 1]};
    double low = INFINITY, high = -INFINITY;
    for (int c = 0; c < chart->curve_count; c++)
        for (int i = 0; i < chart->count; i++)
            if (isfinite(curves_top(chart, c, i))) {
                low = fmin(low, curves_top(chart, c, i));
                high = fmax(high, curves_top(chart, c, i));
            }
    if (low > high)
        low = high = 0;
    if (chart->stacked)
        low = 0;
    if (high == low) { /* in the middle, unless it is zero */
        double room = low != 0 ? fabs(low) / 2 : 1;
        high += room;
        low -= low != 0 && !chart->stacked ? room : 0;
    }
    if (chart->stacked || axes.x_low == axes.x_high) {
        axes.x_low -= 0.5;
        axes.x_high += 0.5;
    }
    axes.x_step = fmax(1, chart_step(axes.x_high - axes.x_low, 2 * TICKS));
    axes.y_step = chart_step(high - low, TICKS);
    axes.y_low = floor(low / axes.y_step + 1e-9) * axes.y_step;
    axes.y_high = ceil(high / axes.y_step - 1e-9) * axes.y_step;
    return axes;
}

static double place(double value, double low, double high, double first, double last)
{
    return first + (value - low) / (high - low) * (last - first);
}

const char *curves_tick(const CurveChart *chart, double x, char out[CURVE_TICK])
{
    snprintf(out, CURVE_TICK, "%.5g", chart->decades ? pow(10, x) : x);
    return out;
}

double curves_x(const CurveFrame *frame, double x)
{
    return place(x, frame->axes.x_low, frame->axes.x_high, frame->left, frame->right);
}

double curves_y(const CurveFrame *frame, double y)
{
    return place(y, frame->axes.y_low, frame->axes.y_high, frame->bottom, frame->top);
}

/* ---- SVG ---- */

typedef struct {
    const CurveChart *chart;
    CurveFrame frame;
    Text *out;
} Drawing;

static void put_axes(const Drawing *drawing)
{
    const CurveAxes *axes = &drawing->frame.axes;
    char number[CURVE_TICK];
    for (int i = 0; axes->y_low + i * axes->y_step <= axes->y_high + axes->y_step / 2; i++) {
        double value = axes->y_low + i * axes->y_step, y = curves_y(&drawing->frame, value);
        text_printf(drawing->out,
                    "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                    "<text class=\"axis\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%.5g</text>\n",
                    LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, fabs(value) < axes->y_step / 2 ? 0 : value);
    }
    for (double x = ceil(axes->x_low / axes->x_step) * axes->x_step; x <= axes->x_high; x += axes->x_step)
        text_printf(
            drawing->out, "<text class=\"axis\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%s</text>\n",
            curves_x(&drawing->frame, x), HEIGHT - BOTTOM + 18, curves_tick(drawing->chart, x, number));
}

static void put_curve(const Drawing *drawing, int curve)
{
    const CurveChart *chart = drawing->chart;
    const Curve *shown = &chart->curves[curve];
    bool open = false;
    text_printf(drawing->out, "<path class=\"c%d\" d=\"", curve);
    for (int i = 0; i < chart->count; i++) {
        bool there = isfinite(shown->y[i]);
        if (there)
            text_printf(drawing->out, "%c%.1f %.1f", open ? 'L' : 'M', curves_x(&drawing->frame, chart->x[i]),
                        curves_y(&drawing->frame, shown->y[i]));
        open = there;
    }
    text_printf(drawing->out, "\"/>\n");
    for (int i = 0; i < chart->count && chart->count <= DOTS; i++)
        if (isfinite(shown->y[i])) {
            text_printf(drawing->out, "<circle class=\"c%d\" r=\"3\" cx=\"%.1f\" cy=\"%.1f\"><title>", curve,
                        curves_x(&drawing->frame, chart->x[i]), curves_y(&drawing->frame, shown->y[i]));
            html_text(drawing->out, shown->name);
            text_printf(drawing->out, ", %s %.0f: %.5g</title></circle>\n", chart->of, chart->x[i],
                        shown->y[i]);
        }
}

static void put_bars(const Drawing *drawing, int curve)
{
    const CurveChart *chart = drawing->chart;
    double width = 0.8 * (curves_x(&drawing->frame, 1) - curves_x(&drawing->frame, 0));
    for (int i = 0; i < chart->count; i++) {
        double top = curves_top(chart, curve, i), own = chart->curves[curve].y[i];
        if (!isfinite(top) || own <= 0)
            continue;
        double y = curves_y(&drawing->frame, top);
        text_printf(drawing->out,
                    "<rect class=\"c%d\" x=\"%.2f\" width=\"%.2f\" y=\"%.1f\" height=\"%.1f\"><title>", curve,
                    curves_x(&drawing->frame, chart->x[i]) - width / 2, width, y,
                    curves_y(&drawing->frame, top - own) - y);
        html_text(drawing->out, chart->curves[curve].name);
        text_printf(drawing->out, ", %s %.0f: %.4g</title></rect>\n", chart->of, chart->x[i], own);
    }
}

void curves_svg(const CurveChart *chart, Text *out)
{
    Drawing drawing = {chart, {curves_axes(chart), LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM}, out};
    text_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\"><title>",
                WIDTH, HEIGHT);
    html_text(out, chart->title);
    text_printf(out, "</title>\n");
    put_axes(&drawing);
    for (int c = 0; c < chart->curve_count; c++)
        if (chart->stacked)
            put_bars(&drawing, c);
        else
            put_curve(&drawing, c);
    text_printf(out, "</svg>\n");
}

CnnStatus curves_write(const CurveChart *charts, int count, const char *title, const char *subtitle,
                       const char *path, CnnError *error)
{
#ifdef CNNC_CAIRO
    return curves_cairo_write(charts, count, title, subtitle, path, error);
#else
    (void)charts, (void)count, (void)title, (void)subtitle;
    return cnn_fail(error, CNN_NO_RESOURCE, "'%s' cannot be drawn without cairo", path);
#endif
}
