/* Operators that change shapes only, and what is computed of shapes. */
#include <math.h>
#include <string.h>

#include "compiler/base/divide.h"
#include "compiler/exchange/onnx_use.h"

bool onnx_op_shape(OnnxUse *use)
{
    const OnnxValue *in = use->in_count > 0 ? use->in[0] : NULL;
    int64_t dim[ONNX_RANK_MAX];
    if (!in)
        return use_refuse(use, "it has no input");
    int rank = in->is_layer ? use_dims(use->import, in, dim) : in->constant.rank;
    int64_t first = use_integer(use, "start", 0), end = use_integer(use, "end", rank);
    first = first < 0 ? first + rank : first;
    end = end < 0 ? end + rank : end > rank ? rank : end;
    if (first < 0 || first > end)
        return use_refuse(use, "it asks for dimensions that there are not");
    return use_give_constant(use, onnx_constant_integers(use->import->arena,
                                                         (in->is_layer ? dim : in->constant.dim) + first,
                                                         (int)(end - first)));
}

static bool flatten(OnnxUse *use, const OnnxValue *in)
{
    Network *network = use->import->network;
    int layer = in->rank == 4 && in->last ? network_flatten_pixels(network, in->layer)
                                          : network_flatten(network, in->layer);
    use->out[0] = (OnnxValue){.is_layer = true, .layer = layer, .rank = 2};
    return layer >= 0;
}

bool onnx_op_flatten(OnnxUse *use)
{
    const OnnxValue *in = use_value(use, 0);
    int64_t axis = use_integer(use, "axis", 1);
    if (!in)
        return false;
    return axis == 1 || axis == 1 - in->rank
               ? flatten(use, in)
               : use_refuse(use, "only a flattening of all but the samples has a layer");
}

/* Puts a shape of `count` dimensions in place of that of a value. */
static bool reshape(OnnxUse *use, const OnnxValue *in, int64_t *to, int count)
{
    int64_t dim[5], all = network_elements(use->import->network, in->layer), known = 1, open = -1;
    int rank = use_dims(use->import, in, dim);
    for (int i = 1; i < count; i++) {
        if (to[i] == 0 && i < rank)
            to[i] = dim[i];
        if (to[i] < 0)
            open = open < 0 ? i : count;
        else if (to[i] > all)
            return use_refuse(use, "its shape does not fit its input");
        else
            known *= to[i];
        if (known > all)
            return use_refuse(use, "its shape does not fit its input");
    }
    bool samples = count > 0 && (to[0] <= 0 || to[0] == dim[0] || to[0] == 1);
    if (open >= count || known == 0 || (open > 0 && all % known) || !samples || (open > 0 && to[0] < 0))
        return use_refuse(use, "it does not keep the samples apart, or its shape does not fit its input");
    if (open > 0)
        to[open] = all / known;
    else if (known != all)
        return use_refuse(use, "its shape does not fit its input");
    if (in->groups > 0) {
        ValueShape shape = network_shape(use->import->network, in->layer);
        if (count != 4 || to[1] != shape.channels || to[2] != shape.height || to[3] != shape.width)
            return use_refuse(use, "channels in groups are joined again, or not at all");
        OnnxValue plain = {.is_layer = true, .layer = in->layer, .rank = 4};
        return use_give(
            use, in->swapped ? network_shuffle(use->import->network, in->layer, in->groups) : in->layer,
            &plain);
    }
    if (count == 2)
        return flatten(use, in);
    if (count == rank && memcmp(&to[1], &dim[1], sizeof to[0] * (size_t)(rank - 1)) == 0)
        return onnx_op_identity(use);
    if (count == 5 && rank == 4 && !in->last && to[1] * to[2] == dim[1] && to[3] == dim[2] &&
        to[4] == dim[3]) {
        use->out[0] = *in;
        use->out[0].rank = 5;
        use->out[0].groups = to[1];
        return true;
    }
    if (count == 4 && to[2] == 1 && to[3] == 1) {
        OnnxValue like = {.is_layer = true, .rank = 4};
        int flat = in->last ? network_flatten_pixels(use->import->network, in->layer)
                            : network_flatten(use->import->network, in->layer);
        return use_give(use, network_picture(use->import->network, flat), &like);
    }
    return use_refuse(use, "only a reshape to a vector, and one that shuffles channels, has a layer");
}

