/* Names for machine code by what determines it. */
#ifndef KEY_H
#define KEY_H

#include "compiler/cpu/cpu.h"
#include "runtime/key.h"

enum { KEY_BYTES = 16 };

/** Of a target's names, LLVM and the emitter: CpuTarget.key. */
Key key_of_names(const CpuTarget *target);
/** Of all that determines what may be made of a computation: itself without names, target, LLVM, emitter. */
Key key_of_computation(const CpuTarget *target, const Computation *computation);
/** Of all that determines a kernel's code: computation and schedule without names, target, LLVM, emitter. */
Key key_of_kernel(const CpuTarget *target, const Computation *computation, const CpuSchedule *schedule);

/** "kernel_" and 32 hexadecimal digits. */
const char *key_symbol(Arena *arena, Key key);

#endif
