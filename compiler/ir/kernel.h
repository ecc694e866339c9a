/* A kernel: a computation (what, the same for every target) and a schedule (how, for one target).
 *
 * A computation is a loop nest: output axes, of which each point stores something, and reduced axes, over
 * which accumulators sum or take a maximum. All tensor accesses are affine in the axes. For each point of the
 * output axes: all accumulators run over all points of the reduced axes, then the stores are made.
 *
 * Expressions are single-assignment nodes in one array; an expression that no accumulator result occurs in
 * may be used inside accumulators, and any may be used in stores. */
#ifndef KERNEL_H
#define KERNEL_H

#include "compiler/base/arena.h"
#include "compiler/base/text.h"
#include "compiler/base/vec.h"
#include "compiler/ir/graph.h"

enum { AXIS_MAX = 12 };

typedef int ExprId;

/* base + sum of coef[a] * (value of axis a). */
typedef struct {
    int64_t base;
    int64_t coef[AXIS_MAX];
} Affine;

typedef enum {
    EXTENT_FIXED, /* extent points */
    EXTENT_BATCH, /* as an output axis: [call->begin, call->end); reduced: [begin, end) of a chunk, in a
                     chunked kernel, or [0, call->samples) in a whole-batch kernel. `extent` is the most */
    EXTENT_SLICES /* [0, call->slices); `extent` is the most */
} ExtentKind;

/** How many points an axis over dim `dim` of a tensor of this type has; the one sample of a batch of one is
 * always there. */
ExtentKind dim_extent(const Type *type, int dim);

typedef struct {
    const char *name; /* "n", "y", "x", "c", "ky": for dumps */
    bool reduced;
    ExtentKind kind;
    int64_t extent;
} Axis;

/* A tensor in memory. buffers[i] of the call is where tensor i begins (CnnCall tells how batched ones are
 * meant). */
typedef struct {
    NodeId node;
    Dtype dtype;
    bool written;
    int64_t slice; /* elements of one slice of a tensor that has one part for each (LEAD_SLICE), else 0 */
} KernelTensor;

/* 0 <= at < extent, or the access gives zero, or the term does not count. */
typedef struct {
    Affine at;
    int64_t extent;
} Guard;

typedef enum {
    EXPR_CONST,  /* imm */
    EXPR_LOAD,   /* tensor `index` at element `at`; zero where a guard fails. f32 after conversion; i32 loads
                    stay integers   only as inputs of EXPR_RANDOM and conversions: their value is used as a real
                  */
    EXPR_AXIS,   /* the affine `at` as a real */
    EXPR_ACC,    /* accumulator `index` */
    EXPR_ACC_AT, /* ACC_MAX: where the maximum was first met: the affine `at` of the accumulator there, as a
                    real */
    EXPR_SCALAR, /* scalar function `scalar` of in[0..] (scalar.def) */
    EXPR_RANDOM  /* uniform in [0,1): cnn_random_element (runtime/rng.h) of the purpose `index`, element `at`
                    of  sample `at2` of the batch; in[0], in[1], in[2]: loads of the scalars seed_low,
                    seed_high,  epoch as integers, in[3] first_sample, to which `at2` is added */
} ExprKind;

typedef enum {
#define SCALAR(name, arity, interp, doc) SCALAR_##name,
#include "compiler/ir/scalar.def"
#undef SCALAR
    SCALAR_COUNT
} ScalarId;

typedef struct {
    const char *name;
    int arity;
    const char *doc;
} ScalarInfo;
extern const ScalarInfo scalar_table[SCALAR_COUNT];
/** The function itself, in double. */
double scalar_evaluate(ScalarId id, double a, double b, double c);

typedef struct {
    ExprKind kind;
    ScalarId scalar;
    int index; /* tensor, accumulator, or purpose */
    ExprId in[4];
    double imm;
    Affine at, at2;
    int guard_first, guard_count; /* EXPR_LOAD: into Computation.guards */
} Expr;

typedef enum { ACC_SUM, ACC_MAX } AccKind;

typedef struct {
    AccKind kind;
    ExprId expr;
    Affine at;                    /* ACC_MAX: position reported by EXPR_ACC_AT */
    bool contraction;             /* expr is load * load: a matrix primitive may compute it */
    int guard_first, guard_count; /* a point of the reduced axes where one fails is skipped */
} Accumulator;

