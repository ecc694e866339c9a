/* Between the scheduler of the emulator (emulator.c) and what kernels call (emulator_calls.c): the state of a
 * thread. */
#ifndef EMULATOR_LANE_H
#define EMULATOR_LANE_H

#include <stdbool.h>
#include <stddef.h>

#include "fiber.h"

typedef enum { LANE_WARP, LANE_BARRIER, LANE_DONE, LANE_FAULT } LaneState;

typedef struct {
    void *shared;
    const void *global;
    int bytes, group;
} LaneCopy;

typedef struct {
    Fiber fiber;
    LaneState state;
    int line;
    LaneCopy *copy; /* those that are under way */
    int copies, room;
    int group; /* that is open */
    /* What the lane shows to its warp, in turns: one that has read the others' may be at the next operation
     * before the rest. */
    struct {
        unsigned words[6];
        const void *address;
    } shown[2];
    int turn;
} EmulatorLane;

typedef struct EmulatorWorker EmulatorWorker;

/** The running thread, and the first of its warp. */
EmulatorLane *emulator_lane(void);
EmulatorLane *emulator_warp(void);
/** Whether the warp of the running thread has all its lanes. */
bool emulator_whole_warp(void);
/** Whether the bytes lie in the shared memory of the running block. */
bool emulator_is_shared(const void *address, size_t bytes);
/** Lets the others run until all have come to the same line, too. */
void emulator_yield(LaneState state, int line);
/** Ends the launch with a message. */
_Noreturn void emulator_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
