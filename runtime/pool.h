/* A fixed set of threads that run one function together. */
#ifndef CNN_POOL_H
#define CNN_POOL_H

#include "runtime/status.h"

typedef struct CnnPool CnnPool;

/** Cores that this process may use: its affinity, and the quota of its control group. At least 1. */
int cnn_cores(void);

/** Starts threads - 1 threads; the caller of cnn_pool_run is the remaining one. threads 0: the cores this
 * process may use. */
CnnStatus cnn_pool_open(int threads, CnnPool **out, CnnError *error);
/** The same with `threads` threads of their own: the caller of cnn_pool_run only waits, so that its stack may
 * be small. */
CnnStatus cnn_pool_open_apart(int threads, CnnPool **out, CnnError *error);
void cnn_pool_close(CnnPool *pool);
int cnn_pool_threads(const CnnPool *pool);

/** Runs work(context, worker) on every thread, worker 0 … threads - 1, and returns when all have returned.
 * Workers spin for some microseconds before they sleep: steps come close together. */
void cnn_pool_run(CnnPool *pool, void (*work)(void *context, int worker), void *context);

/** Inside cnn_pool_run: returns when every worker has called it. What a worker wrote before is seen by all
 * after it. */
void cnn_pool_barrier(CnnPool *pool);

#endif
