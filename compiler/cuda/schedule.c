/* Who computes what, on a GPU: a thread for each point, several threads for a point with long sums, or tiles
 * for products of matrices, to which convolutions belong: rows are the points that one operand depends on,
 * columns those of the other ("implicit GEMM": Chetlur et al., "cuDNN: efficient primitives for deep
 * learning", 2014, section 3). */
#include <stdio.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cuda/cuda.h"

enum {
    CAPABILITY_LEAST = 80, /* from which on products of bf16 have an instruction */
    MULTIPROCESSORS = 108, /* of an A100 */
    WARP = 32,
    BLOCK = 256,
    /* Sums of so many terms are worth several threads. */
    LONG_SUM = 64,
    /* So many threads keep a multiprocessor busy. */
    BUSY_THREADS = 512,
    /* Registers of a thread that hold sums. */
    SUMS_MOST = 64,
    /* A tile with fewer rows or columns reads more than it computes. */
    ROWS_LEAST = 8,
    COLUMNS_LEAST = 4,
    STEPS_LEAST = 8,
    /* A grid has no more blocks along y and z. */
    GRID_MOST = 65535
};

const CudaTarget *cuda_target(Arena *arena, const char *architecture, const char **complaint)
{
    CudaTarget *target = NEW(arena, CudaTarget);
    char rest;
    if (sscanf(architecture, "sm_%3d%c", &target->capability, &rest) != 1 ||
        target->capability < CAPABILITY_LEAST) {
        *complaint =
            arena_printf(arena, "'%s' is no GPU architecture from sm_%d on", architecture, CAPABILITY_LEAST);
        return NULL;
    }
    target->architecture = arena_text(arena, architecture, strlen(architecture));
    target->multiprocessors = MULTIPROCESSORS;
    return target;
}

/* ---- Which axes something depends on: a bit for each ---- */

static uint32_t axes_of(const Affine *at)
{
    uint32_t axes = 0;
    for (int a = 0; a < AXIS_MAX; a++)
        axes |= (uint32_t)(at->coef[a] != 0) << a;
    return axes;
}

static uint32_t axes_of_guard(const Computation *computation, int guard)
{
    return axes_of(&computation->guards.items[guard].at);
}

static uint32_t axes_of_load(const Computation *computation, const Expr *load)
{
    uint32_t axes = axes_of(&load->at);
    for (int g = 0; g < load->guard_count; g++)
        axes |= axes_of_guard(computation, load->guard_first + g);
    return axes;
}

/* Those of more than one point. */
static uint32_t output_axes(const Computation *computation)
{
    uint32_t axes = 0;
    for (int a = 0; a < computation->axis_count; a++)
        if (!computation->axes[a].reduced && computation->axes[a].extent > 1)
            axes |= 1u << a;
    return axes;
}

/* The most points of these axes together. */
static double points_of(const Computation *computation, uint32_t axes)
{
    double points = 1;
    for (int a = 0; a < computation->axis_count; a++)
        if (axes >> a & 1)
            points *= (double)computation->axes[a].extent;
    return points;
}

static bool within(uint32_t axes, uint32_t of)
{
    return (axes & ~of) == 0;
}

/* ---- Products of matrices ---- */

/* The two loads whose products the accumulator sums; false: it sums something else. */
static bool factors(const Computation *computation, const Accumulator *acc, const Expr *load[2])
{
    const Expr *product = &computation->exprs.items[acc->expr];
    if (acc->kind != ACC_SUM || !acc->contraction || product->kind != EXPR_SCALAR ||
        product->scalar != SCALAR_mul)
        return false;
    for (int i = 0; i < 2; i++)
        load[i] = &computation->exprs.items[product->in[i]];
    return load[0]->kind == EXPR_LOAD && load[1]->kind == EXPR_LOAD;
}

/* What rows, columns and the grid's axes are, by the first accumulator; false: neither operand of another
 * fits, or an axis is nobody's. */
