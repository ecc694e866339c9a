/* From a computation and its schedule to CUDA C: what the files of the emitter share.
 *
 * Axis a is the variable `ia`, expression e the variable `ee`, tensor t the argument `tt`. An expression is
 * written where it is first asked for, and known until the block of text that it stands in ends. */
#ifndef CUDA_EMIT_H
#define CUDA_EMIT_H

#include "compiler/cuda/cuda.h"

typedef struct {
    const Computation *computation;
    const CudaSchedule *schedule;
    Arena *arena;
    Text out;
    int depth;         /* of the text's blocks */
    const char *index; /* the type of what counts elements: "int", or "long long" where that is too small */
    bool *known;       /* by expression */
    VEC(ExprId) order; /* … in the order in which they became known */
    const char *sum;   /* what follows the name of an accumulator, "c0": "", or "[i][j]" */
} Emit;

/* ---- emit_value.c ---- */
void emit_line(Emit *emit, const char *format, ...) PRINTF_LIKE(2, 3);
/** A line that opens a block, and the end of one; what became known inside is forgotten. */
size_t emit_open(Emit *emit, const char *format, ...) PRINTF_LIKE(2, 3);
void emit_close(Emit *emit, size_t mark);

const char *emit_affine(Emit *emit, const Affine *at);
/** "a && b"; NULL: there are no guards. */
const char *emit_guards(Emit *emit, int first, int count);
/** Both; each may be NULL. */
const char *emit_both(Emit *emit, const char *a, const char *b);
/** The element that a load reads, as float; zero where its guards or `condition` (may be NULL) fail. */
const char *emit_load(Emit *emit, const Expr *load, const char *condition);
/** The name of an expression's value, after the lines that make it. */
const char *emit_value(Emit *emit, ExprId id);
/** All stores of the point at hand. */
void emit_stores(Emit *emit);

/* ---- emit.c ---- */
/** Whether an int is too small for what counts elements. */
static inline bool emit_is_wide(const Emit *emit)
{
    return emit->index[0] == 'l';
}
/** How many points an axis has, here. */
const char *emit_extent(Emit *emit, int axis);
typedef bool EmitChoose(const Emit *emit, int axis);
/** The product of the extents of the chosen axes. */
const char *emit_points(Emit *emit, EmitChoose *choose);
/** Variables of the chosen axes from the number `from` of their point; not all need be used. */
void emit_axes(Emit *emit, EmitChoose *choose, const char *from);
bool emit_is_output(const Emit *emit, int axis);
bool emit_is_reduced(const Emit *emit, int axis);

/* ---- emit_points.c, emit_tiles.c, emit_cores.c: bodies of the forms ---- */
void emit_form_points(Emit *emit);
void emit_form_reduce(Emit *emit);
void emit_form_tiles(Emit *emit);

#endif
