/* Sums of products with weights by matrix instructions: tiles of 16 x 16 sums stay in registers while the
 * reduced loops run, then go through memory to the stores. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/emit_matrix.h"

enum {
    TILE = 16,
    ROW_BYTES = 64,
    SUMS = 4,
    TILE_A = 4,
    TILE_B = 6,
    COPY_ROOM = 128, /* elements behind the copy that its last vector may write */
    STEPS_WRITTEN_OUT = 9
};

/* ---- Before the loops ---- */

static int find_copy_level(const Emit *emit, const MatrixForm *form)
{
    int level = 0;
    for (int i = 0; i < emit->schedule->order_count; i++)
        if (form->outside >> emit->schedule->order[i] & 1)
            level = i + 1;
    return level;
}

static void prepare_product(Emit *emit)
{
    const CpuSchedule *schedule = emit->schedule;
    struct EmitMatrix *matrix = emit->matrix = NEW(emit->arena, struct EmitMatrix);
    const char *complaint = matrix_form(emit->computation, &matrix->form);
    if (complaint)
        BUG("%s: %s", emit->computation->name, complaint);
    const MatrixForm *form = &matrix->form;
    matrix->main = form->run < TILE ? form->run : TILE;
    matrix->blocks = form->run / matrix->main;
    matrix->tail = form->run % matrix->main;
    matrix->b = amx_tensor(emit, form->b);
    matrix->from = amx_tensor(emit, form->a[0]);
    matrix->a = form->copied ? amx_memory(emit, emit->i16, form->elements + COPY_ROOM) : matrix->from;
    matrix->copy_level = form->copied ? find_copy_level(emit, form) : -1;
    matrix->slots = (schedule->rows + TILE) * schedule->vectors;
    emit->scratch =
        amx_memory(emit, LLVMVectorType(emit->f32, TILE), (int64_t)form->acc_count * matrix->slots);
    matrix->shapes =
        amx_shapes(emit, schedule->rows < TILE ? schedule->rows : TILE, matrix->main, matrix->tail);
}

void matrix_level(Emit *emit, int level)
{
    if (level == emit->matrix->copy_level)
        matrix_copy(emit);
}

void matrix_prepare(Emit *emit)
{
    MatrixForm form;
    if (matrix_form(emit->computation, &form))
        weights_prepare(emit);
    else
        prepare_product(emit);
}

void matrix_finish(Emit *emit)
{
    amx_release(emit);
}

/* ---- One tile of the schedule: several of the machine ---- */

/* A tile of sums. */
typedef struct {
    int acc, vector;
    int64_t row; /* its first row, counted from that of the schedule's tile */
} Sum;

typedef struct {
    Emit *emit;
    int count;
    Sum sum[SUMS];
} Sums;

static int64_t row_step(const Emit *emit)
{
    return emit->matrix->form.at[0].coef[emit->schedule->row_axis];
}

/* One step: the products of up to 16 pairs. `a` and `b` point to what the tile's first row and column read.
 */
static void step(const Sums *sums, LLVMValueRef *a, LLVMValueRef b, int rest)
{
    Emit *emit = sums->emit;
    const MatrixForm *form = &emit->matrix->form;
    int vector = -1, loaded = -1;
    for (int i = 0; i < sums->count; i++) {
        /* Where the vector changes, the operand A at hand is used first. */
        int at = i;
        bool back = false;
        if (sums->sum[i].vector != vector) {
            vector = sums->sum[i].vector;
            amx_load(emit, TILE_B + rest,
                     matrix_at(emit, b, matrix_number(emit, (int64_t)vector * ROW_BYTES)), 2 * form->b_row);
        }
        back = vector % 2;
        if (back) { /* the sums of this vector from the last to the first */
            int first = i, last = i;
            while (first > 0 && sums->sum[first - 1].vector == vector)
                first--;
            while (last + 1 < sums->count && sums->sum[last + 1].vector == vector)
                last++;
            at = first + last - i;
        }
        const Sum *sum = &sums->sum[at];
        int operand = sum->acc * 1024 + (int)sum->row;
        if (operand != loaded)
            amx_load(emit, TILE_A + rest,
                     matrix_at(emit, a[sum->acc], matrix_number(emit, 2 * sum->row * row_step(emit))),
                     2 * row_step(emit));
        loaded = operand;
        amx_multiply(emit, at, TILE_A + rest, TILE_B + rest);
    }
}

