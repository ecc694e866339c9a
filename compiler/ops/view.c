/* Views: each element of the result is one element of the operand, or zero. They cost nothing where the
 * reader takes them as indices. */
#include <string.h>

#include "compiler/ops/index.h"
#include "compiler/ops/make.h"
#include "compiler/ir/op.h"

/* Arithmetic is done in f32, so what is stored as bf16 is read as f32; other types stay what they are. */
static Dtype element_type(const Type *in)
{
    return in->dtype == DTYPE_BF16 ? DTYPE_F32 : in->dtype;
}

/* ---- reshape ---- */

static bool reshape_infer(const Graph *graph, Node *node)
{
    const Type *in = graph_type(graph, node->in[0]);
    const ReshapeAttrs *attrs = node->attrs;
    node->type = type_make(in->dtype, in->lead, attrs->shape.count, attrs->shape.value);
    bool lead_kept = in->lead == LEAD_NONE || (node->type.rank > 0 && node->type.dim[0] == in->dim[0]);
    return lead_kept && type_elements(&node->type) == type_elements(in);
}

static void reshape_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    const Type in = *graph_type(graph, graph_node(graph, y)->in[0]);
    din[0] = make_reshape(make_at(graph, y), dy, in.rank, in.dim);
}

static const Field reshape_attrs[] = {ATTR(ReshapeAttrs, shape, FIELD_DIMS), FIELDS_END};
const Op op_reshape = {
    .name = "reshape",
    .doc = "the same elements in the same order with another shape; a batch stays dim 0",
    .class = OP_ALIAS,
    .arity = 1,
    .attrs = reshape_attrs,
    .attrs_bytes = sizeof(ReshapeAttrs),
    .infer = reshape_infer,
    .grad = reshape_grad,
};

/* ---- permute ---- */

static bool permute_infer(const Graph *graph, Node *node)
{
    const Type *in = graph_type(graph, node->in[0]);
    const PermuteAttrs *attrs = node->attrs;
    if (attrs->order.count != in->rank || (in->lead != LEAD_NONE && attrs->order.value[0] != 0))
        return false;
    Type type = {.dtype = element_type(in), .lead = in->lead, .rank = in->rank};
    unsigned seen = 0;
    for (int i = 0; i < in->rank; i++) {
        if (attrs->order.value[i] < 0 || attrs->order.value[i] >= in->rank)
            return false;
        type.dim[i] = in->dim[attrs->order.value[i]];
        seen |= 1u << attrs->order.value[i];
    }
    node->type = type;
    return seen == (1u << in->rank) - 1;
}

static void permute_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    const PermuteAttrs *attrs = graph_node(graph, y)->attrs;
    int inverse[RANK_MAX];
    for (int i = 0; i < attrs->order.count; i++)
        inverse[attrs->order.value[i]] = i;
    din[0] = make_permute(make_at(graph, y), dy, inverse);
}

static ExprId permute_lower(Lowering *lowering, const Node *node, const Index *at)
{
    const PermuteAttrs *attrs = node->attrs;
    Index index = {.rank = at->rank};
    for (int i = 0; i < at->rank; i++)
        index.dim[attrs->order.value[i]] = at->dim[i];
    return lower_read(lowering, node->in[0], &index);
}

static const Field permute_attrs[] = {ATTR(PermuteAttrs, order, FIELD_DIMS), FIELDS_END};
const Op op_permute = {
    .name = "permute",
    .doc = "dim i of y is dim order[i] of x; a batch stays dim 0",
    .class = OP_VIEW,
    .arity = 1,
    .attrs = permute_attrs,
    .attrs_bytes = sizeof(PermuteAttrs),
    .infer = permute_infer,
    .grad = permute_grad,
    .lower = permute_lower,
};

/* ---- pad and crop ---- */

/* The operand's type with `sign` times the margins added; a batch has none. */
static bool margin_infer(const Graph *graph, Node *node, int sign)
{
    const MarginAttrs *margin = node->attrs;
    Type type = *graph_type(graph, node->in[0]);
    if (margin->before.count != type.rank || margin->after.count != type.rank)
        return false;
    type.dtype = element_type(&type);
    for (int i = 0; i < type.rank; i++) {
        int64_t before = margin->before.value[i], after = margin->after.value[i];
        if (before < 0 || after < 0 || (i == 0 && type.lead != LEAD_NONE && before + after > 0))
            return false;
        type.dim[i] += sign * (before + after);
        if (type.dim[i] < 1)
            return false;
    }
    node->type = type;
    return true;
}

