# `cnnc import` of networks of Keras: files of Keras 3 and of Keras 2 (tests/data/make_keras.py) give the answers of Keras; what cannot be
# taken is told.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cp tests/data/keras/* "$folder"
python3 tests/data/make_shapes.py "$folder/shapes" --count 8 --size 8 >/dev/null
cd "$folder"
gunzip net.h5.gz old.h5.gz
if "$CNNC" import net.keras -o net.cnn 2>&1 | grep -q 'built without libhdf5'; then
    echo "skipped: this cnnc was built without libhdf5 and cJSON"
    exit 77
fi
expect 0 'net.cnn: 620 weights, in net.safetensors' "$CNNC" import net.keras -o net.cnn
sed '/^$/,$d' net.cnn >text
cat >expected <<'END'
# Made of net.keras by `cnnc import`. To go on from its weights:
#     cnnc run net.cnn --start net.safetensors
model net {
    input 8x8x3 -> rescale 0.007843138, offset=-1
    conv 4, 3x3, stride=2, pad=[0, 1, 0, 1], name="stem" -> batchnorm eps=0.001, name="stem_norm"
    relu6
    residual {
        depthwise 3x3, multiplier=2, pad=1, name="wide" -> hsigmoid
        depthwise 3x3, pad=1, bias=false, name="separable_depthwise"
        conv 4, 1x1, name="separable" -> silu
    }
    conv 5, 3x3, stride=2, pad=[0, 1, 0, 1], name="inner" -> leaky 0.2
    concat {
        branch {
            maxpool 2, stride=1, pad=[0, 1, 0, 1]
        }
        branch {
            avgpool 2, stride=1, pad=[0, 1, 0, 1]
        }
    }
    flatten -> dropout 25%
    dense 3, name="head" -> softmax
}
END
same text expected "another text: $(diff expected text)"
grep -q 'scale 0..255' net.cnn || wrong "the network scales its pixels itself, and the data section does, too"
expect 0 'shapes/' "$CNNC" predict net.cnn --weights net.safetensors shapes

# as_keras NAME FILE…: what is imported of the files gives the answers of Keras.
as_keras() {
    expected=$1
    shift
    expect 0 '' "$CNNC" import "$@" -o x.cnn
    python3 - <<'END'
import re, struct
text = open("x.cnn").read()
open("x.cnn", "w").write(re.sub(r"(?s)^data \{.*?^\}", 'data {\n    arrays x="x.npy", y="y.npy"\n}', text, flags=re.M))
header = "{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }"
open("y.npy", "wb").write(b"\x93NUMPY\x01\0" + struct.pack("<H", 118) + header.ljust(117).encode() + b"\n" + struct.pack("<4q", 0, 1, 2, 0))
END
    expect 0 '' "$CNNC" eval x.cnn --weights x.safetensors --all --outputs out.npy
    python3 - "$expected" <<'END' || wrong "$* gives other answers than Keras"
import struct, sys
def numbers(path):
    return struct.unpack("<12f", open(path, "rb").read()[-48:])
sys.exit(max(abs(a - b) for a, b in zip(numbers("out.npy"), numbers(sys.argv[1]))) > 1e-5)
END
}
as_keras net.npy net.keras
as_keras net.npy net.h5
as_keras old.npy old.h5

# The architecture alone, and with weights beside it.
python3 - <<'END'
import json, zipfile
archive = zipfile.ZipFile("net.keras")
open("net.json", "wb").write(archive.read("config.json"))
open("net.weights.h5", "wb").write(archive.read("model.weights.h5"))
END
as_keras net.npy net.json net.weights.h5
as_keras net.npy net.json net.h5
expect 0 'alone.cnn: 620 weights; the files have no values for them' "$CNNC" import net.json -o alone.cnn
[ ! -e alone.safetensors ] || wrong "weights were written of an architecture alone"

