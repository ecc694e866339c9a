# `precision f16`: gradients that overflow leave their update out, and the training recovers; what is gone on with gives the same bits; what the
# scale cannot help is for `nan`.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
cd "$folder"
python3 "$top/tests/data/make_patterns.py" data --count 200
# The gradient in front of `rescale` is `factor` times that of the scores: of 500, up to 31 for a sample, which a scale above 2000 takes out of f16.
cat >m.cnn <<'END'
let factor = 20
model Halves {
    input data.shape
    conv 6, 3x3 -> batchnorm -> relu -> maxpool 2
    flatten
    dense data.classes -> rescale factor -> softmax
}
data {
    idx "data"
    split validation=20%, seed=1
    scale 0..1
}
train {
    loss cross_entropy
    optimizer adam, rate=0.01
    batch 16
    epochs 3
    seed 3
    precision f16
}
END
says() {
    grep -qE -- "$1" "$answer" || wrong "nothing says '$1': $(cat "$answer")"
}
run() {
    local status=$1 text=$2
    shift 2
    expect "$status" "$text" "$CNNC" run "$@"
}

# Some updates are left out, and then it learns, on any number of threads, with and without fusion.
for flags in '--threads 1' '--threads 2' '--threads 2 --no-fuse'; do
    run 0 'overflowed f16, scale ' m.cnn --no-out -D factor=500 $flags --save w.safetensors --log log.jsonl
    [ "$(grep -c 'overflowed f16' "$answer")" = 1 ] || wrong "other epochs than the first overflow, $flags: $(cat "$answer")"
    says '^epoch 1/3 .*  [5-8] updates overflowed f16, scale [0-9]+$'
    [ "$flags" = '--threads 1' ] && cp w.safetensors one.safetensors && cp log.jsonl one.jsonl
    [ "$flags" = '--threads 2' ] && same one.safetensors w.safetensors 'two threads: other weights'
    near_losses <(head -n 14 one.jsonl) <(head -n 14 log.jsonl) 0.05 "losses, $flags"
done

# An update that is left out changes no weight, and Adam does not count it: the first that is made is as long as a first one is.
skipped=$(grep -oE '[0-9]+ updates? overflowed' "$answer" | head -n 1 | cut -d ' ' -f 1)
for steps in 1 "$skipped" $((skipped + 1)); do
    run 0 'weights written' m.cnn --no-out --no-fuse -D factor=500 --steps "$steps" --save after-"$steps".safetensors
done
python3 - "$skipped" <<'END' || wrong 'updates that are left out'
import json, struct, sys
def learnt(steps):
    data = open(f"after-{steps}.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8 : 8 + size])
    return {k: struct.unpack(f"<{(v['data_offsets'][1] - v['data_offsets'][0]) // 4}f", data[8 + size + v["data_offsets"][0] : 8 + size + v["data_offsets"][1]])
            for k, v in head.items() if k != "__metadata__" and "running" not in k and "mean" not in k and "variance" not in k}
first, last, made = learnt(1), learnt(sys.argv[1]), learnt(int(sys.argv[1]) + 1)
assert first == last, "weights have changed"
largest = max(abs(a - b) for k in last for a, b in zip(last[k], made[k]))
assert 0.0095 < largest < 0.0105, largest
END

# Interrupted while the scale falls, and after.
run 0 'run folder whole' m.cnn -D factor=500 --out whole
grep '"event": "epoch"' whole/events.jsonl | head -n 1 | grep -qE '"overflows": [5-8], "scale": [0-9]+' || wrong 'events.jsonl has not the overflows'
for steps in 3 7; do
    run 0 '' m.cnn -D factor=500 --steps $steps --out cut-$steps
    run 0 "goes on in cut-$steps after step $steps of" m.cnn -D factor=500 --epochs 3 --resume=cut-$steps
    same whole/last.safetensors cut-$steps/last.safetensors "gone on with after $steps steps: other weights"
    [ $steps = 3 ] && says '^epoch 1/3 .*  [5-8] updates overflowed f16'
done

# Nearly what f32 learns, where nothing is left out; and summed over micro-batches what the batch gives.
sed '/precision/d' m.cnn >single.cnn
sed 's/batch 16/batch 8, accumulate=2/; s/-> batchnorm //' m.cnn >sum.cnn
sed 's/-> batchnorm //' m.cnn >large.cnn
for model in single m sum large; do
    trains $model $model.cnn --no-out -D factor=1
    if grep -q overflowed "$answer"; then wrong "$model overflows: $(cat "$answer")"; fi
done
near_losses single.losses m.losses 2e-2 'f16 learns something else than f32'
near_losses sum.losses large.losses 2e-2 'accumulated gradients are others'

# Beyond the least scale, `nan` decides, and what may help is said once.
run 4 'the gradient is not finite at step 17 ' m.cnn --no-out -D factor=3e6 --epochs 9
says 'in the backward pass.*no weights were written'
sed 's/precision f16/&\n    nan skip, most=1000/' m.cnn >skip.cnn
run 0 'gradients have overflowed f16 in ' skip.cnn --no-out -D factor=3e6 --epochs 9
[ "$(grep -c "'precision bf16' has the range of f32" "$answer")" = 1 ] || wrong "advice is not given once: $(cat "$answer")"
# So it does where the loss itself overflows.
sed 's/batchnorm -> relu/batchnorm -> rescale 1e5 -> relu/' m.cnn >forward.cnn
run 4 'at step 1 (epoch 1): the first value that is not finite' forward.cnn --no-out -D factor=1
says 'in the forward pass'

# Built, for a processor without f16.
[ "$(uname -m)" != x86_64 ] || plain="--cpu x86-64"
run 0 'weights written' m.cnn --no-out --save here.safetensors ${plain:-}
expect 0 '' "$CNNC" build m.cnn -o trainer ${plain:-}
expect 0 'weights written' ./trainer --no-out --save there.safetensors
same here.safetensors there.safetensors 'the trainer learns something else'
exit $failed
