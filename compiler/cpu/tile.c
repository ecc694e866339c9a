/* Which axis vectors lie along, and the register tile. Costs are counted in instructions of a core that does
 * as many loads as multiply-adds at a time, with a latency that eight of them hide; tests/bench/kernels.c
 * measures what comes of it. */
#include "compiler/cpu/choice.h"

enum {
    LATENCY = 8, /* independent sums that keep the multipliers busy */
    ROWS_MOST = 32,
    VECTORS_MOST = 8,
    TILES_MOST = 12,
    SPREAD_MOST = 9,
    PACK_TIMES = 64,   /* reads of each element that are worth a copy */
    GATHER_MOST = 4,   /* sums of a tile whose operands are gathered: each is a dozen instructions */
    CHUNK_ROWS = 4,    /* samples of a chunk that rows may count on */
    MASKED_LOADS = 4,  /* registers for masked loads where masks have none of their own */
    LOADS_AHEAD = 4,   /* registers of loads that are on their way, where no operand stays in memory */
    STORES_MOST = 400, /* operations of a tile's stores that are written out */
    L2_COST = 3,
    L3_COST = 8, /* of loading a vector from there, in multiply-adds */
    HEAVY_COST = 20,
    SCATTER_COST = 8, /* of an element that is stored alone */
    WAY_BYTES = 4096,
    WAYS = 8 /* of first-level caches: lines this far apart compete for so many places */
};

/* A variant of more than this many times the least cost is not tried. */
static const double WORTH_A_TRY = 1.6;
static const double GUARDED_SPREAD = 1.3;

static double points(const Choice *choice, bool reduced)
{
    double product = 1;
    for (int i = 0; i < choice->computation->axis_count; i++)
        if (choice->computation->axes[i].reduced == reduced)
            product *= (double)computation_points(choice->computation, i);
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

/* Of a vector that is turned in registers and stored: a shuffle for each halving, and those of wide vectors
 * cross their halves. */
static double turn_cost(int lanes)
{
    return lanes >= 16 ? 6 : lanes >= 8 ? 4 : 2;
}

static double access_cost(const Affine *at, int axis, int lanes)
{
    if (axis < 0)
        return 0.5;
    if (at->coef[axis] == 0)
        return 0.5;
    return at->coef[axis] == 1 ? 1 : 2.0 * lanes;
}

/* Without sums: the axis along which all stores lie side by side, when along `vector` they lie apart and so
 * are turned in registers (emit_transpose.c); -1: there is none. */
static int turned_axis(const Computation *computation, int vector, int lanes)
{
    if (vector < 0 || computation->accs.count)
        return -1;
    for (int a = 0; a < computation->axis_count; a++) {
        bool turned = a != vector && computation->axes[a].extent >= lanes;
        for (size_t i = 0; i < computation->stores.count; i++) {
            const Store *store = &computation->stores.items[i];
            turned = turned && store->kind == STORE_WRITE && !store->guard_count && store->at.coef[a] == 1 &&
                     store->at.coef[vector] > 1 &&
                     computation->tensors.items[store->tensor].dtype == DTYPE_F32;
        }
        if (turned)
            return a;
    }
    return -1;
}

static double batch_terms(const Computation *computation)
{
    double product = 1;
    for (int i = 0; i < computation->axis_count; i++)
        if (computation->axes[i].reduced && computation->axes[i].kind == EXTENT_BATCH)
            product *= (double)computation->axes[i].extent;
    return product;
}

/* May all that a load of the sums reads in a call be copied, so that vectors along `axis` lie side by side?
 * It must be little, and be read often. */
static bool is_packable(const Choice *choice, size_t id, int axis)
{
    const Computation *computation = choice->computation;
    const Expr *expr = choice_expr(choice, id);
    if (axis < 0 || !choice->summed[id] || expr->kind != EXPR_LOAD || expr->guard_count ||
        expr->at.coef[axis] == 0 || expr->at.coef[axis] == 1)
        return false;
    double elements = 1, times = 1;
    for (int a = 0; a < computation->axis_count; a++)
        *(expr->at.coef[a] ? &elements : &times) *= (double)computation_points(computation, a);
    const CpuTarget *target = choice->target;
    double room = target->l2_bytes / 2 < target->local_bytes ? (double)target->l2_bytes / 2
                                                             : (double)target->local_bytes;
    return 4 * elements <= room && times >= PACK_TIMES;
}

/* Cost of one output element with vectors along `axis` (-1: scalar code); negative: not possible. */
static double vector_cost(const Choice *choice, int axis)
{
    const Computation *computation = choice->computation;
    int lanes = axis < 0 ? 1 : choice->target->lanes;
    double reduced = points(choice, true), cost = 0;
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = choice_expr(choice, i);
        double own = operation_cost(expr);
        if (expr->kind == EXPR_LOAD)
            own = is_packable(choice, i, axis) ? 1 : access_cost(&expr->at, axis, lanes);
        cost += own * (choice->summed[i] ? reduced : 1);
    }
    cost += (double)computation->accs.count * reduced;
    bool turned = turned_axis(computation, axis, lanes) >= 0;
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        if (axis >= 0 && !store->at.coef[axis])
            return -1;
        /* What is added to is loaded and stored for each sample (blocks.c). */
        double times = store->kind == STORE_ACC ? 2 * batch_terms(computation) : 1;
        cost += times * (turned ? turn_cost(lanes) : access_cost(&store->at, axis, lanes));
    }
    if (axis < 0)
        return cost;
    int64_t extent = computation_points(computation, axis);
    int64_t vectors = (extent + lanes - 1) / lanes;
    return cost * (double)vectors / (double)extent;
}

