"""Structured joins, where the current value goes through several bodies, and layers made of others."""

import numpy as np

from activations import Relu, Sigmoid
from contractions import Conv, Dense, Depthwise
from network import Layer, Sequence, indent
from norms import Batchnorm
from shapes import Globalpool


class Branches(Layer):
    def __init__(self, *bodies):
        self.bodies = [Sequence(body) for body in bodies]
        super().__init__()

    def text(self):
        inner = "\n".join("branch {\n" + indent(body.text()) + "\n}" for body in self.bodies)
        return f"{self.word} {{\n{indent(inner)}\n}}"

    def shape(self, shape):
        self.shapes = [body.build(self.network, shape) for body in self.bodies]
        return self.joined_shape(self.shapes)

    def joined_shape(self, shapes):
        return shapes[0]

    def forward(self, x, training):
        self.values = [body.forward(x, training) for body in self.bodies]
        return self.join(self.values)

    def backward(self, dy):
        shares = self.split(dy)
        return sum(body.backward(share) for body, share in reversed(list(zip(self.bodies, shares))))


class Add(Branches):
    word = "add"

    def join(self, values):
        return sum(values)

    def split(self, dy):
        return [dy] * len(self.bodies)


class Mul(Branches):
    word = "mul"

    def join(self, values):
        return np.prod(values, axis=0)

    def split(self, dy):
        return [dy * np.prod([value for k, value in enumerate(self.values) if k != i], axis=0)
                for i in range(len(self.values))]


class Concat(Branches):
    word = "concat"

    def joined_shape(self, shapes):
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    def join(self, values):
        return np.concatenate(values, axis=-1)

    def split(self, dy):
        ends = np.cumsum([shape[-1] for shape in self.shapes])
        return np.split(dy, ends[:-1], axis=-1)


class Residual(Layer):
    """The value plus what the body makes of it; `stride`: the shortcut is a 1x1 convolution with it, and a batchnorm with the options."""

    word = "residual"

    def __init__(self, *body, stride=None, **options):
        self.body, self.stride, self.options = Sequence(body), stride, options
        super().__init__(", ".join(["project=conv", *(f"{name}={value}" for name, value in options.items())]) if stride else "")

    def text(self):
        return f"{super().text()} {{\n{indent(self.body.text())}\n}}"

    def shape(self, shape):
        out = self.body.build(self.network, shape)
        self.shortcut = []
        if self.stride:
            convolution, norm = Conv(out[2], 1, stride=self.stride, bias=False), Batchnorm(**self.options)
            norm.build(self.network, convolution.build(self.network, shape, f"{self.name}.project"),
                       f"{self.name}.project_norm")
            self.shortcut = [convolution, norm]
        return out

    def forward(self, x, training):
        return self.body.forward(x, training) + Sequence(self.shortcut).forward(x, training)

    def backward(self, dy):
        return self.body.backward(dy) + Sequence(self.shortcut).backward(dy)


class Composite(Layer):
    """Other layers, one after the other, with names from this one: `parts` makes [(suffix, layer)] for an input's shape."""

    def shape(self, shape):
        named = self.parts(shape)
        for suffix, layer in named:
            shape = layer.build(self.network, shape, f"{self.name}.{suffix}")
        self.inner = Sequence([layer for _, layer in named])
        return shape

    def forward(self, x, training):
        return self.inner.forward(x, training)

    def backward(self, dy):
        return self.inner.backward(dy)


class Separable(Composite):
    word = "separable"

    def __init__(self, filters, window, multiplier=1, **options):
        self.depthwise = Depthwise(window, multiplier=multiplier, bias=False, **options)
        self.pointwise = Conv(filters, 1)
        super().__init__(f"{filters}, {self.depthwise.arguments.removesuffix(', bias=false')}")

    def parts(self, shape):
        return [("depthwise", self.depthwise), ("pointwise", self.pointwise)]


class SqueezeExcite(Composite):
    word = "squeeze_excite"

    def __init__(self, ratio=16, units=None, activation=Relu, gate=Sigmoid):
        self.ratio, self.units, self.activation, self.gating = ratio, units, activation, gate
        options = [f"units={units}" if units else f"{ratio}", f"activation={activation.word}", f"gate={gate.word}"]
        super().__init__(", ".join(options))

    def parts(self, shape):
        return [("pool", Globalpool("avg")), ("reduce", Dense(self.units or max(shape[2] // self.ratio, 1))),
                ("activation", self.activation()), ("expand", Dense(shape[2])), ("gate", self.gating())]

    def shape(self, shape):
        super().shape(shape)
        return shape

    def forward(self, x, training):
        self.x, self.gate = x, self.inner.forward(x, training)[:, None, None, :]
        return x * self.gate

    def backward(self, dy):
        return dy * self.gate + self.inner.backward((dy * self.x).sum(axis=(1, 2)))
