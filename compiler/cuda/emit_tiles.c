/* Kernels in which a block makes a tile of rows x columns: for some steps at a time both operands are copied
 * to shared memory, from where each thread takes what its own rows and columns want. */
#include "compiler/cuda/emit_tiles.h"

#include "compiler/base/bug.h"

static bool has_role(const Emit *emit, int axis, CudaRole role)
{
    return emit->schedule->role[axis] == role;
}

static bool is_row(const Emit *emit, int axis)
{
    return has_role(emit, axis, CUDA_ROW);
}

static bool is_column(const Emit *emit, int axis)
{
    return has_role(emit, axis, CUDA_COLUMN);
}

static bool is_grid(const Emit *emit, int axis)
{
    return has_role(emit, axis, CUDA_GRID);
}

/* ---- Operands ---- */

/* Does the affine move along an axis of this role? */
static bool moves(const Emit *emit, const Affine *at, CudaRole role)
{
    for (int a = 0; a < emit->computation->axis_count; a++)
        if (at->coef[a] && has_role(emit, a, role))
            return true;
    return false;
}

static bool load_moves(const Emit *emit, ExprId id, CudaRole role)
{
    const Expr *load = &emit->computation->exprs.items[id];
    bool moved = moves(emit, &load->at, role);
    for (int g = 0; g < load->guard_count; g++)
        moved |= moves(emit, &emit->computation->guards.items[load->guard_first + g].at, role);
    return moved;
}

/* The guards of an accumulator that ask of this side: those of the columns, or all others. */
static bool is_of_side(const Emit *emit, int guard, CudaRole side)
{
    bool of_columns = moves(emit, &emit->computation->guards.items[guard].at, CUDA_COLUMN);
    return of_columns == (side == CUDA_COLUMN);
}

static bool has_guards(const Emit *emit, const Accumulator *acc, CudaRole side)
{
    for (int g = 0; g < acc->guard_count; g++)
        if (is_of_side(emit, acc->guard_first + g, side))
            return true;
    return false;
}

static int find_operand(Tiles *tiles, const Accumulator *acc, ExprId load, CudaRole side)
{
    Emit *emit = tiles->emit;
    Operand operand = {.load = load, .side = side};
    if (has_guards(emit, acc, side)) {
        operand.guard_first = acc->guard_first;
        operand.guard_count = acc->guard_count;
    }
    for (size_t i = 0; i < tiles->operands.count; i++) {
        const Operand *known = &tiles->operands.items[i];
        if (known->load == load && known->side == side && known->guard_count == operand.guard_count &&
            (operand.guard_count == 0 || known->guard_first == operand.guard_first))
            return (int)i;
    }
    *vec_push(emit->arena, &tiles->operands) = operand;
    return (int)tiles->operands.count - 1;
}

static void find_operands(Tiles *tiles)
{
    Emit *emit = tiles->emit;
    const Computation *computation = emit->computation;
    tiles->of_rows = NEW_ARRAY(emit->arena, int, computation->accs.count);
    tiles->of_columns = NEW_ARRAY(emit->arena, int, computation->accs.count);
    for (size_t i = 0; i < computation->accs.count; i++) {
        const Accumulator *acc = &computation->accs.items[i];
        const Expr *product = &computation->exprs.items[acc->expr];
        /* What moves along neither fits both sides. */
        bool straight =
            !load_moves(emit, product->in[0], CUDA_COLUMN) && !load_moves(emit, product->in[1], CUDA_ROW);
        tiles->of_rows[i] = find_operand(tiles, acc, product->in[straight ? 0 : 1], CUDA_ROW);
        tiles->of_columns[i] = find_operand(tiles, acc, product->in[straight ? 1 : 0], CUDA_COLUMN);
    }
}

/* Whether neighbouring steps, and not neighbouring rows or columns, lie side by side in memory. */
static bool steps_first(const Emit *emit, const Operand *operand)
{
    int last = emit->computation->axis_count - 1;
    return emit->computation->exprs.items[operand->load].at.coef[last] == 1;
}

