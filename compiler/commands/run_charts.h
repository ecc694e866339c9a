/* The charts of a run, made of its events. */
#ifndef RUN_CHARTS_H
#define RUN_CHARTS_H

#include "compiler/commands/curves.h"
#include "compiler/commands/json_object.h"

typedef VEC(CurveChart) CurveCharts;

/** Of epochs: loss and metrics, with those of the validation part; the learning rate; what the time went for.
 * None where there are no epochs. */
CurveCharts run_charts_of_epochs(Arena *arena, const JsonObjects *epochs);

/** Of steps: loss and metrics, the learning rate, images a second. Of many steps a point is the mean of some
 * that follow each other. */
CurveCharts run_charts_of_steps(Arena *arena, const JsonObjects *steps);

#endif
