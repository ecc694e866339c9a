# Each network of stdlib/, narrow and on small pictures, learns one batch by heart: within a few steps its loss falls.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 4 --size 32 >/dev/null

# learns FILE SIDE STATEMENT…: `dense data.classes -> softmax` follows, unless the statement has the classes.
learns() {
    local file=$1 side=$2 statement=${*:3} first last
    case $statement in *data.classes*) ;; *) statement="$statement -> dense data.classes" ;; esac
    cat >model.cnn <<END
import "$file"
model M {
    input data.shape
    $statement -> softmax
}
data {
    folder "shapes"
    resize ${side}x$side
    scale -1..1
    shuffle false
}
train {
    optimizer adam, rate=${RATE:-0.003}
    batch 12
    epochs 6
}
END
    expect 0 'epoch 6/6' "$CNNC" run model.cnn --log log.jsonl
    read -r first last < <(sed -n '/"step"/s/.*"loss": \([^,}]*\).*/\1/p' log.jsonl | awk 'NR == 1 { first = $1 } { last = $1 } END { print first, last }')
    awk -v first="$first" -v last="$last" 'BEGIN { exit !(last > 0 && last < 0.95 * first) }' ||
        wrong "$statement: the loss goes from $first to $last"
}

learns lenet 28 lenet5
learns vgg 32 vgg 1, 1, 1, 1, 1, normalize=true, width=8, hidden=32, dropout=0%
learns resnet 32 resnet 1, 1, 1, 1, width=8, small=true
learns resnet 40 resnet 1, 1, 1, 1, width=8, bottleneck=true
learns resnet 32 resnet_cifar 1, width=8
learns resnet9 32 resnet9 8
learns mobilenet 32 mobilenet_v1 0.25
learns mobilenet 32 mobilenet_v2 0.35, dropout=0%
learns mobilenet 32 mobilenet_v3_small 0.5, dropout=0%
learns shufflenet 32 shufflenet_v2 16, last=64
learns efficientnet 32 efficientnet 0.25, 0.5, dropout=0%, drop=0%
RATE=0.0005 learns squeezenet 40 squeezenet data.classes, dropout=0% # without batchnorm, and a ReLU behind it all
learns densenet 32 densenet 1, 1, 1, 1, growth=8, small=true
learns convnext 32 convnext 1, 1, 1, 1, width=16, patch=2, drop=0%, scale=0.5
exit $failed
