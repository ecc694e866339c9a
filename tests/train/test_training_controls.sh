# Statements of `train` that change how the weights are learnt, from the text of a model to the files: average.
set -eu
folder=$(mktemp -d)
. tests/expect.sh
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 24 --size 16 >/dev/null
cd "$folder"

# model NAME STATEMENT…: a model whose `train` has these lines besides.
model() {
    cat >"$1.cnn" <<'END'
model M {
    input data.shape
    conv 4, 3x3, pad=same -> batchnorm -> relu -> maxpool 2
    conv 8, 3x3 -> relu
    flatten
    dense 8 -> relu
    dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=25%, seed=1
    scale 0..1
}
train {
    optimizer sgd, rate=0.05, momentum=0.9
    batch 8
    epochs 2
END
    printf '    %s\n' "${@:2}" "}" >>"$1.cnn"
}
# groups FILE: kernels of a training step.
groups() {
    "$CNNC" emit --stage plan "$1" | grep -c '^  group'
}
# evaluated TEXT: what a line of an epoch or of an evaluation says of the loss.
loss_of() {
    grep -o "$1loss [0-9.]*" "$answer" | tail -n 1 | sed 's/.*loss //'
}

model plain
model average "average ema=0.9" "checkpoint every=1 epoch, keep=1"
[ "$(groups plain.cnn)" = "$(groups average.cnn)" ] || wrong "the average costs kernels: $(groups average.cnn), without $(groups plain.cnn)"
trains plain plain.cnn
trains average average.cnn
said=$(loss_of val_)
same plain.losses average.losses "the average changes the training"
cmp -s plain.safetensors average.safetensors && wrong "the average is not saved"
for file in average.safetensors M-epoch-2.safetensors; do
    expect 0 '' "$CNNC" eval average.cnn --weights $file
    [ "$(loss_of ' ')" = "$said" ] || wrong "$file is evaluated with another loss than $said: $(cat "$answer")"
done

exit $failed
