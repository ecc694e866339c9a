/* From a computation and its schedule to LLVM IR: what the files of the emitter share.
 *
 * A value is an LLVM float, or a vector of `lanes` floats when it differs along the vector axis. The emitter
 * stands at a Standpoint: each axis has a run-time part (the index of a loop) and a compile-time part (row,
 * vector, unrolled step, peeled point); pointers are kept at the run-time parts, so that the rest of an
 * address is a constant. */
#ifndef EMIT_H
#define EMIT_H

#include <llvm-c/Core.h>

#include "compiler/cpu/cpu.h"

/* A pointer into a tensor that moves with the axes: shared by all accesses that differ by a constant. */
enum { TENSOR_KEPT = -1, TENSOR_PACKED = -2 }; /* memory of the kernel's own: emit_local.c */
typedef struct {
    int tensor;
    int64_t coef[AXIS_MAX];
} Stream;

/* value + constant; value NULL: a constant. */
typedef struct {
    LLVMValueRef value;
    int64_t constant;
} Bound;

typedef struct {
    bool bound[AXIS_MAX];                  /* false: the axis can still be anywhere in its extent */
    LLVMValueRef index[AXIS_MAX];          /* run-time part, i64; NULL: none */
    int64_t low[AXIS_MAX], high[AXIS_MAX]; /* between which the run-time part lies, both included */
    int64_t offset[AXIS_MAX];              /* compile-time part */
    LLVMValueRef *stream;                  /* pointer of each stream at the run-time parts */
} Standpoint;

/* What is remembered of an expression: its value; of a load, the bytes as they lie in memory; of a random
 * number, the two words of its sample's block. */
typedef enum { MEMO_VALUE, MEMO_RAW, MEMO_BLOCK, MEMO_BLOCK_SECOND, MEMO_KINDS } MemoKind;

/* A value made earlier, valid where the axes that it depends on have not moved. */
typedef struct {
    LLVMValueRef value;
    LLVMValueRef index[AXIS_MAX];
    int64_t offset[AXIS_MAX];
    ExprId expr;
    int previous; /* entry of the same expression, -1: none */
} Memo;

/* Which of the carried values are an accumulator's: one for each row and vector that it depends on. */
typedef struct {
    int first, position; /* of the values; of the positions of its maxima, -1: nobody asks */
    bool by_row, by_vector;
} Slots;

typedef struct {
    const CpuTarget *target;
    const Computation *computation;
    const CpuSchedule *schedule;
    Arena *arena;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMValueRef function;
    LLVMTypeRef f32, i1, i8, i16, i32, i64, pointer;
    int lanes;                                       /* of this kernel: 1 for scalar code */
    LLVMValueRef begin, end, samples, slices, first; /* of the call; first as i1 */
    LLVMValueRef zeros; /* memory of one vector of zeros: where loads go whose guard fails */
    VEC(Stream) streams;
    int *stream_of_expr, *stream_of_store;
    uint32_t *depends; /* by kind and expression: bit per axis; accumulators depend on all output axes */
    bool *heavy;       /* by expression: worth computing once, outside the loops it does not depend on */
    Standpoint place;
    VEC(Memo) memo;
    int *memo_last;         /* by kind and expression */
    LLVMValueRef condition; /* loads are only safe where it holds (NULL: always) */
    VEC(Guard) proven;      /* guards that hold inside a clipped loop */
    /* The tile being emitted. */
    int rows, vectors;
    int64_t inner[AXIS_MAX];         /* points of a blocked reduced axis in this block */
    LLVMValueRef *mask;              /* by vector of the tile: lanes in use; NULL: all */
    int64_t row_start, vector_start; /* compile-time parts of the row and vector axes at row 0 and vector 0 */
    int row, vector;                 /* where evaluation stands */
    Slots *slots;                    /* by accumulator */
    LLVMValueRef *carried;           /* accumulators, then positions of maxima */
    int carried_count;
    int local_stream[2];         /* by -1 - tensor; -1: there is none */
    int64_t local_elements[2];   /* of the sums of one accumulator; of the packed operand */
    LLVMValueRef scratch;        /* memory for the carried values, made when first needed */
    LLVMValueRef rows_left;      /* there are so many rows only (i64); NULL: all */
    struct EmitMatrix *matrix;   /* PRIMITIVE_TILE: the sums lie in the scratch memory; else NULL */
    struct EmitWeights *weights; /* PRIMITIVE_TILE of a weight gradient; else NULL */
    LLVMValueRef scratch_row;    /* in a loop over the rows: which, from 0; NULL: not in one */
} Emit;

/** The function `symbol` of type CnnCode, in a new module. */
LLVMModuleRef emit_kernel(LLVMContextRef context, const CpuTarget *target, const Computation *computation,
                          const CpuSchedule *schedule, const char *symbol, Arena *arena);