int tiles_side(const CudaSchedule *schedule, const Operand *operand)
{
    return operand->side == CUDA_ROW ? schedule->rows : schedule->columns;
}

/* The condition of an element: inside the extents, and what the guards of this side say. */
static const char *condition_of(Emit *emit, const Operand *operand)
{
    EmitChoose *of_side = operand->side == CUDA_ROW ? is_row : is_column;
    const char *condition = arena_printf(emit->arena, "side < %s && k < %s", emit_points(emit, of_side),
                                         emit_points(emit, emit_is_reduced));
    for (int g = 0; g < operand->guard_count; g++)
        if (is_of_side(emit, operand->guard_first + g, operand->side))
            condition = emit_both(emit, condition, emit_guards(emit, operand->guard_first + g, 1));
    return condition;
}

/* Operands of one side that are copied in the same order, element by element. */
static void stage_together(Tiles *tiles, CudaRole side, bool by_steps, TilesCopy *copy)
{
    Emit *emit = tiles->emit;
    const CudaSchedule *schedule = emit->schedule;
    int count = 0, length = side == CUDA_ROW ? schedule->rows : schedule->columns;
    size_t mark = 0;
    for (size_t i = 0; i < tiles->operands.count; i++) {
        const Operand *operand = &tiles->operands.items[i];
        if (operand->side != side || steps_first(emit, operand) != by_steps)
            continue;
        if (count++ == 0) {
            emit_line(emit, "CNNC_UNROLL");
            mark = emit_open(emit, "for (int at = CNNC_THREAD; at < %d; at += %d)", length * schedule->steps,
                             schedule->threads);
            if (by_steps)
                emit_line(emit, "const int side1 = at / %d, step = at %% %d;", schedule->steps,
                          schedule->steps);
            else
                emit_line(emit, "const int side1 = at %% %d, step = at / %d;", length, length);
            emit_line(emit, "const %s side = %s0 + side1, k = k0 + step;", emit->index,
                      side == CUDA_ROW ? "row" : "column");
            emit_axes(emit, side == CUDA_ROW ? is_row : is_column, "side");
            emit_axes(emit, emit_is_reduced, "k");
        }
        const Expr *load = &emit->computation->exprs.items[operand->load];
        copy(emit, (int)i, emit_load(emit, load, condition_of(emit, operand)));
    }
    if (count)
        emit_close(emit, mark);
}

void tiles_stage(Tiles *tiles, TilesCopy *copy)
{
    static const CudaRole sides[] = {CUDA_ROW, CUDA_COLUMN};
    for (int s = 0; s < 2; s++)
        for (int by_steps = 0; by_steps < 2; by_steps++)
            stage_together(tiles, sides[s], by_steps, copy);
}

void tiles_store(Emit *emit, const char *row, const char *column)
{
    emit_line(emit, "const %s row = row0 + %s, column = column0 + %s;", emit->index, row, column);
    size_t mark = emit_open(emit, "if (row < %s && column < %s)", emit_points(emit, is_row),
                            emit_points(emit, is_column));
    emit_axes(emit, is_row, "row");
    emit_axes(emit, is_column, "column");
    emit_stores(emit);
    emit_close(emit, mark);
}

/* ---- By multiply-adds ---- */

static void memory(Tiles *tiles)
{
    const CudaSchedule *schedule = tiles->emit->schedule;
    for (size_t i = 0; i < tiles->operands.count; i++)
        emit_line(tiles->emit, "CNNC_SHARED float s%zu[%d][%d];", i, schedule->steps,
                  tiles_side(schedule, &tiles->operands.items[i]));
}

static void start(Tiles *tiles)
{
    Emit *emit = tiles->emit;
    const CudaSchedule *schedule = emit->schedule;
    int across = schedule->columns / schedule->thread_columns;
    emit_line(emit, "const int row1 = CNNC_THREAD / %d, column1 = CNNC_THREAD %% %d;", across, across);
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        emit_line(emit, "float c%zu[%d][%d] = {{0.0f}};", i, schedule->thread_rows, schedule->thread_columns);
}

