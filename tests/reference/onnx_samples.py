"""Networks in ONNX, as onnx_samples.c wrote them: checked by ONNX's own checker with its shapes, run by ONNX Runtime, and compared
with what the interpreter made of them.

    python3 onnx_samples.py FOLDER
"""

import glob
import os
import sys

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-4


def run(path):
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = path.removesuffix(".onnx").removesuffix(".fold")
    values, expected = np.load(name + ".input.npy"), np.load(name + ".output.npy")
    _, channels, height, width = session.get_inputs()[0].shape
    pictures = values.reshape(len(values), height, width, channels).transpose(0, 3, 1, 2)
    outputs = session.run(None, {"input": np.ascontiguousarray(pictures)})[0]
    assert outputs.shape == expected.shape, f"{outputs.shape}, expected {expected.shape}"
    difference = float(np.abs(outputs - expected).max() / max(1, np.abs(expected).max()))
    assert difference <= TOLERANCE, f"differs by {difference:.2g}"
    one = session.run(None, {"input": np.ascontiguousarray(pictures[:1])})[0]
    assert np.abs(one - outputs[:1]).max() <= TOLERANCE * max(1, np.abs(expected).max()), "another batch, another result"
    return difference


failed, largest, paths = 0, 0, sorted(glob.glob(os.path.join(sys.argv[1], "*.onnx")))
for path in paths:
    try:
        largest = max(largest, run(path))
    except Exception as error:  # whatever a library says
        print(f"WRONG: {os.path.basename(path)}: {error}")
        failed += 1
print(f"{len(paths) - failed} of {len(paths)} networks, largest difference {largest:.2g}")
sys.exit(failed > 0 or not paths)
