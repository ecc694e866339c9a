/* Of LLVM, once for the process. */
#ifndef TARGET_H
#define TARGET_H

#include "compiler/cpu/cpu.h"

/** Registers the targets of LLVM and sets its options; before anything else is asked of it, from any thread.
 */
void target_start_llvm(void);

#endif
