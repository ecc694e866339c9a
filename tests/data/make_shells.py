"""A table of pictures of shells, as a person would keep it, for docs/tutorial-csv.md and quick tests. Needs Python only.

    python3 make_shells.py OUT [--count 240] [--size 32] [--seed 1]

OUT/shells.csv has the columns file, kind (round, square or pointed), width (in mm: the wider, the larger in its picture), beach and use (train,
validation or test); the pictures are OUT/pictures/FILE.png. Each of ten beaches has its own colour of sand, from which alone the place can be told.
"""
import argparse
import csv
import math
import os
import random

from make_shapes import inside_disc, inside_square, inside_triangle, write_png

KINDS = {"round": inside_disc, "square": inside_square, "pointed": inside_triangle}
BEACHES = 10


def picture(inside, width, sand, size, rng):
    radius = size * width / 100
    x0, y0 = (size * rng.uniform(0.42, 0.58) for _ in range(2))
    turn = rng.uniform(-0.3, 0.3)
    cos, sin = math.cos(turn) / radius, math.sin(turn) / radius
    shade = rng.randrange(80, 150)
    pixels = bytearray()
    for y in range(size):
        for x in range(size):
            shell = inside((x - x0) * cos + (y - y0) * sin, (x - x0) * sin - (y - y0) * cos)
            noise = rng.randrange(-12, 13)
            pixels.extend(min(255, max(0, (c - shade if shell else c) + noise)) for c in sand)
    return size, size, pixels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=240, help="shells in all")
    parser.add_argument("--size", type=int, default=32, help="width and height of the pictures")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    os.makedirs(os.path.join(options.out, "pictures"), exist_ok=True)
    sands = [[rng.randrange(160, 256) for _ in range(3)] for _ in range(BEACHES)]
    with open(os.path.join(options.out, "shells.csv"), "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "kind", "width", "beach", "use"])
        for i in range(options.count):
            kind = rng.choice(list(KINDS))
            beach = rng.randrange(BEACHES)
            width = rng.uniform(18, 38)
            use = rng.choices(["train", "validation", "test"], [70, 15, 15])[0]
            write_png(os.path.join(options.out, "pictures", f"{i:04}.png"),
                      *picture(KINDS[kind], width, sands[beach], options.size, rng))
            table.writerow([f"{i:04}", kind, f"{width:.1f}", f"beach {beach + 1}", use])
    print(f"{options.count} shells in {options.out}/shells.csv, their pictures in {options.out}/pictures")


if __name__ == "__main__":
    main()