bool choice_vector_axis(Choice *choice)
{
    const Computation *computation = choice->computation;
    double cost[AXIS_MAX + 1], least = 0;
    bool taken[AXIS_MAX + 1] = {false};
    for (int i = -1; i < computation->axis_count; i++)
        cost[i + 1] = i >= 0 && computation->axes[i].reduced ? -1 : vector_cost(choice, i);
    for (int rank = 0; rank <= choice->axis_rank; rank++) {
        int best = -2;
        for (int i = -1; i < computation->axis_count; i++)
            if (cost[i + 1] >= 0 && !taken[i + 1] && (best == -2 || cost[i + 1] < cost[best + 1]))
                best = i;
        if (best == -2 || (rank > 0 && cost[best + 1] > WORTH_A_TRY * least))
            return false;
        least = rank == 0 ? cost[best + 1] : least;
        taken[best + 1] = true;
        choice->schedule->vector_axis = best;
    }
    for (size_t i = 0; i < computation->exprs.count && !choice->schedule->packed; i++)
        if (is_packable(choice, i, choice->schedule->vector_axis))
            choice->schedule->packed = (int)i + 1;
    return true;
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
        const Expr *expr = choice_expr(choice, i);
        if (!choice->summed[i] || expr->kind != EXPR_LOAD || expr->at.coef[axis])
            continue;
        int vector = choice->schedule->vector_axis;
        kept += vector >= 0 && expr->at.coef[vector] ? 2 : 1;
    }
    return kept;
}

typedef struct {
    int accs;                  /* accumulators of one row and vector */
    int streams;               /* vectors that one step loads */
    int scalars;               /* elements that one row's step broadcasts */
    int spare;                 /* registers for anything else */
    double vector_bytes;       /* of one vector over all steps */
    double l1_bytes, l2_bytes; /* of the caches */
    double broadcast; /* cost of an element for all lanes: with 32 registers come multiply-adds that do it by
                         the way */
} TileNeeds;

