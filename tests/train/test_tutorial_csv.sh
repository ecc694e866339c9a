# docs/tutorial-csv.md does what it says.
set -eu
. tests/train/tutorial.sh tutorial-csv.md
PATH=$PWD/build/release:$PATH
tutorial_run 9
"$CNNC" fmt --check kinds.cnn width.cnn
tutorial_accuracy kinds.cnn kinds.safetensors 0.7
"$CNNC" eval width.cnn --weights width.safetensors >"$answer"
awk '/^test/ { exit !($3 < 4.5) }' "$answer" || wrong "widths of 18 to 38 are wrong by more than 4.5 (5 is chance): $(cat "$answer")"
head -n 1 widths.csv | grep -q '^sample,label,output1' || wrong "the columns of widths.csv: $(head -n 1 widths.csv)"

"$CNNC" check parts.cnn | grep -q "$(grep -c ',train' shells/shells.csv) training" || wrong 'parts.cnn has other parts than the table'

# The messages that it explains.
expect 1 "has no column 'species'; it has 'file', 'kind', 'width', 'beach', 'use'" "$CNNC" check kinds.cnn --set 'data.list.label="species"'
expect 1 'none of its pictures is found' "$CNNC" check kinds.cnn --set 'data.list.ending=".jpg"'
expect 1 'the labels are real numbers, not classes: values=numbers' "$CNNC" check kinds.cnn --set 'data.list.label="width"'
sed 's/dense 1$/dense data.classes/' width.cnn >classes.cnn
expect 1 "write 1, leave 'softmax' out, and let the loss be mse or mae" "$CNNC" check classes.cnn
sed -i '17s/[0-9.]*,beach/12 mm,beach/' shells/shells.csv
expect 1 "shells.csv:17: the label '12 mm' is not a finite number" "$CNNC" check width.cnn
sed -i '17s/,[a-z]*,/,,/' shells/shells.csv
expect 1 "shells.csv:17: the column 'kind' is empty" "$CNNC" check kinds.cnn
exit $failed
