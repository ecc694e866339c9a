# `cnnc runs`: what it tells of trainings that ended in all the ways there are, and of folders that are none or damaged.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 16 >/dev/null
cd "$folder"
cat >m.cnn <<'END'
let rate = 0.01
model M {
    input data.shape -> conv 4, 3x3 -> relu -> maxpool 2 -> flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, test=20%
    resize 12x12
    scale 0..1
}
train {
    loss cross_entropy
    optimizer sgd, rate=rate
    batch 8
    epochs 3
}
END
expect 0 "no training has left a folder in 'runs' here" "$CNNC" runs
expect 0 'test  loss' "$CNNC" run m.cnn
expect 0 'test  loss' "$CNNC" run m.cnn -D rate=0.02 --epochs 2
sed 's/flatten -> /flatten -> dense 9 -> dense 9 -> dense 9 -> /' m.cnn >deep.cnn
expect 4 'the loss is' "$CNNC" run deep.cnn -D rate=1e6 --epochs 50

# A training that runs, and is killed.
"$CNNC" run m.cnn --epochs 1000000 >/dev/null 2>&1 &
training=$!
for _ in $(seq 100); do
    grep -qs '"epoch": 2,' runs/M-4/events.jsonl && break
    sleep 0.1
done
expect 0 'M-4' "$CNNC" runs
grep -qE '^M-4 .* running ' "$answer" || wrong "a training that runs is not told: $(cat "$answer")"
kill -9 $training
wait $training 2>/dev/null || true
expect 0 'M-4' "$CNNC" runs --json runs.json
grep -qE '^M-1 +M +[0-9-]+ [0-9:]+ UTC +finished +3/3 +val_accuracy [0-9.]+ \(epoch [1-3]\) +0:0' "$answer" ||
    wrong "M-1 is told otherwise: $(cat "$answer")"
grep -qE '^M-2 .* finished +2/2 ' "$answer" || wrong "M-2 is told otherwise: $(cat "$answer")"
grep -qE '^M-3 .* diverged +[0-9]+/50 ' "$answer" || wrong "M-3 is told otherwise: $(cat "$answer")"
grep -qE '^M-4 .* crashed ' "$answer" || wrong "M-4 is told otherwise: $(cat "$answer")"
# Interrupted, in another folder.
"$CNNC" run m.cnn --epochs 1000000 --out elsewhere >/dev/null 2>&1 &
training=$!
for _ in $(seq 100); do
    grep -qs '"epoch": 2,' elsewhere/events.jsonl && break
    sleep 0.1
done
kill -TERM $training
wait $training || true
expect 0 'elsewhere: M, interrupted: stopped by a signal' "$CNNC" runs show elsewhere/

# The same from the index, and without it.
"$CNNC" runs >with
rm runs/registry.sqlite
"$CNNC" runs >without
same with without 'the index tells something else than the folders'
printf 'no database, and long enough to be taken for one if nobody looks' >runs/registry.sqlite
expect 0 "the index of the runs is not kept: 'runs/registry.sqlite'" "$CNNC" runs
rm runs/registry.sqlite
cp -r runs/M-1 runs/copy
expect 0 'copy' "$CNNC" runs
rm -r runs/copy
"$CNNC" runs >without
same with without 'a folder that is gone is still told'

expect 0 'M-1: M, finished' "$CNNC" runs show M-1
for line in 'best     epoch ' 'test     epoch 3: test_loss ' 'epoch      loss  val_loss' '█' 'metrics.csv' 'optimizer sgd, rate='; do
    grep -qF "$line" "$answer" || wrong "show does not tell '$line': $(cat "$answer")"
done
expect 0 'The model (- M-1, + M-2):' "$CNNC" runs diff M-1 runs/M-2 --json diff.json
for line in '  - let rate = 0.01' '  + let rate = 0.02' 'best val_accuracy' 'test_loss'; do
    grep -qF -- "$line" "$answer" || wrong "diff does not tell '$line': $(cat "$answer")"
done
expect 0 '(- M-1, + M-1): the same' "$CNNC" runs diff M-1 M-1
expect 0 'M-3: M, diverged: the loss is' "$CNNC" runs show M-3 --json show.json
cat >look.py <<'END'
import json
runs = {r["name"]: r for r in json.load(open("runs.json"))["runs"]}
assert [runs["M-%d" % i]["state"] for i in (1, 2, 3, 4)] == ["finished", "finished", "diverged", "crashed"], runs
assert runs["M-1"]["last"]["epoch"] == 3 and runs["M-1"]["test"]["test_loss"] > 0
diff = json.load(open("diff.json"))
assert diff["report"] == "difference" and [r["name"] for r in diff["runs"]] == ["M-1", "M-2"] and "rate = 0.02" in diff["model"]
show = json.load(open("show.json"))
assert show["report"] == "run" and show["run"]["end"]["status"] == 4
END
python3 look.py || wrong 'the reports in JSON'

# What is no run, and what is damaged.
mkdir empty
expect 2 "there is no run 'M-11'; did you mean 'M-1'?" "$CNNC" runs show M-11
expect 2 "there is no run 'nothing/at/all'" "$CNNC" runs diff M-1 nothing/at/all
expect 2 "'empty' is not the folder of a training: it has no events.jsonl" "$CNNC" runs show empty
expect 2 "'m.cnn' is not the folder of a training" "$CNNC" runs show m.cnn
expect 2 "unknown command 'runs shew'; did you mean 'runs show'?" "$CNNC" runs shew M-1
expect 2 "usage: cnnc runs diff RUN RUN" "$CNNC" runs diff M-1
expect 2 "'m.cnn' is there already and is not a report" "$CNNC" runs --json m.cnn
cp -r runs/M-1 runs/damaged
sed -i '2s/.*/{"event": "epoch", "loss": /; 3s/.*/[1, 2]/' runs/damaged/events.jsonl
expect 0 "note: 'runs/damaged/events.jsonl': line 2 is damaged, and others after it" "$CNNC" runs
expect 0 "line 2 is damaged, and others after it" "$CNNC" runs show damaged
grep -q '^damaged: M, finished' "$answer" || wrong "what is sound of a damaged run is not told: $(cat "$answer")"
cp -r runs/M-1 runs/cut
head -c -30 runs/M-1/events.jsonl >runs/cut/events.jsonl
expect 0 'is damaged' "$CNNC" runs show cut
grep -q '^cut: M, crashed' "$answer" || wrong "a run whose end was cut off: $(cat "$answer")"
mkdir runs/blank
: >runs/blank/events.jsonl
expect 0 "note: 'runs/blank/events.jsonl' does not tell of the start of a training" "$CNNC" runs
expect 1 "does not tell of the start of a training" "$CNNC" runs show blank
head -c 5000 /dev/urandom >runs/blank/events.jsonl
expect 1 "does not tell of the start of a training" "$CNNC" runs show blank
exit $failed
