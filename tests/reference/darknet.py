"""Darknet networks: random ones written as .cfg and .weights, with pictures and the outputs that darknet's own rules give, computed here in
float64. `darknet.py FOLDER` writes FOLDER/NAME.cfg, NAME.weights, NAME.x.npy, NAME.y.npy and NAME.out.npy of each network below; the
comparison with what cnnc makes of them is `darknet.py --compare NAME.out.npy OTHER.npy`."""

import struct
import sys

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "linear": lambda x: x,
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "relu": lambda x: np.maximum(x, 0),
    "logistic": sigmoid,
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "swish": lambda x: x * sigmoid(x),
    "tanh": np.tanh,
    "elu": lambda x: np.where(x >= 0, x, np.expm1(x)),
    "selu": lambda x: np.where(x >= 0, 1.0507 * x, 1.0507 * 1.6732 * np.expm1(x)),
    "relu6": lambda x: np.clip(x, 0, 6),
}


class Darknet:
    """One network: each method is a section. Values are [samples, channels, height, width], or [samples, n]."""

    def __init__(self, shape, seed, version=(0, 2, 0), samples=5):
        self.random = np.random.default_rng(seed)
        channels, height, width = shape
        self.version, self.numbers, self.layers = version, [], []
        self.text = [f"[net]\nbatch=8\nheight={height}\nwidth = {width}\nchannels={channels}\nlearning_rate=0.01\n"]
        self.pixels = self.random.integers(0, 256, (samples, height, width, channels), np.uint8)
        self.x = self.pixels.transpose(0, 3, 1, 2) / 255

    def section(self, word, **options):
        self.text.append(f"[{word}]\n" + "".join(f"{key}={value}\n" for key, value in options.items()))

    def done(self, x):
        self.x = x
        self.layers.append(x)
        return self

    def take(self, *shape, low=None, high=None):
        """Numbers as they follow in the file."""
        values = self.random.normal(0, 0.4, shape) if low is None else self.random.uniform(low, high, shape)
        values = values.astype(np.float32)
        self.numbers.append(values)
        return values.astype(np.float64)

    def norm(self, x, count, biases):
        shape = (1, count) + (1,) * (x.ndim - 2)
        scales, means, variances = self.take(count), self.take(count), self.take(count, low=0.1, high=2)
        return lambda x: (x - means.reshape(shape)) / np.sqrt(variances.reshape(shape) + 1e-5) * scales.reshape(shape) + \
            biases.reshape(shape)

    def convolutional(self, filters, size, stride=1, pad=0, padding=0, groups=1, batch_normalize=0, activation="leaky"):
        self.section("convolutional", filters=filters, size=size, stride=stride, pad=pad, padding=padding, groups=groups,
                     batch_normalize=batch_normalize, activation=activation)
        x, margin = self.x, size // 2 if pad else padding
        inner = x.shape[1] // groups
        biases = self.take(filters)
        norm = self.norm(x, filters, biases) if batch_normalize else lambda y: y + biases.reshape(1, -1, 1, 1)
        kernel = self.take(filters, inner, size, size)
        x = np.pad(x, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))[:, :, ::stride, ::stride]
        parts = [np.einsum("nchwij,fcij->nfhw", windows[:, g * inner:(g + 1) * inner], part)
                 for g, part in enumerate(np.split(kernel, groups))]
        return self.done(ACTIVATIONS[activation](norm(np.concatenate(parts, 1))))

    def maxpool(self, size, stride, padding=None):
        self.section("maxpool", size=size, stride=stride, **({} if padding is None else {"padding": padding}))
        padding = size - 1 if padding is None else padding
        n, c, height, width = self.x.shape
        out = np.full((n, c, (height + padding - size) // stride + 1, (width + padding - size) // stride + 1), -np.inf)
        for y in range(out.shape[2]):
            for x in range(out.shape[3]):
                top, left = y * stride - padding // 2, x * stride - padding // 2
                out[:, :, y, x] = self.x[:, :, max(top, 0):top + size, max(left, 0):left + size].max((2, 3))
        return self.done(out)

    def avgpool(self):
        self.section("avgpool")
        return self.done(self.x.mean((2, 3)))

    def connected(self, output, batch_normalize=0, activation="leaky"):
        self.section("connected", output=output, batch_normalize=batch_normalize, activation=activation)
        x = self.x.reshape(len(self.x), -1)
        biases = self.take(output)
        if self.version[0] > 1000:
            kernel = self.take(x.shape[1], output)
        else:
            kernel = self.take(output, x.shape[1]).T
        norm = self.norm(x, output, biases) if batch_normalize else lambda y: y + biases
        return self.done(ACTIVATIONS[activation](norm(x @ kernel)))

    def route(self, *layers, groups=1, group_id=0):
        options = {"groups": groups, "group_id": group_id} if groups > 1 else {}
        self.section("route", layers=", ".join(map(str, layers)), **options)
        return self.done(np.concatenate([np.split(self.layers[at], groups, 1)[group_id] for at in layers], 1))

    def shortcut(self, at, activation="linear"):
        self.section("shortcut", **{"from": at}, activation=activation)
        return self.done(ACTIVATIONS[activation](self.x + self.layers[at]))

    def scale_channels(self, at):
        self.section("scale_channels", **{"from": at})
        return self.done(self.layers[at] * self.x.reshape(*self.x.shape[:2], 1, 1))

    def upsample(self, stride):
        self.section("upsample", stride=stride)
        return self.done(self.x.repeat(stride, 2).repeat(stride, 3))

    def crop(self, height, width):
        self.section("crop", crop_height=height, crop_width=width, flip=1, angle=10, saturation=1.5, exposure=1.5)
        top, left = (self.x.shape[2] - height) // 2, (self.x.shape[3] - width) // 2
        return self.done(2 * self.x[:, :, top:top + height, left:left + width] - 1)

    def dropout(self):
        self.section("dropout", probability=.5)
        return self.done(self.x)

    def activation(self, activation):
        self.section("activation", activation=activation)
        return self.done(ACTIVATIONS[activation](self.x))

    def softmax(self):
        self.section("softmax", groups=1)
        x = np.exp(self.x.reshape(len(self.x), -1))
        self.done(x / x.sum(1, keepdims=True))
        self.section("cost", type="sse")
        return self.done(self.x)

    def write(self, path):
        with open(path + ".cfg", "w") as file:
            file.write("# written by tests/reference/darknet.py\n" + "\n".join(self.text))
        with open(path + ".weights", "wb") as file:
            wide = self.version[0] * 10 + self.version[1] >= 2 and self.version[0] < 1000
            file.write(struct.pack("<iiiq" if wide else "<iiii", *self.version, 32013312))
            for values in self.numbers:
                file.write(values.astype("<f4").tobytes())
        np.save(path + ".x.npy", self.pixels)
        np.save(path + ".y.npy", self.x.shape[1] - 1 - np.arange(len(self.x)) % self.x.shape[1])
        np.save(path + ".out.npy", self.x.reshape(len(self.x), -1).astype(np.float32))


def networks():
    """A plain classifier, as darknet19; one of residuals, as darknet53; one that flattens a picture, of the oldest version; one of all that is
    left, of the newest."""
    plain = Darknet((3, 13, 11), 1)
    plain.convolutional(6, 3, pad=1, batch_normalize=1).maxpool(2, 2).convolutional(8, 3, pad=1, batch_normalize=1)
    plain.maxpool(3, 2).convolutional(8, 1, activation="linear").avgpool().softmax()
    yield "plain", plain

    residual = Darknet((3, 16, 16), 2)
    residual.convolutional(8, 3, stride=2, pad=1, batch_normalize=1)
    for _ in range(3):
        residual.convolutional(4, 1, batch_normalize=1).convolutional(8, 3, pad=1, batch_normalize=1).shortcut(-3)
    residual.convolutional(12, 3, stride=2, pad=1, batch_normalize=1, activation="mish")
    residual.convolutional(12, 3, pad=1, activation="relu").shortcut(-2, "leaky").avgpool().connected(7, activation="linear").softmax()
    yield "residual", residual

    flat = Darknet((1, 9, 8), 3, version=(0, 1, 0))
    flat.convolutional(5, 3, padding=2, stride=2, activation="swish").maxpool(2, 1).crop(4, 3)
    flat.connected(9, batch_normalize=1, activation="tanh").dropout().connected(4, activation="logistic").softmax()
    yield "flat", flat

    joined = Darknet((4, 12, 12), 4, version=(1001, 0, 0))
    joined.convolutional(8, 3, pad=1, groups=4, activation="elu")               # 0
    joined.convolutional(8, 3, pad=1, groups=8, batch_normalize=1, activation="selu")  # 1
    joined.route(-1, groups=2, group_id=1).convolutional(6, 3, stride=2, pad=1, activation="relu6").upsample(2)  # 2 3 4
    joined.route(-1, 0).avgpool().connected(14, activation="logistic").scale_channels(-3)  # 5 6 7 8
    joined.maxpool(5, 4, padding=2).activation("tanh").connected(6, activation="linear")
    yield "joined", joined


def main():
    if sys.argv[1] == "--compare":
        expected, found = np.load(sys.argv[2]), np.load(sys.argv[3])
        difference = np.abs(expected - found).max() if expected.shape == found.shape else np.inf
        print(f"{sys.argv[2]}: {expected.shape[1]} outputs, differing by at most {difference:.1e}")
        sys.exit(not difference < 1e-4)
    for name, network in networks():
        network.write(f"{sys.argv[1]}/{name}")
        print(name)


main()
