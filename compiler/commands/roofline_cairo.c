/* Draws rooflines with cairo: the limits as lines, kernels as circles, those that take longest with numbers,
 * explained in a list below. */
#include <math.h>
#include <stdio.h>

#include "compiler/commands/canvas_cairo.h"
#include "compiler/commands/chart_cairo.h"

enum {
    TOP = 100,
    LEFT = 84,
    PLOT_HEIGHT = 420,
    LIST_TOP = 72,
    LINE_HEIGHT = 22,
    NOTES_LEAST = 3,
    NOTES_MOST = 12,
    TICK = 5
};
static const double AREA_RADIUS = 80; /* of a circle that stands for all the time */
static const double SHARE_LEAST = 0.005;
static const CanvasColor kind_colors[] = {
    {0.16, 0.42, 0.70}, {0.80, 0.40, 0.10}, {0.30, 0.55, 0.25}, {0.45, 0.45, 0.45}};
static const CanvasColor white = {1, 1, 1};

typedef struct {
    cairo_t *cairo;
    const Roofline *roofline;
    double low_x, high_x, low_y, high_y; /* powers of ten */
} Drawing;

static double at_x(const Drawing *drawing, double intensity)
{
    double share = (log10(intensity) - drawing->low_x) / (drawing->high_x - drawing->low_x);
    return LEFT + share * (CANVAS_WIDTH - CANVAS_MARGIN - LEFT);
}

static double at_y(const Drawing *drawing, double rate)
{
    double share = (log10(rate) - drawing->low_y) / (drawing->high_y - drawing->low_y);
    return TOP + PLOT_HEIGHT * (1 - share);
}

/* Whole powers of ten around all points and the roofs' corners; small kernels, whose rates are those of their
 * calls, may fall off the lower edge. */
static void lay_out(Drawing *drawing)
{
    enum { DECADES_MOST = 4 };
    const Roofline *roofline = drawing->roofline;
    double least_x = INFINITY, most_x = 0, least_y = INFINITY, most_y = roofline->peak;
    for (int i = 0; i < roofline->count; i++) {
        least_x = fmin(least_x, roofline->points[i].intensity);
        most_x = fmax(most_x, roofline->points[i].intensity);
        least_y = fmin(least_y, roofline->points[i].rate);
        most_y = fmax(most_y, roofline->points[i].rate);
    }
    if (roofline->peak > 0 && roofline->memory > 0)
        most_x = fmax(most_x, roofline->peak / roofline->memory);
    if (roofline->count == 0)
        least_x = 1, most_x = 10, least_y = 1e9, most_y = 1e10;
    drawing->high_x = ceil(log10(most_x) + 0.05);
    drawing->low_x = fmin(drawing->high_x - 1, fmax(floor(log10(least_x)), drawing->high_x - DECADES_MOST));
    drawing->high_y = ceil(log10(most_y) + 0.05);
    drawing->low_y = fmin(drawing->high_y - 1, fmax(floor(log10(least_y)), drawing->high_y - DECADES_MOST));
}

static void draw_grid(const Drawing *drawing)
{
    cairo_t *cairo = drawing->cairo;
    char number[32];
    double right = CANVAS_WIDTH - CANVAS_MARGIN, bottom = TOP + PLOT_HEIGHT;
    cairo_set_line_width(cairo, 1);
    for (double power = drawing->low_x; power <= drawing->high_x; power++) {
        double x = round(at_x(drawing, pow(10, power))) + 0.5;
        canvas_color(cairo, canvas_line_color);
        canvas_line(cairo, x, TOP, x, bottom);
        canvas_color(cairo, canvas_ink);
        canvas_line(cairo, x, bottom, x, bottom + TICK);
        snprintf(number, sizeof number, "%g", pow(10, power));
        canvas_text(cairo, x, bottom + TICK + CANVAS_TEXT_SIZE + 2, 0.5, number);
    }
    for (double power = drawing->low_y; power <= drawing->high_y; power++) {
        double y = round(at_y(drawing, pow(10, power))) + 0.5;
        canvas_color(cairo, canvas_line_color);
        canvas_line(cairo, LEFT, y, right, y);
        canvas_color(cairo, canvas_ink);
        snprintf(number, sizeof number, "%g", 1e-9 * pow(10, power));
        canvas_text(cairo, LEFT - 8, y + CANVAS_TEXT_SIZE * 0.36, 1, number);
    }
    canvas_text(cairo, (LEFT + right) / 2, bottom + TICK + 3 * CANVAS_TEXT_SIZE, 0.5,
                "operations for each byte read or written");
    canvas_text(cairo, CANVAS_MARGIN, TOP - 12, 0, "GFLOP/s");
}

/* A slanted line from the left edge up to the peak, with its name along it. */
static void draw_bandwidth(const Drawing *drawing, double bandwidth, const char *name)
{
    cairo_t *cairo = drawing->cairo;
    double peak = drawing->roofline->peak, low = pow(10, drawing->low_x);
    if (bandwidth <= 0 || peak <= 0 || bandwidth * low >= peak)
        return;
    double x0 = at_x(drawing, low), y0 = at_y(drawing, bandwidth * low);
    double x1 = at_x(drawing, peak / bandwidth), y1 = at_y(drawing, peak);
    char text[64];
    snprintf(text, sizeof text, "%s, %.0f GB/s", name, 1e-9 * bandwidth);
    canvas_line(cairo, x0, y0, x1, y1);
    cairo_save(cairo);
    cairo_translate(cairo, x1, y1);
    cairo_rotate(cairo, atan2(y1 - y0, x1 - x0));
    canvas_text(cairo, -16, -6, 1, text);
    cairo_restore(cairo);
}

