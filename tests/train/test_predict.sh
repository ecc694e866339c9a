# `cnnc predict`: it says what `cnnc eval` says, of files alone, where the training data are gone; every kind of source, of output, of
# mistake; and a trainer does the same.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 16 --size 16 >/dev/null
cd "$folder"
cat >m.cnn <<'END'
model M {
    input data.shape -> conv 4, 3x3 -> relu -> maxpool 2 -> flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split test=50%
    resize 12x12
    standardize
    augment { mixup 0.2 -> flip horizontal }
}
train {
    loss cross_entropy
    optimizer adam
    batch 8
    epochs 3
}
END

# trained NAME: NAME.cnn is trained, and its answers to all samples are NAME.answers.csv.
trained() {
    expect 0 'weights written' "$CNNC" run "$1.cnn" --save "$1.safetensors"
    expect 0 'outputs written' "$CNNC" eval "$1.cnn" --weights "$1.safetensors" --all --outputs "$1.answers.csv"
}

# predicts FILE COMMAND…: what is printed to the standard output becomes FILE; the exit code is 0.
predicts() {
    local to=$1
    shift
    "$@" >"$to" 2>errors </dev/null || wrong "$*: exit code $?: $(cat errors)"
}

# agree ANSWERS PREDICTED: the table of eval and that of predict, with all classes, say the same of the same files.
cat >agree.py <<'END'
import csv, sys
def rows(path):
    return list(csv.reader(open(path, newline="", encoding="utf-8")))
answers, predicted = rows(sys.argv[1]), rows(sys.argv[2])
classes = answers[0][4:] if answers[0][1] == "class" else None
known = {row[0]: row for row in answers[1:]}
assert len(predicted) == len(answers) > 1, (len(predicted), len(answers))
for row in predicted[1:]:
    own = known[row[0]]
    if classes is None:
        assert all(abs(float(a) - float(b)) < 1e-5 for a, b in zip(row[1:], own[2:])) and len(row) == len(own) - 1, (row, own)
        continue
    shares, values = dict(zip(row[1::2], map(float, row[2::2]))), list(map(float, row[2::2]))
    assert row[1] == own[2] and set(classes) <= set(shares) and values == sorted(values, reverse=True), (row, own)
    for name, value in zip(classes, own[4:]):
        assert abs(shares[name] - float(value)) < 1e-5, (row, own)
END
agree() {
    python3 agree.py "$1" "$2" || wrong "$1 and $2 say different things: $(head -n 3 "$1" "$2")"
}

# ---- The same answers, and without the data ----
trained m
mv shapes elsewhere
sed 's/shapes\//elsewhere\//' m.answers.csv >answers.csv
predicts all.csv "$CNNC" predict m.cnn --weights m.safetensors --top 3 --csv elsewhere
agree answers.csv all.csv
head -n 1 all.csv | tr -d '\r' | grep -qx 'file,class,share,class2,share2,class3,share3' || wrong "columns: $(head -n 1 all.csv)"
predicts other.csv "$CNNC" predict m.cnn --weights m.safetensors --top 5 --csv --batch 5 --threads 1 elsewhere/
same all.csv other.csv 'another batch and one thread'

# Files in the order in which they are named; lines for people; JSON.
predicts lines "$CNNC" predict m.cnn --weights m.safetensors elsewhere/square/0001.png elsewhere/disc/0000.png
[ "$(wc -l <lines)" = 2 ] || wrong "two files: $(cat lines)"
head -n 1 lines | grep -qxE 'elsewhere/square/0001\.png  (disc|square|triangle)  [0-9]{1,3}\.[0-9] %' || wrong "a line: $(cat lines)"
predicts top "$CNNC" predict m.cnn --weights m.safetensors --top=2 elsewhere/disc/0000.png
grep -qxE 'elsewhere/disc/0000\.png(  [a-z]+  [0-9.]+ %){2}' top || wrong "two classes: $(cat top)"
cp elsewhere/disc/0000.png 'a "b", c.png'
predicts json "$CNNC" predict m.cnn --weights m.safetensors --json --top 3 'a "b", c.png' elsewhere/disc/0001.png
predicts quoted.csv "$CNNC" predict m.cnn --weights m.safetensors --csv --top 3 'a "b", c.png'
python3 - <<'END' || wrong "JSON: $(cat json)"
import csv, json
first, second = [json.loads(line) for line in open("json")]
assert first["file"] == 'a "b", c.png' and second["file"] == "elsewhere/disc/0001.png", first
assert len(first["classes"]) == 3 and abs(sum(c["share"] for c in first["classes"]) - 1) < 1e-5, first
row = list(csv.reader(open("quoted.csv", newline="")))[1]
assert row[0] == first["file"] and row[1] == first["classes"][0]["class"], row
END