/* ---- emit_lanes.c: values of one or of `lanes` elements ---- */
bool lanes_wide(LLVMValueRef value);
/** `element`, or a vector of it. */
LLVMTypeRef lanes_type(const Emit *emit, LLVMTypeRef element, bool wide);
LLVMTypeRef lanes_type_like(const Emit *emit, LLVMTypeRef element, LLVMValueRef like);
LLVMValueRef lanes_splat(Emit *emit, LLVMValueRef value);
/** Makes both wide when one is. */
void lanes_match(Emit *emit, LLVMValueRef *a, LLVMValueRef *b);
LLVMValueRef lanes_real(const Emit *emit, LLVMValueRef like, double value);
LLVMValueRef lanes_word(const Emit *emit, LLVMValueRef like, uint32_t value);
/** 0, step, 2 step, …: i32. */
LLVMValueRef lanes_ramp(const Emit *emit, int64_t step);
/** A mask of the lanes [0, count). */
LLVMValueRef lanes_mask(const Emit *emit, int count);
LLVMValueRef lanes_select(Emit *emit, LLVMValueRef condition, LLVMValueRef yes, LLVMValueRef no);
/** a and b, either of which may be NULL: true. */
LLVMValueRef lanes_and(Emit *emit, LLVMValueRef a, LLVMValueRef b);
/** Calls the intrinsic `name`, overloaded on `type`. */
LLVMValueRef lanes_intrinsic(Emit *emit, const char *name, LLVMTypeRef type, LLVMValueRef *arguments,
                             unsigned count);
/** a * b + c: fused where the target can. */
LLVMValueRef lanes_fma(Emit *emit, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);

/* ---- emit_math.c, emit_random.c ---- */
LLVMValueRef math_scalar(Emit *emit, ScalarId id, const LLVMValueRef *in);
/** The first two words of cnn_random4 (runtime/rng.h); words are i32. */
void random_block(Emit *emit, const LLVMValueRef key[2], const LLVMValueRef counter[4], LLVMValueRef word[2]);
/** The word of an element, given those of its sample's block: the second half of cnn_random_element. */
LLVMValueRef random_element(Emit *emit, const LLVMValueRef block[2], LLVMValueRef element);

/* ---- emit_place.c: axes, guards, loops ---- */
Bound bound_constant(int64_t constant);
Bound bound_add(Bound a, int64_t constant);
LLVMValueRef bound_value(const Emit *emit, Bound bound);
/** First and one past the last point of an axis. */
void axis_range(const Emit *emit, int axis, Bound *low, Bound *high);
/** Binds the axis to a constant. */
void place_fix(Emit *emit, int axis, int64_t at);
/** The affine here (without the lanes' part), as i64. */
LLVMValueRef place_affine(Emit *emit, const Affine *at);
/** i1: a bound axis stands at this point. NULL: certainly; *never: certainly not. */
LLVMValueRef place_is_at(Emit *emit, int axis, Bound point, bool *never);
/** The affine here, as i32, with the lanes' part where it has one. */
LLVMValueRef place_affine_lanes(Emit *emit, const Affine *at);
/** Its least and greatest value here. */
void place_interval(const Emit *emit, const Affine *at, int64_t *low, int64_t *high);
/** Pointer of a stream at the affine's base and the compile-time parts. */
LLVMValueRef place_pointer(Emit *emit, int stream, const Affine *at);

typedef enum { GUARDS_HOLD, GUARDS_FAIL, GUARDS_UNKNOWN } GuardState;
/** What is known of `count` guards here; when unknown, *condition (i1 or a mask) tells at run time. */
GuardState place_guards(Emit *emit, int first, int count, LLVMValueRef *condition);

typedef struct {
    LLVMBasicBlockRef header, exit;
    LLVMBasicBlockRef before; /* the block that falls into the loop */
    Standpoint outer;
    int axis;
    int64_t step;
    Bound start, limit; /* goes on while index < limit */
    bool skippable;     /* may run not at all */
    LLVMValueRef index;
    LLVMValueRef *stream; /* phis; NULL: the stream does not move */
    LLVMValueRef *from;   /* the streams at the start */
    LLVMValueRef *carried, *initial;
    size_t memo_mark;
} Loop;

/** Opens a loop over [start, end) in steps; one turn needs `need` points to be left. The emitter's `carried`
 * values go through it. */
void loop_begin(Emit *emit, Loop *loop, int axis, Bound start, Bound end, int64_t step, int64_t need);
/** Closes it; the index where it stopped. */
Bound loop_end(Emit *emit, Loop *loop);

