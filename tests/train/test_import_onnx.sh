# `cnnc import` of networks in ONNX: what it writes is checked, predicts and trains at once; what it cannot take, it says.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_onnx.py "$folder"
python3 tests/data/make_shapes.py "$folder/shapes" --count 8 --size 16 >/dev/null
cd "$folder"
if "$CNNC" import net.onnx -o net.cnn 2>&1 | grep -q 'built without protobuf-c'; then
    echo "skipped: this cnnc was built without protobuf-c"
    exit 77
fi
expect 0 'net.cnn: 424 weights, in net.safetensors' "$CNNC" import net.onnx -o net.cnn
sed '/^$/,$d' net.cnn >text
cat >expected <<'END'
# Made of net.onnx by `cnnc import`. To go on from its weights:
#     cnnc run net.cnn --start net.safetensors
model net {
    input 8x8x3
    conv 4, 3x3, stride=2, pad=[0, 1, 0, 1], bias=true, name="stem" -> batchnorm momentum=0.9, eps=1e-5, name="norm"
    relu
    residual {
        depthwise 3x3, pad=1, bias=false, name="inner" -> hswish
    }
    shuffle 2
    flatten
    dense 4, name="dense" -> softmax
}
END
same text expected "another text: $(diff expected text)"
expect 0 'names no source' "$CNNC" check net.cnn
expect 0 '' "$CNNC" fmt --check net.cnn
expect 0 'shapes/' "$CNNC" predict net.cnn --weights net.safetensors shapes

# Scalings that follow each other are one; those that change nothing are gone.
expect 0 '' "$CNNC" import scales.onnx -o scales.cnn
[ "$(grep -c rescale scales.cnn)" = 1 ] && grep -q 'rescale 0.5 -> relu$' scales.cnn || wrong "another scaling: $(cat scales.cnn)"
grep -q 'scale 0..255' scales.cnn || wrong "a network that scales itself takes pixels as they are"

# A kernel that the network itself turns: number n of the file, at [row][column][in][out], stays there, as that is cnnc's order.
expect 0 '' "$CNNC" import kernel_turned.onnx -o turned.cnn
python3 -c 'import struct, sys
bytes = open("turned.safetensors", "rb").read()
start = 8 + struct.unpack("<Q", bytes[:8])[0]
kernel = struct.pack("<81f", *range(81))
sys.exit(kernel not in bytes[start:])' || wrong "the kernel was not turned"

# What cnnc exports comes back the same, its scaling of the pixels included.
cat >own.cnn <<'END'
model Own {
    input 16x16x3
    conv 4, 3x3 -> relu -> globalpool -> dense data.classes -> softmax
}
data {
    folder "shapes"
    resize 16x16, fit=crop
    scale -1..1
}
train {
    epochs 2
}
END
expect 0 '' "$CNNC" run own.cnn --no-out --save own.safetensors
expect 0 '' "$CNNC" export own.cnn --weights own.safetensors -o own.onnx
expect 0 '' "$CNNC" import own.onnx -o back.cnn
"$CNNC" predict own.cnn --weights own.safetensors shapes --csv >own.csv
"$CNNC" predict back.cnn --weights back.safetensors shapes --csv >back.csv
same own.csv back.csv "other answers after export and import: $(diff own.csv back.csv | head -n 4)"

# refused NAME TEXT: NAME.onnx is refused, with a message that has the text.
refused() {
    expect 1 "$2" "$CNNC" import "$1.onnx" -o x.cnn
}
refused lstm "lstm.onnx: node '/body/LSTM' (LSTM): cnnc has no layer for it. docs/import.md lists the operators that there are"
refused two "two.onnx: the network has two inputs, 'x' and 'z'"
refused open "dimension 2 of input 'x' has no fixed extent"
refused flat "input 'x' is no picture: it must have 4 dimensions, or 2"
refused outputs "the network has 2 outputs; cnnc's have one"
refused picture "the network ends with a picture of 8x8x3"
refused nothing "node '' (Relu): nothing makes its input 'w'"
refused kernel "node 'c' (Conv): its kernel is computed"
refused shape "node 'c' (Conv): its kernel does not fit its input"
refused bytes "tensor 'w' has not as many bytes as its shape says"
refused turn "node 't' (Transpose): only a change between channels first and channels last"
refused softmax "node 's' (Softmax): cnnc's 'softmax' is that of the channels"
refused order "node 't' (Transpose): its order is not one of all dimensions"
refused halved "node '' (Div): constants that are no shapes are computed"
refused clip "node 'c' (Clip): only a range with two ends, or from 0 on, has a layer"
refused samples "node 'r' (Reshape): it does not keep the samples apart"
head -c 300 net.onnx >cut.onnx
refused cut "'cut.onnx' is no network in ONNX, or damaged"
: >empty.onnx
refused empty "'empty.onnx' is no network in ONNX, or damaged"
expect 2 "the files are not of one network" "$CNNC" import net.onnx net.onnx -o x.cnn
[ ! -e x.cnn ] || wrong "x.cnn was written"
exit $failed
