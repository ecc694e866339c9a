/* Chooses a schedule: loop order, blocks, what is written out; the tile is chosen in tile.c. Everything here
 * is about speed only. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/choice.h"
#include "compiler/cpu/footprint.h"
#include "compiler/cpu/matrix.h"
#include "compiler/cpu/matrix_weights.h"

enum {
    BLOCK_FMAS = 128,   /* in one basic block: the allocator spills in larger ones */
    KERNEL_FMAS = 1500, /* in all code of a kernel: more take too long to compile */
    UNROLL_MOST = 8
};

/* Another axis for the vectors must cost less than this part of the first. */
static const double BETTER = 0.985;

static void mark_inputs(const Computation *computation, ExprId id, bool *summed)
{
    const Expr *expr = &computation->exprs.items[id];
    summed[id] = true;
    int inputs = expr->kind == EXPR_SCALAR   ? scalar_table[expr->scalar].arity
                 : expr->kind == EXPR_RANDOM ? 4
                                             : 0;
    for (int i = 0; i < inputs; i++)
        mark_inputs(computation, expr->in[i], summed);
}

void choice_mark_summed(const Computation *computation, bool *summed)
{
    for (size_t i = 0; i < computation->accs.count; i++)
        mark_inputs(computation, computation->accs.items[i].expr, summed);
}

/* ---- Guards ---- */

static bool is_tile_axis(const CpuSchedule *schedule, int axis)
{
    return axis == schedule->vector_axis || axis == schedule->row_axis || axis == schedule->spread_axis;
}

static bool acc_has_guard(const Computation *computation, size_t index, const Guard *guard)
{
    const Accumulator *acc = &computation->accs.items[index];
    for (int i = 0; i < acc->guard_count; i++) {
        const Guard *own = &computation->guards.items[acc->guard_first + i];
        if (own->extent == guard->extent && affine_equal(&own->at, &guard->at))
            return true;
    }
    return false;
}

static bool same_for_tile(const Choice *choice, const Guard *guard)
{
    for (int a = 0; a < choice->computation->axis_count; a++)
        if (guard->at.coef[a] && is_tile_axis(choice->schedule, a))
            return false;
    for (size_t i = 0; i < choice->computation->accs.count; i++)
        if (!acc_has_guard(choice->computation, i, guard))
            return false;
    return true;
}

/* Guards that one loop's range can express are left to it; for the others, windows are written out and ends
 * peeled. */
static void resolve_guards(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    for (size_t g = 0; g < computation->guards.count; g++) {
        const Guard *guard = &computation->guards.items[g];
        bool reduced = false;
        for (int a = 0; a < computation->axis_count; a++)
            reduced = reduced || (guard->at.coef[a] && computation->axes[a].reduced);
        if (!reduced || same_for_tile(choice, guard))
            continue;
        for (int a = 0; a < computation->axis_count; a++) {
            const Axis *axis = &computation->axes[a];
            if (!guard->at.coef[a] || axis->kind != EXTENT_FIXED || a == computation->parallel)
                continue;
            if (axis->reduced && axis->extent <= WINDOW_MOST)
                schedule->unrolled[a] = true;
            else if (!axis->reduced && !is_tile_axis(schedule, a))
                schedule->peeled[a] = true;
        }
    }
}

/* Reduced axes of few points whose number itself enters a sum (which tap of a pool's window it is) are
 * written out, so that it is a constant. */
static void resolve_positions(Choice *choice)
{
    const Computation *computation = choice->computation;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = choice_expr(choice, i);
        for (int a = 0; a < computation->axis_count && choice->summed[i] && expr->kind == EXPR_AXIS; a++) {
            const Axis *axis = &computation->axes[a];
            if (expr->at.coef[a] && axis->reduced && axis->kind == EXTENT_FIXED &&
                axis->extent <= WINDOW_MOST)
                choice->schedule->unrolled[a] = choice->schedule->fenced = true;
        }
    }
}

/* ---- Loops ---- */

/* Output axes in their order, the vectors' loop as far out as the other operands then still stay in the
 * cache. */
