# `cnnc export`: the network that ONNX Runtime is given says of a picture what `cnnc predict` says, the data section's stages included;
# weights as .npz, .safetensors and C are the trained ones; batchnorms are folded; every mistake.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 - <<'END'
import os, random, struct, zlib
random.seed(1)
def png(path, pixel):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"".join(bytes(pixel(y, x)) for x in range(12)) for y in range(12))
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 12, 12, 8, 2, 0, 0, 0)) +
                           chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
for number, name in enumerate(["disc", "square", "triangle"]):
    os.makedirs(f"shapes/{name}")
    for n in range(12):
        png(f"shapes/{name}/{n:04}.png", lambda y, x: [random.randrange(100) + 50 * ((y * number + x) % 4) for _ in range(3)])
END
cat >m.cnn <<'END'
model M {
    input data.shape
    conv 4, 3x3 -> batchnorm -> relu -> maxpool 2
    flatten -> batchnorm -> dense data.classes, name="last" -> softmax
}
data {
    folder "shapes"
    split test=50%
    scale -1..1
    standardize
    augment { flip horizontal }
}
train {
    loss cross_entropy
    optimizer adam
    batch 8
    epochs 3
}
END
sed 's/scale -1..1/resize 10x10/; s/standardize/standardize per=pixel/; s/-> relu/-> squeeze_excite 2, gate=hsigmoid -> relu/' m.cnn >resized.cnn
sed '/^data/,/^}/d; s/data.shape/12x12x3/; s/data.classes/3/' m.cnn >bare.cnn
expect 0 'weights written' "$CNNC" run m.cnn --save m.safetensors --no-out
expect 0 'weights written' "$CNNC" run resized.cnn --save resized.safetensors --no-out
mv shapes pictures # the training data are not needed
export_to() {
    expect 0 "$1: " "$CNNC" export m.cnn --weights m.safetensors -o "$@"
}

# ---- Weights ----
export_to plain.safetensors
export_to folded.safetensors --fold
grep -q ', 1 of 2 batchnorms folded' "$answer" || wrong "what was folded is not told: $(cat "$answer")"
export_to m.h
export_to weights --format h
same m.h weights 'a format by its name'
has_npz=true
"$CNNC" export m.cnn --weights m.safetensors -o m.npz >"$answer" 2>&1 || has_npz=false
$has_npz || grep -q 'it was built without libarchive' "$answer" || wrong "no .npz: $(cat "$answer")"
cat >compare.py <<'END'
import sys
sys.path.insert(0, sys.argv[1] + "/tests/reference")
import numpy as np
import safetensors
trained, plain, folded = map(safetensors.load, ("m.safetensors", "plain.safetensors", "folded.safetensors"))
assert sorted(trained) == sorted(plain), (list(trained), list(plain))
assert all((trained[name] == plain[name]).all() for name in trained)
if sys.argv[2] == "true":
    arrays = np.load("m.npz")
    assert arrays.files == list(plain), arrays.files
    assert all(arrays[name].shape == trained[name].shape and (arrays[name] == trained[name]).all() for name in trained)
factor = trained["batchnorm1.gamma"] / np.sqrt(trained["batchnorm1.variance"] + np.float32(1e-3))
np.testing.assert_allclose(folded["conv1.kernel"], trained["conv1.kernel"] * factor, rtol=1e-5)
np.testing.assert_allclose(folded["conv1.bias"], trained["batchnorm1.beta"] - trained["batchnorm1.mean"] * factor, rtol=1e-4, atol=1e-6)
assert not any(name.startswith("batchnorm1") for name in folded) and "batchnorm2.gamma" in folded, list(folded)
END
PYTHONDONTWRITEBYTECODE=1 python3 compare.py "$top" $has_npz || wrong 'the exported weights are not the trained ones'
# A network with a bias in place of the batchnorm takes the folded weights, and says the same.
sed 's/conv 4, 3x3 -> batchnorm -> relu/conv 4, 3x3 -> relu/; s/flatten -> batchnorm/flatten -> batchnorm name="batchnorm2"/' m.cnn >folded.cnn
"$CNNC" predict m.cnn --weights m.safetensors --csv --top 3 pictures >plain.csv 2>errors || wrong "predict: $(cat errors)"
"$CNNC" predict folded.cnn --weights folded.safetensors --csv --top 3 pictures >folded.csv 2>errors || wrong "predict: $(cat errors)"
cat >near.py <<'END'
import csv, sys
first, second = (list(csv.reader(open(path, newline="")))[1:] for path in sys.argv[1:])
assert len(first) == len(second) > 0
for a, b in zip(first, second):
    assert a[0] == b[0], (a, b)
    a, b = (dict(zip(row[1::2], map(float, row[2::2]))) for row in (a, b))
    assert a.keys() == b.keys() and all(abs(a[name] - b[name]) < 1e-5 for name in a), (a, b)
END
python3 near.py plain.csv folded.csv || wrong 'folded weights predict something else'
cat >use.c <<'END'
#include <stdio.h>
#include "m.h"
int main(void)
{
    printf("%zu %.9g %.9g\n", sizeof conv1_kernel / sizeof *conv1_kernel, conv1_kernel[0], last_bias[2]);
    return 0;
}
END
if command -v cc >/dev/null; then
    cc -Wall -Wno-unused-variable -o use use.c && ./use >numbers
    python3 - "$top" <<'END' || wrong "the arrays of C: $(cat numbers)"
import sys
sys.path.insert(0, sys.argv[1] + "/tests/reference")
sys.dont_write_bytecode = True
import numpy as np
import safetensors
trained = safetensors.load("m.safetensors")
count, first, bias = open("numbers").read().split()
kernel = trained["conv1.kernel"]
assert int(count) == kernel.size and np.float32(first) == kernel.flat[0] and np.float32(bias) == trained["last.bias"][2]
END
fi

