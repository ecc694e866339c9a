"""The pictures that `resize` must give: Pillow's, and for antialias=false those of Keras' definition. Needs numpy and pillow.

    python3 resize_pillow.py --write     writes ../unit/resize_expected.h, which tests/unit/test_resize.c compares cnnc with
    python3 resize_pillow.py             checks that the file still is what they compute, to 1e-3 (of 100)
"""
import os
import re
import sys

import numpy
import PIL
from PIL import Image

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "resize_expected.h")
HEIGHT, WIDTH = 8, 12
PICTURE = (numpy.arange(HEIGHT * WIDTH) * 37 % 101).astype(numpy.float32).reshape(HEIGHT, WIDTH)  # as in test_resize.c
PILLOW = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "area": Image.BOX, "nearest": Image.NEAREST}
KERNELS = {  # Keras' (tf.image.resize): half-pixel centres, Keys' cubic with a = -0.5
    "bilinear": lambda x: numpy.maximum(1 - x, 0),
    "bicubic": lambda x: numpy.where(x < 1, 1.5 * x**3 - 2.5 * x**2 + 1,
                                     numpy.where(x < 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0)),
}


def plain_matrix(method, size, out):
    """[out, size]: weights without antialiasing, what lies outside left out and the others made to sum to 1."""
    centres = (numpy.arange(out) + 0.5) * size / out - 0.5
    weights = KERNELS[method](abs(centres[:, None] - numpy.arange(size)[None, :]))
    return weights / weights.sum(1, keepdims=True)


def area_matrix(size, out):
    """[out, size]: the share of each pixel in what an output pixel covers."""
    edges = numpy.arange(out + 1) * size / out
    inner = numpy.arange(size)
    shares = numpy.minimum(edges[1:, None], inner + 1) - numpy.maximum(edges[:-1, None], inner)
    return numpy.maximum(shares, 0) * out / size


def resized(method, antialias, height, width):
    if not antialias:
        return plain_matrix(method, HEIGHT, height) @ PICTURE @ plain_matrix(method, WIDTH, width).T
    if method == "area" and (HEIGHT % height or WIDTH % width):  # Pillow's BOX rounds to whole pixels
        return area_matrix(HEIGHT, height) @ PICTURE @ area_matrix(WIDTH, width).T
    return numpy.asarray(Image.fromarray(PICTURE).resize((width, height), PILLOW[method]))


CASES = [(method, antialias, height, width)
         for method in PILLOW for antialias in ([True, False] if method in KERNELS else [True])
         for height, width in [(4, 4), (3, 5), (13, 17), (5, 20), (1, 1)]]


def text():
    lines = [f"/* Written by tests/reference/resize_pillow.py with Pillow {PIL.__version__}. */",
             "static const struct {", "    const char *stage;", "    int count;", "    float value[256];",
             "} resize_expected[] = {"]
    for method, antialias, height, width in CASES:
        values = resized(method, antialias, height, width).ravel()
        plain = "" if antialias else ", antialias=false"
        lines.append(f'    {{"resize {height}x{width}, method={method}{plain}", {values.size}, {{')
        numbers = [f"{value:.4f}f," for value in values]
        lines += ["    " + " ".join(numbers[i:i + 9]) for i in range(0, len(numbers), 9)]
        lines.append("    }},")
    return "\n".join(lines + ["};"]) + "\n"


def numbers_of(source):
    return numpy.array([float(number) for number in re.findall(r"(-?[0-9.]+)f", source)])


if "--write" in sys.argv:
    with open(PATH, "w") as file:
        file.write(text())
else:
    with open(PATH) as file:
        stored, computed = numbers_of(file.read()), numbers_of(text())
    if stored.shape != computed.shape or numpy.abs(stored - computed).max() > 1e-3:
        sys.exit("tests/unit/resize_expected.h is not what Pillow computes: python3 tests/reference/resize_pillow.py --write")
    print(f"{stored.size} values as Pillow {PIL.__version__} computes them")
