/* What the emitter and the scheduler know of a machine. */
#include "compiler/cpu/target.h"

#include <llvm-c/Core.h>
#include <llvm-c/Support.h>
#include <llvm-c/TargetMachine.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cpu_features.h"

enum { L1_USUAL = 32 << 10, L2_USUAL = 512 << 10 };

static void start_llvm(void)
{
    LLVMInitializeAllTargetInfos();
    LLVMInitializeAllTargets();
    LLVMInitializeAllTargetMCs();
    LLVMInitializeAllAsmPrinters();
    LLVMInitializeAllAsmParsers();
    LLVMInitializeAllDisassemblers();
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

static bool is_x86(const char *triple)
{
    return strncmp(triple, "x86_64", 6) == 0 || strncmp(triple, "amd64", 5) == 0;
}

const CpuTarget *cpu_host(Arena *arena)
{
    target_start_llvm();
    CpuTarget *target = NEW(arena, CpuTarget);
    target->triple = take_message(arena, LLVMGetDefaultTargetTriple());
    target->cpu = take_message(arena, LLVMGetHostCPUName());
    target->features = take_message(arena, LLVMGetHostCPUFeatures());
    const char *features = target->features;
    bool x86 = is_x86(target->triple);
    bool avx512 = has_feature(features, "+avx512f") && has_feature(features, "+avx512vl") &&
                  has_feature(features, "+avx512bw") && has_feature(features, "+avx512dq");
    bool avx2 = has_feature(features, "+avx2");
    target->dot = x86 && avx512 && has_feature(features, "+avx512bf16");
    target->tile = target->dot && has_feature(features, "+amx-tile") && has_feature(features, "+amx-bf16") &&
                   cnn_cpu_permit_tiles();
    target->fma = !x86 || has_feature(features, "+fma");
    target->lanes = x86 && avx512 ? 16 : x86 && avx2 ? 8 : 4;
    target->registers = (x86 && avx512) || !x86 ? 32 : 16;
    target->l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, L1_USUAL);
    target->l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, L2_USUAL);
    return target;
}

const CpuTarget *cpu_target(Arena *arena, const char *triple, const char *cpu, const char **complaint)
{
    static const struct {
        const char *cpu;
        int lanes, registers;
        bool x86, fma;
    } known[] = {
        {"x86-64", 4, 16, true, false},   {"x86-64-v2", 4, 16, true, false},
        {"x86-64-v3", 8, 16, true, true}, {"x86-64-v4", 16, 32, true, true},
        {"generic", 4, 32, false, true},
    };
    target_start_llvm();
    char *message = NULL;
    LLVMTargetRef llvm_target;
    if (LLVMGetTargetFromTriple(triple, &llvm_target, &message)) {
        *complaint = take_message(arena, message);
        return NULL;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].cpu, cpu) != 0 || known[i].x86 != is_x86(triple))
            continue;
        CpuTarget *target = NEW(arena, CpuTarget);
        *target = (CpuTarget){.triple = arena_text(arena, triple, strlen(triple)),
                              .cpu = known[i].cpu,
                              .features = "",
                              .lanes = known[i].lanes,
                              .registers = known[i].registers,
                              .fma = known[i].fma,
                              .l1_bytes = L1_USUAL,
                              .l2_bytes = L2_USUAL};
        return target;
    }
    *complaint = arena_printf(
        arena, "unknown CPU '%s' for %s (known: x86-64, x86-64-v2, x86-64-v3, x86-64-v4; generic on others)",
        cpu, triple);
    return NULL;
}
