# docs/tutorial-satellite.md does what it says.
set -eu
. tests/train/tutorial.sh tutorial-satellite.md
python3 tests/data/make_scene.py land >/dev/null
if "$CNNC" check land.cnn 2>&1 | grep -q 'libtiff'; then
    echo "skipped: this cnnc was built without libtiff"
    exit 77
fi
PATH=$PWD/build/release:$PATH
tutorial_run 7
"$CNNC" fmt --check land.cnn
tutorial_accuracy land.cnn land.safetensors 0.9
head -n 2 east.csv | tail -n 1 | grep -q '^"land/scene.tif\[[0-9]*, [0-9]*\]",' || wrong "the names of tiles: $(head -n 2 east.csv)"
grep -q '^all  loss' log || wrong 'the eastern half is not evaluated'
awk '/^all +loss/ { if ($5 < 0.75) exit 1 }' log || wrong "the eastern half is not recognised: $(grep '^all' log)"

# The messages that it explains.
python3 tests/data/make_scene.py small --size 60 >/dev/null
expect 1 'small/west.tif is 60 x 60, but the scene land/scene.tif is 120 x 120' "$CNNC" check land.cnn --set 'data.multiband.mask="small/west.tif"'
python3 tests/data/make_scene.py fewer --bands 3 >/dev/null
expect 1 'pca' "$CNNC" check land.cnn --set 'data.multiband.scene="fewer/scene.tif"'
sed 's/bands=4/bands=99%/' land.cnn >share.cnn
expect 0 'components of 12 values keep 99' "$CNNC" run share.cnn --epochs 1 --save share.safetensors
expect 1 "'share.safetensors' belongs to another network" "$CNNC" eval land.cnn --weights share.safetensors
# Of another scene the weights say how many components there are.
expect 0 'all  loss' "$CNNC" eval share.cnn --weights share.safetensors --all --set 'data.multiband.mask="land/east.tif"'
"$CNNC" build share.cnn -o share >log || wrong 'a trainer is not built'
expect 0 'validation  loss' ./share eval --weights share.safetensors
exit $failed
