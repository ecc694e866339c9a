/* Code made in two goes: what the training cannot begin without, then the rest in a thread of its own, some
 * kernels at a time, so that whoever closes the build does not wait for long. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/base/bug.h"
#include "compiler/base/cache.h"
#include "compiler/cpu/cpu.h"

enum { BATCH = 8 /* kernels that are compiled at a time, by one thread */ };

struct CpuBuild {
    const CpuTarget *target;
    const CpuPart *parts;
    const char *cache;
    int threads; /* of a build that is waited for */
    CnnCode **code;
    CpuCode *loaded;
    int *later, later_count; /* parts that the thread makes */
    pthread_t thread;
    bool started, wrote; /* wrote: into the cache */
    atomic_bool stop, awaited;
    char complaint[512]; /* the thread's */
};

/* Some kernels on their way: parallel arrays. */
typedef struct {
    int count;
    Kernel **kernels;
    const char **symbols;
    CpuObject *objects;
    CnnCode **code;
    int *part;
} Lot;

static Lot lot_new(Arena *arena, int room)
{
    return (Lot){.kernels = NEW_ARRAY(arena, Kernel *, room),
                 .symbols = NEW_ARRAY(arena, const char *, room),
                 .objects = NEW_ARRAY(arena, CpuObject, room),
                 .code = NEW_ARRAY(arena, CnnCode *, room),
                 .part = NEW_ARRAY(arena, int, room)};
}

static void lot_add(Lot *lot, Kernel *kernel, int part)
{
    lot->kernels[lot->count] = kernel;
    lot->part[lot->count++] = part;
}

/* From here on others may call the functions. */
static void lot_publish(const Lot *lot, CnnCode **code)
{
    for (int i = 0; i < lot->count; i++)
        __atomic_store_n(&code[lot->part[i]], lot->code[i], __ATOMIC_RELEASE);
}

/* Makes the parts later[first], … . */
static bool make_later(CpuBuild *build, int first, int count, int threads, const char **complaint)
{
    Arena *arena = arena_new();
    Lot lot = lot_new(arena, count);
    for (int i = first; i < first + count; i++)
        lot_add(&lot, build->parts[build->later[i]].kernel, build->later[i]);
    CpuCompileOptions options = {.cache = build->cache, .threads = threads, .stop = &build->stop};
    bool good = cpu_compile(build->target, lot.kernels, lot.symbols, lot.count, &options, arena, lot.objects,
                            complaint);
    for (int i = 0; i < lot.count; i++)
        build->wrote = build->wrote || !lot.objects[i].cached;
    if (good && !atomic_load(&build->stop)) {
        good = cpu_load_more(build->loaded, lot.objects, lot.symbols, lot.count, lot.code, complaint);
        if (good)
            lot_publish(&lot, build->code);
    }
    if (!good)
        snprintf(build->complaint, sizeof build->complaint, "%s", *complaint);
    arena_free(arena);
    return good;
}

static void *make_rest(void *argument)
{
    CpuBuild *build = argument;
    const char *complaint;
    for (int i = 0, count; i < build->later_count && !atomic_load(&build->stop); i += count) {
        int threads = atomic_load(&build->awaited) ? build->threads : 1;
        count = BATCH * threads < build->later_count - i ? BATCH * threads : build->later_count - i;
        if (!make_later(build, i, count, threads, &complaint))
            break;
    }
    if (build->cache && build->wrote)
        cache_trim(build->cache);
    return NULL;
}

/* Makes what is needed first, and lists the rest. */
static bool make_first(CpuBuild *build, int count, Arena *arena, CpuBuildCounts *counts,
                       const char **complaint)
{
    Lot lot = lot_new(arena, count);
    for (int i = 0; i < count; i++) {
        const CpuPart *part = &build->parts[i];
        bool brief = !part->later && part->brief && !(build->cache && cache_has(build->cache, part->symbol));
        if (part->later || brief)
            build->later[build->later_count++] = i;
        if (!part->later)
            lot_add(&lot, brief ? part->brief : part->kernel, i);
    }
    CpuCompileOptions options = {.cache = build->cache, .threads = build->threads};
    if (!cpu_compile(build->target, lot.kernels, lot.symbols, lot.count, &options, arena, lot.objects,
                     complaint))
        return false;
    build->loaded = cpu_load(lot.objects, lot.symbols, lot.count, lot.code, complaint);
    if (!build->loaded)
        return false;
    lot_publish(&lot, build->code);
    *counts = (CpuBuildCounts){.later = build->later_count};
    for (int i = 0; i < lot.count; i++)
        *(lot.objects[i].cached ? &counts->cached : &counts->compiled) += 1;
    build->wrote = counts->compiled > 0;
    return true;
}

CpuBuild *cpu_build(const CpuTarget *target, const CpuPart *parts, int count,
                    const CpuCompileOptions *options, Arena *arena, CnnCode **code, CpuBuildCounts *counts,
                    const char **complaint)
{
    CpuBuild *build = NEW(arena, CpuBuild);
    *build = (CpuBuild){.target = target,
                        .parts = parts,
                        .cache = options->cache,
                        .threads = options->threads,
                        .code = code,
                        .later = NEW_ARRAY(arena, int, count)};
    if (!make_first(build, count, arena, counts, complaint)) {
        cpu_build_close(build);
        return NULL;
    }
    if (build->later_count == 0 && !build->wrote)
        return build;
    build->started = pthread_create(&build->thread, NULL, make_rest, build) == 0;
    if (!build->started) { /* where no thread can be had, the caller waits */
        atomic_store(&build->awaited, true);
        make_rest(build);
    }
    return build;
}

const char *cpu_build_await(CpuBuild *build)
{
    atomic_store(&build->awaited, true);
    if (build->started)
        pthread_join(build->thread, NULL);
    build->started = false;
    return *build->complaint ? build->complaint : NULL;
}

void cpu_build_close(CpuBuild *build)
{
    atomic_store(&build->stop, true);
    cpu_build_await(build);
    if (build->loaded)
        cpu_unload(build->loaded);
}
