/* What a weight gradient asks of a max-pool's gradient, instead of reading all of it. */
#ifndef POOL_H
#define POOL_H

#include "compiler/ir/kernel.h"

/**
 * The element under tap number `tap` (row by row; an affine of reduced axes) of the window at `output`, of a
 * maxpool_dx whose windows tile the picture: dy there if the tap is the choice, else zero.
 */
ExprId maxpool_dx_tap(Lowering *lowering, const Node *node, const Index *output, const Affine *tap);

#endif
