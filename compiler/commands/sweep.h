/* `cnnc sweep`: a training at each point of a grid, and what became of them as a table, as JSON, as a
 * picture.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "compiler/base/text.h"
#include "compiler/commands/series.h"
#include "compiler/commands/sweep_points.h"

typedef struct {
    const Options *options;
    Arena *arena;
    SweepAxes axes;
    SweepPoints points;
    Series series; /* the runs of point p from p * series.seeds on */
    bool live;     /* the table is rewritten after each training */
    int lines;     /* of the table that stands on the terminal */
} Sweep;

/** The runs of a point, as many as there are seeds. */
const SeriesRun *sweep_runs(const Sweep *sweep, int point);
/** What the points are compared by; NULL: nothing has finished. */
const char *sweep_watched(const Sweep *sweep);
/** The mean of `key` over the runs of a point; NAN: none has finished. */
double sweep_mean(const Sweep *sweep, int point, const char *key);
/** The numbers of all points, the best first, those without a result last; the arena's. */
const int *sweep_order(const Sweep *sweep);

/** A line for each point that something is known of, the best first. */
const char *sweep_table(const Sweep *sweep);
/** {"report": "sweep", …}. */
const char *sweep_json(const Sweep *sweep);
/** A panel for each axis that varies: the watched value over it. Errors: CNN_NO_RESOURCE. */
CnnStatus sweep_plot(const Sweep *sweep, const char *path, CnnError *error);

#endif
