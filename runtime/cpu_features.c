/* Features by name: LLVM's names on one side, the kernel's in /proc/cpuinfo on the other. LLVM's list for a
 * host also names instructions that a compiler of loops never emits (rdrand, clflushopt, …); they are not in
 * the table, since a machine without them runs the code as well. */
#include "runtime/cpu_features.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *llvm, *kernel;
} features[] = {
    /* x86-64 */
    {"sse3", "pni"},
    {"ssse3", "ssse3"},
    {"sse4.1", "sse4_1"},
    {"sse4.2", "sse4_2"},
    {"popcnt", "popcnt"},
    {"lzcnt", "abm"},
    {"movbe", "movbe"},
    {"bmi", "bmi1"},
    {"bmi2", "bmi2"},
    {"adx", "adx"},
    {"avx", "avx"},
    {"avx2", "avx2"},
    {"fma", "fma"},
    {"f16c", "f16c"},
    {"gfni", "gfni"},
    {"avxvnni", "avx_vnni"},
    {"avx512f", "avx512f"},
    {"avx512bw", "avx512bw"},
    {"avx512cd", "avx512cd"},
    {"avx512dq", "avx512dq"},
    {"avx512vl", "avx512vl"},
    {"avx512ifma", "avx512ifma"},
    {"avx512vbmi", "avx512vbmi"},
    {"avx512vbmi2", "avx512_vbmi2"},
    {"avx512vnni", "avx512_vnni"},
    {"avx512bitalg", "avx512_bitalg"},
    {"avx512vpopcntdq", "avx512_vpopcntdq"},
    {"avx512bf16", "avx512_bf16"},
    {"avx512fp16", "avx512_fp16"},
    {"amx-tile", "amx_tile"},
    {"amx-bf16", "amx_bf16"},
    {"amx-int8", "amx_int8"},
    /* aarch64 */
    {"neon", "asimd"},
    {"fullfp16", "asimdhp"},
    {"dotprod", "asimddp"},
    {"rdm", "asimdrdm"},
    {"fp16fml", "asimdfhm"},
    {"lse", "atomics"},
    {"bf16", "bf16"},
    {"i8mm", "i8mm"},
    {"sve", "sve"},
    {"sve2", "sve2"},
};

/* The kernel's name of a feature; NULL: not one that matters. */
static const char *kernel_name(const char *llvm, size_t length)
{
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        if (strlen(features[i].llvm) == length && memcmp(features[i].llvm, llvm, length) == 0)
            return features[i].kernel;
    return NULL;
}

/* The line of the first CPU's features: behind the colon, up to the end of the line. */
static const char *features_line(const char *cpuinfo, size_t *length)
{
    static const char *const keys[] = {"\nflags", "\nFeatures"};
    for (int i = 0; i < 2; i++) {
        const char *line = strstr(cpuinfo, keys[i]);
        if (!line)
            continue;
        line += strlen(keys[i]);
        *length = strcspn(line, "\n");
        return line;
    }
    return NULL;
}

static bool line_has(const char *line, size_t length, const char *word)
{
    size_t wanted = strlen(word);
    for (const char *at = line, *end = line + length; at < end;) {
        at += strspn(at, " \t:");
        size_t size = strcspn(at, " \t\n");
        if (size == wanted && memcmp(at, word, wanted) == 0)
            return true;
        if (size == 0)
            break;
        at += size;
    }
    return false;
}

static void add_missing(char *missing, size_t size, const char *name, size_t length)
{
    size_t used = strlen(missing);
    snprintf(missing + used, size - used, "%s%.*s", used ? ", " : "", (int)length, name);
}

CnnStatus cnn_cpu_missing_text(const char *needs, const char *cpuinfo, char *missing, size_t size,
                               CnnError *error)
{
    size_t length;
    const char *line = features_line(cpuinfo, &length);
    *missing = '\0';
    if (!line)
        return cnn_fail(error, CNN_NO_RESOURCE, "/proc/cpuinfo does not say what this CPU can do");
    for (const char *at = needs; *at; at += *at == ',') {
        size_t count = strcspn(at, ",");
        bool signed_name = *at == '+' || *at == '-', unused = *at == '-';
        const char *kernel = unused ? NULL : kernel_name(at + signed_name, count - signed_name);
        if (kernel && !line_has(line, length, kernel))
            add_missing(missing, size, at + signed_name, count - signed_name);
        at += count;
    }
    return CNN_OK;
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

CnnStatus cnn_cpu_missing(const char *needs, char *missing, size_t size, CnnError *error)
{
    /* Files of /proc have no size to ask for, so they are read until they end; the first CPU's part is
     * enough. */
    enum { ENOUGH = 65536 };
    static const char tiles[] = "amx-tile (which the kernel does not permit)";
    FILE *file = fopen("/proc/cpuinfo", "r");
    char *text = calloc(1, ENOUGH + 2);
    if (!file || !text) {
        if (file)
            fclose(file);
        free(text);
        return cnn_fail(error, CNN_NO_RESOURCE,
                        "/proc/cpuinfo cannot be read, which says what this CPU can do");
    }
    text[0] = '\n'; /* every line begins behind one */
    size_t read = fread(text + 1, 1, ENOUGH, file);
    text[1 + read] = '\0';
    fclose(file);
    CnnStatus status = cnn_cpu_missing_text(needs, text, missing, size, error);
    free(text);
    if (status == CNN_OK && !*missing && strstr(needs, "+amx-tile") && !cnn_cpu_permit_tiles())
        add_missing(missing, size, tiles, sizeof tiles - 1);
    return status;
}

CnnStatus cnn_cpu_check(const char *needs, CnnError *error)
{
    char missing[CPU_MISSING_MOST];
    TRY(cnn_cpu_missing(needs, missing, sizeof missing, error));
    if (!*missing)
        return CNN_OK;
    return cnn_fail(
        error, CNN_NO_RESOURCE,
        "this program was built for another CPU: this one lacks %s. Build it with the CPU of this "
        "machine, or for a plainer one",
        missing);
}
