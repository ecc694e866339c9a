/* Weight gradients by AMX. For each sample and band of pixels both operands are copied, then, for every tap
 * of the window, tiles of 16 channels and 16 filters are multiplied along the pixels; the sums wait in memory
 * of the kernel's own. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/emit_weights.h"

enum { TILE = 16, STEP = 32, ROW_BYTES = 64, TILE_A = 4, TILE_B = 6, STEPS_WRITTEN_OUT = 4 };

/* A tile of sums: what its operands start from. */
typedef struct {
    LLVMValueRef a, sums;
    int column; /* which of the operands B */
} Product;

typedef struct {
    Emit *emit;
    LLVMValueRef fresh; /* i1: the sums start here */
    LLVMValueRef b[2];
    int count;
    Product product[WEIGHTS_SUMS];
} Products;

void weights_prepare(Emit *emit)
{
    struct EmitWeights *weights = emit->weights = NEW(emit->arena, struct EmitWeights);
    const char *complaint = weights_form(emit->computation, &weights->form);
    if (complaint)
        BUG("%s: %s", emit->computation->name, complaint);
    const WeightsForm *form = &weights->form;
    int64_t rows = form->block < form->channels ? form->block : form->channels;
    weights->channels = (rows + TILE - 1) / TILE * TILE;
    weights->columns = form->slope_row / 2;
    weights->from = amx_tensor(emit, form->a);
    int64_t phases = form->side[0].step * form->side[1].step,
            turned = phases * weights->channels * form->channel,
            slopes = form->steps * STEP / 2 * form->slope_row;
    weights->turned = amx_memory(emit, emit->i16, turned);
    weights->slopes = amx_memory(emit, emit->i16, slopes);
    weights->sums = amx_memory(emit, emit->f32, form->taps * form->block * weights->columns);
    LLVMValueRef zero = LLVMConstInt(emit->i8, 0, false);
    LLVMBuildMemSet(emit->builder, weights->turned, zero, matrix_number(emit, 2 * turned), 64);
    LLVMBuildMemSet(emit->builder, weights->slopes, zero, matrix_number(emit, 2 * slopes), 64);
    amx_shapes(emit, TILE, TILE, 0);
}

/* ---- Products ---- */

static void one_step(const Products *products, LLVMValueRef pixels)
{
    Emit *emit = products->emit;
    const WeightsForm *form = &emit->weights->form;
    LLVMValueRef by_a = LLVMBuildMul(emit->builder, pixels, matrix_number(emit, 2), ""),
                 by_b = LLVMBuildMul(emit->builder, pixels, matrix_number(emit, form->slope_row), ""),
                 loaded = NULL;
    for (int column = 0; column < 2; column++) {
        bool used = false;
        for (int k = 0; k < products->count; k++) {
            int i = column ? products->count - 1 - k : k; /* so that the operand A at hand is used first */
            const Product *product = &products->product[i];
            if (product->column != column)
                continue;
            if (!used)
                amx_load(emit, TILE_B, matrix_at(emit, products->b[column], by_b), 2 * form->slope_row);
            used = true;
            if (product->a != loaded)
                amx_load(emit, TILE_A, matrix_at(emit, product->a, by_a), 2 * form->channel);
            loaded = product->a;
            amx_multiply(emit, i, TILE_A, TILE_B);
        }
    }
}

static void start_sums(const Products *products)
{
    Emit *emit = products->emit;
    Branch branch;
    branch_begin(emit, &branch, products->fresh);
    for (int i = 0; i < products->count; i++)
        amx_zero(emit, i);
    branch_end(emit, &branch);
    branch_begin(emit, &branch, LLVMBuildNot(emit->builder, products->fresh, ""));
    for (int i = 0; i < products->count; i++)
        amx_load(emit, i, products->product[i].sums, 4 * emit->weights->columns);
    branch_end(emit, &branch);
}

static void finish_group(Products *products)
{
    Emit *emit = products->emit;
    const WeightsForm *form = &emit->weights->form;
    if (products->count == 0)
        return;
    start_sums(products);
    if (form->steps <= STEPS_WRITTEN_OUT) {
        for (int64_t i = 0; i < form->steps; i++)
            one_step(products, matrix_number(emit, i * STEP));
    } else {
        Count loop;
        count_begin(emit, &loop, form->steps);
        one_step(products, LLVMBuildMul(emit->builder, loop.index, matrix_number(emit, STEP), ""));
        count_end(emit, &loop);
    }
    for (int i = 0; i < products->count; i++)
        amx_store(emit, i, products->product[i].sums, 4 * emit->weights->columns);
    products->count = 0;
}

