# `metrics`: of all answers of a part, in a training and in `cnnc eval`; a value that `stop` watches; what cannot be measured.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 16 >/dev/null
cd "$folder"
rm shapes/disc/002?.png
cat >m.cnn <<'END'
model M {
    input data.shape -> conv 4, 3x3 -> relu -> maxpool 2 -> flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, test=40%
    resize 12x12
    scale 0..1
}
train {
    loss cross_entropy
    optimizer adam
    batch 8
    epochs 3
    metrics top2, precision, recall, f1, auc, confusion
    stop patience=9, on=val_f1
}
END
expect 0 'weights written' "$CNNC" run --no-out m.cnn --save w.safetensors --threads 2
cp "$answer" trained
expect 0 'outputs written' "$CNNC" eval m.cnn --weights w.safetensors --outputs answers.csv
cp "$answer" printed
cat >look.py <<'END'
import csv, re
rows = list(csv.DictReader(open("answers.csv", newline="")))
names = list(rows[0])[4:]
label, answer = [r["class"] for r in rows], [r["answer"] for r in rows]
count = lambda test: sum(map(test, zip(label, answer)))
precision, recall, f1, auc = [], [], [], []
for name in names:
    right, own, said = count(lambda a: a == (name, name)), label.count(name), answer.count(name)
    precision.append(right / said if said else 0)
    recall.append(right / own if own else 0)
    f1.append(2 * right / (own + said))
    of = [float(r[name]) for r in rows]
    pairs = [(a > b) + (a == b) / 2 for a, x in zip(of, label) if x == name for b, y in zip(of, label) if y != name]
    auc.append(sum(pairs) / len(pairs))
top2 = sum(sum(float(r[n]) > float(r[r["class"]]) for n in names) < 2 for r in rows)
expected = {"precision": sum(precision) / 3, "recall": sum(recall) / 3, "f1": sum(f1) / 3, "auc": sum(auc) / 3, "top2": top2 / len(rows)}
printed, trained = open("printed").read(), open("trained").read()
for text in printed, trained:
    line = re.search(r"^test  loss.*$", text, re.M)[0]
    for name, value in expected.items():
        found = float(re.search(r" %s ([0-9.]+)" % name, line)[1])
        assert abs(found - value) < 6e-5, (name, found, value, line)
    table = text[text.index("class \\ answer"):].splitlines()[1:4]
    for i, name in enumerate(names):
        row = table[i].split()
        assert row[:2] == [str(i), name] and list(map(int, row[2:])) == [count(lambda a: a == (name, n)) for n in names], table[i]
for epoch in 1, 2, 3:
    line = re.search(r"^epoch %d/3 .*$" % epoch, trained, re.M)[0]
    assert all(" val_%s " % name in line for name in expected) and " top2 " in line and " f1 " not in line, line
best = re.search(r"the weights of epoch (\d) are kept: val_f1 ([0-9.]+)", trained)
f1 = [float(v) for v in re.findall(r" val_f1 ([0-9.]+)", trained)]
assert float(best[2]) == max(f1) and f1[int(best[1]) - 1] == max(f1), (best[0], f1)
END
python3 look.py || wrong "the metrics are not those of answers.csv: $(cat trained printed)"

# The validation part's table where there is no test part; of many classes what is mixed up most.
expect 0 'class \ answer' "$CNNC" run --no-out m.cnn --epochs 1 --set data.split.test=0%
python3 "$OLDPWD/tests/data/make_patterns.py" many --format arrays --count 200 --classes 25 --size 25
sed 's/scale 0..1/standardize/; s/folder "shapes"/arrays x="many\/x.npy", y="many\/y.npy"/' m.cnn >many.cnn
expect 0 'mixed up most often:' "$CNNC" run --no-out many.cnn --epochs 1

# A trainer of its own.
expect 0 '' "$CNNC" build m.cnn -o trainer
expect 0 'val_auc' ./trainer --no-out --epochs 1

# What cannot be measured, or watched.
sed 's/on=val_f1/on=val_top3/' m.cnn >watched.cnn
expect 1 "watched.cnn:16:5: 'stop' watches val_top3, which is not measured: there are val_loss, val_accuracy, val_top2" "$CNNC" run --no-out watched.cnn
sed 's/on=val_f1/on="f1"/' m.cnn >part.cnn
expect 1 "'stop' watches f1, which is measured of the validation and the test part only" "$CNNC" run --no-out part.cnn
sed 's/top2, /top2, top2, /' m.cnn >twice.cnn
expect 1 "'top2' of 'metrics' is given twice" "$CNNC" check twice.cnn
sed 's/top2, /top0, /' m.cnn >none.cnn
expect 1 "takes accuracy, topN, precision, recall, f1, auc or confusion, not 'top0'" "$CNNC" check none.cnn
sed 's/dense data.classes -> softmax/dense 1 -> sigmoid/; s/cross_entropy/binary_cross_entropy/; s/top2, //' m.cnn >one.cnn
expect 1 "'precision' needs an output of the network for each class, or one for two classes: it has 1, and there are 3 classes" "$CNNC" run --no-out one.cnn
rm -r shapes/disc
expect 0 'val_auc' "$CNNC" run --no-out one.cnn
printf 'file,width\n' >widths.csv
for picture in shapes/triangle/000?.png; do echo "$picture,0.5" >>widths.csv; done
sed 's/folder "shapes"/list "widths.csv", image="file", label="width", values=numbers/; s/dense data.classes -> softmax/dense 1/; s/cross_entropy/mse/; s/top2, //' m.cnn >width.cnn
expect 1 "'precision' needs classes as labels" "$CNNC" run --no-out width.cnn
sed 's/on=val_f1/on=f1/' m.cnn >word.cnn
expect 1 "'on' of 'stop' takes val_loss, val_accuracy, val_topN, val_precision, val_recall, val_f1, val_auc, loss, accuracy or topN" "$CNNC" run --no-out word.cnn
exit $failed
