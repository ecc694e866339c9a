/* Operators with weights or windows. */
#include <math.h>
#include <string.h>

#include "compiler/base/divide.h"
#include "compiler/exchange/onnx_use.h"

enum { EXTENT_MAX = 1 << 20 };

/* ---- Windows ---- */

/* Extents in two dimensions; false after an error. */
static bool pair_of(const OnnxUse *use, const char *name, int64_t pair[2])
{
    int64_t values[ONNX_RANK_MAX];
    int count = use_integers(use, name, -1, values, ONNX_RANK_MAX);
    if (count >= 0 && count != 2)
        return use_refuse(use, "it is not over two dimensions");
    if (count == 2)
        memcpy(pair, values, sizeof values[0] * 2);
    return true;
}

static bool read_window(const OnnxUse *use, ValueShape in, WindowSpec *spec)
{
    int64_t pads[ONNX_RANK_MAX];
    int64_t extent[2] = {in.height, in.width};
    if (!pair_of(use, "kernel_shape", spec->window) || !pair_of(use, "strides", spec->stride) ||
        !pair_of(use, "dilations", spec->dilation))
        return false;
    for (int d = 0; d < 2; d++)
        if (spec->window[d] < 1 || spec->stride[d] < 1 || spec->dilation[d] < 1 ||
            spec->window[d] > EXTENT_MAX || spec->stride[d] > EXTENT_MAX || spec->dilation[d] > EXTENT_MAX)
            return use_refuse(use, "its window cannot be");
    int count = use_integers(use, "pads", -1, pads, ONNX_RANK_MAX);
    if (count >= 0 && count != 4)
        return use_refuse(use, "it is not over two dimensions");
    bool upper = use_text_is(use, "auto_pad", "SAME_UPPER", ""),
         lower = use_text_is(use, "auto_pad", "SAME_LOWER", "");
    for (int d = 0; d < 2; d++) {
        if (count == 4 &&
            (pads[d] < 0 || pads[d + 2] < 0 || pads[d] > EXTENT_MAX || pads[d + 2] > EXTENT_MAX))
            return use_refuse(use, "its padding cannot be");
        int64_t before = count == 4 ? pads[d] : 0, behind = count == 4 ? pads[d + 2] : 0;
        int64_t reach = (spec->window[d] - 1) * spec->dilation[d] + 1;
        if (upper || lower) {
            int64_t all = (divide_up(extent[d], spec->stride[d]) - 1) * spec->stride[d] + reach - extent[d];
            all = all > 0 ? all : 0;
            before = upper ? all / 2 : all - all / 2;
            behind = all - before;
        }
        if (use_integer(use, "ceil_mode", 0)) {
            int64_t steps = divide_up(extent[d] + before + behind - reach, spec->stride[d]);
            if (steps * spec->stride[d] >= extent[d] + before)
                steps--; /* the last window must begin in the picture, or in front of it */
            behind = steps * spec->stride[d] + reach - extent[d] - before;
        }
        spec->pad[2 * d] = before;
        spec->pad[2 * d + 1] = behind;
    }
    return true;
}

bool onnx_op_conv(OnnxUse *use)
{
    const OnnxValue *in = use_picture(use, 0);
    const OnnxConstant *kernel = use_constant(use, 1);
    bool has_bias = use->in_count > 2 && use->in[2];
    if (!in)
        return false;
    if (!kernel || kernel->rank != 4 || !kernel->real)
        return use_refuse(use, "its kernel is computed, or has not four dimensions");
    ValueShape shape = network_shape(use->import->network, in->layer);
    WindowSpec spec = WINDOW_NONE;
    spec.window[0] = kernel->dim[2];
    spec.window[1] = kernel->dim[3];
    int64_t groups = use_integer(use, "group", 1);
    if (!read_window(use, shape, &spec))
        return false;
    if (groups < 1 || kernel->dim[1] * groups != shape.channels || spec.window[0] != kernel->dim[2] ||
        spec.window[1] != kernel->dim[3])
        return use_refuse(use, "its kernel does not fit its input");
    const float *bias = has_bias ? use_reals(use, 2, kernel->dim[0], "bias") : NULL;
    return (bias || !has_bias) && use_give(use,
                                           network_conv(use->import->network, in->layer, use->name, &spec,
                                                        kernel->dim[0], groups, kernel->real, bias, has_bias),
                                           in);
}

