# cnnc bench: its tables add up, fit in 100 columns and say the same as the JSON; the loader; the picture; an evaluation; mistakes.
# And explain --measure, which measures likewise.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 26 >/dev/null
cd "$folder"
cat >m.cnn <<'MODEL'
block a_block_with_a_rather_long_name(channels) {
    conv channels, 3x3, pad=same -> batchnorm -> relu
}
model Bench {
    input data.shape
    conv 4, 3x3 -> relu -> maxpool 2
    a_block_with_a_rather_long_name 8
    flatten
    dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, seed=1
    resize 26x26
    scale 0..1
}
train {
    optimizer adam
    batch 8
}
MODEL
sed '/^data {/,/^}/d; s/data.shape/26x26x3/; s/data.classes/3/' m.cnn >nodata.cnn

narrow() { # the last answer, but for the warning that nodata.cnn gets
    if grep -v missing-data "$answer" | awk 'length > 100' | grep .; then wrong "$*: lines longer than 100 characters"; fi
}
measured() {
    expect 0 '' "$CNNC" bench --windows 1 --images 16 "$@"
    narrow bench "$@"
}
measured m.cnn --json m.json --windows 3
cp "$answer" table
expect 0 'loader' cat table
python3 - m.json table training <<'PYTHON' || wrong "the figures do not fit each other: $(cat table)"
import json, re, sys
report = json.load(open(sys.argv[1]))
table = open(sys.argv[2]).read()
assert report["report"] == "bench" and report["program"] == sys.argv[3]
layers = sum(layer["seconds"] for layer in report["layers"])
kernels = sum(kernel["seconds"] for kernel in report["kernels"])
assert kernels > 0 and abs(layers - kernels) < 1e-6 * kernels, (layers, kernels)
for layer in report["layers"]:
    assert abs(layer["seconds"] - layer["forward"] - layer["backward"] - layer["update"]) < 1e-9
    own = sum(kernel["seconds"] for kernel in report["kernels"] if kernel["layer"] == layer["layer"])
    assert not layer["layer"] or abs(own - layer["seconds"]) <= 1e-6 * own, layer
assert abs(sum(kernel["flops"] for kernel in report["kernels"]) - report["flops"]) <= 1e-6 * report["flops"]
assert len(report["window_seconds"]) == 3 and min(report["window_seconds"]) == report["best_seconds"] <= report["step_seconds"]
assert report["batch"] == 8 and report["peak_flops"] > 1e8
assert report["cache_bytes_per_second"] > 1e8 and report["memory_bytes_per_second"] > 1e8
assert 0 < report["first_step_seconds"] < 600 and report["memory_bytes"] > report["device_bytes"] > 0
assert report["loader_images_per_second"] > 0 and 0 <= report["loader_waited_share"] <= 1
assert 0 < report["loader_core_seconds"] < 10 / report["loader_images_per_second"]
for kernel in report["kernels"]:
    assert kernel["part"] in ("forward", "backward", "update") and kernel["bound"] in ("compute", "cache", "memory"), kernel
    assert kernel["bytes"] >= kernel["far_bytes"] >= 0 and kernel["bound_share"] >= 0, kernel
what = {(kernel["layer"], kernel["part"]): kernel["what"] for kernel in report["kernels"]}
assert what["conv1", "forward"] == "conv + maxpool + bias + relu", what
# The tables: rows of layers, and of kernels, add up to what is written below them.
all_layers, all_kernels = (float(x) for x in re.findall(r"^(?:all kernels .* )?([\d.]+) +[\d.]+%(?: +all \d+)?$",
    "\n".join(line.strip() for line in table.splitlines() if line.startswith("all kernels") or re.search(r" all \d+$", line)), re.M))
parts = table.split("\n\n")
rows = [line.split() for line in parts[1].splitlines()[1:]]
sums = [float(row[-2]) for row in rows if row[0] not in ("all", "waiting,")]
assert abs(sum(sums) - all_layers) < 0.1 * len(rows) and abs(all_layers - all_kernels) < 0.2, (sums, all_layers, all_kernels)
rows = [line.split() for line in parts[2].splitlines()[1:] if re.match(r" +[\d.]+ +[\d.]+%", line)]
assert abs(sum(float(row[0]) for row in rows[:-1]) - all_kernels) < 0.1 * len(rows), rows
PYTHON
measured nodata.cnn --json e.json --eval
cp "$answer" table
python3 - e.json <<'PYTHON' || wrong "bench --eval: $(cat table)"
import json, sys
report = json.load(open(sys.argv[1]))
assert report["program"] == "evaluation" and report["loader_images_per_second"] is None
assert {kernel["part"] for kernel in report["kernels"]} == {"forward"}
PYTHON
if grep -q '^  loader' table; then wrong 'a loader without data'; fi
# A whole file of `cache disk` is read, and the pictures are not: here they are zeros of the same size and date.
sed 's/    resize 26x26/&\n    cache disk/' m.cnn >cached.cnn
measured cached.cnn
if ls cache/cnnc/samples-* 2>/dev/null; then wrong 'bench has begun a file of decoded samples'; fi
expect 0 'packed' "$CNNC" data pack cached.cnn
for picture in shapes/*/*; do
    touch -r "$picture" date
    head -c "$(wc -c <"$picture")" /dev/zero >zeros
    cp zeros "$picture"
    touch -r date "$picture"
done
measured cached.cnn
expect 1 'not a picture, but of an unknown kind' "$CNNC" bench m.cnn
measured nodata.cnn --quiet --threads 1
[ "$(wc -l <"$answer")" -le 12 ] || wrong 'bench --quiet prints tables'
grep -q ' in 1 thread$' "$answer" || wrong 'bench --threads 1 runs in more'

# explain --measure
expect 0 '% of the step' "$CNNC" explain nodata.cnn --measure --json x.json
narrow explain --measure
python3 -c '
import json
report = json.load(open("x.json"))
assert report["step_seconds"] > 0 and sum(kernel["seconds"] for kernel in report["kernels"]) > 0' || wrong 'explain --measure measures nothing'

# The picture.
if ldd "$CNNC" | grep -q libcairo; then
    measured nodata.cnn --plot roof.png
    measured nodata.cnn --plot roof.svg --eval
    python3 - <<'PYTHON' || wrong 'a picture is not what it should be: see above'
import struct, xml.dom.minidom
head = open("roof.png", "rb").read(24)
width, height = struct.unpack(">II", head[16:])
assert head[:8] == b"\x89PNG\r\n\x1a\n" and width > 600 and height > 400, (head, width, height)
assert xml.dom.minidom.parse("roof.svg").documentElement.tagName == "svg"
PYTHON
else
    expect 3 'built without cairo' "$CNNC" bench nodata.cnn --plot roof.png
fi

# Mistakes, before anything is measured.
expect 2 'ends neither with .png nor with .svg' "$CNNC" bench m.cnn --plot roof.gif
expect 2 'is the model itself' "$CNNC" bench m.cnn --json m.cnn
expect 2 'nowhere' "$CNNC" bench m.cnn --json nowhere/b.json
expect 2 '--windows must be from 1' "$CNNC" bench m.cnn --windows 0
expect 2 '--images must be from 1' "$CNNC" bench m.cnn --images 0
expect 1 'unreadable' "$CNNC" bench m.cnn --set data.folder=unreadable
exit $failed
