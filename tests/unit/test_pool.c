/* The pool: every worker runs once a run, barriers separate what is written before from what is read after.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "runtime/pool.h"

enum { WORKERS = 3, RUNS = 2000 };

typedef struct {
    CnnPool *pool;
    int calls[WORKERS];
    int64_t cells[WORKERS]; /* not atomic: the barriers must order them */
    atomic_int wrong;
} Shared;

static void count_call(void *context, int worker)
{
    Shared *shared = context;
    shared->calls[worker]++;
}

static void pass_around(void *context, int worker)
{
    Shared *shared = context;
    for (int round = 0; round < 20; round++) {
        shared->cells[worker] = round * WORKERS + worker;
        cnn_pool_barrier(shared->pool);
        int next = (worker + 1) % WORKERS;
        if (shared->cells[next] != round * WORKERS + next)
            atomic_fetch_add(&shared->wrong, 1);
        cnn_pool_barrier(shared->pool);
    }
}

static CnnPool *open_pool(int threads)
{
    CnnPool *pool = NULL;
    CnnError error = {0};
    assert_int_equal(cnn_pool_open(threads, &pool, &error), CNN_OK);
    return pool;
}

static void every_worker_runs_once_a_run(void **state)
{
    (void)state;
    Shared shared = {.pool = open_pool(WORKERS)};
    assert_int_equal(cnn_pool_threads(shared.pool), WORKERS);
    for (int run = 0; run < RUNS; run++)
        cnn_pool_run(shared.pool, count_call, &shared);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(shared.calls[i], RUNS);
    cnn_pool_close(shared.pool);
}

static void workers_that_went_to_sleep_wake_up(void **state)
{
    (void)state;
    Shared shared = {.pool = open_pool(WORKERS)};
    for (int run = 0; run < 3; run++) {
        usleep(20000);
        cnn_pool_run(shared.pool, count_call, &shared);
    }
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(shared.calls[i], 3);
    cnn_pool_close(shared.pool);
}

static void a_barrier_orders_writes_and_reads(void **state)
{
    (void)state;
    Shared shared = {.pool = open_pool(WORKERS)};
    for (int run = 0; run < 200; run++)
        cnn_pool_run(shared.pool, pass_around, &shared);
    assert_int_equal(shared.wrong, 0);
    cnn_pool_close(shared.pool);
}

static void note_thread(void *context, int worker)
{
    ((pthread_t *)context)[worker] = pthread_self();
}

static void apart_the_caller_is_no_worker(void **state)
{
    (void)state;
    for (int threads = 1; threads <= WORKERS; threads++) {
        CnnPool *pool = NULL;
        CnnError error = {0};
        pthread_t ran[WORKERS];
        assert_int_equal(cnn_pool_open_apart(threads, &pool, &error), CNN_OK);
        assert_int_equal(cnn_pool_threads(pool), threads);
        cnn_pool_run(pool, note_thread, ran);
        for (int i = 0; i < threads; i++)
            assert_false(pthread_equal(ran[i], pthread_self()));
        Shared shared = {.pool = pool};
        for (int run = 0; threads == WORKERS && run < 200; run++)
            cnn_pool_run(pool, pass_around, &shared);
        assert_int_equal(shared.wrong, 0);
        cnn_pool_close(pool);
    }
}

static void no_thread_count_out_of_range_is_taken(void **state)
{
    (void)state;
    static const int counts[] = {-1, 100000};
    for (int i = 0; i < 2; i++) {
        CnnPool *pool = NULL;
        CnnError error = {0};
        assert_int_equal(cnn_pool_open(counts[i], &pool, &error), CNN_BAD_USAGE);
        assert_null(pool);
        assert_string_not_equal(error.text, "");
    }
    CnnPool *pool = open_pool(0);
    assert_int_equal(cnn_pool_threads(pool), cnn_cores());
    cnn_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_runs_once_a_run),
        cmocka_unit_test(workers_that_went_to_sleep_wake_up),
        cmocka_unit_test(a_barrier_orders_writes_and_reads),
        cmocka_unit_test(apart_the_caller_is_no_worker),
        cmocka_unit_test(no_thread_count_out_of_range_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
