/* An op: what a node can compute. One file in compiler/ops/ holds all that is known of it; ops.def lists
 * them. Ops are few and small; layers (layer.h) and optimizers are built of them. */
#ifndef OP_H
#define OP_H

#include "compiler/ir/graph.h"
#include "compiler/ir/kernel.h"
#include "runtime/schema.h"

struct Onnx;
struct OnnxValue;

typedef enum {
    OP_LEAF,  /* no inputs, storage of its own */
    OP_VALUE, /* no storage and nothing read from batches: constant, iota, random: recomputed wherever it is
                 used */
    OP_POINTWISE, /* element i of the result from element i of the inputs (broadcast where an extent is 1) */
    OP_VIEW,      /* each element is one element of the input, or zero: pad, crop, permute */
    OP_ALIAS,     /* the input's memory with another shape: reshape */
    OP_WINDOW,    /* each element from a small window of the input: max-pool and its like */
    OP_TRANSFORM, /* each element a linear combination of elements of a small window of the input, other
                     points of which use the same: written out */
    OP_REDUCE,    /* sum or max over some dims */
    OP_CONTRACT   /* sum of products: convolutions, dense */
} OpClass;

typedef struct Op {
    const char *name;
    const char *doc;    /* the formula, in one line */
    const char *source; /* where the algorithm is described, or NULL */
    OpClass class;
    int arity;
    const Field *attrs; /* of the attrs struct: for printing and comparing; NULL when it has none */
    size_t attrs_bytes;
    /** Sets node->type from the inputs' types and the attrs. false: they do not fit (a BUG of the caller). */
    bool (*infer)(const Graph *graph, Node *node);
    /** din[i] = gradient with respect to input i, given dy, that with respect to the node; NODE_NONE: no
     * gradient flows. din[i] may have a larger shape than input i where the input was broadcast: autodiff
     * sums it down. */
    void (*grad)(Graph *graph, NodeId node, NodeId dy, NodeId *din);
    /** The element of the result at `at` as an expression of the kernel being built (NULL for OP_LEAF and
     * OP_ALIAS). */
    ExprId (*lower)(Lowering *lowering, const Node *node, const Index *at);
    /** The result's elements along dim `dim` fall into this many classes (index modulo period) with different
     * expressions: the stride, for a gradient with respect to a strided window's input. NULL: 1. */
    int64_t (*period)(const Node *node, int dim);
    /** Whether all classes are to be made by one kernel, of which they are an axis: along dim 1 or 2, 1 where
     * the index rises with the axis, -1 where it falls; 0: each class has a kernel. NULL: likewise. */
    int (*joint_direction)(const Graph *graph, const Node *node, int dim);
    /** Operations of the plain algorithm for each of the op's own. NULL: 1; less for what is only there
     * because an algorithm saves others. */
    double (*plain)(const Graph *graph, const Node *node);
    /** The node in ONNX (compiler/ops/onnx.h). NULL: no layer needs it there. */
    struct OnnxValue (*onnx)(struct Onnx *onnx, NodeId node);
} Op;

/* By OpId. */
extern const Op *const op_table[OP_COUNT];

static inline const Op *node_op(const Node *node)
{
    return op_table[node->op];
}

#endif
