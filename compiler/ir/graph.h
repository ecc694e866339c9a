/* The graph: typed tensors in single assignment. Nodes stand in topological order and are named by a dense
 * NodeId; a node reads only nodes with smaller ids. After `derive` a graph is a whole training step. Passes
 * read a graph and build a new one; they never change what they read. */
#ifndef GRAPH_H
#define GRAPH_H

#include "compiler/base/arena.h"
#include "compiler/base/diag.h"
#include "compiler/base/text.h"
#include "compiler/base/vec.h"
#include "runtime/dtype.h"
#include "runtime/image.h" /* Lead, InitKind */

typedef uint32_t NodeId;
#define NODE_NONE UINT32_MAX
#define POISON    (UINT32_MAX - 1) /* the value of something that was wrong and has been reported */

enum { RANK_MAX = DIMS_MAX, NODE_IN_MAX = 4 };

/* A tensor's type. Memory is dense and row-major: the last dim is innermost. Pictures are [n, height, width,
 * channels], kernels [height, width, channels / groups, filters]. When lead is LEAD_BATCH, dim[0] is the most
 * samples of a step. */
typedef struct {
    Dtype dtype;
    Lead lead;
    int rank;
    int64_t dim[RANK_MAX];
} Type;

typedef enum {
#define OP(name) OP_##name,
#include "compiler/ops/ops.def"
#undef OP
    OP_COUNT
} OpId;

typedef struct {
    OpId op;
    Type type;
    int in_count;
    NodeId in[NODE_IN_MAX];
    const void *attrs; /* struct of the op's own, in the graph's arena; NULL when it has none */
    Span span;         /* the source it came from; derived nodes have the span of what they derive from */
    const char *name;  /* of a leaf: the tensor's name; else the layer it belongs to ("conv1"), or NULL */
} Node;

/* What a graph is for, beside the values themselves. */
typedef enum {
    RESULT_LOSS,   /* f32 scalar: the loss whose gradient is taken: the sum of the samples' losses / count */
    RESULT_TOTAL,  /* f32 scalar: the sum of the samples' losses, for the report */
    RESULT_METRIC, /* f32 scalar: a sum over the batch's samples, `name` says of what */
    RESULT_OUTPUT, /* the network's output [batch, classes] */
    RESULT_UPDATE, /* `target`, a parameter or a state, becomes `node` at the end of the step */
    RESULT_FINITE, /* f32 scalar: 1 where loss and gradients are finite, else 0 */
    RESULT_VALUE   /* a value that tests want to read */
} ResultRole;

typedef struct {
    ResultRole role;
    NodeId node;
    NodeId target; /* RESULT_UPDATE */
    const char *name;
    bool on_update; /* RESULT_UPDATE, RESULT_FINITE: only at the last micro-batch of an accumulation */
} Result;

typedef struct Graph {
    Arena *arena;
    Diag *diag;
    VEC(Node) nodes;
    VEC(Result) results;
    int64_t batch;     /* the most samples of a step */
    int64_t slice;     /* samples of one slice; slices = ceil(batch / slice) */
    uint32_t *buckets; /* hash table of the nodes, for hash-consing */
    size_t bucket_count;
} Graph;

Graph *graph_new(Arena *arena, Diag *diag, int64_t batch);

static inline const Node *graph_node(const Graph *graph, NodeId id)
{
    return &graph->nodes.items[id];
}
static inline const Type *graph_type(const Graph *graph, NodeId id)
{
    return &graph->nodes.items[id].type;
}

/**
 * Adds a node computing op(in…), or returns an equal one already there. `attrs` (may be NULL) is copied. The
 * type is inferred. POISON when an input is POISON. Types that do not fit are a BUG: layers check what the
 * user wrote before.
 */
NodeId graph_add(Graph *graph, OpId op, Span at, const void *attrs, const NodeId *in, int in_count);

/**
 * The same for a sum over the batch that is kept as one partial sum for each slice: the type is [slices,
 * dims…] of LEAD_SLICE, where dims are those the op would have given.
 */
NodeId graph_add_sliced(Graph *graph, OpId op, Span at, const void *attrs, const NodeId *in, int in_count);

/** Gives a node a layer's name (graph_add leaves it NULL); a node that has one keeps it. */
void graph_name(Graph *graph, NodeId id, const char *name);

/** Slices of the graph's batch. */
/** Cuts the batch into more slices, `most` of them or one for each sample; before there are sums by slices.
 */
void graph_slices_at_most(Graph *graph, int64_t most);

static inline int64_t graph_slices(const Graph *graph)
{
    return (graph->batch + graph->slice - 1) / graph->slice;
}

/* Leaves: each call with a new name makes a new node; the same name again returns the same node (types must
 * agree). */
typedef enum {
    LEAF_INPUT,     /* the batch's samples */
    LEAF_LABEL,     /* the batch's labels */
    LEAF_PARAMETER, /* trained */
    LEAF_STATE,     /* kept from step to step but not trained by the gradient: running statistics, optimizer's
                       state */
    LEAF_SCALAR,    /* a member of CnnScalars, f32 or i32, rank 0 */
    LEAF_TABLE      /* constant array */
} LeafKind;

typedef struct {
    LeafKind kind;
    InitKind init; /* LEAF_PARAMETER, LEAF_STATE */
    double init_a;
    bool in_weights;    /* LEAF_STATE: belongs to the network (running statistics), not to the optimizer */
    bool decays;        /* LEAF_PARAMETER: a kernel, subject to weight decay (decay_on=kernels) */
    int scalar;         /* LEAF_SCALAR: index of the 4-byte member of CnnScalars */
    const float *table; /* LEAF_TABLE: the values, row-major, in an arena that outlives the graph */
} LeafAttrs;

NodeId graph_leaf(Graph *graph, Span at, const char *name, Type type, LeafAttrs attrs);
/** The leaf of this name, or NODE_NONE. */
NodeId graph_find_leaf(const Graph *graph, const char *name);

void graph_result(Graph *graph, Result result);
/** The first result of this role, or NODE_NONE. */
NodeId graph_find_result(const Graph *graph, ResultRole role);

/** Prints one node a line: `%7 conv2d(%1, %6) stride=[1,1] : f32[32,26,26,32] # model.cnn:4 conv1`. */
void graph_print(const Graph *graph, Text *out);
/** Checks order, arities, types and results; a failure is a BUG that names the pass. */
void graph_verify(const Graph *graph, const char *pass);

int64_t type_elements(const Type *type);
bool type_equal(const Type *a, const Type *b);
/** "32x28x28x1" without a batch's first dim; "" for rank 0. In the arena. */
const char *type_shape(Arena *arena, const Type *type);
static inline Type type_make(Dtype dtype, Lead lead, int rank, const int64_t *dim)
{
    Type type = {.dtype = dtype, .lead = lead, .rank = rank};
    for (int i = 0; i < rank; i++)
        type.dim[i] = dim[i];
    return type;
}

#endif
