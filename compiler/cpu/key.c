/* Keys of machine code: two kernels with the same key are the same code. Whatever changes what the emitter
 * makes of the same computation and schedule must change EMITTER_VERSION, or an old cache would be believed.
 */
#include "compiler/cpu/key.h"

#include <inttypes.h>
#include <string.h>

enum { EMITTER_VERSION = 15 };

/* Of the computation's axes; there are no others. */
static Key add_affine(Key key, const Computation *computation, const Affine *at)
{
    key = key_add_number(key, at->base);
    return key_add(key, at->coef, (size_t)computation->axis_count * sizeof *at->coef);
}

static Key add_guards(Key key, const Computation *computation, int first, int count)
{
    key = key_add_number(key, count);
    for (int i = 0; i < count; i++) {
        key = add_affine(key, computation, &computation->guards.items[first + i].at);
        key = key_add_number(key, computation->guards.items[first + i].extent);
    }
    return key;
}

static Key add_axes_and_tensors(Key key, const Computation *computation)
{
    key = key_add_number(key, computation->axis_count);
    for (int i = 0; i < computation->axis_count; i++) {
        key = key_add_number(key, computation->axes[i].reduced);
        key = key_add_number(key, computation->axes[i].kind);
        key = key_add_number(key, computation->axes[i].extent);
    }
    key = key_add_number(key, computation->parallel);
    key = key_add_number(key, computation->chunked);
    key = key_add_number(key, computation->chunk);
    key = key_add_number(key, (int64_t)computation->tensors.count);
    for (size_t i = 0; i < computation->tensors.count; i++) {
        key = key_add_number(key, computation->tensors.items[i].dtype);
        key = key_add_number(key, computation->tensors.items[i].written);
    }
    return key;
}

static Key add_expr(Key key, const Computation *computation, const Expr *expr)
{
    key = key_add_number(key, expr->kind);
    key = key_add_number(key, expr->scalar);
    key = key_add_number(key, expr->index);
    key = key_add(key, expr->in, sizeof expr->in);
    key = key_add(key, &expr->imm, sizeof expr->imm);
    key = add_affine(key, computation, &expr->at);
    key = add_affine(key, computation, &expr->at2);
    return add_guards(key, computation, expr->guard_first, expr->guard_count);
}

static Key add_computation(Key key, const Computation *computation)
{
    key = add_axes_and_tensors(key, computation);
    key = key_add_number(key, (int64_t)computation->exprs.count);
    for (size_t i = 0; i < computation->exprs.count; i++)
        key = add_expr(key, computation, &computation->exprs.items[i]);
    key = key_add_number(key, (int64_t)computation->accs.count);
    for (size_t i = 0; i < computation->accs.count; i++) {
        const Accumulator *acc = &computation->accs.items[i];
        key = key_add_number(key, acc->kind);
        key = key_add_number(key, acc->expr);
        key = add_affine(key, computation, &acc->at);
        key = add_guards(key, computation, acc->guard_first, acc->guard_count);
    }
    key = key_add_number(key, (int64_t)computation->stores.count);
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        key = key_add_number(key, store->kind);
        key = key_add_number(key, store->continued);
        key = key_add_number(key, store->tensor);
        key = key_add_number(key, store->expr);
        key = add_affine(key, computation, &store->at);
        key = add_guards(key, computation, store->guard_first, store->guard_count);
    }
    return key;
}

static Key add_schedule(Key key, const CpuSchedule *schedule)
{
    key = key_add_number(key, schedule->primitive);
    key = key_add_number(key, schedule->effort);
    key = key_add_number(key, schedule->order_count);
    for (int i = 0; i < schedule->order_count; i++)
        key = key_add_number(key, schedule->order[i]);
    key = key_add_number(key, schedule->reduce_count);
    for (int i = 0; i < schedule->reduce_count; i++)
        key = key_add_number(key, schedule->reduce[i]);
    for (int i = 0; i < AXIS_MAX; i++) {
        key = key_add_number(key, schedule->block[i]);
        key = key_add_number(key, schedule->unrolled[i]);
        key = key_add_number(key, schedule->peeled[i]);
    }
    key = key_add_number(key, schedule->vector_axis);
    key = key_add_number(key, schedule->vectors);
    key = key_add_number(key, schedule->row_axis);
    key = key_add_number(key, schedule->rows);
    key = key_add_number(key, schedule->spread_axis);
    key = key_add_number(key, schedule->rows_looped);
    key = key_add_number(key, schedule->packed);
    key = key_add_number(key, schedule->kept);
    key = key_add_number(key, schedule->fenced);
    return key_add_number(key, schedule->unroll);
}

Key key_of_names(const CpuTarget *target)
{
    Key key = key_add_number(key_start(), EMITTER_VERSION);
    key = key_add_text(key, CNNC_LLVM_VERSION);
    key = key_add_text(key, target->triple);
    key = key_add_text(key, target->cpu);
    return key_add_text(key, target->features);
}

Key key_of_computation(const CpuTarget *target, const Computation *computation)
{
    Key key = key_add_number(target->key, target->lanes);
    key = key_add_number(key, target->fma);
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
