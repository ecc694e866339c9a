# `cnnc export` to Keras: what it writes comes back by `cnnc import` with the same answers; what Keras has no layer for is told. That Keras
# loads it is shown by tests/reference/test_keras.sh.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 4 --size 16 >/dev/null
cd "$folder"
# Branches of different lengths: Keras numbers the weights by the distance from the output.
cat >m.cnn <<'END'
model M {
    input 15x15x3
    conv 4, 3x3, stride=2, pad=1 -> batchnorm -> relu
    concat {
        branch { conv 4, 1x1 }
        branch { conv 4, 3x3, pad=same -> leaky 0.1 -> conv 4, 3x3, pad=[2, 0, 2, 0], bias=false }
    }
    residual { depthwise 3x3, pad=1 -> squeeze_excite 2 }
    maxpool 3, stride=2, pad=1
    transposed 3, 3x3, stride=2, pad=1 -> layer_scale 0.5
    globalpool
    dense data.classes -> softmax
}
data {
    folder "shapes"
    resize 15x15, fit=crop
    scale -1..1
}
train {
    epochs 1
}
END
expect 0 '' "$CNNC" run m.cnn --no-out --save m.safetensors
if "$CNNC" export m.cnn --weights m.safetensors -o m.keras 2>&1 | grep -q 'built without libhdf5'; then
    echo "skipped: this cnnc was built without libhdf5, cJSON or libarchive"
    exit 77
fi
"$CNNC" predict m.cnn --weights m.safetensors shapes --csv >m.csv
# comes_back NAME FILE…: what is imported of the files gives the answers of the model.
comes_back() {
    name=$1
    shift
    printf 'disc\nsquare\ntriangle\n' >classes
    expect 0 '' "$CNNC" import "$@" -o "$name.cnn" --classes classes
    "$CNNC" predict "$name.cnn" --weights "$name.safetensors" shapes --csv >"$name.csv"
    cut -d , -f 1,2 m.csv >have
    cut -d , -f 1,2 "$name.csv" | cmp -s - have || wrong "other answers from $*: $(diff m.csv "$name.csv" | head -n 4)"
}
expect 0 'm.keras: 20 tensors' "$CNNC" export m.cnn --weights m.safetensors -o m.keras
comes_back back m.keras
expect 0 '1 of 1 batchnorms folded' "$CNNC" export m.cnn --weights m.safetensors -o folded.keras --fold
comes_back folded folded.keras
expect 0 'm.weights.h5: 20 tensors' "$CNNC" export m.cnn --weights m.safetensors -o m.weights.h5
python3 -c 'import zipfile; open("m.json", "wb").write(zipfile.ZipFile("m.keras").read("config.json"))'
comes_back apart m.json m.weights.h5
cp m.keras first.keras
expect 0 '' "$CNNC" export m.cnn --weights m.safetensors -o m.keras
same first.keras m.keras "the same weights give other bytes"
expect 0 '' "$CNNC" export m.cnn --weights m.safetensors -o logits.keras --logits --bare
expect 0 '' "$CNNC" import logits.keras -o logits.cnn
grep -q 'softmax\|rescale' logits.cnn && wrong "--logits --bare has softmax, or the scale"

# refused TEXT LAYERS: a model with these layers is refused.
refused() {
    { printf 'model M {\n    input 15x15x3\n    %s\n    globalpool -> dense 3 -> softmax\n}\n' "$2"; sed '1,/^}/d' m.cnn; } >r.cnn
    expect 0 '' "$CNNC" run r.cnn --no-out --save r.safetensors
    expect 1 "$1" "$CNNC" export r.cnn --weights r.safetensors -o r.keras
    [ ! -e r.keras ] || wrong "r.keras was written"
}
refused "layer 'shuffle1' (shuffle): Keras has no layer for it; docs/export.md lists those that it has" 'conv 4, 1x1 -> shuffle 2'
refused "layer 'maxpool1' (maxpool): Keras has pools that are padded by 'same' or not at all" 'maxpool 2, stride=2, pad=1'
refused "layer 'conv1' (conv): Keras has no strides with a dilation" 'conv 4, 3x3, stride=2, dilation=2'
expect 2 "Keras loads weights of files that end with .weights.h5, not of 'm.h5'" "$CNNC" export m.cnn --weights m.safetensors -o m.h5
exit $failed
