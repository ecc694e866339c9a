/* The sums of a register tile: which values they are, where they start from, one more term. Each is one chain
 * of operations in the order of the reduced axes, whatever the tile, so that the bits do not depend on the
 * schedule. */
#include "compiler/base/bug.h"
#include "compiler/cpu/emit_tile.h"

enum { CARRIED_MOST = 1024 };

static bool acc_depends(const Emit *emit, int index, int axis)
{
    const Computation *computation = emit->computation;
    const Accumulator *acc = &computation->accs.items[index];
    bool depends = axis >= 0 && (emit->depends[acc->expr] >> axis & 1 || acc->at.coef[axis]);
    for (int i = 0; i < acc->guard_count; i++)
        depends = depends || moves_along(&computation->guards.items[acc->guard_first + i].at, axis);
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        if (store->kind == STORE_ACC && emit_expr(emit, store->expr)->index == index)
            depends = depends || moves_along(&store->at, axis);
    }
    return depends;
}

static bool position_wanted(const Emit *emit, int index)
{
    for (size_t i = 0; i < emit->computation->exprs.count; i++)
        if (emit_expr(emit, (ExprId)i)->kind == EXPR_ACC_AT && emit_expr(emit, (ExprId)i)->index == index)
            return true;
    return false;
}

void sums_lay_out(Emit *emit)
{
    const CpuSchedule *schedule = emit->schedule;
    int accs = (int)emit->computation->accs.count, used = 0;
    emit->slots = NEW_ARRAY(emit->arena, Slots, accs);
    for (int i = 0; i < accs; i++) {
        Slots *slots = &emit->slots[i];
        slots->by_row =
            acc_depends(emit, i, schedule->row_axis) || acc_depends(emit, i, schedule->spread_axis);
        slots->by_vector = acc_depends(emit, i, schedule->vector_axis);
        int count = (slots->by_row ? tile_rows(emit) : 1) * (slots->by_vector ? emit->vectors : 1);
        slots->first = used;
        used += count;
        slots->position = position_wanted(emit, i) ? used : -1;
        used += slots->position >= 0 ? count : 0;
    }
    if (used > CARRIED_MOST)
        BUG("%s: a tile of %d accumulators", emit->computation->name, used);
    emit->carried_count = used;
    emit->carried = NEW_ARRAY(emit->arena, LLVMValueRef, used);
}

static int slot_here(const Emit *emit, const Slots *slots)
{
    int row = slots->by_row ? emit->row : 0;
    return slots->by_vector ? row * emit->vectors + emit->vector : row;
}

static LLVMTypeRef slot_type(const Emit *emit, const Slots *slots)
{
    return lanes_type(emit, emit->f32, slots->by_vector && emit->lanes > 1);
}

/* Where slot number `slot` (+ row, when given, times `step`) lies in the scratch memory. */
LLVMValueRef sums_scratch(const Emit *emit, int slot, LLVMValueRef row, int step)
{
    LLVMTypeRef type = LLVMVectorType(emit->f32, (unsigned)emit->lanes);
    LLVMValueRef at = LLVMConstInt(emit->i64, (uint64_t)slot, false);
    if (row) {
        LLVMValueRef past =
            LLVMBuildMul(emit->builder, row, LLVMConstInt(emit->i64, (uint64_t)step, false), "");
        at = LLVMBuildAdd(emit->builder, at, past, "");
    }
    return LLVMBuildGEP2(emit->builder, type, emit->scratch, &at, 1, "");
}

LLVMValueRef tile_accumulator(Emit *emit, int acc, bool position)
{
    const Slots *slots = &emit->slots[acc];
    int slot = (position ? slots->position : slots->first) + slot_here(emit, slots);
    if (emit->weights)
        return weights_sum(emit);
    if (!emit->scratch_row && !emit->matrix)
        return emit->carried[slot];
    LLVMValueRef row = slots->by_row ? emit->scratch_row : NULL; /* NULL: the slot is that of the row */
    LLVMValueRef pointer = sums_scratch(emit, slot, row, slots->by_vector ? emit->vectors : 1);
    return LLVMBuildLoad2(emit->builder, slot_type(emit, slots), pointer, "");
}

typedef void AtSlot(Emit *emit, int acc);

/* Visits each value of an accumulator, standing at its row and vector. */
static void each_slot(Emit *emit, int acc, AtSlot *visit)
{
    const Slots *slots = &emit->slots[acc];
    int rows = slots->by_row ? tile_rows(emit) : 1, vectors = slots->by_vector ? emit->vectors : 1;
    for (int row = 0; row < rows; row++) {
        for (int vector = 0; vector < vectors; vector++) {
            tile_stand(emit, row, vector);
            visit(emit, acc);
        }
    }
}

/* i1: this sum starts from zero: the call's first, at the start of all axes that `summed` says. */
LLVMValueRef sums_fresh(Emit *emit, const bool *summed)
{
    LLVMValueRef fresh = emit->first;
    bool never = false;
    for (int i = 0; i < emit->computation->axis_count; i++) {
        Bound low, high;
        axis_range(emit, i, &low, &high);
        if (summed[i])
            fresh = lanes_and(emit, fresh, place_is_at(emit, i, low, &never));
    }
    return never ? LLVMConstInt(emit->i1, 0, false) : fresh;
}

