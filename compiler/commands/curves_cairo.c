/* Draws curves with cairo, one chart below the other. */
#include "compiler/commands/curves_cairo.h"

#include <math.h>
#include <stdio.h>

#include "compiler/commands/canvas_cairo.h"
#include "compiler/commands/chart.h"

enum { HEAD = 76, CHART = 270, LEFT = 90, TOP = 34, BOTTOM = 30, MARK = 12 };

static const CanvasColor colors[CURVES_MOST] = {{0.15, 0.39, 0.92}, {0.92, 0.35, 0.05}, {0.09, 0.64, 0.29}};

typedef struct {
    const char *title, *subtitle;
    const CurveChart *charts;
    int count;
} Sheet;

typedef struct {
    cairo_t *cairo;
    const CurveChart *chart;
    CurveFrame frame;
} Drawing;

static void draw_axes(const Drawing *drawing)
{
    const CurveAxes *axes = &drawing->frame.axes;
    cairo_t *cairo = drawing->cairo;
    char number[CURVE_TICK];
    cairo_set_line_width(cairo, 1);
    for (int i = 0; axes->y_low + i * axes->y_step <= axes->y_high + axes->y_step / 2; i++) {
        double value = axes->y_low + i * axes->y_step, y = round(curves_y(&drawing->frame, value)) + 0.5;
        snprintf(number, sizeof number, "%.5g", fabs(value) < axes->y_step / 2 ? 0 : value);
        canvas_color(cairo, canvas_line_color);
        canvas_line(cairo, LEFT, y, CANVAS_WIDTH - CANVAS_MARGIN, y);
        canvas_color(cairo, canvas_grey);
        canvas_text(cairo, LEFT - 8, y + CANVAS_TEXT_SIZE * 0.36, 1, number);
    }
    for (double x = ceil(axes->x_low / axes->x_step) * axes->x_step; x <= axes->x_high; x += axes->x_step) {
        canvas_text(cairo, curves_x(&drawing->frame, x), drawing->frame.bottom + CANVAS_TEXT_SIZE + 6, 0.5,
                    curves_tick(drawing->chart, x, number));
    }
}

/* A line over the whole height, with its name at the top. */
static void draw_mark(const Drawing *drawing, const CurveMark *mark)
{
    double x = round(curves_x(&drawing->frame, mark->x)) + 0.5;
    canvas_color(drawing->cairo, canvas_ink);
    cairo_set_line_width(drawing->cairo, 1);
    canvas_line(drawing->cairo, x, drawing->frame.top, x, drawing->frame.bottom);
    canvas_text(drawing->cairo, x + MARK / 2, drawing->frame.top + CANVAS_TEXT_SIZE, 0, mark->name);
}

/* The title, and behind it the names of the curves in their colours. */
static void draw_names(const Drawing *drawing)
{
    cairo_t *cairo = drawing->cairo;
    double x = LEFT, y = drawing->frame.top - 14;
    canvas_color(cairo, canvas_ink);
    canvas_text(cairo, x, y, 0, drawing->chart->title);
    x += canvas_text_width(cairo, drawing->chart->title) + 2 * MARK;
    for (int c = 0; c < drawing->chart->curve_count; c++) {
        const char *name = drawing->chart->curves[c].name;
        canvas_color(cairo, colors[c]);
        cairo_rectangle(cairo, x, y - MARK + 2, MARK, MARK);
        cairo_fill(cairo);
        canvas_text(cairo, x + MARK + 6, y, 0, name);
        x += canvas_text_width(cairo, name) + 3 * MARK;
    }
}

static void draw_curve(const Drawing *drawing, int curve)
{
    const CurveChart *chart = drawing->chart;
    cairo_set_line_width(drawing->cairo, 2);
    cairo_new_path(drawing->cairo); /* text leaves a point, from which the first line would be drawn */
    for (int i = 0; i < chart->count; i++) {
        double y = chart->curves[curve].y[i];
        if (!isfinite(y))
            cairo_new_sub_path(drawing->cairo);
        else
            cairo_line_to(drawing->cairo, curves_x(&drawing->frame, chart->x[i]),
                          curves_y(&drawing->frame, y));
    }
    cairo_stroke(drawing->cairo);
    if (chart->count > 1)
        return;
    cairo_arc(drawing->cairo, curves_x(&drawing->frame, chart->x[0]),
              curves_y(&drawing->frame, chart->curves[curve].y[0]), 4, 0, 6.2832);
    cairo_fill(drawing->cairo);
}

static void draw_bars(const Drawing *drawing, int curve)
{
    const CurveChart *chart = drawing->chart;
    double width = 0.8 * (curves_x(&drawing->frame, 1) - curves_x(&drawing->frame, 0));
    for (int i = 0; i < chart->count; i++) {
        double top = curves_top(chart, curve, i), own = chart->curves[curve].y[i];
        if (!isfinite(top) || own <= 0)
            continue;
        double y = curves_y(&drawing->frame, top);
        cairo_rectangle(drawing->cairo, curves_x(&drawing->frame, chart->x[i]) - width / 2, y, width,
                        curves_y(&drawing->frame, top - own) - y);
    }
    cairo_fill(drawing->cairo);
}

static void draw(cairo_t *cairo, const void *context)
{
    const Sheet *sheet = context;
    canvas_title(cairo, sheet->title, sheet->subtitle);
    for (int i = 0; i < sheet->count; i++) {
        const CurveChart *chart = &sheet->charts[i];
        double top = HEAD + CHART * i + TOP;
        CurveFrame frame = {curves_axes(chart), LEFT, CANVAS_WIDTH - CANVAS_MARGIN, top,
                            HEAD + CHART * (i + 1) - BOTTOM};
        Drawing drawing = {cairo, chart, frame};
        draw_axes(&drawing);
        if (chart->mark)
            draw_mark(&drawing, chart->mark);
        draw_names(&drawing);
        for (int c = 0; c < chart->curve_count; c++) {
            canvas_color(cairo, colors[c]);
            if (chart->stacked)
                draw_bars(&drawing, c);
            else
                draw_curve(&drawing, c);
        }
    }
}

CnnStatus curves_cairo_write(const CurveChart *charts, int count, const char *title, const char *subtitle,
                             const char *path, CnnError *error)
{
    Sheet sheet = {title, subtitle, charts, count};
    return canvas_write(path, chart_is_svg(path), HEAD + CHART * count + CANVAS_MARGIN / 2, draw, &sheet,
                        error);
}
