/* Views: each element of the result is one element of the operand, or zero. They cost nothing where the
 * reader takes them as indices. */
#include <string.h>

#include "compiler/ops/index.h"
#include "compiler/ops/make.h"
#include "compiler/ops/onnx.h"
#include "compiler/ir/op.h"

/* Arithmetic is done in f32, so what is stored in 16 bits is read as f32; other types stay what they are. */
static Dtype element_type(const Type *in)
{
    return in->dtype == DTYPE_BF16 || in->dtype == DTYPE_F16 ? DTYPE_F32 : in->dtype;
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

/* Dims first … end - 1 of the operand become those of the result. */
typedef struct {
    int first[2], end[2]; /* of the operand, of the result */
} DimGroup;

enum { OPERAND, RESULT };

/* The smallest groups; returns how many. */
static int group_dims(const Type *const type[2], DimGroup *groups)
{
    int count = 0, at[2] = {0};
    while (at[OPERAND] < type[OPERAND]->rank || at[RESULT] < type[RESULT]->rank) {
        DimGroup *group = &groups[count++];
        int64_t elements[2] = {1, 1};
        for (int side = 0; side < 2; side++) {
            group->first[side] = at[side];
            if (at[side] < type[side]->rank)
                elements[side] = type[side]->dim[at[side]++];
        }
        while (elements[OPERAND] != elements[RESULT]) {
            int side = elements[OPERAND] < elements[RESULT] ? OPERAND : RESULT;
            elements[side] *= type[side]->dim[at[side]++];
        }
        memcpy(group->end, at, sizeof at);
    }
    return count;
}

static const DimGroup *group_of(const DimGroup *groups, int side, int dim)
{
    while (dim >= groups->end[side])
        groups++;
    return groups;
}

/* Dims that are more than a 1: those, and the batch, have a place in the order of elements. */
static bool is_real(const Type *type, int dim)
{
    return type->dim[dim] > 1 || (dim == 0 && type->lead != LEAD_NONE);
}

/* The order of the other side's dims in which a reshape leaves the elements as they lie when `side` has this
 * order; false: there is none, since a group's dims do not follow each other. */
static bool follow_order(const Type *const type[2], const DimGroup *groups, int count, int side,
                         const int *order, int *other_order)
{
    int other = 1 - side, placed = 0;
    bool done[2 * RANK_MAX] = {false};
    for (int i = 0; i < type[side]->rank; i++) {
        if (!is_real(type[side], order[i]))
            continue;
        const DimGroup *group = group_of(groups, side, order[i]);
        if (done[group - groups])
            return false;
        done[group - groups] = true;
        int next = i;
        for (int dim = group->first[side]; dim < group->end[side]; dim++) {
            if (!is_real(type[side], dim))
                continue;
            while (next < type[side]->rank && !is_real(type[side], order[next]))
                next++;
            if (next == type[side]->rank || order[next++] != dim)
                return false;
        }
        i = next - 1;
        for (int dim = group->first[other]; dim < group->end[other]; dim++)
            other_order[placed++] = dim;
    }
    for (int g = 0; g < count; g++)
        for (int dim = groups[g].first[other]; dim < groups[g].end[other] && !done[g]; dim++)
            other_order[placed++] = dim;
    return true;
}

/* Whether two orders differ only in where the dims of 1 stand. */
static bool is_same_order(const Type *type, const int *a, const int *b)
{
    for (int i = 0, k = 0; i < type->rank; i++) {
        if (!is_real(type, a[i]))
            continue;
        while (!is_real(type, b[k]))
            k++;
        if (a[i] != b[k++])
            return false;
    }
    return true;
}

/* As the operand lies, if that can be; else so that the result has its channels first; else as the graph has
 * it. */
static OnnxValue reshape_onnx(Onnx *onnx, NodeId id)
{
    const Node *node = graph_node(onnx_source(onnx), id);
    NodeId operand = onnx_reshaped(onnx, node->in[0]);
    const Type *const type[2] = {graph_type(onnx_source(onnx), operand), &node->type};
    DimGroup groups[2 * RANK_MAX];
    int usual[RANK_MAX] = {0}, from[RANK_MAX] = {0}, to[RANK_MAX] = {0};
    int count = group_dims(type, groups);
    OnnxValue in = onnx_value(onnx, operand);
    onnx_channels_first(&node->type, usual);
    if (follow_order(type, groups, count, OPERAND, in.order, to)) {
        if (is_same_order(&node->type, to, usual))
            memcpy(to, usual, sizeof to);
    } else {
        memcpy(to, usual, sizeof to);
        if (!follow_order(type, groups, count, RESULT, to, from))
            for (int i = 0; i < RANK_MAX; i++)
                from[i] = to[i] = i;
        in = onnx_in_order(onnx, in, from);
    }
    OnnxValue like = onnx_like(onnx, id, to);
    OnnxValue out = onnx_reshape(onnx, in, like.rank, like.dim);
    memcpy(out.order, to, sizeof to);
    return out;
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
    .onnx = reshape_onnx,
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

/* The elements stay where they are; other dims of the result are theirs. */
static OnnxValue permute_onnx(Onnx *onnx, NodeId id)
{
    const Node *node = graph_node(onnx_source(onnx), id);
    const Dims *order = &((const PermuteAttrs *)node->attrs)->order;
    OnnxValue value = onnx_value(onnx, node->in[0]), out = value;
    for (int i = 0; i < value.rank; i++)
        for (int dim = 0; dim < value.rank; dim++)
            if (order->value[dim] == value.order[i])
                out.order[i] = dim;
    return out;
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
    .onnx = permute_onnx,
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

static OnnxValue pad_onnx(Onnx *onnx, NodeId id)
{
    const Node *node = graph_node(onnx_source(onnx), id);
    const MarginAttrs *margin = node->attrs;
    OnnxValue in = onnx_value(onnx, node->in[0]);
    int64_t pads[2 * RANK_MAX];
    for (int i = 0; i < in.rank; i++) {
        pads[i] = margin->before.value[in.order[i]];
        pads[in.rank + i] = margin->after.value[in.order[i]];
    }
    const OnnxValue inputs[] = {in, onnx_integers(onnx, pads, 2 * in.rank)};
    return onnx_add(onnx, "Pad", onnx_like(onnx, id, in.order), inputs, 2);
}

static OnnxValue crop_onnx(Onnx *onnx, NodeId id)
{
    const Node *node = graph_node(onnx_source(onnx), id);
    const MarginAttrs *margin = node->attrs;
    OnnxValue in = onnx_value(onnx, node->in[0]);
    int64_t starts[RANK_MAX], ends[RANK_MAX], axes[RANK_MAX];
    int count = 0;
    for (int i = 0; i < in.rank; i++) {
        int64_t before = margin->before.value[in.order[i]], after = margin->after.value[in.order[i]];
        if (before == 0 && after == 0)
            continue;
        starts[count] = before;
        ends[count] = in.dim[i] - after;
        axes[count++] = i;
    }
    const OnnxValue inputs[] = {in, onnx_integers(onnx, starts, count), onnx_integers(onnx, ends, count),
                                onnx_integers(onnx, axes, count)};
    return onnx_add(onnx, "Slice", onnx_like(onnx, id, in.order), inputs, 4);
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
    .onnx = pad_onnx,
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
    .onnx = crop_onnx,
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
