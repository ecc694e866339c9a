# `cache disk` in whole trainings: the bits of one without it, whatever happens to the file; built once, by one of several
# processes, and used by later trainings, evaluations and standalone trainers.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 60 --size 24 >/dev/null
cat >plain.cnn <<'END'
model Cached {
    input data.shape
    conv 4, 3x3 -> relu -> maxpool 2 -> dropout 10%
    flatten -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, test=10%, seed=1
    resize 16x16
    standardize
    augment { flip horizontal -> rotate 10deg }
}
train {
    batch 16
    epochs 3
}
END
sed 's/    resize 16x16/&\n    cache disk/' plain.cnn >disk.cnn
sed 's/    resize 16x16/&\n    cache memory/' plain.cnn >memory.cnn

# equal NAME: its weights and losses are those of the training without a cache.
equal() {
    same plain.safetensors "$1.safetensors" "$1: other weights"
    same plain.losses "$1.losses" "$1: other losses"
}
said() {
    grep -qF "$1" "$answer" || wrong "nothing of \"$1\": $(cat "$answer")"
}

trains plain plain.cnn --threads 2
trains memory memory.cnn --threads 3
equal memory
bytes=$((4096 + 180 * (16 * 16 * 3 + 8)))
expect 0 'disk: 140 KiB for decoded samples: ' "$CNNC" check disk.cnn
expect 0 ', 122 KiB of it for decoded samples' "$CNNC" check memory.cnn
ls cache/cnnc | grep samples && wrong 'check builds a cache'
trains built disk.cnn --threads 3
said 'cache: 0.1 MiB on disk for decoded samples: '
equal built
file=$(echo cache/cnnc/samples-*)
[ "$(stat -c %s "$file")" = $bytes ] || wrong "$file: $(stat -c %s "$file") bytes instead of $bytes"
expect 0 'disk: decoded samples, 140 KiB, are in ' "$CNNC" check disk.cnn

# ---- Nothing is decoded any more: the pictures are spoilt, and nobody notices ----
cp -a shapes good
find shapes -name '*.png' | while read -r picture; do
    touch -r "$picture" time
    head -c "$(stat -c %s "$picture")" /dev/zero >"$picture"
    touch -r time "$picture"
done
for threads in 1 3; do
    trains again disk.cnn --threads $threads
    said "cache: decoded samples are in $folder/$file"
    equal again
done
expect 0 'test  loss' "$CNNC" eval disk.cnn --weights again.safetensors --outputs disk.npy
said 'cache: decoded samples are in '
expect 0 'trainer' "$CNNC" build disk.cnn -o trainer
expect 0 'cache: decoded samples are in ' ./trainer --save trainer.safetensors
same plain.safetensors trainer.safetensors 'a standalone trainer: other weights'
expect 0 'cache: decoded samples are in ' ./trainer eval --weights trainer.safetensors
rm -r shapes
mv good shapes
expect 0 'test  loss' "$CNNC" eval plain.cnn --weights plain.safetensors --outputs plain.npy
same plain.npy disk.npy 'an evaluation with the cache: other outputs'

# ---- Damage ----
printf 'XXXX' | dd of="$file" bs=1 seek=$((4096 + 7 * 776)) conv=notrunc status=none
trains damaged disk.cnn
equal damaged
[ "$(grep -c '^warning: ' "$answer")" = 1 ] || wrong "not one warning: $(cat "$answer")"
said "warning: 1 sample of the cache $folder/$file was damaged, and read from the source again: shapes/disc/0007.png"
trains mended disk.cnn
equal mended
! grep -q '^warning: ' "$answer" || wrong 'a mended record is damaged again'

# ---- A build that is killed, and one that is stopped, are gone on with ----
for signal in KILL INT; do
    rm "$file"
    "$CNNC" run disk.cnn --epochs 100000 >stopped 2>&1 &
    training=$!
    for i in $(seq 200); do
        [ -e "$file.part" ] && break
        sleep 0.02
    done
    kill -$signal $training
    wait $training || true
    { [ -e "$file.part" ] || [ -e "$file" ]; } || wrong "SIG$signal: nothing is left: $(cat stopped)"
    trains $signal disk.cnn
    equal $signal
    [ -e "$file" ] && [ ! -e "$file.part" ] || wrong "SIG$signal: $(ls cache/cnnc)"
done

# ---- Several at once: one builds ----
rm "$file"
for i in 1 2 3 4; do
    "$CNNC" run disk.cnn --save many-$i.safetensors >many-$i.out 2>&1 &
done
wait
for i in 1 2 3 4; do
    same plain.safetensors many-$i.safetensors "several at once: other weights"
done
[ -e "$file" ] && [ ! -e "$file.part" ] || wrong "several at once: $(ls cache/cnnc)"
! grep -q warning many-*.out || wrong "several at once: $(grep warning many-*.out)"

# ---- Told by size, and removed when its pictures are gone ----
expect 0 "$folder/$file (of $folder/shapes)" "$CNNC" data clean
said 'removed: 0 files, 0 B; kept: 1 file, '
mv shapes good
: >cache/cnnc/half-01234567.tar.part
expect 0 ' of it: `cnnc data clean` removes that' "$CNNC" doctor
expect 0 "$folder/$file (of $folder/shapes, which is gone)" "$CNNC" data clean
said 'half-01234567.tar.part (nothing reads it any more)'
said 'removed: 2 files, '
[ -z "$(ls cache/cnnc | grep -v '\.o$\|sqlite' || true)" ] || wrong "clean leaves $(ls cache/cnnc)"
mv good shapes
trains anew disk.cnn
[ -e "$file" ] || wrong 'the file is not made anew'
mv "$file" "$file.part"
flock "$file.part" "$CNNC" data clean --all >"$answer"
said '(being built)'
mv "$file.part" "$file"
expect 0 'removed: 1 file, ' "$CNNC" data clean --all
[ ! -e "$file" ] || wrong 'clean --all leaves the file'
expect 2 'one argument too many' "$CNNC" data clean disk.cnn
expect 3 'cannot be made' env XDG_CACHE_HOME=/proc/none "$CNNC" data clean

# ---- No room; no folder ----
sed 's/cache disk/cache disk, folder="kept"/' disk.cnn >kept.cnn
status=0
bash -c 'ulimit -f 100; exec "$0" run kept.cnn --no-cache' "$CNNC" >"$answer" 2>&1 || status=$? # 100 KiB
[ $status = 3 ] || wrong "no room: exit code $status"
said "cnnc: error: 'cache disk' needs 0.1 MiB in 'kept/', and 0.1 MiB are free there: make room, or name another place"
[ -z "$(ls kept)" ] || wrong "no room, and $(ls kept) is left"
status=0
bash -c 'ulimit -f 100; exec "$0" check kept.cnn' "$CNNC" >"$answer" 2>&1 || status=$?
[ $status = 3 ] || wrong "check, no room: exit code $status"
said "'cache disk' needs 140 KiB of disk, and 100 KiB are free"
trains kept kept.cnn
equal kept
[ "$(ls kept | wc -l)" = 1 ] || wrong "the folder has $(ls kept)"
exit $failed
