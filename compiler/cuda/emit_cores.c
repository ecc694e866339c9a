/* Tiles by the tensor cores: mma.m16n8k16 of bf16 with sums in f32 (PTX ISA, "Matrix fragments for
 * mma.m16n8k16"). A warp has 16 rows and all columns of the tile. Shared memory keeps the steps of a row, or
 * of a column, side by side, in lines whose length is no multiple of the banks. */
#include "compiler/cuda/emit_tiles.h"

enum { MATRIX_ROWS = 16, MATRIX_COLUMNS = 8, MATRIX_STEPS = 16, PADDING = 8 };

static int line_length(const CudaSchedule *schedule)
{
    return schedule->steps + PADDING;
}

void cores_memory(Tiles *tiles)
{
    const CudaSchedule *schedule = tiles->emit->schedule;
    for (size_t i = 0; i < tiles->operands.count; i++)
        emit_line(tiles->emit, "CNNC_SHARED unsigned short s%zu[%d][%d];", i,
                  tiles_side(schedule, &tiles->operands.items[i]), line_length(schedule));
}

void cores_start(Tiles *tiles)
{
    Emit *emit = tiles->emit;
    const CudaSchedule *schedule = emit->schedule;
    emit_line(
        emit,
        "const int row1 = CNNC_THREAD / 32 * %d, group = CNNC_THREAD %% 32 / 4, pair = CNNC_THREAD %% 4 * 2;",
        MATRIX_ROWS);
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        emit_line(emit, "float c%zu[%d][4] = {{0.0f}};", i, schedule->columns / MATRIX_COLUMNS);
}

void cores_copy(Emit *emit, int operand, const char *value)
{
    emit_line(emit, "s%d[side1][step] = cnnc_bf16_of(%s);", operand, value);
}

/* The fragments of the rows' operands, then of the columns', eight columns at a time. */
void cores_multiply(Tiles *tiles)
{
    Emit *emit = tiles->emit;
    const CudaSchedule *schedule = emit->schedule;
    emit_line(emit, "CNNC_UNROLL");
    size_t steps =
        emit_open(emit, "for (int step = pair; step < %d; step += %d)", schedule->steps, MATRIX_STEPS);
    for (size_t i = 0; i < tiles->operands.count; i++) {
        if (tiles->operands.items[i].side != CUDA_ROW)
            continue;
        emit_line(emit, "const unsigned r%zu[4] = {", i);
        for (int part = 0; part < 4; part++)
            emit_line(emit, "    cnnc_pair(&s%zu[row1 + group + %d][step + %d]),", i, part % 2 * 8,
                      part / 2 * 8);
        emit_line(emit, "};");
    }
    emit_line(emit, "CNNC_UNROLL");
    size_t columns = emit_open(emit, "for (int j = 0; j < %d; j++)", schedule->columns / MATRIX_COLUMNS);
    for (size_t i = 0; i < tiles->operands.count; i++)
        if (tiles->operands.items[i].side == CUDA_COLUMN)
            emit_line(emit,
                      "const unsigned r%zu[2] = {cnnc_pair(&s%zu[j * %d + group][step]), cnnc_pair(&s%zu[j * "
                      "%d + group][step + 8])};",
                      i, i, MATRIX_COLUMNS, i, MATRIX_COLUMNS);
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        emit_line(emit, "cnnc_mma_bf16(c%zu[j], r%d, r%d);", i, tiles->of_rows[i], tiles->of_columns[i]);
    emit_close(emit, columns);
    emit_close(emit, steps);
}

void cores_store(Tiles *tiles)
{
    Emit *emit = tiles->emit;
    const CudaSchedule *schedule = emit->schedule;
    emit_line(emit, "CNNC_UNROLL");
    size_t outer = emit_open(emit, "for (int j = 0; j < %d; j++)", schedule->columns / MATRIX_COLUMNS);
    emit_line(emit, "CNNC_UNROLL");
    size_t inner = emit_open(emit, "for (int i = 0; i < 4; i++)");
    emit->sum = "[j][i]";
    tiles_store(emit, "row1 + group + i / 2 * 8",
                arena_printf(emit->arena, "j * %d + pair + i %% 2", MATRIX_COLUMNS));
    emit_close(emit, inner);
    emit_close(emit, outer);
}
