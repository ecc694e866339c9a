/* Builders of nodes. Trivial cases (x + 0, x * 1, functions of constants, reshapes of reshapes) make no node.
 */
#include "compiler/ops/make.h"

#include <stddef.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ops/pointwise.h"

static const Node *node_of(Make make, NodeId id)
{
    return graph_node(make.graph, id);
}

static const Type *type_of(Make make, NodeId id)
{
    return graph_type(make.graph, id);
}

/* Zeroed with its padding: equal attrs are found by their bytes. */
static void set_dims(Dims *dims, int count, const int64_t *value)
{
    memset(dims, 0, sizeof *dims);
    dims->count = count;
    for (int i = 0; i < count; i++)
        dims->value[i] = value[i];
}

NodeId make_op(Make make, OpId op, const void *attrs, const NodeId *in, int in_count)
{
    NodeId id = graph_add(make.graph, op, make.span, attrs, in, in_count);
    if (make.layer && id != POISON)
        graph_name(make.graph, id, make.layer);
    return id;
}

/* ---- Pointwise ---- */

NodeId make_constant(Make make, double value)
{
    return make_op(make, OP_constant, &(ConstantAttrs){value}, NULL, 0);
}

static bool is_constant(Make make, NodeId id, double *value)
{
    if (id == POISON || node_of(make, id)->op != OP_constant)
        return false;
    *value = ((const ConstantAttrs *)node_of(make, id)->attrs)->value;
    return true;
}

/* `a` is the number `value`, so that combining it with `other` gives `other` unchanged. */
static bool is_neutral(Make make, NodeId a, double value, NodeId other)
{
    double found;
    return is_constant(make, a, &found) && found == value && other != POISON &&
           type_of(make, other)->dtype == DTYPE_F32;
}

NodeId make_pointwise(Make make, OpId op, const NodeId *in, int in_count)
{
    double value[3] = {0};
    int constants = 0;
    while (constants < in_count && is_constant(make, in[constants], &value[constants]))
        constants++;
    if (constants == in_count)
        return make_constant(make, scalar_evaluate(pointwise_scalar(op), value[0], value[1], value[2]));
    return make_op(make, op, NULL, in, in_count);
}

static NodeId make_binary(Make make, OpId op, NodeId a, NodeId b)
{
    return make_pointwise(make, op, (const NodeId[]){a, b}, 2);
}

NodeId make_add(Make make, NodeId a, NodeId b)
{
    if (is_neutral(make, a, 0, b))
        return b;
    return is_neutral(make, b, 0, a) ? a : make_binary(make, OP_add, a, b);
}

NodeId make_sub(Make make, NodeId a, NodeId b)
{
    return is_neutral(make, b, 0, a) ? a : make_binary(make, OP_sub, a, b);
}

NodeId make_mul(Make make, NodeId a, NodeId b)
{
    if (is_neutral(make, a, 1, b))
        return b;
    return is_neutral(make, b, 1, a) ? a : make_binary(make, OP_mul, a, b);
}

NodeId make_div(Make make, NodeId a, NodeId b)
{
    return is_neutral(make, b, 1, a) ? a : make_binary(make, OP_div, a, b);
}

NodeId make_max(Make make, NodeId a, NodeId b)
{
    return make_binary(make, OP_maximum, a, b);
}

NodeId make_min(Make make, NodeId a, NodeId b)
{
    return make_binary(make, OP_minimum, a, b);
}

NodeId make_scale(Make make, NodeId a, double factor)
{
    return make_mul(make, a, make_constant(make, factor));
}

NodeId make_offset(Make make, NodeId a, double addend)
{
    return make_add(make, a, make_constant(make, addend));
}

NodeId make_greater(Make make, NodeId a, NodeId b)
{
    return make_binary(make, OP_greater, a, b);
}

NodeId make_equal(Make make, NodeId a, NodeId b)
{
    return make_binary(make, OP_equal, a, b);
}

NodeId make_select(Make make, NodeId condition, NodeId yes, NodeId no)
{
    return make_pointwise(make, OP_select, (const NodeId[]){condition, yes, no}, 3);
}

NodeId make_unary(Make make, OpId op, NodeId a)
{
    return make_pointwise(make, op, &a, 1);
}

NodeId make_stop(Make make, NodeId a)
{
    return make_op(make, OP_stop, NULL, &a, 1);
}

/* ---- Scalars, random numbers, indices ---- */

