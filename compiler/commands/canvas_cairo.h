/* What all pictures share: size, fonts, colours, text, and the file they go to. Built where cairo was found.
 */
#ifndef CANVAS_CAIRO_H
#define CANVAS_CAIRO_H

#include <cairo.h>
#include <stdbool.h>

#include "runtime/status.h"

enum { CANVAS_WIDTH = 960, CANVAS_MARGIN = 24, CANVAS_TITLE_SIZE = 20, CANVAS_TEXT_SIZE = 14 };

typedef struct {
    double red, green, blue;
} CanvasColor;
extern const CanvasColor canvas_ink, canvas_grey, canvas_line_color;

void canvas_color(cairo_t *cairo, CanvasColor color);
double canvas_text_width(cairo_t *cairo, const char *text);
/** Its baseline at y; `align`: 0 from x on, 1 up to x, 0.5 around it. */
void canvas_text(cairo_t *cairo, double x, double y, double align, const char *text);
void canvas_line(cairo_t *cairo, double x0, double y0, double x1, double y1);
/** White paper, the title and the line below it; text that follows has the size of all other text. */
void canvas_title(cairo_t *cairo, const char *title, const char *subtitle);

/** Draws into a new file at `path`, SVG or PNG, whole or not at all. Errors: CNN_NO_RESOURCE. */
CnnStatus canvas_write(const char *path, bool svg, int height,
                       void (*draw)(cairo_t *cairo, const void *context), const void *context,
                       CnnError *error);

#endif
