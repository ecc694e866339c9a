/* Computations built by hand, as lowering makes them, and memory to run them on: what the tests and the
 * benchmark of kernels share. */
#ifndef COMPUTATIONS_H
#define COMPUTATIONS_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/cpu/cpu.h"
#include "compiler/ir/interp.h"
#include "compiler/schedule/lower.h"
#include "runtime/half.h"

enum { TENSORS_MOST = 16 };

typedef struct {
    Arena *arena;
    Computation *computation;
    int64_t elements[TENSORS_MOST]; /* of each tensor */
} Builder;

static inline Builder builder_new(Arena *arena, const char *name)
{
    Builder builder = {.arena = arena, .computation = NEW(arena, Computation)};
    builder.computation->name = name;
    return builder;
}

static inline int builder_axis(Builder *builder, const char *name, bool reduced, ExtentKind kind,
                               int64_t extent)
{
    Computation *computation = builder->computation;
    computation->axes[computation->axis_count] =
        (Axis){.name = name, .reduced = reduced, .kind = kind, .extent = extent};
    return computation->axis_count++;
}

static inline int builder_tensor(Builder *builder, Dtype dtype, bool written, int64_t elements)
{
    Computation *computation = builder->computation;
    *vec_push(builder->arena, &computation->tensors) = (KernelTensor){.dtype = dtype, .written = written};
    builder->elements[computation->tensors.count - 1] = elements;
    return (int)computation->tensors.count - 1;
}

/* affine(base, pairs, axis, coefficient, …) */
static inline Affine affine(int64_t base, int pairs, ...)
{
    Affine at = {.base = base};
    va_list list;
    va_start(list, pairs);
    for (int i = 0; i < pairs; i++) {
        int axis = va_arg(list, int);
        at.coef[axis] += va_arg(list, int64_t);
    }
    va_end(list);
    return at;
}
#define X(axis, coef) (int)(axis), (int64_t)(coef)

/* Adds an expression, or finds the equal one: lowering makes none twice. */
static inline ExprId builder_expr(Builder *builder, Expr expr)
{
    for (size_t i = 0; i < builder->computation->exprs.count; i++) {
        const Expr *old = &builder->computation->exprs.items[i];
        if (old->kind == expr.kind && old->scalar == expr.scalar && old->index == expr.index &&
            old->imm == expr.imm && memcmp(old->in, expr.in, sizeof expr.in) == 0 &&
            affine_equal(&old->at, &expr.at) && affine_equal(&old->at2, &expr.at2) && old->guard_count == 0)
            return (ExprId)i;
    }
    *vec_push(builder->arena, &builder->computation->exprs) = expr;
    return (ExprId)builder->computation->exprs.count - 1;
}

static inline int builder_guards(Builder *builder, const Guard *guards, int count)
{
    int first = (int)builder->computation->guards.count;
    for (int i = 0; i < count; i++)
        *vec_push(builder->arena, &builder->computation->guards) = guards[i];
    return first;
}

static inline ExprId builder_load(Builder *builder, int tensor, Affine at)
{
    return builder_expr(builder, (Expr){.kind = EXPR_LOAD, .index = tensor, .at = at});
}

static inline ExprId builder_const(Builder *builder, double value)
{
    return builder_expr(builder, (Expr){.kind = EXPR_CONST, .imm = value});
}

static inline ExprId builder_scalar(Builder *builder, ScalarId id, ExprId a, ExprId b, ExprId c)
{
    return builder_expr(builder, (Expr){.kind = EXPR_SCALAR, .scalar = id, .in = {a, b, c}});
}

static inline ExprId builder_sum(Builder *builder, ExprId expr, const Guard *guards, int count)
{
    *vec_push(builder->arena, &builder->computation->accs) =
        (Accumulator){.kind = ACC_SUM,
                      .expr = expr,
                      .contraction = builder->computation->exprs.items[expr].kind == EXPR_SCALAR,
                      .guard_first = builder_guards(builder, guards, count),
                      .guard_count = count};
    return builder_expr(builder,
                        (Expr){.kind = EXPR_ACC, .index = (int)builder->computation->accs.count - 1});
}

