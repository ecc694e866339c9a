#include "emulator_run.h"

#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define EMULATOR_ITSELF
#include "emulator.h"
#include "emulator_lane.h"
#include "fiber.h"

enum { STACK = 64 << 10, GUARD = 4 << 10, SIGNAL_STACK = 64 << 10 };

/* What all workers of a launch share. */
typedef struct {
    const EmulatorLaunch *launch;
    atomic_uint_fast64_t next; /* block */
    atomic_bool failed;
    char *message;
} Run;

struct EmulatorWorker {
    Fiber scheduler;
    char *stacks; /* of `lanes` fibers, each above a page that cannot be touched */
    int lanes;
    EmulatorLane lane[EMULATOR_THREADS];
    Run *run;
    int current; /* lane that runs; -1: none */
    char *shared;
    size_t shared_bytes;
    char signal_stack[SIGNAL_STACK];
};

_Thread_local EmulatorPlace emulator_place;
static _Thread_local EmulatorWorker *worker;
static EmulatorWorker *workers[EMULATOR_WORKERS];

EmulatorLane *emulator_lane(void)
{
    return &worker->lane[worker->current];
}

EmulatorLane *emulator_warp(void)
{
    return &worker->lane[worker->current / EMULATOR_WARP * EMULATOR_WARP];
}

bool emulator_whole_warp(void)
{
    return worker->current / EMULATOR_WARP * EMULATOR_WARP + EMULATOR_WARP <= worker->run->launch->threads;
}

bool emulator_is_shared(const void *address, size_t bytes)
{
    const char *first = address;
    return first >= worker->shared && first + bytes <= worker->shared + worker->shared_bytes;
}

/* The first fault of a launch is the one that is told. */
static void tell(const char *who, const char *text)
{
    Run *run = worker->run;
    if (atomic_exchange(&run->failed, true))
        return;
    snprintf(run->message, EMULATOR_TEXT, "kernel %s, block (%d, %d, %d)%s: %s", run->launch->name,
             emulator_place.block[0], emulator_place.block[1], emulator_place.block[2], who, text);
}

void emulator_yield(LaneState state, int line)
{
    EmulatorLane *lane = emulator_lane();
    lane->state = state;
    lane->line = line;
    fiber_switch(&lane->fiber, &worker->scheduler);
}

void emulator_fault(const char *format, ...)
{
    char text[EMULATOR_TEXT / 2], who[32];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(who, sizeof who, ", thread %d", worker->current);
    tell(who, text);
    emulator_yield(LANE_FAULT, 0); /* never returns: the launch ends */
    abort();
}

static void run_lane(void)
{
    worker->run->launch->call(worker->run->launch->arguments);
    emulator_yield(LANE_DONE, 0);
    abort();
}

/* Runs a lane until it gives way. False: a fault. */
static bool resume(int lane)
{
    worker->current = lane;
    emulator_place.thread = lane;
    fiber_switch(&worker->scheduler, &worker->lane[lane].fiber);
    worker->current = -1;
    return worker->lane[lane].state != LANE_FAULT && !atomic_load(&worker->run->failed);
}

static const char *what(const EmulatorLane *lane, char text[64])
{
    static const char *const words[] = {
        [LANE_WARP] = "at the warp operation of line", [LANE_BARRIER] = "at the barrier of line"};
    if (lane->state == LANE_DONE)
        return "at the end";
    snprintf(text, 64, "%s %d", words[lane->state], lane->line);
    return text;
}

/* Whether two lanes have come to the same place; else that is the fault. */
static bool together(const char *of, const EmulatorLane *a, const EmulatorLane *b)
{
    if (a->state == b->state && a->line == b->line)
        return true;
    char text[EMULATOR_TEXT / 2], first[64], second[64];
    snprintf(text, sizeof text, "threads of a %s at different places: thread %d %s, thread %d %s", of,
             (int)(a - worker->lane), what(a, first), (int)(b - worker->lane), what(b, second));
    tell("", text);
    return false;
}

/* Runs the lanes of a warp until all are at a barrier of the block, or done. */
static bool run_warp(int begin, int end, bool reversed)
{
    do {
        for (int i = 0; i < end - begin; i++)
            if (!resume(reversed ? end - 1 - i : begin + i))
                return false;
        for (int lane = begin + 1; lane < end; lane++)
            if (!together("warp", &worker->lane[begin], &worker->lane[lane]))
                return false;
    } while (worker->lane[begin].state == LANE_WARP);
    return true;
}

static bool run_block(void)
{
    const EmulatorLaunch *launch = worker->run->launch;
    memset(worker->shared, 0xFF, worker->shared_bytes);
    for (int i = 0; i < launch->threads; i++) {
        EmulatorLane *lane = &worker->lane[i];
        lane->copies = lane->group = lane->turn = 0;
        /* Stacks that all began at one place of a page would share a few lines of the cache. */
        fiber_make(&lane->fiber, worker->stacks + (size_t)i * (STACK + GUARD) + GUARD,
                   STACK - i % EMULATOR_WARP * 128, run_lane);
    }
    int warps = (launch->threads + EMULATOR_WARP - 1) / EMULATOR_WARP;
    do {
        for (int i = 0; i < warps; i++) {
            int begin = (launch->reversed ? warps - 1 - i : i) * EMULATOR_WARP;
            int end = begin + EMULATOR_WARP < launch->threads ? begin + EMULATOR_WARP : launch->threads;
            if (!run_warp(begin, end, launch->reversed))
                return false;
        }
        for (int i = 1; i < warps; i++)
            if (!together("block", &worker->lane[0], &worker->lane[i * EMULATOR_WARP]))
                return false;
    } while (worker->lane[0].state == LANE_BARRIER);
    return true;
}

