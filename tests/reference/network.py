"""A network for the reference: names, tensors and the chain of layers. All arithmetic is float64.

A layer knows how it is written in a model file (`text`), its shapes (`build`), its value (`forward`) and its gradient by hand
(`backward`, called once after each forward, in reverse order; it adds to `network.gradients`). Nothing here is shared with cnnc.
"""

import numpy as np


class Network:
    def __init__(self, input_shape, layers, seed=1):
        self.random = np.random.default_rng(seed)
        self.input_shape = tuple(input_shape)
        self.tensors = {}    # parameters, in order of creation
        self.states = {}     # running statistics
        self.decays = set()  # names of kernels
        self.gradients = {}
        self.next_states = {}
        self.counts = {}
        self.noise = None    # dropout's random numbers: set by the trainer for each step
        self.body = Sequence(layers)
        self.output_shape = self.body.build(self, self.input_shape)

    def name(self, word):
        self.counts[word] = self.counts.get(word, 0) + 1
        return f"{word}{self.counts[word]}"

    def parameter(self, name, shape, scale, center=0.0, decays=False):
        """A parameter with random values; float32 ones, so that both sides start from the same numbers."""
        values = center + scale * self.random.standard_normal(shape)
        self.tensors[name] = values.astype(np.float32).astype(np.float64)
        if decays:
            self.decays.add(name)

    def state(self, name, values):
        self.states[name] = np.asarray(values, np.float32).astype(np.float64)

    def add_gradient(self, name, gradient):
        self.gradients[name] = self.gradients.get(name, 0.0) + gradient

    def forward(self, x, training=True):
        return self.body.forward(x, training)

    def backward(self, dy):
        return self.body.backward(dy)

    def text(self):
        shape = "x".join(str(extent) for extent in self.input_shape)
        return "model Reference {\n    input " + shape + "\n" + indent(self.body.text()) + "\n}\n"


def indent(text):
    return "\n".join("    " + line for line in text.split("\n"))


class Layer:
    """One statement. `arguments` is what is written after the word."""

    word = None

    def __init__(self, arguments=""):
        self.arguments = arguments

    def text(self):
        return f"{self.word} {self.arguments}".strip()

    def build(self, network, shape, name=None):
        """Takes the shape of a sample, makes the tensors, returns the shape of the layer's value. Layers made by another have a name
        from it."""
        self.network = network
        self.name = name or network.name(self.word)
        return self.shape(shape)

    def shape(self, shape):
        return shape

    def tensor(self, part):
        return self.network.tensors[f"{self.name}.{part}"]

    def add_gradient(self, part, gradient):
        self.network.add_gradient(f"{self.name}.{part}", gradient)


class Sequence:
    """Statements one after the other."""

    def __init__(self, layers):
        self.layers = layers

    def text(self):
        return "\n".join(layer.text() for layer in self.layers)

    def build(self, network, shape):
        for layer in self.layers:
            shape = layer.build(network, shape)
        return shape

    def forward(self, x, training):
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy
