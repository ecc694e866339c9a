/* Runs a kernel of a GPU program that was compiled as C (emulator.h). The threads of a block run one after
 * another, each up to a barrier, so what lacks one computes something else in one of the two orders of
 * threads; blocks are shared out to threads of the system. Shared memory starts as NaN. What a kernel must
 * not do ends the launch with a message: barriers or warp operations that not all threads reach, addresses
 * that are not aligned, arrays that are indexed outside, memory that is not there. */
#ifndef EMULATOR_RUN_H
#define EMULATOR_RUN_H

#include <stdbool.h>
#include <stddef.h>

enum { EMULATOR_WARP = 32, EMULATOR_THREADS = 1024, EMULATOR_TEXT = 512, EMULATOR_WORKERS = 64 };

typedef struct {
    const char *name;
    void (*call)(void **arguments); /* NAME__call of the program */
    void *(*shared)(void);          /* its emulator__shared */
    void **arguments;
    unsigned grid[3];
    int threads;   /* of a block, at most EMULATOR_THREADS */
    bool reversed; /* the last thread, warp and block first */
    int workers;   /* threads of the system, at most EMULATOR_WORKERS */
    /* Says of an address that cannot be read or written where it lies. */
    void (*describe)(const void *address, char text[EMULATOR_TEXT]);
} EmulatorLaunch;

/** False: a fault, which `message` tells. One launch at a time. */
bool emulator_run(const EmulatorLaunch *launch, char message[EMULATOR_TEXT]);
/** Frees the stacks that are kept from launch to launch. */
void emulator_free(void);

#endif