bool onnx_op_reshape(OnnxUse *use)
{
    int64_t to[ONNX_RANK_MAX];
    int count = use_integers(use, "shape", 1, to, ONNX_RANK_MAX);
    if (use->only_constants && use->in_count > 0 && use->in[0] && count >= 0) {
        OnnxConstant changed = use->in[0]->constant;
        int64_t all = onnx_constant_count(&changed), known = 1, open = 0;
        changed.rank = count;
        for (int i = 0; i < count; i++)
            open += to[i] <= 0;
        for (int i = 0; i < count; i++)
            known = known > all ? known : known * (to[i] > 0 && to[i] <= all ? to[i] : 1);
        if (known > all || open > 1)
            return use_refuse(use, "its shape does not fit its input");
        for (int i = 0; i < count; i++)
            changed.dim[i] = to[i] > 0 ? to[i] : known > 0 ? all / known : 0;
        return onnx_constant_count(&changed) == all ? use_give_constant(use, changed)
                                                    : use_refuse(use, "its shape does not fit its input");
    }
    if (count < 0)
        return use_refuse(use, "its shape is computed");
    const OnnxValue *in = use->in_count > 0 ? use->in[0] : NULL;
    return in && in->is_layer ? reshape(use, in, to, count) : use_refuse(use, "it has no input");
}

/* Dimension i of the result is `order[i]` of the constant; count -1: the last of it comes first. */
static bool transpose_constant(OnnxUse *use, const OnnxConstant *from, const int64_t *order, int count)
{
    int64_t all = onnx_constant_count(from), stride[ONNX_RANK_MAX], step[ONNX_RANK_MAX];
    int seen = 0, rank = from->rank;
    if (rank < 2)
        return onnx_op_identity(use);
    if (!from->real || all < 1)
        return use_refuse(use, "it turns a constant that is neither a matrix nor a kernel");
    OnnxConstant turned = {.rank = rank};
    stride[rank - 1] = 1;
    for (int i = rank - 1; i-- > 0;)
        stride[i] = stride[i + 1] * from->dim[i + 1];
    if (count >= 0 && count != rank)
        return use_refuse(use, "its order is not one of all dimensions");
    for (int i = 0; i < rank; i++) {
        int64_t axis = count < 0 ? rank - 1 - i : order[i];
        if (axis < 0 || axis >= rank || seen & 1 << axis)
            return use_refuse(use, "its order is not one of all dimensions");
        seen |= 1 << axis;
        turned.dim[i] = from->dim[axis];
        step[i] = stride[axis];
    }
    float *values = NEW_ARRAY(use->import->arena, float, all + 1);
    for (int64_t to = 0; to < all; to++) {
        int64_t at = 0, rest = to;
        for (int i = rank; i-- > 0; rest /= turned.dim[i])
            at += rest % turned.dim[i] * step[i];
        values[to] = from->real[at];
    }
    turned.real = values;
    return use_give_constant(use, turned);
}

bool onnx_op_transpose(OnnxUse *use)
{
    static const int64_t to_last[] = {0, 2, 3, 1}, to_first[] = {0, 3, 1, 2}, swap[] = {0, 2, 1, 3, 4};
    int64_t order[ONNX_RANK_MAX];
    int count = use_integers(use, "perm", -1, order, ONNX_RANK_MAX);
    const OnnxValue *in = use->in_count > 0 ? use->in[0] : NULL;
    if (!in)
        return use_refuse(use, "it has no input");
    if (!in->is_layer)
        return transpose_constant(use, &in->constant, order, count);
    use->out[0] = *in;
    if (count == in->rank && in->groups > 0 && memcmp(order, swap, sizeof swap) == 0) {
        use->out[0].swapped = !in->swapped;
        return true;
    }
    if (count == 4 && in->rank == 4) {
        bool same = order[0] == 0 && order[1] == 1 && order[2] == 2 && order[3] == 3;
        use->out[0].last = same ? in->last : !in->last;
        if (same || memcmp(order, in->last ? to_first : to_last, sizeof to_last) == 0)
            return true;
    }
    return use_refuse(use, "only a change between channels first and channels last, and one that shuffles "
                           "channels, has a layer");
}

