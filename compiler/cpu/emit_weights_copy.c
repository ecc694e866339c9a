/* Copies of both operands of a weight gradient, for a band of pixels: the picture turned, the slopes in
 * pairs. */
#include <string.h>

#include "compiler/base/divide.h"
#include "compiler/cpu/emit_weights.h"

enum { LANES = 16, BLOCK = 32 /* pixels that are turned at a time */ };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static LLVMValueRef moved(const Emit *emit, LLVMValueRef pointer, LLVMValueRef times, int64_t bytes)
{
    return matrix_at(emit, pointer, LLVMBuildMul(emit->builder, times, matrix_number(emit, bytes), ""));
}

static LLVMValueRef moved_by(const Emit *emit, LLVMValueRef pointer, int64_t bytes)
{
    return bytes ? matrix_at(emit, pointer, matrix_number(emit, bytes)) : pointer;
}

/* ---- The picture ---- */

/* What one line of one phase is made of. */
typedef struct {
    Dtype dtype;
    int64_t pixel;      /* bytes from one pixel of the phase to the next */
    int64_t first, end; /* points of the phase that the picture has */
    int64_t points;     /* of the line */
} Line;

/* 16 words: bf16 of `count` channels of the pixel at `pointer` in their lower halves. */
static LLVMValueRef load_pixel(Emit *emit, const Line *line, LLVMValueRef pointer, int count)
{
    LLVMTypeRef element = expr_storage_type(emit, line->dtype),
                type = LLVMVectorType(element, (unsigned)count);
    LLVMValueRef raw = LLVMBuildLoad2(emit->builder, type, pointer, "");
    LLVMSetAlignment(raw, (unsigned)dtype_bytes(line->dtype));
    if (count < LANES) {
        LLVMValueRef lane[LANES];
        for (int l = 0; l < LANES; l++)
            lane[l] = LLVMConstInt(emit->i32, (uint64_t)(l < count ? l : count), false);
        raw =
            LLVMBuildShuffleVector(emit->builder, raw, LLVMConstNull(type), LLVMConstVector(lane, LANES), "");
    }
    return LLVMBuildZExt(emit->builder, expr_as_bf16(emit, line->dtype, raw),
                         LLVMVectorType(emit->i32, LANES), "");
}

/* The block of points that starts at `start`, of `count` channels; `from` points to its first point. */
static void turn_block(Emit *emit, const Line *line, int64_t start, int count, LLVMValueRef from,
                       LLVMValueRef to)
{
    LLVMValueRef words[LANES], zero = LLVMConstNull(LLVMVectorType(emit->i32, LANES));
    for (int p = 0; p < LANES; p++) {
        LLVMValueRef half[2] = {zero, zero};
        for (int i = 0; i < 2; i++) {
            int64_t at = start + 2 * p + i;
            if (at >= line->first && at < line->end)
                half[i] = load_pixel(emit, line, moved_by(emit, from, (2 * p + i) * line->pixel), count);
        }
        LLVMValueRef upper = LLVMBuildShl(emit->builder, half[1], lanes_word(emit, half[1], 16), "");
        words[p] = LLVMBuildOr(emit->builder, half[0], upper, "");
    }
    transpose_turn(emit, words);
    for (int c = 0; c < count; c++)
        LLVMSetAlignment(
            LLVMBuildStore(emit->builder, words[c], moved_by(emit, to, 2 * c * emit->weights->form.channel)),
            2);
}

/* All channels of a block. */
static void turn_channels(Emit *emit, const Line *line, int64_t start, LLVMValueRef from, LLVMValueRef to)
{
    const WeightsForm *form = &emit->weights->form;
    int64_t count = smaller(form->channels, emit->weights->channels), blocks = count / LANES,
            rest = count % LANES;
    int64_t from_step = LANES * (int64_t)dtype_bytes(line->dtype), to_step = 2 * LANES * form->channel;
    if (blocks) {
        Count loop;
        count_begin(emit, &loop, blocks);
        turn_block(emit, line, start, LANES, moved(emit, from, loop.index, from_step),
                   moved(emit, to, loop.index, to_step));
        count_end(emit, &loop);
    }
    if (rest)
        turn_block(emit, line, start, (int)rest, moved_by(emit, from, blocks * from_step),
                   moved_by(emit, to, blocks * to_step));
}

