/* Recognises weight gradients for matrix instructions. */
#include "compiler/base/divide.h"
#include "compiler/cpu/matrix_weights.h"

#include <string.h>

enum {
    TILE = 16,
    STEP = 32,                 /* pixels of one product of tiles */
    COPY_BYTES = 160 << 10,    /* of a band, where that is possible */
    COPY_BYTES_MOST = 1 << 20, /* else it is not worth it */
    SUMS_BYTES_MOST = 2 << 20,
    BLOCK = 32, /* rows at a time where workers divide them */
    LINE_ELEMENTS = 32
};

static const Expr *expr_of(const Computation *computation, ExprId id)
{
    return &computation->exprs.items[id];
}

static int64_t round_up(int64_t value, int64_t to)
{
    return (value + to - 1) / to * to;
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    return b ? greatest_divisor(b, a % b) : (a < 0 ? -a : a);
}

/* ---- Operands ---- */

/* The slope is made of what is stored as bf16 and of bytes, and depends on pixels and on one output axis
 * only, along which all its loads lie side by side. */
static bool is_slope(const Computation *computation, ExprId id, int *column, bool *bf16)
{
    const Expr *expr = expr_of(computation, id);
    if (expr->kind == EXPR_SCALAR) {
        for (int i = 0; i < scalar_table[expr->scalar].arity; i++)
            if (!is_slope(computation, expr->in[i], column, bf16))
                return false;
        return true;
    }
    if (expr->kind == EXPR_CONST)
        return true;
    if (expr->kind != EXPR_LOAD && expr->kind != EXPR_AXIS)
        return false;
    Dtype dtype = expr->kind == EXPR_LOAD ? computation->tensors.items[expr->index].dtype : DTYPE_U8;
    *bf16 = *bf16 || dtype == DTYPE_BF16;
    for (int x = 0; x < computation->axis_count; x++) {
        if (computation->axes[x].reduced || !expr->at.coef[x])
            continue;
        if (expr->kind != EXPR_LOAD || expr->at.coef[x] != 1 || (*column >= 0 && *column != x))
            return false;
        *column = x;
    }
    return (dtype == DTYPE_BF16 || dtype == DTYPE_U8) && expr->guard_count == 0;
}

static const char *find_operands(const Computation *computation, WeightsForm *form)
{
    if (computation->accs.count != 1)
        return "no single sum";
    const Accumulator *acc = &computation->accs.items[0];
    const Expr *product = expr_of(computation, acc->expr);
    if (acc->kind != ACC_SUM || !acc->contraction || product->kind != EXPR_SCALAR ||
        product->scalar != SCALAR_mul)
        return "no sum of products";
    form->a = product->in[0];
    form->slope = product->in[1];
    const Expr *a = expr_of(computation, form->a);
    bool bf16 = false;
    form->column = form->row = form->samples = -1;
    if (a->kind != EXPR_LOAD || a->guard_count || !is_slope(computation, form->slope, &form->column, &bf16) ||
        !bf16 || form->column < 0)
        return "no product of a picture and slopes in bf16";
    for (int x = 0; x < computation->axis_count; x++) {
        const Axis *axis = &computation->axes[x];
        if (axis->reduced && axis->kind != EXTENT_FIXED) {
            if (form->samples >= 0)
                return "more than one axis of the batch";
            form->samples = x;
        } else if (!axis->reduced && axis->kind != EXTENT_FIXED) {
            return "an output axis of unknown extent";
        } else if (!axis->reduced && x != form->column && a->at.coef[x] == 1) {
            form->row = x;
        } else if (!axis->reduced && x != form->column) {
            form->tap[form->tap_count++] = x;
        }
    }
    if (form->row < 0 || a->at.coef[form->column])
        return "no channels side by side";
    for (size_t i = 0; i < computation->stores.count; i++)
        if (computation->stores.items[i].kind == STORE_ADD ||
            computation->stores.items[i].at.coef[form->column] != 1)
            return "stores of another kind";
    return NULL;
}

/* ---- Directions ---- */

static bool is_fixed_sum(const Computation *computation, int axis)
{
    return computation->axes[axis].reduced && computation->axes[axis].kind == EXTENT_FIXED;
}

/* Reduced axes of a side, from the smallest steps to the largest, must count its pixels without gaps. */
static const char *count_pixels(const Computation *computation, WeightsSide *side)
{
    side->pixels = 1;
    side->outer = -1;
    side->inner = 1;
    side->pixel = affine_const(0);
    side->step = 0;
    for (int x = 0; x < computation->axis_count; x++)
        if (is_fixed_sum(computation, x))
            side->step = greatest_divisor(side->step, side->at.coef[x]);
    side->step = side->step ? side->step : 1;
    int counted = 0, wanted = 0;
    for (int x = 0; x < computation->axis_count; x++)
        wanted += is_fixed_sum(computation, x) && side->at.coef[x];
    for (bool found = true; found;) {
        found = false;
        for (int x = 0; x < computation->axis_count && !found; x++) {
            if (!is_fixed_sum(computation, x) || side->at.coef[x] != side->step * side->pixels ||
                side->pixel.coef[x])
                continue;
            side->pixel.coef[x] = side->pixels;
            side->inner = side->pixels;
            side->outer = x;
            side->pixels *= computation->axes[x].extent;
            counted++;
            found = true;
        }
    }
    return counted == wanted ? NULL : "pixels that are not counted one by one";
}

