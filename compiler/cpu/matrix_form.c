/* Recognises products with paired weights, and finds out how the other operand is to be read. */
#include <string.h>

#include "compiler/cpu/matrix.h"

enum { COPY_BYTES_MOST = 1 << 20 };

static const Expr *expr_of(const Computation *computation, ExprId id)
{
    return &computation->exprs.items[id];
}

static bool is_bf16(const Computation *computation, const Expr *load)
{
    return computation->tensors.items[load->index].dtype == DTYPE_BF16;
}

static bool same_coefs(const Affine *a, const Affine *b)
{
    return memcmp(a->coef, b->coef, sizeof a->coef) == 0;
}

/* ---- The operands ---- */

/* The reduced axis that counts the two rows of a pair: -1: there is none. */
static int find_pair(const Computation *computation, const Expr *b)
{
    int last = computation->axis_count - 1;
    const Axis *axis = &computation->axes[last];
    return axis->reduced && axis->kind == EXTENT_FIXED && axis->extent == 2 && b->at.coef[last] == 1 ? last
                                                                                                     : -1;
}

static int find_vector(const Computation *computation, const Expr *a, const Expr *b)
{
    for (int v = 0; v < computation->axis_count; v++)
        if (!computation->axes[v].reduced && computation->axes[v].kind == EXTENT_FIXED &&
            b->at.coef[v] == 2 && a->at.coef[v] == 0)
            return v;
    return -1;
}

static const char *find_operands(const Computation *computation, MatrixForm *form)
{
    form->acc_count = (int)computation->accs.count;
    if (form->acc_count == 0 || form->acc_count > MATRIX_ACCS)
        return "no sums, or too many";
    for (int i = 0; i < form->acc_count; i++) {
        const Accumulator *acc = &computation->accs.items[i];
        const Expr *product = expr_of(computation, acc->expr);
        if (acc->kind != ACC_SUM || !acc->contraction || product->kind != EXPR_SCALAR ||
            product->scalar != SCALAR_mul)
            return "no sum of products";
        const Expr *a = expr_of(computation, product->in[0]), *b = expr_of(computation, product->in[1]);
        if (a->kind != EXPR_LOAD || b->kind != EXPR_LOAD || a->guard_count || b->guard_count)
            return "no product of loads";
        if (!is_bf16(computation, b) || (i && product->in[1] != form->b))
            return "other weights than pairs of bf16";
        form->a[i] = product->in[0];
        form->b = product->in[1];
        if (!same_coefs(&a->at, &expr_of(computation, form->a[0])->at) ||
            a->index != expr_of(computation, form->a[0])->index)
            return "sums that read differently";
    }
    const Expr *a = expr_of(computation, form->a[0]), *b = expr_of(computation, form->b);
    form->pair = find_pair(computation, b);
    form->vector = find_vector(computation, a, b);
    if (form->pair < 0 || form->vector < 0)
        return "no pairs";
    for (size_t i = 0; i < computation->stores.count; i++)
        if (!computation->stores.items[i].at.coef[form->vector] ||
            computation->stores.items[i].kind == STORE_ACC)
            return "stores of another kind";
    return NULL;
}

/* ---- The copy of A ---- */

/* Elements of A for one step of a guard's coordinate: seen at an axis that is in this guard only. 0: not to
 * be seen. */
static int64_t guard_source(const Computation *computation, const Accumulator *acc, int which,
                            const Affine *at)
{
    const Guard *guards = &computation->guards.items[acc->guard_first];
    for (int x = 0; x < computation->axis_count; x++) {
        int64_t coef = guards[which].at.coef[x];
        bool alone = coef != 0;
        for (int i = 0; i < acc->guard_count; i++)
            alone = alone && (i == which || guards[i].at.coef[x] == 0);
        if (alone)
            return at->coef[x] % coef ? 0 : at->coef[x] / coef;
    }
    return 0;
}

static void widen(const Computation *computation, MatrixCoord *coord, const Affine *at)
{
    int64_t low = at->base, high = at->base;
    for (int x = 0; x < computation->axis_count; x++) {
        int64_t far = at->coef[x] * (computation->axes[x].extent - 1);
        low += far < 0 ? far : 0;
        high += far > 0 ? far : 0;
    }
    coord->low = low < coord->low ? low : coord->low;
    coord->high = high > coord->high ? high : coord->high;
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    return b ? greatest_divisor(b, a % b) : (a < 0 ? -a : a);
}

/* A coordinate for each guard; what is left of the accumulators' addresses is their rest. */
static const char *add_guarded(const Computation *computation, MatrixForm *form, Affine *rest)
{
    const Accumulator *first = &computation->accs.items[0];
    for (int g = 0; g < first->guard_count; g++) {
        MatrixCoord *coord = &form->coord[form->coord_count++];
        const Guard *guard = &computation->guards.items[first->guard_first + g];
        *coord = (MatrixCoord){.low = INT64_MAX, .high = INT64_MIN, .extent = guard->extent};
        int64_t source = guard_source(computation, first, g, &expr_of(computation, form->a[0])->at);
        /* A dim of one point has no place in an address. */
        coord->source = source == 0 && guard->extent == 1 ? 1 : source;
        if (coord->source <= 0)
            return "a guard that is no coordinate";
        for (int i = 0; i < form->acc_count; i++) {
            const Accumulator *acc = &computation->accs.items[i];
            const Guard *own = &computation->guards.items[acc->guard_first + g];
            if (acc->guard_count != first->guard_count || own->extent != guard->extent ||
                !same_coefs(&own->at, &guard->at))
                return "sums with other guards";
            coord->at[i] = own->at;
            widen(computation, coord, &own->at);
            rest[i] = affine_add(rest[i], affine_scale(own->at, -source));
        }
    }
    return NULL;
}