static bool is_whole(const Line *line, int64_t block)
{
    return block * BLOCK >= line->first && (block + 1) * BLOCK <= line->end;
}

/* A line; blocks that lie in the picture as a whole by a loop. */
static void turn_line(Emit *emit, const Line *line, LLVMValueRef from, LLVMValueRef to)
{
    int64_t blocks = divide_up(line->points, BLOCK);
    for (int64_t b = 0, next; b < blocks; b = next) {
        next = b + 1;
        LLVMValueRef source = moved_by(emit, from, b * BLOCK * line->pixel),
                     target = moved_by(emit, to, 2 * b * BLOCK);
        while (is_whole(line, b) && next < blocks && is_whole(line, next))
            next++;
        if (next == b + 1) {
            turn_channels(emit, line, b * BLOCK, source, target);
            continue;
        }
        Count loop;
        count_begin(emit, &loop, next - b);
        turn_channels(emit, line, b * BLOCK, moved(emit, source, loop.index, BLOCK * line->pixel),
                      moved(emit, target, loop.index, 2 * BLOCK));
        count_end(emit, &loop);
    }
}

static void zero_line(Emit *emit, LLVMValueRef to)
{
    const WeightsForm *form = &emit->weights->form;
    Count loop;
    count_begin(emit, &loop, smaller(form->channels, emit->weights->channels));
    LLVMBuildMemSet(emit->builder, moved(emit, to, loop.index, 2 * form->channel),
                    LLVMConstInt(emit->i8, 0, false), matrix_number(emit, 2 * form->pitch), 2);
    count_end(emit, &loop);
}

/* Line number `index` of the band, of phase (py, px). */
static void copy_line(Emit *emit, LLVMValueRef index, int64_t py, int64_t px)
{
    const struct EmitWeights *weights = emit->weights;
    const WeightsForm *form = &weights->form;
    const WeightsSide *y = &form->side[0], *x = &form->side[1];
    LLVMBuilderRef builder = emit->builder;
    Line line = {.dtype = emit->computation->tensors.items[emit_expr(emit, form->a)->index].dtype,
                 .points = form->pitch};
    int64_t bytes = (int64_t)dtype_bytes(line.dtype);
    line.pixel = x->step * x->source * bytes;
    line.first = divide_up(-x->low - px, x->step);
    line.end = divide_up(x->extent - x->low - px, x->step);
    LLVMValueRef number = LLVMBuildAdd(
        builder, LLVMBuildMul(builder, weights->band, matrix_number(emit, form->band), ""), index, "");
    LLVMValueRef row = LLVMBuildAdd(builder, LLVMBuildMul(builder, number, matrix_number(emit, y->step), ""),
                                    matrix_number(emit, py + y->low), "");
    LLVMValueRef from = moved(emit, weights->from, place_affine(emit, &form->origin), bytes);
    from = moved(emit, from, row, y->source * bytes);
    from = moved_by(emit, from, (px + x->low) * x->source * bytes);
    if (form->block < form->channels) /* these rows only */
        from = moved(emit, from,
                     LLVMBuildURem(builder, weights->row, matrix_number(emit, form->channels), ""), bytes);
    int64_t phase = py * x->step + px;
    LLVMValueRef to = moved_by(emit, weights->turned, 2 * phase * weights->channels * form->channel);
    to = moved(emit, to, index, 2 * form->pitch);
    LLVMValueRef inside = LLVMBuildICmp(builder, LLVMIntULT, row, matrix_number(emit, y->extent), "");
    Branch branch;
    branch_begin(emit, &branch, inside);
    turn_line(emit, &line, from, to);
    branch_end(emit, &branch);
    branch_begin(emit, &branch, LLVMBuildNot(builder, inside, ""));
    zero_line(emit, to);
    branch_end(emit, &branch);
}

