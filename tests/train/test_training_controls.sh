# Statements of `train` that change how the weights are learnt, from the text of a model to the files: average,
# start with freeze= and new=, rates, time.
set -eu
root=$PWD
folder=$(mktemp -d)
. tests/expect.sh
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 24 --size 16 >/dev/null
cd "$folder"

# model NAME STATEMENT…: a model whose `train` has these lines besides.
model() {
    cat >"$1.cnn" <<'END'
model M {
    input data.shape
    conv 4, 3x3, pad=same -> batchnorm -> relu -> maxpool 2
    conv 8, 3x3 -> relu
    flatten
    dense 8 -> relu
    dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=25%, seed=1
    resize 16x16
    scale 0..1
}
train {
    optimizer sgd, rate=0.05, momentum=0.9
    batch 8
    epochs 2
END
    printf '    %s\n' "${@:2}" "}" >>"$1.cnn"
}
# groups FILE: kernels of a training step.
groups() {
    "$CNNC" emit --stage plan "$1" | grep -c '^  group'
}
# evaluated TEXT: what a line of an epoch or of an evaluation says of the loss.
loss_of() {
    grep -o "$1loss [0-9.]*" "$answer" | tail -n 1 | sed 's/.*loss //'
}

tensor() { # FILE NAME: a sum over the bytes of a tensor of a weight file
    python3 - "$1" "$2" <<'END'
import hashlib, json, struct, sys
data = open(sys.argv[1], "rb").read()
length = struct.unpack("<Q", data[:8])[0]
begin, end = json.loads(data[8:8 + length])[sys.argv[2]]["data_offsets"]
print(hashlib.sha256(data[8 + length + begin:8 + length + end]).hexdigest())
END
}

model plain
model average "average ema=0.9"
[ "$(groups plain.cnn)" = "$(groups average.cnn)" ] || wrong "the average costs kernels: $(groups average.cnn), without $(groups plain.cnn)"
trains plain plain.cnn
trains average average.cnn --out whole
said=$(loss_of val_)
same plain.losses average.losses "the average changes the training"
cmp -s plain.safetensors average.safetensors && wrong "the average is not saved"
for file in average.safetensors whole/best.safetensors whole/last.safetensors whole/checkpoint-14.safetensors; do
    expect 0 '' "$CNNC" eval average.cnn --weights $file
    [ "$(loss_of ' ')" = "$said" ] || wrong "$file is evaluated with another loss than $said: $(cat "$answer")"
done

# A training that goes on from a checkpoint has both, to the bit.
expect 0 '' "$CNNC" run average.cnn --out parts --steps 5
expect 0 '' "$CNNC" run average.cnn --resume=parts --epochs 2
for name in conv1.kernel average.conv1.kernel; do
    [ "$(tensor parts/checkpoint-14.safetensors $name)" = "$(tensor whole/checkpoint-14.safetensors $name)" ] || wrong "$name is another after --resume"
done

# Frozen layers: the backward pass ends above them, they stay as they are, to the bit, and so do the statistics of a frozen batchnorm.
model frozen 'start "plain.safetensors", freeze="conv*, batchnorm*"'
model half 'start "plain.safetensors", freeze="conv1"'
[ "$(groups frozen.cnn)" -lt "$(groups half.cnn)" ] && [ "$(groups half.cnn)" -lt "$(groups plain.cnn)" ] ||
    wrong "kernels: $(groups frozen.cnn) with all convolutions frozen, $(groups half.cnn) with one, $(groups plain.cnn) with none"
expect 0 '' "$CNNC" emit --stage graph frozen.cnn
grep -q 'conv2d_d' "$answer" && wrong "a gradient goes through frozen convolutions"
expect 0 '412 parameters are frozen' "$CNNC" show frozen.cnn
trains frozen frozen.cnn --out frozen
expect 0 'start from /' "$CNNC" run frozen/resolved.cnn --no-out --steps 1 # the folder's text finds the weights from anywhere
for name in conv1.kernel batchnorm1.gamma batchnorm1.mean conv2.kernel conv2.bias; do
    [ "$(tensor frozen.safetensors $name)" = "$(tensor plain.safetensors $name)" ] || wrong "$name was frozen and has changed"
done
[ "$(tensor frozen.safetensors dense2.kernel)" != "$(tensor plain.safetensors dense2.kernel)" ] || wrong "dense2 has not been learnt"

# Another number of classes: an error with advice, and a new layer where it is asked for. The path is that of the model's folder.
mkdir elsewhere
python3 "$root/tests/data/make_shapes.py" more --count 12 --size 16 >/dev/null
cp -r more/disc more/other
wider() {
    model wider "$@"
    sed -i 's/"shapes"/"more"/' wider.cnn
}
wider 'start "plain.safetensors"'
cd elsewhere
expect 1 "'start' with new=\"dense2\" learns this layer anew" "$CNNC" run ../wider.cnn
cd ..
wider 'start "plain.safetensors", freeze="*", new="dense2"'
cd elsewhere
expect 0 'of 11 tensors; initialised are dense2.kernel, dense2.bias' "$CNNC" run ../wider.cnn --save ../wider.safetensors
cd ..
[ "$(tensor wider.safetensors dense1.kernel)" = "$(tensor plain.safetensors dense1.kernel)" ] || wrong "dense1 was frozen and has changed"
expect 0 'start from wider.safetensors' "$CNNC" run wider.cnn --start wider.safetensors --steps 1 # the command line has the last word
model missing 'start "none.safetensors"'
expect 1 "missing.cnn:19:5: start: 'none.safetensors' is neither" "$CNNC" run missing.cnn

# A trainer does the same.
expect 0 '' "$CNNC" build frozen.cnn -o trainer
expect 0 'start from' ./trainer --save built.safetensors
same built.safetensors frozen.safetensors "a trainer with frozen layers learns something else"

# A budget of time: it ends in it, and the rate at the end of its schedule.
model timed 'time 3 s' 'schedule { cosine to=0 }'
sed -i '/epochs 2/d' timed.cnn
trains timed timed.cnn
grep -q '^time 3 s: [0-9]* steps' "$answer" || wrong "no plan is told: $(cat "$answer")"
python3 - <<'END' || wrong "the training did not take its 3 s, or the rate did not fall: $(tail -n 1 timed.jsonl)"
import json
steps = [json.loads(line) for line in open("timed.jsonl")]
seconds = sum(step["seconds"] for step in steps)
assert 1.5 < seconds < 3.5 and steps[0]["rate"] > 0.049 and steps[-1]["rate"] < 0.005, (seconds, steps[-1])
END
trains few timed.cnn --epochs 1
[ "$(wc -l <few.jsonl)" = 7 ] || wrong "--epochs does not take the place of 'time'"

exit $failed
