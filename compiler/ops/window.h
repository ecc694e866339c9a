/* Windows that slide over a picture: what convolutions and pools share. Each direction is independent of the
 * other. */
#ifndef WINDOW_H
#define WINDOW_H

#include "compiler/ir/kernel.h"
#include "compiler/ops/attrs.h"
#include "compiler/ops/onnx.h"

/* One direction: tap `t` of the window at output `o` lies at input o * stride + t * dilation - before. */
typedef struct {
    int64_t window, stride, dilation, before, after, extent; /* extent: of the input */
} Side;

Side side_y(const WindowAttrs *attrs);
Side side_x(const WindowAttrs *attrs);

/** Outputs along the direction; less than 1 when the window does not fit into the padded input. */
int64_t side_outputs(const Side *side);

/** The input position of a tap. */
Affine side_input(const Side *side, const Affine *output, const Affine *tap);

/** The guard that an input position lies in the input, into guards[count]; returns the new count. None where
 * there is no padding. */
int side_guard(const Side *side, const Affine *input, Guard *guards, int count);

/* The taps whose windows reach an input position: those of the class of the position modulo the stride. Tap
 * number i of `count` is first + i * step; it belongs to the output (position + before - tap * dilation) /
 * stride. */
typedef struct {
    Affine first; /* the position's class, where that is an axis */
    int64_t step, count;
    int64_t outputs;
    bool inside; /* for every position of the class and every tap that output exists: no guard is needed */
    bool beyond; /* classes have not equally many taps: a guard must see that the tap lies in the window */
} Taps;
Taps side_taps(const Side *side, const Affine *position);

/** How the classes of the positions may be an axis of their own, class by class with a first tap of the same
 * number: 1 where positions rise with it, -1 where they fall; 0: they cannot be one. */
int side_class_direction(const Side *side);

/** The output of which `tap` (one of the Taps of the position) lies at `position`. */
Affine side_output(const Side *side, const Affine *position, const Affine *tap);

/** The padding that makes `outputs` = ceil(extent / stride): as TensorFlow's SAME, the odd pixel at the end.
 */
void side_pad_same(Side *side);

/** The windows lie side by side, without gaps or padding: each pixel belongs to one of them, or, at the ends,
 * to none. */
bool window_is_tiling(const WindowAttrs *attrs);

/** The window's attributes of an operator that was just added. */
void window_set_onnx(Onnx *onnx, const WindowAttrs *attrs);

/* The fields of WindowAttrs, for the schemas of ops. */
#define WINDOW_FIELDS                                                                                        \
    ATTR(WindowAttrs, window_height, FIELD_INTEGER), ATTR(WindowAttrs, window_width, FIELD_INTEGER),         \
        ATTR(WindowAttrs, stride_y, FIELD_INTEGER), ATTR(WindowAttrs, stride_x, FIELD_INTEGER),              \
        ATTR(WindowAttrs, dilation_y, FIELD_INTEGER), ATTR(WindowAttrs, dilation_x, FIELD_INTEGER),          \
        ATTR(WindowAttrs, pad_top, FIELD_INTEGER), ATTR(WindowAttrs, pad_bottom, FIELD_INTEGER),             \
        ATTR(WindowAttrs, pad_left, FIELD_INTEGER), ATTR(WindowAttrs, pad_right, FIELD_INTEGER),             \
        ATTR(WindowAttrs, groups, FIELD_INTEGER), ATTR(WindowAttrs, height, FIELD_INTEGER),                  \
        ATTR(WindowAttrs, width, FIELD_INTEGER), FIELDS_END

#endif
