#!/usr/bin/env python3
"""Photograph-like pictures of characters drawn from the machine's fonts, a folder per class.

    python make_glyphs.py --classes 42 --count 100000 --size 64 --format jpeg --out DIR --seed 1

Every picture is a character of one of hundreds of fonts, turned, scaled, sheared, coloured and set
on a gradient with noise (or, with --photos, on a crop of a photograph).  Fonts of the test part
never occur, in any style, in the training part, so accuracy on it measures learning of shapes.
The files depend only on the options, the fonts and pillow's version; not on --jobs.
Needs: numpy, pillow.
Layout: OUT/train/<class>/<number>.jpg (or .png) and OUT/test/...; with --test 0, OUT/<class>/...
"""
import argparse, hashlib, json, math, multiprocessing, os, re, sys, unicodedata
import numpy as np
from PIL import Image, ImageFont
import fontscan

S = {}                                   # settings and fonts, inherited by the workers


def class_name(i, ch):
    if S["args"].classes <= 10:
        return ch
    return "%03d_%s" % (i, re.sub("[^a-z0-9]+", "_", unicodedata.name(ch).lower()))


def uniform(seed, *words):
    """A number in [0,1) that depends only on its arguments."""
    h = hashlib.blake2b(repr((seed,) + words).encode(), digest_size=8).digest()
    return int.from_bytes(h, "little") / 2.0 ** 64


