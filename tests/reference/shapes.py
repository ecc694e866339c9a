"""Pools, layers that move values about, dropout."""

import numpy as np

from contractions import pair, resolve_pad, window_text
from network import Layer


class Pool(Layer):
    def __init__(self, window, stride=None, pad="valid"):
        self.window, self.pad_mode = pair(window), pad
        self.stride = self.window if stride is None else pair(stride)
        text = window_text(window, 1, pad)
        super().__init__(text + ("" if stride is None else f", stride={'x'.join(map(str, self.stride))}"))

    def shape(self, shape):
        self.pads = resolve_pad(self.pad_mode, shape, self.window, self.stride)
        self.padded = [shape[i] + sum(self.pads[i]) for i in range(2)]
        self.out = [(self.padded[i] - self.window[i]) // self.stride[i] + 1 for i in range(2)]
        return (*self.out, shape[2])

    def windows(self, x, fill):
        """The values of each window, [window, n, height, width, channels], and where they stand."""
        x = np.pad(x, ((0, 0), *self.pads, (0, 0)), constant_values=fill)
        places = [(slice(ky, ky + (self.out[0] - 1) * self.stride[0] + 1, self.stride[0]),
                   slice(kx, kx + (self.out[1] - 1) * self.stride[1] + 1, self.stride[1]))
                  for ky in range(self.window[0]) for kx in range(self.window[1])]
        return np.stack([x[:, rows, columns] for rows, columns in places]), places

    def scatter(self, shares, places, channels):
        """The sum of the windows' shares at each place of the input."""
        dx = np.zeros((shares.shape[1], *self.padded, channels))
        for share, (rows, columns) in zip(shares, places):
            dx[:, rows, columns] += share
        (top, bottom), (left, right) = self.pads
        return dx[:, top:self.padded[0] - bottom, left:self.padded[1] - right]


class Maxpool(Pool):
    """The first of the largest gets the gradient."""

    word = "maxpool"

    def forward(self, x, training):
        values, self.places = self.windows(x, -np.inf)
        self.choice = values.argmax(axis=0)
        self.count = len(values)
        return values.max(axis=0)

    def backward(self, dy):
        shares = np.stack([dy * (self.choice == i) for i in range(self.count)])
        return self.scatter(shares, self.places, dy.shape[-1])


class Avgpool(Pool):
    """Counts real pixels only."""

    word = "avgpool"

    def forward(self, x, training):
        values, self.places = self.windows(x, 0.0)
        real, _ = self.windows(np.ones_like(x), 0.0)
        self.real = real.sum(axis=0)
        self.inside = real
        return values.sum(axis=0) / self.real

    def backward(self, dy):
        return self.scatter(self.inside * (dy / self.real), self.places, dy.shape[-1])


class Globalpool(Layer):
    word = "globalpool"

    def shape(self, shape):
        return (shape[2],)

    def forward(self, x, training):
        self.x = x
        return x.mean(axis=(1, 2)) if self.arguments == "avg" else x.max(axis=(1, 2))

    def backward(self, dy):
        dy = dy[:, None, None, :]
        if self.arguments == "avg":
            return np.broadcast_to(dy, self.x.shape) / (self.x.shape[1] * self.x.shape[2])
        largest = self.x == self.x.max(axis=(1, 2), keepdims=True)
        return dy * largest / largest.sum(axis=(1, 2), keepdims=True)


class Moved(Layer):
    """The same values in another shape."""

    def forward(self, x, training):
        self.before = x.shape
        return x.reshape(x.shape[0], *self.after)

    def backward(self, dy):
        return dy.reshape(self.before)


class Flatten(Moved):
    word = "flatten"

    def shape(self, shape):
        self.after = (int(np.prod(shape)),)
        return self.after


class Reshape(Moved):
    word = "reshape"

    def shape(self, shape):
        self.after = tuple(int(extent) for extent in self.arguments.split("x"))
        return self.after


class Pad(Layer):
    word = "pad"

    def __init__(self, margins):
        self.margins = margins
        super().__init__(f"{list(margins)}")

    def shape(self, shape):
        top, bottom, left, right = self.margins
        return (shape[0] + top + bottom, shape[1] + left + right, shape[2])

    def forward(self, x, training):
        top, bottom, left, right = self.margins
        return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))

    def backward(self, dy):
        top, bottom, left, right = self.margins
        return dy[:, top:dy.shape[1] - bottom, left:dy.shape[2] - right]


