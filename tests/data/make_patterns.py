"""Small grey or coloured images whose class is the place of a bright patch, for tests that need data at once. Needs Python only.

    python3 make_patterns.py OUT [--format idx|arrays] [--count 96] [--size 12] [--channels 1] [--classes 4] [--seed 1]

idx: OUT/train-…-ubyte and OUT/t10k-…-ubyte (a quarter of --count), as MNIST has them. arrays: OUT/x.npy (f32, 0 to 1) and OUT/y.npy (u8).
"""
import argparse
import os
import random
import struct


def image(rng, size, channels, kind, classes):
    """The bytes of one image, channels last: noise, and a bright patch in column `kind` of `classes`."""
    pixels = [rng.randrange(0, 96) for _ in range(size * size * channels)]
    left = kind * size // classes
    top = rng.randrange(0, size // 2)
    for y in range(top, top + size // 2):
        for x in range(left, left + max(1, size // classes)):
            for c in range(channels):
                pixels[(y * size + x) * channels + c] += 140
    return bytes(pixels)


def samples(options, count, salt):
    rng = random.Random(f"{options.seed} {salt}")
    labels = bytes(i % options.classes for i in range(count))
    return [image(rng, options.size, options.channels, kind, options.classes) for kind in labels], labels


def write(folder, name, *parts):
    with open(os.path.join(folder, name), "wb") as file:
        for part in parts:
            file.write(part)


def npy(dtype, shape):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (dtype, "".join(f"{n}, " for n in shape))
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()


def write_idx(options):
    for name, count in (("train", options.count), ("t10k", options.count // 4)):
        images, labels = samples(options, count, name)
        write(options.out, f"{name}-images-idx3-ubyte", struct.pack(">4I", 0x803, count, options.size, options.size), *images)
        write(options.out, f"{name}-labels-idx1-ubyte", struct.pack(">2I", 0x801, count), labels)


def write_arrays(options):
    images, labels = samples(options, options.count, "train")
    shape = (options.count, options.size, options.size, options.channels)
    values = [struct.pack(f"<{len(pixels)}f", *(p / 255 for p in pixels)) for pixels in images]
    write(options.out, "x.npy", npy("<f4", shape), *values)
    write(options.out, "y.npy", npy("|u1", (options.count,)), labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--format", choices=("idx", "arrays"), default="idx")
    for name, value in (("count", 96), ("size", 12), ("channels", 1), ("classes", 4), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    if options.format == "idx" and options.channels != 1:
        parser.error("idx files hold grey images")
    os.makedirs(options.out, exist_ok=True)
    (write_idx if options.format == "idx" else write_arrays)(options)


if __name__ == "__main__":
    main()
