/* The layer table: what each layer gives, how many parameters it has, what it costs, which kernel it is part
 * of. */
#ifndef LAYERS_H
#define LAYERS_H

#include "compiler/driver.h"

typedef struct {
    const LayerRow *row;
    double flops;         /* forward, of one sample: multiply-adds counted twice, everything else once */
    double multiply_adds; /* those of convolutions and dense layers, as papers count them */
    int group;            /* of the plan: the first that computes something of this layer; -1: none does */
} LayerCost;

/** One for each row of program->layers, in the session's arena. `plan` is that of the training step, or NULL.
 */
LayerCost *layers_cost(Session *session, const Program *program, const Plan *plan);

/** The index into program->layers of the layer that a node's name belongs to ("separable1.depthwise":
 * separable1), or -1. */
int layers_find(const Program *program, const char *name);

/** The table and its totals, as text. */
const char *layers_table(Session *session, const Program *program, const Plan *plan);

/** "1,199,882"; "24.6 M"; "4.6 MiB": how the commands write numbers. In the arena. */
const char *count_text(Arena *arena, int64_t count);
const char *flops_text(Arena *arena, double flops);
const char *bytes_text(Arena *arena, double bytes);

#endif