static const struct {
    const char *name;
    size_t offset;
    Dtype dtype;
} scalar_members[] = {
    {"rate", offsetof(CnnScalars, rate), DTYPE_F32},
    {"step", offsetof(CnnScalars, step), DTYPE_F32},
    {"inverse_count", offsetof(CnnScalars, inverse_count), DTYPE_F32},
    {"count", offsetof(CnnScalars, count), DTYPE_F32},
    {"seed_low", offsetof(CnnScalars, seed_low), DTYPE_I32},
    {"seed_high", offsetof(CnnScalars, seed_high), DTYPE_I32},
    {"epoch", offsetof(CnnScalars, epoch), DTYPE_I32},
    {"first_sample", offsetof(CnnScalars, first_sample), DTYPE_I32},
    {"first_micro", offsetof(CnnScalars, first_micro), DTYPE_F32},
    {"last_micro", offsetof(CnnScalars, last_micro), DTYPE_F32},
    {"loss_scale", offsetof(CnnScalars, loss_scale), DTYPE_F32},
    {"inverse_loss_scale", offsetof(CnnScalars, inverse_loss_scale), DTYPE_F32},
};

NodeId make_scalar(Make make, const char *member)
{
    for (size_t i = 0; i < COUNT(scalar_members); i++) {
        if (strcmp(scalar_members[i].name, member) != 0)
            continue;
        LeafAttrs attrs = {.kind = LEAF_SCALAR, .scalar = (int)(scalar_members[i].offset / 4)};
        return graph_leaf(make.graph, make.span, member,
                          type_make(scalar_members[i].dtype, LEAD_NONE, 0, NULL), attrs);
    }
    BUG("CnnScalars has no '%s'", member);
}

static NodeId add_random(Make make, OpId op, const void *attrs)
{
    const NodeId in[4] = {make_scalar(make, "seed_low"), make_scalar(make, "seed_high"),
                          make_scalar(make, "epoch"), make_scalar(make, "first_sample")};
    return make_op(make, op, attrs, in, 4);
}

NodeId make_random(Make make, NodeId like, uint32_t purpose)
{
    if (like == POISON)
        return POISON;
    RandomAttrs attrs;
    memset(&attrs, 0, sizeof attrs);
    attrs.purpose = purpose;
    set_dims(&attrs.shape, type_of(make, like)->rank, type_of(make, like)->dim);
    return add_random(make, OP_random, &attrs);
}

NodeId make_mask(Make make, uint32_t purpose, double rate, int rank, const int64_t *dim)
{
    MaskAttrs attrs;
    memset(&attrs, 0, sizeof attrs);
    int64_t shape[RANK_MAX] = {make.graph->batch};
    for (int i = 1; i < rank; i++)
        shape[i] = dim[i - 1];
    attrs.purpose = purpose;
    attrs.rate = rate;
    set_dims(&attrs.shape, rank, shape);
    return add_random(make, OP_mask, &attrs);
}

NodeId make_index(Make make, int rank, int dim, int64_t extent)
{
    IotaAttrs attrs;
    memset(&attrs, 0, sizeof attrs);
    int64_t shape[RANK_MAX];
    for (int i = 0; i < rank; i++)
        shape[i] = i == dim ? extent : 1;
    attrs.dim = dim;
    set_dims(&attrs.shape, rank, shape);
    return make_op(make, OP_iota, &attrs, NULL, 0);
}

NodeId make_iota(Make make, NodeId like, int dim)
{
    if (like == POISON)
        return POISON;
    return make_index(make, type_of(make, like)->rank, dim, type_of(make, like)->dim[dim]);
}

/* ---- Reductions ---- */

/* The dims of the mask over which there is more than one element. */
static unsigned real_dims(const Type *type, unsigned dims)
{
    unsigned real = 0;
    for (int i = 0; i < type->rank; i++)
        if ((dims >> i & 1) && (type->dim[i] > 1 || (i == 0 && type->lead != LEAD_NONE)))
            real |= 1u << i;
    return real;
}

static NodeId add_reduction(Make make, OpId op, NodeId a, unsigned dims)
{
    if (a == POISON)
        return POISON;
    dims = real_dims(type_of(make, a), dims);
    if (!dims && type_of(make, a)->dtype == DTYPE_F32)
        return a;
    return make_op(make, op, &(ReduceAttrs){dims}, &a, 1);
}

NodeId make_sum(Make make, NodeId a, unsigned dims)
{
    return add_reduction(make, OP_reduce_sum, a, dims);
}

