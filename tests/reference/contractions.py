"""Layers with kernels: convolutions and dense. Kernels are [height, width, channels / groups, filters], channels last."""

import numpy as np

from network import Layer


def same_pad(extent, window, stride, dilation=1):
    """TensorFlow's `same`: the odd row or column goes to the end."""
    out = -(-extent // stride)
    total = max((out - 1) * stride + (window - 1) * dilation + 1 - extent, 0)
    return total // 2, total - total // 2


def resolve_pad(pad, shape, window, stride, dilation=(1, 1)):
    """((top, bottom), (left, right))"""
    if pad == "valid":
        return (0, 0), (0, 0)
    if pad == "same":
        return tuple(same_pad(shape[i], window[i], stride[i], dilation[i]) for i in range(2))
    if isinstance(pad, int):
        return (pad, pad), (pad, pad)
    top, bottom, left, right = pad
    return (top, bottom), (left, right)


class Convolution:
    """Cross-correlation of [n, height, width, channels] with a kernel, and its two adjoints."""

    def __init__(self, shape, window, stride, dilation, pads, groups):
        self.stride, self.dilation, self.pads, self.groups = stride, dilation, pads, groups
        self.window = window
        self.padded = [shape[i] + sum(pads[i]) for i in range(2)]
        self.channels = shape[2]
        self.out = [(self.padded[i] - (window[i] - 1) * dilation[i] - 1) // stride[i] + 1 for i in range(2)]

    def taps(self):
        for ky in range(self.window[0]):
            for kx in range(self.window[1]):
                rows, columns = (slice(k * d, k * d + (out - 1) * s + 1, s)
                                 for k, d, out, s in zip((ky, kx), self.dilation, self.out, self.stride))
                yield ky, kx, rows, columns

    def grouped(self, kernel):
        height, width, channels, filters = kernel.shape
        return kernel.reshape(height, width, channels, self.groups, filters // self.groups)

    def pad(self, x):
        x = np.pad(x, ((0, 0), *self.pads, (0, 0)))
        return x.reshape(*x.shape[:3], self.groups, self.channels // self.groups)

    def forward(self, x, kernel):
        x, kernel = self.pad(x), self.grouped(kernel)
        y = 0.0
        for ky, kx, rows, columns in self.taps():
            y = y + np.einsum("nyxgc,cgf->nyxgf", x[:, rows, columns], kernel[ky, kx])
        return y.reshape(*y.shape[:3], -1)

    def split(self, dy):
        return dy.reshape(*dy.shape[:3], self.groups, -1)

    def input_gradient(self, dy, kernel):
        dy, kernel = self.split(dy), self.grouped(kernel)
        dx = np.zeros((dy.shape[0], *self.padded, self.groups, self.channels // self.groups))
        for ky, kx, rows, columns in self.taps():
            dx[:, rows, columns] += np.einsum("nyxgf,cgf->nyxgc", dy, kernel[ky, kx])
        dx = dx.reshape(*dx.shape[:3], self.channels)
        (top, bottom), (left, right) = self.pads
        return dx[:, top:self.padded[0] - bottom, left:self.padded[1] - right]

    def kernel_gradient(self, x, dy, shape):
        x, dy = self.pad(x), self.split(dy)
        gradient = np.zeros((shape[0], shape[1], shape[2], self.groups, shape[3] // self.groups))
        for ky, kx, rows, columns in self.taps():
            gradient[ky, kx] = np.einsum("nyxgc,nyxgf->cgf", x[:, rows, columns], dy)
        return gradient.reshape(shape)


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def window_text(window, stride, pad, dilation=1):
    """The arguments that windows share, as written in the language; those at their defaults are left out."""
    def dims(value):
        return "x".join(str(extent) for extent in pair(value))

    text = dims(window)
    if pair(stride) != (1, 1):
        text += f", stride={dims(stride)}"
    if pad != "valid":
        text += f", pad={list(pad) if isinstance(pad, tuple) else pad}"
    if pair(dilation) != (1, 1):
        text += f", dilation={dims(dilation)}"
    return text


class Kernel(Layer):
    """A layer with one convolution's kernel and a bias."""

    def add_tensors(self, kernel_shape, fan, bias):
        self.kernel_shape, self.bias = kernel_shape, bias
        self.network.parameter(f"{self.name}.kernel", kernel_shape, 1.2 / np.sqrt(fan), decays=True)
        if bias:
            self.network.parameter(f"{self.name}.bias", (self.filters,), 0.1)

    def add_bias(self, y):
        return y + self.tensor("bias") if self.bias else y

    def bias_gradient(self, dy):
        if self.bias:
            self.add_gradient("bias", dy.sum(axis=tuple(range(dy.ndim - 1))))


class Conv(Kernel):
    word = "conv"

    def __init__(self, filters, window, stride=1, pad="valid", dilation=1, groups=1, bias=True):
        self.filters, self.window, self.stride, self.pad_mode = filters, pair(window), pair(stride), pad
        self.dilation, self.groups, self.bias = pair(dilation), groups, bias
        text = f"{filters}, {window_text(window, stride, pad, dilation)}"
        text += f", groups={groups}" if groups != 1 else ""
        super().__init__(text + (", bias=false" if not bias else ""))

    def shape(self, shape):
        pads = resolve_pad(self.pad_mode, shape, self.window, self.stride, self.dilation)
        self.convolution = Convolution(shape, self.window, self.stride, self.dilation, pads, self.groups)
        channels = shape[2] // self.groups
        self.add_tensors((*self.window, channels, self.filters), channels * self.window[0] * self.window[1], self.bias)
        return (*self.convolution.out, self.filters)

    def forward(self, x, training):
        self.x = x
        return self.add_bias(self.convolution.forward(x, self.tensor("kernel")))

    def backward(self, dy):
        self.bias_gradient(dy)
        self.add_gradient("kernel", self.convolution.kernel_gradient(self.x, dy, self.kernel_shape))
        return self.convolution.input_gradient(dy, self.tensor("kernel"))


class Depthwise(Kernel):
    """One small convolution for each channel; kernel [height, width, channels, multiplier]."""

    word = "depthwise"

    def __init__(self, window, multiplier=1, stride=1, pad="valid", dilation=1, bias=True):
        self.window, self.multiplier, self.stride, self.pad_mode = pair(window), multiplier, pair(stride), pad
        self.dilation, self.bias = pair(dilation), bias
        text = window_text(window, stride, pad, dilation)
        text += f", multiplier={multiplier}" if multiplier != 1 else ""
        super().__init__(text + (", bias=false" if not bias else ""))

    def shape(self, shape):
        pads = resolve_pad(self.pad_mode, shape, self.window, self.stride, self.dilation)
        channels = shape[2]
        self.filters = channels * self.multiplier
        self.convolution = Convolution(shape, self.window, self.stride, self.dilation, pads, channels)
        self.plain_shape = (*self.window, 1, self.filters)
        self.add_tensors((*self.window, channels, self.multiplier), self.window[0] * self.window[1], self.bias)
        return (*self.convolution.out, self.filters)

    def plain_kernel(self):
        return self.tensor("kernel").reshape(self.plain_shape)

    def forward(self, x, training):
        self.x = x
        return self.add_bias(self.convolution.forward(x, self.plain_kernel()))

    def backward(self, dy):
        self.bias_gradient(dy)
        gradient = self.convolution.kernel_gradient(self.x, dy, self.plain_shape)
        self.add_gradient("kernel", gradient.reshape(self.kernel_shape))
        return self.convolution.input_gradient(dy, self.plain_kernel())


class Transposed(Kernel):
    """The adjoint of a convolution from the output's shape to the input's; kernel [height, width, channels, filters]."""

    word = "transposed"

    def __init__(self, filters, window, stride=1, pad="valid", bias=True):
        self.filters, self.window, self.stride, self.pad_mode, self.bias = filters, pair(window), pair(stride), pad, bias
        super().__init__(f"{filters}, {window_text(window, stride, pad)}" + (", bias=false" if not bias else ""))

    def shape(self, shape):
        full = [(shape[i] - 1) * self.stride[i] + max(self.window[i], self.stride[i]) for i in range(2)]
        if self.pad_mode == "same":
            out = [shape[i] * self.stride[i] for i in range(2)]
            pads = resolve_pad("same", out, self.window, self.stride)
        else:
            pads = resolve_pad(self.pad_mode, full, self.window, self.stride)
            out = [full[i] - sum(pads[i]) for i in range(2)]
        self.convolution = Convolution((*out, self.filters), self.window, self.stride, (1, 1), pads, 1)
        assert tuple(self.convolution.out) == tuple(shape[:2])
        self.add_tensors((*self.window, shape[2], self.filters), shape[2] * self.window[0] * self.window[1], self.bias)
        return (*out, self.filters)

    def adjoint(self):
        return self.tensor("kernel").transpose(0, 1, 3, 2)

    def forward(self, x, training):
        self.x = x
        return self.add_bias(self.convolution.input_gradient(x, self.adjoint()))

    def backward(self, dy):
        self.bias_gradient(dy)
        gradient = self.convolution.kernel_gradient(dy, self.x, self.adjoint().shape)
        self.add_gradient("kernel", gradient.transpose(0, 1, 3, 2))
        return self.convolution.forward(dy, self.adjoint())


class Dense(Kernel):
    word = "dense"

    def __init__(self, units, bias=True):
        self.filters, self.bias = units, bias
        super().__init__(f"{units}" + (", bias=false" if not bias else ""))

    def shape(self, shape):
        self.add_tensors((shape[0], self.filters), shape[0], self.bias)
        return (self.filters,)

    def forward(self, x, training):
        self.x = x
        return self.add_bias(x @ self.tensor("kernel"))

    def backward(self, dy):
        self.bias_gradient(dy)
        self.add_gradient("kernel", self.x.T @ dy)
        return dy @ self.tensor("kernel").T
