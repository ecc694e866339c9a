# What `cnnc eval` tells beside the loss: the table of the classes, the file of the answers; and weights of other classes.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 16 >/dev/null
cd "$folder"
rm shapes/disc/002?.png
head -c 100 shapes/square/0003.png >cut && mv cut shapes/square/0003.png
mv shapes/disc 'shapes/disc, "round"'
cat >m.cnn <<'END'
model M {
    input data.shape -> conv 4, 3x3 -> relu -> maxpool 2 -> flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split test=50%
    bad skip, at_most=50%
    resize 12x12
    scale 0..1
}
train {
    loss cross_entropy
    optimizer adam
    batch 8
    epochs 4
}
END
expect 0 'weights written' "$CNNC" run m.cnn --save w.safetensors

# A row for each sample that can be read, by its name; the table counts the same.
expect 0 'outputs written to answers.csv' "$CNNC" eval m.cnn --weights w.safetensors --outputs answers.csv --set data.split.seed=5
cp "$answer" printed
"$CNNC" eval m.cnn --weights w.safetensors --outputs answers.npy --set data.split.seed=5 >/dev/null
cat >look.py <<'END'
import csv, os, re, struct
rows = list(csv.DictReader(open("answers.csv", newline="")))
classes = ['disc, "round"', "square", "triangle"]
assert list(rows[0]) == ["sample", "class", "answer", "right"] + classes, list(rows[0])
array = open("answers.npy", "rb").read()[128:]
outputs = struct.unpack("<%df" % (3 * len(rows)), array)
for i, row in enumerate(rows):
    assert os.path.basename(os.path.dirname(row["sample"])) == row["class"] and os.path.exists(row["sample"]), row
    shares = [float(row[name]) for name in classes]
    assert row["answer"] == classes[shares.index(max(shares))] and row["right"] == str(int(row["answer"] == row["class"])), row
    assert all(abs(a - b) < 1e-5 for a, b in zip(shares, outputs[3 * i : 3 * i + 3])), row
assert len({row["sample"] for row in rows}) == len(rows)
printed = open("printed").read()
accuracy, samples = re.search(r"accuracy ([0-9.]+) +(\d+) images", printed).groups()
right = [int(row["right"]) for row in rows]
assert int(samples) == len(rows) and abs(float(accuracy) - sum(right) / len(rows)) < 1e-4, (accuracy, samples)
shares = []
for name in classes:
    own = [int(row["right"]) for row in rows if row["class"] == name]
    shares.append(sum(own) / len(own))
    line = re.search(r"^  %s +(\d+) +([0-9.]+) %%(.*)$" % re.escape(name), printed, re.M)
    assert int(line[1]) == len(own) and abs(float(line[2]) - 100 * shares[-1]) < 0.06, line[0]
    taken = sum(int(n) for n in re.findall(r" \((\d+)\)", line[3]))
    assert taken == len(own) - sum(own), line[0]
mean = float(re.search(r"mean of the classes +([0-9.]+) %", printed)[1])
assert abs(mean - 100 * sum(shares) / 3) < 0.06, mean
END
python3 look.py || wrong "answers.csv, answers.npy and the table say different things: $(cat printed)"
grep -q 'square/0003.png: truncated PNG' printed || wrong "the picture that is cut off is not in the part: $(cat printed)"

# All samples, whichever part they are in.
expect 0 'all  loss' "$CNNC" eval m.cnn --weights w.safetensors --all --outputs all.csv
[ "$(wc -l <all.csv)" = 80 ] || wrong "$(wc -l <all.csv) lines for 79 pictures that can be read"
expect 0 'of the whole part could not be read' "$CNNC" eval m.cnn --weights w.safetensors --all
expect 2 '--all and --validation contradict each other' "$CNNC" eval m.cnn --weights w.safetensors --all --validation

# Labels that `mixup` needs three numbers for.
cp answers.csv before.csv
sed 's/    scale 0..1/    scale 0..1\n    augment { mixup 0.2 }/' m.cnn >mixed.cnn
expect 0 'mean of the classes' "$CNNC" eval mixed.cnn --weights w.safetensors --outputs answers.csv --set data.split.seed=5
same answers.csv before.csv 'mixup, which concerns the training only, changes the answers'

# An older table is replaced, another file is not; other endings are an error before anything is computed.
expect 0 'outputs written' "$CNNC" eval m.cnn --weights w.safetensors --outputs answers.csv
echo 'name,age' >people.csv
expect 2 "'people.csv' is there already and is not a table of answers" "$CNNC" eval m.cnn --weights w.safetensors --outputs people.csv
expect 2 "'a.txt': outputs are written as a table, FILE.csv, or as an array, FILE.npy" "$CNNC" eval m.cnn --weights w.safetensors --outputs a.txt

# Weights know their classes: other ones are an error of an evaluation, and a note of a training.
mv shapes/square shapes/rectangle
expect 1 "was trained on other classes: its class 1 is 'square', the data's is 'rectangle'" "$CNNC" eval m.cnn --weights w.safetensors
expect 0 "its class 1 is 'square', the data's is 'rectangle'; they are learnt anew" "$CNNC" run m.cnn --epochs 1 --start w.safetensors

# One output for two classes, more classes than are shown, real numbers.
rm -r 'shapes/disc, "round"'
sed 's/dense data.classes -> softmax/dense 1 -> sigmoid/; s/loss cross_entropy/loss binary_cross_entropy/' m.cnn >two.cnn
expect 0 'weights written' "$CNNC" run two.cnn --save two.safetensors
expect 0 'mean of the classes' "$CNNC" eval two.cnn --weights two.safetensors --outputs two.csv
head -n 1 two.csv | grep -q '^sample,class,answer,right,triangle' || wrong "one output: $(head -n 1 two.csv)"
python3 - <<'END' || wrong 'one output: the answer is not what the output says'
import csv
for row in csv.DictReader(open("two.csv", newline="")):
    assert row["answer"] == ("triangle" if float(row["triangle"]) > 0.5 else "rectangle"), row
END
python3 "$OLDPWD/tests/data/make_patterns.py" many --format arrays --count 200 --classes 25 --size 25
sed 's/scale 0..1/standardize/; s/folder "shapes"/arrays x="many\/x.npy", y="many\/y.npy"/' m.cnn >many.cnn
expect 0 'weights written' "$CNNC" run many.cnn --epochs 1 --save many.safetensors
expect 0 'and 5 more, which are right more often' "$CNNC" eval many.cnn --weights many.safetensors
printf 'file,width\n' >widths.csv
for picture in shapes/triangle/000?.png; do echo "$picture,0.5" >>widths.csv; done
sed 's/folder "shapes"/list "widths.csv", image="file", label="width", values=numbers/; s/dense data.classes -> softmax/dense 1/; s/loss cross_entropy/loss mse/' m.cnn >width.cnn
expect 0 'weights written' "$CNNC" run width.cnn --save width.safetensors
expect 0 'outputs written' "$CNNC" eval width.cnn --weights width.safetensors --outputs width.csv
head -n 1 width.csv | grep -q '^sample,label,output1' || wrong "real numbers: $(head -n 1 width.csv)"
! grep -q 'mean of the classes' "$answer" || wrong 'real numbers have classes'
exit $failed
