"""Networks of Keras, as onnx_samples.c wrote them: loaded and run by Keras, and compared with what the interpreter made of them.

    python3 keras_samples.py FOLDER
"""

import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np

TOLERANCE = 1e-4


def run(path):
    model = keras.models.load_model(path)
    name = str(path).removesuffix(".keras").removesuffix(".fold")
    values, expected = np.load(name + ".input.npy"), np.load(name + ".output.npy")
    outputs = np.asarray(model(values.reshape(len(values), *model.input_shape[1:]), training=False))
    assert outputs.shape == expected.shape, f"{outputs.shape}, expected {expected.shape}"
    difference = float(np.abs(outputs - expected).max() / max(1, np.abs(expected).max()))
    assert difference <= TOLERANCE, f"differs by {difference:.2g}"
    return difference


failed, largest, paths = 0, 0, sorted(pathlib.Path(sys.argv[1]).glob("*.keras"))
for path in paths:
    try:
        largest = max(largest, run(path))
    except Exception as error:  # whatever a library says
        print(f"WRONG: {path.name}: {str(error)[:600]}")
        failed += 1
print(f"{len(paths) - failed} of {len(paths)} networks, largest difference {largest:.2g}")
sys.exit(failed > 0 or not paths)
