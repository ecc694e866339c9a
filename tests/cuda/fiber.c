#include "fiber.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && !defined(FIBER_PORTABLE)

/* Registers that a call keeps, and the control words of both floating-point units. ucontext would ask the
 * system for the signal mask at each switch, which takes thirty times as long. */
void fiber_switch_stack(void **from, void *to);
__asm__(".text\n"
        ".hidden fiber_switch_stack\n"
        ".globl fiber_switch_stack\n"
        ".type fiber_switch_stack, @function\n"
        "fiber_switch_stack:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    subq $8, %rsp\n"
        "    stmxcsr (%rsp)\n"
        "    fnstcw 4(%rsp)\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    ldmxcsr (%rsp)\n"
        "    fldcw 4(%rsp)\n"
        "    addq $8, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size fiber_switch_stack, .-fiber_switch_stack\n");

void fiber_make(Fiber *fiber, void *stack, size_t bytes, void (*entry)(void))
{
    /* From the top: a word of nothing, so that the stack is aligned as behind a call; where to return to; six
     * registers; the control words that a process starts with. */
    uint64_t *top = (uint64_t *)((char *)stack + bytes) - 2;
    top[1] = 0;
    top[0] = (uint64_t)(uintptr_t)entry;
    memset(top - 7, 0, 7 * sizeof *top);
    top[-7] = (uint64_t)0x037F << 32 | 0x1F80;
    fiber->stack = top - 7;
}

void fiber_switch(Fiber *from, Fiber *to)
{
    fiber_switch_stack(&from->stack, to->stack);
}

#else

void fiber_make(Fiber *fiber, void *stack, size_t bytes, void (*entry)(void))
{
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = stack;
    fiber->context.uc_stack.ss_size = bytes;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, entry, 0);
}

void fiber_switch(Fiber *from, Fiber *to)
{
    swapcontext(&from->context, &to->context);
}

#endif
