/* What the CPU can do, compared with what machine code was made for. */
#ifndef CNN_CPU_FEATURES_H
#define CNN_CPU_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/status.h"

enum { CPU_MISSING_MOST = 512 }; /* room for the names of all features */

/**
 * Which of the instructions that `needs` names this CPU lacks: LLVM's feature names, comma separated, each
 * behind a '+', a '-' (not used) or nothing. Only instruction sets that generated code can contain are looked
 * at. `missing`, of `size` bytes, gets their names; "" when all are there.
 *
 * Errors  CNN_NO_RESOURCE when the machine does not say what it can do.
 */
CnnStatus cnn_cpu_missing(const char *needs, char *missing, size_t size, CnnError *error);
/** The same, against the text of a /proc/cpuinfo instead of this machine's. */
CnnStatus cnn_cpu_missing_text(const char *needs, const char *cpuinfo, char *missing, size_t size,
                               CnnError *error);

/** Whether a trainer that `needs` these runs here. Errors: CNN_NO_RESOURCE with what is missing. */
CnnStatus cnn_cpu_check(const char *needs, CnnError *error);

/**
 * Asks the kernel for the registers of AMX, which a process may not use before; for all its threads. false:
 * this machine has none, or the kernel refuses.
 */
bool cnn_cpu_permit_tiles(void);

#endif
