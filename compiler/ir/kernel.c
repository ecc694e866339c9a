/* Affine arithmetic, scalar functions, printing and checking of computations. */
#include "compiler/ir/kernel.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"

const ScalarInfo scalar_table[SCALAR_COUNT] = {
#define SCALAR(name, arity, interp, doc) [SCALAR_##name] = {#name, arity, doc},
#include "compiler/ir/scalar.def"
#undef SCALAR
};

double scalar_evaluate(ScalarId id, double a, double b, double c)
{
    switch (id) {
#define SCALAR(name, arity, interp, doc)                                                                     \
    case SCALAR_##name:                                                                                      \
        return (double)(interp);
#include "compiler/ir/scalar.def"
#undef SCALAR
    case SCALAR_COUNT:
        break;
    }
    BUG("scalar function %d", (int)id);
}

ExtentKind dim_extent(const Type *type, int dim)
{
    if (dim > 0 || type->lead == LEAD_NONE || (type->lead == LEAD_BATCH && type->dim[0] == 1))
        return EXTENT_FIXED;
    return type->lead == LEAD_BATCH ? EXTENT_BATCH : EXTENT_SLICES;
}

Affine affine_const(int64_t value)
{
    return (Affine){.base = value};
}

Affine affine_add(Affine a, Affine b)
{
    a.base += b.base;
    for (int i = 0; i < AXIS_MAX; i++)
        a.coef[i] += b.coef[i];
    return a;
}

Affine affine_scale(Affine a, int64_t factor)
{
    a.base *= factor;
    for (int i = 0; i < AXIS_MAX; i++)
        a.coef[i] *= factor;
    return a;
}

Affine affine_divide(Affine at, int64_t divisor)
{
    if (at.base % divisor)
        BUG("%" PRId64 " is no multiple of %" PRId64, at.base, divisor);
    at.base /= divisor;
    for (int i = 0; i < AXIS_MAX; i++) {
        if (at.coef[i] % divisor)
            BUG("a step of %" PRId64 " is no multiple of %" PRId64, at.coef[i], divisor);
        at.coef[i] /= divisor;
    }
    return at;
}

int64_t affine_class(const Affine *at, int64_t period)
{
    for (int i = 0; i < AXIS_MAX; i++)
        if (at->coef[i] % period)
            BUG("an index has no class modulo %" PRId64, period);
    int64_t class = at->base % period;
    return class < 0 ? class + period : class;
}

bool affine_is_const(const Affine *at)
{
    for (int i = 0; i < AXIS_MAX; i++)
        if (at->coef[i])
            return false;
    return true;
}

bool affine_equal(const Affine *a, const Affine *b)
{
    return a->base == b->base && memcmp(a->coef, b->coef, sizeof a->coef) == 0;
}

static void print_affine(const Computation *computation, const Affine *at, Text *out)
{
    bool any = false;
    for (int i = 0; i < computation->axis_count; i++) {
        if (!at->coef[i])
            continue;
        const char *name = computation->axes[i].name;
        if (at->coef[i] == 1)
            text_printf(out, any ? "+%s" : "%s", name);
        else if (at->coef[i] == -1)
            text_printf(out, "-%s", name);
        else
            text_printf(out, any ? "%+" PRId64 "*%s" : "%" PRId64 "*%s", at->coef[i], name);
        any = true;
    }
    if (at->base || !any)
        text_printf(out, any ? "%+" PRId64 : "%" PRId64, at->base);
}

static void print_guards(const Computation *computation, int first, int count, Text *out)
{
    for (int i = 0; i < count; i++) {
        const Guard *guard = &computation->guards.items[first + i];
        text_printf(out, "%s0 <= ", i ? ", " : " where ");
        print_affine(computation, &guard->at, out);
        text_printf(out, " < %" PRId64, guard->extent);
    }
}

