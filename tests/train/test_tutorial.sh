# docs/tutorial.md does what it says.
set -eu
. tests/train/tutorial.sh tutorial.md
tutorial_run 10

cnnc=$CNNC
"$cnnc" fmt --check photos.cnn
for weights in photos photos2 photos3; do
    test -s "$weights.safetensors"
done

# What was learnt: three classes, so that a third would be chance.
tutorial_accuracy photos.cnn photos.safetensors 0.85

# The trainer trains as cnnc does.
"$cnnc" run photos.cnn --epochs 1 --save again.safetensors >/dev/null
cmp again.safetensors photos3.safetensors
exit $failed