/* Rows whose elements all fall on the same places of the cache would push one another out. */
static int rows_without_conflict(const Choice *choice, int axis)
{
    for (size_t i = 0; i < choice->computation->exprs.count; i++) {
        const Expr *expr = choice_expr(choice, i);
        if (!choice->summed[i] || expr->kind != EXPR_LOAD || axis < 0 || expr->at.coef[axis] == 0)
            continue;
        int64_t bytes =
            expr->at.coef[axis] * (int64_t)dtype_bytes(choice->computation->tensors.items[expr->index].dtype);
        if (bytes % WAY_BYTES == 0)
            return WAYS;
    }
    return ROWS_MOST;
}

bool choice_gathers(const Choice *choice)
{
    int vector = choice->schedule->vector_axis;
    for (size_t i = 0; i < choice->computation->exprs.count && vector >= 0; i++) {
        const Expr *expr = choice_expr(choice, i);
        if (choice->summed[i] && expr->kind == EXPR_LOAD && expr->at.coef[vector] != 0 &&
            expr->at.coef[vector] != 1 && (int)i + 1 != choice->schedule->packed)
            return true;
    }
    return false;
}

static TileNeeds tile_needs(const Choice *choice)
{
    TileNeeds needs = {.accs = (int)choice->computation->accs.count,
                       .vector_bytes = 4 * choice->target->lanes * points(choice, true),
                       .l1_bytes = (double)choice->target->l1_bytes,
                       .l2_bytes = (double)choice->target->l2_bytes,
                       .broadcast = choice->target->registers > 16 ? 1 : 1.4};
    /* What is added to is summed in blocks that fit the second-level cache (blocks.c). */
    double block = needs.l2_bytes / (2 * VECTORS_MOST);
    if (choice->computation->stores.items[0].kind == STORE_ACC && needs.vector_bytes > block)
        needs.vector_bytes = block;
    int vector = choice->schedule->vector_axis, others = 0;
    for (size_t i = 0; i < choice->computation->exprs.count; i++) {
        const Expr *expr = choice_expr(choice, i);
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
    needs.spare += others > 0 ? 3 : 0;
    return needs;
}

static bool fits_registers(const Choice *choice, const TileNeeds *needs, int rows, int vectors)
{
    int registers = choice->target->registers;
    if (choice->schedule->vector_axis < 0)
        registers = 16; /* scalars have no more, whatever the vectors have */
    int sums = rows * vectors * needs->accs;
    int vector = choice->schedule->vector_axis;
    if (vector >= 0 && choice->target->registers == 16 &&
        choice->computation->axes[vector].extent % choice->target->lanes)
        registers -=
            MASKED_LOADS; /* a masked load is no operand of a multiply-add, and its mask takes a register */
    int operands = vectors >= 2                     ? vectors * (needs->streams ? 1 : 0) + 1
                   : choice->target->registers > 16 ? 2
                                                    : 3;
    int products = choice->target->fma ? 0 : 1; /* that wait to be added */
    int loads = choice->target->folds || registers <= 16 ? 0 : LOADS_AHEAD;
    return sums + operands + products + loads + needs->spare <= registers;
}

/* Of one step of the reduction for a tile: multiply-adds, loads and latency overlap, the largest counts;
 * loads still get in the way a little, more so where the vectors do not stay in the first-level cache. */
static double tile_cost(const TileNeeds *needs, int rows, int vectors)
{
    double sums = rows * vectors * needs->accs;
    double panel = needs->vector_bytes * vectors;
    double far = panel > needs->l2_bytes * 3 / 4 ? L3_COST : panel > needs->l1_bytes / 2 ? L2_COST : 1;
    double loads = far * vectors * needs->streams + needs->broadcast * rows * needs->scalars;
    double cost = sums > loads ? sums : loads;
    return (cost > LATENCY ? cost : LATENCY) + 0.1 * loads + 1;
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
    return (computation_points(choice->computation, axis) + choice->target->lanes - 1) /
           choice->target->lanes;
}

typedef struct {
    double cost; /* of one step of all points */
    int axis, spread, rows, vectors;
} Tile;

/* The best tiles, the cheapest first. */
typedef struct {
    int count;
    Tile tile[TILES_MOST];
} Tiles;

/* Of tiles that cost much the same the first one counts as the better. */
static void offer(Tiles *tiles, Tile tile)
{
    int at = tiles->count;
    while (at > 0 && tile.cost < tiles->tile[at - 1].cost * (at == 1 ? 0.995 : 1))
        at--;
    if (at == TILES_MOST)
        return;
    int last = tiles->count < TILES_MOST ? tiles->count++ : TILES_MOST - 1;
    for (; last > at; last--)
        tiles->tile[last] = tiles->tile[last - 1];
    tiles->tile[at] = tile;
}

/* Of the scattered stores of a tile, in one step of its sums: an element at a time, or, where there are as
 * many rows as lanes and these lie side by side, turned in registers (emit_transpose.c). */
static double scatter_cost(const Choice *choice, int axis, int rows, int vectors)
{
    const Computation *computation = choice->computation;
    int vector = choice->schedule->vector_axis, lanes = choice->target->lanes;
    double cost = 0;
    for (size_t i = 0; i < computation->stores.count && vector >= 0; i++) {
        const Store *store = &computation->stores.items[i];
        if (store->at.coef[vector] <= 1)
            continue;
        bool turned = rows == lanes && axis >= 0 && store->at.coef[axis] == 1 && store->kind == STORE_WRITE;
        double times = store->kind == STORE_ACC ? 2 * batch_terms(computation) : 1;
        cost += times * (turned ? turn_cost(lanes) : SCATTER_COST * lanes);
    }
    return cost * rows * vectors / points(choice, true);
}

/* Does the tile's spread axis decide, in a way that is not known until the code runs, whether terms count
 * (the windows' rows of a padded picture)? Where the reduced axis of the guard is short, its loop is written
 * out. */
static bool is_guarded(const Computation *computation, int axis)
{
    for (size_t i = 0; i < computation->guards.count; i++) {
        const Affine *at = &computation->guards.items[i].at;
        for (int a = 0; at->coef[axis] && a < computation->axis_count; a++)
            if (at->coef[a] && computation->axes[a].reduced && computation->axes[a].extent > WINDOW_MOST)
                return true;
    }
    return false;
}

static void try_rows(const Choice *choice, const TileNeeds *needs, int axis, int spread, Tiles *tiles)
{
    const Computation *computation = choice->computation;
    const Axis *row = axis < 0 ? NULL : &computation->axes[axis];
    int64_t extent = row ? row->extent : 1, vectors_extent = vectors_along(choice);
    bool known = !row || (row->kind == EXTENT_FIXED && axis != computation->parallel);
    if (row && !known && computation->chunked) {
        /* Most calls are of a whole chunk. */
        known = computation->chunk > 0;
        extent = known ? computation_points(computation, axis) : extent > CHUNK_ROWS ? CHUNK_ROWS : extent;
    }
    int across = spread < 0 ? 1 : (int)computation->axes[spread].extent;
    double others = points(choice, false) / across / (double)extent;
    if (spread >= 0 && is_guarded(computation, spread))
        others *= GUARDED_SPREAD;
    int vector = choice->schedule->vector_axis;
    if (vector >= 0)
        others /= (double)computation_points(computation, vector);
    int most = rows_without_conflict(choice, axis),
        sums = choice_gathers(choice) ? GATHER_MOST : ROWS_MOST * VECTORS_MOST;
    for (int rows = 1; rows <= most && rows <= extent; rows++) {
        for (int vectors = 1; vectors <= VECTORS_MOST && vectors <= vectors_extent; vectors++) {
            if (!fits_registers(choice, needs, rows * across, vectors) || rows * across * vectors > sums)
                continue;
            double cost = others * axis_cost(needs, extent, rows, across, vectors_extent, vectors, known);
            cost += others * (double)extent / rows * (double)vectors_extent / vectors *
                    scatter_cost(choice, axis, rows * across, vectors);
            offer(tiles,
                  (Tile){.cost = cost, .axis = axis, .spread = spread, .rows = rows, .vectors = vectors});
        }
    }
}

static bool can_spread(const Computation *computation, int axis)
{
    const Axis *spread = &computation->axes[axis];
    return !spread->reduced && spread->kind == EXTENT_FIXED && spread->extent > 1 &&
           spread->extent <= SPREAD_MOST && axis != computation->parallel;
}

static bool choose_sums_tile(Choice *choice)
{
    const Computation *computation = choice->computation;
    CpuSchedule *schedule = choice->schedule;
    TileNeeds needs = tile_needs(choice);
    Tiles tiles = {0};
    int most = 0;
    for (int a = 0; a < computation->axis_count; a++)
        if (!computation->axes[a].reduced && a != schedule->vector_axis && reuse(choice, a) > most)
            most = reuse(choice, a);
    bool spreadable = !has_added_store(computation);
    for (int a = computation->axis_count - 1; a >= 0; a--) {
        if (computation->axes[a].reduced || a == schedule->vector_axis || reuse(choice, a) < most ||
            disturbs_sums(computation, a))
            continue;
        try_rows(choice, &needs, a, -1, &tiles);
        for (int s = 0; s < a && spreadable; s++)
            if (s != schedule->vector_axis && can_spread(computation, s) && reuse(choice, s) >= most)
                try_rows(choice, &needs, a, s, &tiles);
    }
    if (tiles.count == 0 || tiles.tile[0].rows == 1)
        try_rows(choice, &needs, -1, -1, &tiles);
    int rank = choice->variant->tile;
    if (rank >= tiles.count && rank > 0)
        return false;
    Tile best = tiles.count ? tiles.tile[rank] : (Tile){.axis = -1, .spread = -1, .rows = 1, .vectors = 1};
    if (best.cost > WORTH_A_TRY * tiles.tile[0].cost)
        return false;
    schedule->row_axis = best.rows > 1 || best.spread >= 0 ? best.axis : -1;
    schedule->spread_axis = best.axis >= 0 ? best.spread : -1;
    schedule->rows = best.rows;
    schedule->vectors = best.vectors;
    choice->tile_cost = best.cost;
    return true;
}

/* Without sums there is nothing to keep in registers: some vectors at a time, fewer where each needs many; or
 * a square that is turned. */
static void choose_plain_tile(Choice *choice)
{
    CpuSchedule *schedule = choice->schedule;
    double work = 0;
    for (size_t i = 0; i < choice->computation->exprs.count; i++)
        work += operation_cost(choice_expr(choice, i));
    int64_t vectors = work > 2 * HEAVY_COST ? 1 : work > HEAVY_COST ? 2 : 4, extent = vectors_along(choice);
    schedule->row_axis = turned_axis(choice->computation, schedule->vector_axis, choice->target->lanes);
    schedule->spread_axis = -1;
    schedule->rows = schedule->row_axis < 0 ? 1 : choice->target->lanes;
    schedule->vectors = schedule->row_axis >= 0 ? 1 : (int)(vectors < extent ? vectors : extent);
}

int choice_tile_rows(const Choice *choice)
{
    int spread = choice->schedule->spread_axis;
    return choice->schedule->rows * (spread < 0 ? 1 : (int)choice->computation->axes[spread].extent);
}

static double stores_cost(const Choice *choice)
{
    double cost = 0;
    for (size_t i = 0; i < choice->computation->exprs.count; i++)
        cost += choice->summed[i] ? 0 : operation_cost(choice_expr(choice, i));
    return cost * choice_tile_rows(choice) * choice->schedule->vectors;
}

bool choice_tile(Choice *choice)
{
    CpuSchedule *schedule = choice->schedule;
    if (choice->computation->accs.count) {
        if (!choose_sums_tile(choice))
            return false;
    } else if (choice->variant->tile > 0) {
        return false;
    } else {
        choose_plain_tile(choice);
    }
    schedule->rows_looped =
        schedule->row_axis >= 0 && schedule->spread_axis < 0 && stores_cost(choice) > STORES_MOST;
    return true;
}
