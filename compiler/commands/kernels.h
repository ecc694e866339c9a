/* The kernels of a step as a user sees them: of which layer, in which part of the step, doing what. */
#ifndef KERNELS_H
#define KERNELS_H

#include "compiler/driver.h"

/* Something of a step, by its parts. */
typedef struct {
    double of[STEP_PARTS];
} PartSums;
double parts_sum(const PartSums *parts);

/* What one group of the plan became: one kernel, or a few that share the work (one for each class of a
 * strided gradient's pixels). */
typedef struct {
    int group;                  /* of the plan */
    int phase;                  /* of the plan */
    int first_step, step_count; /* of the image's program */
    StepPart part;
    int layer;         /* index into program->layers: of the sum that it is about; -1: of no layer */
    const char *owner; /* the layer's name; "loss"; the optimizer's word */
    const char *what; /* "conv + bias + relu + maxpool": layer words, and in the backward pass what of them */
    double flops;     /* of a whole step; naive count */
    double bytes;     /* of a whole step: read and written */
    double far_bytes; /* of these, of tensors that are larger than a core's cache */
} KernelRow;

typedef struct {
    const Program *program;
    const Plan *plan;
    int count;
    KernelRow *rows;   /* in the order of the plan's groups */
    int *layer_of;     /* by node of the graph: index into program->layers, or -1 */
    StepPart *part_of; /* by node of the graph */
} KernelTable;

/** Describes the kernels of a plan that is lowered; all in the session's arena. */
KernelTable *kernels_describe(Session *session, const Program *program, const Plan *plan);

/** The node computes something: it is no leaf, constant or mere change of shape. */
bool node_counts(const Node *node);

/** Bytes that the nodes of each layer make the plan's kernels move in a step, by layer + 1; [0]: those that
 * belong to no layer. */
PartSums *kernels_layer_bytes(Session *session, const KernelTable *table);

/** The name cut to `width` characters: the middles of its parts are left out first ("mob~1.inv~2.conv1"). */
const char *name_shortened(Arena *arena, const char *name, int width);

#endif
