"""Pictures of discs, squares and triangles, a folder for each, for docs/tutorial.md and quick tests. Needs Python only.

    python3 make_shapes.py OUT [--count 200] [--size 48] [--seed 1]

Colours, places, sizes and brightness vary, and so does each picture's own width and height (by a third around --size).
"""
import argparse
import math
import os
import random
import struct
import zlib


def write_png(path, width, height, pixels):
    rows = b"".join(b"\0" + bytes(pixels[y * width * 3:(y + 1) * width * 3]) for y in range(height))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b"")):
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def inside_disc(x, y):
    return x * x + y * y < 1


def inside_square(x, y):
    return max(abs(x), abs(y)) < 0.85


def inside_triangle(x, y):
    return -0.6 < y < 1 and abs(x) < (1 - y) * 0.62


SHAPES = {"disc": inside_disc, "square": inside_square, "triangle": inside_triangle}


def picture(inside, size, rng):
    width, height = (round(size * rng.uniform(0.8, 1.2)) for _ in range(2))
    centre_x, centre_y = width * rng.uniform(0.4, 0.6), height * rng.uniform(0.4, 0.6)
    radius = min(width, height) * rng.uniform(0.2, 0.35)
    turn = rng.uniform(-0.3, 0.3)
    cos, sin = math.cos(turn) / radius, math.sin(turn) / radius
    back = [rng.randrange(256) for _ in range(3)]
    front = [(c + rng.randrange(80, 176)) % 256 for c in back]
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            dx, dy = x - centre_x, y - centre_y
            colour = front if inside(dx * cos + dy * sin, dx * sin - dy * cos) else back
            noise = rng.randrange(-16, 17)
            pixels.extend(min(255, max(0, c + noise)) for c in colour)
    return width, height, pixels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=200, help="pictures of each shape")
    parser.add_argument("--size", type=int, default=48, help="width and height, about")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for name, inside in SHAPES.items():
        folder = os.path.join(options.out, name)
        os.makedirs(folder, exist_ok=True)
        rng = random.Random(f"{options.seed} {name}")
        for i in range(options.count):
            write_png(os.path.join(folder, f"{i:04}.png"), *picture(inside, options.size, rng))
    print(f"{options.count} pictures of each of {', '.join(SHAPES)} in {options.out}")


if __name__ == "__main__":
    main()
