/* Features by LLVM's names, and the bits by which a CPU tells that it has them. LLVM's list for a host also
 * names instructions that a compiler of loops never emits (rdrand, clflushopt, …); they are not in the table,
 * since a machine without them runs the code as well. */
#include "runtime/cpu_features.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif
#ifdef __aarch64__
#include <sys/auxv.h>
#endif

/* Bits of XCR0 that must all be set before an instruction set may use its registers. */
enum { STATE_AVX = 0x6, STATE_AVX512 = 0xE6, STATE_TILES = 0x60000 };

static const struct {
    const char *llvm;
    CpuWord word;
    int bit;
    uint64_t state;
} features[] = {
    /* x86-64: Intel's manual, volume 2, CPUID */
    {"sse3", CPU_1_ECX, 0, 0},
    {"ssse3", CPU_1_ECX, 9, 0},
    {"sse4.1", CPU_1_ECX, 19, 0},
    {"sse4.2", CPU_1_ECX, 20, 0},
    {"popcnt", CPU_1_ECX, 23, 0},
    {"lzcnt", CPU_80000001_ECX, 5, 0},
    {"movbe", CPU_1_ECX, 22, 0},
    {"bmi", CPU_7_EBX, 3, 0},
    {"bmi2", CPU_7_EBX, 8, 0},
    {"adx", CPU_7_EBX, 19, 0},
    {"avx", CPU_1_ECX, 28, STATE_AVX},
    {"avx2", CPU_7_EBX, 5, STATE_AVX},
    {"fma", CPU_1_ECX, 12, STATE_AVX},
    {"f16c", CPU_1_ECX, 29, STATE_AVX},
    {"gfni", CPU_7_ECX, 8, 0},
    {"avxvnni", CPU_7_1_EAX, 4, STATE_AVX},
    {"avx512f", CPU_7_EBX, 16, STATE_AVX512},
    {"avx512bw", CPU_7_EBX, 30, STATE_AVX512},
    {"avx512cd", CPU_7_EBX, 28, STATE_AVX512},
    {"avx512dq", CPU_7_EBX, 17, STATE_AVX512},
    {"avx512vl", CPU_7_EBX, 31, STATE_AVX512},
    {"avx512ifma", CPU_7_EBX, 21, STATE_AVX512},
    {"avx512vbmi", CPU_7_ECX, 1, STATE_AVX512},
    {"avx512vbmi2", CPU_7_ECX, 6, STATE_AVX512},
    {"avx512vnni", CPU_7_ECX, 11, STATE_AVX512},
    {"avx512bitalg", CPU_7_ECX, 12, STATE_AVX512},
    {"avx512vpopcntdq", CPU_7_ECX, 14, STATE_AVX512},
    {"avx512bf16", CPU_7_1_EAX, 5, STATE_AVX512},
    {"avx512fp16", CPU_7_EDX, 23, STATE_AVX512},
    {"amx-tile", CPU_7_EDX, 24, STATE_TILES},
    {"amx-bf16", CPU_7_EDX, 22, STATE_TILES},
    {"amx-int8", CPU_7_EDX, 25, STATE_TILES},
    /* aarch64: Linux, arch/arm64/include/uapi/asm/hwcap.h */
    {"neon", CPU_HWCAP, 1, 0},
    {"fullfp16", CPU_HWCAP, 10, 0},
    {"dotprod", CPU_HWCAP, 20, 0},
    {"rdm", CPU_HWCAP, 12, 0},
    {"fp16fml", CPU_HWCAP, 23, 0},
    {"lse", CPU_HWCAP, 8, 0},
    {"bf16", CPU_HWCAP2, 14, 0},
    {"i8mm", CPU_HWCAP2, 13, 0},
    {"sve", CPU_HWCAP, 22, 0},
    {"sve2", CPU_HWCAP2, 1, 0},
};

#ifdef __x86_64__
/* Zeros where the CPU has no such leaf. */
static void ask_cpuid(unsigned leaf, unsigned part, unsigned answer[4])
{
    if (!__get_cpuid_count(leaf, part, &answer[0], &answer[1], &answer[2], &answer[3]))
        memset(answer, 0, 4 * sizeof *answer);
}

static uint64_t read_xcr0(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

CpuWords cnn_cpu_words(void)
{
    enum { EAX, EBX, ECX, EDX, XSAVE_IN_USE = 27, LAST_PART = 0 };
    unsigned one[4], seven[4], more[4] = {0}, extended[4];
    ask_cpuid(1, 0, one);
    ask_cpuid(7, 0, seven);
    if (seven[EAX] > LAST_PART)
        ask_cpuid(7, 1, more);
    ask_cpuid(0x80000001, 0, extended);
    return (CpuWords){{[CPU_1_ECX] = one[ECX],
                       [CPU_7_EBX] = seven[EBX],
                       [CPU_7_ECX] = seven[ECX],
                       [CPU_7_EDX] = seven[EDX],
                       [CPU_7_1_EAX] = more[EAX],
                       [CPU_80000001_ECX] = extended[ECX],
                       [CPU_XCR0] = one[ECX] >> XSAVE_IN_USE & 1 ? read_xcr0() : 0}};
}
#elif defined __aarch64__
CpuWords cnn_cpu_words(void)
{
    return (CpuWords){{[CPU_HWCAP] = getauxval(AT_HWCAP), [CPU_HWCAP2] = getauxval(AT_HWCAP2)}};
}
#else
CpuWords cnn_cpu_words(void)
{
    return (CpuWords){{0}};
}
#endif

/* Whether a CPU lacks a feature; false too: it is not one that matters. */
static bool lacks(const CpuWords *cpu, const char *llvm, size_t length)
{
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        if (strlen(features[i].llvm) == length && memcmp(features[i].llvm, llvm, length) == 0)
            return !(cpu->word[features[i].word] >> features[i].bit & 1) ||
                   (cpu->word[CPU_XCR0] & features[i].state) != features[i].state;
    return false;
}

static void add_missing(char *missing, size_t size, const char *name, size_t length)
{
    size_t used = strlen(missing);
    snprintf(missing + used, size - used, "%s%.*s", used ? ", " : "", (int)length, name);
}

void cnn_cpu_missing_of(const char *needs, const CpuWords *cpu, char *missing, size_t size)
{
    *missing = '\0';
    for (const char *at = needs; *at; at += *at == ',') {
        size_t count = strcspn(at, ",");
        bool signed_name = *at == '+' || *at == '-', unused = *at == '-';
        if (!unused && lacks(cpu, at + signed_name, count - signed_name))
            add_missing(missing, size, at + signed_name, count - signed_name);
        at += count;
    }
}

bool cnn_cpu_permit_tiles(void)
{
#ifdef __x86_64__
    /* ARCH_REQ_XCOMP_PERM of XFEATURE_XTILEDATA (Linux, Documentation/arch/x86/xstate.rst) */
    enum { REQUEST = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return false;
#endif
}

void cnn_cpu_missing(const char *needs, char *missing, size_t size)
{
    static const char tiles[] = "amx-tile (which the kernel does not permit)";
    CpuWords cpu = cnn_cpu_words();
    cnn_cpu_missing_of(needs, &cpu, missing, size);
    if (!*missing && strstr(needs, "+amx-tile") && !cnn_cpu_permit_tiles())
        add_missing(missing, size, tiles, sizeof tiles - 1);
}
