/* What the CPU can do, compared with what machine code was made for. */
#ifndef CNN_CPU_FEATURES_H
#define CNN_CPU_FEATURES_H

#include <stdbool.h>

#include "runtime/status.h"

/**
 * Whether this CPU has the instructions that `needs` names: LLVM's feature names, comma separated, each
 * behind a '+', a '-' (not used) or nothing. Only instruction sets that generated code can contain are looked
 * at.
 *
 * Errors  CNN_NO_RESOURCE with the names of those that are missing.
 */
CnnStatus cnn_cpu_check(const char *needs, CnnError *error);

/** The same, against the text of a /proc/cpuinfo instead of this machine's (tests). */
CnnStatus cnn_cpu_check_text(const char *needs, const char *cpuinfo, CnnError *error);

/**
 * Asks the kernel for the registers of AMX, which a process may not use before; for all its threads. false:
 * this machine has none, or the kernel refuses.
 */
bool cnn_cpu_permit_tiles(void);

#endif
