/* Two rounds for each kernel: first tiles (and the axis that vectors lie along), then, for the best of them,
 * loop orders and unrolling. All candidates of a round are compiled on all threads and measured one after the
 * other, the chosen schedule among them, so that what the machine does meanwhile falls on all. */
#include "compiler/cpu/tune.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/cpu/choice.h"
#include "compiler/cpu/tune_store.h"
#include "runtime/clock.h"

enum { CANDIDATES_MOST = 40, QUICK_TILES = 5, THOROUGH_TILES = 12, ROUNDS = 5, PAGE = 4096 };
static const double MEASURE_SECONDS = 0.004, NOISE = 0.02, SHARE_LEAST = 0.004;

typedef struct {
    CpuVariant variant;
    Kernel kernel;
    CnnCode *code;
    double seconds;
} Candidate;

typedef struct {
    const CpuTarget *target;
    const CpuTuneOptions *options;
    TuneStore *store;
    double end; /* on the clock */
    const char *complaint;
} Tuning;

/* What a result is good for. */
static Key tuning_key(const CpuTarget *target, const Computation *computation)
{
    const uint64_t more[] = {SCHEDULER_VERSION, target->l1_bytes, target->l2_bytes, target->local_bytes};
    return key_add(key_of_computation(target, computation), more, sizeof more);
}

/* ---- Memory to run a kernel on ---- */

typedef struct {
    void *block;
    void **buffers;
    CnnCall call;
} Scene;

/* Points of an axis in one call. */
static int64_t points(const CpuTuned *tuned, int axis)
{
    const Axis *at = &tuned->kernel->computation->axes[axis];
    return at->kind == EXTENT_BATCH && tuned->samples < at->extent ? tuned->samples : at->extent;
}

static void reach(const CpuTuned *tuned, const Affine *at, int64_t *low, int64_t *high)
{
    int64_t least = at->base, most = at->base;
    for (int a = 0; a < tuned->kernel->computation->axis_count; a++) {
        int64_t far = at->coef[a] * (points(tuned, a) - 1);
        *(far < 0 ? &least : &most) += far;
    }
    *low = least < *low ? least : *low;
    *high = most > *high ? most : *high;
}

/* The elements of a tensor that a call touches, guarded ones included: [*low, *high]. */
static void tensor_reach(const CpuTuned *tuned, int tensor, int64_t *low, int64_t *high)
{
    const Computation *computation = tuned->kernel->computation;
    *low = *high = 0;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = &computation->exprs.items[i];
        if (expr->kind == EXPR_LOAD && expr->index == tensor)
            reach(tuned, &expr->at, low, high);
    }
    for (size_t i = 0; i < computation->stores.count; i++)
        if (computation->stores.items[i].tensor == tensor)
            reach(tuned, &computation->stores.items[i].at, low, high);
}

/* Numbers of ordinary size: denormal ones would be slow. Integers are 0 and 1: classes, keys. */
static void fill(Dtype dtype, void *at, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (dtype == DTYPE_F32)
            ((float *)at)[i] = 0.01f * (float)(i % 17 - 8);
        else if (dtype == DTYPE_BF16)
            ((uint16_t *)at)[i] = (uint16_t)(0x3c00 | (i % 17) << 3);
        else if (dtype == DTYPE_F16)
            ((uint16_t *)at)[i] = (uint16_t)(0x2c00 | (i % 17) << 5);
        else if (dtype == DTYPE_I32)
            ((int32_t *)at)[i] = (int32_t)(i & 1);
        else
            ((uint8_t *)at)[i] = (uint8_t)(i & 1);
    }
}