static void print_expr(const Computation *computation, const Expr *expr, Text *out)
{
    switch (expr->kind) {
    case EXPR_CONST:
        text_printf(out, "%.9g", expr->imm);
        return;
    case EXPR_LOAD:
        text_printf(out, "t%d[", expr->index);
        print_affine(computation, &expr->at, out);
        text_printf(out, "]");
        print_guards(computation, expr->guard_first, expr->guard_count, out);
        return;
    case EXPR_AXIS:
        text_printf(out, "real(");
        print_affine(computation, &expr->at, out);
        text_printf(out, ")");
        return;
    case EXPR_ACC:
        text_printf(out, "acc%d", expr->index);
        return;
    case EXPR_ACC_AT:
        text_printf(out, "position of acc%d", expr->index);
        return;
    case EXPR_SCALAR:
        text_printf(out, "%s(", scalar_table[expr->scalar].name);
        for (int i = 0; i < scalar_table[expr->scalar].arity; i++)
            text_printf(out, "%se%d", i ? ", " : "", expr->in[i]);
        text_printf(out, ")");
        return;
    case EXPR_RANDOM:
        text_printf(out, "random %u (e%d, e%d, e%d, e%d) at ", (unsigned)expr->index, expr->in[0],
                    expr->in[1], expr->in[2], expr->in[3]);
        print_affine(computation, &expr->at, out);
        text_printf(out, " of ");
        print_affine(computation, &expr->at2, out);
        return;
    }
}

static void print_axes(const Computation *computation, Text *out)
{
    static const char *const kinds[] = {"", " samples", " slices"};
    for (int i = 0; i < computation->axis_count; i++) {
        const Axis *axis = &computation->axes[i];
        text_printf(out, "  %s %s: %" PRId64 "%s%s\n", axis->reduced ? "over" : "for", axis->name,
                    axis->extent, kinds[axis->kind], i == computation->parallel ? ", in parallel" : "");
    }
}

bool axis_is_apart(const Computation *computation, int axis)
{
    for (size_t i = 0; i < computation->exprs.count; i++)
        if (computation->exprs.items[i].kind == EXPR_LOAD && !computation->exprs.items[i].at.coef[axis])
            return false;
    for (size_t i = 0; i < computation->stores.count; i++)
        if (!computation->stores.items[i].at.coef[axis])
            return false;
    return computation->accs.count > 0;
}

void computation_print(const Computation *computation, Text *out)
{
    text_printf(out, "kernel %s%s\n", computation->name,
                computation->chunked ? ", for the samples of a chunk" : "");
    print_axes(computation, out);
    for (size_t i = 0; i < computation->tensors.count; i++) {
        const KernelTensor *tensor = &computation->tensors.items[i];
        text_printf(out, "  t%zu = %%%u %s%s\n", i, tensor->node, dtype_name(tensor->dtype),
                    tensor->written ? ", written" : "");
    }
    for (size_t i = 0; i < computation->exprs.count; i++) {
        text_printf(out, "  e%zu = ", i);
        print_expr(computation, &computation->exprs.items[i], out);
        text_printf(out, "\n");
    }
    for (size_t i = 0; i < computation->accs.count; i++) {
        const Accumulator *acc = &computation->accs.items[i];
        text_printf(out, "  acc%zu = %s e%d%s", i, acc->kind == ACC_SUM ? "sum" : "max", acc->expr,
                    acc->contraction ? " (contraction)" : "");
        print_guards(computation, acc->guard_first, acc->guard_count, out);
        text_printf(out, "\n");
    }
    static const char *const stores[] = {"=", "+=", "accumulates"};
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        text_printf(out, "  t%d[", store->tensor);
        print_affine(computation, &store->at, out);
        text_printf(out, "] %s e%d", stores[store->kind], store->expr);
        print_guards(computation, store->guard_first, store->guard_count, out);
        text_printf(out, "\n");
    }
}

static bool reads_acc(const Computation *computation, ExprId id)
{
    const Expr *expr = &computation->exprs.items[id];
    if (expr->kind == EXPR_ACC || expr->kind == EXPR_ACC_AT)
        return true;
    if (expr->kind != EXPR_SCALAR)
        return false;
    for (int i = 0; i < scalar_table[expr->scalar].arity; i++)
        if (reads_acc(computation, expr->in[i]))
            return true;
    return false;
}

