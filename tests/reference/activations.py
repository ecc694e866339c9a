"""Layers without tensors that work on each element, and softmax. Each has its value and its derivative."""

import math

import numpy as np

from network import Layer


def sigmoid(x):
    return np.where(x >= 0, 1.0, np.exp(np.minimum(x, 0))) / (1.0 + np.exp(-np.abs(x)))


erf = np.vectorize(math.erf)


class Activation(Layer):
    def forward(self, x, training):
        self.x = x
        return self.value(x)

    def backward(self, dy):
        return dy * self.slope(self.x)


def activation(word, value, slope):
    """The class of an activation without arguments."""
    return type(word, (Activation,), {"word": word, "value": lambda self, x: value(x), "slope": lambda self, x: slope(x)})


def gelu(x):
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))


def gelu_slope(x):
    return 0.5 * (1.0 + erf(x / math.sqrt(2.0))) + x * np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def hard_sigmoid(x):
    return np.clip(x / 6.0 + 0.5, 0.0, 1.0)


def hard_sigmoid_slope(x):
    return np.where(np.abs(x) < 3.0, 1.0 / 6.0, 0.0)


Relu = activation("relu", lambda x: np.maximum(x, 0.0), lambda x: (x > 0) * 1.0)
Relu6 = activation("relu6", lambda x: np.clip(x, 0.0, 6.0), lambda x: ((x > 0) & (x < 6)) * 1.0)
Gelu = activation("gelu", gelu, gelu_slope)
Silu = activation("silu", lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))))
Mish = activation("mish", lambda x: x * np.tanh(np.logaddexp(0, x)),
                  lambda x: np.tanh(np.logaddexp(0, x)) + x * (1.0 - np.tanh(np.logaddexp(0, x)) ** 2) * sigmoid(x))
Hsigmoid = activation("hsigmoid", hard_sigmoid, hard_sigmoid_slope)
Hswish = activation("hswish", lambda x: x * hard_sigmoid(x), lambda x: hard_sigmoid(x) + x * hard_sigmoid_slope(x))
Sigmoid = activation("sigmoid", sigmoid, lambda x: sigmoid(x) * (1.0 - sigmoid(x)))
Tanh = activation("tanh", np.tanh, lambda x: 1.0 - np.tanh(x) ** 2)
Identity = activation("identity", lambda x: x, lambda x: np.ones_like(x))


class Leaky(Activation):
    word = "leaky"

    def __init__(self, factor):
        self.factor = factor
        super().__init__(f"{factor}")

    def value(self, x):
        return np.where(x > 0, x, self.factor * x)

    def slope(self, x):
        return np.where(x > 0, 1.0, self.factor)


class Elu(Activation):
    word = "elu"

    def __init__(self, alpha):
        self.alpha = alpha
        super().__init__(f"{alpha}")

    def value(self, x):
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def slope(self, x):
        return np.where(x > 0, 1.0, self.alpha * np.exp(np.minimum(x, 0)))


class Rescale(Activation):
    word = "rescale"

    def __init__(self, scale, offset):
        self.scale, self.offset = scale, offset
        super().__init__(f"{scale}, {offset}")

    def value(self, x):
        return x * self.scale + self.offset

    def slope(self, x):
        return np.full_like(x, self.scale)


class Softmax(Layer):
    word = "softmax"

    def forward(self, x, training):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        return self.y

    def backward(self, dy):
        return self.y * (dy - (dy * self.y).sum(axis=-1, keepdims=True))
