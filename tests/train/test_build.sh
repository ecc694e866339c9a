# What `cnnc build` builds beside a plain trainer (test_trainer.sh): with weights inside, for several processors, static, for
# another kind of machine. Each trains to the bits of `cnnc run`.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
machine=$(uname -m)
static=--static
if grep -q '^CNNC_SANITIZE:BOOL=ON' "$CNNC_BUILD/CMakeCache.txt"; then
    static= # with sanitizers there are no static programs
fi
python3 "$top/tests/data/make_patterns.py" data --count 48
cat >m.cnn <<'END'
model Small {
    input data.shape
    conv 5, 3x3 -> batchnorm -> relu -> maxpool 2
    flatten
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
# answers FILE: of an evaluation, without the time.
answers() {
    sed -e 's/  [0-9]* images.*//' "$answer" >"$1"
}

# ---- Weights inside ----
trains run m.cnn --no-out
trains onward m.cnn --no-out --start run.safetensors --epochs 1
expect 0 'trainer' "$CNNC" build m.cnn -o trainer --embed-weights run.safetensors
expect 0 'test  loss' "$CNNC" eval m.cnn --weights run.safetensors
answers wanted
mv run.safetensors gone.safetensors
expect 0 'test  loss' ./trainer eval
answers found
same wanted found 'an evaluation by the weights inside'
expect 0 'start from the weights inside: ' ./trainer --epochs 1 --out on --save inside.safetensors
same onward.safetensors inside.safetensors 'a training from the weights inside'
expect 0 'weights written' ./trainer --no-embedded-weights --no-out --save fresh.safetensors
same gone.safetensors fresh.safetensors 'a training that leaves the weights inside alone'
expect 2 'needs --weights' ./trainer eval --no-embedded-weights
expect 0 'a training starts from them' ./trainer --help
expect 0 'run.safetensors, ' ./trainer info
./trainer info --model >model.cnn
expect 0 'weights written' "$CNNC" run model.cnn --no-out --save again.safetensors
same gone.safetensors again.safetensors 'the model inside'
expect 0 'm.cnn:3:5' ./trainer info --kernels
mv gone.safetensors run.safetensors
sed 's/conv 5/conv 6/' m.cnn >wider.cnn
expect 1 '--embed-weights: ' "$CNNC" build wider.cnn -o t --embed-weights run.safetensors
expect 1 '--embed-weights: ' "$CNNC" build m.cnn -o t --embed-weights nowhere.safetensors
expect 0 'kernels' "$CNNC" build m.cnn -o elsewhere --data-root "$folder/other"
mkdir other away
expect 1 "data" env -C away ../elsewhere --no-out
cp -r data other/data
expect 0 'weights written' env -C away ../elsewhere --no-out --save ../elsewhere.safetensors
same run.safetensors elsewhere.safetensors 'with --data-root when it was built'

# What is no file is not replaced by one.
mkdir folder
mkfifo pipe
expect 2 "cannot write '/dev/null': it is not a regular file" "$CNNC" build m.cnn -o /dev/null
expect 2 "cannot write 'pipe': it is not a regular file" "$CNNC" build m.cnn --bare pipe --embed-weights run.safetensors
expect 2 "cannot write 'folder': it is a folder" "$CNNC" build m.cnn -o folder
[ -c /dev/null ] && [ -p pipe ] && [ -d folder ] || wrong 'a build replaced what is no file'

# ---- Several processors ----
expect 2 '--march and --cpu contradict' "$CNNC" build m.cnn -o t --march native --cpu native
expect 2 "--march: there is no CPU 'x86-64-v5'; did you mean" "$CNNC" build m.cnn -o t --march x86-64,x86-64-v5 --target x86_64-linux-gnu
expect 2 '--march: native stands there twice' "$CNNC" build m.cnn -o t --march native,native
expect 2 '--march names no processor' "$CNNC" build m.cnn -o t --march ,
expect 3 'there is no runtime for' "$CNNC" build m.cnn -o t --target riscv64-linux-gnu
other=aarch64 triple=aarch64-linux-gnu
[ $machine = x86_64 ] || other=x86-64 triple=x86_64-linux-gnu
expect 3 '--target says for which machine' "$CNNC" build m.cnn -o t --march native,$other
expect 0 'kernels' "$CNNC" build m.cnn -o t --march native
expect 0 'weights written' ./t --no-out --save native.safetensors
same run.safetensors native.safetensors '--march native'
if [ $machine = x86_64 ]; then
    expect 0 'for x86-64-v4, x86-64-v3, x86-64-v2 in' "$CNNC" build m.cnn -o several --march x86-64-v2,x86-64-v3,x86-64-v4 $static
    expect 0 'runs here' ./several info
    fused=$(grep -c 'x86-64-v[34]: runs here' "$answer" || true)
    expect 0 'weights written' ./several --no-out --threads 1 --save several.safetensors
    expect 0 'weights written' ./several --no-out --threads 2 --save again.safetensors
    same several.safetensors again.safetensors 'several processors, on two threads'
    [ $fused = 0 ] || same run.safetensors several.safetensors 'several processors'
fi
if [ $machine = x86_64 ] && [ $static ] && command -v qemu-x86_64-static >/dev/null; then
    # Processors that a machine of today is not.
    expect 0 'x86-64-v2: runs here' qemu-x86_64-static -cpu Nehalem ./several info
    expect 0 'weights written' qemu-x86_64-static -cpu Nehalem ./several --no-out --steps 2 --threads 1 --save v2.safetensors
    expect 0 'kernels' "$CNNC" build m.cnn -o v2 --march x86-64-v2
    expect 0 'weights written' ./v2 --no-out --steps 2 --save v2-here.safetensors
    same v2.safetensors v2-here.safetensors 'the version for x86-64-v2, emulated'
    expect 3 'built for other CPUs than this one: for x86-64-v4 it lacks ' qemu-x86_64-static -cpu core2duo ./several
    expect 3 '; for x86-64-v2 it lacks ' qemu-x86_64-static -cpu core2duo ./several
    expect 0 'not on this one, which lacks' qemu-x86_64-static -cpu core2duo ./several info
else
    echo 'skipped: other processors of this kind (no qemu-x86_64-static, or no static programs)'
fi
if [ ! $static ]; then
    echo 'skipped: static programs (cnnc is built with sanitizers)'
    exit $failed
fi

# ---- Static, where there is nothing ----
# examples/seed42 in small: pictures in folders of their class, dropout, a checkpoint now and then.
python3 "$top/tests/data/make_shapes.py" shapes --count 12 --size 16 >/dev/null
cat >photos.cnn <<'END'
model Photos {
    input data.shape
    conv 8, 3x3 -> relu -> maxpool 2 -> dropout 30%
    conv 12, 3x3 -> relu -> maxpool 2 -> dropout 20%
    flatten
    dense 16 -> relu -> dropout 15%
    dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, seed=1
    resize 16x16
    scale 0..1
}
train {
    loss cross_entropy
    optimizer adam
    batch 8
    epochs 200
    checkpoint every=3 steps
}
END
expect 0 'note: it cannot read pictures in TIFF' "$CNNC" build photos.cnn -o photos --static
! readelf -l photos | grep -q INTERP || wrong 'the static trainer has a loader'
mkdir -p jail
cp -r photos shapes jail/
jailed() {
    if [ "$(id -u)" = 0 ]; then chroot jail "$@"; else unshare -r -R jail "$@"; fi
}
if jailed /photos info >/dev/null 2>&1; then
    trains photos photos.cnn --no-out
    # The pipe holds fewer events than the training has, which so cannot end before it is killed.
    mkfifo events
    jailed /photos --data-root / --out /run --json --threads 1 >events &
    exec 3<events
    while read -r event <&3; do
        case $event in *'"checkpoint"'*) break ;; esac
    done
    pkill -KILL -P $! || wrong 'the training in the jail was over before it could be killed'
    exec 3<&-
    wait $! 2>/dev/null || true
    expect 0 '' jailed /photos --data-root / --resume=/run --save /w.safetensors
    same photos.safetensors jail/w.safetensors 'trained, killed and gone on with in an empty chroot'
    expect 0 'loss' jailed /photos eval --data-root / --weights /run/last.safetensors
    picture=$(cd jail && ls shapes/*/*.png | head -n 1)
    expect 0 "/$picture" jailed /photos predict --weights /run/best.safetensors "/$picture"
else
    echo 'skipped: a static trainer in an empty chroot (neither root nor unshare -r)'
fi
sed 's/standardize/standardize -> pca 5/' m.cnn >pca.cnn
if "$CNNC" check pca.cnn >/dev/null 2>&1; then
    expect 0 'kernels' "$CNNC" build pca.cnn -o t --static
    expect 3 'a static program loads no libraries' ./t
fi

# ---- Another kind of machine ----
emulator=qemu-${triple%%-*}-static
if ! "$CNNC" build m.cnn -o t --target $triple --static >"$answer" 2>&1 && grep -q 'there is no runtime for' "$answer"; then
    echo "skipped: trainers for $triple (no cross compiler when cnnc was built)"
elif ! command -v $emulator >/dev/null; then
    echo "skipped: trainers for $triple (no $emulator)"
else
    expect 0 'note: it cannot read ' "$CNNC" build m.cnn -o arm --target $triple --static --embed-weights run.safetensors
    expect 0 'runs here' $emulator ./arm info
    expect 0 'test  loss' $emulator ./arm eval
    expect 0 'weights written' $emulator ./arm --no-embedded-weights --no-out --steps 4 --threads 2 --log arm.jsonl --save arm.safetensors
    trains here m.cnn --no-out --steps 4
    losses arm.jsonl >arm.losses
    near_losses here.losses arm.losses 1e-4 "a training on $triple"
    expect 0 'kernels' "$CNNC" build m.cnn -o arm-shared --target $triple
    expect 0 'runs here' $emulator -L /usr/$triple ./arm-shared info
    # What its runtime cannot read, it says.
    mkdir packed
    for file in data/*; do gzip -c "$file" >"packed/${file#data/}.gz"; done
    sed 's/"data"/"packed"/' m.cnn >packed.cnn
    expect 0 'kernels' "$CNNC" build packed.cnn -o t --target $triple --static
    [ -e /usr/lib/$triple/libz.a ] || expect 3 'this program was built without zlib' $emulator ./t
    expect 0 'kernels' "$CNNC" build photos.cnn -o t --target $triple --static
    [ -e /usr/lib/$triple/libpng.a ] || expect 1 'this program was built without libpng' $emulator ./t
fi
exit $failed
