/* Convolutions of 3x3 by Winograd's minimal filtering (winograd.c): how they are built of its ops. */
#ifndef WINOGRAD_H
#define WINOGRAD_H

#include "compiler/ops/make.h"

/* Results of a tile, along each side. Larger tiles need fewer products and lose more bits. */
enum { WINOGRAD_TILE_SMALL = 2, WINOGRAD_TILE_LARGE = 4, WINOGRAD_WINDOW = 3 };

/** Can a convolution with this window, and its gradients, be computed so? */
bool winograd_fits(const WindowAttrs *window);

/** Numbers that a tile is transformed to. */
int64_t winograd_points(int64_t tile);

/**
 * What the node op(a, b) with this window computes, where op is conv2d, conv2d_dx or conv2d_dw, in tiles of
 * `tile` x `tile` results (of dy, for conv2d_dw).
 */
NodeId make_winograd(Make make, OpId op, const WindowAttrs *window, NodeId a, NodeId b, int64_t tile);

#endif
