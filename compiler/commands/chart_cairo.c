/* Draws bar charts with cairo: names at the left, bars with the range they were measured in, notes behind
 * them, the axis below. */
#include "compiler/commands/chart_cairo.h"

#include <math.h>
#include <stdio.h>

#include "compiler/commands/canvas_cairo.h"

enum { GAP = 12, TOP = 84, ROW = 40, BAR = 24, BOTTOM = 76, TICKS = 6, TICK = 5 };

static const CanvasColor bar = {0.44, 0.60, 0.78}, bar_marked = {0.16, 0.50, 0.32};

typedef struct {
    cairo_t *cairo;
    const Chart *chart;
    double left, right, bottom; /* of the plot */
    double scale;               /* pixels of one unit of the axis */
    double step, end;           /* of the axis: from one tick to the next, and the last */
} Drawing;

/* Names and notes get the room that they need, bars what is left. */
static void lay_out(Drawing *drawing)
{
    const Chart *chart = drawing->chart;
    double names = 0, notes = 0, most = 0;
    for (int i = 0; i < chart->count; i++) {
        names = fmax(names, canvas_text_width(drawing->cairo, chart->bars[i].name));
        notes = fmax(notes, canvas_text_width(drawing->cairo, chart->bars[i].note));
        most = fmax(most, fmax(chart->bars[i].value, chart->bars[i].most));
    }
    most = most > 0 ? most : 1;
    drawing->left = CANVAS_MARGIN + names + GAP;
    drawing->right = CANVAS_WIDTH - CANVAS_MARGIN - notes - GAP;
    drawing->bottom = TOP + ROW * chart->count;
    drawing->step = chart_step(most, TICKS);
    drawing->end = ceil(most / drawing->step - 1e-9) * drawing->step;
    drawing->scale = (drawing->right - drawing->left) / drawing->end;
}

static void draw_axis(const Drawing *drawing)
{
    cairo_t *cairo = drawing->cairo;
    cairo_set_line_width(cairo, 1);
    int count = (int)lround(drawing->end / drawing->step);
    for (int i = 0; i <= count; i++) {
        char number[32];
        double value = i * drawing->step, x = round(drawing->left + value * drawing->scale) + 0.5;
        snprintf(number, sizeof number, "%.10g", value);
        canvas_color(cairo, canvas_line_color);
        canvas_line(cairo, x, TOP, x, drawing->bottom);
        canvas_color(cairo, canvas_ink);
        canvas_line(cairo, x, drawing->bottom, x, drawing->bottom + TICK);
        canvas_text(cairo, x, drawing->bottom + TICK + CANVAS_TEXT_SIZE + 2, 0.5, number);
    }
    canvas_line(cairo, drawing->left, drawing->bottom + 0.5, drawing->right, drawing->bottom + 0.5);
    canvas_text(cairo, (drawing->left + drawing->right) / 2, drawing->bottom + TICK + 3 * CANVAS_TEXT_SIZE,
                0.5, drawing->chart->axis);
}

static void draw_bar(const Drawing *drawing, int number)
{
    cairo_t *cairo = drawing->cairo;
    const ChartBar *shown = &drawing->chart->bars[number];
    double top = TOP + ROW * number + (ROW - BAR) / 2, middle = top + BAR / 2.0;
    double least = drawing->left + shown->least * drawing->scale,
           most = drawing->left + shown->most * drawing->scale;
    double end = drawing->left + shown->value * drawing->scale;
    canvas_color(cairo, shown->marked ? bar_marked : bar);
    cairo_rectangle(cairo, drawing->left, top, end - drawing->left, BAR);
    cairo_fill(cairo);
    canvas_color(cairo, canvas_ink);
    cairo_set_line_width(cairo, 1.5);
    canvas_line(cairo, least, middle, most, middle);
    canvas_line(cairo, least, middle - TICK, least, middle + TICK);
    canvas_line(cairo, most, middle - TICK, most, middle + TICK);
    double baseline = middle + CANVAS_TEXT_SIZE * 0.36;
    canvas_text(cairo, drawing->left - GAP, baseline, 1, shown->name);
    canvas_text(cairo, fmax(end, most) + GAP, baseline, 0, shown->note);
}

static void draw(cairo_t *cairo, const void *context)
{
    const Chart *chart = context;
    Drawing drawing = {.cairo = cairo, .chart = chart};
    canvas_title(cairo, chart->title, chart->subtitle);
    lay_out(&drawing);
    draw_axis(&drawing);
    for (int i = 0; i < chart->count; i++)
        draw_bar(&drawing, i);
}

CnnStatus chart_cairo_write(const Chart *chart, const char *path, bool svg, CnnError *error)
{
    return canvas_write(path, svg, TOP + ROW * chart->count + BOTTOM, draw, chart, error);
}
