/* Chooses a schedule: which axis vectors lie along, the register tile, loop order, blocks, unrolling. Costs
 * are counted in instructions of a core that does as many loads as multiply-adds at a time, with a latency
 * that eight of them hide; the numbers come from measurements (tests/bench/kernels.c). Everything here is
 * about speed only. */
#include <string.h>

#include "compiler/cpu/cpu.h"
#include "compiler/cpu/footprint.h"

enum {
    LATENCY = 8,      /* independent sums that keep the multipliers busy */
    BLOCK_FMAS = 250, /* in one basic block: larger ones spill */
    UNROLL_MOST = 8,
    WINDOW_MOST = 11, /* extent of a reduced axis that may be written out for its guards */
    ROWS_MOST = 32,
    VECTORS_MOST = 6,
    SPREAD_MOST = 9,
    CHUNK_ROWS = 4, /* samples of a chunk that rows may count on */
    HEAVY_COST = 20
};

typedef struct {
    const CpuTarget *target;
    const Computation *computation;
    CpuSchedule *schedule;
    bool *summed; /* by expression: occurs inside an accumulator */
} Choice;

static const Expr *expr_of(const Choice *choice, size_t id)
{
    return &choice->computation->exprs.items[id];
}

static void mark_summed(Choice *choice, ExprId id)
{
    const Expr *expr = expr_of(choice, (size_t)id);
    choice->summed[id] = true;
    int inputs = expr->kind == EXPR_SCALAR   ? scalar_table[expr->scalar].arity
                 : expr->kind == EXPR_RANDOM ? 4
                                             : 0;
    for (int i = 0; i < inputs; i++)
        mark_summed(choice, expr->in[i]);
}

static double points(const Choice *choice, bool reduced)
{
    double product = 1;
    for (int i = 0; i < choice->computation->axis_count; i++)
        if (choice->computation->axes[i].reduced == reduced)
            product *= (double)choice->computation->axes[i].extent;
    return product;
}

/* ---- The vector axis ---- */

static double operation_cost(const Expr *expr)
{
    if (expr->kind == EXPR_RANDOM)
        return 2 * HEAVY_COST;
    if (expr->kind != EXPR_SCALAR)
        return 0;
    bool plain = expr->scalar <= SCALAR_abs || expr->scalar == SCALAR_select ||
                 expr->scalar == SCALAR_greater || expr->scalar == SCALAR_equal ||
                 expr->scalar == SCALAR_sign;
    return plain ? 1 : HEAVY_COST;
}

static double access_cost(const Affine *at, int axis, int lanes)
{
    if (axis < 0)
        return 0.5;
    if (at->coef[axis] == 0)
        return 0.5;
    return at->coef[axis] == 1 ? 1 : 2.0 * lanes;
}

/* Cost of one output element with vectors along `axis` (-1: scalar code); negative: not possible. */
static double vector_cost(const Choice *choice, int axis)
{
    const Computation *computation = choice->computation;
    int lanes = axis < 0 ? 1 : choice->target->lanes;
    double reduced = points(choice, true), cost = 0;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = expr_of(choice, i);
        double own = operation_cost(expr);
        if (expr->kind == EXPR_LOAD)
            own = access_cost(&expr->at, axis, lanes);
        cost += own * (choice->summed[i] ? reduced : 1);
    }
    cost += (double)computation->accs.count * reduced;
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Affine *at = &computation->stores.items[i].at;
        if (axis >= 0 && !at->coef[axis])
            return -1;
        cost += access_cost(at, axis, lanes);
    }
    if (axis < 0)
        return cost;
    int64_t extent = computation->axes[axis].extent;
    int64_t vectors = (extent + lanes - 1) / lanes;
    return cost * (double)vectors / (double)extent;
}

static void choose_vector_axis(Choice *choice)
{
    const Computation *computation = choice->computation;
    int best = -1;
    double least = vector_cost(choice, -1);
    for (int i = 0; i < computation->axis_count; i++) {
        double cost = computation->axes[i].reduced ? -1 : vector_cost(choice, i);
        if (cost >= 0 && cost < least) {
            least = cost;
            best = i;
        }
    }
    choice->schedule->vector_axis = best;
}

