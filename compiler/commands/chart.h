/* Bar charts and rooflines as pictures, drawn by cairo. */
#ifndef CHART_H
#define CHART_H

#include "runtime/recipe.h"
#include "runtime/status.h"

typedef struct {
    const char *name;   /* at the axis */
    const char *note;   /* behind the bar */
    double value;       /* its length, at least 0 */
    double least, most; /* a thin line from the one to the other */
    bool marked;        /* drawn in another colour */
} ChartBar;

typedef struct {
    const char *title, *subtitle;
    const char *axis; /* what the length of a bar is, with its unit */
    const ChartBar *bars;
    int count;
} Chart;

/* What is done on data at most, and is, both axes logarithmic. */
typedef struct {
    double intensity; /* operations for each byte */
    double rate;      /* operations a second */
    double share;     /* of all time, 0 to 1 */
    int kind;
    const char *note;
} RooflinePoint;

typedef struct {
    const char *title, *subtitle;
    const char *const *kinds; /* each has its colour */
    int kind_count;
    double peak;                 /* operations a second; 0: not known, as the following */
    double cache, memory;        /* bytes a second */
    const RooflinePoint *points; /* those with the largest share first: the first get numbers and notes */
    int count;
} Roofline;

/**
 * Whether a chart can be written to the path that was given with `flag`; else prints the reason.
 * CNN_BAD_USAGE: the path ends neither with .png nor .svg, or cannot or must not be written
 * (runtime/output.h); CNN_NO_RESOURCE: this cnnc was built without cairo.
 */
CnnStatus chart_check(const char *flag, const char *path, const CnnRecipe *recipe);

/** 1, 2 or 5 times a power of ten, so that about `ticks` of them make `length`, which is positive. */
double chart_step(double length, int ticks);

/** Whether a picture of this path is an SVG: it ends in .svg. */
bool chart_is_svg(const char *path);

/** Whether this cnnc was built with cairo. */
bool chart_can_draw(void);

/** Writes it, whole or not at all; `path` has passed chart_check. */
CnnStatus chart_write(const Chart *chart, const char *path, CnnError *error);
CnnStatus roofline_write(const Roofline *roofline, const char *path, CnnError *error);

#endif