/* ---- Where a tap reads ---- */

/* Elements of the turned picture to where this side's tap starts, and which phase it is. */
static void side_offset(Emit *emit, const WeightsSide *side, LLVMValueRef more, LLVMValueRef *offset,
                        LLVMValueRef *phase)
{
    Affine tap = side->at;
    for (int x = 0; x < emit->computation->axis_count; x++)
        if (emit->computation->axes[x].reduced)
            tap.coef[x] = 0;
    LLVMValueRef at = place_affine(emit, &tap), step = matrix_number(emit, side->step);
    at = LLVMBuildAdd(emit->builder, at, matrix_number(emit, -side->low), "");
    if (more)
        at = LLVMBuildAdd(emit->builder, at, more, "");
    *offset = LLVMBuildUDiv(emit->builder, at, step, "");
    *phase = LLVMBuildURem(emit->builder, at, step, "");
}

/* Where row `row` (i64, of the block at hand) of the sums reads under the tap at hand. */
static LLVMValueRef tap_pointer(Emit *emit, LLVMValueRef row)
{
    const struct EmitWeights *weights = emit->weights;
    const WeightsForm *form = &weights->form;
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef channels = matrix_number(emit, form->channels), more = NULL, channel = row;
    if (form->channels < form->rows || form->block < form->rows) {
        LLVMValueRef all = LLVMBuildAdd(builder, weights->row, row, "");
        more = LLVMBuildUDiv(builder, all, channels, "");
        channel = form->block < form->channels ? row : LLVMBuildURem(builder, all, channels, "");
    }
    LLVMValueRef down, across, phase_y, phase_x;
    side_offset(emit, &form->side[0], NULL, &down, &phase_y);
    side_offset(emit, &form->side[1], more, &across, &phase_x);
    LLVMValueRef phase = LLVMBuildAdd(
        builder, LLVMBuildMul(builder, phase_y, matrix_number(emit, form->side[1].step), ""), phase_x, "");
    LLVMValueRef line = LLVMBuildMul(builder, phase, matrix_number(emit, weights->channels), "");
    line = LLVMBuildMul(builder, LLVMBuildAdd(builder, line, channel, ""), matrix_number(emit, form->channel),
                        "");
    LLVMValueRef pixel =
        LLVMBuildAdd(builder, LLVMBuildMul(builder, down, matrix_number(emit, form->pitch), ""), across, "");
    LLVMValueRef at = LLVMBuildAdd(builder, line, pixel, "");
    return matrix_at(emit, weights->turned, LLVMBuildMul(builder, at, matrix_number(emit, 2), ""));
}

/* ---- Loops over the sums ---- */

/* All taps, for `rows` and `columns` tiles from these on. */
static void multiply(Products *products, LLVMValueRef row, LLVMValueRef column, int rows, int columns)
{
    Emit *emit = products->emit;
    const struct EmitWeights *weights = emit->weights;
    const WeightsForm *form = &weights->form;
    LLVMBuilderRef builder = emit->builder;
    Standpoint outer = emit->place;
    for (int c = 0; c < columns; c++) {
        LLVMValueRef at = LLVMBuildAdd(builder, column, matrix_number(emit, c * TILE), "");
        products->b[c] =
            matrix_at(emit, weights->slopes, LLVMBuildMul(builder, at, matrix_number(emit, 4), ""));
    }
    for (int64_t tap = 0; tap < form->taps; tap++) {
        int64_t left = tap;
        for (int t = form->tap_count - 1; t >= 0; t--) {
            int64_t extent = emit->computation->axes[form->tap[t]].extent;
            place_fix(emit, form->tap[t], left % extent);
            left /= extent;
        }
        if (products->count + rows * columns > WEIGHTS_SUMS)
            finish_group(products);
        for (int r = 0; r < rows; r++) {
            LLVMValueRef at = LLVMBuildAdd(builder, row, matrix_number(emit, r * TILE), "");
            LLVMValueRef a = tap_pointer(emit, at);
            at = LLVMBuildAdd(builder, at, matrix_number(emit, tap * form->block), "");
            at = LLVMBuildAdd(builder, LLVMBuildMul(builder, at, matrix_number(emit, weights->columns), ""),
                              column, "");
            for (int c = 0; c < columns; c++) {
                LLVMValueRef sums = LLVMBuildAdd(builder, at, matrix_number(emit, c * TILE), "");
                sums =
                    matrix_at(emit, weights->sums, LLVMBuildMul(builder, sums, matrix_number(emit, 4), ""));
                products->product[products->count++] = (Product){.a = a, .sums = sums, .column = c};
            }
        }
    }
    finish_group(products);
    emit->place = outer;
}