static void find_range(const Computation *computation, WeightsSide *side)
{
    side->low = side->high = side->at.base;
    for (int x = 0; x < computation->axis_count; x++) {
        int64_t far = side->at.coef[x] * (computation->axes[x].extent - 1);
        side->low += far < 0 ? far : 0;
        side->high += far > 0 ? far : 0;
    }
}

/* With guards: each is a direction. */
static const char *sides_of_guards(const Computation *computation, WeightsForm *form, Affine *rest)
{
    const Accumulator *acc = &computation->accs.items[0];
    if (acc->guard_count != 2)
        return "guards that are not two directions";
    const Affine *a = &expr_of(computation, form->a)->at;
    for (int g = 0; g < 2; g++) {
        const Guard *guard = &computation->guards.items[acc->guard_first + g];
        const Affine *other = &computation->guards.items[acc->guard_first + 1 - g].at;
        WeightsSide *side = &form->side[g];
        *side = (WeightsSide){.at = guard->at, .extent = guard->extent};
        for (int x = 0; x < computation->axis_count; x++)
            if (guard->at.coef[x] && !other->coef[x])
                side->source = a->coef[x] / guard->at.coef[x];
        if (side->source < 1 || guard->at.coef[form->row])
            return "a guard that is no direction";
        *rest = affine_add(*rest, affine_scale(guard->at, -side->source));
    }
    if (form->side[0].source < form->side[1].source) {
        WeightsSide held = form->side[0];
        form->side[0] = form->side[1];
        form->side[1] = held;
    }
    for (int x = 0; x < computation->axis_count; x++)
        if (rest->coef[x] && x != form->row && x != form->samples)
            return "a direction without a guard";
    return NULL;
}

/* Without: x is what the reduced axes of the smallest steps count, as long as they leave no gaps; taps that
 * reach farther are y's. */
static const char *sides_of_steps(const Computation *computation, WeightsForm *form, Affine *rest)
{
    const Affine a = expr_of(computation, form->a)->at;
    bool is_x[AXIS_MAX] = {false};
    int64_t step = 0, points = 1;
    for (int x = 0; x < computation->axis_count; x++)
        if (is_fixed_sum(computation, x) && a.coef[x] > 0 && (!step || a.coef[x] < step))
            step = a.coef[x];
    if (!step)
        return "no pixels";
    for (bool found = true; found;) {
        found = false;
        for (int x = 0; x < computation->axis_count && !found; x++) {
            if (is_x[x] || !is_fixed_sum(computation, x) || a.coef[x] != step * points)
                continue;
            is_x[x] = found = true;
            points *= computation->axes[x].extent;
        }
    }
    for (int t = 0; t < form->tap_count; t++)
        is_x[form->tap[t]] = a.coef[form->tap[t]] <= step * (points - 1);
    for (int g = 0; g < 2; g++) {
        WeightsSide *side = &form->side[g];
        *side = (WeightsSide){.at = affine_const(0)};
        for (int x = 0; x < computation->axis_count; x++) {
            if (x == form->row || x == form->samples || x == form->column || is_x[x] != (g == 1))
                continue;
            if (a.coef[x] < 0)
                return "pixels backwards";
            side->at.coef[x] = a.coef[x];
            side->source = greatest_divisor(side->source, a.coef[x]);
            rest->coef[x] = 0;
        }
        for (int x = 0; x < computation->axis_count; x++)
            side->at.coef[x] /= side->source ? side->source : 1;
    }
    return NULL;
}

/* ---- Sizes ---- */

/* Pixels of a phase before the first and past the last that the slopes have. */
static int64_t reach(const WeightsSide *side)
{
    return (side->high - side->low) / side->step + 1;
}

static void set_band(WeightsForm *form, int64_t band)
{
    const WeightsSide *y = &form->side[0];
    form->band = band;
    form->bands = divide_up(y->pixels, band);
    form->lines = band + reach(y) - y->pixels;
    form->steps = divide_up(band * form->pitch, STEP);
    /* Behind the last line: what its last vector writes, and what the last step reads past it under any tap.
     */
    int64_t elements = form->lines * form->pitch + STEP + form->pitch;
    int64_t read = form->steps * STEP + (form->lines - band + 1) * form->pitch;
    form->channel = round_up(elements > read ? elements : read, LINE_ELEMENTS);
    if (form->channel / LINE_ELEMENTS % 2 == 0) /* channels that lie so are not in one set of the cache */
        form->channel += LINE_ELEMENTS;
}

