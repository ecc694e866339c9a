/* Weights whose rows lie in pairs: the layout that the machines' bf16 instructions multiply by. Where an op
 * takes weights [..., k, n], it takes pairs [..., ceil(k / 2), n, 2], too: rows 2i and 2i + 1 side by side,
 * and zeros for the row that an odd k lacks. */
#ifndef PAIRS_H
#define PAIRS_H

#include "compiler/ir/kernel.h"

/* What is summed over, and where its weights are. */
typedef struct {
    bool paired;
    Affine at;          /* the row */
    Affine half, which; /* paired: which pair, and which of it */
} PairSum;

/** The reduced axes over `rows` rows; where they are paired and odd, the guard that leaves out the last one
 * goes into guards[*count]. */
PairSum pairs_reduce(Lowering *lowering, const char *name, int64_t rows, bool paired, Guard *guards,
                     int *count);

/** The index of an element of the weights: `at` is that in weights that are not paired, whose row is dim rank
 * - 2. */
Index pairs_index(const PairSum *sum, const Index *at);

/** Does a tensor of this type hold the pairs of weights of rank `rank`? */
bool pairs_are(const Type *type, int rank);

/** Rows of one of the pairs. */
static inline int64_t pairs_of(int64_t rows)
{
    return (rows + 1) / 2;
}

#endif