typedef enum {
    STORE_WRITE, /* tensor[at] = expr */
    STORE_ADD,   /* tensor[at] = (call->first and first point ? 0 : tensor[at]) + expr, summed over the output
                    axes that `at`   does not depend on, in the order of the axes (sums over samples, rows,
                    columns in an epilogue) */
    STORE_ACC /* expr is an accumulator (ACC_SUM) and nothing else: starts from call->first ? 0 : tensor[at],
                 and is stored back: a chunk's share of a slice's partial sum */
} StoreKind;

typedef struct {
    StoreKind kind;
    int tensor;
    Affine at;
    ExprId expr;
    int guard_first, guard_count; /* no store where one fails (the last, incomplete period of an axis) */
    bool continued; /* STORE_ADD: another kernel has begun the sum: it starts from tensor[at] also at the
                       first point */
} Store;

typedef struct Computation {
    const char *name;
    int axis_count;
    Axis axes[AXIS_MAX]; /* output axes first, outermost first; then reduced axes, outermost first */
    int parallel; /* the axis that call->begin … end runs over: an output axis; in a chunked kernel without an
                     output batch axis, the reduced batch axis */
    bool chunked;        /* called for the samples of a chunk of one slice */
    double plain_less_1; /* operations of the plain algorithm for each of its own, less 1 */
    int64_t chunk;       /* of which there are so many at most; 0: not known */
    VEC(KernelTensor) tensors;
    VEC(Guard) guards;
    VEC(Expr) exprs;
    VEC(Accumulator) accs;
    VEC(Store) stores;
} Computation;

/* The instruction that sums products. */
typedef enum {
    PRIMITIVE_FMA, /* one product of f32 for each lane */
    PRIMITIVE_DOT, /* two products of bf16 for each lane, whose weights lie in pairs (ops/pairs.h) */
    PRIMITIVE_TILE /* the same for tiles of 16 rows, 16 columns and up to 16 pairs (cpu/matrix.h) */
} CpuPrimitive;

/* What LLVM does to make code faster: EFFORT_NONE keeps no value in a register from block to block. */
typedef enum { EFFORT_SOME, EFFORT_NONE, EFFORTS } CpuEffort;

/* How, on a CPU. Loops run in the order of `order`, outermost first; the register tile is rows x vectors. */
typedef struct {
    CpuPrimitive primitive;
    CpuEffort effort;
    int order_count;
    int order[AXIS_MAX]; /* output axes, and reduced axes that stand outside the tile (their accumulators then
                            live in memory between blocks) */
    int reduce_count;
    int reduce[AXIS_MAX]; /* reduced axes inside the tile, outermost first; those in `order` too, unless their
                             block is 1 */
    int64_t block[AXIS_MAX]; /* of a reduced axis in `order`: points of it that are done inside the tile at a
                                time */
    int packed; /* 1 + number of a load of the sums whose elements lie apart along the vectors: all that it
                   reads in a call is copied, before anything else, so that they lie side by side; 0: none */
    bool kept;  /* between the blocks of reduced axes in `order` the sums wait in memory of the kernel's own;
                   the stores are made after the last. Without it, where the stores put them (STORE_ACC) */
    int vector_axis; /* output axis along which vectors lie; -1: scalar code */
    int vectors;     /* vectors of the tile along it */
    int row_axis;    /* output axis whose points are rows of the tile; -1: none */
    int rows;
    int spread_axis;  /* output axis of few points, all of which stand in the tile: it then has rows * extent
                         rows; -1: none */
    bool rows_looped; /* the rows' stores are made in a loop, not written out: the sums pass through memory */
    bool peeled[AXIS_MAX];   /* output axes whose points at the ends, where guards may fail, get code of their
                                own */
    bool unrolled[AXIS_MAX]; /* reduced axes whose loop is written out (in `order`: with a block of 1) */
    int unroll;              /* steps of the innermost reduced loop in one iteration */
    bool fenced; /* no step of a written-out loop uses what another has loaded: kept for later steps, elements
                    that windows share would fill the registers */
} CpuSchedule;

/* Who computes what, on a GPU. */
typedef enum {
    CUDA_POINTS, /* a thread for each point of the output axes, which makes its sums alone */
    CUDA_REDUCE, /* some threads of a block for each point; each sums a part, the parts are added in order */
    CUDA_TILES /* a block for a tile of rows x columns; operands of the products pass through shared memory */
} CudaForm;
/* Where the points of an axis lie. */
typedef enum { CUDA_ROW, CUDA_COLUMN, CUDA_GRID, CUDA_STEP } CudaRole;

