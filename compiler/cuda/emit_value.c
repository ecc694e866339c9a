/* Expressions, loads and stores as CUDA C. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/base/bug.h"
#include "compiler/cuda/emit.h"
#include "runtime/half.h"

static void indent(Emit *emit)
{
    for (int i = 0; i < emit->depth; i++)
        text_append(&emit->out, "    ", 4);
}

static void line(Emit *emit, const char *format, va_list arguments)
{
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    if (length < 0)
        BUG("no memory for a line of text");
    indent(emit);
    text_append(&emit->out, text, (size_t)length);
    free(text);
}

void emit_line(Emit *emit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line(emit, format, arguments);
    va_end(arguments);
    text_append(&emit->out, "\n", 1);
}

size_t emit_open(Emit *emit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line(emit, format, arguments);
    va_end(arguments);
    text_append(&emit->out, " {\n", 3);
    emit->depth++;
    return emit->order.count;
}

void emit_close(Emit *emit, size_t mark)
{
    while (emit->order.count > mark)
        emit->known[emit->order.items[--emit->order.count]] = false;
    emit->depth--;
    emit_line(emit, "}");
}

const char *emit_affine(Emit *emit, const Affine *at)
{
    Text text = {.arena = emit->arena};
    for (int a = 0; a < emit->computation->axis_count; a++) {
        int64_t coef = at->coef[a];
        if (coef == 0)
            continue;
        text_printf(&text, "%s", text.length ? (coef < 0 ? " - " : " + ") : coef < 0 ? "-" : "");
        if (coef == 1 || coef == -1)
            text_printf(&text, "i%d", a);
        else
            text_printf(&text, "%lld%s * i%d", (long long)(coef < 0 ? -coef : coef),
                        emit_is_wide(emit) ? "LL" : "", a);
    }
    if (at->base || !text.length)
        text_printf(&text, "%s%lld",
                    text.length    ? (at->base < 0 ? " - " : " + ")
                    : at->base < 0 ? "-"
                                   : "",
                    (long long)(at->base < 0 ? -at->base : at->base));
    return text_string(&text);
}

const char *emit_guards(Emit *emit, int first, int count)
{
    const char *all = NULL;
    for (int i = 0; i < count; i++) {
        const Guard *guard = &emit->computation->guards.items[first + i];
        all = emit_both(emit, all,
                        arena_printf(emit->arena, "(unsigned)(%s) < %lldu", emit_affine(emit, &guard->at),
                                     (long long)guard->extent));
    }
    return all;
}

const char *emit_both(Emit *emit, const char *a, const char *b)
{
    return a && b ? arena_printf(emit->arena, "%s && %s", a, b) : a ? a : b;
}

static const char *element(Emit *emit, const Expr *load)
{
    return arena_printf(emit->arena, "t%d[%s]", load->index, emit_affine(emit, &load->at));
}

static const char *as_float(Emit *emit, Dtype dtype, const char *element)
{
    switch (dtype) {
    case DTYPE_F32:
        return element;
    case DTYPE_BF16:
        return arena_printf(emit->arena, "cnnc_bf16_value(%s)", element);
    case DTYPE_F16:
        return arena_printf(emit->arena, "cnnc_f16_value(%s)", element);
    case DTYPE_I32:
    case DTYPE_U8:
        return arena_printf(emit->arena, "(float)%s", element);
    case DTYPE_COUNT:
        break;
    }
    BUG("an element of type %d", (int)dtype);
}

const char *emit_load(Emit *emit, const Expr *load, const char *condition)
{
    Dtype dtype = emit->computation->tensors.items[load->index].dtype;
    const char *value = as_float(emit, dtype, element(emit, load));
    condition = emit_both(emit, condition, emit_guards(emit, load->guard_first, load->guard_count));
    return condition ? arena_printf(emit->arena, "%s ? %s : 0.0f", condition, value) : value;
}

static const char *constant(Emit *emit, double value)
{
    float narrow = (float)value;
    if (!isfinite(narrow))
        return arena_printf(emit->arena, "cnnc_float(0x%08xu)", cnn_float_bits(narrow));
    return arena_printf(emit->arena, narrow < 0 ? "(%af)" : "%af", (double)narrow);
}

static const char *scalar(Emit *emit, ScalarId id, const char *a, const char *b, const char *c)
{
    Arena *arena = emit->arena;
    switch (id) {
    case SCALAR_add:
        return arena_printf(arena, "%s + %s", a, b);
    case SCALAR_sub:
        return arena_printf(arena, "%s - %s", a, b);
    case SCALAR_mul:
        return arena_printf(arena, "%s * %s", a, b);
    case SCALAR_div:
        return arena_printf(arena, "%s / %s", a, b);
    case SCALAR_max:
        return arena_printf(arena, "%s > %s ? %s : %s", a, b, a, b);
    case SCALAR_min:
        return arena_printf(arena, "%s < %s ? %s : %s", a, b, a, b);
    case SCALAR_neg:
        return arena_printf(arena, "-%s", a);
    case SCALAR_abs:
        return arena_printf(arena, "fabsf(%s)", a);
    case SCALAR_sqrt:
        return arena_printf(arena, "sqrtf(%s)", a);
    case SCALAR_rsqrt:
        return arena_printf(arena, "1.0f / sqrtf(%s)", a);
    case SCALAR_exp:
        return arena_printf(arena, "expf(%s)", a);
    case SCALAR_expm1:
        return arena_printf(arena, "expm1f(%s)", a);
    case SCALAR_log:
        return arena_printf(arena, "logf(%s)", a);
    case SCALAR_log1p:
        return arena_printf(arena, "log1pf(%s)", a);
    case SCALAR_tanh:
        return arena_printf(arena, "tanhf(%s)", a);
    case SCALAR_sigmoid:
        return arena_printf(arena, "1.0f / (1.0f + expf(-%s))", a);
    case SCALAR_erf:
        return arena_printf(arena, "erff(%s)", a);
    case SCALAR_sign:
        return arena_printf(arena, "(float)((%s > 0.0f) - (%s < 0.0f))", a, a);
    case SCALAR_greater:
        return arena_printf(arena, "%s > %s ? 1.0f : 0.0f", a, b);
    case SCALAR_equal:
        return arena_printf(arena, "%s == %s ? 1.0f : 0.0f", a, b);
    case SCALAR_select:
        return arena_printf(arena, "%s != 0.0f ? %s : %s", a, b, c);
    case SCALAR_power:
        return arena_printf(arena, "powf(%s, %s)", a, b);
    case SCALAR_COUNT:
        break;
    }
    BUG("scalar function %d", (int)id);
}

/* Keys and counters are integers in memory, and stay so. */
static const char *random_number(Emit *emit, const Expr *expr)
{
    const char *in[4];
    for (int i = 0; i < 4; i++)
        in[i] = element(emit, &emit->computation->exprs.items[expr->in[i]]);
    return arena_printf(emit->arena,
                        "cnnc_random((unsigned)%s, (unsigned)%s, %uu, (unsigned)%s, (unsigned)(%s + %s), "
                        "(unsigned)(%s))",
                        in[0], in[1], (unsigned)expr->index, in[2], in[3], emit_affine(emit, &expr->at2),
                        emit_affine(emit, &expr->at));
}

