/* One register tile: accumulators start, the reduced loops run, the stores are made. */
#include "compiler/cpu/emit_tile.h"

#include <string.h>

int tile_rows(const Emit *emit)
{
    int spread = emit->schedule->spread_axis;
    return emit->rows * (spread < 0 ? 1 : (int)emit->computation->axes[spread].extent);
}

void tile_stand(Emit *emit, int row, int vector)
{
    const CpuSchedule *schedule = emit->schedule;
    emit->row = row;
    emit->vector = vector;
    if (schedule->row_axis >= 0)
        emit->place.offset[schedule->row_axis] = emit->row_start + row % emit->rows;
    if (schedule->spread_axis >= 0)
        emit->place.offset[schedule->spread_axis] = row / emit->rows;
    if (schedule->vector_axis >= 0)
        emit->place.offset[schedule->vector_axis] = emit->vector_start + (int64_t)vector * emit->lanes;
}

/* The stores; or, before the last block, the sums to where they wait. */
static void finish_sums(Emit *emit)
{
    bool never = false;
    LLVMValueRef last = emit->schedule->kept ? local_last(emit, &never) : NULL;
    if (!last && !never) {
        stores_make(emit);
        return;
    }
    if (never) {
        sums_keep(emit);
        return;
    }
    int count = emit->carried_count;
    LLVMValueRef *sums = NEW_ARRAY(emit->arena, LLVMValueRef, count);
    memcpy(sums, emit->carried, (size_t)count * sizeof *sums);
    Branch branch;
    emit->carried_count = 0; /* nobody needs them after either branch */
    branch_begin(emit, &branch, LLVMBuildNot(emit->builder, last, ""));
    memcpy(emit->carried, sums, (size_t)count * sizeof *sums);
    sums_keep(emit);
    branch_end(emit, &branch);
    branch_begin(emit, &branch, last);
    memcpy(emit->carried, sums, (size_t)count * sizeof *sums);
    emit->carried_count = count;
    stores_make(emit);
    emit->carried_count = 0;
    branch_end(emit, &branch);
}

void tile_emit(Emit *emit)
{
    const CpuSchedule *schedule = emit->schedule;
    size_t mark = emit->memo.count;
    Standpoint outer = emit->place;
    if (schedule->spread_axis >= 0)
        place_fix(emit, schedule->spread_axis, 0);
    emit->row_start = schedule->row_axis >= 0 ? emit->place.offset[schedule->row_axis] : 0;
    emit->vector_start = schedule->vector_axis >= 0 ? emit->place.offset[schedule->vector_axis] : 0;
    sums_lay_out(emit);
    if (schedule->primitive == PRIMITIVE_TILE) {
        emit->carried_count = 0;
        if (emit->matrix)
            matrix_sums(emit);
        stores_make(emit);
    } else {
        sums_start(emit);
        if (emit->computation->accs.count)
            reduce_tile(emit);
        finish_sums(emit);
    }
    expr_forget(emit, mark);
    emit->carried_count = 0;
    emit->place = outer;
}
