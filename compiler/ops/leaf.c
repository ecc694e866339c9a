/* Nodes without operands from the batch: leaves, and values that are computed wherever they are used. */
#include "compiler/ir/op.h"
#include "compiler/ops/attrs.h"

/* The type of a leaf is given with it (graph_leaf). */
static bool leaf_infer(const Graph *graph, Node *node)
{
    (void)graph;
    return node->op == OP_leaf && node->name;
}

const Op op_leaf = {
    .name = "leaf",
    .doc = "a tensor that is there before the step: samples, labels, weights, states, scalars, tables",
    .class = OP_LEAF,
    .attrs_bytes = sizeof(LeafAttrs),
    .infer = leaf_infer,
};

static bool constant_infer(const Graph *graph, Node *node)
{
    (void)graph;
    node->type = type_make(DTYPE_F32, LEAD_NONE, 0, NULL);
    return true;
}

static ExprId constant_lower(Lowering *lowering, const Node *node, const Index *at)
{
    (void)at;
    return lower_const(lowering, ((const ConstantAttrs *)node->attrs)->value);
}

static const Field constant_attrs[] = {ATTR(ConstantAttrs, value, FIELD_REAL), FIELDS_END};
const Op op_constant = {
    .name = "constant",
    .doc = "a number, of rank 0",
    .class = OP_VALUE,
    .attrs = constant_attrs,
    .attrs_bytes = sizeof(ConstantAttrs),
    .infer = constant_infer,
    .lower = constant_lower,
};

static bool iota_infer(const Graph *graph, Node *node)
{
    (void)graph;
    const IotaAttrs *iota = node->attrs;
    node->type = type_make(DTYPE_F32, LEAD_NONE, iota->shape.count, iota->shape.value);
    return iota->dim >= 0 && iota->dim < iota->shape.count;
}

static ExprId iota_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return lower_axis(lowering, &at->dim[((const IotaAttrs *)node->attrs)->dim]);
}

static const Field iota_attrs[] = {ATTR(IotaAttrs, dim, FIELD_INTEGER), ATTR(IotaAttrs, shape, FIELD_DIMS),
                                   FIELDS_END};
const Op op_iota = {
    .name = "iota",
    .doc = "y[i] = the index of the element along one dim",
    .class = OP_VALUE,
    .attrs = iota_attrs,
    .attrs_bytes = sizeof(IotaAttrs),
    .infer = iota_infer,
    .lower = iota_lower,
};

static bool random_infer(const Graph *graph, Node *node)
{
    const RandomAttrs *random = node->attrs;
    node->type = type_make(DTYPE_F32, LEAD_BATCH, random->shape.count, random->shape.value);
    return random->shape.count >= 1 && random->shape.value[0] == graph->batch;
}

static ExprId random_lower(Lowering *lowering, const Node *node, const Index *at)
{
    ExprId scalars[4];
    Index none = {0};
    for (int i = 0; i < 4; i++)
        scalars[i] = lower_read(lowering, node->in[i], &none);
    Affine element = affine_const(0);
    for (int i = 1; i < at->rank; i++)
        element = affine_add(affine_scale(element, node->type.dim[i]), at->dim[i]);
    return lower_random(lowering, (uint32_t)((const RandomAttrs *)node->attrs)->purpose, &element,
                        &at->dim[0], scalars);
}

static const Field random_attrs[] = {ATTR(RandomAttrs, purpose, FIELD_INTEGER),
                                     ATTR(RandomAttrs, shape, FIELD_DIMS), FIELDS_END};
const Op op_random = {
    .name = "random",
    .doc = "uniform in [0, 1), a function of seed_low, seed_high, epoch, first_sample + sample, element and "
           "purpose",
    .source = "Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011",
    .class = OP_VALUE,
    .arity = 4,
    .attrs = random_attrs,
    .attrs_bytes = sizeof(RandomAttrs),
    .infer = random_infer,
    .lower = random_lower,
};