static bool uses_reduced(const Computation *computation, const Affine *at)
{
    for (int i = 0; i < computation->axis_count; i++)
        if (at->coef[i] && computation->axes[i].reduced)
            return true;
    return false;
}

void computation_verify(const Computation *computation, const char *pass)
{
    const char *name = computation->name;
    for (int i = 1; i < computation->axis_count; i++)
        if (computation->axes[i - 1].reduced && !computation->axes[i].reduced)
            BUG("after %s: %s: an output axis inside reduced ones", pass, name);
    for (size_t i = 0; i < computation->exprs.count; i++) {
        const Expr *expr = &computation->exprs.items[i];
        int arity = expr->kind == EXPR_SCALAR   ? scalar_table[expr->scalar].arity
                    : expr->kind == EXPR_RANDOM ? 4
                                                : 0;
        for (int k = 0; k < arity; k++)
            if (expr->in[k] < 0 || (size_t)expr->in[k] >= i)
                BUG("after %s: %s: e%zu reads e%d", pass, name, i, expr->in[k]);
        if (expr->kind == EXPR_LOAD && (size_t)expr->index >= computation->tensors.count)
            BUG("after %s: %s: e%zu loads t%d", pass, name, i, expr->index);
    }
    for (size_t i = 0; i < computation->accs.count; i++)
        if (reads_acc(computation, computation->accs.items[i].expr))
            BUG("after %s: %s: acc%zu needs an accumulator", pass, name, i);
    for (size_t i = 0; i < computation->stores.count; i++) {
        const Store *store = &computation->stores.items[i];
        if (uses_reduced(computation, &store->at))
            BUG("after %s: %s: a store moves along a reduced axis", pass, name);
        if (!computation->tensors.items[store->tensor].written)
            BUG("after %s: %s: t%d is not marked as written", pass, name, store->tensor);
        if (store->kind == STORE_ACC && computation->exprs.items[store->expr].kind != EXPR_ACC)
            BUG("after %s: %s: a store of something else than an accumulator", pass, name);
    }
    if (computation->parallel < 0 || computation->parallel >= computation->axis_count)
        BUG("after %s: %s: no parallel axis", pass, name);
}

/* The points of the output axes, or of all. */
static double points(const Computation *computation, bool reduced)
{
    double product = 1;
    for (int i = 0; i < computation->axis_count; i++)
        if (reduced || !computation->axes[i].reduced)
            product *= (double)computation->axes[i].extent;
    return product;
}

double computation_multiply_adds(const Computation *computation)
{
    int contractions = 0;
    for (size_t i = 0; i < computation->accs.count; i++)
        contractions += computation->accs.items[i].contraction;
    return contractions * points(computation, true) * (1 + computation->plain_less_1);
}

double computation_flops(const Computation *computation)
{
    double outer = points(computation, false), all = points(computation, true), flops = 0;
    for (size_t i = 0; i < computation->accs.count; i++)
        flops += (computation->accs.items[i].contraction ? 2 : 1) * all;
    for (size_t i = 0; i < computation->exprs.count; i++)
        if (computation->exprs.items[i].kind == EXPR_SCALAR && reads_acc(computation, (ExprId)i))
            flops += outer;
    if (computation->accs.count == 0)
        for (size_t i = 0; i < computation->exprs.count; i++)
            flops += computation->exprs.items[i].kind == EXPR_SCALAR ? outer : 0;
    return flops * (1 + computation->plain_less_1);
}

int64_t computation_points(const Computation *computation, int axis)
{
    const Axis *at = &computation->axes[axis];
    bool of_chunk = computation->chunked && at->kind == EXTENT_BATCH && computation->chunk > 0;
    return of_chunk && computation->chunk < at->extent ? computation->chunk : at->extent;
}