/* Axes of the batch, and others of unknown extent, stand outside. */
static void find_outside(const Computation *computation, MatrixForm *form, const Affine *rest)
{
    for (int x = 0; x < computation->axis_count; x++)
        if (rest->coef[x] && computation->axes[x].kind != EXTENT_FIXED)
            form->outside |= 1u << x;
}

/* One more coordinate for all of the rest that moves with axes of fixed extents. */
static void add_rest(const Computation *computation, MatrixForm *form, Affine *rest)
{
    MatrixCoord *coord = &form->coord[form->coord_count];
    *coord = (MatrixCoord){.low = INT64_MAX, .high = INT64_MIN};
    int64_t step = 0;
    for (int i = 0; i < form->acc_count; i++)
        step = greatest_divisor(step, rest[i].base - rest[0].base);
    for (int x = 0; x < computation->axis_count; x++)
        if (!(form->outside >> x & 1))
            step = greatest_divisor(step, rest[0].coef[x]);
    form->origin = rest[0];
    for (int x = 0; x < computation->axis_count; x++)
        if (!(form->outside >> x & 1))
            form->origin.coef[x] = 0;
    if (step == 0)
        return;
    for (int i = 0; i < form->acc_count; i++) {
        Affine moving = affine_add(rest[i], affine_scale(form->origin, -1));
        coord->at[i] = affine_divide(moving, step);
        widen(computation, coord, &coord->at[i]);
    }
    coord->source = step;
    coord->extent = coord->high + 1;
    form->coord_count += coord->low >= 0;
}

static bool is_outer(const MatrixCoord *a, const MatrixCoord *b)
{
    return a->source != b->source ? a->source > b->source : a->extent > b->extent;
}

static void sort_coords(MatrixForm *form)
{
    for (int i = 1; i < form->coord_count; i++) {
        for (int k = i; k > 0 && is_outer(&form->coord[k], &form->coord[k - 1]); k--) {
            MatrixCoord held = form->coord[k];
            form->coord[k] = form->coord[k - 1];
            form->coord[k - 1] = held;
        }
    }
}

static const char *find_copy(const Computation *computation, MatrixForm *form)
{
    Affine rest[MATRIX_ACCS];
    for (int i = 0; i < form->acc_count; i++)
        rest[i] = expr_of(computation, form->a[i])->at;
    if (computation->accs.items[0].guard_count >= MATRIX_COORDS)
        return "too many guards";
    const char *complaint = add_guarded(computation, form, rest);
    if (complaint)
        return complaint;
    find_outside(computation, form, &rest[0]);
    add_rest(computation, form, rest);
    sort_coords(form);
    form->elements = 1;
    for (int c = form->coord_count - 1; c >= 0; c--) {
        MatrixCoord *coord = &form->coord[c];
        coord->stride = form->elements;
        form->elements *= coord->high - coord->low + 1;
        if (form->elements > COPY_BYTES_MOST / 2)
            return "too large a copy";
    }
    const MatrixCoord *inner = &form->coord[form->coord_count - 1];
    if (form->coord_count == 0 || inner->source != 1 || inner->low != 0)
        return "no run of elements";
    for (int i = 0; i < form->acc_count; i++) {
        form->at[i] = affine_const(0);
        for (int c = 0; c < form->coord_count; c++) {
            const MatrixCoord *coord = &form->coord[c];
            Affine at = affine_add(coord->at[i], affine_const(-coord->low));
            form->at[i] = affine_add(form->at[i], affine_scale(at, coord->stride));
        }
    }
    return NULL;
}

/* ---- The run ---- */

static void find_run(const Computation *computation, MatrixForm *form)
{
    const Expr *b = expr_of(computation, form->b);
    bool joined[AXIS_MAX] = {false};
    joined[form->pair] = true;
    form->run = 1;
    form->b_row = 2 * computation->axes[form->vector].extent;
    for (int x = 0; x < computation->axis_count; x++)
        if (computation->axes[x].reduced && form->at[0].coef[x] == 2 && b->at.coef[x] > 0)
            form->b_row = b->at.coef[x];
    form->tap_count = 0;
    for (int x = computation->axis_count - 1; x >= 0; x--) {
        const Axis *axis = &computation->axes[x];
        if (!axis->reduced || joined[x] || axis->kind != EXTENT_FIXED ||
            form->at[0].coef[x] != 2 * form->run || b->at.coef[x] != form->b_row * form->run)
            continue;
        joined[x] = true;
        form->run *= axis->extent;
    }
    for (int x = 0; x < computation->axis_count; x++)
        if (computation->axes[x].reduced && !joined[x])
            form->tap[form->tap_count++] = x;
}

const char *matrix_form(const Computation *computation, MatrixForm *form)
{
    memset(form, 0, sizeof *form);
    const char *complaint = find_operands(computation, form);
    if (complaint)
        return complaint;
    bool guarded = false;
    for (int i = 0; i < form->acc_count; i++) {
        form->at[i] = expr_of(computation, form->a[i])->at;
        guarded = guarded || computation->accs.items[i].guard_count;
    }
    form->copied = guarded || !is_bf16(computation, expr_of(computation, form->a[0]));
    if (form->copied)
        complaint = find_copy(computation, form);
    if (complaint)
        return complaint;
    if (form->at[0].coef[form->pair] != 1)
        return "terms that do not lie side by side";
    find_run(computation, form);
    for (int t = 0; t < form->tap_count; t++)
        if (computation->axes[form->tap[t]].kind != EXTENT_FIXED)
            return "a sum over the batch";
    return NULL;
}