static inline Store *builder_store(Builder *builder, StoreKind kind, int tensor, Affine at, ExprId expr)
{
    Store *store = vec_push(builder->arena, &builder->computation->stores);
    *store = (Store){.kind = kind, .tensor = tensor, .at = at, .expr = expr};
    return store;
}

/* ---- Convolutions ---- */

typedef struct {
    int64_t batch, height, width, channels, filters, window, stride, dilation, pad;
    bool pool;   /* bias, ReLU, and a 2x2 max-pool with the choice as bytes */
    bool bias;   /* bias and ReLU */
    Dtype dtype; /* of picture, kernel and result */
} ConvShape;

static inline int64_t conv_out(int64_t extent, const ConvShape *s)
{
    return (extent + 2 * s->pad - (s->window - 1) * s->dilation - 1) / s->stride + 1;
}

/* Pairs of an output row (of `out`) and a window's row that meet a row of the picture. */
static inline int64_t conv_pairs(int64_t extent, int64_t out, const ConvShape *s)
{
    int64_t pairs = 0;
    for (int64_t y = 0; y < out; y++) {
        for (int64_t k = 0; k < s->window; k++) {
            int64_t row = y * s->stride + k * s->dilation - s->pad;
            pairs += row >= 0 && row < extent;
        }
    }
    return pairs;
}

/* Of what has to be computed: without rows and columns that the pool drops, and without products with
 * padding. */
static inline double conv_flops(const ConvShape *s)
{
    int64_t height = conv_out(s->height, s), width = conv_out(s->width, s);
    if (s->pool) {
        height = height / 2 * 2;
        width = width / 2 * 2;
    }
    return 2.0 * (double)(s->batch * conv_pairs(s->height, height, s) * conv_pairs(s->width, width, s) *
                          s->channels * s->filters);
}

/* The sum of the convolution at y * step + dy, x * step + dx. Axes: n 0, y 1, x 2, c 3, ky 4, kx 5, ci 6. */
static inline ExprId conv_sum(Builder *b, const ConvShape *s, int x, int w, int64_t step, int64_t dy,
                              int64_t dx)
{
    int64_t C = s->channels, F = s->filters, W = s->width, stride = s->stride;
    Affine row = affine(dy * stride - s->pad, 2, X(1, step * stride), X(4, s->dilation));
    Affine column = affine(dx * stride - s->pad, 2, X(2, step * stride), X(5, s->dilation));
    Affine at = affine_add(affine_add(affine_scale(row, W * C), affine_scale(column, C)),
                           affine(0, 2, X(0, s->height * W * C), X(6, 1)));
    ExprId a = builder_load(b, x, at);
    ExprId k = builder_load(b, w, affine(0, 4, X(4, s->window * C * F), X(5, C * F), X(6, F), X(3, 1)));
    Guard guards[2] = {{row, s->height}, {column, W}};
    return builder_sum(b, builder_scalar(b, SCALAR_mul, a, k, 0), guards, s->pad ? 2 : 0);
}

static inline void conv_axes(Builder *b, const ConvShape *s, int64_t height, int64_t width)
{
    builder_axis(b, "n", false, EXTENT_BATCH, s->batch);
    builder_axis(b, "y", false, EXTENT_FIXED, height);
    builder_axis(b, "x", false, EXTENT_FIXED, width);
    builder_axis(b, "c", false, EXTENT_FIXED, s->filters);
    builder_axis(b, "ky", true, EXTENT_FIXED, s->window);
    builder_axis(b, "kx", true, EXTENT_FIXED, s->window);
    builder_axis(b, "ci", true, EXTENT_FIXED, s->channels);
}

