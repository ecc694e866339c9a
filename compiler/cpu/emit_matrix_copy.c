/* The copy of an operand for matrix instructions: one picture as bf16, with zeros around it and behind odd
 * numbers of channels. Rows are written in the order of their addresses, by whole vectors: what a vector
 * writes past the end of a row is written again by the next one, and behind the last one there is room. */
#include <string.h>

#include "compiler/cpu/emit_matrix.h"

void count_begin(Emit *emit, Count *loop, int64_t count)
{
    *loop = (Count){.count = count};
    LLVMBasicBlockRef before = LLVMGetInsertBlock(emit->builder);
    LLVMValueRef zero = matrix_number(emit, 0);
    loop->header = LLVMAppendBasicBlockInContext(emit->context, emit->function, "");
    LLVMBuildBr(emit->builder, loop->header);
    LLVMPositionBuilderAtEnd(emit->builder, loop->header);
    loop->index = LLVMBuildPhi(emit->builder, emit->i64, "");
    LLVMAddIncoming(loop->index, &zero, &before, 1);
}

void count_end(Emit *emit, Count *loop)
{
    LLVMBasicBlockRef exit = LLVMAppendBasicBlockInContext(emit->context, emit->function, "");
    LLVMValueRef next = LLVMBuildAdd(emit->builder, loop->index, matrix_number(emit, 1), "");
    LLVMValueRef more = LLVMBuildICmp(emit->builder, LLVMIntSLT, next, matrix_number(emit, loop->count), "");
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(emit->builder);
    LLVMBuildCondBr(emit->builder, more, loop->header, exit);
    LLVMAddIncoming(loop->index, &next, &latch, 1);
    LLVMPositionBuilderAtEnd(emit->builder, exit);
}

/* Moves both pointers. */
typedef struct {
    LLVMValueRef from, to;
} Ends;

static Dtype source_dtype(const Emit *emit)
{
    const MatrixForm *form = &emit->matrix->form;
    return emit->computation->tensors.items[emit_expr(emit, form->a[0])->index].dtype;
}

static Ends moved(const Emit *emit, Ends ends, LLVMValueRef times, int64_t source, int64_t target)
{
    int64_t bytes = (int64_t)dtype_bytes(source_dtype(emit));
    LLVMValueRef from = LLVMBuildMul(emit->builder, times, matrix_number(emit, source * bytes), "");
    LLVMValueRef to = LLVMBuildMul(emit->builder, times, matrix_number(emit, target * 2), "");
    return (Ends){matrix_at(emit, ends.from, from), matrix_at(emit, ends.to, to)};
}

static Ends moved_by(const Emit *emit, Ends ends, int64_t source, int64_t target)
{
    return moved(emit, ends, matrix_number(emit, 1), source, target);
}

static void fill_zeros(Emit *emit, LLVMValueRef to, int64_t elements)
{
    if (elements > 0)
        LLVMBuildMemSet(emit->builder, to, LLVMConstInt(emit->i8, 0, false),
                        matrix_number(emit, 2 * elements), 2);
}

/* ---- Elements side by side ---- */

/* A vector of elements of the copy: element l is element source[l] of the tensor, or zero where that is
 * negative. The sources rise. */
static void copy_vector(Emit *emit, Ends ends, const int *source)
{
    Dtype dtype = source_dtype(emit);
    int lanes = emit->lanes, first = -1, last = -1;
    for (int l = 0; l < lanes; l++) {
        if (source[l] < 0)
            continue;
        first = first < 0 ? source[l] : first;
        last = source[l];
    }
    int count = first < 0 ? 0 : last - first + 1;
    LLVMTypeRef element = expr_storage_type(emit, dtype);
    LLVMValueRef raw = LLVMConstNull(LLVMVectorType(element, (unsigned)lanes));
    if (count) {
        LLVMValueRef lane[64];
        LLVMTypeRef type = LLVMVectorType(element, (unsigned)count);
        LLVMValueRef loaded = LLVMBuildLoad2(emit->builder, type, moved_by(emit, ends, first, 0).from, "");
        LLVMSetAlignment(loaded, (unsigned)dtype_bytes(dtype));
        for (int l = 0; l < lanes; l++)
            lane[l] = LLVMConstInt(emit->i32, (uint64_t)(source[l] < 0 ? count : source[l] - first), false);
        raw = LLVMBuildShuffleVector(emit->builder, loaded, LLVMConstNull(type),
                                     LLVMConstVector(lane, (unsigned)lanes), "");
    }
    LLVMSetAlignment(LLVMBuildStore(emit->builder, expr_as_bf16(emit, dtype, raw), ends.to), 2);
}