class Crop(Pad):
    word = "crop"

    def shape(self, shape):
        top, bottom, left, right = self.margins
        return (shape[0] - top - bottom, shape[1] - left - right, shape[2])

    def forward(self, x, training):
        return Pad.backward(self, x)

    def backward(self, dy):
        return Pad.forward(self, dy, True)


class Shuffle(Layer):
    """ShuffleNet's: channel i of group g goes to place i of all groups."""

    word = "shuffle"

    def __init__(self, groups):
        self.groups = groups
        super().__init__(f"{groups}")

    def turned(self, x, groups):
        split = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)
        return np.swapaxes(split, -1, -2).reshape(x.shape)

    def forward(self, x, training):
        return self.turned(x, self.groups)

    def backward(self, dy):
        return self.turned(dy, dy.shape[-1] // self.groups)


class Split(Layer):
    word = "split"

    def __init__(self, count, first=0):
        self.taken = slice(first, first + count)
        super().__init__(f"{count}" + (f", first={first}" if first else ""))

    def shape(self, shape):
        self.channels = shape[-1]
        return (*shape[:-1], self.taken.stop - self.taken.start)

    def forward(self, x, training):
        return x[..., self.taken]

    def backward(self, dy):
        dx = np.zeros((*dy.shape[:-1], self.channels))
        dx[..., self.taken] = dy
        return dx


class Upsample(Layer):
    """Each axis is multiplied by a matrix: rows of the identity (nearest), or two weights a row, at the half-pixel centres
    (bilinear), as Keras' UpSampling2D does."""

    word = "upsample"

    def __init__(self, factor, mode="nearest"):
        self.factor, self.mode = pair(factor), mode
        text = "x".join(map(str, self.factor))
        super().__init__(text if mode == "nearest" else f"{text}, {mode}")

    def matrix(self, extent, factor):
        matrix = np.zeros((extent * factor, extent))
        for row in range(extent * factor):
            if self.mode == "nearest":
                matrix[row, row // factor] = 1.0
                continue
            center = (row + 0.5) / factor - 0.5
            low = int(np.floor(center))
            for place, weight in ((low, 1.0 - (center - low)), (low + 1, center - low)):
                matrix[row, min(max(place, 0), extent - 1)] += weight
        return matrix

    def shape(self, shape):
        self.rows, self.columns = (self.matrix(shape[i], self.factor[i]) for i in range(2))
        return (shape[0] * self.factor[0], shape[1] * self.factor[1], shape[2])

    def forward(self, x, training):
        return np.einsum("Yy,Xx,nyxc->nYXc", self.rows, self.columns, x)

    def backward(self, dy):
        return np.einsum("Yy,Xx,nYXc->nyxc", self.rows, self.columns, dy)


class Dropout(Layer):
    """Inverted: what is kept is divided by the share that is kept. The numbers come from network.noise."""

    word = "dropout"

    def __init__(self, percent):
        self.share = percent / 100.0
        super().__init__(f"{percent}%")

    def mask_shape(self, x):
        return x.shape[1:]

    def forward(self, x, training):
        self.scale = 1.0
        if training:
            shape = self.mask_shape(x)
            uniform = self.network.noise(self.name, x.shape[0], int(np.prod(shape))).reshape(x.shape[0], *shape)
            self.scale = (uniform >= self.share) / (1.0 - self.share)
        return x * self.scale

    def backward(self, dy):
        return dy * self.scale


class DropPath(Dropout):
    """Whole samples."""

    word = "drop_path"

    def mask_shape(self, x):
        return (1,) * (x.ndim - 1)


class SpatialDropout(Dropout):
    """Whole channels."""

    word = "spatial_dropout"

    def mask_shape(self, x):
        return (1, 1, x.shape[3])