/* y = relu(max over 2x2 of conv + bias), and which of the four it was. */
static inline void conv_pooled(Builder *b, const ConvShape *s, int x, int w, int bias, int64_t height,
                               int64_t width)
{
    int64_t F = s->filters;
    int y = builder_tensor(b, s->dtype, true, s->batch * height * width * F);
    int choice = builder_tensor(b, DTYPE_U8, true, s->batch * height * width * F);
    ExprId best = 0, where = builder_const(b, 0);
    for (int i = 0; i < 4; i++) {
        ExprId sum = conv_sum(b, s, x, w, 2, i / 2, i % 2);
        ExprId greater = i ? builder_scalar(b, SCALAR_greater, sum, best, 0) : 0;
        where = i ? builder_scalar(b, SCALAR_select, greater, builder_const(b, i), where) : where;
        best = i ? builder_scalar(b, SCALAR_max, sum, best, 0) : sum;
    }
    ExprId moved = builder_scalar(b, SCALAR_add, best, builder_load(b, bias, affine(0, 1, X(3, 1))), 0);
    ExprId out = builder_scalar(b, SCALAR_max, moved, builder_const(b, 0), 0);
    Affine at = affine(0, 4, X(0, height * width * F), X(1, width * F), X(2, F), X(3, 1));
    builder_store(b, STORE_WRITE, y, at, out);
    builder_store(b, STORE_WRITE, choice, at, where);
}

static inline Builder conv_forward(Arena *arena, const ConvShape *s)
{
    Builder b = builder_new(arena, "conv");
    b.computation->chunked = true;
    int64_t height = conv_out(s->height, s), width = conv_out(s->width, s), C = s->channels, F = s->filters;
    if (s->pool) {
        height /= 2;
        width /= 2;
    }
    conv_axes(&b, s, height, width);
    int x = builder_tensor(&b, s->dtype, false, s->batch * s->height * s->width * C);
    int w = builder_tensor(&b, s->dtype, false, s->window * s->window * C * F);
    int bias = builder_tensor(&b, DTYPE_F32, false, F);
    if (s->pool) {
        conv_pooled(&b, s, x, w, bias, height, width);
        simplify(b.computation);
        return b;
    }
    int y = builder_tensor(&b, s->dtype, true, s->batch * height * width * F);
    ExprId out = conv_sum(&b, s, x, w, 1, 0, 0);
    if (s->bias) {
        out = builder_scalar(&b, SCALAR_add, out, builder_load(&b, bias, affine(0, 1, X(3, 1))), 0);
        out = builder_scalar(&b, SCALAR_max, out, builder_const(&b, 0), 0);
    }
    builder_store(&b, STORE_WRITE, y,
                  affine(0, 4, X(0, height * width * F), X(1, width * F), X(2, F), X(3, 1)), out);
    simplify(b.computation);
    return b;
}

/* dW of stride 1 without padding: axes ky, kx, ci, f; reduced n, y, x. A chunk's share of a slice. */
static inline Builder conv_weights(Arena *arena, const ConvShape *s)
{
    Builder b = builder_new(arena, "conv dW");
    int64_t height = conv_out(s->height, s), width = conv_out(s->width, s), C = s->channels, F = s->filters;
    int64_t W = s->width;
    builder_axis(&b, "ky", false, EXTENT_FIXED, s->window);
    builder_axis(&b, "kx", false, EXTENT_FIXED, s->window);
    builder_axis(&b, "ci", false, EXTENT_FIXED, C);
    builder_axis(&b, "f", false, EXTENT_FIXED, F);
    builder_axis(&b, "n", true, EXTENT_BATCH, s->batch);
    builder_axis(&b, "y", true, EXTENT_FIXED, height);
    builder_axis(&b, "x", true, EXTENT_FIXED, width);
    b.computation->chunked = true;
    int x = builder_tensor(&b, DTYPE_F32, false, s->batch * s->height * W * C);
    int dy = builder_tensor(&b, DTYPE_F32, false, s->batch * height * width * F);
    int dw = builder_tensor(&b, DTYPE_F32, true, s->window * s->window * C * F);
    Affine row = affine(-s->pad, 2, X(5, s->stride), X(0, s->dilation));
    Affine column = affine(-s->pad, 2, X(6, s->stride), X(1, s->dilation));
    Affine at = affine_add(affine_add(affine_scale(row, W * C), affine_scale(column, C)),
                           affine(0, 2, X(4, s->height * W * C), X(2, 1)));
    ExprId a = builder_load(&b, x, at);
    ExprId d =
        builder_load(&b, dy, affine(0, 4, X(4, height * width * F), X(5, width * F), X(6, F), X(3, 1)));
    Guard guards[2] = {{row, s->height}, {column, W}};
    ExprId sum = builder_sum(&b, builder_scalar(&b, SCALAR_mul, a, d, 0), guards, s->pad ? 2 : 0);
    builder_store(&b, STORE_ACC, dw, affine(0, 4, X(0, s->window * C * F), X(1, C * F), X(2, F), X(3, 1)),
                  sum);
    simplify(b.computation);
    return b;
}

