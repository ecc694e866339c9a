# Tuning, as a user has it: `cnnc tune` prints what it found and keeps it, later commands use it, `compile { tune ... }` asks for
# it; and the weights are the same to the bit.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_patterns.py" data --count 40
cat >m.cnn <<'END'
model Small {
    input data.shape
    conv 20, 3x3 -> relu -> maxpool 2
    flatten
    dense data.classes -> softmax
}
data {
    idx "data"
}
train {
    optimizer adam, rate=0.01
    batch 20
    epochs 1
}
END
expect 0 'weights written' "$CNNC" run m.cnn --save plain.safetensors
expect 0 'schedules of' "$CNNC" tune m.cnn --seconds 5
grep -q '^training step$' "$answer" && grep -q '^evaluation$' "$answer" || wrong "what tune prints: $(cat "$answer")"
[ -s cache/cnnc/tuned.sqlite ] || wrong 'nothing is kept'
expect 0 'weights written' "$CNNC" run m.cnn --save tuned.safetensors
same plain.safetensors tuned.safetensors 'tuned: other weights'
for mode in off quick; do
    sed "s/^train {/compile { tune $mode }\ntrain {/" m.cnn >$mode.cnn
    expect 0 'weights written' "$CNNC" run $mode.cnn --save $mode.safetensors
    same plain.safetensors $mode.safetensors "tune $mode: other weights"
done
sed 's/^train {/compile { tune soon }\ntrain {/' m.cnn >bad.cnn
expect 1 'soon' "$CNNC" check bad.cnn
expect 2 'fuller' "$CNNC" tune m.cnn --fuller
expect 2 'must be' "$CNNC" tune m.cnn --seconds 0
exit $failed
