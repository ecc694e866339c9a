"""Writes the same samples and labels in all the forms that numpy has for them.

    python3 arrays.py FOLDER

Prints a line for each form: a group, and the source as a model file names it. The samples and labels of a group are the same
numbers; its first form is the plainest.
"""

import os
import sys

import numpy as np
from PIL import Image

COUNT = 24
NUMBERS = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
random = np.random.default_rng(1)


def save(name, array, version=None):
    with open(name, "wb") as file:
        np.lib.format.write_array(file, array, version=version, allow_pickle=False)


def form(group, source):
    print(group, source, sep="\t")


def samples():
    """Types, orders of bytes and of axes, versions of the format."""
    x = random.integers(0, 101, (COUNT, 6, 5, 2))  # what the smallest types can hold
    y = np.arange(COUNT) % 3
    save("x.npy", x.astype("<f4"))
    save("y.npy", y)
    form("samples", 'arrays x="x.npy", y="y.npy"')
    for version in [(1, 0), (2, 0), (3, 0)]:
        save(f"x-{version[0]}.npy", x.astype("<u2"), version)
        form("samples", f'arrays x="x-{version[0]}.npy", y="y.npy"')
    for kind in NUMBERS:
        for order, bytes_order in ["C<", "F>"]:
            save(f"x-{kind}{order}.npy", np.asarray(x, bytes_order + kind, order=order))
            form("samples", f'arrays x="x-{kind}{order}.npy", y="y.npy"')
    np.savez("plain.npz", x=x.astype("u1"), y=y)
    np.savez_compressed("packed.npz", x=np.asfortranarray(x.astype(">f8")), y=y)
    np.savez("named.npz", images=x.astype("i2"), labels=y)
    form("samples", 'arrays "plain.npz"')
    form("samples", 'arrays "packed.npz"')
    form("samples", 'arrays "named.npz", x="images", y="labels"')


def truth():
    x, y = random.random((COUNT, 4, 4)) < 0.5, np.arange(COUNT) % 2
    save("t.npy", x.astype("f4"))
    save("ty.npy", y)
    save("t-bool.npy", x)
    save("ty-bool.npy", y == 1)
    form("truth", 'arrays x="t.npy", y="ty.npy"')
    form("truth", 'arrays x="t-bool.npy", y="ty-bool.npy"')


def labels():
    names = np.array(["ash", "\u00e4hre", "\U0001f333"])  # in the order of their bytes
    y = np.load("y.npy")
    one_hot = np.eye(3)[y]
    forms = {kind + order: y.astype(order + kind) for kind in NUMBERS[:8] for order in "<>"}
    forms["column"] = y[:, None]
    forms.update({"hot-" + kind: one_hot.astype(kind) for kind in ["?", "u1", "<i8", ">f4", "<f8"]})
    forms["hot-fortran"] = np.asfortranarray(one_hot)
    forms["unicode"], forms["swapped"] = names[y], names[y].astype(names.dtype.newbyteorder())
    forms["bytes"] = np.char.encode(names[y], "utf-8")
    forms["digits"] = (y + 9).astype("U2")  # 9, 10, 11: by value
    form("labels", 'arrays x="x.npy", y="y.npy"')
    for i, (name, array) in enumerate(forms.items()):
        save(f"y-{i}.npy", array)
        form("labels", f'arrays x="x.npy", y="y-{i}.npy"  # {name}')


def reals():
    y = random.normal(size=COUNT).astype("f2")
    for i, kind in enumerate(["<f4", ">f2", "<f8", ">f8"]):
        save(f"r-{i}.npy", y.astype(kind))
        form("reals", f'arrays x="x.npy", y="r-{i}.npy"')


def parts():
    """As keras.datasets ships its arrays."""
    x, y = np.load("x.npy").astype("u1"), np.load("y.npy").astype("u1")
    for name, array in {"x-train": x[:16], "y-train": y[:16], "x-test": x[16:], "y-test": y[16:]}.items():
        save(name + ".npy", array)
    arrays = dict(x_train=x[:16], y_train=y[:16], x_test=x[16:], y_test=y[16:])
    np.savez("keras.npz", **arrays)
    np.savez_compressed("keras-packed.npz", **arrays)
    form("parts", 'arrays x="x-train.npy", y="y-train.npy", x_test="x-test.npy", y_test="y-test.npy"')
    form("parts", 'arrays "keras.npz"')
    form("parts", 'arrays "keras-packed.npz"')
    form("parts", 'arrays "keras.npz", x="x_train", y="y_train", x_test="x_test", y_test="y_test"')


def paths():
    pixels = random.integers(0, 256, (COUNT, 4, 4, 3), dtype="u1")
    os.mkdir("pictures")
    names = [f"\u00fc{i}.png" for i in range(COUNT)]
    for name, picture in zip(names, pixels):
        Image.fromarray(picture).save(os.path.join("pictures", name))
    save("pixels.npy", pixels)
    save("names.npy", np.array(names))
    save("bytes.npy", np.char.encode(["pictures/" + name for name in names], "utf-8"))
    form("paths", 'arrays x="pixels.npy", y="y.npy"')
    form("paths", 'arrays x="names.npy", y="y.npy", root="pictures"')
    form("paths", 'arrays x="bytes.npy", y="y.npy"')


os.chdir(sys.argv[1])
for write in (samples, truth, labels, reals, parts, paths):
    write()
