/* Time that only goes forward. */
#ifndef CNN_CLOCK_H
#define CNN_CLOCK_H

#include <time.h>

/** Seconds since some moment. */
static inline double cnn_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/** Seconds that this thread has run: what other programs do meanwhile does not count. */
static inline double cnn_thread_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#endif
