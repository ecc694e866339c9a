/* What the machine can do at most, as a yardstick for kernels: arithmetic, caches, memory. */
#ifndef PEAK_H
#define PEAK_H

#include "compiler/cpu/cpu.h"

/**
 * The most f32 operations a second that `threads` threads together reach (0: all cores that this process may
 * use), with the vectors and instructions that kernels for this target use; a fused multiply-add counts as
 * two. Measured, in about a tenth of a second. 0 where the target is another machine's.
 */
double cpu_peak_flops(const CpuTarget *target, int threads);

/**
 * The most bytes a second that `threads` threads together read, each over and over from `bytes` of its own: a
 * part of a cache measures that cache, much more than all of them the memory. 0 where it cannot be measured.
 */
double cpu_bandwidth(const CpuTarget *target, int threads, uint64_t bytes);

#endif
