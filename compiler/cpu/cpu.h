/* The CPU target: schedules computations, emits them through LLVM, loads them. */
#ifndef CPU_H
#define CPU_H

#include "compiler/fuse/plan.h"
#include "runtime/status.h"

/* What the emitter and the scheduler must know of a machine. */
typedef struct {
    const char *triple, *cpu, *features; /* as LLVM names them */
    int lanes;                           /* f32 in one vector: 16, 8, 4 */
    int registers;                       /* vector registers */
    bool fma;                            /* has a fused multiply-add */
    bool folds;                  /* whose operand may lie in memory; else each load needs a register */
    bool dot, tile;              /* has AVX512-BF16; has AMX with bf16, and may use it */
    uint64_t l1_bytes, l2_bytes; /* of one core */
} CpuTarget;

/** This machine. */
const CpuTarget *cpu_host(Arena *arena);
/**
 * The processor that a user names: "native" for this machine, an architecture level ("x86-64-v3", "aarch64"),
 * or a name of LLVM's; all but the first are rows of processors.def. NULL with a sentence in *complaint when
 * there is none.
 */
const CpuTarget *cpu_target(Arena *arena, const char *name, const char **complaint);
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
void cpu_unload(CpuCode *code);

/** The private cache folder, made if need be (XDG_CACHE_HOME or ~/.cache, then cnnc, mode 0700, owner
 * checked); NULL with the reason in *complaint when there can be none. */
const char *cpu_cache_folder(Arena *arena, const char **complaint);
/** How many objects are kept in the folder, and the bytes of all of them. */
int64_t cpu_cache_use(const char *folder, uint64_t *bytes);

#endif
