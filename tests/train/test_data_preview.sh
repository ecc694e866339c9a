# `cnnc data preview` and `cnnc data dump` as a user calls them: their files, read by others, and their mistakes.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 12 --size 20 >/dev/null
cp -r shapes whole
cat >m.cnn <<'END'
model A {
    input data.shape
    flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=25%, seed=1
    resize 16x16
    scale 0..1
    augment { flip horizontal -> rotate 20deg }
}
train {
    loss cross_entropy -> optimizer sgd, rate=0.1
    batch 4
}
END
sed '/augment/d; s/scale.*/standardize/' m.cnn >plain.cnn
sed '/^data/,/^}/d; s/data.shape/16x16x3/; s/data.classes/3/' m.cnn >none.cnn

# ---- preview ----
if ldd "$CNNC" | grep -q libcairo; then
    expect 0 'sheet.png: 9 samples' "$CNNC" data preview m.cnn -o sheet.png
    cp sheet.png first.png
    expect 0 'sheet.png: 9 samples' "$CNNC" data preview m.cnn -o sheet.png --threads 1 # an old one may be replaced
    same first.png sheet.png 'the same call drew another sheet'
    expect 0 '' "$CNNC" data preview m.cnn -o sheet.png --seed 2
    cmp -s first.png sheet.png && wrong 'another seed drew the same sheet'
    expect 0 'sheet.svg: 5 samples' "$CNNC" data preview plain.cnn -o sheet.svg --count 5
    expect 0 'sheet.png: 1 sample' "$CNNC" data preview plain.cnn -o sheet.png --count 1
    expect 0 'all.png: 27 samples' "$CNNC" data preview m.cnn -o all.png --count 150
    expect 0 'square.png: 9 samples' "$CNNC" data preview m.cnn -o square.png --count 50 --class square
    python3 - <<'END' || wrong 'the sheet is not as large as its samples need'
import struct
def size(path):
    return struct.unpack(">II", open(path, "rb").read()[16:24])
assert size("first.png") == (960, 84 + 9 * 204 + 4), size("first.png")
assert size("all.png") == (960, 84 + 27 * 204 + 4), size("all.png")
assert size("sheet.png") == (960, 84 + 204 + 4), size("sheet.png")
END
    expect 2 "--class: there is no class 'squre'; did you mean 'square'?" "$CNNC" data preview m.cnn -o a.png --class squre
    expect 2 "--class: there is no class 'x'; the first is 'disc'" "$CNNC" data preview m.cnn -o a.png --class x
    expect 1 "none.cnn has no 'data' section" "$CNNC" data preview none.cnn -o a.png
    expect 2 'is a sample of the data; it would be overwritten' "$CNNC" data preview m.cnn -o "$PWD/shapes/../shapes/disc/0001.png"
    same whole/disc/0001.png shapes/disc/0001.png 'a sample is written over'
    mkdir numbers
    python3 - <<'END'