static bool scene_open(const CpuTuned *tuned, Arena *arena, Scene *scene)
{
    const Computation *computation = tuned->kernel->computation;
    size_t count = computation->tensors.count;
    uint64_t *offset = NEW_ARRAY(arena, uint64_t, count), total = 0;
    int64_t *low = NEW_ARRAY(arena, int64_t, count), *high = NEW_ARRAY(arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {
        tensor_reach(tuned, (int)i, &low[i], &high[i]);
        offset[i] = total;
        total +=
            (uint64_t)(high[i] - low[i] + 1) * dtype_bytes(computation->tensors.items[i].dtype) + 2 * PAGE;
        total = total / PAGE * PAGE;
    }
    scene->block = aligned_alloc(PAGE, total + PAGE);
    if (!scene->block)
        return false;
    scene->buffers = NEW_ARRAY(arena, void *, count);
    for (size_t i = 0; i < count; i++) {
        Dtype dtype = computation->tensors.items[i].dtype;
        char *start = (char *)scene->block + offset[i];
        fill(dtype, start, high[i] - low[i] + 1);
        scene->buffers[i] = (void *)((uintptr_t)start - (uintptr_t)low[i] * dtype_bytes(dtype));
    }
    const Axis *parallel = &computation->axes[computation->parallel];
    int64_t end = parallel->kind == EXTENT_BATCH ? tuned->samples : parallel->extent;
    scene->call = (CnnCall){.end = computation->chunked ? tuned->samples : end,
                            .samples = tuned->samples,
                            .slices = 1,
                            .first = 1};
    for (int a = 0; a < computation->axis_count; a++)
        if (computation->axes[a].kind == EXTENT_SLICES)
            scene->call.slices = computation->axes[a].extent;
    return true;
}

/* ---- Measuring ---- */

static double seconds_of_calls(CnnCode *code, const Scene *scene, int64_t calls)
{
    double start = cnn_thread_clock();
    for (int64_t i = 0; i < calls; i++)
        code(scene->buffers, &scene->call);
    return (cnn_thread_clock() - start) / (double)calls;
}

/* The least of some rounds, in which all candidates take turns. One that is far behind after the first is
 * out. */
static void measure(Candidate *candidates, int count, const Scene *scene)
{
    double least = 0;
    for (int i = 0; i < count; i++) {
        candidates[i].seconds = seconds_of_calls(candidates[i].code, scene, 1);
        for (int again = 0; again < 2; again++) {
            double seconds = seconds_of_calls(candidates[i].code, scene, 1);
            candidates[i].seconds = seconds < candidates[i].seconds ? seconds : candidates[i].seconds;
        }
        least = i == 0 || candidates[i].seconds < least ? candidates[i].seconds : least;
    }
    int64_t calls = 1 + (int64_t)(MEASURE_SECONDS / ROUNDS / least);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < count; i++) {
            if (candidates[i].seconds > 1.3 * least)
                continue;
            double seconds = seconds_of_calls(candidates[i].code, scene, calls);
            candidates[i].seconds = seconds < candidates[i].seconds ? seconds : candidates[i].seconds;
            least = seconds < least ? seconds : least;
        }
    }
}

/* Compiles and measures; false with the tuning's complaint. */
static bool try_candidates(Tuning *tuning, Candidate *candidates, int count, const Scene *scene, Arena *arena)
{
    Kernel **kernels = NEW_ARRAY(arena, Kernel *, count);
    const char **symbols = NEW_ARRAY(arena, const char *, count);
    CpuObject *objects = NEW_ARRAY(arena, CpuObject, count);
    CnnCode **code = NEW_ARRAY(arena, CnnCode *, count);
    for (int i = 0; i < count; i++)
        kernels[i] = &candidates[i].kernel;
    CpuCompileOptions options = {.threads = tuning->options->threads};
    if (!cpu_compile(tuning->target, kernels, symbols, count, &options, arena, objects, &tuning->complaint))
        return false;
    CpuCode *loaded = cpu_load(objects, symbols, count, code, &tuning->complaint);
    if (!loaded)
        return false;
    for (int i = 0; i < count; i++)
        candidates[i].code = code[i];
    measure(candidates, count, scene);
    cpu_unload(loaded);
    return true;
}