def mask_of(font, ch, px):
    """The character, centred in a square of 2*px."""
    m, _ = font.getmask2(ch, mode="L")
    im = Image.frombytes("L", m.size, bytes(m))
    # the same height or width for all fonts: the longer side becomes px
    k = px / max(m.size)
    im = im.resize((max(1, round(m.size[0] * k)), max(1, round(m.size[1] * k))), Image.BILINEAR)
    out = Image.new("L", (2 * px, 2 * px))
    out.paste(im, ((2 * px - im.size[0]) // 2, (2 * px - im.size[1]) // 2))
    return out


def picture(mask, rng, size, colour):
    n = mask.size[0]
    u = rng.random(20)
    a = math.radians((u[0] - .5) * 40)
    s = (1 / (.55 + .4 * u[1])) * (n / 2) / size          # source pixels per target pixel
    sx, sh = .85 + .3 * u[2], (u[3] - .5) * .4
    ca, sa = math.cos(a) * s, math.sin(a) * s
    A, B, D, E = ca * sx + sh * sa, -sa + sh * ca, sa * sx, ca
    cx, cy = size * (.5 + (u[4] - .5) * .2), size * (.5 + (u[5] - .5) * .2)
    C, F = n / 2 - A * cx - B * cy, n / 2 - D * cx - E * cy
    m = mask.transform((size, size), Image.AFFINE, (A, B, C, D, E, F), Image.BILINEAR)
    m = np.asarray(m, np.float32)[:, :, None] * np.float32(1 / 255)
    if S["photos"]:
        ph = S["photos"][int(u[6] * len(S["photos"]))]
        y, x = int(u[7] * (ph.shape[0] - size)), int(u[8] * (ph.shape[1] - size))
        bg = ph[y:y + size, x:x + size].astype(np.float32)
        if u[9] < .5:
            bg = bg[:, ::-1]
        mean = bg.mean((0, 1))
    else:
        c0, c1 = 255 * u[6:9], 255 * u[9:12]
        if S["args"].ink != "any":
            c0, c1 = 127 + .5 * c0, 127 + .5 * c1
        c1 = c0 + .5 * (c1 - c0)
        t = 2 * math.pi * u[12]
        ramp = (S["xx"] * math.cos(t) + S["yy"] * math.sin(t))[:, :, None]
        bg = (c0 + (c1 - c0) * (ramp + .5)).astype(np.float32)
        mean = (c0 + c1) / 2
    ink = (90 if S["args"].ink == "dark" else 255) * u[13:16] if colour is None else colour + 30 * u[13:16]
    lum = np.array([.3, .59, .11])
    if abs((ink - mean) @ lum) < 60:                          # keep it legible
        ink = ink + (90 if mean @ lum < 128 else -90)
    im = bg + m * (ink.astype(np.float32) - bg)
    r = 2 + 14 * u[16]                                        # noise: one table, other window
    o = int(u[17] * (S["noise"].size - size * size * 3))
    im += np.float32(r) * S["noise"][o:o + size * size * 3].reshape(size, size, 3)
    return np.clip(im, 0, 255).astype(np.uint8)


def chunk(job):
    """All pictures of one font: [(class, part, number)]."""
    path, todo = job
    a, last = S["args"], None
    px = min(128, max(24, a.size))
    font = ImageFont.truetype(path, px, layout_engine=ImageFont.Layout.BASIC)
    for c, part, k in sorted(todo):
        if c != last:
            mask, last = mask_of(font, fontscan.CHARS[c], px), c
            colour = 150 * np.array([uniform(a.seed, "ink", c, k) for k in range(3)]) if a.ink == "class" else None
        rng = np.random.default_rng([a.seed, c, part == "test", k])
        arr = picture(mask, rng, a.size, colour)
        name = os.path.join(folder_of(part), S["names"][c], "%06d.%s" % (k, "png" if a.format == "png" else "jpg"))
        im = Image.fromarray(arr)
        if a.format == "png":
            im.save(name, compress_level=a.png_level)
        else:
            im.save(name, "JPEG", quality=a.quality)
    return len(todo)


def folder_of(part):
    return os.path.join(S["args"].out, part) if S["args"].test > 0 else S["args"].out


def counts(total, n, imbalance):
    """How many pictures each class gets; the first class has `imbalance` times the last one's."""
    w = np.array([imbalance ** (-i / max(1, n - 1)) for i in range(n)])
    exact = total * w / w.sum()
    got = np.floor(exact).astype(int)
    for i in np.argsort(-(exact - got), kind="stable")[:total - got.sum()]:
        got[i] += 1
    return got


def load_photos(dirs, size):
    """Photographs as arrays, at most 1600 wide and high; under a
    folder named wallpapers only the largest file of each folder (the rest is the same at other sizes)."""
    out = []
    for top in dirs:
        for root, sub, names in os.walk(top):
            sub.sort()
            jpg = [os.path.join(root, n) for n in sorted(names) if n.lower().endswith((".jpg", ".jpeg"))]
            jpg = [f for f in jpg if os.path.isfile(f) and not os.path.islink(f)]
            if "wallpapers" in os.path.abspath(root).split(os.sep):
                jpg = sorted(jpg, key=lambda f: (-os.path.getsize(f), f))[:1]
            for f in jpg:
                with Image.open(f) as im:
                    im.draft("RGB", (1600, 1600))
                    im = im.convert("RGB")
                    im.thumbnail((1600, 1600), Image.BILINEAR)
                    if min(im.size) > size:
                        out.append(np.asarray(im))
    return out[:64]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--out", required=True)
    p.add_argument("--classes", type=int, default=42)
    p.add_argument("--count", type=int, default=100000, help="pictures in all, test part included")
    p.add_argument("--test", type=float, default=0.1, help="share of the test part")
    p.add_argument("--size", type=int, default=64)
    p.add_argument("--format", choices=["jpeg", "png"], default="jpeg")
    p.add_argument("--quality", type=int, default=90)
    p.add_argument("--png-level", type=int, default=3)
    p.add_argument("--imbalance", type=float, default=1.0, help="largest class / smallest class")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--fonts", nargs="*", default=fontscan.FONT_DIRS, help="font folders")
    p.add_argument("--photos", nargs="*", default=[], help="folders of JPEG photographs as backgrounds")
    p.add_argument("--ink", choices=["any", "dark", "class"], default="any",
                   help="any: darker or lighter than the ground; dark: always darker, which small networks learn sooner; "
                        "class: each class has a colour of its own, too, as flowers have")
    p.add_argument("--jobs", type=int, default=1)
    a = p.parse_args()
    if not 2 <= a.classes <= len(fontscan.CHARS):
        sys.exit("make_glyphs: --classes is 2 to %d" % len(fontscan.CHARS))
    S["args"] = a
    fonts = fontscan.scan(a.fonts)
    if len(fonts) < 10:
        sys.exit("make_glyphs: %d usable fonts; install more (see README.md)" % len(fonts))
    S["photos"] = load_photos(a.photos, a.size)
    if a.photos and not S["photos"]:
        sys.exit("make_glyphs: no photograph found in " + " ".join(a.photos))
    S["names"] = [class_name(i, ch) for i, ch in enumerate(fontscan.CHARS[:a.classes])]
    S["noise"] = np.random.default_rng([a.seed, 7]).standard_normal(4 * a.size * a.size * 3 + 65536, np.float32)
    g = (np.arange(a.size, dtype=np.float32) + .5) / a.size - .5
    S["xx"], S["yy"] = g[None, :], g[:, None]

    # families in the test part: the first tenth (or --test) in a seeded order
    fams = sorted({fontscan.family(f) for f, _ in fonts}, key=lambda f: uniform(a.seed, "family", f))
    held = set(fams[:round(len(fams) * a.test)]) if a.test > 0 else set()
    plan, made = {}, {"train": 0, "test": 0}
    per_class = counts(a.count, a.classes, a.imbalance)
    for c, ch in enumerate(fontscan.CHARS[:a.classes]):
        n_test = int(round(per_class[c] * a.test))
        for part, n in (("train", per_class[c] - n_test), ("test", n_test)):
            able = [f for f, cov in fonts if ch in cov and (fontscan.family(f) in held) == (part == "test")]
            if n and not able:
                sys.exit("make_glyphs: no font in the %s part draws %r" % (part, ch))
            made[part] += int(n)
            able.sort(key=lambda f: uniform(a.seed, c, os.path.basename(f)))
            for k in range(n):
                plan.setdefault(able[k % len(able)], []).append((c, part, k))
    os.makedirs(a.out, exist_ok=True)
    for part in ("train", "test") if a.test > 0 else ("train",):
        for n in S["names"]:
            os.makedirs(os.path.join(folder_of(part), n), exist_ok=True)
    jobs = sorted(plan.items())
    if a.jobs > 1:
        with multiprocessing.get_context("fork").Pool(a.jobs) as pool:
            done = sum(pool.imap_unordered(chunk, jobs, chunksize=4))
    else:
        done = sum(map(chunk, jobs))
    with open(os.path.join(a.out, "about.json"), "w") as f:
        json.dump({"made_by": "make_glyphs.py", "options": {k: v for k, v in vars(a).items()
                   if k not in ("out", "jobs", "fonts", "photos")}, "fonts": len(fonts),
                   "families": len(fams), "families_in_test": len(held), "photos": len(S["photos"]),
                   "classes": S["names"], "train": made["train"], "test": made["test"]}, f, indent=1)
        f.write("\n")
    print("%d pictures, %d classes, %d fonts of %d families (%d in test) -> %s"
          % (done, a.classes, len(fonts), len(fams), len(held), a.out))


if __name__ == "__main__":
    main()
