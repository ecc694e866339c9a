/* Draws bar charts with cairo: names at the left, bars with the range they were measured in, notes behind
 * them, the axis below. */
#include "compiler/commands/chart_cairo.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <math.h>
#include <stdio.h>

#include "runtime/file.h"

enum { WIDTH = 960, MARGIN = 24, GAP = 12, TOP = 84, ROW = 40, BAR = 24, BOTTOM = 76, TICKS = 6, TICK = 5 };
enum { TITLE_SIZE = 20, TEXT_SIZE = 14 };

typedef struct {
    double red, green, blue;
} Color;
static const Color ink = {0.13, 0.13, 0.13}, grey = {0.45, 0.45, 0.45}, line = {0.85, 0.85, 0.85},
                   bar = {0.44, 0.60, 0.78}, bar_marked = {0.16, 0.50, 0.32};

typedef struct {
    cairo_t *cairo;
    const Chart *chart;
    double left, right, bottom; /* of the plot */
    double scale;               /* pixels of one unit of the axis */
    double step, end;           /* of the axis: from one tick to the next, and the last */
} Drawing;

static void use_color(cairo_t *cairo, Color color)
{
    cairo_set_source_rgb(cairo, color.red, color.green, color.blue);
}

static double text_width(cairo_t *cairo, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

/* Its baseline at y; `align`: 0 from x on, 1 up to x, 0.5 around it. */
static void draw_text(cairo_t *cairo, double x, double y, double align, const char *text)
{
    cairo_move_to(cairo, x - align * text_width(cairo, text), y);
    cairo_show_text(cairo, text);
}

static void draw_line(cairo_t *cairo, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cairo, x0, y0);
    cairo_line_to(cairo, x1, y1);
    cairo_stroke(cairo);
}

/* 1, 2 or 5 times a power of ten, so that some TICKS of them reach `most`. */
static double round_step(double most)
{
    double rough = most / TICKS, power = pow(10, floor(log10(rough)));
    double digits = rough / power;
    return power * (digits <= 1 ? 1 : digits <= 2 ? 2 : digits <= 5 ? 5 : 10);
}

/* Names and notes get the room that they need, bars what is left. */
static void lay_out(Drawing *drawing)
{
    const Chart *chart = drawing->chart;
    double names = 0, notes = 0, most = 0;
    for (int i = 0; i < chart->count; i++) {
        names = fmax(names, text_width(drawing->cairo, chart->bars[i].name));
        notes = fmax(notes, text_width(drawing->cairo, chart->bars[i].note));
        most = fmax(most, fmax(chart->bars[i].value, chart->bars[i].most));
    }
    most = most > 0 ? most : 1;
    drawing->left = MARGIN + names + GAP;
    drawing->right = WIDTH - MARGIN - notes - GAP;
    drawing->bottom = TOP + ROW * chart->count;
    drawing->step = round_step(most);
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
        use_color(cairo, line);
        draw_line(cairo, x, TOP, x, drawing->bottom);
        use_color(cairo, ink);
        draw_line(cairo, x, drawing->bottom, x, drawing->bottom + TICK);
        draw_text(cairo, x, drawing->bottom + TICK + TEXT_SIZE + 2, 0.5, number);
    }
    draw_line(cairo, drawing->left, drawing->bottom + 0.5, drawing->right, drawing->bottom + 0.5);
    draw_text(cairo, (drawing->left + drawing->right) / 2, drawing->bottom + TICK + 3 * TEXT_SIZE, 0.5,
              drawing->chart->axis);
}

static void draw_bar(const Drawing *drawing, int number)
{
    cairo_t *cairo = drawing->cairo;
    const ChartBar *shown = &drawing->chart->bars[number];
    double top = TOP + ROW * number + (ROW - BAR) / 2, middle = top + BAR / 2.0;
    double least = drawing->left + shown->least * drawing->scale,
           most = drawing->left + shown->most * drawing->scale;
    double end = drawing->left + shown->value * drawing->scale;
    use_color(cairo, shown->marked ? bar_marked : bar);
    cairo_rectangle(cairo, drawing->left, top, end - drawing->left, BAR);
    cairo_fill(cairo);
    use_color(cairo, ink);
    cairo_set_line_width(cairo, 1.5);
    draw_line(cairo, least, middle, most, middle);
    draw_line(cairo, least, middle - TICK, least, middle + TICK);
    draw_line(cairo, most, middle - TICK, most, middle + TICK);
    double baseline = middle + TEXT_SIZE * 0.36;
    draw_text(cairo, drawing->left - GAP, baseline, 1, shown->name);
    draw_text(cairo, fmax(end, most) + GAP, baseline, 0, shown->note);
}

static void draw(cairo_t *cairo, const Chart *chart)
{
    Drawing drawing = {.cairo = cairo, .chart = chart};
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    use_color(cairo, ink);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(cairo, TITLE_SIZE);
    draw_text(cairo, MARGIN, MARGIN + TITLE_SIZE, 0, chart->title);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, TEXT_SIZE);
    use_color(cairo, grey);
    draw_text(cairo, MARGIN, MARGIN + TITLE_SIZE + TEXT_SIZE + 8, 0, chart->subtitle);
    lay_out(&drawing);
    draw_axis(&drawing);
    for (int i = 0; i < chart->count; i++)
        draw_bar(&drawing, i);
}

/* ---- Files ---- */

typedef struct {
    NewFile file;
    CnnError *error;
} Sink;

static cairo_status_t put(void *context, const unsigned char *bytes, unsigned count)
{
    Sink *sink = context;
    CnnStatus status = cnn_file_write(&sink->file, bytes, count, sink->error);
    return status == CNN_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_status_t draw_surface(cairo_surface_t *surface, const Chart *chart)
{
    cairo_t *cairo = cairo_create(surface);
    draw(cairo, chart);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    return status;
}

static cairo_status_t draw_file(const Chart *chart, bool svg, int height, Sink *sink)
{
    cairo_surface_t *surface = svg ? cairo_svg_surface_create_for_stream(put, sink, WIDTH, height)
                                   : cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, height);
    cairo_status_t status = draw_surface(surface, chart);
    if (status == CAIRO_STATUS_SUCCESS && !svg)
        status = cairo_surface_write_to_png_stream(surface, put, sink);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    cairo_debug_reset_static_data(); /* so that nothing holds a font when all of them are given back */
    FcFini();
    return status;
}

CnnStatus chart_cairo_write(const Chart *chart, const char *path, bool svg, CnnError *error)
{
    Sink sink = {.error = error};
    TRY(cnn_file_create(path, &sink.file, error));
    cairo_status_t status = draw_file(chart, svg, TOP + ROW * chart->count + BOTTOM, &sink);
    if (status == CAIRO_STATUS_SUCCESS)
        return cnn_file_commit(&sink.file, error);
    cnn_file_abandon(&sink.file);
    return cnn_fail(error, CNN_NO_RESOURCE, "'%s' cannot be drawn: %s", path, cairo_status_to_string(status));
}