static const Store *store_of(const Emit *emit, int acc, int *stream)
{
    for (size_t i = 0; i < emit->computation->stores.count; i++) {
        const Store *store = &emit->computation->stores.items[i];
        if (store->kind != STORE_ACC || emit_expr(emit, store->expr)->index != acc)
            continue;
        *stream = emit->stream_of_store[i];
        return store;
    }
    return NULL;
}

static void start_slot(Emit *emit, int acc)
{
    const Slots *slots = &emit->slots[acc];
    int slot = slot_here(emit, slots), stream;
    LLVMValueRef zero = LLVMConstNull(slot_type(emit, slots)), value = zero;
    if (emit->computation->accs.items[acc].kind == ACC_MAX)
        value = lanes_real(emit, zero, -__builtin_inf());
    if (slots->position >= 0)
        emit->carried[slots->position + slot] = zero;
    const Store *store = store_of(emit, acc, &stream);
    LLVMValueRef condition;
    if (store && place_guards(emit, store->guard_first, store->guard_count, &condition) != GUARDS_FAIL) {
        bool outside[AXIS_MAX] = {false};
        for (int i = 0; i < emit->schedule->order_count; i++)
            outside[emit->schedule->order[i]] = emit->computation->axes[emit->schedule->order[i]].reduced;
        LLVMValueRef before = expr_load(emit, stream, &store->at, condition);
        value = lanes_select(emit, sums_fresh(emit, outside), zero, before);
    }
    emit->carried[slots->first + slot] = value;
}

/* The sum as the block before left it. */
static void resume_slot(Emit *emit, int acc)
{
    const Slots *slots = &emit->slots[acc];
    LLVMValueRef value = LLVMBuildLoad2(emit->builder, slot_type(emit, slots), local_kept(emit, acc), "");
    LLVMSetAlignment(value, 4);
    emit->carried[slots->first + slot_here(emit, slots)] = value;
}

static void keep_slot(Emit *emit, int acc)
{
    const Slots *slots = &emit->slots[acc];
    LLVMValueRef value = emit->carried[slots->first + slot_here(emit, slots)];
    LLVMSetAlignment(LLVMBuildStore(emit->builder, value, local_kept(emit, acc)), 4);
}

/* One more term. */
static void update_slot(Emit *emit, int index)
{
    const Accumulator *acc = &emit->computation->accs.items[index];
    const Slots *slots = &emit->slots[index];
    LLVMValueRef condition;
    if (place_guards(emit, acc->guard_first, acc->guard_count, &condition) == GUARDS_FAIL)
        return;
    /* What is loaded under a condition must not be taken for the value where it fails. */
    size_t mark = emit->memo.count;
    emit->condition = condition;
    LLVMValueRef *value = &emit->carried[slots->first + slot_here(emit, slots)], before = *value;
    const Expr *expr = emit_expr(emit, acc->expr);
    if (acc->kind == ACC_MAX) {
        LLVMValueRef term = expr_value(emit, acc->expr);
        lanes_match(emit, &term, &before);
        LLVMValueRef greater =
            lanes_and(emit, LLVMBuildFCmp(emit->builder, LLVMRealOGT, term, before, ""), condition);
        *value = lanes_select(emit, greater, term, before);
        if (slots->position >= 0) {
            LLVMValueRef *position = &emit->carried[slots->position + slot_here(emit, slots)];
            *position = lanes_select(emit, greater, expr_affine(emit, &acc->at), *position);
        }
    } else {
        LLVMValueRef sum;
        if (expr->kind == EXPR_SCALAR && expr->scalar == SCALAR_mul) {
            sum = lanes_fma(emit, expr_value(emit, expr->in[0]), expr_value(emit, expr->in[1]), before);
        } else {
            LLVMValueRef term = expr_value(emit, acc->expr);
            lanes_match(emit, &term, &before);
            sum = LLVMBuildFAdd(emit->builder, before, term, "");
        }
        *value = condition ? lanes_select(emit, condition, sum, before) : sum;
    }
    emit->condition = NULL;
    if (condition)
        expr_forget(emit, mark);
}

/* An empty instruction that might have changed any memory: loads before it are not reused behind it. */
static void fence(Emit *emit)
{
    static const char clobbers[] = "~{memory}";
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(emit->context), NULL, 0, false);
    LLVMValueRef nothing = LLVMGetInlineAsm(type, "", 0, clobbers, sizeof clobbers - 1, true, false,
                                            LLVMInlineAsmDialectATT, false);
    LLVMBuildCall2(emit->builder, type, nothing, NULL, 0, "");
}

void sums_accumulate(Emit *emit)
{
    if (emit->schedule->fenced)
        fence(emit);
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        each_slot(emit, (int)i, update_slot);
}

static void each_sum(Emit *emit, AtSlot *visit)
{
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        each_slot(emit, (int)i, visit);
}

void sums_start(Emit *emit)
{
    bool never = false;
    LLVMValueRef first = emit->schedule->kept ? local_first(emit, &never) : NULL;
    if (!first && !never) {
        each_sum(emit, start_slot);
        return;
    }
    if (never) {
        each_sum(emit, resume_slot);
        return;
    }
    each_sum(emit, start_slot);
    Branch branch;
    branch_begin(emit, &branch, LLVMBuildNot(emit->builder, first, ""));
    each_sum(emit, resume_slot);
    branch_end(emit, &branch);
}

void sums_keep(Emit *emit)
{
    each_sum(emit, keep_slot);
}
