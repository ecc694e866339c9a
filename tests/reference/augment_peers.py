"""What changes of place and of colour must give: Keras' and torchvision's pictures. Needs numpy, scipy, keras and torchvision.

    python3 augment_peers.py --write     writes ../unit/augment_expected.h, which tests/unit/test_augment_peers.c compares cnnc with
    python3 augment_peers.py             checks that the file still is what they compute, to 1e-5 (of 1)
"""
import os
import re
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy
import torch
import torchvision
from keras.src.legacy.preprocessing.image import apply_affine_transform
from torchvision.transforms.v2 import functional

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "augment_expected.h")


def picture(height, width):  # as in the test
    index = numpy.arange(height * width * 3)
    return (((index * index * 7 + index * 37) % 199 + 20) / 255).astype(numpy.float32).reshape(height, width, 3)


SQUARE, PICTURE = picture(12, 12), picture(14, 10)
# Keras' names of the modes are SciPy's. With the others of these two, a line between the picture and what lies outside is not interpolated, and
# `wrap` repeats all but the last pixel, unlike what Keras' documentation says.
FILLS = {"nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap", "constant": "grid-constant"}


def placed(fill, **change):
    """A square: Keras takes height for width when it looks for the middle."""
    return apply_affine_transform(SQUARE.astype(numpy.float64), row_axis=0, col_axis=1, channel_axis=2, fill_mode=fill, cval=0.25, order=1, **change)


def torchvision_of(change, *arguments, **named):
    return change(torch.from_numpy(PICTURE).permute(2, 0, 1), *arguments, **named).permute(1, 2, 0).numpy()


CASES = {
    "rotated": placed("nearest", theta=15),
    "moved": placed("nearest", tx=3.3, ty=-2.6),
    "sheared": placed("nearest", shear=20),
    "zoomed": placed("nearest", zx=0.8, zy=0.8),
    **{fill: placed(mode, theta=15, tx=7.3, ty=-6.6, shear=20, zx=1.3, zy=1.3) for fill, mode in FILLS.items()},
    "brightness": torchvision_of(functional.adjust_brightness, 1.3),
    "contrast": numpy.clip(keras.ops.convert_to_numpy(keras.layers.RandomContrast(0.5)._adjust_contrast(PICTURE, 1.4)), 0, 1),
    "saturation": torchvision_of(functional.adjust_saturation, 0.4),
    "hue": torchvision_of(functional.adjust_hue, 0.1),
    "grey": torchvision_of(functional.rgb_to_grayscale, num_output_channels=3),
    "blur": torchvision_of(functional.gaussian_blur, kernel_size=11, sigma=1.5),
    "crop": torchvision_of(functional.resized_crop, 1, 0, 12, 10, size=[6, 5], antialias=False),
}


def text():
    lines = [f"/* Written by tests/reference/augment_peers.py with Keras {keras.__version__} and torchvision {torchvision.__version__.split('+')[0]}. */"]
    for name, result in CASES.items():
        values = numpy.asarray(result, numpy.float32).ravel()
        lines.append(f"static const float expected_{name}[{values.size}] = {{")
        lines += ["    " + " ".join(f"{value:.5f}f," for value in values[i:i + 12]) for i in range(0, values.size, 12)]
        lines.append("};")
    return "\n".join(lines) + "\n"


def numbers_of(source):
    return numpy.array([float(number) for number in re.findall(r"([\d.]+)f,", source)])


if "--write" in sys.argv:
    with open(PATH, "w") as file:
        file.write(text())
else:
    with open(PATH) as file:
        stored, computed = numbers_of(file.read()), numbers_of(text())
    if stored.size != computed.size or abs(stored - computed).max() > 1e-5:
        sys.exit("tests/unit/augment_expected.h is not what Keras and torchvision compute: python3 tests/reference/augment_peers.py --write")
    print(f"{stored.size} values as Keras {keras.__version__} and torchvision {torchvision.__version__} compute them")