/* ---- The tile ---- */

static bool has_added_store(const Computation *computation)
{
    for (size_t i = 0; i < computation->stores.count; i++)
        if (computation->stores.items[i].kind == STORE_ADD)
            return true;
    return false;
}

/* Rows along the axis would visit the points that a STORE_ADD sums over out of order. */
static bool disturbs_sums(const Computation *computation, int axis)
{
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        if (store->kind != STORE_ADD || store->at.coef[axis])
            continue;
        for (int a = axis + 1; a < computation->axis_count; a++)
            if (!computation->axes[a].reduced && !store->at.coef[a])
                return true;
    }
    return false;
}

/* How many operands stay in registers while rows along the axis pass: the reason for rows. */
static int reuse(const Choice *choice, int axis)
{
    const Computation *computation = choice->computation;
    int kept = 0;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = expr_of(choice, i);
        if (!choice->summed[i] || expr->kind != EXPR_LOAD || expr->at.coef[axis])
            continue;
        int vector = choice->schedule->vector_axis;
        kept += vector >= 0 && expr->at.coef[vector] ? 2 : 1;
    }
    return kept;
}

typedef struct {
    int accs;    /* accumulators of one row and vector */
    int streams; /* vectors that one step loads */
    int scalars; /* elements that one row's step broadcasts */
    int spare;   /* registers for anything else */
} TileNeeds;

static TileNeeds tile_needs(const Choice *choice)
{
    TileNeeds needs = {.accs = (int)choice->computation->accs.count};
    int vector = choice->schedule->vector_axis, others = 0;
    for (size_t i = 0; i < choice->computation->exprs.count; i++) {
        const Expr *expr = expr_of(choice, i);
        if (!choice->summed[i])
            continue;
        if (expr->kind != EXPR_LOAD)
            others++;
        else if (vector >= 0 && expr->at.coef[vector])
            needs.streams++;
        else
            needs.scalars++;
    }
    for (size_t i = 0; i < choice->computation->accs.count; i++)
        if (choice->computation->accs.items[i].contraction)
            others--;
        else
            needs.spare += 2;
    needs.spare += others > 0 ? 4 : 0;
    return needs;
}

static bool fits_registers(const Choice *choice, const TileNeeds *needs, int rows, int vectors)
{
    int registers = choice->target->registers;
    if (choice->schedule->vector_axis < 0)
        registers = choice->target->registers < 16 ? choice->target->registers : 16;
    int sums = rows * vectors * needs->accs;
    int operands = vectors >= 2 ? vectors * (needs->streams ? 1 : 0) + 1 : 2;
    return sums + operands + needs->spare <= registers;
}

/* Of one step of the reduction for a tile: multiply-adds, loads and latency overlap, the largest counts. */
static double tile_cost(const TileNeeds *needs, int rows, int vectors)
{
    double sums = rows * vectors * needs->accs;
    double loads = vectors * needs->streams + rows * needs->scalars;
    double cost = sums > loads ? sums : loads;
    return (cost > LATENCY ? cost : LATENCY) + 1;
}

/* Of all points of an axis in tiles: whole ones and the rest, each through `cost` of its size. */
static double axis_cost(const TileNeeds *needs, int64_t rows_extent, int rows, int spread,
                        int64_t vectors_extent, int vectors, bool known)
{
    double total = 0;
    int64_t row_rest = rows_extent % rows, vector_rest = vectors_extent % vectors;
    for (int r = 0; r < 2; r++) {
        double tiles = r ? (known ? row_rest > 0 : (double)row_rest) : (double)(rows_extent / rows);
        int height = (r ? (known ? (int)row_rest : 1) : rows) * spread;
        if (tiles == 0)
            continue;
        total += tiles * (double)(vectors_extent / vectors) * tile_cost(needs, height, vectors);
        if (vector_rest)
            total += tiles * tile_cost(needs, height, (int)vector_rest);
    }
    /* Each kind of tile is code of its own, to be compiled and kept in the instruction cache. */
    return total * (1 + 0.01 * (row_rest > 0) + 0.01 * (vector_rest > 0));
}

