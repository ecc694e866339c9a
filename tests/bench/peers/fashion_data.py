"""Fashion-MNIST for the peers, as examples/fashion/model.cnn asks for it: 54,000 images to train, 6,000 to validate, 10,000 to test."""
import gzip
import os

import numpy as np

FOLDER = "/usr/share/datasets/fashion-mnist"  # Debian's package dataset-fashion-mnist
BATCH, VALIDATION = 64, 6000


def read(name, offset):
    with gzip.open(os.path.join(FOLDER, name)) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def part(name):
    """float32 [n, 28, 28, 1] in 0..1 and int32 [n]"""
    x = read(f"{name}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
    return x.astype(np.float32) / 255, read(f"{name}-labels-idx1-ubyte.gz", 8).astype(np.int32)


def load():
    """((x, y) of the training part, of the validation part, of the test part)"""
    x, y = part("train")
    order = np.random.default_rng(1).permutation(len(x))
    x, y = x[order], y[order]
    return (x[VALIDATION:], y[VALIDATION:]), (x[:VALIDATION], y[:VALIDATION]), part("t10k")
