# Standalone trainers: the weights of `cnnc run` to the bit, with nothing of LLVM or cnnc in reach; any name for the
# executable; the executable is there whole or not at all.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_patterns.py" data --count 64
cat >m.cnn <<'END'
model Small {
    input data.shape
    conv 5, 3x3 -> batchnorm -> relu -> maxpool 2 -> dropout 20%
    flatten
    dense 12 -> relu
    dense data.classes -> softmax
}
data {
    idx "data"
    split validation=25%, seed=1
    standardize
}
train {
    optimizer adam, rate=0.01
    batch 12
    epochs 2
}
END

# ---- The same training, the same evaluation ----
expect 0 'weights written' "$CNNC" run m.cnn --save run.safetensors --log run.jsonl --threads 2
losses run.jsonl >run.losses
expect 0 'trainer' "$CNNC" build m.cnn -o trainer

# It needs libc and the image libraries only: run with a loader that finds no other.
ldd ./trainer | awk '{ print $1 }' | grep -vE '^(linux-vdso|/lib[0-9]*/ld|libc|libm|libpng16|libjpeg|libz|libasan|libubsan|libgcc_s|libdl|libpthread|librt)\b' \
    >needs || true
! ldd ./trainer | grep -q libasan || sed -i '/^libstdc++/d' needs # what the sanitizer itself needs
[ ! -s needs ] || wrong "the trainer needs $(cat needs)"
! grep -q 'libLLVM' ./trainer || wrong 'the trainer names the library of LLVM'
mkdir away
mv trainer away/
for threads in 1 3; do
    expect 0 'weights written' env -i away/trainer --threads $threads --save built.safetensors --log built.jsonl
    same run.safetensors built.safetensors "the trainer on $threads threads: other weights"
    losses built.jsonl | cmp -s run.losses || wrong "the trainer on $threads threads: other losses"
done
expect 0 'weights written' away/trainer train --steps 3 --seed 7 --save a.safetensors
expect 0 'weights written' "$CNNC" run m.cnn --steps 3 --seed 7 --save b.safetensors
same a.safetensors b.safetensors 'with a seed, 3 steps'
expect 0 'start from' away/trainer --start run.safetensors --batch 5 --epochs 1 --save a.safetensors
expect 0 'start from' "$CNNC" run m.cnn --start run.safetensors --set train.batch=5 --epochs 1 --save b.safetensors

# One whose data are scenes, or pictures, reads what cnnc reads: a TIFF of 4 x 4 values, where cnnc was built with libtiff.
if "$CNNC" doctor | grep -q '^  TIFF *libtiff'; then
    mkdir scene
    tag() { printf "$(printf '\\x%02x\\x%02x\\x03\\0\\1\\0\\0\\0\\x%02x\\0\\0\\0' $(($1 % 256)) $(($1 / 256)) $2)"; }
    {
        printf 'II*\0\x18\0\0\0\1\2\1\2\2\1\2\1\1\2\1\2\2\1\2\1\x09\0'
        for entry in '256 4' '257 4' '258 8' '259 1' '262 1' '273 8' '277 1' '278 4' '279 16'; do
            tag $entry
        done
        printf '\0\0\0\0'
    } >scene/s.tif
    printf 'data {\n multiband "s.tif", tile=1, mask="s.tif"\n}\nmodel S { input data.shape -> flatten -> dense data.classes -> softmax }\n%s' \
        'train { loss cross_entropy -> optimizer sgd, rate=0.1 -> epochs 1 }' >scene/s.cnn
    expect 0 'trainer' "$CNNC" build scene/s.cnn -o scene/trainer
    expect 0 '16 training' scene/trainer
    rm -r scene
fi

expect 0 'test  loss' "$CNNC" eval m.cnn --weights run.safetensors --outputs one.npy
sed -e 's/  [0-9]* images.*//' -e '/^outputs written/d' "$answer" >one.txt
expect 0 'test  loss' away/trainer eval --weights run.safetensors --outputs two.npy
sed -e 's/  [0-9]* images.*//' -e '/^outputs written/d' "$answer" >two.txt
same one.npy two.npy 'the outputs of eval'
same one.txt two.txt 'the loss of eval'
expect 0 'validation  loss' away/trainer eval --weights run.safetensors --validation
expect 0 'Small' away/trainer info
expect 0 '--epochs N' away/trainer --help

