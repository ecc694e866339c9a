"""The small networks of tests/data/keras: `make_keras.py FOLDER`, with Keras 3 and tf_keras (Keras 2) installed (pip install tensorflow tf_keras).

net.keras      all of a network of Keras 3
net.h5.gz      the same in its older format
old.h5.gz      another, written by Keras 2
x.npy          pictures
net.npy, old.npy    what Keras makes of them
"""

import gzip
import os
import pathlib
import sys
import zipfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tf_keras

SHAPE = (8, 8, 3)


def network(k):
    """The same layers by either version; a stride of 2 with an odd padding, a depthwise multiplier, a model in the model."""
    L = k.layers
    start = k.Input(SHAPE, name="picture")
    x = L.Rescaling(1 / 127.5, offset=-1, name="scaling")(start)
    x = L.Conv2D(4, 3, 2, "same", use_bias=False, name="stem")(x)
    x = L.BatchNormalization(name="stem_norm")(x)
    x = L.ReLU(6.0, name="stem_relu")(x)
    y = L.DepthwiseConv2D(3, 1, "same", depth_multiplier=2, activation="hard_sigmoid", name="wide")(x)
    y = L.SeparableConv2D(4, 3, padding="same", activation="swish", name="separable")(y)
    x = L.Add(name="sum")([x, y])
    x = k.Sequential([k.Input((4, 4, 4)), L.ZeroPadding2D(((0, 1), (0, 1)), name="edge"), L.Conv2D(5, 3, 2, name="inner"),
                      L.LeakyReLU(0.2, name="inner_leaky")], name="block")(x)
    x = L.Concatenate(name="both")([L.MaxPooling2D(2, 1, "same", name="most")(x), L.AveragePooling2D(2, 1, "same", name="mean")(x)])
    x = L.Dropout(0.25, name="drop")(L.Flatten(name="flat")(x))
    return k.Model(start, L.Dense(3, activation="softmax", name="head")(x), name="Net")


def set_weights(model):
    random = np.random.default_rng(7)
    model.set_weights([random.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else random.normal(0, 0.5, w.shape) for w in model.get_weights()])


def pack(path):
    path.with_suffix(".h5.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()


def main():
    folder = pathlib.Path(sys.argv[1])
    x = np.random.default_rng(3).integers(0, 256, (4, *SHAPE)).astype(np.float32)
    np.save(folder / "x.npy", x)
    for name, k in (("net", keras), ("old", tf_keras)):
        model = network(k)
        set_weights(model)
        np.save(folder / f"{name}.npy", np.asarray(model(x, training=False)))
        model.save(folder / f"{name}.h5")
        pack(folder / f"{name}.h5")
        if k is keras:
            model.save(folder / "large.keras")
    with zipfile.ZipFile(folder / "large.keras") as whole, zipfile.ZipFile(folder / "net.keras", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as small:
        for member in whole.namelist():
            small.writestr(zipfile.ZipInfo(member), whole.read(member), zipfile.ZIP_DEFLATED)
    (folder / "large.keras").unlink()


main()