/* Do all vectors read the same elements of some operand, so that something is won when it stays in the cache
 * from one to the next? */
static bool vectors_share(const Choice *choice, int vector)
{
    for (size_t i = 0; i < choice->computation->exprs.count; i++) {
        const Expr *expr = choice_expr(choice, i);
        if (choice->summed[i] && expr->kind == EXPR_LOAD && !expr->at.coef[vector])
            return true;
    }
    return false;
}

static void order_outputs(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    int vector = schedule->vector_axis;
    bool placed = vector < 0;
    if (!placed && choice->variant->order == ORDER_VECTORS_OUTSIDE) {
        schedule->order[schedule->order_count++] = vector;
        placed = true;
    }
    bool outside = !placed && computation->accs.count > 0 && vectors_share(choice, vector);
    for (int a = 0; a < computation->axis_count; a++) {
        if (computation->axes[a].reduced || a == vector || a == schedule->spread_axis)
            continue;
        if (!placed && outside && choice->variant->order == ORDER_CHOSEN &&
            footprint_without(computation, choice->summed, a, vector) <=
                (int64_t)choice->target->l2_bytes / 2) {
            schedule->order[schedule->order_count++] = vector;
            placed = true;
        }
        schedule->order[schedule->order_count++] = a;
    }
    if (!placed)
        schedule->order[schedule->order_count++] = vector;
}

static void choose_order(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    if (!schedule->kept) /* else it was chosen with the blocks */
        order_outputs(choice);
    for (int a = 0; a < computation->axis_count; a++)
        if (computation->axes[a].reduced && schedule->block[a] != 1)
            schedule->reduce[schedule->reduce_count++] = a;
}

/* Elements that one block of `unroll` steps broadcasts more than once, for different rows or steps: they
 * would be merged, kept in registers, and spill. */
static int overlaps(const Choice *choice, int inner, int64_t unroll)
{
    enum { OFFSETS_MOST = 1024 };
    const Computation *computation = choice->computation;
    const CpuSchedule *schedule = choice->schedule;
    int spread = schedule->spread_axis < 0 ? 1 : (int)computation->axes[schedule->spread_axis].extent,
        twice = 0;
    struct {
        int64_t offset;
        int tensor;
    } seen[OFFSETS_MOST];
    int count = 0;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = choice_expr(choice, i);
        if (!choice->summed[i] || expr->kind != EXPR_LOAD ||
            (schedule->vector_axis >= 0 && expr->at.coef[schedule->vector_axis]))
            continue;
        for (int r = 0; r < schedule->rows * spread; r++) {
            for (int64_t u = 0; u < unroll && count < OFFSETS_MOST; u++) {
                int64_t offset = expr->at.base + u * expr->at.coef[inner];
                if (schedule->row_axis >= 0)
                    offset += r % schedule->rows * expr->at.coef[schedule->row_axis];
                if (schedule->spread_axis >= 0)
                    offset += r / schedule->rows * expr->at.coef[schedule->spread_axis];
                for (int k = 0; k < count; k++)
                    twice += seen[k].offset == offset && seen[k].tensor == expr->index;
                seen[count].offset = offset;
                seen[count++].tensor = expr->index;
            }
        }
    }
    return twice;
}

static int64_t pieces(int64_t extent, int64_t size)
{
    return extent < size ? 1 : 1 + (extent % size > 0);
}

/* How often the code of the innermost loop is there: for each kind of tile, and each written-out point of a
 * window. */
static int64_t copies(const Choice *choice, int inner)
{
    const Computation *computation = choice->computation;
    const CpuSchedule *schedule = choice->schedule;
    int64_t count = 1;
    bool unrolled = false;
    for (int a = 0; a < computation->axis_count; a++) {
        if (schedule->unrolled[a] && a != inner) {
            count *= computation->axes[a].extent;
            unrolled = true;
        }
        if (schedule->peeled[a])
            count *= 3;
    }
    if (schedule->row_axis >= 0) {
        int64_t extent = computation->axes[schedule->row_axis].extent,
                tiles = (extent + schedule->rows - 1) / schedule->rows;
        count *= unrolled ? (tiles < 3 ? tiles : 3) : pieces(extent, schedule->rows);
    }
    if (schedule->vector_axis >= 0)
        count *= pieces(computation->axes[schedule->vector_axis].extent,
                        (int64_t)schedule->vectors * choice->target->lanes);
    return count;
}

