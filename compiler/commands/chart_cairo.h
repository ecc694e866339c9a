/* The part of the pictures that needs cairo; built where it was found. */
#ifndef CHART_CAIRO_H
#define CHART_CAIRO_H

#include <stdbool.h>

#include "compiler/commands/chart.h"
#include "compiler/commands/sheet.h"

/** Draws the chart into a new file at `path`: SVG, or PNG. */
CnnStatus chart_cairo_write(const Chart *chart, const char *path, bool svg, CnnError *error);
CnnStatus roofline_cairo_write(const Roofline *roofline, const char *path, bool svg, CnnError *error);
CnnStatus sheet_cairo_write(const Sheet *sheet, const char *path, bool svg, CnnError *error);

#endif