NodeId make_maximum_over(Make make, NodeId a, unsigned dims)
{
    return add_reduction(make, OP_reduce_max, a, dims);
}

NodeId make_mean(Make make, NodeId a, unsigned dims)
{
    if (a == POISON)
        return POISON;
    const Type type = *type_of(make, a);
    bool batch = (dims & 1) && type.lead == LEAD_BATCH;
    double elements = 1;
    for (int i = batch ? 1 : 0; i < type.rank; i++)
        if (dims >> i & 1)
            elements *= (double)type.dim[i];
    NodeId mean = make_scale(make, make_sum(make, a, dims), 1 / elements);
    /* Not times inverse_count, which counts the samples of all micro-batches of an update. */
    return batch ? make_div(make, mean, make_scalar(make, "count")) : mean;
}

/* ---- Views ---- */

static bool same_shape(const Type *type, int rank, const int64_t *dim)
{
    return type->rank == rank && memcmp(type->dim, dim, (size_t)rank * sizeof *dim) == 0;
}

NodeId make_reshape(Make make, NodeId a, int rank, const int64_t *dim)
{
    while (a != POISON && !same_shape(type_of(make, a), rank, dim) && node_of(make, a)->op == OP_reshape)
        a = node_of(make, a)->in[0];
    if (a == POISON || same_shape(type_of(make, a), rank, dim))
        return a;
    ReshapeAttrs attrs;
    set_dims(&attrs.shape, rank, dim);
    return make_op(make, OP_reshape, &attrs, &a, 1);
}

NodeId make_permute(Make make, NodeId a, const int *order)
{
    if (a == POISON)
        return POISON;
    int64_t value[RANK_MAX] = {0};
    bool moved = false;
    int rank = type_of(make, a)->rank;
    for (int i = 0; i < rank; i++) {
        value[i] = order[i];
        moved = moved || order[i] != i;
    }
    PermuteAttrs attrs;
    set_dims(&attrs.order, rank, value);
    return moved ? make_op(make, OP_permute, &attrs, &a, 1) : a;
}

static NodeId add_margin(Make make, OpId op, NodeId a, const int64_t *before, const int64_t *after)
{
    if (a == POISON)
        return POISON;
    MarginAttrs attrs;
    int rank = type_of(make, a)->rank;
    set_dims(&attrs.before, rank, before);
    set_dims(&attrs.after, rank, after);
    for (int i = 0; i < rank; i++)
        if (before[i] || after[i])
            return make_op(make, op, &attrs, &a, 1);
    return a;
}

NodeId make_pad(Make make, NodeId a, const int64_t *before, const int64_t *after)
{
    return add_margin(make, OP_pad, a, before, after);
}

NodeId make_crop(Make make, NodeId a, const int64_t *before, const int64_t *after)
{
    return add_margin(make, OP_crop, a, before, after);
}

NodeId make_broadcast(Make make, NodeId a, const Type *type)
{
    if (a == POISON)
        return POISON;
    if (same_shape(type_of(make, a), type->rank, type->dim) && type_of(make, a)->lead == type->lead)
        return a;
    BroadcastAttrs attrs;
    memset(&attrs, 0, sizeof attrs);
    set_dims(&attrs.shape, type->rank, type->dim);
    attrs.lead = type->lead;
    return make_op(make, OP_broadcast, &attrs, &a, 1);
}

NodeId make_sum_to(Make make, NodeId a, NodeId like)
{
    if (a == POISON || like == POISON)
        return POISON;
    const Type have = *type_of(make, a), want = *type_of(make, like);
    int added = have.rank - want.rank;
    unsigned dims = 0;
    for (int i = 0; i < have.rank; i++) {
        bool repeated = i < added || want.dim[i - added] == 1;
        bool lead_ends = i == 0 && have.lead != LEAD_NONE && (added > 0 || want.lead == LEAD_NONE);
        bool lead_stays = i == 0 && added == 0 && want.lead != LEAD_NONE;
        if ((repeated && !lead_stays) || lead_ends)
            dims |= 1u << i;
    }
    NodeId sum = make_sum(make, a, dims);
    if (added > 0)
        sum = make_reshape(make, sum, want.rank, type_of(make, sum)->dim + added);
    return make_broadcast(make, sum, &want);
}

/* ---- Contractions ---- */

NodeId make_matmul(Make make, NodeId a, NodeId b, bool transpose_a, bool transpose_b)
{
    return make_op(make, OP_matmul, &(MatmulAttrs){transpose_a, transpose_b}, (const NodeId[]){a, b}, 2);
}