/* dx of stride 1: dy gathered by the kernel, of which filters and channels are permuted; multiplied by ReLU's
 * mask. */
static inline Builder conv_inputs(Arena *arena, const ConvShape *s)
{
    Builder b = builder_new(arena, "conv dx");
    b.computation->chunked = true;
    int64_t height = conv_out(s->height, s), width = conv_out(s->width, s), C = s->channels, F = s->filters;
    builder_axis(&b, "n", false, EXTENT_BATCH, s->batch);
    builder_axis(&b, "y", false, EXTENT_FIXED, s->height);
    builder_axis(&b, "x", false, EXTENT_FIXED, s->width);
    builder_axis(&b, "c", false, EXTENT_FIXED, C);
    builder_axis(&b, "ky", true, EXTENT_FIXED, s->window);
    builder_axis(&b, "kx", true, EXTENT_FIXED, s->window);
    builder_axis(&b, "f", true, EXTENT_FIXED, F);
    int dy = builder_tensor(&b, DTYPE_F32, false, s->batch * height * width * F);
    int w = builder_tensor(&b, DTYPE_F32, false, s->window * s->window * C * F);
    int value = builder_tensor(&b, DTYPE_F32, false, s->batch * s->height * s->width * C);
    int dx = builder_tensor(&b, DTYPE_F32, true, s->batch * s->height * s->width * C);
    Affine row = affine(s->pad, 2, X(1, 1), X(4, -1)), column = affine(s->pad, 2, X(2, 1), X(5, -1));
    Affine at = affine_add(affine_add(affine_scale(row, width * F), affine_scale(column, F)),
                           affine(0, 2, X(0, height * width * F), X(6, 1)));
    ExprId a = builder_load(&b, dy, at);
    ExprId k = builder_load(&b, w, affine(0, 4, X(4, s->window * C * F), X(5, C * F), X(6, C), X(3, 1)));
    Guard guards[2] = {{row, height}, {column, width}};
    ExprId sum = builder_sum(&b, builder_scalar(&b, SCALAR_mul, a, k, 0), guards, 2);
    Affine here = affine(0, 4, X(0, s->height * s->width * C), X(1, s->width * C), X(2, C), X(3, 1));
    ExprId mask = builder_scalar(&b, SCALAR_greater, builder_load(&b, value, here), builder_const(&b, 0), 0);
    builder_store(&b, STORE_WRITE, dx, here, builder_scalar(&b, SCALAR_mul, sum, mask, 0));
    simplify(b.computation);
    return b;
}

/* ---- Dense ---- */

/* C[m,n] = sum over k of A and B, either of them transposed; which extents are the batch: 'm', 'k' or
 * neither. */
static inline Builder dense(Arena *arena, int64_t rows, int64_t columns, int64_t terms, bool transpose_a,
                            bool transpose_b, char batch)
{
    Builder b = builder_new(arena, "dense");
    int m = builder_axis(&b, "m", false, batch == 'm' ? EXTENT_BATCH : EXTENT_FIXED, rows);
    int n = builder_axis(&b, "n", false, EXTENT_FIXED, columns);
    int k = builder_axis(&b, "k", true, batch == 'k' ? EXTENT_BATCH : EXTENT_FIXED, terms);
    int ta = builder_tensor(&b, DTYPE_F32, false, rows * terms);
    int tb = builder_tensor(&b, DTYPE_F32, false, terms * columns);
    int tc = builder_tensor(&b, DTYPE_F32, true, rows * columns);
    ExprId a = builder_load(
        &b, ta, transpose_a ? affine(0, 2, X(k, rows), X(m, 1)) : affine(0, 2, X(m, terms), X(k, 1)));
    ExprId w = builder_load(
        &b, tb, transpose_b ? affine(0, 2, X(n, terms), X(k, 1)) : affine(0, 2, X(k, columns), X(n, 1)));
    ExprId sum = builder_sum(&b, builder_scalar(&b, SCALAR_mul, a, w, 0), NULL, 0);
    builder_store(&b, STORE_WRITE, tc, affine(0, 2, X(m, columns), X(n, 1)), sum);
    simplify(b.computation);
    return b;
}

