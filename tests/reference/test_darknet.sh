# `cnnc import` of darknet networks: the outputs of what it writes are those that darknet's rules give, computed with numpy (darknet.py).
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python=python3
[ -x "${CNNC_BUILD:-}/venv/bin/python3" ] && python=$CNNC_BUILD/venv/bin/python3
if ! "$python" -c 'import numpy' 2>/dev/null; then
    echo "skipped: $python has no numpy (pip install numpy)"
    exit 77
fi
names=$("$python" tests/reference/darknet.py "$folder")
cd "$folder"
for name in $names; do
    expect 0 "weights, in $name.safetensors" "$CNNC" import "$name.cfg" "$name.weights" -o "$name.cnn"
    expect 0 '' "$CNNC" check "$name.cnn"
    expect 0 '' "$CNNC" fmt --check "$name.cnn"
    data=(--set "data.arrays.x=\"$name.x.npy\"" --set "data.arrays.y=\"$name.y.npy\"")
    expect 0 'outputs written' "$CNNC" eval "$name.cnn" --weights "$name.safetensors" --all "${data[@]}" --outputs "$name.npy"
    "$python" "$top/tests/reference/darknet.py" --compare "$name.out.npy" "$name.npy" || wrong "$name: other outputs"
    expect 0 'weights written' "$CNNC" run "$name.cnn" --start "$name.safetensors" "${data[@]}" --epochs 1 --no-out --save on.safetensors
done
exit $failed
