/* How the workers share a program's steps: in units, piece by piece, and where they wait for each other. */
#ifndef CNN_UNITS_H
#define CNN_UNITS_H

#include "runtime/image.h"

/* Steps whose pieces are independent of each other: workers take one after the other, whoever is free first,
 * so that one which is slower, or begins later, takes fewer. */
typedef struct {
    int phase; /* of the program */
    int first_step,
        step_count; /* a chunked phase has one unit; of a whole phase, a step, or several small ones */
    bool waits; /* for all units before it: it touches what one of them writes, or writes what one touches */
    int shares; /* of a whole step, by one worker in one piece: 1; else the workers */
    int halvings; /* a step's first pieces take half of it, the next half of what is left …: so often */
} CnnUnit;

/* Samples, or points of a step's parallel axis. */
typedef struct {
    int64_t begin, end;
} CnnRange;

/**
 * The units of a program in their order, for so many workers; `units` has room for one of each step and one
 * of each phase. `guarded[s]`: step s reads the loss, too. Returns their number, or -1: no memory.
 */
int cnn_units(const CnnProgram *program, const bool *guarded, int threads, CnnUnit *units);

/** How many pieces a unit of a whole phase has. */
int64_t cnn_unit_pieces(const CnnUnit *unit);
/** Where piece number `piece` lies on an axis of `extent` points, by multiples of `grain`; it may be empty.
 */
CnnRange cnn_unit_piece(const CnnUnit *unit, int64_t piece, int64_t extent, int64_t grain);

#endif