void weights_turn(Emit *emit)
{
    const WeightsForm *form = &emit->weights->form;
    for (int64_t py = 0; py < form->side[0].step; py++) {
        for (int64_t px = 0; px < form->side[1].step; px++) {
            Count loop;
            count_begin(emit, &loop, form->lines);
            copy_line(emit, loop.index, py, px);
            count_end(emit, &loop);
        }
    }
}

/* ---- The slopes ---- */

/* True where every value is a bf16 already. */
static bool is_exact(const Emit *emit, ExprId id)
{
    const Expr *expr = emit_expr(emit, id);
    if (expr->kind == EXPR_LOAD)
        return emit->computation->tensors.items[expr->index].dtype == DTYPE_BF16;
    if (expr->kind == EXPR_CONST)
        return expr->imm == 0;
    return expr->kind == EXPR_SCALAR && expr->scalar == SCALAR_select && is_exact(emit, expr->in[1]) &&
           is_exact(emit, expr->in[2]);
}

/* The slopes at hand as words, bf16 in their lower halves. */
static LLVMValueRef slope_words(Emit *emit)
{
    ExprId id = emit->weights->form.slope;
    LLVMTypeRef words = LLVMVectorType(emit->i32, LANES);
    LLVMValueRef value = lanes_splat(emit, expr_value(emit, id));
    if (!is_exact(emit, id))
        return LLVMBuildZExt(emit->builder, expr_as_bf16(emit, DTYPE_F32, value), words, "");
    LLVMValueRef bits = LLVMBuildBitCast(emit->builder, value, words, "");
    return LLVMBuildLShr(emit->builder, bits, lanes_word(emit, bits, 16), "");
}

/* Where the first pixel of the pair lies, for the columns at hand. */
static LLVMValueRef pair_pointer(Emit *emit)
{
    const struct EmitWeights *weights = emit->weights;
    const WeightsForm *form = &weights->form;
    Affine at = affine_add(affine_scale(form->side[0].pixel, form->pitch), form->side[1].pixel);
    LLVMValueRef before =
        LLVMBuildMul(emit->builder, weights->band, matrix_number(emit, form->band * form->pitch), "");
    LLVMValueRef pixel = LLVMBuildSub(emit->builder, place_affine(emit, &at), before, "");
    Affine column = affine_const(0);
    column.coef[form->column] = 1;
    LLVMValueRef pointer = moved(emit, weights->slopes, pixel, form->slope_row);
    return moved(emit, pointer, place_affine(emit, &column), 4);
}

/* Both pixels of a pair, which are offset 0 and 1 of the axis; single: there is only the first. */
static void store_pair(Emit *emit, int axis, bool single)
{
    LLVMValueRef pointer = pair_pointer(emit), first = slope_words(emit), word = first;
    if (!single) {
        emit->place.offset[axis]++;
        LLVMValueRef second = slope_words(emit);
        emit->place.offset[axis]--;
        word = LLVMBuildOr(emit->builder, first,
                           LLVMBuildShl(emit->builder, second, lanes_word(emit, second, 16), ""), "");
    }
    LLVMSetAlignment(LLVMBuildStore(emit->builder, word, pointer), 4);
}

static void each_column(Emit *emit, int axis, bool single)
{
    int column = emit->weights->form.column;
    int64_t extent = emit->computation->axes[column].extent, whole = extent / LANES * LANES;
    Standpoint outer = emit->place;
    size_t mark = emit->memo.count;
    emit->vector = 0;
    emit->mask[0] = NULL;
    if (whole) {
        Loop loop;
        loop_begin(emit, &loop, column, bound_constant(0), bound_constant(whole), LANES, LANES);
        store_pair(emit, axis, single);
        loop_end(emit, &loop);
    }
    if (whole < extent) {
        emit->mask[0] = lanes_mask(emit, (int)(extent - whole));
        place_fix(emit, column, whole);
        store_pair(emit, axis, single);
        emit->mask[0] = NULL;
    }
    emit->place = outer;
    expr_forget(emit, mark);
}