# A list of paths, folders among them, from Windows too; empty lines are no files.
printf 'elsewhere/square\r\n\nelsewhere/disc/0003.png\n' >list
"$CNNC" predict m.cnn --weights m.safetensors --csv --top 3 - elsewhere/triangle <list >listed.csv 2>errors || wrong "a list: $(cat errors)"
[ "$(wc -l <listed.csv)" = 34 ] || wrong "$(wc -l <listed.csv) lines of a list of 33 files"
sed -n 18p listed.csv | grep -q '^elsewhere/disc/0003.png,' || wrong "the order of a list: $(cat listed.csv)"

# What cannot be read is told, and the others keep their order.
cp -r elsewhere spoilt
for n in 2 5 9; do head -c 60 elsewhere/disc/000$n.png >spoilt/disc/000$n.png; done
: >spoilt/square/0000.jpg
status=0
"$CNNC" predict m.cnn --weights m.safetensors --csv --top 3 spoilt nowhere.png >spoilt.csv 2>errors </dev/null || status=$?
[ $status = 1 ] || wrong "unreadable files: exit code $status"
grep -q '^spoilt/disc/0005.png: truncated PNG' errors && grep -q '^spoilt/square/0000.jpg: ' errors &&
    grep -q '^nowhere.png: cannot open: No such file' errors || wrong "unreadable files are not told: $(cat errors)"
grep -q '^cnnc: error: 5 of 50 files could not be read' errors || wrong "unreadable files are not counted: $(cat errors)"
grep -v '/disc/000[259].png' all.csv | sed 's/^elsewhere/spoilt/' >rest.csv
same rest.csv spoilt.csv 'files that can be read, among others'
expect 1 '1 of 1 file could not be read' "$CNNC" predict m.cnn --weights m.safetensors nowhere.png

# ---- Mistakes ----
expect 2 'needs --weights' "$CNNC" predict m.cnn elsewhere
expect 2 'usage: cnnc predict MODEL FILE' "$CNNC" predict m.cnn --weights m.safetensors
expect 2 '--json and --csv contradict each other' "$CNNC" predict m.cnn --weights m.safetensors --json --csv elsewhere
expect 1 'none.safetensors' "$CNNC" predict m.cnn --weights none.safetensors elsewhere
mkdir empty
expect 1 "the folder 'empty' holds no pictures" "$CNNC" predict m.cnn --weights m.safetensors empty
expect 1 'no file is named' "$CNNC" predict m.cnn --weights m.safetensors -
printf 'a.png\0b.png\0' >zeros
expect 1 'has a zero byte' sh -c '"$CNNC" predict m.cnn --weights m.safetensors - <zeros'
expect 3 'cannot be written' sh -c '"$CNNC" predict m.cnn --weights m.safetensors elsewhere >/dev/full'
sed '/^data/,/^}/d; s/data.shape/12x12x3/; s/data.classes/3/' m.cnn >bare.cnn
expect 1 "has no 'data' section" "$CNNC" predict bare.cnn --weights m.safetensors elsewhere
sed 's/conv 4/conv 5/' m.cnn >wider.cnn
expect 1 'belongs to another network' "$CNNC" predict wider.cnn --weights m.safetensors elsewhere
sed 's/    standardize/    scale 0..1/' m.cnn >scaled.cnn
mv elsewhere shapes
expect 0 'weights written' "$CNNC" run scaled.cnn --epochs 1 --save scaled.safetensors
mv shapes elsewhere
expect 1 'the weights were trained with other stages' "$CNNC" predict m.cnn --weights scaled.safetensors elsewhere

# Without `resize` the size is that of the training.
python3 "$top/tests/data/make_patterns.py" idx --count 32 --size 12
sed 's/folder "shapes"/idx "idx"/; /resize/d; s/split test=50%/split validation=25%/' m.cnn >idx.cnn
expect 0 'weights written' "$CNNC" run idx.cnn --save idx.safetensors
rm -r idx
python3 - <<'END'
import struct, zlib
def png(path, side):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(range(side)) for _ in range(side))
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) +
                           chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
png("right.png", 12)
png("large.png", 20)
END
expect 0 'right.png  ' "$CNNC" predict idx.cnn --weights idx.safetensors right.png
expect 1 "large.png: 20 x 20 (height x width), the network takes 12 x 12, and the data have no 'resize'" \
    "$CNNC" predict idx.cnn --weights idx.safetensors right.png large.png
