# `cnnc data pack` as a user calls it: the cache that a training would build, its bar, its mistakes.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 24 --size 12 >/dev/null
cat >m.cnn <<'END'
model A {
    input data.shape
    flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, seed=1
    resize 12x12
    cache disk, folder="kept"
}
train {
    loss cross_entropy -> optimizer sgd, rate=0.1
}
END
head -c 200 shapes/disc/0003.png >cut.png
mv cut.png shapes/disc/0003.png
expect 0 'weights written' "$CNNC" run m.cnn --save trained.safetensors
mv kept trained
expect 0 '72 samples packed in ' "$CNNC" data pack m.cnn --threads 3
grep -q '^cache: 0.0 MiB on disk for decoded samples: kept/samples-' "$answer" || wrong "where it is: $(cat "$answer")"
grep -qxF '1 of them cannot be read, and are left to the training; the first: shapes/disc/0003.png: truncated PNG' "$answer" ||
    wrong "what cannot be read: $(cat "$answer")"
for file in trained/*; do
    same "$file" "kept/${file##*/}" 'packed, and built by a training'
done
expect 0 'cache: decoded samples are in kept/samples-' "$CNNC" data pack m.cnn
expect 0 'cache: decoded samples are in kept/samples-' "$CNNC" run m.cnn --save packed.safetensors
same trained.safetensors packed.safetensors 'trained from the packed samples: other weights'
grep -qF '1 sample of the training part could not be read and left out:' "$answer" || wrong "skipped: $(cat "$answer")"

# ---- What cannot be ----
sed 's/ *cache disk.*//' m.cnn >without.cnn
expect 1 "without.cnn does not say 'cache disk' in its data section" "$CNNC" data pack without.cnn
sed 's/cache disk.*/cache memory/' m.cnn >memory.cnn
expect 1 "memory.cnn does not say 'cache disk' in its data section" "$CNNC" data pack memory.cnn
sed '/^data/,/^}/d; s/data.shape/12x12x3/; s/data.classes/3/' m.cnn >none.cnn
expect 1 "none.cnn has no 'data' section" "$CNNC" data pack none.cnn
rm -r kept
mkdir kept
file=kept/$(ls trained)
exec 9>"$file.part"
flock 9
expect 3 "another process is building $file" "$CNNC" data pack m.cnn
exec 9>&-
rm -r kept

# On a terminal there is a bar, which is gone at the end; in a file there is none.
python3 - "$CNNC" <<'END' || wrong 'the bar'
import os, pty, shutil, subprocess, sys
def errors_of(terminal):
    here, there = pty.openpty() if terminal else os.pipe()
    subprocess.run([sys.argv[1], "data", "pack", "m.cnn"], stdout=subprocess.DEVNULL, stderr=there, env=os.environ | {"TERM": "xterm"})
    shutil.rmtree("kept")
    os.close(there) if not terminal else None
    return os.read(here, 65536).decode()
assert "packing  [" in errors_of(True) and "\r\033[K" in errors_of(True)
assert "packing" not in errors_of(False)
END
exit $failed
