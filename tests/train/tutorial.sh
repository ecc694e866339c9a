# A page of docs/ does what it says: its files are written and its commands run, in order, in a folder of their own, which is the
# current one after this. Sourced by test_tutorial*.sh with the page's name.
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
cd "$folder"
export XDG_CACHE_HOME=$folder/cache
ln -s "$top/tests" tests
mkdir -p build
ln -s "$(dirname "$CNNC")" build/release

# A fence "```cnn NAME", "```python NAME" or "```c NAME" is a file, "```sh run" a part of the script, "```sh fails" commands of which each ends with
# the exit code 1, "```text" what is printed by one of them.
awk '
/^```/ && inside { close(inside); inside = ""; next }
/^```(cnn|python|c) [a-z.]+$/ { inside = $2; next }
/^```sh (run|fails)$/ { inside = "tutorial.sh"; fails = $2 == "fails"; next }
/^```text$/ { inside = "shown"; next }
inside == "tutorial.sh" && fails { print "status=0; " $0 " || status=$?; [ $status = 1 ]" >>inside; next }
inside == "tutorial.sh" || inside == "shown" { print >>inside; next }
inside { print >inside }
' "$top/docs/$1"

# Lines with each number as N, each bar and each gap as one character: what is the same on all machines.
plain_lines() {
    sed -E 's/[0-9][0-9.,]*/N/g; s/#+/#/g; s/ +/ /g; s/^ //; s/ $//'
}

# tutorial_run LEAST: runs the script, of at least so many lines; what is said to be printed, is.
tutorial_run() {
    [ "$(wc -l <tutorial.sh)" -ge "$1" ] || { echo "the tutorial has lost its commands"; exit 1; }
    bash -eux tutorial.sh >log 2>&1 || { cat log; exit 1; }
    plain_lines <log >log.plain
    touch shown
    while read -r line; do
        [ -z "$line" ] || [ "$line" = … ] || grep -qxF -- "$line" log.plain || wrong "nothing prints: $line"
    done < <(plain_lines <shown)
}

# tutorial_accuracy MODEL WEIGHTS LEAST
tutorial_accuracy() {
    local accuracy
    accuracy=$("$CNNC" eval "$1" --weights "$2" | grep -o 'accuracy [0-9.]*' | head -n 1 | cut -d ' ' -f 2)
    awk -v accuracy="$accuracy" -v least="$3" 'BEGIN { exit !(accuracy >= least) }' ||
        wrong "the tutorial's network has an accuracy of '$accuracy' only"
}