static void each_column_of(Products *products, LLVMValueRef row, int rows)
{
    Emit *emit = products->emit;
    int64_t tiles = emit->weights->columns / TILE;
    if (tiles / 2) {
        Count loop;
        count_begin(emit, &loop, tiles / 2);
        multiply(products, row, LLVMBuildMul(emit->builder, loop.index, matrix_number(emit, 2 * TILE), ""),
                 rows, 2);
        count_end(emit, &loop);
    }
    if (tiles % 2)
        multiply(products, row, matrix_number(emit, tiles / 2 * 2 * TILE), rows, 1);
}

static void each_sum(Products *products)
{
    Emit *emit = products->emit;
    int64_t tiles = emit->weights->form.block / TILE;
    if (tiles / 2) {
        Count loop;
        count_begin(emit, &loop, tiles / 2);
        each_column_of(products, LLVMBuildMul(emit->builder, loop.index, matrix_number(emit, 2 * TILE), ""),
                       2);
        count_end(emit, &loop);
    }
    if (tiles % 2)
        each_column_of(products, matrix_number(emit, tiles / 2 * 2 * TILE), 1);
}

/* One sample; `first` (i1; NULL: yes): the sums start with it. */
static void one_sample(Emit *emit, LLVMValueRef first)
{
    struct EmitWeights *weights = emit->weights;
    Count loop;
    count_begin(emit, &loop, weights->form.bands);
    weights->band = loop.index;
    weights_turn(emit);
    weights_slopes(emit);
    Products products = {.emit = emit};
    products.fresh = LLVMBuildICmp(emit->builder, LLVMIntEQ, loop.index, matrix_number(emit, 0), "");
    products.fresh = lanes_and(emit, products.fresh, first);
    each_sum(&products);
    count_end(emit, &loop);
}

void weights_level(Emit *emit, int level)
{
    struct EmitWeights *weights = emit->weights;
    const WeightsForm *form = &weights->form;
    if (level != 1) /* inside the loop over blocks of rows */
        return;
    Bound row = {.value = emit->place.index[form->row], .constant = emit->place.offset[form->row]};
    weights->row = bound_value(emit, row);
    if (form->samples < 0) {
        one_sample(emit, NULL);
        return;
    }
    Bound low, high;
    axis_range(emit, form->samples, &low, &high);
    Loop loop;
    loop_begin(emit, &loop, form->samples, low, high, 1, 1);
    one_sample(emit, LLVMBuildICmp(emit->builder, LLVMIntEQ, loop.index, bound_value(emit, low), ""));
    loop_end(emit, &loop);
}

LLVMValueRef weights_sum(Emit *emit)
{
    const struct EmitWeights *weights = emit->weights;
    const WeightsForm *form = &weights->form;
    Affine at = affine_const(0);
    int64_t step = form->block * weights->columns;
    for (int t = form->tap_count - 1; t >= 0; t--) {
        at.coef[form->tap[t]] = step;
        step *= emit->computation->axes[form->tap[t]].extent;
    }
    at.coef[form->column] = 1;
    LLVMValueRef row =
        LLVMBuildMul(emit->builder, emit->scratch_row, matrix_number(emit, weights->columns), "");
    LLVMValueRef element = LLVMBuildAdd(emit->builder, place_affine(emit, &at), row, "");
    LLVMValueRef pointer =
        matrix_at(emit, weights->sums, LLVMBuildMul(emit->builder, element, matrix_number(emit, 4), ""));
    LLVMValueRef sum = LLVMBuildLoad2(emit->builder, LLVMVectorType(emit->f32, TILE), pointer, "");
    LLVMSetAlignment(sum, 4);
    for (size_t i = 0; i < emit->computation->stores.count; i++) {
        const Store *store = &emit->computation->stores.items[i];
        if (store->kind != STORE_ACC)
            continue;
        LLVMValueRef before = expr_load(emit, emit->stream_of_store[i], &store->at, NULL);
        before = lanes_select(emit, emit->first, LLVMConstNull(LLVMTypeOf(before)), before);
        sum = LLVMBuildFAdd(emit->builder, before, sum, "");
    }
    return sum;
}
