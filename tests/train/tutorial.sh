# A page of docs/ does what it says: its files are written and its commands run, in order, in a folder of their own, which is the
# current one after this. Sourced by test_tutorial*.sh with the page's name.
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
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
' "$top/docs/$1"

# tutorial_run LEAST: runs the script, of at least so many lines.
tutorial_run() {
    [ "$(wc -l <tutorial.sh)" -ge "$1" ] || { echo "the tutorial has lost its commands"; exit 1; }
    bash -eux tutorial.sh >log 2>&1 || { cat log; exit 1; }
}

# tutorial_accuracy MODEL WEIGHTS LEAST
tutorial_accuracy() {
    local accuracy
    accuracy=$("$CNNC" eval "$1" --weights "$2" | grep -o 'accuracy [0-9.]*' | head -n 1 | cut -d ' ' -f 2)
    awk -v accuracy="$accuracy" -v least="$3" 'BEGIN { exit !(accuracy >= least) }' ||
        { echo "the tutorial's network has an accuracy of '$accuracy' only"; exit 1; }
}
