"""Normalisations: (x - mean) / sqrt(variance + eps), times gamma, plus beta. Variances are biased."""

import numpy as np

from network import Layer


class Norm(Layer):
    def add_scale(self, channels):
        self.network.parameter(f"{self.name}.gamma", (channels,), 0.1, center=1.0)
        self.network.parameter(f"{self.name}.beta", (channels,), 0.1)

    def normalize(self, x, axes):
        self.axes = axes
        self.mean = x.mean(axis=axes, keepdims=True)
        self.variance = x.var(axis=axes, keepdims=True)
        self.deviation = np.sqrt(self.variance + self.eps)
        self.normal = (x - self.mean) / self.deviation
        return self.normal

    def normalize_gradient(self, dy):
        along = (dy * self.normal).mean(axis=self.axes, keepdims=True)
        return (dy - dy.mean(axis=self.axes, keepdims=True) - self.normal * along) / self.deviation

    def scaled(self, normal):
        return normal * self.tensor("gamma") + self.tensor("beta")

    def scale_gradient(self, dy, normal):
        axes = tuple(range(dy.ndim - 1))
        self.add_gradient("gamma", (dy * normal).sum(axis=axes))
        self.add_gradient("beta", dy.sum(axis=axes))
        return dy * self.tensor("gamma")


class LayerScale(Layer):
    """A factor for each channel, and nothing else."""

    word = "layer_scale"

    def shape(self, shape):
        self.network.parameter(f"{self.name}.gamma", (shape[-1],), 0.1, center=1.0)
        return shape

    def forward(self, x, training):
        self.x = x
        return x * self.tensor("gamma")

    def backward(self, dy):
        self.add_gradient("gamma", (dy * self.x).sum(axis=tuple(range(dy.ndim - 1))))
        return dy * self.tensor("gamma")


class Batchnorm(Norm):
    word = "batchnorm"

    def __init__(self, momentum=None, eps=None, frozen=False):
        self.momentum, self.eps, self.frozen = momentum or 0.99, eps or 1e-3, frozen
        parts = [f"momentum={momentum}" if momentum else "", f"eps={eps}" if eps else ""]
        super().__init__(", ".join(part for part in parts if part))

    def shape(self, shape):
        self.add_scale(shape[-1])
        noise = self.network.random
        self.network.state(f"{self.name}.mean", 0.1 * noise.standard_normal(shape[-1]))
        self.network.state(f"{self.name}.variance", noise.uniform(0.5, 1.5, shape[-1]))
        return shape

    def forward(self, x, training):
        states, name = self.network.states, self.name
        if not training or self.frozen:
            self.deviation = np.sqrt(states[f"{name}.variance"] + self.eps)
            self.normal = (x - states[f"{name}.mean"]) / self.deviation
            return self.scaled(self.normal)
        normal = self.normalize(x, tuple(range(x.ndim - 1)))
        for part, value in (("mean", self.mean), ("variance", self.variance)):
            old = states[f"{name}.{part}"]
            self.network.next_states[f"{name}.{part}"] = self.momentum * old + (1.0 - self.momentum) * value.reshape(-1)
        return self.scaled(normal)

    def backward(self, dy):
        inner = self.scale_gradient(dy, self.normal)
        return inner / self.deviation if self.frozen else self.normalize_gradient(inner)


class Layernorm(Norm):
    """Over the channels of each place."""

    word = "layernorm"
    eps = 1e-3

    def shape(self, shape):
        self.add_scale(shape[-1])
        return shape

    def forward(self, x, training):
        return self.scaled(self.normalize(x, (x.ndim - 1,)))

    def backward(self, dy):
        return self.normalize_gradient(self.scale_gradient(dy, self.normal))


class Groupnorm(Norm):
    """Over the places and the channels of a group of each sample."""

    word = "groupnorm"
    eps = 1e-3

    def __init__(self, groups):
        self.groups = groups
        super().__init__(f"{groups}")

    def shape(self, shape):
        self.add_scale(shape[-1])
        return shape

    def split(self, x):
        return x.reshape(*x.shape[:-1], self.groups, x.shape[-1] // self.groups)

    def forward(self, x, training):
        self.whole = self.normalize(self.split(x), (1, 2, 4)).reshape(x.shape)
        return self.scaled(self.whole)

    def backward(self, dy):
        inner = self.scale_gradient(dy, self.whole)
        return self.normalize_gradient(self.split(inner)).reshape(dy.shape)
