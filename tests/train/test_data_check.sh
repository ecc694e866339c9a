# `cnnc data check` as a user calls it: what it prints, its JSON, its exit code, its bar on a terminal.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 24 --size 12 >/dev/null
cat >m.cnn <<'END'
model A {
    input data.shape
    flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, seed=1
    resize 12x12
}
train {
    loss cross_entropy -> optimizer sgd, rate=0.1
}
END
expect 0 'nothing is wrong with them' "$CNNC" data check m.cnn --threads 3
for class in disc square triangle; do # of ten that are the same, some are in the validation part
    for copy in 0 1 2 3 4 5 6 7 8; do
        cp shapes/$class/0000.png shapes/$class/copy$copy.png
    done
done
head -c 200 shapes/disc/0003.png >cut.png
mv cut.png shapes/disc/0003.png
expect 1 'cnnc: error: m.cnn: 1 of 99 samples cannot be trained on' "$CNNC" data check m.cnn --json check.json
grep -qxF '  shapes/disc/0003.png (validation): truncated PNG' "$answer" || wrong "no reason: $(cat "$answer")"
grep -qF 'with the content of one of another part' "$answer" || wrong "no leak: $(cat "$answer")"
python3 - <<'END' || wrong 'the JSON is not what was printed'
import json
report = json.load(open("check.json"))
kinds = [finding["kind"] for finding in report["findings"]]
assert report["report"] == "data check" and report["samples"] == 99 and report["unusable"] == 1
assert kinds.count("unreadable") == 1 and kinds.count("duplicate") + kinds.count("leak") == 27 and "leak" in kinds
for finding in report["findings"]:
    if finding["kind"] == "leak":
        assert finding["part"] == "validation" and finding["other_part"] == "training", finding
        assert "the same content as " + finding["other"] in finding["reason"], finding
END
cp m.cnn before.cnn
expect 2 'm.cnn' "$CNNC" data check m.cnn --json m.cnn
same m.cnn before.cnn 'the model is written over'
sed '/^data/,/^}/d; s/data.shape/12x12x3/; s/data.classes/3/' m.cnn >m2.cnn
expect 1 "m2.cnn has no 'data' section" "$CNNC" data check m2.cnn
# On a terminal there is a bar, which is gone at the end; in a file there is none.
python3 - "$CNNC" <<'END' || wrong 'the bar'
import os, pty, subprocess, sys
def errors_of(terminal):
    here, there = pty.openpty() if terminal else os.pipe()
    subprocess.run([sys.argv[1], "data", "check", "m.cnn"], stdout=subprocess.DEVNULL, stderr=there, env=os.environ | {"TERM": "xterm"})
    os.close(there) if not terminal else None
    return os.read(here, 65536).decode()
# (So few samples may be read before the bar is first drawn.)
shown = next((text for text in (errors_of(True) for _ in range(50)) if "reading  [" in text), "")
assert "reading  [" in shown and "\r\033[K" in shown
assert "reading" not in errors_of(False)
END
exit $failed