# The architecture, changed by an expression of Python, is refused with a message that has the text: TEXT | EXPRESSION.
cat >cases <<'END'
layer 'head' (LSTM): cnnc has no layer for it. docs/import.md lists the layers that there are | layer["head"]["class_name"] = "LSTM"
layer 'stem' (Conv2D): its channels come first | config["stem"]["data_format"] = "channels_first"
layer 'stem' (Conv2D): its padding is neither 'valid' nor 'same' | config["stem"]["padding"] = "causal"
layer 'stem' (Conv2D): its 'filters' is no whole number | config["stem"]["filters"] = 1.5
layer 'stem' (Conv2D): its 'kernel_size' is no whole number, or two of them | config["stem"]["kernel_size"] = [3]
layer 'stem' (Conv2D): its input's channels do not fall into its groups | config["stem"]["groups"] = 2
layer 'stem' (Conv2D): its 'use_bias' is no true or false | config["stem"]["use_bias"] = 1
layer 'head' (Dense): cnnc has no activation 'softplus' | config["head"]["activation"] = "softplus"
layer 'head' (Dense): it has less than one filter, group or unit, or too many | config["head"]["units"] = 0
layer 'stem_norm' (BatchNormalization): its axis is not that of the channels | config["stem_norm"]["axis"] = 1
layer 'both' (Concatenate): its axis is not that of the channels | config["both"]["axis"] = 2
layer 'flat' (Conv1D): cnnc has no layer | layer["flat"]["class_name"] = "Conv1D"
layer 'drop' (Conv2D): its input is no picture | layer["drop"]["class_name"] = "Conv2D"
nothing makes the value of 'nowhere' | layer["flat"]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "nowhere"
its value depends on itself | layer["stem"]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "stem_relu"
the network has 2 outputs; cnnc's have one | model["config"]["output_layers"] = [["head", 0, 0], ["flat", 0, 0]]
the network has several inputs | layer["stem"]["class_name"] = "InputLayer"; config["stem"]["batch_shape"] = [None, 4, 4, 4]
the input has no fixed extents | config["picture"]["batch_shape"][1] = None
the input is no picture: it must have 4 dimensions, or 2 | config["picture"]["batch_shape"] = [None, 8, 8]
layer 'stem' (Conv2D): its weights are used several times | layer["stem"]["inbound_nodes"] *= 2
a 'Custom' of Keras; only Sequential and Functional models tell their layers | model["class_name"] = "Custom"
one of its layers has no class_name, or no config | del layer["stem"]["config"]
the network ends with a picture of 4x4x4 | model["config"]["output_layers"] = [["sum", 0, 0]]
END
python3 - <<'END'
import json
text = open("net.json").read()
for number, line in enumerate(open("cases")):
    model = json.loads(text)
    layer = {each["name"]: each for each in model["config"]["layers"]}
    config = {name: each["config"] for name, each in layer.items()}
    exec(line.split(" | ")[1].strip())
    json.dump(model, open(f"bad{number}.json", "w"))
END
number=0
while IFS= read -r line; do
    expect 1 "${line% | *}" "$CNNC" import "bad$number.json" -o y.cnn
    number=$((number + 1))
done <cases

# Weights that do not fit, and files that are none.
sed 's/"units": 3/"units": 4/' net.json >wide.json
expect 1 "layer 'head' (Dense): its 'kernel' should be [40, 4], and the file has [40, 3]" "$CNNC" import wide.json net.weights.h5 -o y.cnn
expect 1 "layer 'head' (Dense): its 'kernel' should be [40, 4], and the file has [40, 3]" "$CNNC" import wide.json net.h5 -o y.cnn
sed 's/"stem"/"root"/g' net.json >root.json
expect 1 "layer 'root' (Conv2D): the file has no numbers for its 'kernel'" "$CNNC" import root.json net.h5 -o y.cnn
expect 1 "'net.weights.h5' has weights alone: name the .json file of its network, too" "$CNNC" import net.weights.h5 -o y.cnn
head -c 4000 net.h5 >cut.h5
expect 1 "'cut.h5' is no HDF5 file, or damaged" "$CNNC" import cut.h5 -o y.cnn
head -c 4000 net.keras >cut.keras
expect 1 "cut.keras" "$CNNC" import cut.keras -o y.cnn
printf '{"class_name": ' >cut.json
expect 1 "'cut.json' is no JSON of a network of Keras" "$CNNC" import cut.json -o y.cnn
python3 -c 'import zipfile; zipfile.ZipFile("empty.keras", "w").writestr("config.json", "{}")'
expect 1 "'empty.keras' is no network of Keras: it has no 'metadata.json'" "$CNNC" import empty.keras -o y.cnn
expect 2 "the files are not of one network" "$CNNC" import net.keras net.h5 -o y.cnn
[ ! -e y.cnn ] || wrong "y.cnn was written"
exit $failed
