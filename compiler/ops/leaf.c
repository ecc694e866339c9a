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

/* A random tensor of this shape, one row of numbers for each sample. */
static bool infer_random(const Graph *graph, Node *node, const Dims *shape)
{
    node->type = type_make(DTYPE_F32, LEAD_BATCH, shape->count, shape->value);
    return shape->count >= 1 && shape->value[0] == graph->batch;
}

static ExprId lower_uniform(Lowering *lowering, const Node *node, int64_t purpose, const Index *at)
{
    ExprId scalars[4];
    Index none = {0};
    for (int i = 0; i < 4; i++)
        scalars[i] = lower_read(lowering, node->in[i], &none);
    Affine element = affine_const(0);
    for (int i = 1; i < at->rank; i++)
        element = affine_add(affine_scale(element, node->type.dim[i]), at->dim[i]);
    return lower_random(lowering, (uint32_t)purpose, &element, &at->dim[0], scalars);
}

static bool random_infer(const Graph *graph, Node *node)
{
    return infer_random(graph, node, &((const RandomAttrs *)node->attrs)->shape);
}

static ExprId random_lower(Lowering *lowering, const Node *node, const Index *at)
{
    return lower_uniform(lowering, node, ((const RandomAttrs *)node->attrs)->purpose, at);
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

static bool mask_infer(const Graph *graph, Node *node)
{
    const MaskAttrs *mask = node->attrs;
    return infer_random(graph, node, &mask->shape) && mask->rate >= 0 && mask->rate < 1;
}

static ExprId mask_lower(Lowering *lowering, const Node *node, const Index *at)
{
    const MaskAttrs *mask = node->attrs;
    ExprId dropped = lower_scalar(lowering, SCALAR_greater, lower_const(lowering, mask->rate),
                                  lower_uniform(lowering, node, mask->purpose, at), 0);
    return lower_scalar(lowering, SCALAR_select, dropped, lower_const(lowering, 0),
                        lower_const(lowering, mask_scale(mask)));
}

static const Field mask_attrs[] = {ATTR(MaskAttrs, purpose, FIELD_INTEGER), ATTR(MaskAttrs, rate, FIELD_REAL),
                                   ATTR(MaskAttrs, shape, FIELD_DIMS), FIELDS_END};
/* A value, so that the backward pass computes it again from the counter of its random numbers instead of
 * reading it. */
const Op op_mask = {
    .name = "mask",
    .doc = "0 where the random number of the element is below rate, else 1 / (1 - rate)",
    .source = "Srivastava et al., Dropout, JMLR 2014",
    .class = OP_VALUE,
    .arity = 4,
    .attrs = mask_attrs,
    .attrs_bytes = sizeof(MaskAttrs),
    .infer = mask_infer,
    .lower = mask_lower,
};