bool onnx_op_conv_transpose(OnnxUse *use)
{
    const OnnxValue *in = use_picture(use, 0);
    const OnnxConstant *kernel = use_constant(use, 1);
    bool has_bias = use->in_count > 2 && use->in[2];
    int64_t more[2] = {0, 0};
    if (!in)
        return false;
    if (!kernel || kernel->rank != 4 || !kernel->real || !pair_of(use, "output_padding", more))
        return use_refuse(use, "its kernel is computed, or has not four dimensions");
    ValueShape shape = network_shape(use->import->network, in->layer);
    WindowSpec spec = WINDOW_NONE;
    spec.window[0] = kernel->dim[2];
    spec.window[1] = kernel->dim[3];
    if (!read_window(use, shape, &spec))
        return false;
    bool dilated = spec.dilation[0] != 1 || spec.dilation[1] != 1;
    if (use_integer(use, "group", 1) != 1 || dilated || more[0] != 0 || more[1] != 0 ||
        use_attribute(use, "output_shape") || use_attribute(use, "auto_pad"))
        return use_refuse(use, "cnnc's 'transposed' has no groups, no dilation, and no output_padding, "
                               "output_shape or auto_pad");
    if (kernel->dim[0] != shape.channels)
        return use_refuse(use, "its kernel does not fit its input");
    const float *bias = has_bias ? use_reals(use, 2, kernel->dim[1], "bias") : NULL;
    return (bias || !has_bias) &&
           use_give(use,
                    network_transposed(use->import->network, in->layer, use->name, &spec, kernel->dim[1],
                                       kernel->real, bias, has_bias),
                    in);
}

bool onnx_op_pool(OnnxUse *use)
{
    const OnnxValue *in = use_picture(use, 0);
    bool average = strcmp(use->node->op_type, "AveragePool") == 0;
    WindowSpec spec = WINDOW_NONE;
    if (!in || !read_window(use, network_shape(use->import->network, in->layer), &spec))
        return false;
    int layer = in->layer;
    bool padded = spec.pad[0] > 0 || spec.pad[1] > 0 || spec.pad[2] > 0 || spec.pad[3] > 0;
    if (average && padded &&
        use_integer(use, "count_include_pad", 0)) { /* zeros that count are those of 'pad' */
        if (use_integer(use, "ceil_mode", 0))
            return use_refuse(use, "an average with ceil_mode and count_include_pad");
        layer = network_margin(use->import->network, layer, "pad", spec.pad);
        memset(spec.pad, 0, sizeof spec.pad);
    }
    return use_give(use, network_pool(use->import->network, layer, average ? "avgpool" : "maxpool", &spec),
                    in);
}

bool onnx_op_global_pool(OnnxUse *use)
{
    const OnnxValue *in = use_value(use, 0);
    const char *kind = strcmp(use->node->op_type, "GlobalMaxPool") == 0 ? "max" : "avg";
    return in && use_give(use, network_globalpool(use->import->network, in->layer, kind), in);
}

/* Over rows and columns. */
bool onnx_op_reduce(OnnxUse *use)
{
    const OnnxValue *in = use_value(use, 0);
    int64_t axes[ONNX_RANK_MAX];
    int count = use_integers(use, "axes", 1, axes, ONNX_RANK_MAX), first;
    if (!in)
        return false;
    first = in->last ? 1 : 2;
    bool over = in->rank == 4 && count == 2;
    for (int i = 0; i < count; i++) {
        int64_t axis = axes[i] + (axes[i] < 0 ? in->rank : 0);
        over = over && (axis == first || axis == first + 1);
    }
    if (!over || axes[0] == axes[1])
        return use_refuse(use, "only a reduction over rows and columns, at once, has a layer");
    const char *kind = strcmp(use->node->op_type, "ReduceMax") == 0 ? "max" : "avg";
    if (!use_give(use, network_globalpool(use->import->network, in->layer, kind), in))
        return false;
    if (!use_integer(use, "keepdims", 1))
        use->out[0] = (OnnxValue){.is_layer = true, .layer = use->out[0].layer, .rank = 2};
    return true;
}

