# What bad input gets, from the command line to the exit code: one clear error, and nothing written. Mistakes in the language
# are tests/golden/errors, each reader's own are tests/unit; here each kind is seen once, by `cnnc run` as a user calls it.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 12 --size 12 >/dev/null
python3 "$top/tests/data/make_patterns.py" idx --count 24
python3 "$top/tests/data/make_patterns.py" arrays --format arrays --count 24

# model SOURCE [LAYERS]: m.cnn, which reads the source.
model() {
    cat >m.cnn <<EOF
model A {
    input data.shape
    ${2:-conv 4, 3x3 -> relu -> maxpool 2}
    flatten -> dense data.classes -> softmax
}
data {
    $1
    split validation=20%, seed=1
    resize 12x12
}
train {
    batch 8
    epochs 2
}
EOF
}
# refused STATUS TEXT [FLAG…]: the run of m.cnn ends so, and has written no weights and no log.
refused() {
    local status=$1 text=$2
    shift 2
    expect "$status" "$text" "$CNNC" run m.cnn --save w.safetensors --log w.jsonl "$@"
    [ ! -e w.safetensors ] || wrong "$text: weights are written"
    rm -f w.safetensors w.jsonl
}

# ---- The model ----
model 'folder "shapes"' 'convv 4, 3x3'
refused 1 "m.cnn:3:5: error: there is no statement 'convv' in a model [unknown-statement]"
model 'folder "shapes"' 'conv 4, 3x3, strides=2'
refused 1 "did you mean 'stride'?"
model 'folder "shapes"' 'dropout 5deg'
refused 1 '[wrong-unit]'
model 'folder "shapes"' 'conv 4, 3x3, pad=smae'
refused 1 "did you mean 'same'?"
model 'folder "shapes"' 'conv 4.5, 3x3'
refused 1 '[wrong-type]'
model 'folder "shapes"' 'conv 0, 3x3'
refused 1 '[out-of-range]'
model 'folder "shapes"' 'maxpool 4 -> conv 4, 5x5'
refused 1 'm.cnn:3:5: note: maxpool1 gives 3x3x3 here'
model 'folder "shapes"' 'a = conv 4, 3x3
    conv 4, 3x3 -> add a'
refused 1 '[shapes-differ]'
model 'folder "shapes"' 'a = conv 4, 3x3
    maxpool 2 -> concat a'
refused 1 '[shapes-differ]'
model 'folder "shapes"' 'repeat 1000000 { relu -> relu }'
refused 1 'more than 1000000 statements'
model 'folder "shapes"' 'conv 1000000, 3x3, pad=same -> conv 1000000, 9x9, pad=same'
refused 1 '[too-large]'
model 'folder "shapes"'
refused 1 '[unknown-parameter]' --set train.optimizer.rte=1
refused 2 "unknown flag '--epoch'" --epoch 3
refused 2 "'--no-pol'" --no-pol

# ---- Memory: what check foresees, a run says before it trains ----
model 'folder "shapes"' 'conv 40000, 3x3, pad=same'
expect 3 'the training needs' "$CNNC" check --batch 10000 m.cnn
refused 3 'the training needs' --batch 10000
! grep -q '^epoch' "$answer" || wrong 'it trains without the memory'
model 'folder "shapes"' # the network is small, its batches are not
expect 3 'the training needs' "$CNNC" check --batch 1000000 --set data.resize=512x512 m.cnn
refused 3 'the training needs' --batch 1000000 --set data.resize=512x512

# ---- Folders of pictures ----
model 'folder "nowhere"'
refused 1 "m.cnn:7:5: error: 'nowhere' is neither in the model's folder"
cp -r shapes empty
mkdir empty/ellipse
model 'folder "empty"'
refused 1 "the class folder 'empty/ellipse' holds no picture"
mkdir one
cp -r shapes/disc one/
model 'folder "one"'
refused 1 "'one' holds one class only, 'disc'"
cp -r shapes damaged
head -c 200 shapes/disc/0003.png >damaged/disc/0003.png
model 'folder "damaged"'
sed -i '/split/d' m.cnn
expect 0 '1 sample of the training part could not be read and left out:' "$CNNC" run m.cnn --save w.safetensors
grep -qxF '  damaged/disc/0003.png: truncated PNG' "$answer" || wrong "which picture is damaged: $(cat "$answer")"
grep -qF '36 training' "$answer" || wrong 'not all pictures are there'
grep -qxF 'what could not be read is named in runs/A-1/unreadable.jsonl' "$answer" || wrong "not told where: $(cat "$answer")"
named='{"part": "training", "sample": "damaged/disc/0003.png", "reason": "damaged/disc/0003.png: truncated PNG"}'
[ "$(cat runs/A-1/unreadable.jsonl)" = "$named" ] || wrong "unreadable.jsonl: $(cat runs/A-1/unreadable.jsonl)"
expect 0 'epoch 3/3' "$CNNC" run m.cnn --resume=runs/A-1 --epochs 3 # gone on with, it is not named twice
[ "$(cat runs/A-1/unreadable.jsonl)" = "$named" ] || wrong "unreadable.jsonl, gone on with: $(cat runs/A-1/unreadable.jsonl)"
rm w.safetensors
sed -i 's/^    resize/    bad stop -> resize/' m.cnn
refused 1 'error: damaged/disc/0003.png: truncated PNG'
for i in 0 1 2 3 4 5; do
    echo 'no picture' >damaged/square/000$i.png
