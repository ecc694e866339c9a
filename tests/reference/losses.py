"""Losses: from logits (or outputs) and labels to each sample's loss and its gradient with respect to the network's output.

For softmax and sigmoid networks the reference differentiates with respect to the probabilities, as a textbook does, and lets the last
layer's own backward do the rest: cnnc joins both, so the two ways check each other.
"""

import numpy as np


def one_hot(labels, classes):
    return np.eye(classes)[labels]


class Loss:
    """`text` as written; `losses` and `gradient` for outputs p [n, k] and targets t of the same shape."""

    def __init__(self, text, smoothing=0.0, weights=None):
        self.smoothing, self.weights = smoothing, weights
        if smoothing:
            text += f", smoothing={smoothing * 100:g}%"
        if weights is not None:
            text += f", weights={list(weights)}"
        self.text = text

    def target(self, output, labels):
        if output.shape[1] == 1:
            return np.asarray(labels, float).reshape(-1, 1)
        return one_hot(labels, output.shape[1])

    def smooth(self, target, share):
        return (1.0 - self.smoothing) * target + self.smoothing * share

    def __call__(self, output, labels):
        """Each sample's loss, and the gradient of their sum with respect to the outputs."""
        losses, gradient = self.compute(output, self.target(output, labels))
        weight = np.ones(len(output)) if self.weights is None else np.asarray(self.weights)[labels]
        return losses * weight, gradient * weight[:, None]


class CrossEntropy(Loss):
    def __init__(self, **options):
        super().__init__("cross_entropy", **options)

    def compute(self, p, t):
        t = self.smooth(t, 1.0 / p.shape[1])
        return -(t * np.log(p)).sum(axis=1), -t / p


class Logits(CrossEntropy):
    """Cross entropy of a network that ends without softmax."""

    def compute(self, z, t):
        t = self.smooth(t, 1.0 / z.shape[1])
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        return -(t * np.log(p)).sum(axis=1), p * t.sum(axis=1, keepdims=True) - t


class BinaryCrossEntropy(Loss):
    def __init__(self, **options):
        super().__init__("binary_cross_entropy", **options)

    def compute(self, p, t):
        t = self.smooth(t, 0.5)
        losses = -(t * np.log(p) + (1.0 - t) * np.log(1.0 - p))
        return losses.mean(axis=1), ((1.0 - t) / (1.0 - p) - t / p) / p.shape[1]


class Focal(Loss):
    """After softmax."""

    def __init__(self, gamma=2.0, alpha=0.25, **options):
        self.gamma, self.alpha = gamma, alpha
        super().__init__(f"focal, gamma={gamma}, alpha={alpha}", **options)

    def compute(self, p, t):
        t = self.smooth(t, 1.0 / p.shape[1])
        focus = self.alpha * (1.0 - p) ** self.gamma
        slope = -self.alpha * self.gamma * (1.0 - p) ** (self.gamma - 1.0)
        return -(focus * t * np.log(p)).sum(axis=1), -t * (slope * np.log(p) + focus / p)


class BinaryFocal(Loss):
    """After sigmoid."""

    def __init__(self, gamma=2.0, alpha=0.25, balance=False, **options):
        self.gamma, self.alpha, self.balance = gamma, alpha, balance
        super().__init__(f"focal, gamma={gamma}, alpha={alpha}, balance={str(balance).lower()}", **options)

    def compute(self, p, t):
        t = self.smooth(t, 0.5)
        entropy = -(t * np.log(p) + (1.0 - t) * np.log(1.0 - p))
        slope = (1.0 - t) / (1.0 - p) - t / p
        wrong = 1.0 - (t * p + (1.0 - t) * (1.0 - p))
        focus = wrong ** self.gamma
        focus_slope = self.gamma * wrong ** (self.gamma - 1.0) * (1.0 - 2.0 * t)
        side = t * self.alpha + (1.0 - t) * (1.0 - self.alpha) if self.balance else 1.0
        return (side * focus * entropy).mean(axis=1), side * (focus_slope * entropy + focus * slope) / p.shape[1]


class Mse(Loss):
    def __init__(self, **options):
        super().__init__("mse", **options)

    def compute(self, p, t):
        return ((p - t) ** 2).mean(axis=1), 2.0 * (p - t) / p.shape[1]


class Mae(Loss):
    def __init__(self, **options):
        super().__init__("mae", **options)

    def compute(self, p, t):
        return np.abs(p - t).mean(axis=1), np.sign(p - t) / p.shape[1]