static bool pad_infer(const Graph *graph, Node *node)
{
    return margin_infer(graph, node, 1);
}

static bool crop_infer(const Graph *graph, Node *node)
{
    return margin_infer(graph, node, -1);
}

static void pad_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    const MarginAttrs *margin = graph_node(graph, y)->attrs;
    din[0] = make_crop(make_at(graph, y), dy, margin->before.value, margin->after.value);
}

static void crop_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    const MarginAttrs *margin = graph_node(graph, y)->attrs;
    din[0] = make_pad(make_at(graph, y), dy, margin->before.value, margin->after.value);
}

static ExprId pad_lower(Lowering *lowering, const Node *node, const Index *at)
{
    const MarginAttrs *margin = node->attrs;
    const Type *in = graph_type(lowering_graph(lowering), node->in[0]);
    Index index = {.rank = at->rank};
    Guard guards[RANK_MAX];
    memset(guards, 0, sizeof guards);
    int count = 0;
    for (int i = 0; i < at->rank; i++) {
        index.dim[i] = affine_add(at->dim[i], affine_const(-margin->before.value[i]));
        if (margin->before.value[i] || margin->after.value[i])
            guards[count++] = (Guard){index.dim[i], in->dim[i]};
    }
    return lower_read_guarded(lowering, node->in[0], &index, guards, count);
}

static ExprId crop_lower(Lowering *lowering, const Node *node, const Index *at)
{
    const MarginAttrs *margin = node->attrs;
    Index index = {.rank = at->rank};
    for (int i = 0; i < at->rank; i++)
        index.dim[i] = affine_add(at->dim[i], affine_const(margin->before.value[i]));
    return lower_read(lowering, node->in[0], &index);
}

static const Field margin_attrs[] = {ATTR(MarginAttrs, before, FIELD_DIMS),
                                     ATTR(MarginAttrs, after, FIELD_DIMS), FIELDS_END};
const Op op_pad = {
    .name = "pad",
    .doc = "zeros added before and after in each dim but the batch's",
    .class = OP_VIEW,
    .arity = 1,
    .attrs = margin_attrs,
    .attrs_bytes = sizeof(MarginAttrs),
    .infer = pad_infer,
    .grad = pad_grad,
    .lower = pad_lower,
};
const Op op_crop = {
    .name = "crop",
    .doc = "elements removed before and after in each dim but the batch's",
    .class = OP_VIEW,
    .arity = 1,
    .attrs = margin_attrs,
    .attrs_bytes = sizeof(MarginAttrs),
    .infer = crop_infer,
    .grad = crop_grad,
    .lower = crop_lower,
};

/* ---- broadcast ---- */

static bool broadcast_infer(const Graph *graph, Node *node)
{
    const Type *in = graph_type(graph, node->in[0]);
    const BroadcastAttrs *attrs = node->attrs;
    node->type = type_make(element_type(in), (Lead)attrs->lead, attrs->shape.count, attrs->shape.value);
    int skipped = node->type.rank - in->rank;
    if (skipped < 0 || (in->lead != LEAD_NONE && (skipped || in->lead != node->type.lead)))
        return false;
    for (int i = 0; i < in->rank; i++)
        if (in->dim[i] != 1 && in->dim[i] != node->type.dim[i + skipped])
            return false;
    return true;
}

static void broadcast_grad(Graph *graph, NodeId y, NodeId dy, NodeId *din)
{
    (void)graph, (void)y;
    din[0] = dy;
}

static ExprId broadcast_lower(Lowering *lowering, const Node *node, const Index *at)
{
    Index index = index_broadcast(graph_type(lowering_graph(lowering), node->in[0]), at);
    return lower_read(lowering, node->in[0], &index);
}

static const Field broadcast_attrs[] = {ATTR(BroadcastAttrs, shape, FIELD_DIMS),
                                        ATTR(BroadcastAttrs, lead, FIELD_INTEGER), FIELDS_END};
const Op op_broadcast = {
    .name = "broadcast",
    .doc = "x repeated along dims where its extent is 1",
    .class = OP_VIEW,
    .arity = 1,
    .attrs = broadcast_attrs,
    .attrs_bytes = sizeof(BroadcastAttrs),
    .infer = broadcast_infer,
    .grad = broadcast_grad,
    .lower = broadcast_lower,
};
