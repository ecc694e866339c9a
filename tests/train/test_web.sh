# The page of a training that runs: `cnnc run --web`.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 30 --size 16 >/dev/null
cat >m.cnn <<'END_OF_MODEL'
model M {
    input data.shape -> conv 4, 3x3 -> relu -> maxpool 2 -> flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=30%
    resize 12x12
    scale 0..1
}
train {
    loss cross_entropy
    optimizer sgd, rate=0.0001
    batch 8
    checkpoint every=1000000 epochs
}
END_OF_MODEL
if "$CNNC" doctor | grep -q 'built without libmicrohttpd'; then
    expect 3 '--web: this cnnc serves no pages: it was built without libmicrohttpd (Debian: libmicrohttpd-dev)' "$CNNC" run m.cnn --web
    echo 'the page of a training is not tested: no libmicrohttpd'
    exit $failed
fi
expect 2 "--web: 'http' is no port, a number from 1 to 65535" "$CNNC" run m.cnn --web=http
expect 0 'the page of this training: http://127.0.0.1:' "$CNNC" run m.cnn --web --epochs 1
for what in requests browser; do
    python3 "$top/tests/train/web.py" "$CNNC" $what || wrong "$what"
done
exit $failed
