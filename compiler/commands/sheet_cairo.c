/* Draws contact sheets with cairo: strips of cells, as many beside each other as there is room for, each
 * below its name. */
#include <stdio.h>
#include <string.h>

#include "compiler/commands/canvas_cairo.h"
#include "compiler/commands/chart_cairo.h"

enum {
    TOP = 84,
    PITCH = SHEET_CELL + 6, /* from a cell to the next of its strip */
    NAMES = 40,             /* above the cells */
    GAP = 20,               /* below them */
    HEADING_SIZE = 11
};

static const CanvasColor paper = {0.955, 0.955, 0.955}, curve = {0.16, 0.38, 0.62};

static int strips_beside(const Sheet *sheet)
{
    return SHEET_COLUMNS / sheet->cells;
}

static double strip_width(const Sheet *sheet)
{
    return (sheet->cells - 1) * PITCH + SHEET_CELL;
}

/* From a strip to the one beside it: the last one ends at the margin. */
static double strip_pitch(const Sheet *sheet)
{
    int beside = strips_beside(sheet);
    double room = CANVAS_WIDTH - 2 * CANVAS_MARGIN - strip_width(sheet);
    return beside > 1 ? room / (beside - 1) : 0;
}

static void bold(cairo_t *cairo, bool on)
{
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           on ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
}

/* A text that loses its beginning where it is too long: of a path, the end tells more. */
static void draw_ending(cairo_t *cairo, double x, double y, double room, const char *text)
{
    enum { BYTES = 512 };
    char shown[BYTES + 4];
    snprintf(shown, sizeof shown, "%s", text);
    while (*text && canvas_text_width(cairo, shown) > room) {
        do
            text++;
        while (((unsigned char)*text & 0xc0) == 0x80);
        snprintf(shown, sizeof shown, "…%.*s", BYTES - 1, text);
    }
    canvas_text(cairo, x, y, 0, shown);
}

/* As large as the cell allows, in its middle. Pixels that are enlarged stay pixels. */
static void draw_pixels(cairo_t *cairo, double x, double y, const SheetCell *cell)
{
    int height = (int)cell->height, width = (int)cell->width;
    double scale = (double)SHEET_CELL / (height > width ? height : width);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    unsigned char *rows = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    for (int row = 0; rows && row < height; row++)
        memcpy(rows + (size_t)row * (size_t)stride, cell->pixels + (size_t)row * (size_t)width,
               (size_t)width * sizeof *cell->pixels);
    cairo_surface_mark_dirty(surface);
    cairo_save(cairo);
    cairo_translate(cairo, x + (SHEET_CELL - scale * width) / 2, y + (SHEET_CELL - scale * height) / 2);
    cairo_scale(cairo, scale, scale);
    cairo_set_source_surface(cairo, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), scale > 1 ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
    cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
    cairo_rectangle(cairo, 0, 0, width, height);
    cairo_fill(cairo);
    cairo_restore(cairo);
    cairo_surface_destroy(surface);
}

static void draw_curve(cairo_t *cairo, double x, double y, const SheetCell *cell)
{
    canvas_color(cairo, curve);
    cairo_set_line_width(cairo, 1);
    for (int64_t i = 0; i < cell->width; i++) {
        double across = cell->width > 1 ? (double)i / (double)(cell->width - 1) : 0.5;
        cairo_line_to(cairo, x + 1 + across * (SHEET_CELL - 2),
                      y + 1 + (1 - cell->curve[i]) * (SHEET_CELL - 2));
    }
    cairo_stroke(cairo);
}

static void draw_strip(cairo_t *cairo, double x, double y, const Sheet *sheet, const SheetStrip *strip)
{
    double room = strip_width(sheet);
    bold(cairo, true);
    cairo_set_font_size(cairo, CANVAS_TEXT_SIZE);
    canvas_color(cairo, canvas_ink);
    double after = canvas_text_width(cairo, strip->name) + 10;
    draw_ending(cairo, x, y + CANVAS_TEXT_SIZE, room, strip->name);
    bold(cairo, false);
    cairo_set_font_size(cairo, HEADING_SIZE);
    canvas_color(cairo, canvas_grey);
    if (after < room)
        draw_ending(cairo, x + after, y + CANVAS_TEXT_SIZE, room - after, strip->note);
    for (int i = 0; i < sheet->cells; i++) {
        const SheetCell *cell = &strip->cells[i];
        double left = x + i * PITCH, top = y + NAMES;
        canvas_color(cairo, canvas_grey);
        canvas_text(cairo, left, top - 5, 0, sheet->headings[i]);
        canvas_color(cairo, paper);
        cairo_rectangle(cairo, left, top, SHEET_CELL, SHEET_CELL);
        cairo_fill(cairo);
        if (cell->pixels)
            draw_pixels(cairo, left, top, cell);
        else
            draw_curve(cairo, left, top, cell);
    }
}

static void draw(cairo_t *cairo, const void *context)
{
    const Sheet *sheet = context;
    int beside = strips_beside(sheet);
    canvas_title(cairo, sheet->title, sheet->subtitle);
    for (int i = 0; i < sheet->count; i++)
        draw_strip(cairo, CANVAS_MARGIN + i % beside * strip_pitch(sheet),
                   TOP + i / beside * (NAMES + SHEET_CELL + GAP), sheet, &sheet->strips[i]);
}

CnnStatus sheet_cairo_write(const Sheet *sheet, const char *path, bool svg, CnnError *error)
{
    int lines = (sheet->count + strips_beside(sheet) - 1) / strips_beside(sheet);
    return canvas_write(path, svg, TOP + lines * (NAMES + SHEET_CELL + GAP) + CANVAS_MARGIN - GAP, draw,
                        sheet, error);
}