static void draw_roofs(const Drawing *drawing)
{
    cairo_t *cairo = drawing->cairo;
    const Roofline *roofline = drawing->roofline;
    char text[64];
    cairo_save(cairo);
    cairo_rectangle(cairo, LEFT, TOP, CANVAS_WIDTH - CANVAS_MARGIN - LEFT, PLOT_HEIGHT);
    cairo_clip(cairo);
    canvas_color(cairo, canvas_ink);
    cairo_set_line_width(cairo, 2);
    draw_bandwidth(drawing, roofline->cache, "cores' caches");
    draw_bandwidth(drawing, roofline->memory, "memory");
    if (roofline->peak > 0) {
        double bandwidth = fmax(roofline->cache, roofline->memory), right = CANVAS_WIDTH - CANVAS_MARGIN;
        double from = bandwidth > 0 ? fmax(LEFT, at_x(drawing, roofline->peak / bandwidth)) : LEFT;
        double y = at_y(drawing, roofline->peak);
        canvas_line(cairo, from, y, right, y);
        snprintf(text, sizeof text, "f32 peak, %.0f GFLOP/s", 1e-9 * roofline->peak);
        canvas_text(cairo, right - 8, y - 8, 1, text);
    }
    cairo_restore(cairo);
}

static void draw_point(const Drawing *drawing, int index)
{
    cairo_t *cairo = drawing->cairo;
    const RooflinePoint *point = &drawing->roofline->points[index];
    CanvasColor color = kind_colors[point->kind];
    double x = at_x(drawing, point->intensity), y = at_y(drawing, point->rate);
    double radius = fmax(3, AREA_RADIUS * sqrt(point->share));
    if (x < LEFT || y > TOP + PLOT_HEIGHT)
        return;
    cairo_arc(cairo, x, y, radius, 0, 2 * M_PI);
    cairo_set_source_rgba(cairo, color.red, color.green, color.blue, 0.45);
    cairo_fill_preserve(cairo);
    canvas_color(cairo, color);
    cairo_set_line_width(cairo, 1);
    cairo_stroke(cairo);
}

static void draw_number(const Drawing *drawing, int index)
{
    const RooflinePoint *point = &drawing->roofline->points[index];
    double x = at_x(drawing, point->intensity), y = at_y(drawing, point->rate);
    char number[16];
    if (x < LEFT || y > TOP + PLOT_HEIGHT)
        return;
    snprintf(number, sizeof number, "%d", index + 1);
    canvas_color(drawing->cairo, canvas_ink);
    canvas_text(drawing->cairo, x, y + CANVAS_TEXT_SIZE * 0.36, 0.5, number);
}

static void draw_kinds(const Drawing *drawing)
{
    cairo_t *cairo = drawing->cairo;
    double x = CANVAS_WIDTH - CANVAS_MARGIN;
    for (int k = drawing->roofline->kind_count; k-- > 0;) {
        canvas_color(cairo, canvas_ink);
        canvas_text(cairo, x, TOP - 12, 1, drawing->roofline->kinds[k]);
        x -= canvas_text_width(cairo, drawing->roofline->kinds[k]) + 18;
        canvas_color(cairo, kind_colors[k]);
        cairo_rectangle(cairo, x, TOP - 23, 12, 12);
        cairo_fill(cairo);
        x -= 14;
    }
}

/* Those that are worth a line. */
static int note_count(const Roofline *roofline)
{
    int count = 0;
    while (count < roofline->count && count < NOTES_MOST &&
           (count < NOTES_LEAST || roofline->points[count].share > SHARE_LEAST))
        count++;
    return count;
}

static void draw_notes(const Drawing *drawing)
{
    cairo_t *cairo = drawing->cairo;
    for (int i = 0; i < note_count(drawing->roofline); i++) {
        const RooflinePoint *point = &drawing->roofline->points[i];
        double y = TOP + PLOT_HEIGHT + LIST_TOP + LINE_HEIGHT * (i + 0.7);
        char number[16];
        snprintf(number, sizeof number, "%d", i + 1);
        canvas_color(cairo, kind_colors[point->kind]);
        canvas_text(cairo, CANVAS_MARGIN + 20, y, 1, number);
        canvas_color(cairo, canvas_ink);
        canvas_text(cairo, CANVAS_MARGIN + 32, y, 0, point->note);
    }
    /* What is too long ends at the margin. */
    canvas_color(cairo, white);
    cairo_rectangle(cairo, CANVAS_WIDTH - CANVAS_MARGIN / 2, TOP + PLOT_HEIGHT + LIST_TOP, CANVAS_MARGIN,
                    LINE_HEIGHT * NOTES_MOST);
    cairo_fill(cairo);
}

static void draw(cairo_t *cairo, const void *context)
{
    Drawing drawing = {.cairo = cairo, .roofline = context};
    canvas_title(cairo, drawing.roofline->title, drawing.roofline->subtitle);
    lay_out(&drawing);
    draw_grid(&drawing);
    draw_roofs(&drawing);
    draw_kinds(&drawing);
    for (int i = 0; i < drawing.roofline->count; i++)
        draw_point(&drawing, i);
    for (int i = note_count(drawing.roofline); i-- > 0;)
        draw_number(&drawing, i);
    draw_notes(&drawing);
}

CnnStatus roofline_cairo_write(const Roofline *roofline, const char *path, bool svg, CnnError *error)
{
    int height = TOP + PLOT_HEIGHT + LIST_TOP + LINE_HEIGHT * note_count(roofline) + CANVAS_MARGIN;
    return canvas_write(path, svg, height, draw, roofline, error);
}