import struct
def write(path, shape, values):
    header = ("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % shape).ljust(117) + "\n"
    open(path, "wb").write(b"\x93NUMPY\1\0\166\0" + header.encode() + struct.pack("<%df" % len(values), *values))
write("numbers/x.npy", "(6, 4, 4, 2)", range(192))
write("numbers/y.npy", "(6,)", [0.5 * i for i in range(6)])
END
    printf 'data { arrays x="numbers/x.npy", y="numbers/y.npy" }\nmodel A { input data.shape -> flatten -> dense 1 }\n' >real.cnn
    printf 'train { loss mse -> optimizer sgd, rate=0.1 -> batch 4 }\n' >>real.cnn
    expect 0 'real.png: 6 samples' "$CNNC" data preview real.cnn -o real.png
    expect 2 '--class: the labels of real.cnn are real numbers, not classes' "$CNNC" data preview real.cnn -o a.png --class 1
    for file in shapes/disc/*.png; do : >"$file"; done
    expect 0 '9 that cannot be read are left out: `cnnc data check` names them' "$CNNC" data preview m.cnn -o all.png --count 150
    for file in shapes/*/*.png; do : >"$file"; done
    expect 1 'none of the samples can be read: `cnnc data check` tells the reasons' "$CNNC" data preview m.cnn -o a.png
    [ ! -e a.png ] || wrong 'a failed preview leaves a file'
    rm -r shapes
    cp -r whole shapes
else
    expect 3 'built without cairo' "$CNNC" data preview m.cnn -o sheet.png
fi
expect 2 'data preview: -o must say which file to write' "$CNNC" data preview m.cnn
expect 2 'ends neither with .png nor with .svg' "$CNNC" data preview m.cnn -o sheet.gif
expect 2 '--count must be from 1' "$CNNC" data preview m.cnn -o sheet.png --count 0

# ---- dump ----
expect 0 'x.npy: 16x16x3 of shapes/disc/0001.png (training, class 0: disc) as it is evaluated' "$CNNC" data dump m.cnn --sample disc/0001.png -o x.npy
expect 0 'as it is evaluated' "$CNNC" data dump m.cnn --sample 1 -o number.npy
same x.npy number.npy 'by its number'
expect 0 'as epoch 1 trains on it' "$CNNC" data dump m.cnn --sample ./shapes/disc/0001.png --augment -o first.npy
expect 0 'as epoch 2 trains on it' "$CNNC" data dump m.cnn --sample disc/0001.png --augment --epoch 2 -o second.npy
expect 0 '' "$CNNC" data dump m.cnn --sample disc/0001.png --augment --epoch 2 --seed 9 -o seed.npy
for file in x first seed; do
    cmp -s $file.npy second.npy && wrong "$file.npy is second.npy"
done
python3 - <<'END' || wrong 'what numpy reads'
import sys
try:
    import numpy
except ImportError:
    sys.exit(0)
x = numpy.load("x.npy", allow_pickle=False)
assert x.shape == (16, 16, 3) and x.dtype == numpy.float32 and 0 <= x.min() < x.max() <= 1, x
assert numpy.allclose(numpy.round(x * 255) / 255, x, atol=1e-6), "resize keeps bytes"
END
expect 2 'data dump: -o must say which file' "$CNNC" data dump m.cnn --sample 1
expect 2 'data dump: --sample must say which' "$CNNC" data dump m.cnn -o x.npy
expect 2 '--epoch is for --augment' "$CNNC" data dump m.cnn --sample 1 -o x.npy --epoch 2
expect 1 'there is no sample 36: the data have numbers 0 to 35' "$CNNC" data dump m.cnn --sample 36 -o x.npy
expect 1 'there is no sample 36893488147419103232' "$CNNC" data dump m.cnn --sample 36893488147419103232 -o x.npy
expect 1 "no sample is called 'disc/9.png'; the first is called 'shapes/disc/0000.png'" "$CNNC" data dump m.cnn --sample disc/9.png -o x.npy
expect 1 "several samples are called '0001.png', such as 'shapes/disc/0001.png' and 'shapes/square/0001.png'" "$CNNC" data dump m.cnn --sample 0001.png -o x.npy
expect 1 "none.cnn has no 'data' section" "$CNNC" data dump none.cnn --sample 1 -o x.npy
expect 2 'is the model itself' "$CNNC" data dump m.cnn --sample 1 -o m.cnn
for held in $(seq 0 35); do
    "$CNNC" data dump m.cnn --sample "$held" -o held.npy | grep -q '(validation' && break
done
expect 2 'the sample is one of the validation part, which is never augmented' "$CNNC" data dump m.cnn --sample "$held" -o x.npy --augment
head -c 200 whole/disc/0001.png >shapes/disc/0001.png
expect 1 'shapes/disc/0001.png: truncated PNG' "$CNNC" data dump m.cnn --sample 1 -o x.npy
exit $failed
