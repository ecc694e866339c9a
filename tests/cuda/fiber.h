/* Threads of control that give way to each other by name: an own stack and the registers of a call. */
#ifndef FIBER_H
#define FIBER_H

#include <stddef.h>

#if defined(__x86_64__) && !defined(FIBER_PORTABLE)
typedef struct {
    void *stack;
} Fiber;
#else
#include <ucontext.h>
typedef struct {
    ucontext_t context;
} Fiber;
#endif

/** Makes a fiber that will run `entry`, which must not return, on `bytes` of stack, a multiple of 16. */
void fiber_make(Fiber *fiber, void *stack, size_t bytes, void (*entry)(void));
/** Leaves the running fiber, which is kept in `from`, for `to`. Returns when somebody switches to `from`. */
void fiber_switch(Fiber *from, Fiber *to);

#endif
