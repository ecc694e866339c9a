# `cnnc predict --why`: the picture, which class it is about, and every mistake. What the map holds is tested in unit/test_explanation.c.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
# A patch with stripes across or down, in one of four places: what speaks for a class lies there.
python3 - <<'END'
import os, random, struct, zlib
def png(path, pixels, size):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(pixels[y * size : (y + 1) * size]) for y in range(size))
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)) +
                           chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
draw = random.Random(1)
for kind, across in ("across", True), ("down", False):
    os.makedirs(f"data/{kind}")
    for n in range(40):
        left, top = draw.choice([(1, 5), (11, 5), (6, 1), (6, 11)])
        pixels = [0] * 400
        for y in range(top, top + 8):
            for x in range(left, left + 8):
                pixels[y * 20 + x] = 255 if (y if across else x) % 4 < 2 else 60
        png(f"data/{kind}/{n:02}-{left}-{top}.png", pixels, 20)
END
cat >m.cnn <<'END'
model M {
    input data.shape
    conv 6, 3x3, pad=same -> relu
    conv 6, 3x3, pad=same -> batchnorm -> relu
    globalpool -> dense data.classes -> softmax
}
data {
    folder "data", channels=1
    split test=20%
    scale 0..1
}
train {
    loss cross_entropy
    optimizer adam, rate=0.02
    batch 8
    epochs 12
}
END
expect 0 'weights written' "$CNNC" run m.cnn --save w.safetensors
for picture in data/down/*-1-5.png; do cp "$picture" left.png; done
rm -r data
predict() {
    "$CNNC" predict m.cnn --weights w.safetensors "$@"
}
expect 0 'left.png  down  ' predict left.png
line=$(cat "$answer")
expect 0 'why.png: what speaks for down in left.png' predict --why why.png left.png
grep '^left.png  ' "$answer" | grep -qxF -- "$line" || wrong "with --why the prediction is another one: $line and $(cat "$answer")"

# The original at the left, as it is; at the right the same with colour, most of it where the patch is.
cat >look.py <<'END'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
assert (depth, kind) == (8, 2), (depth, kind)
at, packed = 8, b""
while at < len(data):
    size = struct.unpack(">I", data[at : at + 4])[0]
    if data[at + 4 : at + 8] == b"IDAT":
        packed += data[at + 8 : at + 8 + size]
    at += 12 + size
raw, rows, before = zlib.decompress(packed), [], bytes(3 * width)
for y in range(height):
    line = bytearray(raw[y * (3 * width + 1) + 1 : (y + 1) * (3 * width + 1)])
    way = raw[y * (3 * width + 1)]
    for i in range(len(line)):
        a, b, c = line[i - 3] if i > 2 else 0, before[i], before[i - 3] if i > 2 else 0
        p = a + b - c
        paeth = a if abs(p - a) <= min(abs(p - b), abs(p - c)) else b if abs(p - b) <= abs(p - c) else c
        line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth)[way]) & 255
    rows.append([tuple(line[i : i + 3]) for i in range(0, len(line), 3)])
    before = line
side = height
assert side == 400 and width == 2 * side + 8, (width, height)
assert all(r == g == b for row in rows for r, g, b in row[:side]), "the original has colour"
assert all(pixel == (255, 255, 255) for row in rows for pixel in row[side : side + 8])
assert rows[130][50][0] in (60, 255) and rows[130][300][0] == 0, "the original is not the picture"
inside = outside = 0
for y in range(0, side, 5):
    for x in range(0, side, 5):
        r, g, b = rows[y][side + 8 + x]
        was = rows[y][x][0]
        if x // 20 < 10 and 4 <= y // 20 < 14:
            inside += abs(r - was) + abs(g - was) + abs(b - was)
        else:
            outside += abs(r - was) + abs(g - was) + abs(b - was)
print(inside, outside)
assert inside > 0 and inside / 100 > 2 * outside / 300, (inside, outside)
END
python3 look.py why.png >seen 2>&1 || wrong "why.png: $(cat seen)"
expect 0 'across.png: ' predict --class across --why across.png left.png
! cmp -s why.png across.png || wrong '--class changes nothing'
expect 0 'why.png: ' predict --why why.png --json left.png

# ---- Mistakes ----
expect 2 '--class is for --why' predict --class down left.png
expect 2 "'why.jpg' should end in .png" predict --why why.jpg left.png
expect 2 '--why explains one file, and 2 are named' predict --why why.png left.png left.png
expect 2 "there is no class 'up'; there are 'across', 'down'" predict --why why.png --class up left.png
expect 1 'nowhere.png: cannot open' predict --why why.png nowhere.png
printf 'text\n' >text.png
expect 2 "'text.png' is there already and is not a picture in PNG" predict --why text.png left.png
expect 2 'cannot write' predict --why nowhere/why.png left.png
exit $failed