static bool choose_unrolling(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    schedule->unroll = 1;
    int wanted = choice->variant->unroll;
    if (schedule->reduce_count == 0 || choice_gathers(choice))
        return wanted == 0;
    int inner = schedule->reduce[schedule->reduce_count - 1];
    const Axis *axis = &computation->axes[inner];
    int64_t extent = schedule->block[inner] > 1 ? schedule->block[inner] : axis->extent;
    if (axis->kind != EXTENT_FIXED || inner == computation->parallel || schedule->unrolled[inner])
        return wanted == 0;
    int64_t sums = choice_tile_rows(choice) * schedule->vectors * (int64_t)computation->accs.count;
    int64_t most = BLOCK_FMAS / sums, affordable = KERNEL_FMAS / (sums * copies(choice, inner));
    most = most < affordable ? most : affordable;
    most = most > UNROLL_MOST ? UNROLL_MOST : most;
    /* Where each load takes a register, those of later steps would come too early. */
    if (!choice->target->folds && sums >= choice->target->registers / 2)
        most = 1;
    if (wanted) {
        schedule->unroll = wanted;
        return wanted <= extent && wanted * sums <= 2 * BLOCK_FMAS;
    }
    int once = overlaps(choice, inner, 1);
    int64_t best = 1;
    for (int64_t u = 2; u <= most && u <= extent; u++) {
        if (overlaps(choice, inner, u) > once * u)
            break;
        /* A rest is code of its own, and worth it where the loop is long and nothing near divides it. */
        if (extent % u == 0 || (extent > 8 * u && (best == 1 || extent % best || u >= 2 * best)))
            best = u;
    }
    schedule->unroll = (int)best;
    return true;
}

/* The vectors' axis and the tile. Axes that cost much the same by themselves may allow tiles that do not. */
static bool choose_tile(Choice *choice)
{
    const CpuSchedule blank = *choice->schedule;
    choice->axis_rank = choice->variant->vector_axis ? choice->variant->vector_axis - 1 : 0;
    bool good = choice_vector_axis(choice) && choice_tile(choice);
    if (!good || choice->variant->vector_axis || choice->tile_cost == 0)
        return good;
    CpuSchedule first = *choice->schedule;
    double cost = choice->tile_cost;
    *choice->schedule = blank;
    choice->axis_rank = 1;
    if (!choice_vector_axis(choice) || !choice_tile(choice) || choice->tile_cost > BETTER * cost)
        *choice->schedule = first;
    return true;
}

bool cpu_schedule_variant(const CpuTarget *target, const Computation *computation, const CpuVariant *variant,
                          CpuSchedule *schedule)
{
    Arena *arena = arena_new();
    bool *summed = NEW_ARRAY(arena, bool, computation->exprs.count);
    choice_mark_summed(computation, summed);
    Choice choice = {.target = target,
                     .computation = computation,
                     .schedule = schedule,
                     .summed = summed,
                     .variant = variant};
    memset(schedule, 0, sizeof *schedule);
    bool good = choose_tile(&choice);
    if (good) {
        resolve_guards(&choice);
        resolve_positions(&choice);
        choice_blocks(&choice);
        choose_order(&choice);
        good = choose_unrolling(&choice);
    }
    arena_free(arena);
    return good;
}

void cpu_schedule(const CpuTarget *target, const Computation *computation, CpuSchedule *schedule)
{
    const CpuVariant first = {0};
    if (matrix_schedule(target, computation, schedule) || weights_schedule(target, computation, schedule))
        return;
    if (!cpu_schedule_variant(target, computation, &first, schedule))
        BUG("%s: no schedule", computation->name);
}
