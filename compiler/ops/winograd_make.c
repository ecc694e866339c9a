/* A convolution and its gradients, made of Winograd's transforms and products. */
#include "compiler/ir/op.h"
#include "compiler/ops/window.h"
#include "compiler/ops/winograd.h"

bool winograd_fits(const WindowAttrs *window)
{
    return window->window_height == WINOGRAD_WINDOW && window->window_width == WINOGRAD_WINDOW &&
           window->stride_y == 1 && window->stride_x == 1 && window->dilation_y == 1 &&
           window->dilation_x == 1 && window->groups == 1;
}

int64_t winograd_points(int64_t tile)
{
    return (tile + WINOGRAD_WINDOW - 1) * (tile + WINOGRAD_WINDOW - 1);
}

/* Of the transforms of pictures: the tiles of a convolution's result, whose windows begin so many pixels
 * before. */
static WinogradAttrs picture_attrs(int64_t tile, int64_t height, int64_t width, int64_t top, int64_t left)
{
    return (WinogradAttrs){.tile = tile, .height = height, .width = width, .pad_top = top, .pad_left = left};
}

static NodeId make_tiles(Make make, OpId op, const WinogradAttrs *attrs, NodeId picture)
{
    return make_op(make, op, attrs, &picture, 1);
}

/* The gradient with respect to a convolution's input is a convolution, too, with the window turned and the
 * margins that this asks for. */
static NodeId make_convolution(Make make, const WindowAttrs *window, bool gradient, NodeId picture,
                               NodeId kernel, int64_t tile)
{
    Side y = side_y(window), x = side_x(window);
    WinogradAttrs input =
        gradient ? picture_attrs(tile, window->height, window->width, WINOGRAD_WINDOW - 1 - window->pad_top,
                                 WINOGRAD_WINDOW - 1 - window->pad_left)
                 : picture_attrs(tile, side_outputs(&y), side_outputs(&x), window->pad_top, window->pad_left);
    WinogradAttrs output = picture_attrs(tile, input.height, input.width, 0, 0);
    WinogradAttrs turned = {.tile = tile, .turned = gradient};
    NodeId product = make_op(make, OP_winograd_product, &output,
                             (const NodeId[]){make_tiles(make, OP_winograd_input, &input, picture),
                                              make_op(make, OP_winograd_kernel, &turned, &kernel, 1)},
                             2);
    return make_tiles(make, OP_winograd_output, &output, product);
}

/* The tiles of the picture are made again: kept from the forward pass they would take more memory than all
 * else. */
static NodeId make_kernel_gradient(Make make, const WindowAttrs *window, NodeId picture, NodeId slope,
                                   int64_t tile)
{
    Side y = side_y(window), x = side_x(window);
    WinogradAttrs input =
        picture_attrs(tile, side_outputs(&y), side_outputs(&x), window->pad_top, window->pad_left);
    WinogradAttrs output = picture_attrs(tile, input.height, input.width, 0, 0), kernel = {.tile = tile};
    input.again = 1;
    NodeId product = make_op(make, OP_winograd_product_dw, &output,
                             (const NodeId[]){make_tiles(make, OP_winograd_input, &input, picture),
                                              make_tiles(make, OP_winograd_slope, &output, slope)},
                             2);
    return make_op(make, OP_winograd_kernel_dw, &kernel, &product, 1);
}

NodeId make_winograd(Make make, OpId op, const WindowAttrs *window, NodeId a, NodeId b, int64_t tile)
{
    return op == OP_conv2d_dw ? make_kernel_gradient(make, window, a, b, tile)
                              : make_convolution(make, window, op == OP_conv2d_dx, a, b, tile);
}