static int64_t vectors_along(const Choice *choice)
{
    int axis = choice->schedule->vector_axis;
    if (axis < 0)
        return 1;
    return (choice->computation->axes[axis].extent + choice->target->lanes - 1) / choice->target->lanes;
}

typedef struct {
    double cost; /* of one step of all points */
    int axis, spread, rows, vectors;
} Tile;

static void try_rows(const Choice *choice, const TileNeeds *needs, int axis, int spread, Tile *best)
{
    const Computation *computation = choice->computation;
    const Axis *row = axis < 0 ? NULL : &computation->axes[axis];
    int64_t extent = row ? row->extent : 1, vectors_extent = vectors_along(choice);
    bool known = !row || (row->kind == EXTENT_FIXED && axis != computation->parallel);
    if (row && !known && computation->chunked && extent > CHUNK_ROWS)
        extent = CHUNK_ROWS;
    int across = spread < 0 ? 1 : (int)computation->axes[spread].extent;
    double others = points(choice, false) / (double)(row ? row->extent : 1) / across *
                    (double)(row ? row->extent : 1) / (double)extent;
    int vector = choice->schedule->vector_axis;
    if (vector >= 0)
        others /= (double)computation->axes[vector].extent;
    for (int rows = 1; rows <= ROWS_MOST && rows <= extent; rows++) {
        for (int vectors = 1; vectors <= VECTORS_MOST && vectors <= vectors_extent; vectors++) {
            if (!fits_registers(choice, needs, rows * across, vectors))
                continue;
            double cost = others * axis_cost(needs, extent, rows, across, vectors_extent, vectors, known);
            if (best->rows == 0 || cost < best->cost * 0.995)
                *best =
                    (Tile){.cost = cost, .axis = axis, .spread = spread, .rows = rows, .vectors = vectors};
        }
    }
}

static bool can_spread(const Computation *computation, int axis)
{
    const Axis *spread = &computation->axes[axis];
    return !spread->reduced && spread->kind == EXTENT_FIXED && spread->extent > 1 &&
           spread->extent <= SPREAD_MOST && axis != computation->parallel;
}

static void choose_tile(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    TileNeeds needs = tile_needs(choice);
    Tile best = {0};
    int most = 0;
    for (int a = 0; a < computation->axis_count; a++)
        if (!computation->axes[a].reduced && a != schedule->vector_axis && reuse(choice, a) > most)
            most = reuse(choice, a);
    bool spreadable = !has_added_store(computation);
    for (int a = computation->axis_count - 1; a >= 0; a--) {
        if (computation->axes[a].reduced || a == schedule->vector_axis || reuse(choice, a) < most ||
            disturbs_sums(computation, a))
            continue;
        try_rows(choice, &needs, a, -1, &best);
        for (int s = 0; s < a && spreadable; s++)
            if (s != schedule->vector_axis && can_spread(computation, s) && reuse(choice, s) >= most)
                try_rows(choice, &needs, a, s, &best);
    }
    if (best.rows == 0 || best.rows == 1)
        try_rows(choice, &needs, -1, -1, &best);
    schedule->row_axis = best.rows > 1 || best.spread >= 0 ? best.axis : -1;
    schedule->spread_axis = best.axis >= 0 ? best.spread : -1;
    schedule->rows = best.rows ? best.rows : 1;
    schedule->vectors = best.vectors ? best.vectors : 1;
}

