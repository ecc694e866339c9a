/* What the CPU can do, compared with what machine code was made for. */
#ifndef CNN_CPU_FEATURES_H
#define CNN_CPU_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/status.h"

enum { CPU_MISSING_MOST = 512 }; /* room for the names of all features */

/* Where a CPU says what it can do: words of bits, 0 where this is no CPU of that kind. */
typedef enum {
    /* x86-64: registers that CPUID answers with, by leaf */
    CPU_1_ECX,
    CPU_7_EBX,
    CPU_7_ECX,
    CPU_7_EDX,
    CPU_7_1_EAX,
    CPU_80000001_ECX,
    CPU_XCR0, /* registers that the system saves */
    /* aarch64: what the system tells a process when it starts (AT_HWCAP, AT_HWCAP2) */
    CPU_HWCAP,
    CPU_HWCAP2,
    CPU_WORD_COUNT
} CpuWord;
typedef struct {
    uint64_t word[CPU_WORD_COUNT];
} CpuWords;

/** What this CPU says. It needs no file of the system's: a program may run where there is no /proc. */
CpuWords cnn_cpu_words(void);

/**
 * Which of the instructions that `needs` names a CPU lacks that says so: LLVM's feature names, comma
 * separated, each behind a '+', a '-' (not used) or nothing. Only instruction sets that generated code can
 * contain are looked at. `missing`, of `size` bytes, gets their names; "" when all are there.
 */
void cnn_cpu_missing_of(const char *needs, const CpuWords *cpu, char *missing, size_t size);
/** The same of this CPU, and of what the kernel permits. */
void cnn_cpu_missing(const char *needs, char *missing, size_t size);

/**
 * Asks the kernel for the registers of AMX, which a process may not use before; for all its threads. false:
 * this machine has none, or the kernel refuses.
 */
bool cnn_cpu_permit_tiles(void);

#endif
