/* A sweep as a picture: what is drawn, and the drawing by cairo. */
#ifndef SWEEP_CHART_H
#define SWEEP_CHART_H

#include <stdbool.h>

#include "runtime/status.h"

typedef struct {
    double x;         /* from 0 to 1 */
    double y;         /* the mean; what is not finite is not drawn */
    double deviation; /* NAN: not known */
    bool best;        /* of all points */
} SweepDot;

typedef struct {
    double x;
    const char *text;
} SweepTick;

typedef struct {
    const char *name; /* of the axis */
    const SweepDot *dots;
    int dot_count;
    const SweepDot *line; /* the best of each value, x rising */
    int line_count;
    const SweepTick *ticks; /* far enough from each other to be read */
    int tick_count;
} SweepPanel;

typedef struct {
    const char *title, *subtitle;
    double low, high, step; /* of y */
    const SweepPanel *panels;
    int count;
} SweepChart;

/** Errors: CNN_NO_RESOURCE. Only where cnnc was built with cairo. */
CnnStatus sweep_cairo_write(const SweepChart *chart, const char *path, bool svg, CnnError *error);

#endif
