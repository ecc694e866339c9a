/* Blocks of reduced axes: so many terms of every sum at a time that what they read stays in the cache while
 * all tiles pass. Between blocks the sums lie in memory: in the tensors themselves where these are only added
 * to (STORE_ACC), else in the kernel's own. */
#include "compiler/base/divide.h"
#include "compiler/cpu/choice.h"
#include "compiler/cpu/footprint.h"

enum { STEPS_LEAST = 32, /* terms of a block: a sum is loaded and stored for each */ ALIAS_BYTES = 512 };

static bool sums_stay_in_memory(const Computation *computation)
{
    for (size_t i = 0; i < computation->stores.count; i++)
        if (computation->stores.items[i].kind != STORE_ACC)
            return false;
    return computation->accs.count > 0;
}

/* Blocks of nearly equal size, of at most `most` points. */
static int64_t even_block(int64_t extent, int64_t most)
{
    return divide_up(extent, divide_up(extent, most));
}

static int first_reduced(const Computation *computation)
{
    int axis = 0;
    while (axis < computation->axis_count && !computation->axes[axis].reduced)
        axis++;
    return axis;
}

typedef struct {
    int64_t points[AXIS_MAX]; /* that pass inside the outermost loop over blocks */
    bool inside[AXIS_MAX];    /* of output axes, loops that stand there */
    int64_t panel_step;       /* bytes from one term to the next of what a tile's vectors read */
    int64_t panel_width;      /* bytes of it in one term */
} Inside;

/* Memory, where a term is `step` bytes from the last one, competes for a part of the cache's places only. */
static bool aliases(const Inside *inside)
{
    return inside->panel_step > inside->panel_width && inside->panel_step % ALIAS_BYTES == 0;
}

static void find_panel(const Choice *choice, Inside *inside)
{
    const Computation *computation = choice->computation;
    const CpuSchedule *schedule = choice->schedule;
    inside->panel_width = 4 * (int64_t)schedule->vectors * choice->target->lanes;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = choice_expr(choice, i);
        if (!choice->summed[i] || expr->kind != EXPR_LOAD || !expr->at.coef[schedule->vector_axis])
            continue;
        for (int a = first_reduced(computation); a < computation->axis_count; a++) {
            int64_t step = 4 * (expr->at.coef[a] < 0 ? -expr->at.coef[a] : expr->at.coef[a]);
            if (step && (!inside->panel_step || step < inside->panel_step))
                inside->panel_step = step;
        }
    }
}

/* ---- Sums that are added to ---- */

/* Points of a reduced axis whose terms find places in the first-level cache, where these compete for a part
 * of it. */
static int64_t lines_that_fit(const Choice *choice, int axis)
{
    const Computation *computation = choice->computation;
    Inside inside = {0};
    int64_t rest = 1;
    find_panel(choice, &inside);
    if (!aliases(&inside))
        return INT64_MAX;
    for (int a = axis + 1; a < computation->axis_count; a++)
        rest *= computation_points(computation, a);
    int64_t terms = (int64_t)choice->target->l1_bytes / 2 / inside.panel_step;
    return terms >= rest ? terms / rest : INT64_MAX;
}

/* Samples one by one, unless the sums are larger than what is summed, then as many rows of the picture as fit
 * the cache. */
static void block_added(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    int axis = first_reduced(computation), end = computation->axis_count;
    if (axis + 1 >= end || footprint_stores(computation) > footprint_bytes(computation, choice->summed, axis))
        return;
    if (computation->axes[axis].kind == EXTENT_BATCH) {
        schedule->order[schedule->order_count++] = axis;
        schedule->block[axis++] = 1;
    }
    int64_t extent = computation->axes[axis].extent;
    if (axis + 1 >= end || computation->axes[axis].kind != EXTENT_FIXED)
        return;
    int64_t fit = (int64_t)choice->target->l2_bytes / 2 / footprint_bytes(computation, choice->summed, axis);
    int64_t places = lines_that_fit(choice, axis);
    fit = fit < places ? fit : places;
    if (fit < 1 || fit >= extent)
        return;
    schedule->block[axis] = schedule->unrolled[axis] ? 1 : even_block(extent, fit);
    schedule->order[schedule->order_count++] = axis;
}

/* ---- Sums in the kernel's own memory ---- */

/* Is something read again and again for each tile of rows, and too large to stay in the cache meanwhile? */
static bool is_worth_blocks(const Choice *choice, Inside *inside)
{
    const CpuSchedule *schedule = choice->schedule;
    const int64_t half = (int64_t)choice->target->l2_bytes / 2;
    int64_t points[AXIS_MAX];
    for (int a = 0; a < AXIS_MAX; a++)
        points[a] = inside->points[a];
    int64_t panels = footprint_points(choice->computation, choice->summed, points, schedule->row_axis, false);
    int64_t rows = footprint_points(choice->computation, choice->summed, points, schedule->row_axis, true);
    points[schedule->vector_axis] = (int64_t)schedule->vectors * choice->target->lanes;
    int64_t panel = footprint_points(choice->computation, choice->summed, points, schedule->row_axis, false);
    if (aliases(inside))
        panel *= inside->panel_step / inside->panel_width;
    return panels >= half && (panel >= half || rows >= half);
}

static bool can_wait(const Choice *choice)
{
    const Computation *computation = choice->computation;
    for (size_t i = 0; i < computation->accs.count; i++)
        if (computation->accs.items[i].kind != ACC_SUM)
            return false;
    for (size_t i = 0; i < computation->stores.count; i++)
        if (computation->stores.items[i].kind == STORE_ACC)
            return false;
    return computation->accs.count > 0 && choice->schedule->row_axis >= 0 &&
           choice->schedule->vector_axis >= 0 && !choice_gathers(choice);
}

