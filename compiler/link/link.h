/* From plans and code to an image: the tables that the runtime works with. */
#ifndef LINK_H
#define LINK_H

#include "compiler/check/program.h"
#include "compiler/fuse/plan.h"
#include "runtime/image.h"

/* One of the two programs of an image, ready to be linked. */
typedef struct {
    const Plan *plan;
    const int *code; /* by kernel, in order of groups: index into the image's code */
} LinkedPlan;

/**
 * Makes the image, all of it in the arena but the code, which the caller sets (`code`, `code_count`;
 * functions of kernels that are equal are shared). `summary` is the layer table.
 */
CnnImage *link_image(Arena *arena, const Program *program, const LinkedPlan *train, const LinkedPlan *eval,
                     const char *summary);

/** All kernels of a plan, in order of groups. */
Kernel **link_kernels(Arena *arena, const Plan *plan, int *count);

#endif