# Data are looked for beside the model, from wherever the trainer is called, or where one says.
mkdir other
(cd other && expect 0 'weights written' ../away/trainer --save ../c.safetensors && exit $failed) || failed=1
same run.safetensors c.safetensors 'from another folder'
cp -r data other/data
expect 0 'weights written' away/trainer --data-root other --save c.safetensors
same run.safetensors c.safetensors 'with --data-root'
expect 1 'nowhere' away/trainer --data-root nowhere

# ---- Mistakes ----
expect 2 "unknown flag '--epoch'" away/trainer --epoch 3
expect 2 '--epochs must be from 1' away/trainer --epochs 0
expect 2 "'fly' is not known here" away/trainer fly
expect 2 'compiled for at most 12' away/trainer --batch 13
expect 2 'needs --weights' away/trainer eval
expect 1 'missing.safetensors' away/trainer eval --weights missing.safetensors
expect 2 'not a weight file' away/trainer --save data/train-labels-idx1-ubyte
expect 2 'cannot write' away/trainer --save nowhere/w.safetensors
expect 3 'could not be written' sh -c 'away/trainer info >/dev/full'
mv data gone
expect 1 'data' away/trainer --save d.safetensors
mv gone data
[ ! -e d.safetensors ] || wrong 'weights without a training'

# ---- Names ----
ls -A >before
sort -o before before
count=0
while IFS= read -r name; do
    expect 0 'kernels in' "$CNNC" build m.cnn -o "$name"
    [ -x "./$name" ] && ./"$name" info >"$answer" 2>&1 || wrong "no program called $name"
    rm -f -- "./$name"
    count=$((count + 1))
done <<'END'
with blanks and more
-o
--help
@file
qu"ote'd
$(touch canary)
`touch canary`
a;touch canary
%n%s
*?
back\slash
Häßlich-名前
-Wl,--version
x.o
libz.a
END
[ $count = 15 ] || wrong "$count names"
newline=$(printf 'two\nlines')
expect 0 'kernels in' "$CNNC" build m.cnn "-o$newline"
rm -f "$newline"
long=$(printf '%255s' '' | tr ' ' n)
expect 2 'File name too long' "$CNNC" build m.cnn -o "$long"
mkdir 'a folder'
expect 0 'kernels in' "$CNNC" build m.cnn -o 'a folder/-t'
rm -r 'a folder'

# ---- There whole or not at all ----
expect 2 'cannot write' "$CNNC" build m.cnn -o nowhere/trainer
expect 2 'it is a folder' "$CNNC" build m.cnn -o data
expect 2 'not a regular file' "$CNNC" build m.cnn -o /dev/null
expect 2 'is the model itself' "$CNNC" build m.cnn -o ./m.cnn
expect 2 'is not a program' "$CNNC" build m.cnn -o data/train-labels-idx1-ubyte
expect 3 'linker' env PATH=/nowhere "$CNNC" build m.cnn -o t
expect 3 'cannot make a folder' env TMPDIR=/nowhere "$CNNC" build m.cnn -o t
status=0
bash -c 'ulimit -f 100; exec "$0" build m.cnn -o t' "$CNNC" >"$answer" 2>&1 || status=$? # 100 KiB: less than any trainer
{ [ $status = 3 ] && grep -q "cnnc: error: the linker 'cc' failed" "$answer"; } || wrong "no room: exit code $status: $(cat "$answer")"
mkdir tools
printf '#!/bin/sh\nexit 1\n' >tools/cc
chmod +x tools/cc
expect 3 "the linker 'cc' failed" env PATH="$folder/tools" "$CNNC" build m.cnn -o t
# Stopped while it links: by a linker that takes its time.
printf '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho half >"$2"\n/bin/touch linking\nexec /bin/sleep 60\n' >tools/cc
mkdir temporary
(
    TMPDIR=$folder/temporary PATH=$folder/tools exec "$CNNC" build m.cnn -o t
) >stopped 2>&1 &
building=$!
for i in $(seq 100); do
    [ -e linking ] && break
    sleep 0.1
done
kill -TERM $(ps -o pid= --ppid $building)
sleep 0.03 # as when Ctrl-C reaches the linker first
kill -TERM $building
status=0
wait $building || status=$?
[ $status = 130 ] || wrong "a build that is stopped: exit code $status: $(cat stopped)"
[ -z "$(ls -A temporary)" ] || wrong "a build that is stopped leaves $(ls -A temporary)"
rm -rf tools temporary linking stopped
ls -A >after
sort after | diff before - | grep '^[<>]' | grep -vx '> after' && wrong 'left behind'
exit $failed