/* ---- Memory ---- */

enum { MARGIN = 256 }; /* elements around each tensor: not to be read with effect, nor written */

typedef struct {
    int count;
    double *exact[TENSORS_MOST]; /* for the interpreter */
    void *stored[TENSORS_MOST];  /* as compiled code has it; the margins lie outside */
    int64_t elements[TENSORS_MOST];
    Dtype dtype[TENSORS_MOST];
    unsigned char margin[TENSORS_MOST]; /* the bytes around it */
} Memory;

static inline uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static inline double memory_get(const Memory *memory, int tensor, int64_t i)
{
    const void *stored = memory->stored[tensor];
    switch (memory->dtype[tensor]) {
    case DTYPE_BF16:
        return (double)cnn_bf16_value(((const uint16_t *)stored)[i]);
    case DTYPE_F16:
        return (double)cnn_f16_value(((const uint16_t *)stored)[i]);
    case DTYPE_I32:
        return ((const int32_t *)stored)[i];
    case DTYPE_U8:
        return ((const uint8_t *)stored)[i];
    default:
        return (double)((const float *)stored)[i];
    }
}

static inline void memory_set(Memory *memory, int tensor, int64_t i, double value)
{
    void *stored = memory->stored[tensor];
    switch (memory->dtype[tensor]) {
    case DTYPE_BF16:
        ((uint16_t *)stored)[i] = cnn_bf16_of((float)value);
        break;
    case DTYPE_F16:
        ((uint16_t *)stored)[i] = cnn_f16_of((float)value);
        break;
    case DTYPE_I32:
        ((int32_t *)stored)[i] = (int32_t)value;
        break;
    case DTYPE_U8:
        ((uint8_t *)stored)[i] = (uint8_t)value;
        break;
    default:
        ((float *)stored)[i] = (float)value;
    }
}

/* Tensors with pseudo-random values in [-1, 1) (small integers for integer types), the same in both forms.
 * Margins: NaN around what is read; around what is written other bytes, among which a NaN would show. */
static inline Memory memory_new(Arena *arena, const Builder *builder, uint32_t seed)
{
    Memory memory = {.count = (int)builder->computation->tensors.count};
    for (int t = 0; t < memory.count; t++) {
        int64_t elements = memory.elements[t] = builder->elements[t];
        memory.dtype[t] = builder->computation->tensors.items[t].dtype;
        size_t bytes = dtype_bytes(memory.dtype[t]);
        memory.margin[t] = builder->computation->tensors.items[t].written ? 0x7E : 0xFF;
        char *place = arena_alloc(arena, (size_t)(elements + 2 * MARGIN) * bytes);
        memset(place, memory.margin[t], (size_t)(elements + 2 * MARGIN) * bytes);
        memory.stored[t] = place + MARGIN * bytes;
        memory.exact[t] = NEW_ARRAY(arena, double, elements);
        bool real = memory.dtype[t] <= DTYPE_F16;
        for (int64_t i = 0; i < elements; i++) {
            double value = (double)next_random(&seed) / (1 << 24);
            memory_set(&memory, t, i, real ? 2 * value - 1 : (double)(int)(value * 10));
            memory.exact[t][i] = memory_get(&memory, t, i);
        }
    }
    return memory;
}

/* True when nothing was written around the tensors. */
static inline bool memory_margins_whole(const Memory *memory)
{
    for (int t = 0; t < memory->count; t++) {
        int64_t bytes = (int64_t)dtype_bytes(memory->dtype[t]);
        const unsigned char *from = (const unsigned char *)memory->stored[t] - MARGIN * bytes;
        for (int64_t i = 0; i < (memory->elements[t] + 2 * MARGIN) * bytes; i++)
            if ((i < MARGIN * bytes || i >= (memory->elements[t] + MARGIN) * bytes) &&
                from[i] != memory->margin[t])
                return false;
    }
    return true;
}

#endif
