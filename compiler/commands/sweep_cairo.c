/* Draws a sweep with cairo: a panel for each value that varies, one below the other. */
#include <math.h>
#include <stdio.h>

#include "compiler/commands/canvas_cairo.h"
#include "compiler/commands/sweep_chart.h"

enum { HEAD = 76, PANEL = 290, LEFT = 90, TOP = 16, BOTTOM = 60, CAP = 5 };
static const double RADIUS = 4, BEST_RADIUS = 6;

static const CanvasColor dot_color = {0.15, 0.39, 0.92}, line_color = {0.70, 0.78, 0.95},
                         best_color = {0.92, 0.35, 0.05};

typedef struct {
    cairo_t *cairo;
    const SweepChart *chart;
    const SweepPanel *panel;
    double top, bottom;
} Drawing;

static double place_x(double x)
{
    return LEFT + x * (CANVAS_WIDTH - CANVAS_MARGIN - LEFT);
}

static double place_y(const Drawing *drawing, double y)
{
    const SweepChart *chart = drawing->chart;
    return drawing->bottom - (y - chart->low) / (chart->high - chart->low) * (drawing->bottom - drawing->top);
}

static void draw_axes(const Drawing *drawing)
{
    cairo_t *cairo = drawing->cairo;
    const SweepChart *chart = drawing->chart;
    cairo_set_line_width(cairo, 1);
    for (int i = 0, count = (int)lround((chart->high - chart->low) / chart->step); i <= count; i++) {
        char number[32];
        double value = chart->low + i * chart->step, y = round(place_y(drawing, value)) + 0.5;
        snprintf(number, sizeof number, "%.5g", fabs(value) < chart->step / 2 ? 0 : value);
        canvas_color(cairo, canvas_line_color);
        canvas_line(cairo, LEFT, y, CANVAS_WIDTH - CANVAS_MARGIN, y);
        canvas_color(cairo, canvas_grey);
        canvas_text(cairo, LEFT - 8, y + CANVAS_TEXT_SIZE * 0.36, 1, number);
    }
    for (int i = 0; i < drawing->panel->tick_count; i++) {
        const SweepTick *tick = &drawing->panel->ticks[i];
        double x = round(place_x(tick->x)) + 0.5;
        canvas_line(cairo, x, drawing->bottom, x, drawing->bottom + CAP);
        canvas_text(cairo, x, drawing->bottom + CANVAS_TEXT_SIZE + 8, 0.5, tick->text);
    }
    canvas_color(cairo, canvas_ink);
    canvas_text(cairo, place_x(0.5), drawing->bottom + 2 * CANVAS_TEXT_SIZE + 14, 0.5, drawing->panel->name);
}

static void draw_line(const Drawing *drawing)
{
    cairo_t *cairo = drawing->cairo;
    canvas_color(cairo, line_color);
    cairo_set_line_width(cairo, 2);
    cairo_new_path(cairo); /* text leaves a point, from which the first line would be drawn */
    for (int i = 0; i < drawing->panel->line_count; i++)
        cairo_line_to(cairo, place_x(drawing->panel->line[i].x), place_y(drawing, drawing->panel->line[i].y));
    cairo_stroke(cairo);
}

static void draw_dot(const Drawing *drawing, const SweepDot *dot)
{
    cairo_t *cairo = drawing->cairo;
    double x = place_x(dot->x), y = place_y(drawing, dot->y);
    canvas_color(cairo, dot->best ? best_color : dot_color);
    cairo_set_line_width(cairo, 1.5);
    if (isfinite(dot->deviation)) {
        double above = place_y(drawing, dot->y + dot->deviation),
               below = place_y(drawing, dot->y - dot->deviation);
        canvas_line(cairo, x, above, x, below);
        canvas_line(cairo, x - CAP, above, x + CAP, above);
        canvas_line(cairo, x - CAP, below, x + CAP, below);
    }
    cairo_new_path(cairo);
    cairo_arc(cairo, x, y, dot->best ? BEST_RADIUS : RADIUS, 0, 2 * M_PI);
    cairo_fill(cairo);
}

static void draw(cairo_t *cairo, const void *context)
{
    const SweepChart *chart = context;
    canvas_title(cairo, chart->title, chart->subtitle);
    for (int i = 0; i < chart->count; i++) {
        Drawing drawing = {cairo, chart, &chart->panels[i], HEAD + PANEL * i + TOP,
                           HEAD + PANEL * (i + 1) - BOTTOM};
        draw_axes(&drawing);
        draw_line(&drawing);
        for (int best = 0; best < 2; best++) /* above all others */
            for (int d = 0; d < drawing.panel->dot_count; d++)
                if (isfinite(drawing.panel->dots[d].y) && drawing.panel->dots[d].best == best)
                    draw_dot(&drawing, &drawing.panel->dots[d]);
    }
}

CnnStatus sweep_cairo_write(const SweepChart *chart, const char *path, bool svg, CnnError *error)
{
    return canvas_write(path, svg, HEAD + PANEL * chart->count, draw, chart, error);
}
