# docs/tutorial.md does what it says: its files are written and its commands run, in order, in a folder of their own.
set -eu
top=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ln -s "$top/tests" tests
mkdir -p build
ln -s "$(dirname "$CNNC")" build/release

# A fence "```cnn NAME" is a file, a fence "```sh run" a part of the script.
awk '
/^```/ && inside { close(inside); inside = ""; next }
/^```cnn [a-z.]+$/ { inside = $2; next }
/^```sh run$/ { inside = "tutorial.sh"; next }
inside == "tutorial.sh" { print >>inside; next }
inside { print >inside }
' "$top/docs/tutorial.md"

test -s photos.cnn
[ "$(wc -l <tutorial.sh)" -ge 10 ] || { echo "the tutorial has lost its commands"; exit 1; }
bash -eux tutorial.sh >log 2>&1 || { cat log; exit 1; }

cnnc=$CNNC
"$cnnc" fmt --check photos.cnn
for weights in photos photos2 photos3; do
    test -s "$weights.safetensors"
done

# What was learnt: three classes, so that a third would be chance.
accuracy=$("$cnnc" eval photos.cnn --weights photos.safetensors | grep -o 'accuracy [0-9.]*' | head -n 1 | cut -d ' ' -f 2)
awk -v accuracy="$accuracy" 'BEGIN { exit !(accuracy >= 0.85) }' ||
    { echo "the tutorial's network has an accuracy of '$accuracy' only"; exit 1; }

# The trainer trains as cnnc does.
"$cnnc" run photos.cnn --epochs 1 --save again.safetensors >/dev/null
cmp again.safetensors photos3.safetensors
