# A training that is interrupted and gone on with, and the text that a run folder keeps of its model.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 24 --size 12 >/dev/null
mkdir models
cat >models/parts.cnn <<'END'
let filters = 4
block unit(n) { conv n, 3x3, pad=same -> batchnorm -> relu }
END
cat >models/m.cnn <<'END'
# A comment that stays.
import "./parts.cnn"
import "blocks"
let width = 8
model A {
    input data.shape
    unit filters
    residual { unit filters }
    maxpool 2 -> flatten -> dropout 20%
    dense width -> relu -> dense data.classes -> softmax
}
data {
    folder "../shapes"
    split validation=20%, seed=1
    resize 12x12
    standardize
    augment { flip horizontal
              shift 10%, 10% }
}
train {
    loss cross_entropy -> optimizer adam, rate=0.01
    batch 5, accumulate=2
    epochs 2
    stop patience=2
}
END
head -c 200 shapes/disc/0003.png >cut.png
mv cut.png shapes/disc/0003.png

# ---- The same bits, wherever it was cut ----
expect 0 'run folder runs/A-1' "$CNNC" run models/m.cnn --epochs 4
for steps in 1 6 7 15; do
    expect 0 '' "$CNNC" run models/m.cnn --steps $steps --out cut-$steps
    expect 0 "goes on in cut-$steps after step $steps of" "$CNNC" run models/m.cnn --epochs 4 --resume=cut-$steps --threads $((steps % 3 + 1))
    same runs/A-1/last.safetensors cut-$steps/last.safetensors "gone on with after $steps steps: other weights"
    same runs/A-1/best.safetensors cut-$steps/best.safetensors "gone on with after $steps steps: other best weights"
    diff <(cut -d , -f 1-7 runs/A-1/metrics.csv) <(cut -d , -f 1-7 cut-$steps/metrics.csv) || wrong "after $steps steps: other metrics"
done

# ---- Ctrl-C ----
python3 - "$CNNC" <<'END' || wrong 'Ctrl-C'
import glob, json, os, signal, subprocess, sys, time
process = subprocess.Popen([sys.argv[1], "run", "models/m.cnn", "--epochs", "4000", "--set", "train.stop.patience=9999"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
while not glob.glob("runs/A-2/best.safetensors"):
    time.sleep(0.01)
process.send_signal(signal.SIGINT)
said = process.stderr.read().decode()
assert process.wait() == 130, process.returncode
assert "; --resume=runs/A-2 goes on from there" in said, said
end = [json.loads(line) for line in open("runs/A-2/events.jsonl")][-1]
assert end["event"] == "end" and end["status"] == 130, end
assert glob.glob(f"runs/A-2/checkpoint-{end['step']}.safetensors"), end
END

# ---- The text of the model ----
mkdir elsewhere
mv models/m.cnn models/kept.cnn
expect 0 '' "$CNNC" run models/kept.cnn --epochs 1 -D width=6 --set train.optimizer.rate=0.02 --seed 5 --batch 8 --out flags
grep -qxF '# A comment that stays.' flags/resolved.cnn && grep -qxF 'let width = 6' flags/resolved.cnn || wrong "$(cat flags/resolved.cnn)"
cd elsewhere
expect 0 '' "$CNNC" run ../flags/resolved.cnn --out again
cd ..
same flags/last.safetensors elsewhere/again/last.safetensors 'the text of a run folder trains other weights'
same flags/resolved.cnn elsewhere/again/resolved.cnn 'the text of the text is another'
same flags/parts.cnn models/parts.cnn 'an imported file is not kept'
expect 0 'nothing is left' "$CNNC" run --resume=flags

# ---- What has changed ----
expect 1 '+     optimizer adam, rate=0.02' "$CNNC" run models/kept.cnn --set train.optimizer.rate=0.02 --epochs 5 --resume
expect 0 'goes on in runs/A-2' "$CNNC" run models/kept.cnn --set train.optimizer.rate=0.02 --epochs 5 --resume --anyway
expect 1 'batch was 8, and is 4 now' "$CNNC" run flags/resolved.cnn --batch 4 --resume=flags
rm shapes/disc/0005.png
expect 1 'the data have changed:' "$CNNC" run models/kept.cnn --resume
grep -q '^  - .* training, .* validation, 0 test samples of 3 classes$' "$answer" || wrong "$(cat "$answer")"

# ---- What is said ----
expect 0 '' "$CNNC" run flags/resolved.cnn --no-out --quiet
if [ -s "$answer" ]; then wrong "--quiet says something: $(cat "$answer")"; fi
expect 0 '{"event": "start"' "$CNNC" run flags/resolved.cnn --no-out --json
python3 -c 'import json, sys
kinds = [json.loads(line)["event"] for line in sys.stdin]
assert kinds[0] == "start" and kinds[-1] == "end" and "step" in kinds and "epoch" in kinds, kinds' <"$answer" || wrong "$(cat "$answer")"

# ---- What cannot be ----
expect 2 "--out: the folder 'flags' is not empty; --resume=flags goes on" "$CNNC" run models/kept.cnn --out flags
expect 2 "--resume: there is no training of A in the folder 'runs' here" sh -c 'cd elsewhere && "$CNNC" run ../models/kept.cnn --resume'
expect 2 '--anyway goes with --resume' "$CNNC" run models/kept.cnn --anyway
expect 2 '--no-out does without a run folder, --resume names one' "$CNNC" run models/kept.cnn --no-out --resume
expect 2 '--start begins a new training, --resume goes on with one' "$CNNC" run models/kept.cnn --start flags/last.safetensors --resume
rm flags/checkpoint-*
expect 1 "there is no checkpoint in 'flags'" "$CNNC" run flags/resolved.cnn --resume=flags
rm -r runs
expect 0 '' "$CNNC" run models/kept.cnn --epochs 1 --no-out
if [ -e runs ]; then wrong '--no-out has left a folder'; fi
exit $failed
