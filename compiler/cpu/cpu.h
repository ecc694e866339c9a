/* The CPU target: schedules computations, emits them through LLVM, loads them. */
#ifndef CPU_H
#define CPU_H

#include <stdatomic.h>

#include "compiler/fuse/plan.h"
#include "runtime/key.h"
#include "runtime/status.h"

/* What the emitter and the scheduler must know of a machine. */
typedef struct {
    const char *triple, *cpu, *features; /* as LLVM names them */
    int lanes;                           /* f32 in one vector: 16, 8, 4 */
    int registers;                       /* vector registers */
    bool fma;                            /* has a fused multiply-add */
    bool folds;                  /* whose operand may lie in memory; else each load needs a register */
    bool half;                   /* has conversions from f16 and to it */
    bool dot, tile;              /* has AVX512-BF16; has AMX with bf16, and may use it */
    uint64_t l1_bytes, l2_bytes; /* of one core */
    uint64_t local_bytes; /* that a kernel may take on the stack for a packed operand, and for sums that
                             wait between blocks */
    Key key;              /* of the names */
} CpuTarget;

/** This machine. */
const CpuTarget *cpu_host(Arena *arena);
/**
 * The processor that a user names: "native" for this machine, an architecture level ("x86-64-v3", "aarch64"),
 * or a name of LLVM's; all but the first are rows of processors.def. NULL with a sentence in *complaint when
 * there is none.
 */
const CpuTarget *cpu_target(Arena *arena, const char *name, const char **complaint);
/** Whether code for `target` and code for `triple` are of one kind. */
bool cpu_same_architecture(const CpuTarget *target, const char *triple);
/** The same machine, where the stack is small: no kernel keeps operands or sums there. */
const CpuTarget *cpu_without_stack(Arena *arena, const CpuTarget *target);
/** How many instruction sets its code may use: of two targets that run on a machine, the one with more is the
 * better one. */
int cpu_abilities(const CpuTarget *target);
/** Whether code for `target` fits the libraries of this machine, so that a trainer can be linked. Errors:
 * CNN_NO_RESOURCE. */
CnnStatus cpu_links_here(const CpuTarget *target, CnnError *error);
/** Whether code for `target` can run in this process. Errors: CNN_NO_RESOURCE with what is missing. */
CnnStatus cpu_runs_here(const CpuTarget *target, CnnError *error);

/** Chooses a schedule for a computation. */
void cpu_schedule(const CpuTarget *target, const Computation *computation, CpuSchedule *schedule);
/* Which of the good schedules, in the order of their costs: all zero is the one that cpu_schedule chooses. */
typedef struct {
    int vector_axis; /* 0: the one with the better tile; else the how-many-th best, from 1 */
    int tile;        /* the how-many-th best, from 0 */
    int unroll;      /* 0: as chosen; else so many steps */
    int order;       /* CpuOrder */
    int block;       /* CpuBlock */
} CpuVariant;
typedef enum { BLOCKS_CHOSEN, BLOCKS_NONE, BLOCKS_HALF, BLOCKS_DOUBLE } CpuBlock;
typedef enum { ORDER_CHOSEN, ORDER_VECTORS_OUTSIDE, ORDER_VECTORS_INSIDE } CpuOrder;
/** The schedule of a variant. false: there is none, or it costs too much to be worth a try. */
bool cpu_schedule_variant(const CpuTarget *target, const Computation *computation, const CpuVariant *variant,
                          CpuSchedule *schedule);

/**
 * A schedule of the same bits, legal as well, whose code is compiled sooner and slower: to run until that of
 * `schedule` is there. false: with it, a step that takes so many operations in this kernel would be done
 * later.
 */
bool cpu_schedule_brief(const CpuTarget *target, const Computation *computation, const CpuSchedule *schedule,
                        double flops, CpuSchedule *brief);

/** NULL, or a sentence: why this schedule would compute something else than the computation. */
const char *cpu_schedule_legal(const Computation *computation, const CpuSchedule *schedule, Arena *arena);

/* Machine code. */
typedef struct {
    const void *object; /* an ELF object file */
    size_t bytes;
    bool cached;
    double seconds; /* spent compiling */
} CpuObject;

typedef struct {
    const char *cache; /* folder, or NULL: none */
    int threads;
    const atomic_bool *stop; /* once it is set no kernel is begun, and objects that are not made stay NULL;
                                NULL: nobody will */
} CpuCompileOptions;

/**
 * Compiles all kernels on `threads` threads: objects[i] holds the function symbols[i] of type CnnCode for
 * kernels[i]. The symbol is made of a hash of all that determines the code, so kernels that are alike get the
 * same symbol and the same bytes, and are compiled once. false with a sentence in *complaint when LLVM
 * refuses (the cache is never a reason to fail).
 */
bool cpu_compile(const CpuTarget *target, Kernel *const *kernels, const char **symbols, int count,
                 const CpuCompileOptions *options, Arena *arena, CpuObject *objects, const char **complaint);

/** LLVM IR, or assembly, of one kernel, as text. */
const char *cpu_print(const CpuTarget *target, const Kernel *kernel, const char *symbol, bool assembly,
                      Arena *arena);

/* Loaded code. */
typedef struct CpuCode CpuCode;
/** code[i] becomes the function symbols[i] of objects[i]; the symbols differ. NULL with a sentence in
 * *complaint on failure. */
CpuCode *cpu_load(const CpuObject *objects, const char *const *symbols, int count, CnnCode **code,
                  const char **complaint);
/** The same into the memory of code that is loaded: the symbols differ from those. false likewise. */
bool cpu_load_more(CpuCode *loaded, const CpuObject *objects, const char *const *symbols, int count,
                   CnnCode **code, const char **complaint);
void cpu_unload(CpuCode *code);

/* Code that runs while the rest of it is being made. */
typedef struct CpuBuild CpuBuild;

/* One function. */
typedef struct {
    Kernel *kernel;
    const char *symbol; /* of its code; no other part has the same */
    bool later;         /* need not be there when cpu_build returns */
    Kernel *brief; /* where the code is not in the cache, this is compiled first, to run until then; NULL:
                      nothing is */
} CpuPart;

/* Objects that were made, and read from the cache, before cpu_build returned. */
typedef struct {
    int compiled, cached, later;
} CpuBuildCounts;

/**
 * Compiles and loads code: code[i] becomes the function of parts[i], at once or, as the part says, in a
 * thread of its own, while what is there may run. Until then code[i] is NULL or the function of its brief
 * kernel; other threads read it as an atomic. Parts, kernels and `code` must stay until cpu_build_close. NULL
 * with a sentence in *complaint when LLVM refuses.
 */
CpuBuild *cpu_build(const CpuTarget *target, const CpuPart *parts, int count,
                    const CpuCompileOptions *options, Arena *arena, CnnCode **code, CpuBuildCounts *counts,
                    const char **complaint);
/** Waits until all is as it will stay; the rest is made on all threads. NULL, or a sentence when LLVM
 * refused, which lives as long as the build. */
const char *cpu_build_await(CpuBuild *build);
/** Ends it, also when not all is made. */
void cpu_build_close(CpuBuild *build);

#endif
