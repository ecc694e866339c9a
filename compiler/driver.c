/* To be read from top to bottom: what happens to a model file. */
#include "compiler/driver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compiler/base/bug.h"
#include "compiler/base/cache.h"
#include "compiler/cpu/key.h"
#include "compiler/derive/derive.h"
#include "compiler/link/link.h"
#include "compiler/rewrite/rewrite.h"
#include "compiler/schedule/lower.h"

const PassInfo driver_passes[] = {
    {"parse", "text to Ast"},
    {"check", "names, imports, blocks, arguments, shapes: Ast to Program"},
    {"rewrite", "what was asked for by name and changes the function learnt (--rewrite)"},
    {"pool-first",
     "what grows with its argument moves behind the max-pool that follows it (--no-pool-first)"},
    {"derive", "loss, backward pass, optimizer's update, metrics: Program to Graph"},
    {"again",
     "activations that would wait for the backward pass in memory are made there again (--no-again)"},
    {"winograd", "convolutions of 3x3 by Winograd's minimal filtering, where that is faster (--exact: none)"},
    {"slice", "sums over the batch become partial sums of fixed slices, added in their order"},
    {"fuse", "Graph to Plan: groups, phases, buffers (--no-fuse: each node alone)"},
    {"lower", "groups to kernels: expressions pulled from the outputs"},
    {"schedule", "tiles, loop orders and blocks for this machine"},
    {"tune", "the fastest of several schedules, measured on this machine now or earlier (tune, cnnc tune)"},
    {"emit", "kernels to machine code by LLVM, or from the cache (--no-cache)"},
    {"link", "plans and code to an image"},
    {NULL, NULL},
};

typedef struct {
    Session session;
    VEC(Program *) programs; /* whose data is to be closed */
} OpenSession;

Session *session_open(void)
{
    Arena *arena = arena_new();
    OpenSession *open = NEW(arena, OpenSession);
    open->session.arena = arena;
    open->session.diag = diag_new(arena);
    open->session.target = cpu_host(arena);
    return &open->session;
}

void session_close(Session *session)
{
    OpenSession *open = (OpenSession *)session;
    for (size_t i = 0; i < open->programs.count; i++)
        cnn_data_close(open->programs.items[i]->data);
    arena_free(session->arena);
}

static Program *keep_program(Session *session, Program *program)
{
    if (program && program->data)
        *vec_push(session->arena, &((OpenSession *)session)->programs) = program;
    return program;
}

Program *driver_check(Session *session, const char *path)
{
    return keep_program(session, program_check(session->arena, session->diag, path, &session->check));
}

Program *driver_check_text(Session *session, const char *path, const char *text)
{
    return keep_program(session,
                        program_check_text(session->arena, session->diag, path, text, &session->check));
}

/* The program with its forward graph rewritten. */
static Program rewrite_forward(Session *session, const Program *program, bool training)
{
    Program rewritten = *program;
    if (session->fusions.off[FUSION_POOL_FIRST])
        return rewritten;
    const Graph *forward = training ? program->train : program->eval;
    NodeId *map = NEW_ARRAY(session->arena, NodeId, forward->nodes.count);
    Graph *graph = rewrite_pool_first(forward, map);
    graph_verify(graph, "pool-first");
    NodeId *logits = training ? &rewritten.train_logits : &rewritten.eval_logits;
    if (*logits != NODE_NONE)
        *logits = map[*logits];
    *(training ? &rewritten.train : &rewritten.eval) = graph;
    return rewritten;
}

/* What follows the derivation. */
static Graph *finish_graph(Session *session, const Program *program, Graph *graph)
{
    if (session->gpu)
        graph_slices_at_most(graph, CUDA_SLICES_MOST);
    if (!session->gpu && !session->fusions.off[FUSION_AGAIN]) {
        graph = make_again(graph);
        graph_verify(graph, "again");
    }
    if (!session->gpu && !session->exact) {
        graph = choose_winograd(graph, 0);
        graph_verify(graph, "winograd");
    }
    graph = slice_sums(graph);
    graph_verify(graph, "slice");
    if (!session->gpu && program->precision == PRECISION_BF16 && session->target->tile) {
        const PairOptions options = {.odd = true};
        graph = pair_weights(graph, &options);
        graph_verify(graph, "pair");
    }
    return graph;
}

