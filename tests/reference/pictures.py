"""Pictures of every format and kind, written and read by Pillow, and what cnnc decodes of them (decode.c).

    python3 pictures.py --decode build/release/tests/decode --folder /tmp/pictures

Each picture is decoded in 1, 3 and 4 channels, and in as many as it has itself, and compared with Pillow's pixels. A format
that was not built in is left out, with a line that says so.
"""
import argparse
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

HEIGHT, WIDTH = 13, 11
JPEG_TOLERANCE = 3  # both use libjpeg-turbo, but perhaps of other versions, and other conversions of CMYK and grey


def pixels(channels, seed=1, smooth=False):
    random = np.random.default_rng(seed)
    if not smooth:
        return random.integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([(9 * y * (c + 1) + 7 * x + 40 * c) % 256 for c in range(channels)], axis=2).astype(np.uint8)


def image(mode, **named):
    data = pixels(len(Image.new(mode, (1, 1)).getbands()), **named)
    return Image.fromarray(data[:, :, 0] if data.shape[2] == 1 else data, mode)


def palette(colors=256):
    picture = Image.fromarray(pixels(1)[:, :, 0] % colors, "P")
    picture.putpalette(np.random.default_rng(2).integers(0, 256, 3 * colors, dtype=np.uint8).tobytes())
    return picture


def png(path, kind, depth, interlace=False, transparent=b""):
    """A PNG of a color type and depth that Pillow does not write; returns samples [height, width, channels] of `depth` bits."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    values = np.random.default_rng(kind * 32 + depth).integers(0, 1 << depth, (HEIGHT, WIDTH, channels))
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    raw = b""
    for top, left, down, right in passes if interlace else [(0, 0, 1, 1)]:
        for row in values[top::down, left::right]:
            if row.size:
                bits = (row.reshape(-1, 1) >> np.arange(depth - 1, -1, -1)) & 1
                raw += b"\0" + np.packbits(bits.astype(np.uint8).ravel()).tobytes()

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    colors = np.random.default_rng(3).integers(0, 256, (1 << min(depth, 8), 3), dtype=np.uint8)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, interlace)))
        if kind == 3:
            file.write(chunk(b"PLTE", colors.tobytes()))
        if transparent:
            file.write(chunk(b"tRNS", transparent))
        file.write(chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
    return values


def bmp(path, bits, compression, data, masks=b"", colors=b"", height=HEIGHT):
    """A BMP from its parts: what Pillow reads and does not write."""
    start = 14 + 40 + len(masks) + len(colors)
    with open(path, "wb") as file:
        file.write(b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start))
        file.write(struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, compression, len(data), 0, 0, len(colors) // 4, 0))
        file.write(masks + colors + data)


def make(folder):
    """Writes all pictures; yields (file, tolerance)."""

    def save(picture, name, tolerance=0, **named):
        path = os.path.join(folder, name)
        picture.save(path, **named)
        return path, tolerance

    def path_of(name):
        return os.path.join(folder, name)

    for kind, depths in {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}.items():
        for depth in depths:
            for interlace in (0, 1):
                name = path_of(f"type{kind}-{depth}-{interlace}.png")
                png(name, kind, depth, interlace)
                yield name, 0
    png(path_of("palette-alpha.png"), 3, 4, 0, bytes(range(0, 160, 10)))
    yield path_of("palette-alpha.png"), 0

    exif = Image.Exif()
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        yield save(image("RGB", smooth=True), f"turned{orientation}.jpg", JPEG_TOLERANCE, quality=95, exif=exif)
        yield save(image("RGB"), f"turned{orientation}.png", exif=exif)
        yield save(image("RGB"), f"turned{orientation}.webp", lossless=True, exif=exif.tobytes())
        yield save(image("RGB"), f"turned{orientation}.tif", tiffinfo={274: orientation})
    yield save(image("L", smooth=True), "grey.jpg", JPEG_TOLERANCE, quality=95)
    yield save(image("CMYK", smooth=True), "cmyk.jpg", JPEG_TOLERANCE, quality=95)
    yield save(image("RGB", smooth=True), "progressive.jpg", JPEG_TOLERANCE, quality=90, progressive=True)

    for mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        yield save(image(mode), f"{mode}.tif", 1 if mode == "CMYK" else 0)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield save(image("RGB"), f"{compression}.tif", compression=compression)
    yield save(image("L", smooth=True).convert("1"), "fax.tif", compression="group4")
    yield save(image("RGB", smooth=True), "jpeg.tif", JPEG_TOLERANCE, compression="jpeg", quality=95)
    yield save(palette(), "palette.tif")
    yield save(image("RGB"), "pages.tif", save_all=True, append_images=[image("RGB", seed=2)])

    yield save(image("RGB"), "lossless.webp", lossless=True)
    yield save(image("RGBA"), "alpha.webp", lossless=True, exact=True)
    yield save(image("RGB", smooth=True), "lossy.webp", JPEG_TOLERANCE, quality=90)

    yield save(palette(), "palette.gif")
    yield save(palette(16), "interlaced.gif", interlace=1)
    yield save(palette(), "transparent.gif", transparency=7)
    yield save(palette(), "animated.gif", save_all=True, append_images=[palette(4)], loop=0)

    path, _ = save(palette(), "whole.gif")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[6:10] = struct.pack("<HH", WIDTH + 7, HEIGHT + 9)  # the canvas
    frame = data.index(b",\0\0\0\0" + struct.pack("<HH", WIDTH, HEIGHT))
    data[frame + 1 : frame + 5] = struct.pack("<HH", 3, 4)  # where the frame lies
    with open(path_of("canvas.gif"), "wb") as file:
        file.write(data)
    yield path_of("canvas.gif"), 0

    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield save(palette() if mode == "P" else image("L").convert("1") if mode == "1" else image(mode), f"{mode}.bmp")
    colors = np.random.default_rng(4).integers(0, 256, (256, 4), dtype=np.uint8).tobytes()
    random = np.random.default_rng(5)
    row = random.integers(0, 256, (HEIGHT, 24), dtype=np.uint8)
    bmp(path_of("565.bmp"), 16, 3, row.tobytes(), masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    yield path_of("565.bmp"), 0
    bmp(path_of("555.bmp"), 16, 0, row.tobytes())
    yield path_of("555.bmp"), 0
    bmp(path_of("4.bmp"), 4, 0, row[:, :8].tobytes(), colors=colors[:64])
    yield path_of("4.bmp"), 0
    bmp(path_of("down.bmp"), 24, 0, random.integers(0, 256, (HEIGHT, 36), dtype=np.uint8).tobytes(), height=-HEIGHT)
    yield path_of("down.bmp"), 0
    runs = b"".join(bytes([4, y, 0, 5, 1, 2, 3, y, 5, 0, 2, 200, 0, 0]) for y in range(HEIGHT)) + b"\0\1"
    bmp(path_of("runs8.bmp"), 8, 1, runs, colors=colors)
    yield path_of("runs8.bmp"), 0
    runs = b"".join(bytes([4, 0x12, 0, 6, 0x34, 0x56, 0x70, 0, 0, 0]) for y in range(HEIGHT)) + b"\0\1"
    bmp(path_of("runs4.bmp"), 4, 2, runs, colors=colors[:64])
    yield path_of("runs4.bmp"), 0


def upper_bytes(picture):
    """16 bits grey, which Pillow would clip, by their upper byte."""
    return Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8), "L")


def expected(path, channels):
    """Pillow's pixels, by the rules of docs/data.md."""
    with Image.open(path) as picture:
        picture.load()
        picture = ImageOps.exif_transpose(picture)
        if picture.mode.startswith("I"):
            picture = upper_bytes(picture)
        transparent = picture.mode in ("LA", "RGBA", "PA") or "transparency" in picture.info
        grey = picture.mode in ("1", "L", "LA")
        if channels == 0:
            channels = 4 if transparent else 1 if grey else 3
        if channels == 4:
            data = np.asarray(picture.convert("RGBA"))
        elif grey:  # of LA, Pillow makes RGB by dropping alpha too
            data = np.asarray(picture.convert("LA" if picture.mode == "LA" else "L"))
            data = data[:, :, :1] if data.ndim == 3 else data[:, :, None]
            data = np.repeat(data, channels, axis=2)
        else:
            data = np.asarray(picture.convert("RGBA" if transparent else "RGB"))[:, :, :3]
            if channels == 1:
                weights = np.array([19595, 38470, 7471], dtype=np.uint32)
                data = ((data.astype(np.uint32) @ weights + 32768) >> 16).astype(np.uint8)[:, :, None]
    return data