/* Pointers moved by so many elements, times `times` (i64; NULL: once). */
static void move(const Sums *sums, LLVMValueRef *a, LLVMValueRef *b, LLVMValueRef times, int64_t a_step,
                 int64_t b_step)
{
    Emit *emit = sums->emit;
    LLVMValueRef by_a = matrix_number(emit, 2 * a_step), by_b = matrix_number(emit, 2 * b_step);
    if (times) {
        by_a = LLVMBuildMul(emit->builder, times, by_a, "");
        by_b = LLVMBuildMul(emit->builder, times, by_b, "");
    }
    for (int i = 0; i < emit->matrix->form.acc_count; i++)
        a[i] = matrix_at(emit, a[i], by_a);
    *b = matrix_at(emit, *b, by_b);
}

/* The terms that lie side by side. */
static void run(const Sums *sums, LLVMValueRef *a, LLVMValueRef b)
{
    Emit *emit = sums->emit;
    const struct EmitMatrix *matrix = emit->matrix;
    int64_t a_step = 2 * matrix->main, b_step = matrix->form.b_row * matrix->main;
    LLVMValueRef at[MATRIX_ACCS], weights = b;
    size_t bytes = (size_t)matrix->form.acc_count * sizeof *at;
    memcpy(at, a, bytes);
    if (matrix->blocks > STEPS_WRITTEN_OUT) {
        Count loop;
        count_begin(emit, &loop, matrix->blocks);
        move(sums, at, &weights, loop.index, a_step, b_step);
        step(sums, at, weights, 0);
        count_end(emit, &loop);
    } else {
        for (int64_t i = 0; i < matrix->blocks; i++) {
            memcpy(at, a, bytes);
            weights = b;
            move(sums, at, &weights, NULL, i * a_step, i * b_step);
            step(sums, at, weights, 0);
        }
    }
    if (matrix->tail) {
        memcpy(at, a, bytes);
        weights = b;
        move(sums, at, &weights, NULL, matrix->blocks * a_step, matrix->blocks * b_step);
        step(sums, at, weights, 1);
    }
}

/* The other reduced axes, from number `t` on; those inside that are `steps` steps in all are written out. */
static void taps(const Sums *sums, int t, LLVMValueRef *a, LLVMValueRef b)
{
    Emit *emit = sums->emit;
    const struct EmitMatrix *matrix = emit->matrix;
    const MatrixForm *form = &matrix->form;
    if (t == form->tap_count) {
        run(sums, a, b);
        return;
    }
    int64_t steps = matrix->blocks + (matrix->tail > 0);
    for (int i = t; i < form->tap_count; i++)
        steps *= emit->computation->axes[form->tap[i]].extent;
    int axis = form->tap[t];
    int64_t extent = emit->computation->axes[axis].extent, a_step = form->at[0].coef[axis],
            b_step = emit_expr(emit, form->b)->at.coef[axis];
    LLVMValueRef at[MATRIX_ACCS], weights;
    size_t bytes = (size_t)form->acc_count * sizeof *at;
    if (steps > STEPS_WRITTEN_OUT) {
        Count loop;
        count_begin(emit, &loop, extent);
        memcpy(at, a, bytes);
        weights = b;
        move(sums, at, &weights, loop.index, a_step, b_step);
        taps(sums, t + 1, at, weights);
        count_end(emit, &loop);
        return;
    }
    for (int64_t i = 0; i < extent; i++) {
        memcpy(at, a, bytes);
        weights = b;
        move(sums, at, &weights, NULL, i * a_step, i * b_step);
        taps(sums, t + 1, at, weights);
    }
}