static bool find_roles(const Computation *computation, uint32_t *rows, uint32_t *columns)
{
    uint32_t outputs = output_axes(computation);
    for (size_t i = 0; i < computation->accs.count; i++) {
        const Accumulator *acc = &computation->accs.items[i];
        const Expr *load[2];
        if (!factors(computation, acc, load))
            return false;
        uint32_t a = axes_of_load(computation, load[0]) & outputs,
                 b = axes_of_load(computation, load[1]) & outputs;
        if (i == 0) {
            if ((a | b) != outputs)
                return false;
            *rows = a & ~b;
            *columns = b & ~a;
        }
        uint32_t of_rows = outputs & ~*columns, of_columns = outputs & ~*rows;
        bool straight = within(a, of_rows) && within(b, of_columns),
             crossed = within(b, of_rows) && within(a, of_columns);
        if (!straight && !crossed)
            return false;
        for (int g = 0; g < acc->guard_count; g++) {
            uint32_t axes = axes_of_guard(computation, acc->guard_first + g) & outputs;
            if (!within(axes, of_rows) && !within(axes, of_columns))
                return false;
        }
    }
    return computation->accs.count > 0;
}

/* Results lie side by side along the columns, so that neighbouring threads write neighbouring elements. */
static bool is_contiguous(const Computation *computation, uint32_t axes)
{
    for (size_t s = 0; s < computation->stores.count; s++)
        for (int a = 0; a < computation->axis_count; a++)
            if (axes >> a & 1 && computation->stores.items[s].at.coef[a] == 1)
                return true;
    return false;
}

static int power_of_2(double least, int from, int most)
{
    int power = from;
    while (power < most && power < least)
        power *= 2;
    return power;
}

/* Both operands are bf16 in memory, and many enough. */
static bool fits_matrix(const Computation *computation, double rows, double columns)
{
    for (size_t i = 0; i < computation->accs.count; i++) {
        const Expr *load[2];
        if (!factors(computation, &computation->accs.items[i], load))
            return false;
        bool small = false;
        for (int k = 0; k < 2; k++)
            small = small || computation->tensors.items[load[k]->index].dtype == DTYPE_BF16;
        if (!small)
            return false;
    }
    return rows >= 16 && columns >= 8;
}

static bool choose_tiles(const CudaTarget *target, const Computation *computation, CudaSchedule *schedule)
{
    uint32_t rows = 0, columns = 0, outputs = output_axes(computation);
    if (!find_roles(computation, &rows, &columns))
        return false;
    if (is_contiguous(computation, rows) && !is_contiguous(computation, columns)) {
        uint32_t swapped = rows;
        rows = columns;
        columns = swapped;
    }
    double row_points = points_of(computation, rows), column_points = points_of(computation, columns),
           steps = points_of(computation, ~outputs);
    if (row_points < ROWS_LEAST || column_points < COLUMNS_LEAST || steps < STEPS_LEAST)
        return false;
    double apart = points_of(computation, outputs & ~rows & ~columns);
    if (column_points > GRID_MOST || apart * (schedule->slice ? CUDA_SLICES_MOST : 1) > GRID_MOST)
        return false;
    int accs = (int)computation->accs.count;
    schedule->form = CUDA_TILES;
    schedule->matrix = fits_matrix(computation, row_points, column_points);
    schedule->steps = schedule->matrix ? 32 : 16;
    schedule->columns = power_of_2(column_points, schedule->matrix ? 8 : 4, 64);
    schedule->rows = power_of_2(row_points, schedule->matrix ? 16 : 8, 64);
    /* A thread of the tensor cores has half as many sums as the tile has columns. */
    while (schedule->matrix && accs * schedule->columns > 2 * SUMS_MOST && schedule->columns > 8)
        schedule->columns /= 2;
    for (int a = 0; a < computation->axis_count; a++)
        schedule->role[a] = computation->axes[a].reduced ? CUDA_STEP
                            : rows >> a & 1              ? CUDA_ROW
                            : columns >> a & 1           ? CUDA_COLUMN
                                                         : CUDA_GRID;
    if (schedule->matrix) {
        /* A warp has 16 rows and all columns. */
        schedule->threads = schedule->rows / 16 * WARP;
    } else {
        schedule->thread_rows = schedule->rows >= 32 ? 4 : schedule->rows >= 16 ? 2 : 1;
        schedule->thread_columns = schedule->columns >= 32 ? 4 : schedule->columns >= 16 ? 2 : 1;
        schedule->threads =
            schedule->rows / schedule->thread_rows * (schedule->columns / schedule->thread_columns);
    }
    /* Few tiles of long sums leave most of the machine idle. */
    double tiles = row_points / schedule->rows * column_points / schedule->columns * apart;
    return schedule->slice || schedule->threads < WARP || steps < 4 * LONG_SUM ||
           tiles >= target->multiprocessors / 8.0;
}

