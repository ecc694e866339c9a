# 100,000 files: what is kept of a folder that was opened before makes no other numbers, takes little memory, and is
# told of.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 1 --size 12 >/dev/null
python3 - <<'END'
import os, time
for root, each in ("many", 1000), ("few", 2):
    for c in range(100):
        os.makedirs("%s/class_%02d" % (root, c))
        first = "%s/class_%02d/picture_of_a_longer_name_000.png" % (root, c)
        os.link("shapes/%s/0000.png" % ["disc", "square", "triangle"][c % 3], first)
        for i in range(1, each):
            os.link(first, "%s/class_%02d/picture_of_a_longer_name_%03d.png" % (root, c, i))
        os.utime("%s/class_%02d" % (root, c), (1e9, 1e9))
    os.utime(root, (1e9, 1e9))
END
cat >many.cnn <<'END'
model A {
    input data.shape
    flatten -> dense data.classes -> softmax
}
data {
    folder "many"
    split validation=50%
    resize 12x12
}
train {
    loss cross_entropy -> optimizer sgd, rate=0.1
    batch 8
}
END
sed 's/many/few/' many.cnn >few.cnn
run() { # run NAME: some steps in the order that the seed gives
    expect 0 'weights written' "$CNNC" run many.cnn --steps 3 --save "$1.safetensors"
}
XDG_CACHE_HOME=/dev/null run without
[ ! -e cache/cnnc/names-* ] || wrong 'names were kept in a folder that was not meant'
run first
run again
same without.safetensors first.safetensors 'with what is kept for the first time: other weights'
same without.safetensors again.safetensors 'with what was kept: other weights'
expect 0 'data: 50,000 training, 50,000 validation, 0 test samples' "$CNNC" check many.cnn
grep -q "^names: kept in $folder/cache/cnnc/names-[0-9a-f]*, [0-9.]* MiB\$" "$answer" || wrong "names: $(cat "$answer")"
expect 0 'data: 100 training' "$CNNC" check few.cnn
! grep -q '^names:' "$answer" || wrong 'so few names are not worth a file'
python3 - "$CNNC" <<'END' || wrong 'memory of a sample'
import os, subprocess, sys
def peak(model):
    process = subprocess.Popen([sys.argv[1], "check", model], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return os.wait4(process.pid, 0)[2].ru_maxrss * 1024
if b"__asan_init" in open(sys.argv[1], "rb").read():
    sys.exit(0)
sample = (peak("many.cnn") - peak("few.cnn")) / 100000
assert sample < 20, "%g bytes" % sample
print("%.1f bytes a sample" % sample)
END
exit $failed
