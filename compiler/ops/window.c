/* Arithmetic of sliding windows. */
#include "compiler/base/divide.h"
#include "compiler/ops/window.h"

Side side_y(const WindowAttrs *attrs)
{
    return (Side){attrs->window_height, attrs->stride_y,   attrs->dilation_y,
                  attrs->pad_top,       attrs->pad_bottom, attrs->height};
}

Side side_x(const WindowAttrs *attrs)
{
    return (Side){attrs->window_width, attrs->stride_x,  attrs->dilation_x,
                  attrs->pad_left,     attrs->pad_right, attrs->width};
}

/* Pixels from the first tap to the last. */
static int64_t side_span(const Side *side)
{
    return (side->window - 1) * side->dilation + 1;
}

int64_t side_outputs(const Side *side)
{
    int64_t room = side->extent + side->before + side->after - side_span(side);
    return room < 0 ? 0 : room / side->stride + 1;
}

Affine side_input(const Side *side, const Affine *output, const Affine *tap)
{
    Affine input = affine_add(affine_scale(*output, side->stride), affine_scale(*tap, side->dilation));
    return affine_add(input, affine_const(-side->before));
}

int side_guard(const Side *side, const Affine *input, Guard *guards, int count)
{
    if (side->before || side->after)
        guards[count++] = (Guard){*input, side->extent};
    return count;
}

int side_class_direction(const Side *side)
{
    if (side->dilation != 1 || side->extent % side->stride)
        return 0;
    if (side->before % side->stride == 0)
        return 1;
    return side->stride == 2 ? -1 : 0; /* the first position has tap 1 as its first, the second tap 0 */
}

/* The axis that is the class of a position; -1: its class is a number. */
static int class_axis(const Affine *position, int64_t stride)
{
    for (int a = 0; a < AXIS_MAX; a++)
        if (position->coef[a] % stride)
            return a;
    return -1;
}

Taps side_taps(const Side *side, const Affine *position)
{
    int axis = class_axis(position, side->stride);
    if (axis >= 0) {
        Taps all = {.step = side->stride,
                    .count = (side->window + side->stride - 1) / side->stride,
                    .outputs = side_outputs(side),
                    .beyond = side->window % side->stride != 0};
        all.first.coef[axis] = 1;
        return all;
    }
    int64_t class = affine_class(position, side->stride), first = 0;
    Taps taps = {.outputs = side_outputs(side)};
    int64_t last = 0;
    for (int64_t tap = 0; tap < side->window; tap++) {
        if ((class + side->before - tap * side->dilation) % side->stride)
            continue;
        if (taps.count == 0)
            first = tap;
        if (taps.count == 1)
            taps.step = tap - first;
        taps.count++;
        last = tap;
    }
    int64_t highest = class + (side->extent - 1 - class) / side->stride * side->stride;
    taps.inside = divide_down(class + side->before - last * side->dilation, side->stride) >= 0 &&
                  divide_down(highest + side->before - first * side->dilation, side->stride) < taps.outputs;
    taps.first = affine_const(first);
    return taps;
}

Affine side_output(const Side *side, const Affine *position, const Affine *tap)
{
    Affine distance = affine_add(*position, affine_const(side->before));
    return affine_divide(affine_add(distance, affine_scale(*tap, -side->dilation)), side->stride);
}

bool window_is_tiling(const WindowAttrs *attrs)
{
    return attrs->window_height == attrs->stride_y && attrs->window_width == attrs->stride_x &&
           attrs->dilation_y == 1 && attrs->dilation_x == 1 && !attrs->pad_top && !attrs->pad_bottom &&
           !attrs->pad_left && !attrs->pad_right;
}

void side_pad_same(Side *side)
{
    int64_t outputs = (side->extent + side->stride - 1) / side->stride;
    int64_t total = (outputs - 1) * side->stride + side_span(side) - side->extent;
    if (total < 0)
        total = 0;
    side->before = total / 2;
    side->after = total - side->before;
}

void window_set_onnx(Onnx *onnx, const WindowAttrs *attrs)
{
    const int64_t window[] = {attrs->window_height, attrs->window_width};
    const int64_t stride[] = {attrs->stride_y, attrs->stride_x};
    const int64_t pads[] = {attrs->pad_top, attrs->pad_left, attrs->pad_bottom, attrs->pad_right};
    onnx_set_integers(onnx, "kernel_shape", window, 2);
    onnx_set_integers(onnx, "strides", stride, 2);
    onnx_set_integers(onnx, "pads", pads, 4);
}
