/* Schedules whose code is soon compiled, for the first steps of a training. */
#include <string.h>

#include "compiler/cpu/choice.h"

enum { SUMS_MOST = 4 /* of a tile: so many hide some of a multiply-add's latency */ };

/* Core seconds, about: that LLVM takes for one value of the code; that it takes less for a kernel without
 * effort, and for each of its values; and what is not worth a second compilation. */
static const double VALUE_SECONDS = 8e-6, KERNEL_SECONDS = 1.5e-3, EFFORT_SECONDS = 4e-6,
                    SECONDS_LEAST = 1e-3;
/* Operations a second of brief code on a core, made with some effort and with none, about. */
static const double SOME_FLOPS = 8e9, NONE_FLOPS = 7e8;

static int64_t pieces(int64_t extent, int64_t size)
{
    return extent < size ? 1 : 1 + (extent % size > 0);
}

/* How often the code of a tile is there, times its rows and vectors. */
static double tile_copies(const CpuTarget *target, const Computation *computation,
                          const CpuSchedule *schedule)
{
    double copies = 1;
    bool written_out = false;
    for (int a = 0; a < computation->axis_count; a++) {
        copies *= schedule->peeled[a] ? 3 : 1;
        written_out = written_out || schedule->unrolled[a];
    }
    if (schedule->spread_axis >= 0)
        copies *= (double)computation->axes[schedule->spread_axis].extent;
    if (schedule->row_axis >= 0) {
        int64_t extent = computation->axes[schedule->row_axis].extent, tiles = extent / schedule->rows;
        copies *= schedule->rows;
        copies *= (double)(written_out ? (tiles < 3 ? tiles + 1 : 3) : pieces(extent, schedule->rows));
    }
    if (schedule->vector_axis >= 0) {
        copies *= schedule->vectors;
        copies *= (double)pieces(computation->axes[schedule->vector_axis].extent,
                                 (int64_t)schedule->vectors * target->lanes);
    }
    return copies;
}

/* Values in the code of the schedule, about. */
static double code_values(const CpuTarget *target, const Computation *computation,
                          const CpuSchedule *schedule)
{
    Arena *arena = arena_new();
    bool *summed = NEW_ARRAY(arena, bool, computation->exprs.count);
    choice_mark_summed(computation, summed);
    double steps = schedule->unroll, terms = (double)computation->accs.count, others = 0;
    for (int a = 0; a < computation->axis_count; a++)
        steps *= schedule->unrolled[a] ? (double)computation->axes[a].extent : 1;
    for (size_t i = 0; i < computation->exprs.count; i++)
        *(summed[i] ? &terms : &others) += 1;
    arena_free(arena);
    others += (double)computation->stores.count;
    if (schedule->rows_looped)
        others /= schedule->rows;
    return tile_copies(target, computation, schedule) * (steps * terms + others);
}

/* Rows along which guards of the sums move would ask at each step; so would rows that are not known to come
 * in whole tiles. */
static bool has_rows(const Computation *computation, const CpuSchedule *schedule)
{
    int row = schedule->row_axis;
    if (row < 0 || row == computation->parallel || computation->axes[row].kind != EXTENT_FIXED ||
        schedule->rows_looped)
        return false;
    for (size_t i = 0; i < computation->guards.count; i++)
        if (computation->guards.items[i].at.coef[row])
            return false;
    return true;
}

static void shrink_tile(const CpuTarget *target, const Computation *computation, CpuSchedule *brief)
{
    int vector = brief->vector_axis;
    bool whole = vector >= 0 && computation->axes[vector].extent % (2 * (int64_t)target->lanes) == 0 &&
                 vector != computation->parallel;
    brief->vectors = brief->vectors >= 2 && whole && computation->accs.count > 0 ? 2 : 1;
    if (computation->accs.count == 0) /* rows of a square that is turned */
        return;
    int rows = 1, most = SUMS_MOST / brief->vectors;
    while (has_rows(computation, brief) && 2 * rows <= most && 2 * rows <= brief->rows &&
           computation->axes[brief->row_axis].extent % (2 * rows) == 0)
        rows *= 2;
    brief->rows = rows;
    if (rows == 1)
        brief->row_axis = -1;
    brief->rows_looped = false;
}

/* One vector or two of few rows at a time, nothing written out, no blocks. */
static void simplify(const CpuTarget *target, const Computation *computation, const CpuSchedule *schedule,
                     CpuSchedule *brief)
{
    *brief = *schedule;
    brief->order_count = brief->reduce_count = 0;
    memset(brief->block, 0, sizeof brief->block);
    memset(brief->peeled, 0, sizeof brief->peeled);
    memset(brief->unrolled, 0, sizeof brief->unrolled);
    brief->kept = brief->fenced = false;
    brief->unroll = 1;
    shrink_tile(target, computation, brief);
    for (int i = 0; i < schedule->order_count; i++)
        if (!computation->axes[schedule->order[i]].reduced)
            brief->order[brief->order_count++] = schedule->order[i];
    if (schedule->spread_axis >= 0)
        brief->order[brief->order_count++] = schedule->spread_axis;
    brief->spread_axis = -1;
    for (int a = 0; a < computation->axis_count; a++)
        if (computation->axes[a].reduced)
            brief->reduce[brief->reduce_count++] = a;
}

bool cpu_schedule_brief(const CpuTarget *target, const Computation *computation, const CpuSchedule *schedule,
                        double flops, CpuSchedule *brief)
{
    if (schedule->primitive != PRIMITIVE_FMA)
        return false;
    simplify(target, computation, schedule, brief);
    double values = code_values(target, computation, brief);
    double spared = VALUE_SECONDS * (code_values(target, computation, schedule) - values);
    double some = spared - flops / SOME_FLOPS;
    double none = spared + KERNEL_SECONDS + EFFORT_SECONDS * values - flops / NONE_FLOPS;
    brief->effort = none > some ? EFFORT_NONE : EFFORT_SOME;
    return (none > some ? none : some) > SECONDS_LEAST;
}
