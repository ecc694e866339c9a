/* Names for machine code by what determines it. */
#ifndef KEY_H
#define KEY_H

#include "compiler/cpu/cpu.h"

enum { KEY_BYTES = 16 };

/* 128 bits of FNV-1a (Fowler, Noll, Vo; the constants of IETF draft-eastlake-fnv). Not against forgers: the
 * cache's folder is. */
typedef struct {
    uint64_t high, low;
} Key;

Key key_start(void);
Key key_add(Key key, const void *bytes, size_t count);

/** Of all that determines what may be made of a computation: itself without names, target, LLVM, emitter. */
Key key_of_computation(const CpuTarget *target, const Computation *computation);
/** Of all that determines a kernel's code: computation and schedule without names, target, LLVM, emitter. */
Key key_of_kernel(const CpuTarget *target, const Computation *computation, const CpuSchedule *schedule);

/** "kernel_" and 32 hexadecimal digits. */
const char *key_symbol(Arena *arena, Key key);

#endif