static void finish_group(Sums *sums, LLVMValueRef *a, LLVMValueRef b)
{
    Emit *emit = sums->emit;
    for (int i = 0; i < sums->count; i++)
        amx_zero(emit, i);
    taps(sums, 0, a, b);
    for (int i = 0; i < sums->count; i++) {
        const Sum *sum = &sums->sum[i];
        int64_t slot = emit->slots[sum->acc].first + sum->row * emit->vectors + sum->vector;
        amx_store(emit, i, matrix_at(emit, emit->scratch, matrix_number(emit, slot * ROW_BYTES)),
                  (int64_t)emit->vectors * ROW_BYTES);
    }
    sums->count = 0;
}

/* Rows of the last, incomplete tile of the machine are computed with those before them, which are then there
 * twice. */
static int64_t first_row(const Emit *emit, int64_t block)
{
    int64_t full = emit->schedule->rows < TILE ? emit->schedule->rows : TILE, row = block * full;
    return row + full <= emit->rows ? row : emit->rows - full;
}

/* The shapes for as many rows as there are. */
static LLVMValueRef shapes_for_rest(Emit *emit)
{
    enum { ROWS_AT = 48 };
    struct EmitMatrix *matrix = emit->matrix;
    LLVMValueRef rows = LLVMBuildTrunc(emit->builder, emit->rows_left, emit->i8, "");
    LLVMBasicBlockRef here = LLVMGetInsertBlock(emit->builder);
    LLVMPositionBuilderBefore(emit->builder, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(emit->function)));
    LLVMValueRef memory = amx_memory(emit, emit->i8, 64);
    LLVMPositionBuilderAtEnd(emit->builder, here);
    LLVMBuildMemCpy(emit->builder, memory, 64, matrix->shapes, 64, matrix_number(emit, 64));
    for (int tile = 0; tile < TILE_B; tile++)
        if (tile <= TILE_A || matrix->tail)
            LLVMBuildStore(emit->builder, rows, matrix_at(emit, memory, matrix_number(emit, ROWS_AT + tile)));
    return memory;
}

void matrix_sums(Emit *emit)
{
    struct EmitMatrix *matrix = emit->matrix;
    const MatrixForm *form = &matrix->form;
    LLVMValueRef a[MATRIX_ACCS];
    for (int i = 0; i < form->acc_count; i++) {
        LLVMValueRef at =
            LLVMBuildMul(emit->builder, place_affine(emit, &form->at[i]), matrix_number(emit, 2), "");
        a[i] = matrix_at(emit, matrix->a, at);
        emit->slots[i].first = i * matrix->slots + TILE * emit->vectors;
    }
    LLVMValueRef b_at = LLVMBuildMul(emit->builder, place_affine(emit, &emit_expr(emit, form->b)->at),
                                     matrix_number(emit, 2), "");
    LLVMValueRef b = matrix_at(emit, matrix->b, b_at);
    if (emit->rows_left)
        amx_load_shapes(emit, shapes_for_rest(emit));
    int64_t full = emit->schedule->rows < TILE ? emit->schedule->rows : TILE;
    int64_t blocks = emit->rows_left ? 1 : (emit->rows + full - 1) / full;
    Sums sums = {.emit = emit};
    for (int vector = 0; vector < emit->vectors; vector++) {
        for (int acc = 0; acc < form->acc_count; acc++) {
            for (int64_t block = 0; block < blocks; block++) {
                int64_t row = emit->rows_left ? 0 : first_row(emit, block);
                sums.sum[sums.count++] = (Sum){.acc = acc, .vector = vector, .row = row};
                if (sums.count == SUMS)
                    finish_group(&sums, a, b);
            }
        }
    }
    if (sums.count)
        finish_group(&sums, a, b);
    if (emit->rows_left)
        amx_load_shapes(emit, matrix->shapes);
}
