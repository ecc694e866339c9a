# Several trainings of one command: `cnnc run --seeds` and `cnnc sweep`: what they tell, that they go on where they were interrupted, what fails.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 16 >/dev/null
cd "$folder"
export XDG_CACHE_HOME=$folder/cache
cat >m.cnn <<'END'
let rate = 0.01
let filters = 4
model M {
    input data.shape -> conv filters, 3x3 -> relu -> maxpool 2 -> flatten -> dense 9 -> dense data.classes -> softmax
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
runs() {
    ls -d runs/M-* | wc -l
}

# ---- Seeds ----
expect 0 'M: 2 trainings, seeds 1 to 2' "$CNNC" run m.cnn --seeds 2
grep -qE '^2/2  seed=2  M-2  val_loss [0-9.]+  val_accuracy [0-9.]+ \(epoch [1-3]\)  test_loss [0-9.]+  test_accuracy [0-9.]+  0:0' "$answer" || wrong "the line of a run: $(cat "$answer")"
grep -qE '^test_loss +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+$' "$answer" || wrong "the table of a series: $(cat "$answer")"
grep -qE '^(epoch|test  )|layer' "$answer" && wrong "more than a line for each run: $(cat "$answer")"
expect 0 'M-1  M      seed=1' "$CNNC" runs
expect 0 'varied   seed=2' "$CNNC" runs show M-2
expect 0 'seed=2' "$CNNC" runs diff M-1 M-2
expect 0 '' "$CNNC" runs report M-2
grep -qF '<tr><th>varied</th><td>seed=2</td>' runs/M-2/report.html || wrong 'report.html does not tell what was varied'

# The same numbers as alone; and a series that goes on: two that are done, one that is new, with the same kernels.
expect 0 'test  loss' "$CNNC" run m.cnn --seed 2 --out alone
cut -d, -f1-6 alone/metrics.csv >alone.csv
cut -d, -f1-6 runs/M-2/metrics.csv >second.csv
same alone.csv second.csv 'a seed of a series gives other numbers than alone'
expect 0 '"event": "series", "runs": 3, "finished": 3' "$CNNC" run m.cnn --seeds 3 --resume --json
cp "$answer" events
cat >look.py <<'END'
import json, statistics
events = [json.loads(line) for line in open("events")]
runs = [e for e in events if e["event"] == "run"]
assert [(r["number"], r["varied"], r["folder"], r["state"]) for r in runs] == [(i, "seed=%d" % i, "runs/M-%d" % i, "finished") for i in (1, 2, 3)], runs
assert runs[2]["compiled"] == 0 and runs[2]["cached"] > 0, runs
starts = [e for e in events if e["event"] == "start"]
assert [s["varied"] for s in starts] == ["seed=3"], starts
tests = []
for i in (1, 2, 3):
    tests += [e["test_loss"] for e in map(json.loads, open("runs/M-%d/events.jsonl" % i)) if e["event"] == "test"]
of = events[-1]["results"]["test_loss"]
assert of["count"] == 3 and abs(of["mean"] - statistics.mean(tests)) < 1e-6 and abs(of["deviation"] - statistics.stdev(tests)) < 1e-6, (of, tests)
END
python3 look.py || wrong 'the events of a series'
test "$(runs)" = 3 || wrong "a series that goes on trains again what is done: $(ls runs)"

expect 2 'none of these 2 trainings is in the folder' "$CNNC" run m.cnn --seeds 2 --resume -D rate=0.5
expect 2 '--out is for one training' "$CNNC" run m.cnn --seeds 2 --out x
expect 2 '--save is for one training' "$CNNC" run m.cnn --seeds 2 --save x.safetensors
expect 2 '--resume without a folder' "$CNNC" run m.cnn --seeds 2 --resume=runs/M-1
expect 2 'usage: cnnc run MODEL --seeds N' "$CNNC" run --seeds 2
expect 2 '--seeds must be from 1' "$CNNC" run m.cnn --seeds 0
expect 4 '1 of 1 trainings have not finished' "$CNNC" run m.cnn --seeds 1 -D rate=1e6 --epochs 50
grep -qF 'seed=1  M-4  diverged: the loss is' "$answer" || wrong "a run that diverged: $(cat "$answer")"
rm -r runs

# ---- A sweep: points that are good, that diverge, that are no model ----
sweep() {
    "$CNNC" sweep m.cnn -D rate=0.01,1e6,0.02 -D filters=4,0 --epochs 50 --json sweep.json "$@"
}
expect 0 'M: 6 points' sweep
grep -qF 'rate=0.01, filters=0  wrong: ' "$answer" || wrong "a wrong point: $(cat "$answer")"
grep -qE '^ *rate +filters +val_accuracy +test_accuracy +val_loss +test_loss +epoch +time +run$' "$answer" || wrong "the table: $(cat "$answer")"
grep -qE '^ *1e6 +4 +- .* M-2 diverged$' "$answer" || wrong "a point that diverged: $(cat "$answer")"
test "$(runs)" = 3 || wrong "the runs of a sweep: $(ls runs)"
expect 0 '3 are done or begun already' sweep
test "$(runs)" = 3 || wrong "a sweep trains again what is done: $(ls runs)"
cat >look.py <<'END'
import json
sweep = json.load(open("sweep.json"))
assert sweep["report"] == "sweep" and sweep["watched"] == "val_accuracy", sweep
assert [(a["flag"], a["name"], a["values"]) for a in sweep["axes"]] == [("-D", "rate", ["0.01", "1e6", "0.02"]), ("-D", "filters", ["4", "0"])]
points = sweep["points"]
assert len(points) == 6 and [bool(p["results"]) for p in points] == [True, True] + 4 * [False], points
best = [p["results"]["val_accuracy"]["mean"] for p in points[:2]]
assert best[0] >= best[1], best
states = {(p["values"]["rate"], p["values"]["filters"]): p["runs"][0]["state"] for p in points}
assert states[("1e6", "4")] == "diverged" and states[("0.01", "0")] == "wrong" and states[("0.02", "4")] == "finished", states
END
python3 look.py || wrong 'the report of a sweep'

# With seeds, a picture, and points that are drawn.
drawn() {
    "$CNNC" sweep m.cnn --set train.optimizer.rate=0.01..0.1:log --random 2 --seeds 2 "$@"
}
if ldd "$CNNC" | grep -q libcairo; then
    expect 0 '' drawn --plot s.svg --quiet
    test -s "$answer" && wrong "--quiet: $(cat "$answer")"
    grep -q '<svg' s.svg || wrong 'no picture'
fi
expect 0 '2 points with 2 seeds each: 4 trainings' drawn
grep -qF ' ± ' "$answer" || wrong "no deviation: $(cat "$answer")"
grep -qE ' M-[0-9]+ \.\.\. M-[0-9]+$' "$answer" || wrong "the runs of a point: $(cat "$answer")"
test "$(runs)" = 7 || wrong "the runs of a sweep with seeds: $(ls runs)"
rm -r runs

# ---- Interrupted, and killed, within the second training ----
for signal in INT KILL; do
    (trap - INT && exec "$CNNC" sweep m.cnn -D rate=0.01,0.011 --epochs 150 >/dev/null 2>&1) &
    sweep=$!
    for _ in $(seq 1200); do
        grep -qs '"epoch": 2,' runs/M-2/events.jsonl && break
        sleep 0.05
    done
    kill -$signal $sweep
    status=0
    wait $sweep || status=$?
    test $signal = KILL || test $status = 130 || wrong "an interrupted sweep ends with $status"
    expect 0 '2 are done or begun already' "$CNNC" sweep m.cnn -D rate=0.01,0.011 --epochs 150
    test "$(runs)" = 2 || wrong "what was begun is not gone on with: $(ls runs)"
    test "$(grep -c '"event": "test"' runs/M-1/events.jsonl)" = 1 || wrong 'a point that was done is trained again'
    grep -q '"event": "start".*"resumed": true' runs/M-2/events.jsonl || wrong 'a point that was begun begins again'
    grep -q '"event": "test"' runs/M-2/events.jsonl || wrong 'a point that was begun is not ended'
    rm -r runs
done

# ---- Mistakes ----
expect 2 "'1e-4..1e-2:log:0' is no range" "$CNNC" sweep m.cnn --set train.optimizer.rate=1e-4..1e-2:log:0
expect 2 '-D rate stands twice' "$CNNC" sweep m.cnn -D rate=1,2 -D rate=3
expect 2 'nothing is varied' "$CNNC" sweep m.cnn -D rate=1
expect 1 '[unknown-define]' "$CNNC" sweep m.cnn -D rates=1,2
expect 1 "did you mean 'optimizer'?" "$CNNC" sweep m.cnn --set train.optimiser.rate=1,2
expect 2 'SECTION.STATEMENT' "$CNNC" sweep m.cnn --set rate=1,2
expect 2 'are the same training' "$CNNC" sweep m.cnn --set train.batch=8,16 --batch 4
expect 2 "unknown flag '--out'" "$CNNC" sweep m.cnn -D rate=1,2 --out x
expect 2 '--plot: ' "$CNNC" sweep m.cnn -D rate=1,2 --plot x.gif
expect 2 'usage: cnnc sweep MODEL' "$CNNC" sweep -D rate=1,2
sed '/^data/,/^}/d; s/data.shape/8x8x1/; s/data.classes/2/' m.cnn >without.cnn
expect 1 "has no 'data' section" "$CNNC" sweep without.cnn -D rate=1,2
test ! -e runs || wrong "a mistake leaves runs: $(ls runs)"
exit $failed
