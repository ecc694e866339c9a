/* The stores of a register tile, when its sums are done: values written, added to sums along the output axes,
 * turned in registers, or made in a loop over the rows. */
#include "compiler/cpu/emit_tile.h"

/* What a STORE_ADD adds to, before this point. */
static LLVMValueRef sum_before(Emit *emit, const Store *store, int stream, LLVMValueRef condition)
{
    bool summed[AXIS_MAX] = {false};
    for (int i = 0; i < emit->computation->axis_count; i++)
        summed[i] = !emit->computation->axes[i].reduced && !store->at.coef[i];
    LLVMValueRef before = expr_load(emit, stream, &store->at, condition);
    if (store->continued)
        return before;
    return lanes_select(emit, sums_fresh(emit, summed), LLVMConstNull(LLVMTypeOf(before)), before);
}

/* The value to store at this point; NULL: nothing (yet). `sums` keeps the sums along the rows of the tile. */
static LLVMValueRef store_value(Emit *emit, size_t index, int row, LLVMValueRef *sums,
                                LLVMValueRef *condition)
{
    const Store *store = &emit->computation->stores.items[index];
    GuardState state = place_guards(emit, store->guard_first, store->guard_count, condition);
    if (store->kind != STORE_ADD) {
        emit->condition = *condition;
        LLVMValueRef value = state == GUARDS_FAIL ? NULL : expr_value(emit, store->expr);
        emit->condition = NULL;
        return value;
    }
    const CpuSchedule *schedule = emit->schedule;
    bool along = schedule->row_axis >= 0 && !store->at.coef[schedule->row_axis] && !emit->scratch_row;
    if (row == 0 || !along)
        sums[index] = sum_before(emit, store, emit->stream_of_store[index], along ? NULL : *condition);
    if (state != GUARDS_FAIL) {
        emit->condition = *condition;
        LLVMValueRef term = expr_value(emit, store->expr);
        emit->condition = NULL;
        lanes_match(emit, &term, &sums[index]);
        LLVMValueRef sum = LLVMBuildFAdd(emit->builder, sums[index], term, "");
        sums[index] = *condition ? lanes_select(emit, *condition, sum, sums[index]) : sum;
    }
    if (along && row + 1 < emit->rows)
        return NULL;
    *condition = along ? NULL : *condition;
    return along || state != GUARDS_FAIL ? sums[index] : NULL;
}

/* Standing at one point: all values first, since a store may overwrite what another expression loads there.
 */
static void store_point(Emit *emit, int row, LLVMValueRef *sums)
{
    size_t count = emit->computation->stores.count;
    LLVMValueRef *values = NEW_ARRAY(emit->arena, LLVMValueRef, count);
    LLVMValueRef *conditions = NEW_ARRAY(emit->arena, LLVMValueRef, count);
    for (size_t i = 0; i < count; i++) {
        size_t mark = emit->memo.count;
        values[i] = store_value(emit, i, row, sums, &conditions[i]);
        if (conditions[i])
            expr_forget(emit, mark);
    }
    for (size_t i = 0; i < count; i++)
        if (values[i])
            expr_store(emit, emit->stream_of_store[i], &emit->computation->stores.items[i].at, values[i],
                       conditions[i]);
}

static void stores_transposed(Emit *emit)
{
    const Computation *computation = emit->computation;
    size_t count = computation->stores.count;
    LLVMValueRef *values = NEW_ARRAY(emit->arena, LLVMValueRef, count * (size_t)emit->rows);
    for (int vector = 0; vector < emit->vectors; vector++) {
        for (int row = 0; row < emit->rows; row++) {
            tile_stand(emit, row, vector);
            for (size_t i = 0; i < count; i++)
                values[i * (size_t)emit->rows + (size_t)row] =
                    expr_value(emit, computation->stores.items[i].expr);
        }
        tile_stand(emit, 0, vector);
        int carried = emit->carried_count;
        emit->carried_count = 0; /* no branch of the stores changes a sum */
        for (size_t i = 0; i < count; i++)
            transpose_store(emit, emit->stream_of_store[i], &computation->stores.items[i].at,
                            values + i * (size_t)emit->rows);
        emit->carried_count = carried;
    }
}

static void stores_written_out(Emit *emit)
{
    LLVMValueRef *sums = NEW_ARRAY(emit->arena, LLVMValueRef, emit->computation->stores.count);
    for (int vector = 0; vector < emit->vectors; vector++) {
        for (int row = 0; row < tile_rows(emit); row++) {
            tile_stand(emit, row, vector);
            store_point(emit, row, sums);
        }
    }
}

/* Memory for the values of the largest tile, in the function's first block, where it is taken once. */
static void make_scratch(Emit *emit)
{
    const CpuSchedule *schedule = emit->schedule;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(emit->builder);
    LLVMPositionBuilderBefore(emit->builder, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(emit->function)));
    unsigned count =
        2 * (unsigned)emit->computation->accs.count * (unsigned)(schedule->rows * schedule->vectors);
    LLVMTypeRef type = LLVMArrayType2(LLVMVectorType(emit->f32, (unsigned)emit->lanes), count);
    emit->scratch = LLVMBuildAlloca(emit->builder, type, "");
    LLVMPositionBuilderAtEnd(emit->builder, here);
}

/* The same in a loop over the rows: for epilogues so long that writing them out for each row would take
 * seconds to compile. */
static void stores_looped(Emit *emit)
{
    int axis = emit->schedule->row_axis;
    if (!emit->scratch && !emit->weights)
        make_scratch(emit);
    for (int i = 0; i < emit->carried_count; i++)
        LLVMBuildStore(emit->builder, emit->carried[i], sums_scratch(emit, i, NULL, 0));
    emit->carried_count = 0;
    Bound start = {.value = emit->place.index[axis], .constant = emit->row_start};
    emit->place.offset[axis] = 0;
    Loop loop;
    Bound end = bound_add(start, emit->rows);
    if (emit->rows_left)
        end = (Bound){.value = LLVMBuildAdd(emit->builder, bound_value(emit, start), emit->rows_left, "")};
    loop_begin(emit, &loop, axis, start, end, 1, 1);
    emit->row_start = 0;
    emit->scratch_row = LLVMBuildSub(emit->builder, loop.index, bound_value(emit, start), "");
    LLVMValueRef *sums = NEW_ARRAY(emit->arena, LLVMValueRef, emit->computation->stores.count);
    for (int vector = 0; vector < emit->vectors; vector++) {
        tile_stand(emit, 0, vector);
        store_point(emit, 0, sums);
    }
    emit->scratch_row = NULL;
    loop_end(emit, &loop);
}

void stores_make(Emit *emit)
{
    if (emit->schedule->primitive == PRIMITIVE_TILE)
        stores_looped(emit);
    else if (transpose_possible(emit))
        stores_transposed(emit);
    else if (emit->schedule->rows_looped && emit->rows > 1)
        stores_looped(emit);
    else
        stores_written_out(emit);
}
