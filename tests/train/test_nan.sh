# Trainings whose numbers are no longer finite: what began it is named, and `nan` decides. Trainings that learn nothing are told so.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
python3 tests/data/make_patterns.py "$folder/p" --format arrays --count 160 --size 12 >/dev/null
cd "$folder"
cat >m.cnn <<'END'
model M {
    input data.shape
    conv 4, 3x3 -> leaky 0.1 -> maxpool 2
    flatten -> dense 8 -> leaky 0.1
    dense data.classes -> softmax
}
data {
    arrays x="p/x.npy", y="p/y.npy"
    split validation=20%
    shuffle false
}
train {
    loss cross_entropy
    optimizer sgd, rate=0.05
    batch 8
    epochs 2
    nan stop
}
END
run() {
    local status=$1 text=$2
    shift 2
    expect "$status" "$text" "$CNNC" run m.cnn --no-out --threads 2 "$@"
}
says() {
    grep -qE -- "$1" "$answer" || wrong "nothing says '$1': $(cat "$answer")"
}

# A rate that is far too high: the layer with its line. What was saved stays as it is.
sed 's/ -> softmax//; s/cross_entropy/mse/; s/rate=0.05/rate=1000/' m.cnn >rate.cnn
run 0 'weights written' --epochs 1 --save w.safetensors
cp w.safetensors old
for fuse in --threads=2 --no-fuse; do
    expect 4 'no weights were written. A lower learning rate (now 1000) or clip norm=1 may help' "$CNNC" run rate.cnn --no-out --save w.safetensors $fuse
    says 'the loss is (not a number|infinite) at step [0-9]+ \(epoch 1\): the first value that is not finite is one of [a-z0-9.]+ \(rate.cnn:[0-9]+:[0-9]+\) in the forward pass, for p/x.npy\[[0-9]+\]; no'
done
same old w.safetensors 'a training that diverges writes weights'

# A sample whose values are beyond all bounds.
cp p/x.npy good.npy
cat >spoil.py <<'END'
import struct, sys
data = bytearray(open("good.npy", "rb").read())
head = len(data) - 160 * 144 * 4
for sample in map(int, sys.argv[1:]):
    data[head + sample * 576 : head + (sample + 1) * 576] = struct.pack("<144f", *[3e38 * (-1) ** i for i in range(144)])
open("p/x.npy", "wb").write(data)
END
python3 spoil.py 20
run 4 'in the forward pass, for p/x.npy[20]; no weights were written'
says '^step [0-9]+ trained on 8 samples:'
says '^  p/x.npy\[20\]'
expect 0 '' "$CNNC" build m.cnn -o trainer
expect 4 'p/x.npy[20]; no weights' ./trainer --no-out

# Left out: the weights are those of a training to which it never happened, whatever the threads.
sed 's/nan stop/nan skip/' m.cnn >skip.cnn
for threads in 1 2; do
    expect 0 'this update is left out' "$CNNC" run skip.cnn --no-out --threads $threads --save skip$threads.safetensors --log skip.jsonl
    says '[1-4] updates? of this epoch w[a-z]+ left out, as the numbers were not finite'
done
same skip1.safetensors skip2.safetensors 'updates that are left out depend on the threads'
grep -q '"loss": null' skip.jsonl || wrong 'the log does not have the step that was left out'
sed 's/batch 8/batch 8, accumulate=2/' skip.cnn >sum.cnn
expect 0 'weights written' "$CNNC" run sum.cnn --no-out --save sum.safetensors
sed 's/nan skip/nan back, factor=10%/' skip.cnn >back.cnn
expect 4 'after going back 5 times: ' "$CNNC" run back.cnn --no-out --epochs 9
says 'back to the weights of step [0-9]+, with 0.1 of the rate'
python3 spoil.py $(seq 0 159)
sed 's/nan skip/nan skip, most=1/' skip.cnn >most.cnn
expect 4 'after leaving out 1 in a row: ' "$CNNC" run most.cnn --no-out --epochs 9

# The average of the weights begins with the first ones, also where the first update is left out.
python3 spoil.py $(seq 0 7)
sed '/split/d' skip.cnn >first.cnn
sed 's/nan skip/nan skip\n    average ema=0.999/' first.cnn >average.cnn
for model in first average; do
    expect 0 'at step 1: ' "$CNNC" run $model.cnn --no-out --threads 2 --save $model.safetensors
done
python3 - <<'END' || wrong 'an average that begins with an update that is left out is nothing'
import struct
def size(path):
    data = open(path, "rb").read()
    head = 8 + struct.unpack("<Q", data[:8])[0]
    return sum(abs(x) for x in struct.unpack("<%df" % ((len(data) - head) // 4), data[head:]))
assert size("average.safetensors") > 0.5 * size("first.safetensors")
END

# A guarded training is the same as long as its numbers are finite; unfused kernels find the same.
cp good.npy p/x.npy
run 0 'weights written' --save plain.safetensors
expect 0 'weights written' "$CNNC" run skip.cnn --no-out --threads 2 --save guarded.safetensors
python3 - <<'END' || wrong 'nan skip changes what is learnt'
import json, struct
def values(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8 : 8 + size])
    return {k: struct.unpack("<%df" % ((v["data_offsets"][1] - v["data_offsets"][0]) // 4), data[8 + size + v["data_offsets"][0] : 8 + size + v["data_offsets"][1]]) for k, v in head.items() if k != "__metadata__"}
a, b = values("plain.safetensors"), values("guarded.safetensors")
for k in a:
    assert all(abs(x - y) < 1e-4 * (1 + abs(x)) for x, y in zip(a[k], b[k])), k
END

# Remedies: a rate of nearly nothing; a layer that gives only zeros.
run 0 'the loss has not moved from 1.' --set train.optimizer.rate=1e-9 --epochs 14
# A training that was interrupted, within an epoch, is told the same; and once.
cp "$answer" whole
still() {
    expect 0 'goes on in still' "$CNNC" run m.cnn --set train.optimizer.rate=1e-9 --resume=still "$@"
}
expect 0 '' "$CNNC" run m.cnn --set train.optimizer.rate=1e-9 --steps 37 --out still
still --epochs 14
[ "$(grep 'the loss has not moved from' whole)" = "$(grep 'the loss has not moved from' "$answer")" ] || wrong "going on, nothing is said: $(cat "$answer")"
still --epochs 15
grep 'the loss has not moved' "$answer" && wrong 'it is said again'
sed 's/leaky 0.1/relu/; s/rate=0.05/rate=200/; s/batch 8/batch 16/' m.cnn >dead.cnn
got=0
"$CNNC" run dead.cnn --no-out >"$answer" 2>&1 || got=$?
[ $got = 0 ] && says '^[a-z]+[0-9] \(dead.cnn:[345]:[0-9]+\) gives only zeros for a whole batch'
exit $failed
