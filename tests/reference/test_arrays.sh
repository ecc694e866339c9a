# Arrays as numpy itself writes them: every form of the same samples and labels trains to the same losses and weights, bit for bit.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python=python3
[ -x "${CNNC_BUILD:-}/venv/bin/python3" ] && python=$CNNC_BUILD/venv/bin/python3
if ! "$python" -c 'import numpy, PIL' 2>/dev/null; then
    echo "skipped: $python has no numpy or no pillow (pip install numpy pillow)"
    exit 77
fi
"$python" tests/reference/arrays.py "$folder" >"$folder/forms"
cd "$folder"
last='' count=0
while IFS=$'\t' read -r group source; do
    case $group in
    reals) output='dense 1' loss=mse ;;
    *) output='dense data.classes -> softmax' loss=cross_entropy ;;
    esac
    cat >m.cnn <<MODEL
model A {
    input data.shape
    flatten -> $output
}
data {
    $source
}
train {
    loss $loss
    optimizer sgd, rate=0.001
    batch 8
    epochs 2
}
MODEL
    count=$((count + 1))
    if [ "$group" != "$last" ]; then
        trains plain m.cnn
        last=$group
        continue
    fi
    trains other m.cnn
    same plain.losses other.losses "other losses: $source"
    # Behind the header, which names the classes.
    for file in plain other; do
        tail -c "+$((9 + $(od -An -t u8 -N 8 "$file.safetensors")))" "$file.safetensors" >"$file.values"
    done
    same plain.values other.values "other weights: $source"
done <forms
[ "$count" -ge 60 ] || wrong "only $count forms were written"
exit $failed
