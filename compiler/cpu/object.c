/* From kernels to object files: emission, LLVM's passes and code generation, on several threads, behind the
 * cache. Each kernel has a context and a module of its own, each thread target machines, which is what LLVM
 * asks of threads: a machine works out what its CPU can do, which takes as long as a small kernel. */
#include <llvm-c/Analysis.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/base/bug.h"
#include "compiler/base/cache.h"
#include "compiler/cpu/emit.h"
#include "compiler/cpu/key.h"
#include "compiler/cpu/target.h"

/* One kernel on its way. */
typedef struct {
    const Kernel *kernel;
    const char *symbol;
    void *object; /* malloc'ed */
    size_t bytes;
    bool cached;
    double seconds;
    char *complaint; /* malloc'ed; NULL: all is well */
} Job;

typedef struct {
    const CpuTarget *target;
    const char *cache;
    const atomic_bool *stop;
    Job *jobs;
    int count;
    atomic_int next;
} Work;

typedef struct {
    LLVMContextRef context;
    LLVMModuleRef module;
} Unit;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Takes over LLVM's message; the copy is malloc'ed. */
static char *take_message(char *message)
{
    char *copy = strdup(message ? message : "no reason given");
    if (!copy)
        out_of_memory(strlen(message));
    LLVMDisposeMessage(message);
    return copy;
}

/* Ended by LLVMDisposeTargetMachine; NULL with *complaint, which is malloc'ed. */
static LLVMTargetMachineRef machine_open(const CpuTarget *target, CpuEffort effort, char **complaint)
{
    /* What LLVM's next level adds takes as long again, and gains nothing where the schedule has decided what
     * stands in registers. */
    static const LLVMCodeGenOptLevel levels[] = {
        [EFFORT_SOME] = LLVMCodeGenLevelLess, [EFFORT_NONE] = LLVMCodeGenLevelNone};
    char *message = NULL;
    LLVMTargetRef description;
    target_start_llvm();
    if (LLVMGetTargetFromTriple(target->triple, &description, &message)) {
        *complaint = take_message(message);
        return NULL;
    }
    return LLVMCreateTargetMachine(description, target->triple, target->cpu, target->features, levels[effort],
                                   LLVMRelocPIC, LLVMCodeModelDefault);
}

