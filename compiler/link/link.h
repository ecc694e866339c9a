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

/**
 * Bytes that a kernel reads or writes of one of its tensors: each element once, however often the code comes
 * back to it. Of one sample where it runs in chunks: weights are read once a chunk, a slice's partial sums
 * read and written.
 */
double link_moved_bytes(const Plan *plan, const Computation *computation, int tensor);

/** All kernels of a plan, in order of groups. */
Kernel **link_kernels(Arena *arena, const Plan *plan, int *count);

#endif
