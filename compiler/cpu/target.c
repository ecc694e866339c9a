/* What the emitter and the scheduler know of a machine: of this one as LLVM finds it, of others by the table.
 */
#include "compiler/cpu/target.h"

#include <llvm-c/Core.h>
#include <llvm-c/Support.h>
#include <llvm-c/TargetMachine.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "compiler/base/bug.h"
#include "compiler/base/diag.h"
#include "runtime/cpu_features.h"

enum { L1_USUAL = 32 << 10, L2_USUAL = 512 << 10, LOCAL_BYTES = 512 << 10 };

typedef enum { X86, ARM } Architecture;
static const char *const triples[] = {[X86] = "x86_64-linux-gnu", [ARM] = "aarch64-linux-gnu"};

static const struct {
    const char *name;
    Architecture architecture;
    const char *features;
    int l1, l2; /* KiB */
} processors[] = {
#define PROCESSOR(name, architecture, features, l1, l2) {name, architecture, features, l1, l2},
#include "compiler/cpu/processors.def"
};

/* What LLVM calls "generic" in every architecture. */
static const char ARM_BASELINE[] = "aarch64";

static void start_llvm(void)
{
    LLVMInitializeAllTargetInfos();
    LLVMInitializeAllTargets();
    LLVMInitializeAllTargetMCs();
    LLVMInitializeAllAsmPrinters();
    LLVMInitializeAllAsmParsers();
    /* Loop strength reduction's solver takes up to seconds for one of our kernels, and our pointers already
     * are phis. */
    const char *const arguments[] = {"cnnc", "-disable-lsr"};
    LLVMParseCommandLineOptions(2, arguments, "");
}

void target_start_llvm(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_llvm);
}

static bool has_feature(const char *features, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = features; (at = strstr(at, wanted)) != NULL; at += length)
        if ((at == features || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static uint64_t cache_bytes(int name, uint64_t usual)
{
    long bytes = sysconf(name);
    return bytes > 0 ? (uint64_t)bytes : usual;
}

static char *take_message(Arena *arena, char *message)
{
    char *copy = arena_text(arena, message, strlen(message));
    LLVMDisposeMessage(message);
    return copy;
}

/* Of the same architecture, by the first part of their names. */
static bool alike(const char *triple, const char *other)
{
    size_t length = strcspn(triple, "-");
    return length == strcspn(other, "-") && strncmp(triple, other, length) == 0;
}

/* Vectors, registers and instructions follow from the features. */
static void describe(CpuTarget *target)
{
    const char *features = target->features;
    bool x86 = alike(target->triple, triples[X86]);
    bool avx512 = x86 && has_feature(features, "+avx512f") && has_feature(features, "+avx512vl") &&
                  has_feature(features, "+avx512bw") && has_feature(features, "+avx512dq");
    target->dot = avx512 && has_feature(features, "+avx512bf16");
    target->tile = target->dot && has_feature(features, "+amx-tile") && has_feature(features, "+amx-bf16");
    target->fma = !x86 || has_feature(features, "+fma");
    target->half = !x86 || has_feature(features, "+f16c");
    target->folds = x86 && has_feature(features, "+avx"); /* before AVX only aligned ones */
    target->lanes = avx512 ? 16 : x86 && has_feature(features, "+avx2") ? 8 : 4;
    target->registers = avx512 || !x86 ? 32 : 16;
    target->local_bytes = LOCAL_BYTES;
}

const CpuTarget *cpu_host(Arena *arena)
{
    CpuTarget *target = NEW(arena, CpuTarget);
    target->triple = take_message(arena, LLVMGetDefaultTargetTriple());
    target->cpu = take_message(arena, LLVMGetHostCPUName());
    target->features = take_message(arena, LLVMGetHostCPUFeatures());
    target->l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, L1_USUAL);
    target->l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, L2_USUAL);
    describe(target);
    target->tile = target->tile && cnn_cpu_permit_tiles();
    return target;
}

const CpuTarget *cpu_without_stack(Arena *arena, const CpuTarget *target)
{
    CpuTarget *small = NEW(arena, CpuTarget);
    *small = *target;
    small->local_bytes = 0;
    small->tile = false;
    return small;
}

static const char *unknown(Arena *arena, const char *name)
{
    const char *names[COUNT(processors) + 2] = {"native"};
    for (size_t i = 0; i < COUNT(processors); i++)
        names[i + 1] = processors[i].name;
    const char *similar = nearest_name(name, names);
    if (similar)
        return arena_printf(arena, "there is no CPU '%s'; did you mean '%s'?", name, similar);
    return arena_printf(arena,
                        "there is no CPU '%s'; there are native, x86-64, x86-64-v2, x86-64-v3, x86-64-v4, "
                        "aarch64, and processors by LLVM's names, such as skylake, znver4 or neoverse-n1",
                        name);
}

const CpuTarget *cpu_target(Arena *arena, const char *name, const char **complaint)
{
    if (strcmp(name, "native") == 0)
        return cpu_host(arena);
    size_t i = 0;
    while (i < COUNT(processors) && strcmp(processors[i].name, name) != 0)
        i++;
    if (i == COUNT(processors)) {
        *complaint = unknown(arena, name);
        return NULL;
    }
    const char *triple = triples[processors[i].architecture];
    const char *host = take_message(arena, LLVMGetDefaultTargetTriple());
    CpuTarget *target = NEW(arena, CpuTarget);
    *target = (CpuTarget){.triple = alike(triple, host) ? host : triple,
                          .cpu = strcmp(name, ARM_BASELINE) == 0 ? "generic" : processors[i].name,
                          .features = processors[i].features,
                          .l1_bytes = (uint64_t)processors[i].l1 << 10,
                          .l2_bytes = (uint64_t)processors[i].l2 << 10};
    describe(target);
    return target;
}

bool cpu_same_architecture(const CpuTarget *target, const char *triple)
{
    return alike(target->triple, triple);
}

int cpu_abilities(const CpuTarget *target)
{
    int count = 0;
    for (const char *at = target->features; *at; at++)
        count += *at == '+';
    return count;
}

CnnStatus cpu_links_here(const CpuTarget *target, CnnError *error)
{
    char *host = LLVMGetDefaultTargetTriple();
    CnnStatus status = CNN_OK;
    if (!alike(host, target->triple))
        status = cnn_fail(error, CNN_NO_RESOURCE,
                          "code for %.*s cannot be linked or run on this machine, which is %.*s",
                          (int)strcspn(target->triple, "-"), target->triple, (int)strcspn(host, "-"), host);
    LLVMDisposeMessage(host);
    return status;
}

CnnStatus cpu_runs_here(const CpuTarget *target, CnnError *error)
{
    TRY(cpu_links_here(target, error));
    char missing[CPU_MISSING_MOST];
    cnn_cpu_missing(target->features, missing, sizeof missing);
    if (*missing)
        return cnn_fail(error, CNN_NO_RESOURCE, "code for %s cannot run on this machine, which lacks %s",
                        target->cpu, missing);
    return CNN_OK;
}