def decoded(program, channels, path):
    out = subprocess.run([program, str(channels), path], stdout=subprocess.PIPE, check=True).stdout
    head, _, data = out.partition(b"\n")
    if head.startswith(b"error: "):
        return head.decode()
    shape = [int(number) for number in head.split()]
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--decode", required=True)
    parser.add_argument("--folder", required=True)
    arguments = parser.parse_args()
    wrong, compared, missing = 0, 0, set()
    for path, tolerance in make(arguments.folder):
        for channels in (0, 1, 3, 4):
            got = decoded(arguments.decode, channels, path)
            if isinstance(got, str) and "was built without" in got:
                missing.add(got.split("was built without ")[1].split(":")[0])
                continue
            want = expected(path, channels)
            compared += 1
            if isinstance(got, str):
                complaint = got
            elif got.shape != want.shape:
                complaint = f"{got.shape} instead of {want.shape}"
            else:
                difference = np.abs(got.astype(int) - want.astype(int))
                if difference.max() <= tolerance:
                    continue
                at = np.unravel_index(difference.argmax(), difference.shape)
                complaint = f"{got[at]} instead of {want[at]} at {tuple(map(int, at))}"
            print(f"FAIL {os.path.basename(path)} in {channels} channels: {complaint}")
            wrong += 1
    for library in sorted(missing):
        print(f"left out: {library} was not built in")
    print(f"{compared} decoded, {wrong} wrong")
    return wrong > 0 or compared == 0


if __name__ == "__main__":
    sys.exit(main())