/* The innermost axis of pixels, two at a time. */
static void each_pair(Emit *emit, int axis)
{
    int64_t extent = emit->computation->axes[axis].extent, whole = extent / 2 * 2;
    Standpoint outer = emit->place;
    size_t mark = emit->memo.count;
    if (whole == 2) {
        place_fix(emit, axis, 0);
        each_column(emit, axis, false);
    } else if (whole) {
        Loop loop;
        loop_begin(emit, &loop, axis, bound_constant(0), bound_constant(whole), 2, 2);
        each_column(emit, axis, false);
        loop_end(emit, &loop);
    }
    emit->place = outer;
    if (whole < extent) {
        place_fix(emit, axis, whole);
        each_column(emit, axis, true);
    }
    emit->place = outer;
    expr_forget(emit, mark);
}

/* The axis of a side whose steps are the largest below `below`; -1: there is none. */
static int next_axis(const Emit *emit, const WeightsSide *side, int64_t below)
{
    int best = -1;
    for (int x = 0; x < emit->computation->axis_count; x++)
        if (side->pixel.coef[x] && side->pixel.coef[x] < below &&
            (best < 0 || side->pixel.coef[x] > side->pixel.coef[best]))
            best = x;
    return best;
}

static void each_pixel(Emit *emit, int which, int64_t below)
{
    enum { WRITTEN_OUT = 3 };
    const WeightsSide *side = &emit->weights->form.side[which];
    int axis = next_axis(emit, side, below);
    if (axis < 0) { /* this side is done */
        if (which == 0)
            each_pixel(emit, 1, INT64_MAX);
        return;
    }
    int64_t step = side->pixel.coef[axis];
    if (which == 1 && step == 1) {
        each_pair(emit, axis);
        return;
    }
    int64_t extent = emit->computation->axes[axis].extent;
    Standpoint outer = emit->place;
    size_t mark = emit->memo.count;
    if (extent <= WRITTEN_OUT) {
        for (int64_t i = 0; i < extent; i++) {
            place_fix(emit, axis, i);
            each_pixel(emit, which, step);
            expr_forget(emit, mark);
        }
    } else {
        Loop loop;
        loop_begin(emit, &loop, axis, bound_constant(0), bound_constant(extent), 1, 1);
        each_pixel(emit, which, step);
        loop_end(emit, &loop);
    }
    emit->place = outer;
    expr_forget(emit, mark);
}

/* Rows of the last band that there are none of. */
static void zero_rest(Emit *emit)
{
    const struct EmitWeights *weights = emit->weights;
    const WeightsForm *form = &weights->form;
    int64_t last = form->side[0].pixels - (form->bands - 1) * form->band;
    if (last == form->band)
        return;
    Branch branch;
    branch_begin(
        emit, &branch,
        LLVMBuildICmp(emit->builder, LLVMIntEQ, weights->band, matrix_number(emit, form->bands - 1), ""));
    LLVMBuildMemSet(emit->builder, moved_by(emit, weights->slopes, last * form->pitch * form->slope_row),
                    LLVMConstInt(emit->i8, 0, false),
                    matrix_number(emit, (form->band - last) * form->pitch * form->slope_row), 2);
    branch_end(emit, &branch);
}

void weights_slopes(Emit *emit)
{
    const struct EmitWeights *weights = emit->weights;
    const WeightsForm *form = &weights->form;
    const WeightsSide *y = &form->side[0];
    if (y->outer < 0 || form->bands == 1) {
        each_pixel(emit, 0, INT64_MAX);
        return;
    }
    int64_t points = form->band / y->inner;
    LLVMValueRef start = LLVMBuildMul(emit->builder, weights->band, matrix_number(emit, points), "");
    LLVMValueRef ends[2] = {LLVMBuildAdd(emit->builder, start, matrix_number(emit, points), ""),
                            matrix_number(emit, emit->computation->axes[y->outer].extent)};
    Loop loop;
    loop_begin(emit, &loop, y->outer, (Bound){.value = start},
               (Bound){.value = lanes_intrinsic(emit, "llvm.smin", emit->i64, ends, 2)}, 1, 1);
    each_pixel(emit, 0, y->pixel.coef[y->outer]);
    loop_end(emit, &loop);
    zero_rest(emit);
}
