"""What the changes of colour that `randaugment` draws must give: Pillow's. Needs numpy and pillow.

    python3 tones_pillow.py --write     writes ../unit/tones_expected.h, which tests/unit/test_randaugment.c compares cnnc with
    python3 tones_pillow.py             checks that the file still is what Pillow computes
"""
import os
import re
import sys

import numpy
import PIL
from PIL import Image, ImageEnhance, ImageOps

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "tones_expected.h")
HEIGHT, WIDTH = 24, 16
INDEX = numpy.arange(HEIGHT * WIDTH * 3)
PICTURE = Image.fromarray(((INDEX * INDEX * 7 + INDEX * 37) % 199 + 20).astype(numpy.uint8).reshape(HEIGHT, WIDTH, 3))  # as in the test
CASES = {
    "brightness": ImageEnhance.Brightness(PICTURE).enhance(1.6),
    "colour": ImageEnhance.Color(PICTURE).enhance(0.4),
    "contrast": ImageEnhance.Contrast(PICTURE).enhance(1.6),
    "sharper": ImageEnhance.Sharpness(PICTURE).enhance(1.9),
    "smoother": ImageEnhance.Sharpness(PICTURE).enhance(0.1),
    "posterize": ImageOps.posterize(PICTURE, 5),
    "solarize": ImageOps.solarize(PICTURE, 128),
    "autocontrast": ImageOps.autocontrast(PICTURE),
    "equalize": ImageOps.equalize(PICTURE),
}


def text():
    lines = [f"/* Written by tests/reference/tones_pillow.py with Pillow {PIL.__version__}. */"]
    for name, picture in CASES.items():
        values = numpy.asarray(picture).ravel()
        lines.append(f"static const unsigned char expected_{name}[{values.size}] = {{")
        lines += ["    " + " ".join(f"{value}," for value in values[i:i + 20]) for i in range(0, values.size, 20)]
        lines.append("};")
    return "\n".join(lines) + "\n"


def numbers_of(source):
    return [int(number) for number in re.findall(r"(\d+),", source)]


if "--write" in sys.argv:
    with open(PATH, "w") as file:
        file.write(text())
else:
    with open(PATH) as file:
        stored, computed = numbers_of(file.read()), numbers_of(text())
    if stored != computed:
        sys.exit("tests/unit/tones_expected.h is not what Pillow computes: python3 tests/reference/tones_pillow.py --write")
    print(f"{len(stored)} values as Pillow {PIL.__version__} computes them")
