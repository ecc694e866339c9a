"""The training loop of the reference, and what a case is."""

from dataclasses import dataclass, field

import numpy as np

import losses
from network import Network, indent
from noise import layer_noise


@dataclass
class Case:
    name: str
    input_shape: tuple
    layers: list
    loss: object = field(default_factory=losses.CrossEntropy)
    optimizer: object = None
    train: list = field(default_factory=list)  # further statements of the section
    rates: object = None                       # step number from 0 -> learning rate; None: constant
    clip_norm: float = None
    clip_value: float = None
    frozen: tuple = ()                         # beginnings of the names of layers that stay as they are
    factors: dict = field(default_factory=dict)  # beginning of a name: factor of the learning rate
    average: float = None                      # share that the moving average of the weights keeps
    labels: str = "classes"                    # or "real"
    batch: int = 8
    samples: int = 30                          # not a multiple of the batch: the last one of each epoch is smaller
    accumulate: int = 1
    exact: int = 1                             # so many batches are written as accumulate=…, exact=true; `batch` is all of them
    steps: int = 20

    def network(self):
        return Network(self.input_shape, self.layers)

    def data(self, network):
        random = np.random.default_rng(7)
        x = random.standard_normal((self.samples, *self.input_shape)).astype(np.float32)
        outputs = network.output_shape[0]
        if self.labels == "real":
            return x, random.standard_normal(self.samples).astype(np.float32)
        return x, random.integers(0, max(outputs, 2), self.samples).astype(np.int32)

    def model_text(self, network):
        data = ['arrays x="x.npy", y="y.npy"', "shuffle false"]
        batch = f"batch {self.batch // self.exact}"
        if self.accumulate > 1 or self.exact > 1:
            batch += f", accumulate={self.accumulate * self.exact}" + (", exact=true" if self.exact > 1 else "")
        train = [f"loss {self.loss.text}", f"optimizer {self.optimizer.text}", batch, "epochs 100", *self.train]
        limits = [f"{name}={limit}" for name, limit in (("norm", self.clip_norm), ("value", self.clip_value)) if limit]
        if limits:
            train.append("clip " + ", ".join(limits))
        if self.frozen:
            train.append('start "init.safetensors", freeze="' + ", ".join(f"{name}*" for name in self.frozen) + '"')
        if self.factors:
            train.append("rates { " + " -> ".join(f'layers "{name}*", factor={factor}'
                                                  for name, factor in self.factors.items()) + " }")
        if self.average:
            train.append(f"average ema={self.average}")
        sections = [f"{word} {{\n" + indent("\n".join(lines)) + "\n}\n" for word, lines in (("data", data), ("train", train))]
        return "\n".join([network.text(), *sections])


def clip(case, gradients):
    if case.clip_norm:
        norm = np.sqrt(sum((gradient ** 2).sum() for gradient in gradients.values()))
        gradients = {name: gradient * case.clip_norm / max(norm, case.clip_norm) for name, gradient in gradients.items()}
    if case.clip_value:
        gradients = {name: np.clip(gradient, -case.clip_value, case.clip_value) for name, gradient in gradients.items()}
    return gradients


def micro_batches(case):
    """(epoch, first, end) for ever."""
    epoch = 0
    while True:
        for first in range(0, case.samples, case.batch):
            yield epoch, first, min(first + case.batch, case.samples)
        epoch += 1


def train(case, network, x, y, seed):
    """Trains in place; the mean loss of each step. The network ends with the average of its weights, where one is kept."""
    batches, history, averages = micro_batches(case), [], {}
    for step in range(1, case.steps + 1):
        group = [next(batches)]
        # A group of micro-batches ends with its epoch.
        while len(group) < case.accumulate and group[-1][2] < case.samples:
            group.append(next(batches))
        samples, total = sum(end - first for _, first, end in group), 0.0
        network.gradients = {}
        for epoch, first, end in group:
            network.noise = lambda name, count, elements: layer_noise(seed, name, epoch, first, count, elements)
            output = network.forward(x[first:end].astype(float), True)
            each, gradient = case.loss(output, y[first:end])
            network.backward(gradient / samples)
            network.states.update(network.next_states)
            total += each.sum()
        rate = case.optimizer.rate if case.rates is None else case.rates(step - 1)
        learnt = {name: gradient for name, gradient in network.gradients.items() if not name.startswith(case.frozen)}
        for name, gradient in clip(case, learnt).items():
            factor = next((case.factors[start] for start in reversed(case.factors) if name.startswith(start)), 1.0)
            network.tensors[name] = case.optimizer.update(name, network.tensors[name], gradient, step, rate * factor,
                                                          name in network.decays)
            share = case.average if case.average and step > 1 else 0.0
            averages[name] = share * averages.get(name, 0.0) + (1.0 - share) * network.tensors[name]
        history.append(total / samples)
    if case.average:
        network.tensors.update(averages)
    return history
