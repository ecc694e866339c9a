/* How much memory parts of a computation touch. */
#ifndef FOOTPRINT_H
#define FOOTPRINT_H

#include "compiler/ir/kernel.h"

/** Bytes that the loads of accumulators (`summed`, by expression) span for one point of the reduced axis
 * `axis` and of those before it, and all points of all other axes. */
int64_t footprint_bytes(const Computation *computation, const bool *summed, int axis);

/** Bytes that loads which do not move along `vector` span while the output axes from `from` on and the
 * reduced axes run: what must stay in the cache for a loop over `vector` to stand outside them. */
int64_t footprint_without(const Computation *computation, const bool *summed, int from, int vector);

/** Bytes that loads of accumulators touch while each axis `a` visits points[a] points. axis >= 0: only of
 * loads that do (`moving`) or do not move along it. */
int64_t footprint_points(const Computation *computation, const bool *summed, const int64_t *points, int axis,
                         bool moving);

/** Bytes that are stored. */
int64_t footprint_stores(const Computation *computation);

#endif