static void copy(Emit *emit, int operand, const char *value)
{
    emit_line(emit, "s%d[step][side1] = %s;", operand, value);
}

static void multiply(Tiles *tiles)
{
    Emit *emit = tiles->emit;
    const CudaSchedule *schedule = emit->schedule;
    int rows = schedule->thread_rows, columns = schedule->thread_columns;
    emit_line(emit, "CNNC_UNROLL");
    size_t steps = emit_open(emit, "for (int step = 0; step < %d; step++)", schedule->steps);
    for (size_t i = 0; i < tiles->operands.count; i++) {
        bool of_rows = tiles->operands.items[i].side == CUDA_ROW;
        int count = of_rows ? rows : columns;
        emit_line(emit, "float r%zu[%d];", i, count);
        emit_line(emit, "CNNC_UNROLL");
        emit_line(emit, "for (int i = 0; i < %d; i++)", count);
        emit_line(emit, "    r%zu[i] = s%zu[step][%s + i * %d];", i, i, of_rows ? "row1" : "column1",
                  (of_rows ? schedule->rows : schedule->columns) / count);
    }
    emit_line(emit, "CNNC_UNROLL");
    emit_line(emit, "for (int i = 0; i < %d; i++)", rows);
    emit->depth++;
    emit_line(emit, "CNNC_UNROLL");
    size_t inner = emit_open(emit, "for (int j = 0; j < %d; j++)", columns);
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        emit_line(emit, "c%zu[i][j] = fmaf(r%d[i], r%d[j], c%zu[i][j]);", i, tiles->of_rows[i],
                  tiles->of_columns[i], i);
    emit_close(emit, inner);
    emit->depth--;
    emit_close(emit, steps);
}

static void store(Tiles *tiles)
{
    Emit *emit = tiles->emit;
    const CudaSchedule *schedule = emit->schedule;
    emit_line(emit, "CNNC_UNROLL");
    size_t outer = emit_open(emit, "for (int i = 0; i < %d; i++)", schedule->thread_rows);
    emit_line(emit, "CNNC_UNROLL");
    size_t inner = emit_open(emit, "for (int j = 0; j < %d; j++)", schedule->thread_columns);
    emit->sum = "[i][j]";
    tiles_store(emit, arena_printf(emit->arena, "row1 + i * %d", schedule->rows / schedule->thread_rows),
                arena_printf(emit->arena, "column1 + j * %d", schedule->columns / schedule->thread_columns));
    emit_close(emit, inner);
    emit_close(emit, outer);
}

/* ---- Both ---- */

void emit_form_tiles(Emit *emit)
{
    const CudaSchedule *schedule = emit->schedule;
    bool matrix = schedule->matrix;
    Tiles tiles = {.emit = emit};
    find_operands(&tiles);
    (matrix ? cores_memory : memory)(&tiles);
    emit_line(emit, "const %s row0 = (%s)CNNC_BLOCK_X * %d, column0 = (%s)CNNC_BLOCK_Y * %d;", emit->index,
              emit->index, schedule->rows, emit->index, schedule->columns);
    emit_line(emit, "const int block = CNNC_BLOCK_Z%s;", schedule->slice ? " / slices" : "");
    emit_line(emit, "(void)block;");
    emit_axes(emit, is_grid, "block");
    (matrix ? cores_start : start)(&tiles);
    size_t mark = emit_open(emit, "for (%s k0 = 0; k0 < %s; k0 += %d)", emit->index,
                            emit_points(emit, emit_is_reduced), schedule->steps);
    tiles_stage(&tiles, matrix ? cores_copy : copy);
    emit_line(emit, "CNNC_BARRIER();");
    (matrix ? cores_multiply : multiply)(&tiles);
    emit_line(emit, "CNNC_BARRIER();");
    emit_close(emit, mark);
    (matrix ? cores_store : store)(&tiles);
}