# ---- The network ----
if "$CNNC" export m.cnn --weights m.safetensors -o m.onnx >"$answer" 2>&1; then
    grep -q '^m.onnx: .* operators (version 18), ' "$answer" || wrong "what was written: $(cat "$answer")"
    export_to folded.onnx --fold
    export_to logits.onnx --logits
    export_to bare.onnx --bare
    grep -q 'a sample behind scale, standardize,' "$answer" || wrong "what is left to do is not told: $(cat "$answer")"
    expect 0 'a sample behind resize,' "$CNNC" export resized.cnn --weights resized.safetensors -o resized.onnx
    grep -aq HardSigmoid resized.onnx || wrong 'a part of a layer is taken apart, though ONNX has an operator for it'
    expect 0 'bare2.onnx: ' "$CNNC" export bare.cnn --weights m.safetensors -o bare2.onnx
    if python3 -c 'import onnx, onnxruntime, PIL' 2>/dev/null; then
        cat >run.py <<'END'
import csv
import numpy as np
import onnx
import onnxruntime
from PIL import Image

def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

def close(a, b, limit=1e-5):
    assert np.abs(a - b).max() < limit, np.abs(a - b).max()

rows = list(csv.reader(open("plain.csv", newline="")))[1:]
pictures = np.stack([np.asarray(Image.open(row[0]).convert("RGB"), np.float32).transpose(2, 0, 1) for row in rows])
network = session("m.onnx")
kept = network.get_modelmeta().custom_metadata_map
classes = kept["classes"].split("\n")[:-1]
assert classes == ["disc", "square", "triangle"] and kept["input"] == "12x12x3" and "before" not in kept, kept
port, = network.get_inputs()
assert port.name == "input" and port.shape == ["batch", 3, 12, 12], (port.name, port.shape)
port, = network.get_outputs()
assert port.name == "probabilities" and port.shape == ["batch", 3], (port.name, port.shape)
shares, = network.run(None, {"input": pictures})
for row, own in zip(rows, shares):
    close(np.array([dict(zip(row[1::2], row[2::2]))[name] for name in classes], float), own)
close(session("folded.onnx").run(None, {"input": pictures})[0], shares)
logits, = session("logits.onnx").run(["logits"], {"input": pictures})
power = np.exp(logits - logits.max(1, keepdims=True))
close(power / power.sum(1, keepdims=True), shares)
bare = session("bare.onnx")
assert bare.get_modelmeta().custom_metadata_map["before"] == "scale, standardize"
alone = session("bare2.onnx")
assert not {"before", "classes"} & set(alone.get_modelmeta().custom_metadata_map)
close(alone.run(None, {"input": pictures / 255})[0], bare.run(None, {"input": pictures / 255})[0], 1e-9)
resized = session("resized.onnx")
assert resized.get_inputs()[0].shape == ["batch", 3, 10, 10] and resized.get_modelmeta().custom_metadata_map["before"] == "resize"

# What the network itself sees of a picture: the very bits that cnnc's stages make.
model = onnx.load("m.onnx")
first = next(node.input[0] for node in model.graph.node if node.op_type == "Conv")
model.graph.output.append(onnx.helper.make_tensor_value_info(first, onnx.TensorProto.FLOAT, None))
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
plain = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
number = [row[0] for row in rows].index("pictures/disc/0003.png")
seen, = plain.run([first], {"input": pictures[number : number + 1]})
assert (seen[0].transpose(1, 2, 0) == np.load("seen.npy")).all()
END
        mv pictures shapes
        expect 0 'seen.npy' "$CNNC" data dump m.cnn --sample shapes/disc/0003.png -o seen.npy
        mv shapes pictures
        python3 run.py || wrong 'ONNX Runtime says something else than cnnc predict'
    else
        echo 'ONNX is not run: no onnxruntime'
    fi
else
    grep -q 'it was built without protobuf-c' "$answer" || wrong "export: $(cat "$answer")"
fi

# ---- Mistakes ----
expect 2 '--weights must say which weights' "$CNNC" export m.cnn -o a.onnx
expect 2 '-o must say which file to write' "$CNNC" export m.cnn --weights m.safetensors
expect 2 "'net' has no ending that tells the format" "$CNNC" export m.cnn --weights m.safetensors -o net
expect 2 "'a.b/net' has no ending" "$CNNC" export m.cnn --weights m.safetensors -o a.b/net
expect 2 "there is no format 'pt'; there are onnx, keras, h5, npz, safetensors, h" "$CNNC" export m.cnn --weights m.safetensors -o net.pt
expect 2 "there is no format 'ONNX2'" "$CNNC" export m.cnn --weights m.safetensors --format ONNX2 -o net.onnx
expect 2 '--logits is for a network in ONNX' "$CNNC" export m.cnn --weights m.safetensors --logits -o net.h
expect 2 '--bare is for a network in ONNX' "$CNNC" export m.cnn --weights m.safetensors --bare -o net.npz
expect 2 'are the weights themselves' "$CNNC" export m.cnn --weights m.safetensors --fold -o ./m.safetensors
echo 'int notes;' >notes.h
expect 2 "'notes.h' is there already and is not a header with weights" "$CNNC" export m.cnn --weights m.safetensors -o notes.h
expect 2 'is the model itself' "$CNNC" export m.cnn --weights m.safetensors --format h -o m.cnn
expect 1 'none.safetensors' "$CNNC" export m.cnn --weights none.safetensors -o a.h
sed 's/conv 4/conv 5/' m.cnn >wider.cnn
expect 1 'belongs to another network' "$CNNC" export wider.cnn --weights m.safetensors -o a.h
exit $failed