static void add_candidate(const Tuning *tuning, const Kernel *kernel, CpuVariant variant, Candidate *list,
                          int *count)
{
    Candidate candidate = {.variant = variant, .kernel = *kernel};
    if (*count == CANDIDATES_MOST ||
        !cpu_schedule_variant(tuning->target, kernel->computation, &variant, &candidate.kernel.cpu))
        return;
    Arena *arena = arena_new();
    bool known = cpu_schedule_legal(kernel->computation, &candidate.kernel.cpu, arena) != NULL;
    arena_free(arena);
    for (int i = 0; i < *count; i++)
        known = known || memcmp(&list[i].kernel.cpu, &candidate.kernel.cpu, sizeof candidate.kernel.cpu) == 0;
    if (!known)
        list[(*count)++] = candidate;
}

static int fastest(const Candidate *candidates, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (candidates[i].seconds < candidates[best].seconds)
            best = i;
    return best;
}

static int tile_candidates(const Tuning *tuning, const Kernel *kernel, Candidate *list)
{
    int count = 0, tiles = tuning->options->thorough ? THOROUGH_TILES : QUICK_TILES;
    for (int axis = 0; axis <= 2; axis++)
        for (int tile = 0; tile < tiles; tile++)
            add_candidate(tuning, kernel, (CpuVariant){.vector_axis = axis, .tile = tile}, list, &count);
    return count;
}

static int loop_candidates(const Tuning *tuning, const Kernel *kernel, CpuVariant best, Candidate *list)
{
    static const int unrolls[] = {0, 1, 2, 4, 8};
    int count = 0;
    add_candidate(tuning, kernel, (CpuVariant){0}, list, &count);
    for (int block = BLOCKS_NONE; block <= BLOCKS_DOUBLE; block++) {
        CpuVariant variant = best;
        variant.block = block;
        add_candidate(tuning, kernel, variant, list, &count);
    }
    for (int order = ORDER_CHOSEN; order <= ORDER_VECTORS_INSIDE; order++) {
        for (size_t u = 0; u < sizeof unrolls / sizeof *unrolls; u++) {
            if (order != ORDER_CHOSEN && unrolls[u] && !tuning->options->thorough)
                continue;
            best.order = order;
            best.unroll = unrolls[u];
            add_candidate(tuning, kernel, best, list, &count);
        }
    }
    return count;
}

/* ---- One kernel ---- */

static bool tune_kernel(Tuning *tuning, CpuTuned *tuned, Key key)
{
    Arena *arena = arena_new();
    Scene scene;
    Candidate *candidates = NEW_ARRAY(arena, Candidate, CANDIDATES_MOST);
    Kernel original = *tuned->kernel;
    bool good = scene_open(tuned, arena, &scene);
    if (!good) {
        arena_free(arena);
        return true; /* no memory for it: it stays as it is */
    }
    int count = tile_candidates(tuning, &original, candidates), best = 0;
    good = try_candidates(tuning, candidates, count, &scene, arena);
    if (good) {
        tuned->tried = count;
        best = fastest(candidates, count);
        count = loop_candidates(tuning, &original, candidates[best].variant, candidates);
        good = try_candidates(tuning, candidates, count, &scene, arena);
    }
    if (good) {
        tuned->tried += count;
        best = fastest(candidates, count);
        if (candidates[best].seconds > (1 - NOISE) * candidates[0].seconds)
            best = 0;
        tuned->before = candidates[0].seconds;
        tuned->after = candidates[best].seconds;
        tuned->kernel->cpu = candidates[best].kernel.cpu;
        tune_store_put(tuning->store, key, &candidates[best].variant, tuned->after);
    }
    free(scene.block);
    arena_free(arena);
    return good;
}

/* ---- All of them ---- */

