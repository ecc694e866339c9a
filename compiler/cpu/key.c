/* Keys of machine code: two kernels with the same key are the same code. Whatever changes what the emitter
 * makes of the same computation and schedule must change EMITTER_VERSION, or an old cache would be believed.
 */
#include "compiler/cpu/key.h"

#include <inttypes.h>
#include <string.h>

enum { EMITTER_VERSION = 12 };

Key key_start(void)
{
    return (Key){0x6c62272e07bb0142u, 0x62b821756295c58du};
}

/* key * (2^88 + 0x13b) modulo 2^128 */
static Key times_prime(Key key)
{
    const uint64_t factor = 0x13b;
    uint64_t low_low = (key.low & UINT32_MAX) * factor, low_high = (key.low >> 32) * factor;
    uint64_t middle = low_high + (low_low >> 32);
    Key product = {.low = middle << 32 | (low_low & UINT32_MAX)};
    product.high = key.high * factor + (middle >> 32) + (key.low << 24);
    return product;
}

Key key_add(Key key, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++) {
        key.low ^= at[i];
        key = times_prime(key);
    }
    return key;
}

static Key add_number(Key key, int64_t value)
{
    return key_add(key, &value, sizeof value);
}

static Key add_text(Key key, const char *text)
{
    return key_add(key, text, strlen(text) + 1);
}

/* Of the computation's axes; there are no others. */
static Key add_affine(Key key, const Computation *computation, const Affine *at)
{
    key = add_number(key, at->base);
    return key_add(key, at->coef, (size_t)computation->axis_count * sizeof *at->coef);
}

static Key add_guards(Key key, const Computation *computation, int first, int count)
{
    key = add_number(key, count);
    for (int i = 0; i < count; i++) {
        key = add_affine(key, computation, &computation->guards.items[first + i].at);
        key = add_number(key, computation->guards.items[first + i].extent);
    }
    return key;
}

static Key add_axes_and_tensors(Key key, const Computation *computation)
{
    key = add_number(key, computation->axis_count);
    for (int i = 0; i < computation->axis_count; i++) {
        key = add_number(key, computation->axes[i].reduced);
        key = add_number(key, computation->axes[i].kind);
        key = add_number(key, computation->axes[i].extent);
    }
    key = add_number(key, computation->parallel);
    key = add_number(key, computation->chunked);
    key = add_number(key, computation->chunk);
    key = add_number(key, (int64_t)computation->tensors.count);
    for (size_t i = 0; i < computation->tensors.count; i++) {
        key = add_number(key, computation->tensors.items[i].dtype);
        key = add_number(key, computation->tensors.items[i].written);
    }
    return key;
}

static Key add_expr(Key key, const Computation *computation, const Expr *expr)
{
    key = add_number(key, expr->kind);
    key = add_number(key, expr->scalar);
    key = add_number(key, expr->index);
    key = key_add(key, expr->in, sizeof expr->in);
    key = key_add(key, &expr->imm, sizeof expr->imm);
    key = add_affine(key, computation, &expr->at);
    key = add_affine(key, computation, &expr->at2);
    return add_guards(key, computation, expr->guard_first, expr->guard_count);
}

static Key add_computation(Key key, const Computation *computation)
{
    key = add_axes_and_tensors(key, computation);
    key = add_number(key, (int64_t)computation->exprs.count);
    for (size_t i = 0; i < computation->exprs.count; i++)
        key = add_expr(key, computation, &computation->exprs.items[i]);
    key = add_number(key, (int64_t)computation->accs.count);
    for (size_t i = 0; i < computation->accs.count; i++) {
        const Accumulator *acc = &computation->accs.items[i];
        key = add_number(key, acc->kind);
        key = add_number(key, acc->expr);
        key = add_affine(key, computation, &acc->at);
        key = add_guards(key, computation, acc->guard_first, acc->guard_count);
    }
    key = add_number(key, (int64_t)computation->stores.count);
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        key = add_number(key, store->kind);
        key = add_number(key, store->continued);
        key = add_number(key, store->tensor);
        key = add_number(key, store->expr);
        key = add_affine(key, computation, &store->at);
        key = add_guards(key, computation, store->guard_first, store->guard_count);
    }
    return key;
}

static Key add_schedule(Key key, const CpuSchedule *schedule)
{
    key = add_number(key, schedule->primitive);
    key = add_number(key, schedule->order_count);
    for (int i = 0; i < schedule->order_count; i++)
        key = add_number(key, schedule->order[i]);
    key = add_number(key, schedule->reduce_count);
    for (int i = 0; i < schedule->reduce_count; i++)
        key = add_number(key, schedule->reduce[i]);
    for (int i = 0; i < AXIS_MAX; i++) {
        key = add_number(key, schedule->block[i]);
        key = add_number(key, schedule->unrolled[i]);
        key = add_number(key, schedule->peeled[i]);
    }
    key = add_number(key, schedule->vector_axis);
    key = add_number(key, schedule->vectors);
    key = add_number(key, schedule->row_axis);
    key = add_number(key, schedule->rows);
    key = add_number(key, schedule->spread_axis);
    key = add_number(key, schedule->rows_looped);
    key = add_number(key, schedule->packed);
    key = add_number(key, schedule->kept);
    key = add_number(key, schedule->fenced);
    return add_number(key, schedule->unroll);
}

Key key_of_computation(const CpuTarget *target, const Computation *computation)
{
    Key key = add_number(key_start(), EMITTER_VERSION);
    key = add_text(key, CNNC_LLVM_VERSION);
    key = add_text(key, target->triple);
    key = add_text(key, target->cpu);
    key = add_text(key, target->features);
    key = add_number(key, target->lanes);
    key = add_number(key, target->fma);
    return add_computation(key, computation);
}

Key key_of_kernel(const CpuTarget *target, const Computation *computation, const CpuSchedule *schedule)
{
    return add_schedule(key_of_computation(target, computation), schedule);
}

const char *key_symbol(Arena *arena, Key key)
{
    return arena_printf(arena, "kernel_%016" PRIx64 "%016" PRIx64, key.high, key.low);
}
