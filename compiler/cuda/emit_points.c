/* Kernels in which a thread, or some threads, make the sums of one point. */
#include "compiler/cuda/emit.h"

static void start_sums(Emit *emit)
{
    for (size_t i = 0; i < emit->computation->accs.count; i++) {
        bool sum = emit->computation->accs.items[i].kind == ACC_SUM;
        emit_line(emit, "float c%zu = %s;", i, sum ? "0.0f" : "cnnc_float(0xff800000u)");
        if (!sum)
            emit_line(emit, "int k%zu = 0;", i);
    }
}

/* One step of all sums, the number of which is `k`. */
static void add_step(Emit *emit)
{
    const Computation *computation = emit->computation;
    for (size_t i = 0; i < computation->accs.count; i++) {
        const Accumulator *acc = &computation->accs.items[i];
        const char *guards = emit_guards(emit, acc->guard_first, acc->guard_count);
        size_t mark = guards ? emit_open(emit, "if (%s)", guards) : 0;
        const Expr *expr = &computation->exprs.items[acc->expr];
        if (acc->kind == ACC_SUM && acc->contraction) {
            const char *a = emit_value(emit, expr->in[0]), *b = emit_value(emit, expr->in[1]);
            emit_line(emit, "c%zu = fmaf(%s, %s, c%zu);", i, a, b, i);
        } else if (acc->kind == ACC_SUM) {
            emit_line(emit, "c%zu += %s;", i, emit_value(emit, acc->expr));
        } else {
            const char *value = emit_value(emit, acc->expr);
            size_t larger = emit_open(emit, "if (%s > c%zu)", value, i);
            emit_line(emit, "c%zu = %s;", i, value);
            emit_line(emit, "k%zu = (int)k;", i);
            emit_close(emit, larger);
        }
        if (guards)
            emit_close(emit, mark);
    }
}

/* Where the maxima were met: positions are made of the numbers of their steps. */
static void find_positions(Emit *emit)
{
    const Computation *computation = emit->computation;
    for (size_t i = 0; i < computation->accs.count; i++) {
        const Accumulator *acc = &computation->accs.items[i];
        if (acc->kind != ACC_MAX)
            continue;
        emit_line(emit, "int p%zu;", i);
        size_t mark = emit_open(emit, "/* where the maximum was met */");
        emit_axes(emit, emit_is_reduced, arena_printf(emit->arena, "k%zu", i));
        emit_line(emit, "p%zu = (int)(%s);", i, emit_affine(emit, &acc->at));
        emit_close(emit, mark);
        emit_line(emit, "(void)p%zu;", i);
    }
}

static void sum_steps(Emit *emit, const char *first, const char *stride)
{
    size_t mark = emit_open(emit, "for (%s k = %s; k < %s; k += %s)", emit->index, first,
                            emit_points(emit, emit_is_reduced), stride);
    emit_axes(emit, emit_is_reduced, "k");
    add_step(emit);
    emit_close(emit, mark);
}

void emit_form_points(Emit *emit)
{
    emit_line(emit, "const %s point = (%s)CNNC_BLOCK_X * %d + CNNC_THREAD;", emit->index, emit->index,
              emit->schedule->threads);
    emit_line(emit, "if (point >= %s)", emit_points(emit, emit_is_output));
    emit_line(emit, "    return;");
    emit_axes(emit, emit_is_output, "point");
    start_sums(emit);
    if (emit->computation->accs.count)
        sum_steps(emit, "0", "1");
    find_positions(emit);
    emit_stores(emit);
}

/* Adds the parts of a point's threads, or finds the largest of them, pairwise in a fixed order. The first
 * thread of each point has the whole. */
static void join_parts(Emit *emit, size_t i)
{
    const CudaSchedule *schedule = emit->schedule;
    bool sum = emit->computation->accs.items[i].kind == ACC_SUM;
    int apart = schedule->neighbors ? 1 : schedule->threads / schedule->reducers;
    emit_line(emit, "CNNC_BARRIER();");
    emit_line(emit, "part[CNNC_THREAD] = c%zu;", i);
    if (!sum)
        emit_line(emit, "step[CNNC_THREAD] = k%zu;", i);
    size_t loop = emit_open(emit, "for (int half = %d; half > 0; half /= 2)", schedule->reducers / 2);
    emit_line(emit, "CNNC_BARRIER();");
    size_t taking = emit_open(emit, "if (reducer < half)");
    emit_line(emit, "const int other = CNNC_THREAD + half * %d;", apart);
    if (sum) {
        emit_line(emit, "part[CNNC_THREAD] += part[other];");
    } else {
        /* Of equal ones the first. */
        size_t larger =
            emit_open(emit, "if (part[other] > part[CNNC_THREAD] || (part[other] == part[CNNC_THREAD] && "
                            "step[other] < step[CNNC_THREAD]))");
        emit_line(emit, "part[CNNC_THREAD] = part[other];");
        emit_line(emit, "step[CNNC_THREAD] = step[other];");
        emit_close(emit, larger);
    }
    emit_close(emit, taking);
    emit_close(emit, loop);
    emit_line(emit, "c%zu = part[CNNC_THREAD];", i);
    if (!sum)
        emit_line(emit, "k%zu = step[CNNC_THREAD];", i);
}

void emit_form_reduce(Emit *emit)
{
    const CudaSchedule *schedule = emit->schedule;
    int points = schedule->threads / schedule->reducers;
    bool maxima = false;
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        maxima |= emit->computation->accs.items[i].kind == ACC_MAX;
    emit_line(emit, "CNNC_SHARED float part[%d];", schedule->threads);
    if (maxima)
        emit_line(emit, "CNNC_SHARED int step[%d];", schedule->threads);
    emit_line(emit, "const int reducer = CNNC_THREAD %s %d;", schedule->neighbors ? "%" : "/",
              schedule->neighbors ? schedule->reducers : points);
    emit_line(emit, "const %s point = (%s)CNNC_BLOCK_X * %d + CNNC_THREAD %s %d;", emit->index, emit->index,
              points, schedule->neighbors ? "/" : "%", schedule->neighbors ? schedule->reducers : points);
    emit_line(emit, "const int inside = point < %s;", emit_points(emit, emit_is_output));
    emit_axes(emit, emit_is_output, "point");
    start_sums(emit);
    size_t inside = emit_open(emit, "if (inside)");
    sum_steps(emit, "reducer", arena_printf(emit->arena, "%d", schedule->reducers));
    emit_close(emit, inside);
    for (size_t i = 0; i < emit->computation->accs.count; i++)
        join_parts(emit, i);
    emit_line(emit, "if (!inside || reducer != 0)");
    emit_line(emit, "    return;");
    find_positions(emit);
    emit_stores(emit);
}