/* ---- Other sums ---- */

/* Do the elements that the reduced axes step through lie side by side? */
static bool steps_are_contiguous(const Computation *computation)
{
    int last = computation->axis_count - 1;
    for (size_t i = 0; i < computation->exprs.count; i++)
        if (computation->exprs.items[i].kind == EXPR_LOAD && computation->exprs.items[i].at.coef[last] == 1)
            return true;
    return false;
}

static void choose_sums(const CudaTarget *target, const Computation *computation, CudaSchedule *schedule)
{
    uint32_t outputs = output_axes(computation);
    double points = points_of(computation, outputs), steps = points_of(computation, ~outputs);
    schedule->form = CUDA_POINTS;
    schedule->threads = BLOCK;
    if (computation->accs.count == 0 || steps < LONG_SUM)
        return;
    double busy = (double)target->multiprocessors * BUSY_THREADS;
    int reducers = power_of_2(busy / points, 1, BLOCK);
    while (reducers > 1 && reducers * 2 > steps)
        reducers /= 2;
    if (reducers == 1)
        return;
    schedule->form = CUDA_REDUCE;
    schedule->reducers = reducers;
    schedule->neighbors = steps_are_contiguous(computation);
}

void cuda_schedule(const CudaTarget *target, const Computation *computation, int64_t slice,
                   CudaSchedule *schedule)
{
    *schedule = (CudaSchedule){0};
    for (size_t i = 0; i < computation->tensors.count; i++) {
        const KernelTensor *tensor = &computation->tensors.items[i];
        if (computation->chunked && tensor->slice && tensor->written)
            schedule->slice = slice;
    }
    CudaSchedule tiles = *schedule;
    if (choose_tiles(target, computation, &tiles))
        *schedule = tiles;
    else
        choose_sums(target, computation, schedule);
}

void cuda_schedule_print(const CudaSchedule *schedule, Text *out)
{
    text_printf(out, "  on a GPU: blocks of %d threads", schedule->threads);
    switch (schedule->form) {
    case CUDA_POINTS:
        text_printf(out, ", each a point");
        break;
    case CUDA_REDUCE:
        text_printf(out, ", %d for a point%s", schedule->reducers,
                    schedule->neighbors ? ", side by side" : "");
        break;
    case CUDA_TILES:
        text_printf(out, ", for %d rows x %d columns, %d steps at a time%s", schedule->rows,
                    schedule->columns, schedule->steps, schedule->matrix ? ", by tensor cores" : "");
        break;
    }
    text_printf(out, "%s\n", schedule->slice ? ", in slices" : "");
}

/* ---- The grid ---- */

static bool in_extent(const CudaSchedule *schedule, int axis, CudaRole role)
{
    return schedule->form == CUDA_TILES ? schedule->role[axis] == role : role == CUDA_ROW;
}

static CnnGpuExtent extent_of(const Computation *computation, const CudaSchedule *schedule, CudaRole role,
                              int64_t tile)
{
    CnnGpuExtent extent = {.points = 1, .tile = tile};
    for (int a = 0; a < computation->axis_count; a++) {
        const Axis *axis = &computation->axes[a];
        if (axis->reduced || !in_extent(schedule, a, role))
            continue;
        if (axis->kind == EXTENT_FIXED)
            extent.points *= axis->extent;
        extent.of_samples |= axis->kind == EXTENT_BATCH;
        extent.of_slices |= axis->kind == EXTENT_SLICES;
    }
    return extent;
}

void cuda_grid(const Computation *computation, const CudaSchedule *schedule, CnnGpuExtent grid[3])
{
    bool tiles = schedule->form == CUDA_TILES;
    int64_t per_block = tiles                           ? schedule->rows
                        : schedule->form == CUDA_REDUCE ? schedule->threads / schedule->reducers
                                                        : schedule->threads;
    grid[0] = extent_of(computation, schedule, CUDA_ROW, per_block);
    grid[1] = extent_of(computation, schedule, CUDA_COLUMN, tiles ? schedule->columns : 1);
    grid[2] = extent_of(computation, schedule, CUDA_GRID, 1);
    grid[2].of_slices |= schedule->slice > 0;
}
