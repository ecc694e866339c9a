"""Structured joins: the current value through several bodies, and their values made one."""

import numpy as np

from contractions import Conv
from network import Layer, Sequence, indent
from norms import Batchnorm


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
