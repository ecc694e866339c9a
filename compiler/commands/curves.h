/* Curves, as those over the epochs of a training: as SVG inside of a page, and as a picture of their own. */
#ifndef CURVES_H
#define CURVES_H

#include <stdbool.h>

#include "compiler/base/text.h"
#include "runtime/status.h"

enum { CURVES_MOST = 3 };

typedef struct {
    const char *name;
    const double *y; /* [count]; where it is not finite, the curve has a gap */
} Curve;

/* A place on the axis of x that is pointed out. */
typedef struct {
    double x;
    const char *name;
} CurveMark;

typedef struct {
    const char *title;
    const char *of;  /* what x counts: "epoch" */
    const double *x; /* [count], rising */
    int count;       /* at least 1 */
    Curve curves[CURVES_MOST];
    int curve_count;
    bool stacked;          /* bars, one curve upon the other, from zero on */
    bool decades;          /* x are the decimal logarithms of what the axis shows */
    const CurveMark *mark; /* NULL: none. Drawn by curves_write */
} CurveChart;

/* Both axes: from the first tick to the last. */
typedef struct {
    double x_low, x_high, x_step, y_low, y_high, y_step;
} CurveAxes;
CurveAxes curves_axes(const CurveChart *chart);

/** What the axis says at x. */
enum { CURVE_TICK = 32 };
const char *curves_tick(const CurveChart *chart, double x, char out[CURVE_TICK]);

/* Where a chart is drawn: y falls from the bottom to the top. */
typedef struct {
    CurveAxes axes;
    double left, right, top, bottom;
} CurveFrame;
double curves_x(const CurveFrame *frame, double x);
double curves_y(const CurveFrame *frame, double y);

/** The top of curve `curve` at point i: where it is stacked, that of all below it and itself. */
double curves_top(const CurveChart *chart, int curve, int i);

/** An <svg> element, well-formed XML. Colours are those of the page: classes c0, c1, c2, axis, grid. */
void curves_svg(const CurveChart *chart, Text *out);

/** Charts below each other, as PNG, or as SVG where the path ends in .svg. Errors: CNN_NO_RESOURCE, also
 * where cnnc was built without cairo. */
CnnStatus curves_write(const CurveChart *charts, int count, const char *title, const char *subtitle,
                       const char *path, CnnError *error);

#endif