done
sed -i 's/bad stop -> //' m.cnn
refused 1 "cannot be read, more than the 10% that 'bad' allows"
[ "$(cat "$(ls -td runs/A-* | head -1)/unreadable.jsonl" | wc -l)" = 4 ] || wrong 'not all that ended the training are named'

cp -r shapes links
ln -s loop.png links/disc/loop.png
ln -s /dev/zero links/square/zero.png
model 'folder "links"'
sed -i '/split/d' m.cnn
expect 0 '2 samples of the training part could not be read and left out:' "$CNNC" run m.cnn
grep -qxF '  links/square/zero.png: not a regular file' "$answer" || wrong "a device: $(cat "$answer")"
ln -s . links/round
refused 1 "'links/round' is a link to a folder that it lies in itself"

# ---- Files of numbers ----
model 'idx "idx"'
expect 0 'epoch 2/2' "$CNNC" run m.cnn
gzip -c idx/train-images-idx3-ubyte | head -c 500 >images.gz
rm idx/train-images-idx3-ubyte
mv images.gz idx/train-images-idx3-ubyte.gz
refused 1 'idx/train-images-idx3-ubyte.gz: gzip file cut short'
model 'arrays x="x.npy", y="y.npy"'
cp arrays/y.npy .
# changed OLD NEW: x.npy with other bytes in its header.
changed() {
    LC_ALL=C sed "s/$1/$2/" arrays/x.npy >x.npy
}
changed "'<f4'" "'|O' "
refused 1 'x.npy: holds pickled Python objects'
changed 'NUMPY' 'NUMPI'
refused 1 'x.npy: not a .npy file'
changed '(24, ' '(25, '
refused 1 'x.npy: its header asks for a file of'
changed "'descr'" "'dexcr'"
refused 1 'x.npy: not the header of a .npy file'
changed '(24, 12, 12, 1, ), }          ' '(9999999999, 9999999999, 1, )}'
refused 1 'x.npy'

# ---- Weights ----
cp arrays/x.npy .
expect 0 'weights written' "$CNNC" run m.cnn --save good.safetensors
cp good.safetensors before.safetensors
# header OLD NEW: bad.safetensors, the good one with other text in its header.
header() {
    LC_ALL=C sed "s/$1/$2/" good.safetensors >bad.safetensors
}
header '\[3,3,1,4\]' '[3,3,4,1]'
refused 1 "'conv1.kernel' is f32 3x3x4x1, this network's is f32 3x3x1x4" --start bad.safetensors
header '\[3,3,1,4\]' '[9,3,1,4]'
refused 1 "tensor 'conv1.kernel'" --start bad.safetensors
header '"F32"' '"F64"'
refused 1 "bad.safetensors': tensor" --start bad.safetensors
head -c -20 good.safetensors >bad.safetensors
refused 1 'is said to end at byte' --start bad.safetensors
printf '\377\377\377\377\377\377\377\177{}' >bad.safetensors
refused 1 'its header is said to have' --start bad.safetensors
{ head -c -1 good.safetensors && printf 'X'; } >bad.safetensors
refused 1 'checksum' --start bad.safetensors
refused 1 "cannot open 'missing.safetensors'" --start missing.safetensors
expect 1 "cannot open 'missing.safetensors'" "$CNNC" eval m.cnn --weights missing.safetensors --outputs o.npy
[ ! -e o.npy ] || wrong 'outputs without weights'
# A training that diverges leaves the weights of before: a regression, whose loss has no bound.
python3 - <<'EOF'
import struct
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (24,), }"
head += " " * (-(10 + len(head) + 1) % 64) + "\n"
with open("y.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<24f", *range(24)))
EOF
sed -i 's/dense data.classes -> softmax/dense 1/; s/epochs 2/loss mse -> optimizer sgd, rate=0.01 -> epochs 50/' m.cnn
expect 0 'weights written' "$CNNC" run m.cnn --epochs 1 --set train.optimizer.rate=1e-5 --save good.safetensors
cp good.safetensors before.safetensors
expect 4 'no weights were written' "$CNNC" run m.cnn --set train.optimizer.rate=100 --save good.safetensors
same good.safetensors before.safetensors 'a run that diverges changes the weights'
exit $failed