static bool recall(const CpuTarget *target, TuneStore *store, Key key, Kernel *kernel)
{
    CpuVariant variant;
    CpuSchedule schedule;
    if (!tune_store_get(store, key, &variant) ||
        !cpu_schedule_variant(target, kernel->computation, &variant, &schedule))
        return false;
    Arena *arena = arena_new();
    bool legal = cpu_schedule_legal(kernel->computation, &schedule, arena) == NULL;
    arena_free(arena);
    if (legal)
        kernel->cpu = schedule;
    return legal;
}

int cpu_tune_recall(const CpuTarget *target, const char *cache, Kernel *const *kernels, int count)
{
    TuneStore *store = tune_store_open(cache);
    int known = 0;
    for (int i = 0; i < count && store; i++)
        known += recall(target, store, tuning_key(target, kernels[i]->computation), kernels[i]);
    tune_store_close(store);
    return known;
}

/* Seconds of one call as scheduled, of every kernel, so that the search begins where most is to be won. */
static bool measure_all(Tuning *tuning, CpuTuned *tuned, int count)
{
    for (int i = 0; i < count; i++) {
        Arena *arena = arena_new();
        Candidate candidate = {.kernel = *tuned[i].kernel};
        Scene scene;
        bool good = true;
        if (scene_open(&tuned[i], arena, &scene)) {
            good = try_candidates(tuning, &candidate, 1, &scene, arena);
            tuned[i].before = tuned[i].after = candidate.seconds;
            free(scene.block);
        }
        arena_free(arena);
        if (!good)
            return false;
    }
    return true;
}

static CpuTuned *slowest(CpuTuned *tuned, const bool *done, int count)
{
    CpuTuned *most = NULL;
    for (int i = 0; i < count; i++)
        if (!done[i] && (!most || tuned[i].before * tuned[i].calls > most->before * most->calls))
            most = &tuned[i];
    return most;
}

/* Kernels that compute the same get the same schedule. */
static void share(CpuTuned *tuned, const Key *keys, bool *done, int count, const CpuTuned *from)
{
    for (int i = 0; i < count; i++) {
        if (done[i] || keys[i].high != keys[from - tuned].high || keys[i].low != keys[from - tuned].low)
            continue;
        tuned[i].kernel->cpu = from->kernel->cpu;
        tuned[i].before = from->before;
        tuned[i].after = from->after;
        done[i] = true;
    }
}

static bool search(Tuning *tuning, CpuTuned *tuned, const Key *keys, bool *done, int count)
{
    double all = 0;
    int open = 0, at = 0;
    for (int i = 0; i < count; i++) {
        all += tuned[i].before * tuned[i].calls;
        open += !done[i];
    }
    for (CpuTuned *next; (next = slowest(tuned, done, count)) && cnn_clock() < tuning->end; at++) {
        if (next->before * next->calls < SHARE_LEAST * all)
            break;
        if (tuning->options->progress)
            tuning->options->progress(tuning->options->context, at, open, next->kernel->name);
        done[next - tuned] = true;
        if (!tune_kernel(tuning, next, keys[next - tuned]))
            return false;
        share(tuned, keys, done, count, next);
    }
    return true;
}

bool cpu_tune(const CpuTarget *target, CpuTuned *tuned, int count, const CpuTuneOptions *options,
              const char **complaint)
{
    Arena *arena = arena_new();
    Tuning tuning = {.target = target,
                     .options = options,
                     .store = tune_store_open(options->cache),
                     .end = cnn_clock() + options->seconds};
    Key *keys = NEW_ARRAY(arena, Key, count);
    bool *done = NEW_ARRAY(arena, bool, count);
    for (int i = 0; i < count; i++) {
        keys[i] = tuning_key(target, tuned[i].kernel->computation);
        tuned[i].remembered = !options->again && recall(target, tuning.store, keys[i], tuned[i].kernel);
        done[i] = tuned[i].remembered;
    }
    bool good = measure_all(&tuning, tuned, count) && search(&tuning, tuned, keys, done, count);
    *complaint = tuning.complaint;
    tune_store_close(tuning.store);
    arena_free(arena);
    return good;
}
