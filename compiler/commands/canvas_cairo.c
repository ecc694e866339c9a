#include "compiler/commands/canvas_cairo.h"

#include <cairo-svg.h>
#include <fontconfig/fontconfig.h>

#include "runtime/file.h"

const CanvasColor canvas_ink = {0.13, 0.13, 0.13}, canvas_grey = {0.45, 0.45, 0.45},
                  canvas_line_color = {0.85, 0.85, 0.85};

void canvas_color(cairo_t *cairo, CanvasColor color)
{
    cairo_set_source_rgb(cairo, color.red, color.green, color.blue);
}

double canvas_text_width(cairo_t *cairo, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

void canvas_text(cairo_t *cairo, double x, double y, double align, const char *text)
{
    cairo_move_to(cairo, x - align * canvas_text_width(cairo, text), y);
    cairo_show_text(cairo, text);
}

void canvas_line(cairo_t *cairo, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cairo, x0, y0);
    cairo_line_to(cairo, x1, y1);
    cairo_stroke(cairo);
}

void canvas_title(cairo_t *cairo, const char *title, const char *subtitle)
{
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    canvas_color(cairo, canvas_ink);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(cairo, CANVAS_TITLE_SIZE);
    canvas_text(cairo, CANVAS_MARGIN, CANVAS_MARGIN + CANVAS_TITLE_SIZE, 0, title);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, CANVAS_TEXT_SIZE);
    canvas_color(cairo, canvas_grey);
    canvas_text(cairo, CANVAS_MARGIN, CANVAS_MARGIN + CANVAS_TITLE_SIZE + CANVAS_TEXT_SIZE + 8, 0, subtitle);
    canvas_color(cairo, canvas_ink);
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

static cairo_surface_t *make_surface(bool svg, int height, Sink *sink)
{
    if (svg)
        return cairo_svg_surface_create_for_stream(put, sink, CANVAS_WIDTH, height);
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, CANVAS_WIDTH, height);
}

static cairo_status_t finish_surface(cairo_surface_t *surface, bool svg, cairo_status_t status, Sink *sink)
{
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

CnnStatus canvas_write(const char *path, bool svg, int height,
                       void (*draw)(cairo_t *cairo, const void *context), const void *context,
                       CnnError *error)
{
    Sink sink = {.error = error};
    TRY(cnn_file_create(path, &sink.file, error));
    cairo_surface_t *surface = make_surface(svg, height, &sink);
    cairo_t *cairo = cairo_create(surface);
    draw(cairo, context);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    status = finish_surface(surface, svg, status, &sink);
    if (status == CAIRO_STATUS_SUCCESS)
        return cnn_file_commit(&sink.file, error);
    cnn_file_abandon(&sink.file);
    return cnn_fail(error, CNN_NO_RESOURCE, "'%s' cannot be drawn: %s", path, cairo_status_to_string(status));
}