/* How, on a GPU. */
typedef struct {
    CudaForm form;
    int threads;    /* of a block */
    int64_t slice;  /* the grid's z has the slices of the batch, of so many samples: the kernel writes a part
                       for each; 0: it has not */
    int reducers;   /* CUDA_REDUCE: threads for each point, a power of 2 */
    bool neighbors; /* CUDA_REDUCE: … which lie side by side, since what they read does */
    CudaRole role[AXIS_MAX]; /* CUDA_TILES: only rows' operands depend on rows, only columns' on columns; both
                                on what stands in the grid; steps are the reduced axes */
    int rows, columns, steps;        /* CUDA_TILES: of a tile */
    int thread_rows, thread_columns; /* of which a thread has so many */
    bool matrix; /* CUDA_TILES: by the tensor cores, whose operands are bf16 (rows x columns of a warp as in
                    cuda/emit_cores.c) */
} CudaSchedule;

typedef struct {
    const char *name;
    Span span;
    Computation *computation;
    CpuSchedule cpu;
    const char *symbol; /* of its code, for this schedule; NULL: not yet known */
    CudaSchedule cuda;
} Kernel;

/** The most points of an axis that one call may visit. */
int64_t computation_points(const Computation *computation, int axis);

/** Have the sums at each point of an output axis operands and results of their own: do all loads and stores
 * move along it? False without sums. */
bool axis_is_apart(const Computation *computation, int axis);

void computation_print(const Computation *computation, Text *out);
void computation_verify(const Computation *computation, const char *pass);
/** Multiply-adds counted twice, other scalar operations once, for all points at full extents; as the plain
 * algorithm counts them, where another is used. */
double computation_flops(const Computation *computation);
/** The multiply-adds of convolutions and products of matrices alone, each counted once. */
double computation_multiply_adds(const Computation *computation);

/* ---- Building a computation from nodes (schedule/lower.c): what ops' `lower` functions call. ---- */

typedef struct Lowering Lowering;

/* Where in a tensor: one affine of the kernel's axes for each dim. */
typedef struct {
    int rank;
    Affine dim[RANK_MAX];
} Index;

/** The element of node `id` at `at` (rank of its own type; extents of 1 are indexed by 0): computed in place
 * when the node belongs to the group being lowered, loaded otherwise. */
ExprId lower_read(Lowering *lowering, NodeId id, const Index *at);
/** True when reading the node computes it here, false when it is loaded. */
bool lower_computes(const Lowering *lowering, NodeId id);
/** The same; zero where 0 <= guard < extent fails for one of the `count` guards. */
ExprId lower_read_guarded(Lowering *lowering, NodeId id, const Index *at, const Guard *guards, int count);
/** A new reduced axis. Nodes of a group that reduce over equal extents in the same order share axes. */
Affine lower_reduce_axis(Lowering *lowering, const char *name, ExtentKind kind, int64_t extent);
/** The accumulator of `expr` over the reduced axes; guards skip points. `contraction`: expr is load * load.
 */
ExprId lower_sum(Lowering *lowering, ExprId expr, const Guard *guards, int count, bool contraction);
/** Maximum and, by *where (may be NULL), the value of `position` where it was first met. */
ExprId lower_max(Lowering *lowering, ExprId expr, const Guard *guards, int count, const Affine *position,
                 ExprId *where);
ExprId lower_const(Lowering *lowering, double value);
ExprId lower_axis(Lowering *lowering, const Affine *at);
ExprId lower_scalar(Lowering *lowering, ScalarId scalar, ExprId a, ExprId b, ExprId c);
/** Uniform [0,1) for element `element` (affine, within a sample) of sample `sample` (within the batch).
 * scalars: loads of seed_low, seed_high, epoch, first_sample. */
ExprId lower_random(Lowering *lowering, uint32_t purpose, const Affine *element, const Affine *sample,
                    const ExprId scalars[4]);
/** The class of the point along an axis of period p: base of `at` modulo p (its coefficients are multiples of
 * p). */
int64_t affine_class(const Affine *at, int64_t period);

Affine affine_const(int64_t value);
Affine affine_add(Affine a, Affine b);
Affine affine_scale(Affine a, int64_t factor);
/** at / divisor; exact: all coefficients and the base are multiples. A BUG otherwise. */
Affine affine_divide(Affine at, int64_t divisor);
bool affine_is_const(const Affine *at);
bool affine_equal(const Affine *a, const Affine *b);

const Graph *lowering_graph(const Lowering *lowering);

#endif
