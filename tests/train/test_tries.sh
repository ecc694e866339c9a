# cnnc run --overfit, --find-rate, --find-batch: what they say of a network that learns and of one that cannot, that they
# leave nothing behind, and what they say to mistakes.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 20 >/dev/null
cd "$folder"
# All that keeps a network from learning by heart: random pictures, dropped numbers, smoothed and mixed labels.
cat >m.cnn <<'END'
model M {
    input data.shape
    conv 8, 3x3 -> relu -> dropout 80% -> maxpool 2
    flatten
    dense 32 -> relu -> dropout 80%
    dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, seed=1
    resize 20x20
    scale 0..1
    augment {
        rotate 90deg
        cutout 12px
        mixup 0.5
    }
}
train {
    loss cross_entropy, smoothing=30%
    optimizer adam, rate=0.003
    schedule { warmup 1 epoch -> cosine }
    batch 16
    epochs 2
    nan back
}
END
sed 's/adam, rate=0.003/sgd, rate=1e-9/' m.cnn >stuck.cnn
sed -e '/augment/,/^    }/d' -e 's/ -> dropout 80%//' -e 's/, smoothing=30%//' m.cnn >plain.cnn
sed -e '/conv/d' -e 's/relu -> //' -e 's/ -> softmax//' -e 's/cross_entropy.*/mse/' -e 's/adam, rate=0.003/sgd, rate=1e4/' m.cnn >wild.cnn

# --overfit
expect 0 'the network learns: its loss is near zero' "$CNNC" run m.cnn --overfit 1
expect 0 'M: 2 batches of 16 samples' "$CNNC" run m.cnn --overfit 2 --log steps.jsonl
[ -s steps.jsonl ] || wrong 'no log of the steps'
expect 0 '"verdict": "learns", ' "$CNNC" run m.cnn --overfit 1 --json
python3 -c 'import json, sys; one = json.load(sys.stdin); assert one["losses"][-1] < one["near_zero"] < one["losses"][0], one' \
    <"$answer" || wrong 'the JSON of --overfit'
expect 1 'the network does not learn these samples: its loss after 20 steps' "$CNNC" run stuck.cnn --overfit 1 --steps 20
grep -q 'the rate, 1e-09, may be too low' "$answer" || wrong 'no word on a rate that is too low'
expect 4 'the network diverges: its loss is not finite at step' "$CNNC" run wild.cnn --overfit 1
grep -q 'the rate, 10000, is too high' "$answer" || wrong 'no word on a rate that is too high'
expect 2 '--overfit: the training part has ' "$CNNC" run m.cnn --overfit 100
expect 2 '--overfit must be from 1' "$CNNC" run m.cnn --overfit 0

# --find-rate: the same for the same seed on any number of threads.
expect 0 'suggested rate: ' "$CNNC" run plain.cnn --find-rate --plot rates.png
file rates.png 2>/dev/null | grep -q 'PNG image' || head -c 4 rates.png | grep -q PNG || wrong 'rates.png is no picture'
expect 0 '' "$CNNC" run plain.cnn --find-rate --plot rates.svg --json --threads 1
cp "$answer" one.json
grep -q '<svg' rates.svg || wrong 'rates.svg is none'
expect 0 '' "$CNNC" run plain.cnn --find-rate --json --threads 2
same one.json "$answer" 'the rates depend on the threads'
"$CNNC" run plain.cnn --find-rate --json --seed 3 >two.json 2>/dev/null || true # what it finds is chance here
grep -q '"points"' two.json || wrong 'no rates were tried'
cmp -s one.json two.json && wrong 'the rates do not depend on the seed'
python3 - <<'END' || wrong 'the JSON of --find-rate'
import json
one = json.load(open("one.json"))
rates = [point["rate"] for point in one["points"]]
assert rates == sorted(rates) and rates[0] == 1e-7 and len(rates) <= 100, rates
assert 1e-5 < one["suggested"] < 1 and one["suggested"] <= one["lowest"], one["suggested"]
END
# The suggestion trains.
rate=$(python3 -c 'import json; print(json.load(open("one.json"))["suggested"])')
expect 0 'epoch 1/2' "$CNNC" run plain.cnn --no-out --set "train.optimizer.rate=$rate"
expect 2 '--find-rate takes 10 steps at least, not 3' "$CNNC" run plain.cnn --find-rate --steps 3
expect 2 'ends neither with .png nor with .svg' "$CNNC" run plain.cnn --find-rate --plot m.txt
expect 2 '--plot draws what --find-rate finds' "$CNNC" run plain.cnn --plot rates.png

# --find-batch
expect 0 '' "$CNNC" run plain.cnn --find-batch --json
python3 -c 'import json, sys
one = json.load(sys.stdin)
rows = one["batches"]
assert [row["batch"] for row in rows][:3] == [8, 16, 32] and rows[0]["images_per_second"] > 0, rows
assert all(a["bytes"] < b["bytes"] for a, b in zip(rows, rows[1:])), rows
assert one["suggested"] in [row["batch"] for row in rows] and one["largest"] >= 32, one' <"$answer" || wrong 'the JSON of --find-batch'
expect 2 '--find-batch goes without --batch' "$CNNC" run plain.cnn --find-batch --batch 8
expect 2 'a step takes all batches of an update' "$CNNC" run plain.cnn --find-batch --set train.batch.exact=true --set train.batch.accumulate=4

# All of them
expect 2 '--overfit and --find-rate are two things' "$CNNC" run m.cnn --overfit 1 --find-rate
expect 2 '--find-rate keeps nothing of its training: it goes without --save' "$CNNC" run m.cnn --find-rate --save w.safetensors
expect 2 '--overfit is measured in steps' "$CNNC" run m.cnn --overfit 1 --epochs 3
expect 2 'usage: cnnc run MODEL --find-rate' "$CNNC" run --find-rate
sed '/^data/,/^}/d; s/data.shape/20x20x3/; s/data.classes/3/' m.cnn >none.cnn
for flag in '--overfit 1' --find-rate --find-batch; do
    expect 1 "there is nothing to train on" "$CNNC" run none.cnn $flag
done
[ -e runs ] && wrong 'they leave a run folder'
[ -e w.safetensors ] && wrong 'they leave weights'
exit $failed