Graph *driver_graph(Session *session, const Program *program, bool training)
{
    Program rewritten = rewrite_forward(session, program, training);
    Graph *graph = training ? derive_training(&rewritten) : derive_evaluation(&rewritten);
    return graph ? finish_graph(session, program, graph) : NULL;
}

Graph *driver_explanation(Session *session, const Program *program)
{
    Graph *graph = derive_explanation(program);
    return graph ? finish_graph(session, program, graph) : NULL;
}

static void schedule_for_gpu(const Session *session, Plan *plan)
{
    for (size_t g = 0; g < plan->groups.count; g++) {
        for (size_t k = 0; k < plan->groups.items[g].kernels.count; k++) {
            Kernel *kernel = plan->groups.items[g].kernels.items[k];
            cuda_schedule(session->gpu, kernel->computation, plan->graph->slice, &kernel->cuda);
        }
    }
}

Plan *driver_plan(Session *session, const Graph *graph)
{
    /* Code, weights and the next chunk's input want room in the cache, too. */
    PlanOptions options = {.fusions = session->fusions,
                           .cache_bytes = session->target->l2_bytes * 3 / 4,
                           .at_once = session->gpu != NULL};
    if (session->gpu)
        /* Many threads make the values, in no order: the sums are kernels of their own. */
        options.fusions.off[FUSION_SUMS] = true;
    Plan *plan = plan_make(session->arena, graph, &options);
    lower_plan(plan);
    if (session->gpu) {
        schedule_for_gpu(session, plan);
        return plan;
    }
    for (size_t g = 0; g < plan->groups.count; g++) {
        for (size_t k = 0; k < plan->groups.items[g].kernels.count; k++) {
            Kernel *kernel = plan->groups.items[g].kernels.items[k];
            cpu_schedule(session->target, kernel->computation, &kernel->cpu);
            const char *complaint = cpu_schedule_legal(kernel->computation, &kernel->cpu, session->arena);
            if (complaint)
                BUG("schedule: %s: %s", kernel->name, complaint);
        }
    }
    if (session->tune != TUNE_OFF && !session->no_cache) {
        int count;
        const char *unused;
        Kernel **kernels = link_kernels(session->arena, plan, &count);
        cpu_tune_recall(session->target, cache_folder(session->arena, &unused), kernels, count);
    }
    return plan;
}

