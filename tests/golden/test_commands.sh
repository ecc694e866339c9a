# The command line: what each mistake on it gets (exit codes: docs/commands.md), help for every word, and the formatter.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# expect STATUS TEXT ARGUMENT…: the exit code, and a text that stands in what is printed.
expect() {
    local status=$1 text=$2 got=0
    shift 2
    "$CNNC" "$@" >"$folder/out" 2>&1 || got=$?
    if [ "$got" != "$status" ] || { [ "$text" ] && ! grep -qF -- "$text" "$folder/out"; }; then
        echo "cnnc $*: exit code $got, expected $status with \"$text\", printed:"
        sed 's/^/    /' "$folder/out"
        failed=1
    fi
}

expect 2 'usage: cnnc COMMAND'
expect 2 "unknown command 'rnu'; did you mean 'run'?" rnu
expect 2 "'model.cnn' is a model, not a command: cnnc run model.cnn" model.cnn
expect 2 'usage: cnnc run MODEL' run
expect 2 "'b.cnn' is one argument too many" check a.cnn b.cnn
expect 2 "unknown flag '--epoch'; did you mean '--epochs'?" run a.cnn --epoch 3
expect 2 '--epochs takes a whole number' run a.cnn --epochs three
expect 2 '--epochs must be from 1' run a.cnn --epochs 0
expect 2 '--epochs needs a value' run a.cnn --epochs
expect 2 "there is no stage 'plam'; did you mean 'plan'?" emit --stage plam a.cnn
expect 2 '--stage must say which' emit a.cnn
expect 2 '--weights must say which' eval a.cnn
expect 2 'needs --weights' predict a.cnn x.png
expect 2 'usage: cnnc predict MODEL FILE|FOLDER|-...' predict a.cnn
expect 2 "did you mean '--json'?" predict a.cnn x.png --jsn
expect 0 '--top N' help predict
expect 2 '-o must say which' build a.cnn
expect 2 'contradict' check --no-fuse --fuse=pool a.cnn
expect 2 "there is no fusion 'poll'" check --fuse=poll a.cnn
printf 'let n = 2\nmodel A {\n    input 8x8x1\n    flatten -> dense n -> softmax\n}\n' >"$folder/set.cnn"
expect 2 "-D takes NAME=VALUE, not 'n'" check "$folder/set.cnn" -D n
expect 2 "not 'batch=64'" check "$folder/set.cnn" --set batch=64
expect 2 'a section data, train or compile' check "$folder/set.cnn" --set trian.batch=64
expect 1 "did you mean 'batch'?" check "$folder/set.cnn" --set train.bach=64
expect 0 'warning' check "$folder/set.cnn" -D n=3 --set train.batch=64
expect 2 "did you mean 'conv'?" help cnov
expect 1 'missing.cnn' check missing.cnn
expect 1 '[cannot-read]' fmt "$folder"
expect 2 'usage: cnnc data COMMAND' data
expect 2 "unknown command 'data chekc'; did you mean 'data check'?" data chekc
expect 2 "cnnc data check model.cnn" data model.cnn
expect 2 'usage: cnnc data check MODEL' data check
expect 2 "data check: unknown flag '--jsn'; did you mean '--json'?" data check model.cnn --jsn f
expect 0 'cnnc data check MODEL' help data
expect 0 'cnnc data check MODEL' data --help
expect 0 '--json FILE' data check --help
expect 0 'cnnc run ' help
expect 0 'cnnc run ' --help
expect 0 '--epochs N' run --help
expect 0 'split validation=20%' help split
expect 0 'conv filters, window' help conv
expect 0 'optimizer adam, rate=0.001' help adam
expect 0 '  Example: block ' help block
expect 0 'sgd adam adamw' help optimizer
expect 2 "did you mean 'repeat'?" help repaet
expect 0 'LLVM' --version
expect 0 'pool-first' passes

# doctor: what is here, and what is not; only what every training needs is an error.
expect 0 '  f32 peak ' doctor --json "$folder/doctor.json"
grep -qF '{"report": "doctor"' "$folder/doctor.json" && grep -q '"peak_flops": [1-9]' "$folder/doctor.json" || failed=1
grep -qE '^  PNG +libpng 1\.' "$folder/out" || failed=1
if command -v python3 >/dev/null; then
    python3 -m json.tool "$folder/doctor.json" >/dev/null || failed=1
fi
(PATH=/nonexistent && "$CNNC" doctor) >"$folder/out" || failed=1
grep -qF "linker           absent: there is no C compiler 'cc'" "$folder/out" || failed=1
XDG_CACHE_HOME=/proc/none expect 0 'folder           absent: /proc/none/cnnc cannot be made' doctor --json "$folder/doctor.json"
grep -qF '{"section": "cache", "name": "folder", "needed": false, "why": "/proc/none/cnnc cannot' "$folder/doctor.json" || failed=1
expect 2 '--json:' doctor --json "$folder"
grep -q '"gpu": {"driver": ' "$folder/doctor.json" || failed=1
if ! ldconfig -p | grep -q libcuda.so.1; then
    echo 'no library' >"$folder/libcuda.so.1"
    CNNC_CUDA_LIB=/nonexistent::$folder expect 0 "absent: there is no NVIDIA driver here: $folder/libcuda.so.1: " doctor
    rm "$folder/libcuda.so.1"
    expect 0 'absent: there is no NVIDIA driver here: libcuda.so.1: cannot open shared object' doctor
fi
expect 2 'one argument too many' doctor twice

if "$CNNC" help >/dev/full 2>/dev/null; then
    echo 'cnnc help >/dev/full: no error'
    failed=1
fi

# Every word of the help has a page.
for word in $("$CNNC" help | sed '1,/tells more/d' | grep '^  '); do
    expect 0 "$word" help "$word"
done

# The examples of the words that files are made of are such a file.
for word in import let block model data train compile; do
    "$CNNC" help $word | sed -n 's/^  Example: //p'
done >"$folder/words.cnn"
expect 0 '' fmt "$folder/words.cnn"
[ "$(grep -c '^[a-z]' "$folder/words.cnn")" = 7 ] || failed=1

# fmt: what it prints it leaves alone the second time, and comments survive.
printf 'model   M {  # a comment\ninput 8x8x1\n conv 4,3x3->relu\n  }\n' >"$folder/m.cnn"
expect 1 'not in the form' fmt --check "$folder/m.cnn"
expect 0 '' fmt "$folder/m.cnn"
expect 0 '' fmt --check "$folder/m.cnn"
grep -qF '# a comment' "$folder/m.cnn"
grep -qF '    conv 4, 3x3 -> relu' "$folder/m.cnn"
printf 'model M {\n' >"$folder/broken.cnn"
cp "$folder/broken.cnn" "$folder/before"
expect 1 'broken.cnn:1:' fmt "$folder/broken.cnn"
cmp "$folder/before" "$folder/broken.cnn"
exit $failed