/* Without sums there is nothing to keep in registers: some vectors at a time, fewer where each needs many. */
static void choose_plain_tile(Choice *choice)
{
    CpuSchedule *schedule = choice->schedule;
    double work = 0;
    for (size_t i = 0; i < choice->computation->exprs.count; i++)
        work += operation_cost(expr_of(choice, i));
    int64_t vectors = work > 2 * HEAVY_COST ? 1 : work > HEAVY_COST ? 2 : 4, extent = vectors_along(choice);
    schedule->row_axis = schedule->spread_axis = -1;
    schedule->rows = 1;
    schedule->vectors = (int)(vectors < extent ? vectors : extent);
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

/* ---- Loops ---- */

static bool sums_stay_in_memory(const Computation *computation)
{
    for (size_t i = 0; i < computation->stores.count; i++)
        if (computation->stores.items[i].kind != STORE_ACC)
            return false;
    return computation->accs.count > 0;
}

/* Where sums stay in memory between blocks: samples one by one, then as many rows of the picture as fit the
 * cache. */
static void choose_blocks(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    int axis = 0, end = computation->axis_count;
    while (axis < end && !computation->axes[axis].reduced)
        axis++;
    if (!sums_stay_in_memory(computation) || axis + 1 >= end)
        return;
    if (computation->axes[axis].kind == EXTENT_BATCH) {
        schedule->order[schedule->order_count++] = axis;
        schedule->block[axis++] = 1;
    }
    int64_t extent = computation->axes[axis].extent;
    if (axis + 1 >= end || computation->axes[axis].kind != EXTENT_FIXED)
        return;
    int64_t fit = (int64_t)choice->target->l2_bytes / 2 / footprint_bytes(computation, choice->summed, axis);
    if (fit < 1 || fit >= extent)
        return;
    int64_t count = (extent + fit - 1) / fit;
    schedule->block[axis] = (extent + count - 1) / count;
    schedule->order[schedule->order_count++] = axis;
}

/* Output axes in their order, the vectors' loop as far out as the other operands then still stay in the
 * cache. */
static void choose_order(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    int vector = schedule->vector_axis;
    bool placed = vector < 0;
    for (int a = 0; a < computation->axis_count; a++) {
        if (computation->axes[a].reduced || a == vector || a == schedule->spread_axis)
            continue;
        if (!placed && computation->accs.count > 0 &&
            footprint_without(computation, choice->summed, a, vector) <=
                (int64_t)choice->target->l2_bytes / 2) {
            schedule->order[schedule->order_count++] = vector;
            placed = true;
        }
        schedule->order[schedule->order_count++] = a;
    }
    if (!placed)
        schedule->order[schedule->order_count++] = vector;
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
        const Expr *expr = expr_of(choice, i);
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

static void choose_unrolling(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    schedule->unroll = 1;
    if (schedule->reduce_count == 0)
        return;
    int inner = schedule->reduce[schedule->reduce_count - 1];
    const Axis *axis = &computation->axes[inner];
    int64_t extent = schedule->block[inner] > 1 ? schedule->block[inner] : axis->extent;
    if (axis->kind != EXTENT_FIXED || inner == computation->parallel || schedule->unrolled[inner])
        return;
    int spread = schedule->spread_axis < 0 ? 1 : (int)computation->axes[schedule->spread_axis].extent;
    int64_t sums = (int64_t)schedule->rows * spread * schedule->vectors * (int64_t)computation->accs.count;
    int64_t most = BLOCK_FMAS / (sums > 0 ? sums : 1);
    most = most > UNROLL_MOST ? UNROLL_MOST : most < 1 ? 1 : most;
    int once = overlaps(choice, inner, 1);
    int64_t best = 1;
    for (int64_t u = 2; u <= most && u <= extent; u++) {
        if (overlaps(choice, inner, u) > once * u)
            break;
        if (extent % u == 0 || (extent > 8 * u && extent % best))
            best = u;
    }
    schedule->unroll = (int)best;
}

void cpu_schedule(const CpuTarget *target, const Computation *computation, CpuSchedule *schedule)
{
    Arena *arena = arena_new();
    Choice choice = {.target = target,
                     .computation = computation,
                     .schedule = schedule,
                     .summed = NEW_ARRAY(arena, bool, computation->exprs.count)};
    for (size_t i = 0; i < computation->accs.count; i++)
        mark_summed(&choice, computation->accs.items[i].expr);
    memset(schedule, 0, sizeof *schedule);
    choose_vector_axis(&choice);
    if (computation->accs.count)
        choose_tile(&choice);
    else
        choose_plain_tile(&choice);
    resolve_guards(&choice);
    choose_blocks(&choice);
    choose_order(&choice);
    choose_unrolling(&choice);
    arena_free(arena);
}
