#!/bin/bash
# The curves of a run, as TensorBoard's own reader sees them: of a training that is gone on with, too. PYTHON: one that has tensorboard, which is
# too large to be installed for this test.
set -eu
. tests/expect.sh
python=${PYTHON:-python3}
if ! "$python" -c 'from tensorboard.backend.event_processing import event_accumulator' 2>/dev/null; then
    echo "skipped: $python has no tensorboard (pip install tensorboard)"
    exit 77
fi
folder=$(mktemp -d)
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 16 >/dev/null
cd "$folder"
cat >m.cnn <<'END'
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
    optimizer adam
    batch 8
    epochs 3
    checkpoint every=1 epoch, keep=9
}
END
expect 0 'test  loss' "$CNNC" run m.cnn --out run
cp -r run killed
ls killed/checkpoint-* | sort -V | tail -n +2 | xargs rm
for curves in killed/events.out.tfevents.*; do
    head -c -7 "$curves" >cut && mv cut "$curves"
done
expect 0 'goes on in run after step' "$CNNC" run m.cnn --resume=run --epochs 5
cat >look.py <<'END'
import csv, json, math
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
board = EventAccumulator("run", size_guidance={"scalars": 0}).Reload()
def curve(tag):
    return [(e.step, e.value) for e in board.Scalars(tag)]
def close(a, b):
    return len(a) == len(b) and all(s == t and math.isclose(v, w, rel_tol=1e-6, abs_tol=1e-7) for (s, v), (t, w) in zip(a, b))
events = [json.loads(line) for line in open("run/events.jsonl")]
steps = [e for e in events if e["event"] == "step"]
for name in "loss", "accuracy", "rate":
    assert close(curve(name), [(e["step"], e[name]) for e in steps]), name
assert len(curve("images_per_second")) == len(steps)
rows = list(csv.DictReader(open("run/metrics.csv")))
for name in "loss", "accuracy":
    assert close(curve("epoch_" + name), [(int(r["step"]), float(r[name])) for r in rows]), name
    assert close(curve("val_" + name), [(int(r["step"]), float(r["val_" + name])) for r in rows]), name
    assert close(curve("test_" + name)[-1:], [(e["step"], e["test_" + name]) for e in events if e["event"] == "test"][-1:]), name
assert len(rows) == 5
END
"$python" look.py || wrong "TensorBoard reads other curves than metrics.csv and events.jsonl have"

# A training that was killed: its steps after the last checkpoint are taken back, a record that was cut off is passed over.
expect 0 'goes on in killed after step' "$CNNC" run m.cnn --resume=killed --epochs 5
cat >look_killed.py <<'END'
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
def losses(folder):
    board = EventAccumulator(folder, size_guidance={"scalars": 0}).Reload()
    return [(e.step, e.value) for e in board.Scalars("loss")]
assert losses("killed") == losses("run"), losses("killed")
END
"$python" look_killed.py || wrong "a training that was killed and gone on with has other curves than one that was not"
exit $failed