static int64_t copy_bytes(const WeightsForm *form)
{
    int64_t phases = form->side[0].step * form->side[1].step;
    return 2 * (phases * round_up(form->block < form->channels ? form->block : form->channels, TILE) *
                    form->channel +
                form->steps * STEP / 2 * form->slope_row);
}

/* The largest bands that fit, of nearly equal size, whole points of the outer axis. */
static const char *choose_band(WeightsForm *form)
{
    const WeightsSide *y = &form->side[0];
    int64_t points = y->pixels / y->inner, bands = 1;
    do {
        set_band(form, divide_up(points, bands) * y->inner);
        bands++;
    } while (copy_bytes(form) > COPY_BYTES && form->band > y->inner);
    return copy_bytes(form) > COPY_BYTES_MOST ? "too large a copy" : NULL;
}

static const char *find_sizes(const Computation *computation, WeightsForm *form)
{
    WeightsSide *x = &form->side[1];
    form->rows = computation->axes[form->row].extent;
    form->channels = form->rows;
    /* Rows that go on into the next pixel are its channels, seen through a tap of one more. */
    if (computation->accs.items[0].guard_count == 0 && x->source % TILE == 0 && form->rows % x->source == 0) {
        form->channels = x->source;
        x->high += form->rows / form->channels - 1;
    }
    for (int g = 0; g < 2 && computation->accs.items[0].guard_count == 0; g++)
        form->side[g].extent = form->side[g].high + 1;
    form->pitch = round_up(reach(x), 2);
    form->slope_row = 2 * round_up(computation->axes[form->column].extent, TILE);
    form->taps = 1;
    for (int t = 0; t < form->tap_count; t++)
        form->taps *= computation->axes[form->tap[t]].extent;
    form->block = round_up(form->rows, TILE);
    if (computation->parallel == form->row) {
        form->block = form->channels % BLOCK == 0 ? BLOCK : TILE;
        if (form->channels % form->block)
            return "rows that cannot be divided";
    } else if (computation->parallel != form->samples) {
        return "workers that divide taps";
    }
    if (form->taps > WEIGHTS_TAPS)
        return "too many taps";
    if (4 * form->taps * form->block * form->slope_row / 2 > SUMS_BYTES_MOST)
        return "too many sums";
    return choose_band(form);
}

const char *weights_form(const Computation *computation, WeightsForm *form)
{
    memset(form, 0, sizeof *form);
    const char *complaint = find_operands(computation, form);
    if (complaint)
        return complaint;
    form->origin = expr_of(computation, form->a)->at;
    complaint = computation->accs.items[0].guard_count ? sides_of_guards(computation, form, &form->origin)
                                                       : sides_of_steps(computation, form, &form->origin);
    for (int g = 0; g < 2 && !complaint; g++) {
        complaint = count_pixels(computation, &form->side[g]);
        find_range(computation, &form->side[g]);
    }
    if (!complaint)
        complaint = find_sizes(computation, form);
    form->origin.coef[form->row] = 0;
    return complaint;
}

/* ---- Schedules ---- */

/* The loops make the stores, from sums that are there already. */
bool weights_schedule(const CpuTarget *target, const Computation *computation, CpuSchedule *schedule)
{
    WeightsForm form;
    if (!target->tile || weights_form(computation, &form))
        return false;
    memset(schedule, 0, sizeof *schedule);
    *schedule = (CpuSchedule){.primitive = PRIMITIVE_TILE,
                              .vector_axis = form.column,
                              .row_axis = form.row,
                              .spread_axis = -1,
                              .rows_looped = true,
                              .unroll = 1};
    schedule->rows = (int)(form.rows < form.block ? form.rows : form.block);
    int64_t vectors = divide_up(computation->axes[form.column].extent, TILE);
    schedule->vectors = (int)(vectors < 4 ? vectors : 4);
    schedule->order[schedule->order_count++] = form.row;
    for (int t = 0; t < form.tap_count; t++)
        schedule->order[schedule->order_count++] = form.tap[t];
    schedule->order[schedule->order_count++] = form.column;
    for (int x = 0; x < computation->axis_count; x++)
        if (computation->axes[x].reduced)
            schedule->reduce[schedule->reduce_count++] = x;
    return true;
}

const char *weights_legal(const Computation *computation, const CpuSchedule *schedule)
{
    WeightsForm form;
    const char *complaint = weights_form(computation, &form);
    if (complaint)
        return complaint;
    if (schedule->vector_axis != form.column || schedule->row_axis != form.row ||
        schedule->order[0] != form.row || schedule->spread_axis >= 0 || schedule->packed || schedule->kept)
        return "tiles of other axes than those of the sums";
    if (schedule->rows != (form.rows < form.block ? form.rows : form.block))
        return "tiles of other rows than are summed at a time";
    return NULL;
}