/* Squeeze and Unsqueeze: extents of 1. */
bool onnx_op_squeeze(OnnxUse *use)
{
    int64_t axes[ONNX_RANK_MAX];
    int count = use_integers(use, "axes", 1, axes, ONNX_RANK_MAX);
    bool more = strcmp(use->node->op_type, "Unsqueeze") == 0;
    const OnnxValue *in = use->in_count > 0 ? use->in[0] : NULL;
    if (!in)
        return use_refuse(use, "it has no input");
    if (!in->is_layer) {
        OnnxConstant changed = in->constant;
        if (onnx_constant_count(&changed) != 1 && !(more && changed.rank == 1))
            return use_refuse(use, "it reads a constant that is no number");
        changed.rank = more ? changed.rank + (count > 0 ? 1 : 0) : 0;
        if (changed.rank == 1)
            changed.dim[0] = onnx_constant_count(&in->constant);
        return changed.rank < 2 ? use_give_constant(use, changed)
                                : use_refuse(use, "it reads a constant that is no number");
    }
    ValueShape shape = network_shape(use->import->network, in->layer);
    for (int i = 0; i < count; i++)
        axes[i] += axes[i] < 0 ? 4 : 0;
    bool rows = count == 2 && axes[0] + axes[1] == 5 && (axes[0] == 2 || axes[0] == 3);
    if (rows && shape.height * shape.width == 1 && (more ? in->rank == 2 : in->rank == 4 && !in->last)) {
        use->out[0] = *in;
        use->out[0].rank = more ? 4 : 2;
        return true;
    }
    return use_refuse(use, "only rows and columns of one pixel can be taken away or added");
}

bool onnx_op_gather(OnnxUse *use)
{
    const OnnxConstant *from = use_constant(use, 0), *index = use_constant(use, 1);
    int64_t values[ONNX_RANK_MAX], count = index ? onnx_constant_count(index) : 0;
    if (!from || !from->integer || from->rank != 1 || !index || !index->integer || index->rank > 1 ||
        count > ONNX_RANK_MAX)
        return use_refuse(use, "only numbers of a shape can be gathered");
    for (int64_t i = 0; i < count; i++) {
        int64_t at = index->integer[i] + (index->integer[i] < 0 ? from->dim[0] : 0);
        if (at < 0 || at >= from->dim[0])
            return use_refuse(use, "it asks for a dimension that there is not");
        values[i] = from->integer[at];
    }
    OnnxConstant result = onnx_constant_integers(use->import->arena, values, (int)count);
    result.rank = index->rank;
    return use_give_constant(use, result);
}

/* Reals of whole numbers, or whole numbers of reals, towards 0. */
static bool cast_constant(OnnxUse *use, const OnnxConstant *from, bool real)
{
    int64_t count = onnx_constant_count(from);
    OnnxConstant changed = *from;
    if (real == (from->real != NULL))
        return onnx_op_identity(use);
    float *reals = real ? NEW_ARRAY(use->import->arena, float, count + 1) : NULL;
    int64_t *integers = real ? NULL : NEW_ARRAY(use->import->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++) {
        double value = onnx_constant_at(from, i);
        if (real)
            reals[i] = (float)value;
        else if (fabs(value) < 1e15)
            integers[i] = (int64_t)value;
        else
            return use_refuse(use, "a number that is too large for a shape");
    }
    changed.real = reals;
    changed.integer = integers;
    return use_give_constant(use, changed);
}