grep -q '^right.png  ' "$answer" || wrong 'a picture of the right size is not predicted'
sed '/resize/d' m.cnn >differ.cnn
expect 1 "differed in size, and the model has no 'resize' now" "$CNNC" predict differ.cnn --weights m.safetensors elsewhere

# Weights of a version that did not keep what samples were: the data tell, if they are there. And such as are damaged.
python3 - <<'END'
import json, struct
data = open("m.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
head = json.loads(data[8 : 8 + size])
kept = head.pop("__metadata__")
assert kept["classes"] == "disc\nsquare\ntriangle\n" and kept["sample"] == "0x0x3 0 255", kept
def write(path, head):
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data[8 + size :])
write("old.safetensors", head)
write("damaged.safetensors", {**head, "__metadata__": {"classes": kept["classes"], "sample": "-1x0x3"}})
END
expect 1 "does not tell what the training's samples were" "$CNNC" predict m.cnn --weights old.safetensors elsewhere
expect 1 "its 'sample' is damaged" "$CNNC" predict m.cnn --weights damaged.safetensors elsewhere
cp -r elsewhere shapes
predicts old.csv "$CNNC" predict m.cnn --weights old.safetensors --csv --top 3 elsewhere
same all.csv old.csv 'weights without metadata, beside their data'

# ---- Other sources and other outputs ----
tar cf shapes.tar shapes
sed 's/folder "shapes"/archive "shapes.tar" { folder "shapes" }/' m.cnn >packed.cnn
expect 0 'weights written' "$CNNC" run packed.cnn --save packed.safetensors
rm shapes.tar
expect 0 'shapes/disc/0000.png  ' "$CNNC" predict packed.cnn --weights packed.safetensors shapes
printf 'file,width,kind\n' >table.csv
for n in 0 1 2 3 4 5 6 7; do echo "shapes/disc/000$n.png,0.$n,round"; echo "shapes/square/000$n.png,0.5,square"; done >>table.csv
sed 's/folder "shapes"/list "table.csv", image="file", label="width", values=numbers, channels=1/; s/mixup 0.2 -> //
     s/dense data.classes -> softmax/dense 1/; s/loss cross_entropy/loss mse/' m.cnn >width.cnn
trained width
mv table.csv table.away
predicts width.csv "$CNNC" predict width.cnn --weights width.safetensors --csv shapes/disc/000[0-7].png shapes/square/000[0-7].png
agree width.answers.csv width.csv
grep -q '^file,output1' width.csv || wrong "the columns of numbers: $(head -n 1 width.csv)"
predicts number "$CNNC" predict width.cnn --weights width.safetensors shapes/disc/0001.png
grep -qxE 'shapes/disc/0001.png  -?[0-9.e-]+' number || wrong "a number: $(cat number)"
predicts number.json "$CNNC" predict width.cnn --weights width.safetensors --json shapes/disc/0001.png
grep -qxE '\{"file": "shapes/disc/0001.png", "outputs": \[-?[0-9.e-]+\]\}' number.json || wrong "a number in JSON: $(cat number.json)"
expect 2 '--top is for classes' "$CNNC" predict width.cnn --weights width.safetensors --top 2 shapes
mv table.away table.csv
sed 's/folder "shapes"/list "table.csv", image="file", label="kind"/
     s/dense data.classes -> softmax/dense 1 -> sigmoid/; s/loss cross_entropy/loss binary_cross_entropy/' m.cnn >two.cnn
trained two
rm table.csv
predicts two.csv "$CNNC" predict two.cnn --weights two.safetensors --csv --top 2 shapes/disc/000[0-7].png shapes/square/000[0-7].png
agree two.answers.csv two.csv

# Logits become shares. `pca` of a share has as many components as the weights say.
sed 's/ -> softmax//; s/standardize/standardize -> pca 80%/; s/conv 4, 3x3 -> relu -> maxpool 2 -> //' m.cnn >logits.cnn
if "$CNNC" check logits.cnn 2>&1 | grep -q 'LAPACK'; then
    echo 'pca: skipped, as this cnnc was built without LAPACK'
    sed -i 's/ -> pca 80%//' logits.cnn
fi
trained logits
mv shapes gone
predicts logits.csv "$CNNC" predict logits.cnn --weights logits.safetensors --csv --top 3 elsewhere
python3 - <<'END' || wrong "logits: $(head -n 3 logits.csv logits.answers.csv)"
import csv, math
known = {row["sample"]: row for row in csv.DictReader(open("logits.answers.csv", newline=""))}
for row in list(csv.reader(open("logits.csv", newline="")))[1:]:
    own = known[row[0].replace("elsewhere", "shapes")]
    power = {name: math.exp(float(own[name])) for name in ("disc", "square", "triangle")}
    for name, share in zip(row[1::2], row[2::2]):
        assert abs(float(share) - power[name] / sum(power.values())) < 1e-4, (row, own)