static int64_t kept_bytes(const Choice *choice, const Inside *inside)
{
    const Computation *computation = choice->computation;
    int64_t bytes = 4 * (int64_t)computation->accs.count;
    for (int a = 0; a < computation->axis_count; a++)
        if (!computation->axes[a].reduced)
            bytes *= inside->points[a];
    return bytes;
}

/* Nothing is shared along the first axis: it stands outside everything, and the blocks are those of one
 * point. */
static bool is_outermost(const Choice *choice, int axis)
{
    const CpuSchedule *schedule = choice->schedule;
    return axis == 0 && axis != schedule->row_axis && axis != schedule->vector_axis &&
           axis != schedule->spread_axis && axis_is_apart(choice->computation, axis);
}

/* Puts output axes outside the blocks, the outermost first, until the sums of the others are few enough. */
static bool choose_inside(const Choice *choice, Inside *inside)
{
    const Computation *computation = choice->computation;
    const CpuSchedule *schedule = choice->schedule;
    int vector = schedule->vector_axis;
    const CpuTarget *target = choice->target;
    int64_t most = (int64_t)(target->l2_bytes / 3 < target->local_bytes ? target->l2_bytes / 3
                                                                        : target->local_bytes),
            all = inside->points[vector];
    for (int a = 0; a < computation->axis_count; a++)
        inside->inside[a] =
            !computation->axes[a].reduced && a != schedule->spread_axis && !is_outermost(choice, a);
    for (int a = 0; a < computation->axis_count; a++) {
        for (int outside = 0; outside < 2; outside++) {
            inside->inside[vector] = !outside;
            inside->points[vector] = outside ? (int64_t)schedule->vectors * target->lanes : all;
            if (kept_bytes(choice, inside) <= most)
                return true;
        }
        if (!inside->inside[a] || a == schedule->row_axis || a == vector)
            continue;
        inside->inside[a] = false;
        inside->points[a] = 1;
    }
    return false;
}

/* The blocks: axes from the outermost on one point at a time, until what is left fits; then so many points of
 * the next that it fills the room. false: no blocks of a useful size. */
static bool choose_sizes(const Choice *choice, Inside *inside, int64_t *block)
{
    const Computation *computation = choice->computation;
    const CpuTarget *target = choice->target;
    for (int a = first_reduced(computation); a < computation->axis_count; a++) {
        int64_t extent = computation_points(computation, a), rest = 1;
        inside->points[a] = 1;
        int64_t bytes = footprint_points(computation, choice->summed, inside->points, -1, false);
        for (int b = a + 1; b < computation->axis_count; b++)
            rest *= computation_points(computation, b);
        int64_t fit = (int64_t)target->l2_bytes / 3 / bytes;
        if (!aliases(inside) && inside->panel_width * rest * fit > (int64_t)target->l1_bytes / 2)
            fit = (int64_t)target->l1_bytes / 2 / (inside->panel_width * rest);
        if (choice->variant->block == BLOCKS_HALF)
            fit /= 2;
        if (choice->variant->block == BLOCKS_DOUBLE)
            fit *= 2;
        if (fit * rest < STEPS_LEAST)
            fit = divide_up(STEPS_LEAST, rest);
        bool one = choice->schedule->unrolled[a] || fit <= 1;
        if (fit >= extent && !choice->schedule->unrolled[a])
            return a > first_reduced(computation); /* all that is left fits */
        block[a] = one ? 1 : even_block(extent, fit);
        if (!one)
            return true;
    }
    return true;
}

static void block_kept(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    Inside inside = {0};
    int64_t block[AXIS_MAX] = {0};
    if (!can_wait(choice))
        return;
    for (int a = 0; a < computation->axis_count; a++)
        inside.points[a] = is_outermost(choice, a) ? 1 : computation_points(computation, a);
    find_panel(choice, &inside);
    if (!is_worth_blocks(choice, &inside) || !choose_inside(choice, &inside) ||
        !choose_sizes(choice, &inside, block))
        return;
    schedule->kept = true;
    int vector = schedule->vector_axis;
    bool vectors_last = choice->variant->order == ORDER_VECTORS_INSIDE, apart = is_outermost(choice, 0);
    if (apart)
        schedule->order[schedule->order_count++] = 0;
    if (!inside.inside[vector])
        schedule->order[schedule->order_count++] = vector;
    for (int a = apart; a < computation->axis_count; a++)
        if (!computation->axes[a].reduced && !inside.inside[a] && a != vector && a != schedule->spread_axis)
            schedule->order[schedule->order_count++] = a;
    for (int a = 0; a < computation->axis_count; a++) {
        schedule->block[a] = block[a];
        if (block[a])
            schedule->order[schedule->order_count++] = a;
    }
    if (inside.inside[vector] && !vectors_last)
        schedule->order[schedule->order_count++] = vector;
    for (int a = 0; a < computation->axis_count; a++)
        if (!computation->axes[a].reduced && inside.inside[a] && a != vector)
            schedule->order[schedule->order_count++] = a;
    if (inside.inside[vector] && vectors_last)
        schedule->order[schedule->order_count++] = vector;
}

void choice_blocks(Choice *choice)
{
    if (choice->variant->block == BLOCKS_NONE)
        return;
    if (sums_stay_in_memory(choice->computation))
        block_added(choice);
    else
        block_kept(choice);
}
