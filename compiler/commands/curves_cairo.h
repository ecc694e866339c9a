/* The part of the curves that needs cairo; built where it was found. */
#ifndef CURVES_CAIRO_H
#define CURVES_CAIRO_H

#include "compiler/commands/curves.h"

/** As curves_write. */
CnnStatus curves_cairo_write(const CurveChart *charts, int count, const char *title, const char *subtitle,
                             const char *path, CnnError *error);

#endif
