"""Stages of the data that are measured, beside scikit-learn's definitions in numpy (and scikit-learn itself where it is installed): trains a
network that does nothing, and compares what it gives out for the test part, from cnnc and from a trainer of its own.

    python3 components.py CNNC FOLDER
"""

import os
import struct
import subprocess
import sys

import numpy as np

import safetensors

TOLERANCE = 1e-3
TRAIN, TEST, SIDE = 600, 50, 9


def pca(train, test, keep):
    mean = train.mean(0)
    _, values, vectors = np.linalg.svd(train - mean, full_matrices=False)
    shares = values**2 / (values**2).sum()
    count = keep if keep >= 1 else int(np.searchsorted(np.cumsum(shares), keep, side="right")) + 1
    vectors = vectors[:count]
    vectors *= np.sign(vectors[np.arange(count), np.abs(vectors).argmax(1)])[:, None]
    return (test - mean) @ vectors.T


def learned_pca(train, test, keep):
    from sklearn.decomposition import PCA
    return PCA(keep, svd_solver="full").fit(train).transform(test)


def whiten(train, test, epsilon):
    """Keras' ImageDataGenerator.fit: zca_whitening after featurewise_center."""
    mean = train.mean(0)
    variances, vectors = np.linalg.eigh((train - mean).T @ (train - mean) / len(train))
    return (test - mean) @ (vectors / np.sqrt(variances + epsilon)) @ vectors.T


def standardize(train, test):
    deviation = train.std(0)
    return (test - train.mean(0)) / np.where(deviation > 0, deviation, 1)


def learned_standardize(train, test):
    from sklearn.preprocessing import StandardScaler
    return StandardScaler().fit(train).transform(test)


def normalize(train, test):
    return (test - test.mean(1, keepdims=True)) / test.std(1, keepdims=True)


CASES = {
    "pca 7": (lambda a, b: pca(a, b, 7), lambda a, b: learned_pca(a, b, 7)),
    "pca 90%": (lambda a, b: pca(a, b, 0.9), lambda a, b: learned_pca(a, b, 0.9)),
    "whiten epsilon=0.1": (lambda a, b: whiten(a, b, 0.1), None),
    "standardize per=pixel": (standardize, learned_standardize),
    "normalize": (normalize, None),
}


def write_idx(folder, what, magic, values):
    for name, part in ("train", values[:TRAIN]), ("t10k", values[TRAIN:]):
        with open(f"{folder}/{name}-{what}-ubyte", "wb") as file:
            file.write(struct.pack(f">{1 + part.ndim}I", magic, *part.shape) + part.tobytes())


def make_pictures(folder):
    """Pictures of smooth noise, as the files of MNIST."""
    random = np.random.default_rng(5)
    pictures = random.normal(size=(TRAIN + TEST, 3, 3)).repeat(3, 1).repeat(3, 2) * 25
    pictures += random.normal(size=(TRAIN + TEST, SIDE, SIDE)) * np.linspace(2, 20, SIDE) + 128
    pictures = np.clip(pictures, 0, 255).astype(np.uint8)
    write_idx(folder, "images-idx3", 0x803, pictures)
    values = pictures.reshape(len(pictures), -1).astype(np.float64)
    return values[:TRAIN], values[TRAIN:]


def outputs(cnnc, folder, stage, columns):
    """What comes out of the stage, from `cnnc eval` and from the evaluation of a trainer."""
    path = f"{folder}/model.cnn"
    write_idx(folder, "labels-idx1", 0x801, (np.arange(TRAIN + TEST) % columns).astype(np.uint8))  # as many as outputs
    with open(path, "w") as file:
        file.write(f'data {{\n    idx "."\n    {stage}\n}}\nmodel M {{ input data.shape -> flatten -> dense {columns} }}\n'
                   "train { loss mse -> optimizer sgd, rate=1e-9 -> batch 100 }\n")
    weights, given, built = (f"{folder}/{name}" for name in ("w.safetensors", "cnnc.npy", "trainer.npy"))
    run = lambda *words: subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    run(cnnc, "run", path, "--no-out", "--save", weights)
    tensors = dict(safetensors.load(weights))
    for name, tensor in tensors.items():
        if not name.startswith("data."):
            tensors[name] = np.eye(columns) if tensor.ndim == 2 else np.zeros(tensor.shape)
    safetensors.save(weights, tensors)
    run(cnnc, "eval", path, "--weights", weights, "--outputs", given)
    run(cnnc, "build", path, "-o", f"{folder}/trainer")
    run(f"{folder}/trainer", "eval", "--weights", weights, "--outputs", built)
    return np.load(given), np.load(built)


def main(cnnc, folder):
    cnnc, failed = os.path.abspath(cnnc), False
    train, test = make_pictures(folder)
    try:
        import sklearn
        print(f"scikit-learn {sklearn.__version__}")
    except ImportError:
        sklearn = None
    for stage, (reference, learned) in CASES.items():
        expected = reference(train, test)
        given, built = outputs(cnnc, folder, stage, expected.shape[1])
        errors = [np.abs(given - expected).max() / np.abs(expected).max()]
        if sklearn and learned:
            errors.append(np.abs(given - learned(train, test)).max() / np.abs(expected).max())
        good = max(errors) <= TOLERANCE and np.array_equal(given, built)
        failed |= not good
        print(f"{stage}: {expected.shape[1]} values, differs by {' and '.join(f'{error:.1e}' for error in errors)}"
              f"{'' if np.array_equal(given, built) else ', the trainer differs from cnnc'}{'' if good else '  FAIL'}")
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
