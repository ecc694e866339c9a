/* Threads that meet at gates. A gate is a number that is waited on to change: for some microseconds by
 * spinning, since the steps of a training are short, then asleep, since the loader's threads want the cores
 * too. Three gates make a pool: one starts a run, one ends it, one is the barrier inside it. */
#include "runtime/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPINS =
        2000,   /* of a pause each: 20 to 100 microseconds, a few times what waking a sleeping thread costs */
    YIELD = 64, /* pauses between two offers of the core to whoever else wants it: a loader, or the thread
                   waited for */
    THREADS_MAX = 1024,
    STACK_LEAST = 4 << 20 /* bytes: what kernels copy of their operands, and their sums, lie there */
};

typedef struct {
    atomic_uint value;
    atomic_int sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} Gate;

typedef struct {
    struct CnnPool *pool;
    int index;
    pthread_t thread;
} Worker;

struct CnnPool {
    int threads;
    int first; /* worker that has a thread of its own: 1, or 0 where the caller only waits */
    int spins; /* none where there are more threads than cores: whoever is waited for needs the core */
    int started;
    Gate start, done, barrier;
    atomic_int running; /* workers that have not finished the run */
    atomic_int arrived; /* workers at the barrier */
    bool stop;
    void (*work)(void *context, int worker);
    void *context;
    Worker workers[];
};

static inline void spin_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static void gate_open(Gate *gate)
{
    atomic_fetch_add(&gate->value, 1);
    /* Sequentially consistent, as are gate_wait's accesses: either we see the sleeper, or it sees the new
     * value. */
    if (atomic_load(&gate->sleepers)) {
        pthread_mutex_lock(&gate->mutex);
        pthread_cond_broadcast(&gate->changed);
        pthread_mutex_unlock(&gate->mutex);
    }
}

/* Waits until the gate's value is no longer `seen`. */
static void gate_wait(Gate *gate, unsigned seen, int spins)
{
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&gate->value, memory_order_acquire) != seen)
            return;
        spin_pause();
        if (i % YIELD == YIELD - 1)
            sched_yield();
    }
    pthread_mutex_lock(&gate->mutex);
    atomic_fetch_add(&gate->sleepers, 1);
    while (atomic_load(&gate->value) == seen)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    atomic_fetch_sub(&gate->sleepers, 1);
    pthread_mutex_unlock(&gate->mutex);
}

static void gate_init(Gate *gate)
{
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

static void gate_destroy(Gate *gate)
{
    pthread_mutex_destroy(&gate->mutex);
    pthread_cond_destroy(&gate->changed);
}

static void *worker_main(void *argument)
{
    Worker *worker = argument;
    CnnPool *pool = worker->pool;
    for (unsigned seen = 0;; seen++) {
        gate_wait(&pool->start, seen, pool->spins);
        if (pool->stop)
            return NULL;
        pool->work(pool->context, worker->index);
        if (atomic_fetch_sub(&pool->running, 1) == 1)
            gate_open(&pool->done);
    }
}

/* CPUs' worth of time that the control group may use (cgroup v2), rounded up; 0: no limit known. */
static int cores_quota(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (!file)
        return 0;
    double quota = 0, period = 0;
    bool limited = fscanf(file, "%lf %lf", &quota, &period) == 2 && quota > 0 && period > 0;
    fclose(file);
    return limited && quota / period < THREADS_MAX ? (int)((quota + period - 1) / period) : 0;
}

int cnn_cores(void)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int quota = cores_quota();
    if (quota > 0 && quota < cores)
        cores = quota;
    return cores < 1 ? 1 : cores;
}

/* The limit of the process counts where it is larger; 'unlimited' is not. */
static int start_thread(Worker *worker)
{
    pthread_attr_t attributes;
    size_t stack = 0;
    int failure = pthread_attr_init(&attributes);
    if (failure)
        return failure;
    if (pthread_attr_getstacksize(&attributes, &stack) != 0 || stack < STACK_LEAST)
        failure = pthread_attr_setstacksize(&attributes, STACK_LEAST);
    if (!failure)
        failure = pthread_create(&worker->thread, &attributes, worker_main, worker);
    pthread_attr_destroy(&attributes);
    return failure;
}

static CnnStatus pool_open(int threads, int first, CnnPool **out, CnnError *error)
{
    *out = NULL;
    int cores = cnn_cores();
    if (threads == 0)
        threads = cores;
    if (threads < 1 || threads > THREADS_MAX)
        return cnn_fail(error, CNN_BAD_USAGE, "%d threads: 1 to %d can be used", threads, THREADS_MAX);
    CnnPool *pool = calloc(1, sizeof *pool + (size_t)threads * sizeof *pool->workers);
    if (!pool)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for %d threads", threads);
    pool->threads = threads;
    pool->first = first;
    pool->spins = threads <= cores ? SPINS : 0;
    gate_init(&pool->start);
    gate_init(&pool->done);
    gate_init(&pool->barrier);
    for (int i = first; i < threads; i++) {
        Worker *worker = &pool->workers[i];
        *worker = (Worker){.pool = pool, .index = i};
        int failure = start_thread(worker);
        if (failure) {
            cnn_pool_close(pool);
            return cnn_fail(error, CNN_NO_RESOURCE, "thread %d of %d could not be started: %s", i + 1,
                            threads, strerror(failure));
        }
        pool->started++;
    }
    *out = pool;
    return CNN_OK;
}

CnnStatus cnn_pool_open(int threads, CnnPool **out, CnnError *error)
{
    return pool_open(threads, 1, out, error);
}

CnnStatus cnn_pool_open_apart(int threads, CnnPool **out, CnnError *error)
{
    return pool_open(threads, 0, out, error);
}

void cnn_pool_close(CnnPool *pool)
{
    if (!pool)
        return;
    pool->stop = true;
    gate_open(&pool->start);
    for (int i = 0; i < pool->started; i++)
        pthread_join(pool->workers[pool->first + i].thread, NULL);
    gate_destroy(&pool->start);
    gate_destroy(&pool->done);
    gate_destroy(&pool->barrier);
    free(pool);
}

int cnn_pool_threads(const CnnPool *pool)
{
    return pool->threads;
}

void cnn_pool_run(CnnPool *pool, void (*work)(void *context, int worker), void *context)
{
    if (pool->started == 0) {
        work(context, 0);
        return;
    }
    pool->work = work;
    pool->context = context;
    unsigned seen = atomic_load(&pool->done.value);
    atomic_store(&pool->running, pool->started);
    gate_open(&pool->start);
    if (pool->first > 0)
        work(context, 0);
    gate_wait(&pool->done, seen, pool->spins);
}

void cnn_pool_barrier(CnnPool *pool)
{
    if (pool->threads == 1)
        return;
    unsigned seen = atomic_load(&pool->barrier.value);
    if (atomic_fetch_add(&pool->arrived, 1) == pool->threads - 1) {
        atomic_store(&pool->arrived, 0);
        gate_open(&pool->barrier);
    } else {
        gate_wait(&pool->barrier, seen, pool->spins);
    }
}