static const char *expression(Emit *emit, const Expr *expr)
{
    switch (expr->kind) {
    case EXPR_CONST:
        return constant(emit, expr->imm);
    case EXPR_LOAD:
        return emit_load(emit, expr, NULL);
    case EXPR_AXIS:
        return arena_printf(emit->arena, "(float)(%s)", emit_affine(emit, &expr->at));
    case EXPR_ACC:
        return arena_printf(emit->arena, "c%d%s", expr->index, emit->sum);
    case EXPR_ACC_AT:
        return arena_printf(emit->arena, "(float)p%d", expr->index);
    case EXPR_SCALAR: {
        const char *in[3] = {"", "", ""};
        for (int i = 0; i < scalar_table[expr->scalar].arity; i++)
            in[i] = emit_value(emit, expr->in[i]);
        return scalar(emit, expr->scalar, in[0], in[1], in[2]);
    }
    case EXPR_RANDOM:
        return random_number(emit, expr);
    }
    BUG("expression of kind %d", (int)expr->kind);
}

const char *emit_value(Emit *emit, ExprId id)
{
    const Expr *expr = &emit->computation->exprs.items[id];
    if (expr->kind == EXPR_CONST)
        return constant(emit, expr->imm);
    if (!emit->known[id]) {
        const char *text = expression(emit, expr);
        emit_line(emit, "const float e%d = %s;", id, text);
        emit->known[id] = true;
        *vec_push(emit->arena, &emit->order) = id;
    }
    return arena_printf(emit->arena, "e%d", id);
}

static const char *as_stored(Emit *emit, Dtype dtype, const char *value)
{
    switch (dtype) {
    case DTYPE_F32:
        return value;
    case DTYPE_BF16:
        return arena_printf(emit->arena, "cnnc_bf16_of(%s)", value);
    case DTYPE_F16:
        return arena_printf(emit->arena, "cnnc_f16_of(%s)", value);
    case DTYPE_I32:
        return arena_printf(emit->arena, "(int)%s", value);
    case DTYPE_U8:
        return arena_printf(emit->arena, "(unsigned char)%s", value);
    case DTYPE_COUNT:
        break;
    }
    BUG("an element of type %d", (int)dtype);
}

void emit_stores(Emit *emit)
{
    const Computation *computation = emit->computation;
    size_t count = computation->stores.count;
    /* All values first: a store may overwrite what another expression loads at this point. Where the guard of
     * a store fails, its value may be nowhere. */
    for (size_t i = 0; i < count; i++) {
        const Store *store = &computation->stores.items[i];
        if (store->kind == STORE_ADD)
            BUG("%s adds to what it stores: plans for a GPU have no such sums", computation->name);
        const char *guards = emit_guards(emit, store->guard_first, store->guard_count);
        if (!guards) {
            emit_value(emit, store->expr);
            continue;
        }
        emit_line(emit, "float v%zu = 0.0f;", i);
        size_t mark = emit_open(emit, "if (%s)", guards);
        emit_line(emit, "v%zu = %s;", i, emit_value(emit, store->expr));
        emit_close(emit, mark);
    }
    for (size_t i = 0; i < count; i++) {
        const Store *store = &computation->stores.items[i];
        Dtype dtype = computation->tensors.items[store->tensor].dtype;
        const char *guards = emit_guards(emit, store->guard_first, store->guard_count);
        const char *value = guards ? arena_printf(emit->arena, "v%zu", i) : emit_value(emit, store->expr);
        if (guards)
            emit_line(emit, "if (%s)", guards);
        emit_line(emit, "%st%d[%s] = %s;", guards ? "    " : "", store->tensor, emit_affine(emit, &store->at),
                  as_stored(emit, dtype, value));
    }
}