bool onnx_op_batchnorm(OnnxUse *use)
{
    const OnnxValue *in = use_value(use, 0);
    const float *values[4];
    static const char *const parts[4] = {"scale", "B", "mean", "variance"};
    if (!in)
        return false;
    int64_t dim[5];
    use_dims(use->import, in, dim);
    for (int i = 0; i < 4; i++)
        if (!(values[i] = use_reals(use, i + 1, in->last ? dim[3] : dim[1], parts[i])))
            return false;
    double eps = use_real(use, "epsilon", 1e-5F), momentum = use_real(use, "momentum", 0.9F);
    if (use_integer(use, "training_mode", 0) && use->out_count > 1)
        return use_refuse(use, "it is that of a training; export the network as it is evaluated");
    return use_give(use,
                    network_batchnorm(use->import->network, in->layer, use->name, round(eps * 1e12) / 1e12,
                                      round(momentum * 1e6) / 1e6, values),
                    in);
}

/* ---- Dense layers ---- */

/* kernel: [in][out], or [out][in] if `turned`. */
static bool dense(OnnxUse *use, const OnnxConstant *kernel, bool turned, double scale, const float *bias,
                  bool has_bias)
{
    const OnnxValue *in = use_value(use, 0);
    if (!in)
        return false;
    if (!kernel || kernel->rank != 2 || !kernel->real)
        return use_refuse(use, "its matrix is computed, or has not two dimensions");
    int64_t units = kernel->dim[turned ? 0 : 1], inputs = kernel->dim[turned ? 1 : 0];
    if (in->rank != 2 || inputs != network_elements(use->import->network, in->layer))
        return use_refuse(use, "its matrix does not fit its input");
    float *values = NEW_ARRAY(use->import->arena, float, units *inputs + 1);
    for (int64_t u = 0; u < units; u++)
        for (int64_t i = 0; i < inputs; i++)
            values[u * inputs + i] =
                (float)(scale * (double)kernel->real[turned ? u * inputs + i : i * units + u]);
    return use_give(
        use, network_dense(use->import->network, in->layer, use->name, units, values, bias, has_bias), in);
}

bool onnx_op_gemm(OnnxUse *use)
{
    const OnnxConstant *kernel = use_constant(use, 1), *added = use_constant(use, 2);
    bool turned = use_integer(use, "transB", 0), has_bias = use->in_count > 2 && use->in[2];
    double beta = use_real(use, "beta", 1);
    if (use_integer(use, "transA", 0))
        return use_refuse(use, "it turns its input");
    if (!kernel || kernel->rank != 2 || onnx_constant_count(kernel) < 1)
        return use_refuse(use, "its matrix is computed, or has not two dimensions");
    int64_t units = kernel->dim[turned ? 0 : 1], count = added ? onnx_constant_count(added) : 0;
    float *bias = NEW_ARRAY(use->import->arena, float, units + 1);
    if (has_bias && (!added || !added->real || (count != units && count != 1) ||
                     (count == units && added->rank > 1 && added->dim[0] != 1)))
        return use_refuse(use, "its C is computed, or has not a number for each output");
    for (int64_t i = 0; has_bias && i < units; i++)
        bias[i] = (float)(beta * (double)added->real[count == 1 ? 0 : i]);
    return dense(use, kernel, turned, use_real(use, "alpha", 1), bias, has_bias);
}

bool onnx_op_matmul(OnnxUse *use)
{
    return dense(use, use_constant(use, 1), false, 1, NULL, false);
}
