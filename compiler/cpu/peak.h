/* The arithmetic peak of the machine, as a yardstick for kernels. */
#ifndef PEAK_H
#define PEAK_H

#include "compiler/cpu/cpu.h"

/**
 * The most f32 operations a second that `threads` threads together reach (0: all cores that this process may
 * use), with the vectors and instructions that kernels for this target use; a fused multiply-add counts as
 * two. Measured, in about a tenth of a second. 0 where the target is another machine's.
 */
double cpu_peak_flops(const CpuTarget *target, int threads);

#endif