static int all_threads(const Session *session)
{
    return session->threads ? session->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

bool driver_tune(Session *session, Plan *plan, double seconds, bool again, CpuTuned **tuned, int *count,
                 const char **complaint)
{
    Kernel **kernels = link_kernels(session->arena, plan, count);
    *tuned = NEW_ARRAY(session->arena, CpuTuned, *count);
    int at = 0;
    for (size_t p = 0; p < plan->phases.count; p++) {
        const Phase *phase = &plan->phases.items[p];
        bool chunked = phase->kind == PHASE_CHUNKED;
        for (int g = 0; g < phase->group_count; g++)
            for (size_t k = 0; k < plan->groups.items[phase->first_group + g].kernels.count; k++, at++)
                (*tuned)[at] =
                    (CpuTuned){.kernel = kernels[at],
                               .samples = chunked ? phase->chunk : plan->graph->batch,
                               .calls = chunked ? (double)plan->graph->batch / (double)phase->chunk : 1};
    }
    const char *unused;
    CpuTuneOptions options = {.cache = session->no_cache ? NULL : cache_folder(session->arena, &unused),
                              .threads = all_threads(session),
                              .seconds = seconds,
                              .thorough = session->tune == TUNE_FULL,
                              .again = again,
                              .progress = session->tune_report};
    return cpu_tune(session->target, *tuned, *count, &options, complaint);
}

/* Where `tune` says so, faster schedules are looked for before the code is made; not of code for another CPU,
 * which cannot be timed here. */
static bool tune(Session *session, Linked *linked, const char **complaint)
{
    static const double seconds[] = {[TUNE_QUICK] = 20, [TUNE_FULL] = 300};
    Plan *const plans[] = {linked->eval, linked->train};
    int plan_count = linked->train == linked->eval ? 1 : 2;
    CnnError unused = {0};
    bool asked = session->tune == TUNE_QUICK || session->tune == TUNE_FULL,
         measurable = asked && !session->gpu && cpu_runs_here(session->target, &unused) == CNN_OK;
    for (int i = 0; i < plan_count && measurable; i++) {
        int count;
        CpuTuned *tuned;
        if (!driver_tune(session, plans[i], seconds[session->tune], false, &tuned, &count, complaint))
            return false;
    }
    return true;
}

/* Kernels that are the same code share it. */
static const int *share_code(Session *session, Linked *linked, Key *keys, const Plan *plan)
{
    int count;
    Kernel **kernels = link_kernels(session->arena, plan, &count);
    int *code = NEW_ARRAY(session->arena, int, count);
    for (int k = 0; k < count; k++) {
        Key key = session->gpu ? cuda_key(kernels[k]->computation, &kernels[k]->cuda, session->arena)
                               : key_of_kernel(session->target, kernels[k]->computation, &kernels[k]->cpu);
        int at = 0;
        while (at < linked->functions && (keys[at].high != key.high || keys[at].low != key.low))
            at++;
        if (at == linked->functions) {
            keys[at] = key;
            kernels[k]->symbol = key_symbol(session->arena, key);
            linked->symbols[at] = kernels[k]->symbol;
            linked->kernels[at] = kernels[k];
            linked->functions++;
        }
        code[k] = at;
    }
    return code;
}

static void name_code(Session *session, Linked *linked, LinkedPlan *train, LinkedPlan *eval)
{
    int train_count, eval_count;
    link_kernels(session->arena, train->plan, &train_count);
    link_kernels(session->arena, eval->plan, &eval_count);
    linked->kernels = NEW_ARRAY(session->arena, Kernel *, train_count + eval_count);
    linked->symbols = NEW_ARRAY(session->arena, const char *, train_count + eval_count);
    Key *keys = NEW_ARRAY(session->arena, Key, train_count + eval_count);
    train->code = share_code(session, linked, keys, train->plan);
    linked->train_functions = linked->functions;
    eval->code = share_code(session, linked, keys, eval->plan);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static CpuCompileOptions compile_options(Session *session, Linked *linked)
{
    CpuCompileOptions options = {.threads = all_threads(session)};
    if (!session->no_cache)
        options.cache = cache_folder(session->arena, &linked->cache_complaint);
    return options;
}

/* Objects of all functions. */
static bool compile(Session *session, Linked *linked, const char **complaint)
{
    CpuCompileOptions options = compile_options(session, linked);
    linked->objects = NEW_ARRAY(session->arena, CpuObject, linked->functions);
    if (!cpu_compile(session->target, linked->kernels, linked->symbols, linked->functions, &options,
                     session->arena, linked->objects, complaint))
        return false;
    for (int i = 0; i < linked->functions; i++)
        *(linked->objects[i].cached ? &linked->cached : &linked->compiled) += 1;
    if (options.cache && linked->compiled)
        cache_trim(options.cache);
    return true;
}

/* Operations that the first step spends in each function of the training. */
static double *function_flops(Session *session, const Linked *linked)
{
    const CnnProgram *program = &linked->image->train;
    double *flops = NEW_ARRAY(session->arena, double, linked->functions);
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        double times = phase->kind == PHASE_CHUNKED ? (double)program->batch : 1;
        for (int s = phase->first_step; s < phase->first_step + phase->step_count; s++)
            flops[program->steps[s].code] += times * program->steps[s].flops;
    }
    return flops;
}

/* The kernel with brief code, where the first step is sooner through with that; else NULL. */
static Kernel *brief_kernel(Session *session, const Kernel *kernel, double flops)
{
    Kernel *brief = NEW(session->arena, Kernel);
    *brief = *kernel;
    brief->symbol = NULL;
    if (!cpu_schedule_brief(session->target, kernel->computation, &kernel->cpu, flops, &brief->cpu))
        return NULL;
    const char *complaint = cpu_schedule_legal(kernel->computation, &brief->cpu, session->arena);
    if (complaint)
        BUG("brief schedule: %s: %s", kernel->name, complaint);
    return brief;
}

static CnnStatus await_build(void *build, CnnError *error)
{
    const char *complaint = cpu_build_await(build);
    return complaint ? cnn_fail(error, CNN_NO_RESOURCE, "%s", complaint) : CNN_OK;
}

/* Objects and their functions in this process. */
static bool build(Session *session, Linked *linked, const char **complaint)
{
    CpuCompileOptions options = compile_options(session, linked);
    CpuPart *parts = NEW_ARRAY(session->arena, CpuPart, linked->functions);
    CnnCode **code = NEW_ARRAY(session->arena, CnnCode *, linked->functions);
    const double *flops = function_flops(session, linked);
    for (int i = 0; i < linked->functions; i++) {
        parts[i] = (CpuPart){.kernel = linked->kernels[i], .symbol = linked->symbols[i]};
        parts[i].later = session->at_once && i >= linked->train_functions;
        if (session->at_once && !parts[i].later)
            parts[i].brief = brief_kernel(session, linked->kernels[i], flops[i]);
    }
    CpuBuildCounts counts;
    linked->build = cpu_build(session->target, parts, linked->functions, &options, session->arena, code,
                              &counts, complaint);
    if (!linked->build)
        return false;
    linked->compiled = counts.compiled;
    linked->cached = counts.cached;
    linked->later = counts.later;
    linked->image->code = code;
    if (counts.later) {
        linked->image->await = await_build;
        linked->image->maker = linked->build;
    }
    return true;
}

/* Texts of all functions, their code, and how they are launched. */
static bool build_for_gpu(Session *session, Linked *linked, const char **complaint)
{
    CpuCompileOptions options = compile_options(session, linked);
    CudaBuildCounts counts;
    linked->image->gpu = cuda_build(session->gpu, linked->kernels, linked->symbols, linked->functions,
                                    options.cache, options.threads, session->arena, &counts, complaint);
    linked->compiled = counts.compiled;
    linked->cached = counts.cached;
    return linked->image->gpu != NULL;
}

bool driver_link(Session *session, const Program *program, const char *summary, bool load, Linked *linked,
                 const char **complaint)
{
    double start = now();
    *linked = (Linked){0};
    *complaint = NULL;
    bool trains = session->purpose == PURPOSE_TRAINING;
    const Graph *train_graph = trains ? driver_graph(session, program, true) : NULL;
    const Graph *eval_graph = trains && !train_graph ? NULL
                              : session->purpose == PURPOSE_EXPLANATION
                                  ? driver_explanation(session, program)
                                  : driver_graph(session, program, false);
    if (!eval_graph)
        return false;
    linked->train = trains ? driver_plan(session, train_graph) : NULL;
    linked->eval = driver_plan(session, eval_graph);
    if (!trains)
        linked->train = linked->eval;
    if (!tune(session, linked, complaint))
        return false;
    LinkedPlan train = {.plan = linked->train}, eval = {.plan = linked->eval};
    name_code(session, linked, &train, &eval);
    linked->image = link_image(session->arena, program, &train, &eval, summary);
    linked->image->target =
        session->gpu ? arena_printf(session->arena, "CUDA %s", session->gpu->architecture)
                     : arena_printf(session->arena, "%s %s", session->target->triple, session->target->cpu);
    linked->image->needs = session->target->features;
    linked->image->code_count = linked->functions;
    if (session->gpu ? !build_for_gpu(session, linked, complaint)
                     : !(load ? build : compile)(session, linked, complaint))
        return false;
    linked->seconds = now() - start;
    return true;
}

void driver_unlink(Linked *linked)
{
    if (linked->build)
        cpu_build_close(linked->build);
    linked->build = NULL;
}