/* The thread-local memory of the library in which `place` lies. */
static int find_shared(struct dl_phdr_info *info, size_t size, void *place)
{
    (void)size;
    char *start = info->dlpi_tls_data;
    for (int i = 0; start && i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS && (char *)place >= start &&
            (char *)place < start + info->dlpi_phdr[i].p_memsz) {
            worker->shared = start;
            worker->shared_bytes = info->dlpi_phdr[i].p_memsz;
            return 1;
        }
    return 0;
}

static void *work(void *argument)
{
    worker = argument;
    const EmulatorLaunch *launch = worker->run->launch;
    worker->current = -1;
    worker->shared_bytes = 0;
    dl_iterate_phdr(find_shared, launch->shared());
    /* A fault on a fiber's stack must find another one. */
    stack_t other = {.ss_sp = worker->signal_stack, .ss_flags = 0, .ss_size = SIGNAL_STACK}, before;
    sigaltstack(&other, &before);
    uint64_t blocks = (uint64_t)launch->grid[0] * launch->grid[1] * launch->grid[2], next;
    while (!atomic_load(&worker->run->failed) && (next = atomic_fetch_add(&worker->run->next, 1)) < blocks) {
        uint64_t block = launch->reversed ? blocks - 1 - next : next;
        emulator_place.block[0] = (int)(block % launch->grid[0]);
        emulator_place.block[1] = (int)(block / launch->grid[0] % launch->grid[1]);
        emulator_place.block[2] = (int)(block / launch->grid[0] / launch->grid[1]);
        if (!run_block())
            break;
    }
    sigaltstack(&before, NULL);
    worker = NULL;
    return NULL;
}

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE};
enum { FAULTS = sizeof faults / sizeof *faults };
static struct sigaction former[FAULTS];

/* A kernel's fault ends the launch, which never comes back to it; any other is none of ours. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (worker && worker->current >= 0 && number == SIGFPE)
        emulator_fault("a division by zero");
    if (worker && worker->current >= 0) {
        char text[EMULATOR_TEXT], *at = info->si_addr;
        if (at >= worker->stacks && at < worker->stacks + (size_t)worker->lanes * (STACK + GUARD))
            emulator_fault("its stack is full");
        worker->run->launch->describe(info->si_addr, text);
        emulator_fault("a read or write of %.200s", text);
    }
    for (int i = 0; i < FAULTS; i++)
        sigaction(faults[i], &former[i], NULL);
}

/* A worker whose stacks are enough; NULL: no memory. */
static EmulatorWorker *worker_for(int index, int lanes)
{
    EmulatorWorker *it = workers[index] ? workers[index] : calloc(1, sizeof *it);
    workers[index] = it;
    if (!it || it->lanes >= lanes)
        return it;
    if (it->stacks)
        munmap(it->stacks, (size_t)it->lanes * (STACK + GUARD));
    it->lanes = 0;
    it->stacks = mmap(NULL, (size_t)lanes * (STACK + GUARD), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (it->stacks == MAP_FAILED) {
        it->stacks = NULL;
        return NULL;
    }
    for (int i = 0; i < lanes; i++)
        mprotect(it->stacks + (size_t)i * (STACK + GUARD), GUARD, PROT_NONE);
    it->lanes = lanes;
    return it;
}

bool emulator_run(const EmulatorLaunch *launch, char message[EMULATOR_TEXT])
{
    Run run = {.launch = launch, .message = message};
    uint64_t blocks = (uint64_t)launch->grid[0] * launch->grid[1] * launch->grid[2];
    int count = launch->workers < 1                  ? 1
                : launch->workers > EMULATOR_WORKERS ? EMULATOR_WORKERS
                                                     : launch->workers;
    if ((uint64_t)count > blocks)
        count = (int)blocks;
    for (int i = 0; i < count; i++) {
        if (!worker_for(i, launch->threads)) {
            snprintf(message, EMULATOR_TEXT, "no memory for the stacks of %d threads", launch->threads);
            return false;
        }
        workers[i]->run = &run;
    }
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    for (int i = 0; i < FAULTS; i++)
        sigaction(faults[i], &action, &former[i]);
    pthread_t threads[EMULATOR_WORKERS];
    int started = 1;
    for (; started < count; started++)
        if (pthread_create(&threads[started], NULL, work, workers[started]) != 0)
            break;
    work(workers[0]);
    for (int i = 1; i < started; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < FAULTS; i++)
        sigaction(faults[i], &former[i], NULL);
    return !run.failed;
}

void emulator_free(void)
{
    for (int i = 0; i < EMULATOR_WORKERS; i++) {
        EmulatorWorker *it = workers[i];
        if (!it)
            continue;
        for (int lane = 0; lane < EMULATOR_THREADS; lane++)
            free(it->lane[lane].copy);
        if (it->stacks)
            munmap(it->stacks, (size_t)it->lanes * (STACK + GUARD));
        free(it);
        workers[i] = NULL;
    }
}
