"""What a network computes that `cnnc import` has taken, for comparisons with the program that it comes from."""

import re
import subprocess

import numpy as np

TOLERANCE = 1e-4


def cnnc(command, *arguments):
    return subprocess.run([command, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def imported_outputs(command, folder, file, x, outputs):
    """The outputs of the network FOLDER/FILE, of any format, for pictures [samples, height, width, channels], or the message that it is not taken."""
    name = file.rsplit(".", 1)[0]
    done = cnnc(command, "import", folder / file, "-o", folder / f"{name}.cnn")
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[0]
    text = (folder / f"{name}.cnn").read_text()
    count = len(x)
    x = np.repeat(x, 2, 0) if count == 1 else x  # the data must have two classes
    np.save(folder / "x.npy", np.ascontiguousarray(x, np.float32))
    np.save(folder / "y.npy", np.where(np.arange(len(x)) > 0, outputs - 1, 0))
    text = re.sub(r"(?s)^data \{.*?^\}", 'data {\n    arrays x="x.npy", y="y.npy"\n}', text, flags=re.M)
    (folder / f"{name}.cnn").write_text(text)
    done = cnnc(command, "eval", folder / f"{name}.cnn", "--weights", folder / f"{name}.safetensors", "--all", "--outputs",
                folder / "out.npy")
    if done.returncode:
        return "eval: " + done.stderr.strip()
    return np.load(folder / "out.npy")[:count]


def difference(have, want):
    if have.shape != want.shape:
        return np.inf
    return float(np.max(np.abs(have - want) / np.maximum(1, np.abs(want)), initial=0))