bool onnx_op_cast(OnnxUse *use)
{
    const OnnxConstant *constant = use_constant(use, 0);
    int64_t to = use_integer(use, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    bool whole = to == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 || to == ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
    if (constant && (whole || to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT))
        return cast_constant(use, constant, !whole);
    if (constant)
        return use_refuse(use, "a constant becomes one of a kind that no network here has");
    return to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ? onnx_op_identity(use)
                                                      : use_refuse(use, "values of a network are reals");
}

/* One axis, the channels, from `first` to before `end`. */
bool onnx_op_slice(OnnxUse *use)
{
    int64_t first, end, axis = 0, step = 1;
    int starts = use_integers(use, "starts", 1, &first, 1), ends = use_integers(use, "ends", 2, &end, 1);
    int axes = use_integers(use, "axes", 3, &axis, 1), steps = use_integers(use, "steps", 4, &step, 1);
    const OnnxValue *in = use->in_count > 0 ? use->in[0] : NULL;
    if (!in || starts != 1 || ends != 1 || (axes != 1 && axes != -1) || steps > 1 || step != 1)
        return use_refuse(use, "only a part of the channels, without a step, has a layer");
    int64_t dim[5], extent = 0;
    if (in->is_layer) {
        if (!use_value(use, 0))
            return false;
        use_dims(use->import, in, dim);
        if (!use_is_channels(in, axis))
            return use_refuse(use, "only a part of the channels, without a step, has a layer");
        extent = in->last && in->rank == 4 ? dim[3] : dim[1];
    } else if (in->constant.rank == 1 && in->constant.integer) {
        extent = in->constant.dim[0];
    } else {
        return use_refuse(use, "only a part of a shape can be computed");
    }
    first = first < 0 ? first + extent : first;
    end = end < 0 ? end + extent : end > extent ? extent : end;
    if (first < 0 || first >= end)
        return use_refuse(use, "nothing is left");
    if (in->is_layer)
        return use_give(use, network_split(use->import->network, in->layer, end - first, first), in);
    return end - first <= ONNX_RANK_MAX
               ? use_give_constant(use,
                                   onnx_constant_integers(use->import->arena, in->constant.integer + first,
                                                          (int)(end - first)))
               : use_refuse(use, "only a part of a shape can be computed");
}

bool onnx_op_split(OnnxUse *use)
{
    const OnnxValue *in = use_value(use, 0);
    int64_t sizes[ONNX_OUT_MAX], dim[5], first = 0;
    int count = use_integers(use, "split", 1, sizes, ONNX_OUT_MAX);
    if (!in)
        return false;
    use_dims(use->import, in, dim);
    int64_t channels = in->last && in->rank == 4 ? dim[3] : dim[1],
            each = divide_up(channels, use->out_count);
    if (!use_is_channels(in, use_integer(use, "axis", 0)) || (count >= 0 && count != use->out_count))
        return use_refuse(use, "only the channels can be split, into as many parts as it has outputs");
    for (int i = 0; i < use->out_count; i++) {
        int64_t size = count >= 0 ? sizes[i] : each < channels - first ? each : channels - first;
        use->out[i] = *in;
        use->out[i].layer = network_split(use->import->network, in->layer, size, first);
        if (use->out[i].layer < 0)
            return false;
        first += size;
    }
    return first == channels || use_refuse(use, "its parts are not all channels");
}

bool onnx_op_pad(OnnxUse *use)
{
    const OnnxValue *in = use_picture(use, 0);
    const OnnxConstant *value = use_constant(use, 2);
    int64_t pads[ONNX_RANK_MAX];
    int count = use_integers(use, "pads", 1, pads, ONNX_RANK_MAX);
    if (!in)
        return false;
    double filled =
        value && onnx_constant_count(value) == 1 ? onnx_constant_at(value, 0) : use_real(use, "value", 0);
    bool sides = count == 8 && pads[0] == 0 && pads[1] == 0 && pads[4] == 0 && pads[5] == 0;
    if (!use_text_is(use, "mode", "constant", "constant") || filled != 0 || !sides ||
        (use->in_count > 3 && use->in[3]))
        return use_refuse(use, "only zeros around the rows and columns have a layer");
    const int64_t margin[4] = {pads[2], pads[6], pads[3], pads[7]};
    if (margin[0] == 0 && margin[1] == 0 && margin[2] == 0 && margin[3] == 0)
        return onnx_op_identity(use);
    return use_give(use, network_margin(use->import->network, in->layer, "pad", margin), in);
}

/* Resize and Upsample, by whole factors. */
bool onnx_op_resize(OnnxUse *use)
{
    const OnnxValue *in = use_picture(use, 0);
    bool upsample = strcmp(use->node->op_type, "Upsample") == 0;
    const OnnxConstant *scales = use_constant(use, upsample ? 1 : 2),
                       *sizes = upsample ? NULL : use_constant(use, 3);
    if (!in)
        return false;
    ValueShape shape = network_shape(use->import->network, in->layer);
    double factor[2] = {0, 0};
    if (scales && onnx_constant_count(scales) == 4) {
        factor[0] = onnx_constant_at(scales, 2);
        factor[1] = onnx_constant_at(scales, 3);
    } else if (sizes && onnx_constant_count(sizes) == 4) {
        factor[0] = onnx_constant_at(sizes, 2) / (double)shape.height;
        factor[1] = onnx_constant_at(sizes, 3) / (double)shape.width;
    }
    bool nearest = use_text_is(use, "mode", "nearest", "nearest"),
         linear = use_text_is(use, "mode", "linear", "nearest");
    const char *ask = "coordinate_transformation_mode", *preset = upsample ? "asymmetric" : "half_pixel";
    bool half =
        use_text_is(use, ask, "half_pixel", preset) || use_text_is(use, ask, "pytorch_half_pixel", preset);
    bool corner = use_text_is(use, ask, "asymmetric", preset) &&
                  (upsample || use_text_is(use, "nearest_mode", "floor", "round_prefer_floor"));
    bool rounded = upsample || use_text_is(use, "nearest_mode", "round_prefer_floor", "round_prefer_floor") ||
                   use_text_is(use, "nearest_mode", "round_prefer_ceil", "round_prefer_floor");
    bool whole = factor[0] >= 1 && factor[1] >= 1 && factor[0] <= 64 && factor[1] <= 64 &&
                 factor[0] == floor(factor[0]) && factor[1] == floor(factor[1]);
    if (!whole || !((nearest && ((half && rounded) || corner)) || (linear && half)))
        return use_refuse(use, "only whole factors have a layer: by repeated pixels, or linear between their "
                               "middles (half_pixel)");
    return use_give(use,
                    network_upsample(use->import->network, in->layer, (int64_t)factor[0], (int64_t)factor[1],
                                     nearest ? "nearest" : "bilinear"),
                    in);
}

bool onnx_op_constant(OnnxUse *use)
{
    const Onnx__AttributeProto *tensor = use_attribute(use, "value"),
                               *real = use_attribute(use, "value_float"),
                               *integer = use_attribute(use, "value_int");
    int64_t values[ONNX_RANK_MAX];
    if (tensor && tensor->t)
        return onnx_constant_read(use->import->arena, tensor->t, &use->import->files, &use->out[0].constant,
                                  use->import->error) == CNN_OK;
    if (real) {
        float *value = NEW(use->import->arena, float);
        *value = real->f;
        return use_give_constant(use, (OnnxConstant){.real = value});
    }
    OnnxConstant result =
        onnx_constant_integers(use->import->arena, integer ? &integer->i : NULL, integer ? 1 : 0);
    result.rank = integer ? 0 : 1;
    int count = integer ? 1 : use_integers(use, "value_ints", -1, values, ONNX_RANK_MAX);
    if (!integer && count >= 0)
        result = onnx_constant_integers(use->import->arena, values, count);
    return count >= 0 ? use_give_constant(use, result)
                      : use_refuse(use, "a constant of a kind that no network here has");
}
