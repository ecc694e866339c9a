/* Finds faster schedules by measuring them on this machine. */
#ifndef CPU_TUNE_H
#define CPU_TUNE_H

#include "compiler/cpu/cpu.h"

/* A kernel to be tuned, and what came of it. */
typedef struct {
    Kernel *kernel;  /* its `cpu` becomes the fastest schedule found */
    int64_t samples; /* of one call: a chunk's, or the batch's */
    double calls;    /* of them in a step: what its share of the step's time is reckoned with */
    double before;   /* seconds of a call as cpu_schedule chose; 0: not measured */
    double after;    /* of the fastest */
    int tried;       /* schedules measured */
    bool remembered; /* the result of an earlier tuning */
} CpuTuned;

typedef struct {
    const char *cache; /* folder of the results and of code; NULL: nothing is remembered */
    int threads;       /* that compile */
    double seconds;    /* the search ends after so many; what was found until then counts */
    bool thorough;     /* more variants */
    bool again;        /* remembered results are measured anew */
    /** Called before each kernel is measured; may be NULL. */
    void (*progress)(void *context, int done, int count, const char *name);
    void *context;
} CpuTuneOptions;

/**
 * Measures variants of each kernel's schedule, those that take most of the step's time first, and sets the
 * fastest. One that is not faster than the chosen one by more than the noise is not taken. Kernels that
 * compute the same are tuned once. false with a sentence in *complaint when LLVM refuses.
 */
bool cpu_tune(const CpuTarget *target, CpuTuned *tuned, int count, const CpuTuneOptions *options,
              const char **complaint);

/** Sets the schedules that earlier tunings found, where there are any; returns how many. */
int cpu_tune_recall(const CpuTarget *target, const char *cache, Kernel *const *kernels, int count);

#endif