END

# Arrays that are no pictures: one file a sample.
python3 "$top/tests/data/make_patterns.py" many --format arrays --count 48 --classes 3 --channels 2
sed 's/folder "shapes"/arrays x="many\/x.npy", y="many\/y.npy"/; /resize/d' m.cnn >arrays.cnn
trained arrays
python3 - <<'END'
import struct
data = open("many/x.npy", "rb").read()
size = 10 + struct.unpack("<H", data[8:10])[0]
def npy(path, shape, dtype, values):
    head = repr({"descr": dtype, "fortran_order": False, "shape": shape})
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    open(path, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + values)
bytes_each = 12 * 12 * 2 * 4
for i in range(3):
    npy(f"sample{i}.npy", (12, 12, 2), "<f4", data[size + i * bytes_each : size + (i + 1) * bytes_each])
npy("wide.npy", (12, 13, 2), "<f4", bytes(12 * 13 * 2 * 4))
npy("bytes.npy", (12, 12, 2), "|u1", bytes(12 * 12 * 2))
npy("infinite.npy", (12, 12, 2), "<f4", struct.pack("<f", float("inf")) * 288)
END
rm -r many
predicts arrays.csv "$CNNC" predict arrays.cnn --weights arrays.safetensors --csv --top 3 sample0.npy sample1.npy sample2.npy
{ head -n 1 arrays.answers.csv; grep '^many/x.npy\[[012]\]' arrays.answers.csv | sed -E 's/^many\/x.npy\[(.)\]/sample\1.npy/'; } >samples.csv
agree samples.csv arrays.csv
expect 1 "wide.npy: is 12 x 13 x 2 (height x width x bands), the training's samples were 12 x 12 x 2" "$CNNC" predict arrays.cnn --weights arrays.safetensors wide.npy
expect 1 'bytes.npy: its values are of type u1, whose range is not' "$CNNC" predict arrays.cnn --weights arrays.safetensors bytes.npy
expect 1 'infinite.npy: value 0 is inf' "$CNNC" predict arrays.cnn --weights arrays.safetensors infinite.npy
expect 1 'neither a TIFF nor a .npy file' "$CNNC" predict arrays.cnn --weights arrays.safetensors elsewhere/disc/0000.png

# Tiles of a scene, with the bands first as the model says, and without the scene.
python3 - <<'END'
import random, struct
draw = random.Random(3)
def npy(path, shape, values):
    head = repr({"descr": "<f4", "fortran_order": False, "shape": shape})
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    open(path, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}f", *values))
scene = [[[draw.random() + (x > 5) for x in range(12)] for y in range(12)] for band in range(2)]
npy("scene.npy", (2, 12, 12), [v for band in scene for row in band for v in row])
with open("points.csv", "w") as points:
    points.write("row,column,label\n" + "".join(f"{y},{x},{1 + (x > 5)}\n" for y in range(1, 11) for x in range(1, 11)))
npy("tile.npy", (2, 3, 3), [v for band in scene for row in band[3:6] for v in row[7:10]])
END
sed 's/folder "shapes"/multiband "scene.npy", tile=3x3, points="points.csv", bands=first/; /resize/d
     s/conv 4, 3x3 -> relu -> maxpool 2/conv 4, 3x3 -> relu/' m.cnn >tiles.cnn
trained tiles
rm scene.npy points.csv
predicts tile.csv "$CNNC" predict tiles.cnn --weights tiles.safetensors --csv --top 2 tile.npy
{ head -n 1 tiles.answers.csv; grep -F '"scene.npy[4, 8]"' tiles.answers.csv | sed 's/"scene.npy\[4, 8\]"/tile.npy/'; } >own.csv
agree own.csv tile.csv

# ---- A trainer ----
mv gone shapes
expect 0 'trainer' "$CNNC" build m.cnn -o trainer
mv shapes gone
mkdir away
mv trainer away/
predicts trainer.csv away/trainer predict --weights m.safetensors --top 3 --csv elsewhere
same all.csv trainer.csv 'a trainer predicts'
expect 0 'elsewhere/disc/0000.png  ' away/trainer predict elsewhere/disc/0000.png --weights=m.safetensors
expect 0 'to predict' away/trainer --help
expect 2 'needs --weights' away/trainer predict elsewhere
expect 1 'no file is named' away/trainer predict --weights m.safetensors
expect 2 'compiled for at most 8' away/trainer predict --weights m.safetensors --batch 9 elsewhere
expect 1 'error: 1 of 1 file could not be read' away/trainer predict --weights m.safetensors nowhere.png
exit $failed