/* NULL, or what is wrong, malloc'ed. Ended by unit_close either way. */
static char *unit_open(Unit *unit, const CpuTarget *target, LLVMTargetMachineRef machine,
                       const Kernel *kernel, const char *symbol, Arena *arena)
{
    char *message = NULL;
    unit->context = LLVMContextCreate();
    unit->module = emit_kernel(unit->context, target, kernel->computation, &kernel->cpu, symbol, arena);
    LLVMSetTarget(unit->module, target->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(unit->module, layout);
    LLVMDisposeTargetData(layout);
    if (LLVMVerifyModule(unit->module, LLVMReturnStatusAction, &message))
        BUG("the code for %s is not valid: %s", kernel->name, message);
    LLVMDisposeMessage(message);
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(unit->module, "function(early-cse)", machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error)
        return NULL;
    char *text = LLVMGetErrorMessage(error);
    char *copy = strdup(text);
    LLVMDisposeErrorMessage(text);
    return copy;
}

static void unit_close(Unit *unit)
{
    LLVMDisposeModule(unit->module);
    LLVMContextDispose(unit->context);
}

/* Machine code of a unit; NULL with *complaint. */
static LLVMMemoryBufferRef unit_code(Unit *unit, LLVMTargetMachineRef machine, LLVMCodeGenFileType type,
                                     char **complaint)
{
    LLVMMemoryBufferRef buffer = NULL;
    char *message = NULL;
    if (!LLVMTargetMachineEmitToMemoryBuffer(machine, unit->module, type, &message, &buffer))
        return buffer;
    *complaint = take_message(message);
    return NULL;
}

static void compile(const CpuTarget *target, LLVMTargetMachineRef machine, Job *job)
{
    Arena *arena = arena_new();
    Unit unit;
    double start = now();
    job->complaint = unit_open(&unit, target, machine, job->kernel, job->symbol, arena);
    LLVMMemoryBufferRef buffer =
        job->complaint ? NULL : unit_code(&unit, machine, LLVMObjectFile, &job->complaint);
    if (buffer) {
        job->bytes = LLVMGetBufferSize(buffer);
        job->object = malloc(job->bytes);
        if (!job->object)
            out_of_memory(job->bytes);
        memcpy(job->object, LLVMGetBufferStart(buffer), job->bytes);
        LLVMDisposeMemoryBuffer(buffer);
    }
    unit_close(&unit);
    arena_free(arena);
    job->seconds = now() - start;
}

static bool is_stopped(const Work *work)
{
    return work->stop && atomic_load_explicit(work->stop, memory_order_relaxed);
}

static void *worker(void *argument)
{
    Work *work = argument;
    LLVMTargetMachineRef machines[EFFORTS] = {NULL};
    for (int i; (i = atomic_fetch_add(&work->next, 1)) < work->count && !is_stopped(work);) {
        Job *job = &work->jobs[i];
        if (work->cache)
            job->object = cache_read(work->cache, job->symbol, &job->bytes);
        job->cached = job->object != NULL;
        if (job->cached)
            continue;
        LLVMTargetMachineRef *machine = &machines[job->kernel->cpu.effort];
        if (!*machine)
            *machine = machine_open(work->target, job->kernel->cpu.effort, &job->complaint);
        if (*machine)
            compile(work->target, *machine, job);
        if (work->cache && job->object)
            cache_write(work->cache, job->symbol, job->object, job->bytes);
    }
    for (int i = 0; i < EFFORTS; i++)
        if (machines[i])
            LLVMDisposeTargetMachine(machines[i]);
    return NULL;
}

static void run_jobs(Work *work, int threads, Arena *arena)
{
    if (threads > work->count)
        threads = work->count;
    int helpers = 0;
    pthread_t *handles = NEW_ARRAY(arena, pthread_t, threads > 1 ? threads : 1);
    while (helpers + 1 < threads && pthread_create(&handles[helpers], NULL, worker, work) == 0)
        helpers++;
    worker(work); /* where there are fewer threads, the rest is done here */
    for (int i = 0; i < helpers; i++)
        pthread_join(handles[i], NULL);
}

/* A job for each symbol that is new; job_of[i] is that of kernel i. */
static int make_jobs(Kernel *const *kernels, const char *const *symbols, int count, Job *jobs, int *job_of)
{
    int made = 0;
    for (int i = 0; i < count; i++) {
        int at = 0;
        while (at < made && strcmp(jobs[at].symbol, symbols[i]) != 0)
            at++;
        if (at == made)
            jobs[made++] = (Job){.kernel = kernels[i], .symbol = symbols[i]};
        job_of[i] = at;
    }
    return made;
}

bool cpu_compile(const CpuTarget *target, Kernel *const *kernels, const char **symbols, int count,
                 const CpuCompileOptions *options, Arena *arena, CpuObject *objects, const char **complaint)
{
    for (int i = 0; i < count; i++)
        symbols[i] =
            kernels[i]->symbol
                ? kernels[i]->symbol
                : key_symbol(arena, key_of_kernel(target, kernels[i]->computation, &kernels[i]->cpu));
    Work work = {.target = target,
                 .cache = options->cache,
                 .stop = options->stop,
                 .jobs = NEW_ARRAY(arena, Job, count)};
    int *job_of = NEW_ARRAY(arena, int, count);
    work.count = make_jobs(kernels, symbols, count, work.jobs, job_of);
    run_jobs(&work, options->threads, arena);
    CpuObject *made = NEW_ARRAY(arena, CpuObject, work.count);
    bool good = true;
    for (int i = 0; i < work.count; i++) {
        Job *job = &work.jobs[i];
        if (job->complaint && good) {
            *complaint = arena_printf(arena, "%s: %s", job->kernel->name, job->complaint);
            good = false;
        }
        if (job->object)
            made[i] = (CpuObject){.object = arena_copy(arena, job->object, job->bytes),
                                  .bytes = job->bytes,
                                  .cached = job->cached,
                                  .seconds = job->seconds};
        free(job->object);
        free(job->complaint);
    }
    for (int i = 0; i < count; i++)
        objects[i] = made[job_of[i]];
    return good;
}

const char *cpu_print(const CpuTarget *target, const Kernel *kernel, const char *symbol, bool assembly,
                      Arena *arena)
{
    char *complaint = NULL;
    LLVMTargetMachineRef machine = machine_open(target, kernel->cpu.effort, &complaint);
    if (!machine)
        BUG("%s: %s", kernel->name, complaint);
    Unit unit;
    complaint = unit_open(&unit, target, machine, kernel, symbol, arena);
    const char *text = NULL;
    if (!complaint && !assembly) {
        char *printed = LLVMPrintModuleToString(unit.module);
        text = arena_text(arena, printed, strlen(printed));
        LLVMDisposeMessage(printed);
    } else if (!complaint) {
        LLVMMemoryBufferRef buffer = unit_code(&unit, machine, LLVMAssemblyFile, &complaint);
        if (buffer) {
            text = arena_text(arena, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
            LLVMDisposeMemoryBuffer(buffer);
        }
    }
    unit_close(&unit);
    LLVMDisposeTargetMachine(machine);
    if (complaint)
        BUG("%s: %s", kernel->name, complaint);
    return text;
}
