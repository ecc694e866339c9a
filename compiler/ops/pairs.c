/* Weights as bf16 in pairs of rows. */
#include "compiler/ops/pairs.h"

#include "compiler/ir/op.h"
#include "compiler/ops/attrs.h"

PairSum pairs_reduce(Lowering *lowering, const char *name, int64_t rows, bool paired, Guard *guards,
                     int *count)
{
    if (!paired)
        return (PairSum){.at = lower_reduce_axis(lowering, name, EXTENT_FIXED, rows)};
    PairSum sum = {.paired = true};
    sum.half = lower_reduce_axis(lowering, name, EXTENT_FIXED, pairs_of(rows));
    sum.which = lower_reduce_axis(lowering, "pair", EXTENT_FIXED, 2);
    sum.at = affine_add(affine_scale(sum.half, 2), sum.which);
    if (rows % 2)
        guards[(*count)++] = (Guard){sum.at, rows};
    return sum;
}

Index pairs_index(const PairSum *sum, const Index *at)
{
    Index index = *at;
    if (!sum->paired)
        return index;
    index.dim[at->rank - 2] = sum->half;
    index.dim[index.rank++] = sum->which;
    return index;
}

bool pairs_are(const Type *type, int rank)
{
    return type->rank == rank + 1 && type->dtype == DTYPE_BF16 && type->dim[rank] == 2;
}

/* ---- The op that makes them ---- */

static const PairsAttrs *attrs_of(const Node *node)
{
    return node->attrs;
}

/* Where the rows and the columns are in the operand. */
static int row_dim(const Node *node, int rank)
{
    return rank - (attrs_of(node)->swap ? 1 : 2);
}

static int column_dim(const Node *node, int rank)
{
    return rank - (attrs_of(node)->swap ? 2 : 1);
}

static bool pairs_infer(const Graph *graph, Node *node)
{
    const Type *in = graph_type(graph, node->in[0]);
    if (in->rank < (attrs_of(node)->turned ? 4 : 2) || in->rank >= RANK_MAX || in->lead != LEAD_NONE)
        return false;
    Type type = *in;
    type.dtype = DTYPE_BF16;
    type.dim[in->rank - 2] = pairs_of(in->dim[row_dim(node, in->rank)]);
    type.dim[in->rank - 1] = in->dim[column_dim(node, in->rank)];
    type.dim[type.rank++] = 2;
    node->type = type;
    return true;
}

static ExprId pairs_lower(Lowering *lowering, const Node *node, const Index *at)
{
    const Type *in = graph_type(lowering_graph(lowering), node->in[0]);
    int rank = in->rank, row = row_dim(node, rank);
    Index index = *at;
    index.rank = rank;
    index.dim[row] = affine_add(affine_scale(at->dim[rank - 2], 2), at->dim[rank]);
    index.dim[column_dim(node, rank)] = at->dim[rank - 1];
    for (int d = 0; d < 2 && attrs_of(node)->turned; d++)
        index.dim[d] = affine_add(affine_const(in->dim[d] - 1), affine_scale(at->dim[d], -1));
    Guard guard = {index.dim[row], in->dim[row]};
    return lower_read_guarded(lowering, node->in[0], &index, &guard, in->dim[row] % 2 ? 1 : 0);
}

static const Field pairs_attrs[] = {ATTR(PairsAttrs, swap, FIELD_BOOLEAN),
                                    ATTR(PairsAttrs, turned, FIELD_BOOLEAN), FIELDS_END};
const Op op_pairs = {
    .name = "pairs",
    .doc = "y[...,i,n,p] = x[...,2 i + p,n] as bf16, or zero past the last row; where said, the last two "
           "dims of x are "
           "exchanged, and the first two (the window) run backwards",
    .class = OP_VIEW,
    .arity = 1,
    .attrs = pairs_attrs,
    .attrs_bytes = sizeof(PairsAttrs),
    .infer = pairs_infer,
    .lower = pairs_lower,
};