/* A block of code that runs only where a condition holds; the emitter's `carried` values go through it. */
typedef struct {
    LLVMBasicBlockRef from, after;
    LLVMValueRef *carried;
    size_t memo_mark;
} Branch;
void branch_begin(Emit *emit, Branch *branch, LLVMValueRef condition);
void branch_end(Emit *emit, Branch *branch);

/* ---- emit_local.c: memory of the kernel's own, for sums between blocks and for a packed operand ---- */
/** Adds the streams that the schedule asks for. */
void local_prepare(Emit *emit);
/** The memory of such a stream, as its first pointer. */
LLVMValueRef local_memory(Emit *emit, int tensor);
/** Where the sum of accumulator `acc` for the row and vector at hand waits. */
LLVMValueRef local_kept(Emit *emit, int acc);
/** i1: this is the first (last) block of all reduced axes outside the tile. NULL: certainly; *never:
 * certainly not. */
LLVMValueRef local_first(Emit *emit, bool *never);
LLVMValueRef local_last(Emit *emit, bool *never);
/** Copies the packed operand. */
void local_pack(Emit *emit);
/** Its elements here: a vector. */
LLVMValueRef local_packed(Emit *emit);

/* ---- emit_expr.c ---- */
/** Fills streams, depends, heavy. */
void expr_prepare(Emit *emit);
/** The expression for the row and vector at hand. */
LLVMValueRef expr_value(Emit *emit, ExprId id);
/** Forgets what was evaluated since the mark. */
void expr_forget(Emit *emit, size_t mark);
/** Evaluates what is worth it and can be known here, outside inner loops. */
void expr_hoist(Emit *emit);
/** The affine here as a real. */
LLVMValueRef expr_affine(Emit *emit, const Affine *at);
/* ---- emit_memory.c ---- */
/** Reads and writes an element (a vector of them, where the affine moves along the vector axis). */
LLVMValueRef expr_load(Emit *emit, int stream, const Affine *at, LLVMValueRef condition);
/** As it lies in memory; zero where the condition fails. */
LLVMValueRef expr_load_raw(Emit *emit, int stream, const Affine *at, LLVMValueRef condition);
void expr_store(Emit *emit, int stream, const Affine *at, LLVMValueRef value, LLVMValueRef condition);

/* ---- emit_storage.c ---- */
/** How an element lies in memory. */
LLVMTypeRef expr_storage_type(const Emit *emit, Dtype dtype);
/** An element, or a vector of them, from memory as f32, and the other way: rounded to nearest, ties to even.
 * The bits are the same on every processor. */
LLVMValueRef storage_read(Emit *emit, Dtype dtype, LLVMValueRef raw);
LLVMValueRef storage_write(Emit *emit, Dtype dtype, LLVMValueRef value);
/** What lies in memory as this type, as bf16: i16. */
LLVMValueRef expr_as_bf16(Emit *emit, Dtype dtype, LLVMValueRef raw);

/* ---- emit_matrix.c, emit_matrix_copy.c: schedules of PRIMITIVE_TILE ---- */
/** At the start of the function. */
void matrix_prepare(Emit *emit);
/** At its end. */
void matrix_finish(Emit *emit);
/** The sums of the tile at hand, into the scratch memory. */
void matrix_sums(Emit *emit);
/** Standing inside `level` loops: copies the operand, if this is where. */
void matrix_level(Emit *emit, int level);

/* ---- emit_weights.c, emit_weights_copy.c: the same for weight gradients ---- */
void weights_prepare(Emit *emit);
/** Standing inside `level` loops: computes the sums, if this is where. */
void weights_level(Emit *emit, int level);
/** The sum for the row, the taps and the columns at hand. */
LLVMValueRef weights_sum(Emit *emit);

/* ---- emit_transpose.c ---- */
/** Can the stores be made so: each lies scattered along the vectors and side by side along the rows, of which
 * there are as many as lanes? */
bool transpose_possible(const Emit *emit);
/** Stores a square of the tile: lane l of values[r] is for row r; its point along the vectors is that of the
 * emitter's vector at hand. */
void transpose_store(Emit *emit, int stream, const Affine *at, LLVMValueRef *values);

/** Turns a square of as many vectors as there are lanes, of any elements. */
void transpose_turn(Emit *emit, LLVMValueRef *values);

/* ---- emit_tile.c ---- */
/** Accumulators, reduced loops and stores of one tile, of emit->rows and emit->vectors at the place. */
void tile_emit(Emit *emit);
/** Puts evaluation at a row and a vector of the tile. */
void tile_stand(Emit *emit, int row, int vector);
/** Accumulator `acc`, or the position of its maximum, for the row and vector at hand. */
LLVMValueRef tile_accumulator(Emit *emit, int acc, bool position);

static inline const Expr *emit_expr(const Emit *emit, ExprId id)
{
    return &emit->computation->exprs.items[id];
}

#endif
