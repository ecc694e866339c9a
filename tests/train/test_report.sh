# report.html and plot.png: of `cnnc run`, of a trainer's folder, of data that are gone, of labels that are numbers.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 16 >/dev/null
cd "$folder"
mv shapes/disc 'shapes/<disc> & "co"'
cat >m.cnn <<'END'
model M { # <&>
    input data.shape -> conv 4, 3x3 -> relu -> maxpool 2 -> flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, test=30%
    resize 12x12
    scale 0..1
}
train {
    loss cross_entropy
    optimizer adam
    batch 8
    epochs 3
}
END
cat >look.py <<'END'
import json, os, re, sys
import xml.etree.ElementTree as xml
folder, part, layers, pictures = sys.argv[1:]
text = open(folder + "/report.html", encoding="utf-8").read()
page = xml.fromstring(text)  # well-formed
space = "{http://www.w3.org/1999/xhtml}"
assert page.tag == space + "html", page.tag
assert not re.search(r'<script|<link|(src|href)="(?!data:)|url\(|@import', text), "the page needs other files"
words = "".join(page.itertext())
assert len(list(page.iter("{http://www.w3.org/2000/svg}svg"))) >= 3
assert ("Layers" in words) == (layers == "layers"), "layers"
assert ("A training step is" in words) == (layers == "layers"), "fusion"
if part == "none":
    assert "Classes of" not in words and not os.path.exists(folder + "/classes.jsonl")
    sys.exit()
assert "Classes of the %s part" % part in words and '<disc> & "co"' in words and "taken for" in words
counts = [json.loads(line) for line in open(folder + "/classes.jsonl")]
assert {c["part"] for c in counts} == {part}
wrong = sum(c["samples"] for c in counts if c["class"] != c["answer"])
mistakes = [json.loads(line) for line in open(folder + "/mistakes.jsonl")]
assert len(mistakes) == min(wrong, 24) and all(m["class"] != m["answer"] for m in mistakes), (wrong, mistakes)
assert [m["output"] for m in mistakes] == sorted((m["output"] for m in mistakes), reverse=True)
assert all(os.path.basename(os.path.dirname(m["sample"])) == m["class"] for m in mistakes), mistakes
images = [i.get("src") for i in page.iter(space + "img")]
assert len(images) == (len(mistakes) if pictures == "pictures" else 0), len(images)
assert all(i.startswith("data:image/png;base64,iVBORw0KGgo") for i in images)
total = {c["class"]: 0 for c in counts}
for c in counts:
    total[c["class"]] += c["samples"]
for name, samples in total.items():
    right = sum(c["samples"] for c in counts if c["class"] == c["answer"] == name)
    row = [r for r in page.iter(space + "tr") if [*r.itertext()][0] == name][0]
    assert "".join(row[1].itertext()) == str(samples) and "".join(row[2].itertext()) == "%.1f %%" % (100 * right / samples), name
print("accuracy %.4f" % (1 - wrong / sum(total.values())))
END

expect 0 'report written to runs/M-1/report.html' "$CNNC" run m.cnn
accuracy=$(grep -o 'test .* accuracy [0-9.]*' "$answer" | grep -o 'accuracy [0-9.]*')
[ "$(python3 look.py runs/M-1 test layers pictures)" = "$accuracy" ] || wrong "the page does not tell what the training did ($accuracy)"
if "$CNNC" doctor | grep -q 'built without cairo'; then
    echo 'plot.png is not tested: no cairo'
else
    [ "$(head -c 4 runs/M-1/plot.png | tail -c 3)" = PNG ] || wrong 'no plot.png'
fi

# The same from elsewhere, by the model as the folder has it.
(cd / && expect 0 'report written' "$CNNC" runs report "$folder/runs/M-1" && exit $failed) || failed=1
[ "$(python3 look.py runs/M-1 test layers pictures)" = "$accuracy" ] || wrong 'the page from another folder'

# Of a trainer's folder; the validation part where there is no test part.
sed 's/, test=30%//' m.cnn >v.cnn
expect 0 'trainer' "$CNNC" build v.cnn -o trainer
expect 0 'val_loss' ./trainer --out of_trainer
[ -e of_trainer/report.html ] && wrong 'a trainer writes a page'
expect 0 'report written to of_trainer/report.html' "$CNNC" runs report of_trainer
python3 look.py of_trainer validation layers pictures >/dev/null || wrong "the page of a trainer's folder"

# A training that diverges has a page as well; --no-out has none.
sed 's/flatten -> /flatten -> dense 9 -> dense 9 -> dense 9 -> /; s/optimizer adam/optimizer sgd, rate=1e6/' m.cnn >deep.cnn
expect 4 'the loss is' "$CNNC" run deep.cnn --out diverged --epochs 50
grep -q 'diverged: the loss is' diverged/report.html || wrong 'no page of a training that diverged'
expect 0 'test  loss' "$CNNC" run m.cnn --no-out
grep -q report "$answer" && wrong '--no-out writes a page'

# Labels that are numbers: curves and layers, no classes.
python3 - >labels.csv <<'END'
import pathlib
print("file,label")
for i, path in enumerate(sorted(pathlib.Path("shapes").rglob("*.png"))):
    print('"%s",%g' % (str(path).replace('"', '""'), i / 10))
END
sed 's/folder "shapes"/list "labels.csv", image="file", label="label", values=numbers/; s/cross_entropy/mae/
    s/dense data.classes -> softmax/dense 1/' m.cnn >numbers.cnn
expect 0 'report written to numbers/report.html' "$CNNC" run numbers.cnn --out numbers
python3 look.py numbers none layers none || wrong 'the page of a regression'

# Data that are gone: a page without what they are needed for.
mv shapes elsewhere
expect_note() {
    "$CNNC" runs report of_trainer >"$answer" 2>&1 || wrong "a report without data: $(cat "$answer")"
    grep -q 'note: the report has neither layers nor pictures: the model cannot be read' "$answer" || wrong "no note: $(cat "$answer")"
}
expect_note
python3 look.py of_trainer validation none none >/dev/null || wrong 'the page without data'
mv elsewhere shapes
# A picture that is another one now is not shown.
mkdir other && cp -r of_trainer other/run && sed -i 's/"sample": "[^"]*"/"sample": "nothing.png"/' other/run/mistakes.jsonl
expect 0 'report written' "$CNNC" runs report other/run
grep -q '<img' other/run/report.html && wrong 'a picture that is not the one that was mistaken'

expect 2 "there is no run 'nothing'" "$CNNC" runs report nothing
expect 2 'one argument too many' "$CNNC" runs report of_trainer other/run
rm other/run/events.jsonl
expect 2 "'other/run' is not the folder of a training: it has no events.jsonl" "$CNNC" runs report other/run

# As a browser sees it.
browser=$(command -v chromium chromium-browser google-chrome | head -n 1 || true)
if [ "$browser" ]; then
    for width in 360 1200; do
        "$browser" --headless --no-sandbox --disable-gpu --window-size="$width",4000 --screenshot="shot$width.png" \
            "file://$folder/runs/M-1/report.html" >/dev/null 2>&1 || wrong "$browser cannot show the page"
        [ -s "shot$width.png" ] || wrong "$browser shows nothing of the page"
    done
else
    echo 'the page is not looked at in a browser: there is no chromium'
fi
exit $failed
