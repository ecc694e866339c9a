/* Schedules of matrix instructions: which output axis the rows of the tiles lie along, and how many tiles of
 * sums are kept at a time. */
#include "compiler/base/divide.h"
#include "compiler/cpu/matrix.h"

#include <string.h>

enum {
    TILE = 16,    /* rows, and columns, of a tile of sums */
    TILES = 4,    /* of sums, kept at a time */
    RUN_LEAST = 2 /* pairs; of fewer a tile is mostly empty */
};

/* ---- Rows ---- */

static bool is_added(const Computation *computation, int axis)
{
    for (size_t i = 0; i < computation->stores.count; i++)
        if (computation->stores.items[i].kind == STORE_ADD && !computation->stores.items[i].at.coef[axis])
            return true;
    return false;
}

/* Rows are visited inside all other loops, so a sum over them must not run over an axis further in. */
static bool rows_keep_order(const Computation *computation, int axis)
{
    if (!is_added(computation, axis))
        return true;
    for (int x = axis + 1; x < computation->axis_count; x++)
        if (!computation->axes[x].reduced && is_added(computation, x))
            return false;
    return true;
}

/* The share of its tiles that is used. */
static double row_use(const Computation *computation, const MatrixForm *form, int axis)
{
    const Axis *a = &computation->axes[axis];
    bool moves = form->at[0].coef[axis] != 0 && !(form->copied && form->outside >> axis & 1);
    if (a->reduced || axis == form->vector || !moves || !rows_keep_order(computation, axis))
        return 0;
    int64_t points = computation_points(computation, axis);
    return (double)points / (double)(divide_up(points, TILE) * TILE);
}

static int choose_rows(const Computation *computation, const MatrixForm *form)
{
    int best = -1;
    for (int x = 0; x < computation->axis_count; x++)
        if (row_use(computation, form, x) > 0 &&
            (best < 0 || row_use(computation, form, x) >= row_use(computation, form, best)))
            best = x;
    return best;
}

/* ---- Tiles ---- */

static void choose_tiles(const Computation *computation, const MatrixForm *form, CpuSchedule *schedule)
{
    int64_t points = computation_points(computation, schedule->row_axis);
    int64_t rows = divide_up(points, TILE),
            columns = divide_up(computation_points(computation, form->vector), TILE);
    int64_t most = TILES / form->acc_count;
    most = most < 1 ? 1 : most;
    int64_t across = columns < 2 || most < 2 ? 1 : rows == 1 ? most : 2;
    across = across > columns ? columns : across;
    int64_t down = most / across;
    down = down < 1 ? 1 : down > rows ? rows : down;
    schedule->vectors = (int)across;
    schedule->rows = (int)(down * TILE > points ? points : down * TILE);
}

static void choose_order(const Computation *computation, const MatrixForm *form, CpuSchedule *schedule)
{
    for (int pass = 0; pass < 2; pass++)
        for (int x = 0; x < computation->axis_count; x++)
            if (!computation->axes[x].reduced && x != form->vector && (form->outside >> x & 1) == (pass == 0))
                schedule->order[schedule->order_count++] = x;
    schedule->order[schedule->order_count++] = form->vector;
    for (int x = 0; x < computation->axis_count; x++)
        if (computation->axes[x].reduced)
            schedule->reduce[schedule->reduce_count++] = x;
}

bool matrix_schedule(const CpuTarget *target, const Computation *computation, CpuSchedule *schedule)
{
    MatrixForm form;
    if (!target->tile || matrix_form(computation, &form) || form.run < RUN_LEAST)
        return false;
    memset(schedule, 0, sizeof *schedule);
    *schedule = (CpuSchedule){
        .primitive = PRIMITIVE_TILE, .vector_axis = form.vector, .spread_axis = -1, .unroll = 1};
    schedule->row_axis = choose_rows(computation, &form);
    if (schedule->row_axis < 0)
        return false;
    choose_tiles(computation, &form, schedule);
    choose_order(computation, &form, schedule);
    schedule->rows_looped = true;
    return true;
}

/* ---- What fits ---- */

const char *matrix_legal(const Computation *computation, const CpuSchedule *schedule)
{
    MatrixForm form;
    const char *complaint = matrix_form(computation, &form);
    if (complaint)
        return complaint;
    if (schedule->vector_axis != form.vector || schedule->spread_axis >= 0 || schedule->packed ||
        schedule->kept)
        return "tiles of another axis than that of the columns";
    if (schedule->row_axis < 0 || row_use(computation, &form, schedule->row_axis) <= 0)
        return "tiles of rows that do not lie along an axis of the batch's operand";
    bool inside = false;
    for (int i = 0; i < schedule->order_count; i++) {
        bool outside = form.outside >> schedule->order[i] & 1;
        if (form.copied && outside && inside)
            return "a copy that would be made again and again";
        inside = inside || !outside;
    }
    return NULL;
}
