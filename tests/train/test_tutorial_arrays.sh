# docs/tutorial-arrays.md does what it says.
set -eu
. tests/train/tutorial.sh tutorial-arrays.md
if ! python3 -c 'import numpy' 2>/dev/null; then
    echo "skipped: python3 has no numpy (./test has one that does)"
    exit 77
fi
PATH=$PWD/build/release:$PATH
tutorial_run 12
"$CNNC" fmt --check cells.cnn
tutorial_accuracy cells.cnn cells.safetensors 0.8
tutorial_accuracy texts.cnn texts.safetensors 0.8
grep -q '^  middle ' log || wrong 'the classes of texts.npy have lost their names'

# The messages that it explains.
python3 - <<'END'
import numpy as np

y = np.load("numbers.npy")
np.save("few.npy", y[:5])
np.save("objects.npy", np.load("texts.npy").astype(object))
np.save("real.npy", np.load("x.npy") / 255)
np.save("from_one.npy", y + 1)
np.savez("others.npz", images=y, species=y)
END
try() { # SOURCE TEXT
    sed "s|arrays .*|$1|" texts.cnn >wrong.cnn
    expect 1 "$2" "$CNNC" check wrong.cnn
}
try 'arrays x="x.npy", y="few.npy"' 'few.npy holds 5 labels, but x.npy holds 400 samples'
try 'arrays "others.npz"' "holds neither x and y nor x_train and y_train, and x= and y= name no others; it holds 'images.npy', 'species.npy'"
try 'arrays "x.npy"' "'x.npy' is one array, and two are needed"
try 'arrays x="x.npy", y="objects.npy"' 'holds pickled Python objects'
try 'arrays x="real.npy", y="numbers.npy"' "'scale' must know between which values the samples lie"
sed 's/texts.npy/from_one.npy/' texts.cnn >from_one.cnn
"$CNNC" check from_one.cnn | grep -q '^  0  *0' || wrong 'a class without samples is not shown'
exit $failed
