"""A satellite's scene of many bands, with masks of what is on the ground, for docs/tutorial-satellite.md and quick tests. Needs Python only.

    python3 make_scene.py OUT [--size 120] [--bands 12] [--seed 1]

OUT/scene.tif has --bands bands of 16 bits. OUT/west.tif and OUT/east.tif have for each pixel what somebody found there: 1 water, 2 forest, 3 meadow, 4 field,
5 town, 0 not looked at; each of one half of the scene. The land lies in patches with straight borders; of each kind light and dark ones. Neighbouring bands
are much alike, as those of a real instrument, so that few components have nearly all of the variance.
"""
import argparse
import math
import os
import random
import struct

KINDS = 5
# How strong each of three curves over the bands is: brightness, vegetation, moisture.
GROUND = [(700, -100, 500), (1100, 700, 250), (1500, 850, 0), (1700, 350, -150), (1900, -150, -50)]


def write_tiff(path, width, height, samples, bits, rows):
    """An uncompressed TIFF of one strip, with `samples` whole numbers of `bits` for each pixel."""
    tags = [(256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * samples), (259, 3, [1]), (262, 3, [1]), (273, 4, [0]),
            (277, 3, [samples]), (278, 4, [height]), (279, 4, [width * height * samples * bits // 8]), (284, 3, [1]),
            (339, 3, [1] * samples)]
    if samples > 1:
        tags.insert(-1, (338, 3, [0] * (samples - 1)))
    directory = 8
    spare = directory + 2 + 12 * len(tags) + 4  # where values lie that do not fit their tag
    entries, values = b"", b""
    data_at = spare + sum(len(v) * (2 if kind == 3 else 4) for _, kind, v in tags if len(v) * (2 if kind == 3 else 4) > 4)
    for tag, kind, numbers in tags:
        numbers = [data_at] if tag == 273 else numbers
        packed = struct.pack(f"<{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(packed) > 4:
            at = struct.pack("<I", spare + len(values))
            values += packed
            packed = at
        entries += struct.pack("<HHI", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    with open(path, "wb") as file:
        file.write(struct.pack("<2sHI", b"II", 42, directory) + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0) + values)
        for row in rows:
            file.write(struct.pack(f"<{len(row)}{'H' if bits == 16 else 'B'}", *row))


def patches(size, rng):
    """For each pixel the number of its patch: of the nearest of some centres."""
    centres = [(rng.uniform(0, size), rng.uniform(0, size)) for _ in range(size * size // 120)]
    def nearest(y, x):
        return min(range(len(centres)), key=lambda i: (centres[i][0] - y) ** 2 + (centres[i][1] - x) ** 2)
    return [[nearest(y, x) for x in range(size)] for y in range(size)], len(centres)


def curves(bands):
    """The three curves of GROUND over the bands, from blue to short-wave infrared."""
    for band in range(bands):
        t = band / max(1, bands - 1)
        yield (0.5 + 0.5 * t, 1 / (1 + math.exp(-25 * (t - 0.45))) - 0.3 * math.exp(-((t - 0.35) * 15) ** 2), -t)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--size", type=int, default=120, help="height and width in pixels")
    parser.add_argument("--bands", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    size = options.size
    patch, count = patches(size, rng)
    kind = [rng.randrange(KINDS) for _ in range(count)]
    light = [rng.uniform(0.8, 1.25) for _ in range(count)]
    seen = [rng.random() < 0.5 for _ in range(count)]
    shape = list(curves(options.bands))

    def spectrum(i):
        strength = [g * light[i] * rng.uniform(0.85, 1.15) for g in GROUND[kind[i]]]
        for curve in shape:
            yield max(0, round(300 + sum(g * c for g, c in zip(strength, curve)) + rng.gauss(0, 90)))

    os.makedirs(options.out, exist_ok=True)
    write_tiff(os.path.join(options.out, "scene.tif"), size, size, options.bands, 16,
               ([value for i in row for value in spectrum(i)] for row in patch))
    for name, side in (("west", 0), ("east", 1)):
        write_tiff(os.path.join(options.out, f"{name}.tif"), size, size, 1, 8,
                   ([kind[i] + 1 if seen[i] and 2 * x // size == side else 0 for x, i in enumerate(row)] for row in patch))
    print(f"{options.out}/scene.tif: {size} x {size} pixels, {options.bands} bands; masks west.tif and east.tif")


if __name__ == "__main__":
    main()
