/* The directions in which vectors vary most, of vectors too long for the matrix of their covariances: a
 * randomised range finder with power iteration, and the components within that range (Halko, Martinsson,
 * Tropp, "Finding structure with randomness", 2011: algorithms 4.4 and 5.1, of the covariance). The vectors
 * come one by one, several times over. A state is a zeroed piece of memory, as Fit has it. */
#ifndef CNN_SKETCH_H
#define CNN_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/dtype.h"
#include "runtime/status.h"

enum { SKETCH_SHARE_MOST = 512 }; /* directions that are sought where a share of the variance is wanted */

typedef struct {
    int64_t values,
        columns;   /* of a vector; directions that are sought: more than are wanted, for exactness */
    int pass;      /* the one under way, from 0 */
    double *mean;  /* [values]: of the passes before; at first 0 */
    double *range; /* [values, columns] */
} Sketch;

/** Seeks `wanted` directions of vectors of `values` numbers, and some more: wanted <= values - 7. `word` is
 * named in the error where they would take too much memory; nothing is taken yet. */
CnnStatus sketch_plan(int64_t values, int64_t wanted, const char *word, Sketch *sketch, CnnError *error);
/** Takes the memory, before the first pass. */
CnnStatus sketch_open(Sketch *sketch, CnnError *error);
void sketch_close(Sketch *sketch);

size_t sketch_bytes(const Sketch *sketch);
/** Adds a vector, DTYPE_U8 or DTYPE_F32. */
void sketch_add(const Sketch *sketch, void *state, const void *values, Dtype dtype);
/** Adds what `later` has seen. */
void sketch_merge(const Sketch *sketch, void *state, const void *later);

typedef struct {
    bool again;       /* the vectors are to come once more, to a new state; else the answer is there: */
    int64_t vectors;  /* that have been seen */
    double all;       /* their variance, exact; 0: they are all alike, and nothing below is set */
    double *variance; /* [sketch->columns], falling; the caller frees it. sketch->mean and the columns of
                         sketch->range, each with its largest element positive, are mean and directions */
} SketchResult;

/** Ends a pass over the vectors, of which there was at least one. The state is lost. */
CnnStatus sketch_finish(Sketch *sketch, void *state, SketchResult *result, CnnError *error);

#endif