/* `pixels` times `count` elements of the tensor, each group followed by zeros up to `padded` elements. */
static void copy_pixels(Emit *emit, Ends ends, int64_t pixels, int64_t count, int64_t padded)
{
    int source[64];
    for (int64_t at = 0; at < pixels * padded; at += emit->lanes) {
        for (int l = 0; l < emit->lanes; l++) {
            int64_t pixel = (at + l) / padded, k = (at + l) % padded;
            source[l] = pixel < pixels && k < count ? (int)(pixel * count + k) : -1;
        }
        copy_vector(emit, moved_by(emit, ends, 0, at), source);
    }
}

/* The same, of which many pixels are done by a loop. */
static void copy_row(Emit *emit, Ends ends, int64_t pixels, int64_t count, int64_t padded)
{
    if (count == padded) { /* one run: vectors need no whole pixels */
        int64_t all = pixels * count, wide = emit->lanes;
        pixels = all / wide;
        if (pixels) {
            Count loop;
            count_begin(emit, &loop, pixels);
            copy_pixels(emit, moved(emit, ends, loop.index, wide, wide), 1, wide, wide);
            count_end(emit, &loop);
        }
        if (all % wide)
            copy_pixels(emit, moved_by(emit, ends, pixels * wide, pixels * wide), 1, all % wide, all % wide);
        return;
    }
    int64_t group = 1;
    while (group * padded % emit->lanes)
        group++;
    if (pixels / group) {
        Count loop;
        count_begin(emit, &loop, pixels / group);
        copy_pixels(emit, moved(emit, ends, loop.index, group * count, group * padded), group, count, padded);
        count_end(emit, &loop);
    }
    int64_t done = pixels / group * group;
    if (done < pixels)
        copy_pixels(emit, moved_by(emit, ends, done * count, done * padded), pixels - done, count, padded);
}

/* ---- Coordinates ---- */

/* The points of a coordinate that the tensor has. */
static int64_t first_inside(const MatrixCoord *coord)
{
    return coord->low > 0 ? coord->low : 0;
}

static int64_t end_inside(const MatrixCoord *coord)
{
    return coord->high + 1 < coord->extent ? coord->high + 1 : coord->extent;
}

/* The innermost coordinate, or the innermost two where their elements lie side by side in the tensor. */
static void copy_inner(Emit *emit, int c, Ends ends)
{
    const MatrixForm *form = &emit->matrix->form;
    const MatrixCoord *inner = &form->coord[form->coord_count - 1];
    int64_t count = end_inside(inner), padded = inner->high + 1;
    if (c == form->coord_count - 1) {
        copy_row(emit, ends, 1, count, padded);
        return;
    }
    const MatrixCoord *outer = &form->coord[c];
    int64_t first = first_inside(outer), end = end_inside(outer);
    fill_zeros(emit, ends.to, (first - outer->low) * outer->stride);
    copy_row(emit, moved_by(emit, ends, first * outer->source, (first - outer->low) * outer->stride),
             end - first, count, padded);
    fill_zeros(emit, moved_by(emit, ends, 0, (end - outer->low) * outer->stride).to,
               (outer->high + 1 - end) * outer->stride);
}

static bool lies_in_rows(const MatrixForm *form, int c)
{
    return c == form->coord_count - 2 && form->coord[c].source == end_inside(&form->coord[c + 1]);
}

static void copy_coords(Emit *emit, int c, Ends ends)
{
    const MatrixForm *form = &emit->matrix->form;
    const MatrixCoord *coord = &form->coord[c];
    if (c == form->coord_count - 1 || lies_in_rows(form, c)) {
        copy_inner(emit, c, ends);
        return;
    }
    int64_t first = first_inside(coord), end = end_inside(coord);
    fill_zeros(emit, ends.to, (first - coord->low) * coord->stride);
    Count loop;
    count_begin(emit, &loop, end - first);
    Ends start = moved_by(emit, ends, first * coord->source, (first - coord->low) * coord->stride);
    copy_coords(emit, c + 1, moved(emit, start, loop.index, coord->source, coord->stride));
    count_end(emit, &loop);
    fill_zeros(emit, moved_by(emit, ends, 0, (end - coord->low) * coord->stride).to,
               (coord->high + 1 - end) * coord->stride);
}

void matrix_copy(Emit *emit)
{
    struct EmitMatrix *matrix = emit->matrix;
    int64_t bytes = (int64_t)dtype_bytes(source_dtype(emit));
    LLVMValueRef start =
        LLVMBuildMul(emit->builder, place_affine(emit, &matrix->form.origin), matrix_number(emit, bytes), "");
    copy_coords(emit, 0, (Ends){matrix_at(emit, matrix->from, start), matrix->a});
}
