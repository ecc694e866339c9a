/* Indices of inputs from the index of a result: what several ops' `lower` functions share. */
#include "compiler/ops/index.h"

Index index_broadcast(const Type *from, const Index *at)
{
    Index index = {.rank = from->rank};
    int skipped = at->rank - from->rank;
    for (int i = 0; i < from->rank; i++) {
        bool repeated = from->dim[i] == 1 && !(i == 0 && from->lead != LEAD_NONE);
        index.dim[i] = repeated ? affine_const(0) : at->dim[i + skipped];
    }
    return index;
}

bool node_is_sliced(const Graph *graph, const Node *node)
{
    if (node->type.lead != LEAD_SLICE)
        return false;
    for (int i = 0; i < node->in_count; i++)
        if (graph_type(graph, node->in[i])->lead == LEAD_BATCH)
            return true;
    return false;
}

Index index_without_slice(const Graph *graph, const Node *node, const Index *at)
{
    if (!node_is_sliced(graph, node))
        return *at;
    Index index = {.rank = at->rank - 1};
    for (int i = 0; i < index.rank; i++)
        index.dim[i] = at->dim[i + 1];
    return index;
}

Affine lower_reduce_dim(Lowering *lowering, const char *name, const Type *type, int dim)
{
    return lower_reduce_axis(lowering, name, dim_extent(type, dim), type->dim[dim]);
}
