"""Optimizers, as the papers and Keras write them, one tensor at a time."""

import numpy as np


class Optimizer:
    word = None
    options = {}

    def __init__(self, rate, decay=None, decay_on=None, **options):
        self.rate, self.decay, self.decay_on = rate, self.default_decay if decay is None else decay, decay_on
        for name, value in {**self.options, **options}.items():
            setattr(self, name, value)
        given = {"rate": rate, "decay": decay, "decay_on": decay_on, **options}
        parts = [f"{name}={str(value).lower()}" for name, value in given.items() if value is not None]
        self.text = ", ".join([self.word, *parts])
        self.slots = {}

    default_decay = 0.0

    def update(self, name, weight, gradient, step, rate, kernel):
        """The weight after update number `step` (from 1)."""
        if kernel or self.decay_on == "all":
            weight = weight - rate * self.decay * weight
        slots = self.slots.setdefault(name, {})
        return self.step(slots, weight, gradient, step, rate)


def average(slots, name, value, share):
    slots[name] = share * slots.get(name, 0.0) + (1.0 - share) * value
    return slots[name]


class Sgd(Optimizer):
    word, options = "sgd", {"momentum": 0.0, "nesterov": False}

    def step(self, slots, w, g, t, rate):
        slots["v"] = self.momentum * slots.get("v", 0.0) - rate * g
        return w + (self.momentum * slots["v"] - rate * g if self.nesterov else slots["v"])


class Adam(Optimizer):
    word, options = "adam", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-7}

    def step(self, slots, w, g, t, rate):
        m, v = average(slots, "m", g, self.beta1), average(slots, "v", g * g, self.beta2)
        rate = rate * np.sqrt(1.0 - self.beta2 ** t) / (1.0 - self.beta1 ** t)
        return w - rate * m / (np.sqrt(v) + self.eps)


class Adamw(Adam):
    word, default_decay = "adamw", 0.004


class Rmsprop(Optimizer):
    word, options = "rmsprop", {"rho": 0.9, "momentum": 0.0, "eps": 1e-7, "centered": False}

    def step(self, slots, w, g, t, rate):
        v = average(slots, "v", g * g, self.rho)
        if self.centered:
            v = v - average(slots, "mean", g, self.rho) ** 2
        change = rate * g / np.sqrt(v + self.eps)
        slots["velocity"] = self.momentum * slots.get("velocity", 0.0) + change
        return w - slots["velocity"]


class Adagrad(Optimizer):
    word, options = "adagrad", {"eps": 1e-7}

    def step(self, slots, w, g, t, rate):
        slots["sum"] = slots.get("sum", 0.1) + g * g
        return w - rate * g / np.sqrt(slots["sum"] + self.eps)


class Lamb(Optimizer):
    word, options = "lamb", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-7}

    def step(self, slots, w, g, t, rate):
        m = average(slots, "m", g, self.beta1) / (1.0 - self.beta1 ** t)
        v = average(slots, "v", g * g, self.beta2) / (1.0 - self.beta2 ** t)
        direction = m / (np.sqrt(v) + self.eps)
        length, step_length = np.linalg.norm(w), np.linalg.norm(direction)
        trust = length / step_length if length > 0 and step_length > 0 else 1.0
        return w - rate * trust * direction


class Lion(Optimizer):
    word, options = "lion", {"beta1": 0.9, "beta2": 0.99}

    def step(self, slots, w, g, t, rate):
        m = slots.get("m", 0.0)
        direction = np.sign(self.beta1 * m + (1.0 - self.beta1) * g)
        average(slots, "m", g, self.beta2)
        return w - rate * direction
