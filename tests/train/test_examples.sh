# The models of examples/ are checked and trained for two steps, on pictures that have nothing to say but are as many as the models
# need; compiled for plainer processors; and the commands of their documents are such as the program takes.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cp -r examples "$folder/examples"
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 12 --size 32 >/dev/null
pictures=(shapes/*/*.png)
# classes NAME COUNT: a folder with so many classes, of three pictures each, one more for the test.
classes() {
    for class in $(seq "$2"); do
        for part in train test; do
            mkdir -p "data/$1/$part/c$class"
            ln "${pictures[class % 36]}" "data/$1/$part/c$class/a.png"
        done
        ln "${pictures[(class + 7) % 36]}" "data/$1/train/c$class/b.png"
        ln "${pictures[(class + 19) % 36]}" "data/$1/train/c$class/c.png"
    done
}
plainer=
[ "$(uname -m)" != x86_64 ] || plainer='x86-64 x86-64-v3'
classes small10 10
classes photos42 42
classes breeds133 133
classes letters42 42
classes letters10 10
classes rare10 10
expect 0 '' "$CNNC" run examples/transfer/letters.cnn --batch 8 --steps 2 --save data/letters42.safetensors

count=0
for model in examples/*/*.cnn; do
    example=${model%/*}
    expect 0 '' "$CNNC" fmt --check "$model"
    expect 0 'memory: ' "$CNNC" check "$model"
    expect 0 'epoch 1/1' "$CNNC" run "$model" --batch 8 --steps 2
    for cpu in $plainer; do
        expect 0 'kernels in' "$CNNC" build "$model" -o trainer --cpu "$cpu"
    done
    # What the document calls: here only checked.
    while read -r line; do
        count=$((count + 1))
        expect 0 'memory: ' eval "\"\$CNNC\" check ${line#cnnc * }"
    done < <(sed -n 's/^    \(cnnc [a-z]* examples[^#]*\).*/\1/p' "$top/$example/README.md" | sed 's/ --\(epochs\|steps\|save\|weights\) [^ ]*//g')
done
[ $count -ge 5 ] || wrong "$count commands in the documents of the examples"
exit $failed
